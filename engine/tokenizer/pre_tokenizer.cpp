#include "engine/tokenizer/pre_tokenizer.h"

#include <array>
#include <string>

#include "engine/base/utf8.h"

namespace engine {
namespace {

constexpr std::int64_t kMaxStages = 16;

// What ByteLevel with use_regex cuts at: GPT-2's own pattern.
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

struct NamedPatterns {
  std::string_view name;
  std::array<std::string_view, 6> patterns;  // empty: unused
};

constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";
constexpr std::string_view kCjk = R"([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)";
constexpr std::string_view kDeepseekWords =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Letters with case as DeepSeek's older tokenizers list them: fewer than Unicode has.
constexpr std::string_view kDeepseekLetters =
    R"(\s?[)"
    R"(A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293}\x{295}-\x{2af})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1})"
    R"(\x{3a3}-\x{3f5}\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531}-\x{556}\x{10a0}-\x{10c5}\x{13a0}-\x{13f5})"
    R"(\x{13f8}-\x{13fd}\x{1c90}-\x{1cba}\x{1cbd}-\x{1cbf}\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77})"
    R"(\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15}\x{1f18}-\x{1f1d}\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d})"
    R"(\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d}\x{1f5f}-\x{1f7d}\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe})"
    R"(\x{1fc2}-\x{1fc4}\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb}\x{1fe0}-\x{1fec})"
    R"(\x{1ff2}-\x{1ff4}\x{1ff6}-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d}\x{2124})"
    R"(\x{2126}\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f}\x{2145}-\x{2149}\x{214e})"
    R"(\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4}\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d})"
    R"(\x{a680}-\x{a69b}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{ab70}-\x{abbf})"
    R"(\x{fb00}-\x{fb06}\x{fb13}-\x{fb17}\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{10400}-\x{1044f})"
    R"(\x{104b0}-\x{104d3}\x{104d8}-\x{104fb}\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df})"
    R"(\x{1e900}-\x{1e943})"
    R"(]+)";
constexpr std::string_view kDeepseekMarks =
    R"(\s?[!-\/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)";
constexpr std::string_view kDeepseekSyllables = R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)";
constexpr std::string_view kGlmWords =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::array<NamedPatterns, 5> kNamed = {{
    {"deepseek-v3", {kThreeDigits, kCjk, kDeepseekWords, "", "", ""}},
    {"deepseek-llm", {R"([\r\n])", kDeepseekLetters, kDeepseekMarks, R"(\s+$)", kDeepseekSyllables, R"(\p{N})"}},
    {"glm4", {kGlmWords, "", "", "", "", ""}},
    {"chatglm-bpe", {kGlmWords, "", "", "", "", ""}},
    {"gpt-2", {kGpt2, "", "", "", "", ""}},
}};

}  // namespace

Result<void> PreTokenizer::add_stage(const JsonValue& value, std::vector<SplitPattern>& stages, bool& done) {
  TRY_ASSIGN(const JsonValue type_value, value.at("type"));
  TRY_ASSIGN(const std::string_view type, type_value.string());
  if (done) return value.error(ErrorCode::kUnsupported, "comes after ByteLevel; only pre-tokenizers before it are supported.");
  if (type == "Split") {
    TRY_ASSIGN(const std::string behavior, value.string_or("behavior", ""));
    if (behavior != "Isolated") {
      return value.error(ErrorCode::kUnsupported, "splits with the behavior \"" + behavior + "\"; only \"Isolated\" is supported.");
    }
    TRY_ASSIGN(const JsonValue pattern, value.at("pattern"));
    const auto regex = pattern.find("Regex");
    TRY_ASSIGN(const JsonValue source, regex ? Result<JsonValue>(*regex) : pattern.at("String"));
    TRY_ASSIGN(const std::string_view text, source.string());
    TRY_ASSIGN(SplitPattern stage, SplitPattern::compile(text, regex ? SplitPattern::Syntax::kRegex
                                                                      : SplitPattern::Syntax::kLiteral));
    stages.push_back(std::move(stage));
  } else if (type == "Digits") {
    TRY_ASSIGN(const bool individual, value.boolean_or("individual_digits", false));
    TRY_ASSIGN(SplitPattern stage,
               SplitPattern::compile(individual ? R"(\p{N})" : R"(\p{N}+)", SplitPattern::Syntax::kRegex));
    stages.push_back(std::move(stage));
  } else if (type == "ByteLevel") {
    TRY_ASSIGN(const bool add_space, value.boolean_or("add_prefix_space", true));
    if (add_space) {
      return value.error(ErrorCode::kUnsupported,
                         "puts a space before each text (add_prefix_space); such tokenizers do not give the text back and are not supported.");
    }
    TRY_ASSIGN(const bool use_regex, value.boolean_or("use_regex", true));
    if (use_regex) {
      TRY_ASSIGN(SplitPattern stage, SplitPattern::compile(kGpt2, SplitPattern::Syntax::kRegex));
      stages.push_back(std::move(stage));
    }
    done = true;
  } else {
    return value.error(ErrorCode::kUnsupported, "is of the type \"" + std::string(type) +
                                                    "\"; supported are Split, Digits and ByteLevel.");
  }
  return {};
}

Result<PreTokenizer> PreTokenizer::from_json(const JsonValue& value) {
  TRY(value.object());
  std::vector<SplitPattern> stages;
  bool done = false;
  TRY_ASSIGN(const std::string type, value.string_or("type", ""));
  if (type == "Sequence") {
    TRY_ASSIGN(const JsonValue parts, value.at("pretokenizers"));
    TRY(parts.array());
    if (parts.size() > kMaxStages) return parts.error(ErrorCode::kUnsupported, "has more than 16 parts.");
    for (std::int64_t i = 0; i < parts.size(); ++i) TRY(add_stage(parts[i], stages, done));
  } else {
    TRY(add_stage(value, stages, done));
  }
  if (!done) return value.error(ErrorCode::kUnsupported, "has no ByteLevel; only byte-level tokenizers are supported.");
  return PreTokenizer(std::move(stages));
}

Result<PreTokenizer> PreTokenizer::from_name(std::string_view name) {
  std::string known;
  for (const NamedPatterns& row : kNamed) {
    known += (known.empty() ? "" : ", ") + std::string(row.name);
    if (row.name != name) continue;
    std::vector<SplitPattern> stages;
    for (const std::string_view pattern : row.patterns) {
      if (pattern.empty()) continue;
      TRY_ASSIGN(SplitPattern stage, SplitPattern::compile(pattern, SplitPattern::Syntax::kRegex));
      stages.push_back(std::move(stage));
    }
    return PreTokenizer(std::move(stages));
  }
  return Error{ErrorCode::kUnsupported,
               "The pre-tokenizer \"" + std::string(name) + "\" is not supported; supported are " + known + "."};
}

std::vector<std::uint32_t> PreTokenizer::split(std::string_view text) const {
  std::vector<std::uint32_t> sizes;
  // Prompts are encoded in thousands of short texts; making the scratch space anew costs more than most of them.
  thread_local SplitPattern::Scratch scratch;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size()) {
      const Utf8Step step = next_utf8(text, end);
      if (step.kind != Utf8Kind::kValid) break;
      end += step.size;
    }
    if (end > begin) split_valid(text.substr(begin, end - begin), scratch, sizes);
    begin = end;
    while (end < text.size()) {
      const Utf8Step step = next_utf8(text, end);
      if (step.kind == Utf8Kind::kValid) break;
      end += step.size;
    }
    if (end > begin) sizes.push_back(static_cast<std::uint32_t>(end - begin));
    begin = end;
  }
  return sizes;
}

void PreTokenizer::split_valid(std::string_view text, SplitPattern::Scratch& scratch,
                               std::vector<std::uint32_t>& sizes) const {
  std::vector<std::uint32_t> pieces = {static_cast<std::uint32_t>(text.size())};
  std::vector<std::uint32_t> finer;
  for (const SplitPattern& stage : stages_) {
    finer.clear();
    std::size_t begin = 0;
    bool gave_up = false;  // a pattern that needs too many steps once would need them again and again
    for (const std::uint32_t size : pieces) {
      const std::string_view piece = text.substr(begin, size);
      std::size_t at = 0;
      while (!gave_up && at < piece.size()) {
        const SplitPattern::Match match = stage.find(piece, at, scratch);
        gave_up = match.gave_up;
        if (match.begin == match.end) break;
        if (match.begin > at) finer.push_back(static_cast<std::uint32_t>(match.begin - at));
        finer.push_back(static_cast<std::uint32_t>(match.end - match.begin));
        at = match.end;
      }
      if (at < piece.size()) finer.push_back(static_cast<std::uint32_t>(piece.size() - at));
      begin += size;
    }
    pieces.swap(finer);
  }
  sizes.insert(sizes.end(), pieces.begin(), pieces.end());
}

}  // namespace engine
