#include "engine/tokenizer/split_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <ctime>

namespace engine {
namespace {

// Enough for a megabyte of anything that the known patterns can meet; a pattern that backtracks
// exponentially reaches it within a fraction of a second.
constexpr std::uint32_t kMaxSteps = 10'000'000;
// A linear pattern takes milliseconds for this much, a quadratic one half a second and more.
constexpr std::size_t kProbeBytes = 32'768;
constexpr double kMaxProbeSeconds = 0.2;
constexpr std::size_t kMaxPattern = 65'536;
constexpr std::size_t kMaxJitStack = std::size_t{1} << 20;

// White_Space of Unicode. PCRE2's own \s counts U+180E as well.
constexpr std::string_view kSpaces =
    "\\x09-\\x0d\\x20\\x85\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";

/// Walks an Oniguruma pattern once and writes PCRE2's.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  Result<std::string> run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\') {
        TRY(escape());
      } else if (in_class_) {
        TRY(inside_class(c));
      } else {
        TRY(outside_class(c));
      }
    }
    return std::move(out_);
  }

 private:
  Error refuse(std::string_view what) const {
    return Error{ErrorCode::kUnsupported,
                 "The tokenizer's pattern " + std::string(in_) + " uses " + std::string(what) + ", which is not supported."};
  }

  Result<void> escape() {
    if (at_ + 1 == in_.size()) return refuse("a backslash at its end");
    const char c = in_[at_ + 1];
    at_ += 2;
    if (c == 's') {
      out_ += in_class_ ? std::string(kSpaces) : "[" + std::string(kSpaces) + "]";
    } else if (c == 'S') {
      out_ += in_class_ ? "\\S" : "[^" + std::string(kSpaces) + "]";
    } else if (c == 'v') {
      out_ += "\\x0b";  // PCRE2: every vertical space
    } else if (c == 'u') {
      const std::string_view digits = in_.substr(std::min(at_, in_.size()), 4);
      if (digits.size() != 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        return refuse("\\u without four digits");
      }
      out_ += "\\x{" + std::string(digits) + "}";
      at_ += 4;
    } else if (std::strchr("dDwWpPrntfxabB", c) || !std::isalnum(static_cast<unsigned char>(c))) {
      out_ += '\\';
      out_ += c;
      if (std::strchr("pPx", c) && at_ < in_.size() && in_[at_] == '{') {
        const auto end = in_.find('}', at_);
        if (end == std::string_view::npos) return refuse("{ without }");
        out_ += in_.substr(at_, end + 1 - at_);
        at_ = end + 1;
      }
    } else {
      return refuse(std::string("\\") + c);
    }
    return {};
  }

  Result<void> inside_class(char c) {
    if (c == '[' && in_.substr(at_, 2) != "[:") return refuse("a class inside a class");
    if (in_.substr(at_, 2) == "&&") return refuse("&& inside a class");
    if (c == '[') {
      const auto end = in_.find(":]", at_);
      if (end == std::string_view::npos) return refuse("[: without :]");
      out_ += in_.substr(at_, end + 2 - at_);
      at_ = end + 2;
      return {};
    }
    if (c == ']') in_class_ = false;
    out_ += c;
    ++at_;
    return {};
  }

  Result<void> outside_class(char c) {
    // Oniguruma reads a{1,3}+ as (a{1,3})+, PCRE2 as "and never go back".
    if (c == '}' && at_ + 1 < in_.size() && in_[at_ + 1] == '+') return refuse("{...}+");
    if (c == '{' && at_ + 1 < in_.size() && in_[at_ + 1] == ',') return refuse("{,n}");
    if (in_.substr(at_, 3) == "(*V" || in_.substr(at_, 2) == "(*") return refuse("a verb (*...)");
    if (in_.substr(at_, 3) == "(?#" || in_.substr(at_, 3) == "(?{" || in_.substr(at_, 3) == "(?C") {
      return refuse(in_.substr(at_, 3));
    }
    out_ += c;
    ++at_;
    if (c != '[') return {};
    in_class_ = true;
    if (at_ < in_.size() && in_[at_] == '^') {
      out_ += '^';
      ++at_;
    }
    if (at_ < in_.size() && in_[at_] == ']') return refuse("an empty class");
    return {};
  }

  std::string_view in_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

void SplitPattern::Free::operator()(void* code) const { pcre2_code_free(static_cast<pcre2_code*>(code)); }

SplitPattern::Scratch::Scratch()
    : match_data_(pcre2_match_data_create(1, nullptr)),
      context_(pcre2_match_context_create(nullptr)),
      stack_(pcre2_jit_stack_create(32 * 1024, kMaxJitStack, nullptr)) {
  CHECK(match_data_ && context_);
  auto* context = static_cast<pcre2_match_context*>(context_);
  pcre2_set_match_limit(context, kMaxSteps);
  pcre2_set_heap_limit(context, 64 * 1024);  // KiB
  if (stack_) pcre2_jit_stack_assign(context, nullptr, stack_);
}

SplitPattern::Scratch::~Scratch() {
  pcre2_jit_stack_free(static_cast<pcre2_jit_stack*>(stack_));
  pcre2_match_context_free(static_cast<pcre2_match_context*>(context_));
  pcre2_match_data_free(static_cast<pcre2_match_data*>(match_data_));
}

Result<std::string> SplitPattern::translate(std::string_view pattern) { return Translator(pattern).run(); }

Result<SplitPattern> SplitPattern::compile(std::string_view pattern, Syntax syntax) {
  if (pattern.empty() || pattern.size() > kMaxPattern) {
    return Error{ErrorCode::kUnsupported, "The tokenizer has a pattern of " + std::to_string(pattern.size()) +
                                              " bytes; 1 to " + std::to_string(kMaxPattern) + " are supported."};
  }
  std::string source(pattern);
  std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  if (syntax == Syntax::kLiteral) {
    options = PCRE2_UTF | PCRE2_LITERAL;
  } else {
    TRY_ASSIGN(source, translate(pattern));
  }
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), 64);
  int fault = 0;
  std::size_t where = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(), options, &fault, &where,
                                   context.get());
  if (!code) {
    std::array<unsigned char, 256> why{};
    pcre2_get_error_message(fault, why.data(), why.size());
    return Error{ErrorCode::kUnsupported, "The tokenizer's pattern " + std::string(pattern) +
                                              " cannot be used: " + reinterpret_cast<const char*>(why.data()) + "."};
  }
  SplitPattern made(code);
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it is not available, pcre2_match interprets

  TRY(made.probe(pattern));
  return made;
}

Result<void> SplitPattern::probe(std::string_view pattern) const {
  const Error too_slow{ErrorCode::kUnsupported, "The tokenizer's pattern " + std::string(pattern) +
                                                    " takes too long on simple text and is not used."};
  Scratch scratch;
  for (const std::string_view part : {"a", " ", "1", "\n", ".", "a ", "a1", "\t\n", "\xE4\xB8\x80", "' "}) {
    std::string text;
    while (text.size() < kProbeBytes) text += part;
    const double start = thread_seconds();
    for (std::size_t from = 0; from < text.size();) {
      const Match match = find(text, from, scratch);
      if (match.gave_up || thread_seconds() - start > kMaxProbeSeconds) return too_slow;
      if (match.begin == match.end) break;
      from = match.end;
    }
  }
  return {};
}

SplitPattern::Match SplitPattern::find(std::string_view text, std::size_t from, Scratch& scratch) const {
  auto* data = static_cast<pcre2_match_data*>(scratch.match_data_);
  auto* context = static_cast<pcre2_match_context*>(scratch.context_);
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  constexpr std::uint32_t kOptions = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
  int found = pcre2_match(code, subject, text.size(), from, kOptions, data, context);
  // The interpreter keeps its backtracking on the heap and can go on where the JIT's stack ends.
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = pcre2_match(code, subject, text.size(), from, kOptions | PCRE2_NO_JIT, data, context);
  }
  if (found == PCRE2_ERROR_NOMATCH) return {};
  const std::size_t* ends = pcre2_get_ovector_pointer(data);
  if (found < 0 || ends[0] >= ends[1]) return {0, 0, true};
  return {ends[0], ends[1], false};
}

}  // namespace engine
