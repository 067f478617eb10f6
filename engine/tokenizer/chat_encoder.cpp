#include "engine/tokenizer/chat_encoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "engine/base/utf8.h"

namespace engine {
namespace {

constexpr const char* kBos = "<｜begin▁of▁sentence｜>";
constexpr const char* kEos = "<｜end▁of▁sentence｜>";
constexpr const char* kUser = "<｜User｜>";
constexpr const char* kAssistant = "<｜Assistant｜>";
constexpr const char* kThink = "<think>";
constexpr const char* kEndThink = "</think>";

/// The prompt while it grows.
class Writer {
 public:
  Writer& control(std::string_view name) {
    pieces_.push_back({PromptPiece::Kind::kControl, std::string(name), -1});
    return *this;
  }
  Writer& text(std::string_view text) {
    if (!text.empty()) pieces_.push_back({PromptPiece::Kind::kText, std::string(text), -1});
    return *this;
  }
  Writer& content(const std::vector<PromptPiece>& pieces) {
    pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
    return *this;
  }
  std::vector<PromptPiece> take() { return std::move(pieces_); }

 private:
  std::vector<PromptPiece> pieces_;
};

/// -1 when nobody asks anything.
std::int64_t last_user(const std::vector<ChatMessage>& messages) {
  for (auto i = static_cast<std::int64_t>(messages.size()) - 1; i >= 0; --i) {
    if (messages[static_cast<std::size_t>(i)].role == Role::kUser) return i;
  }
  return -1;
}

/// The system messages in one, where a format wants them all at the start.
void write_systems(const std::vector<ChatMessage>& messages, std::string_view between, Writer& writer) {
  bool first = true;
  for (const ChatMessage& message : messages) {
    if (message.role != Role::kSystem) continue;
    if (!std::exchange(first, false)) writer.text(between);
    writer.content(message.content);
  }
}

/// V3.2: encoding_dsv32 of the model's repository. A user turn already holds the assistant's marker
/// and its thinking tag; thinking of answers before the last question is dropped.
class DeepseekV32 final : public ChatEncoder {
 public:
  std::vector<PromptPiece> encode(const std::vector<ChatMessage>& messages, bool thinking) const override {
    Writer writer;
    writer.control(kBos);
    const std::int64_t last = last_user(messages);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(messages.size()); ++i) {
      const ChatMessage& message = messages[static_cast<std::size_t>(i)];
      switch (message.role) {
        case Role::kSystem:
          writer.content(message.content);
          break;
        case Role::kUser:
          writer.control(kUser).content(message.content).control(kAssistant);
          writer.control(i == last && thinking ? kThink : kEndThink);
          break;
        case Role::kAssistant:
          if (thinking && i > last) writer.text(message.reasoning).control(kEndThink);
          writer.content(message.content).control(kEos);
          break;
      }
    }
    return writer.take();
  }
};

enum class Opening { kBare, kTag, kTagAndLine };

/// V3, R1 and V3.1: the system text first, then turns; they differ in what follows the assistant's
/// marker, in history and at the end.
class DeepseekV3 final : public ChatEncoder {
 public:
  explicit DeepseekV3(Opening opening) : opening_(opening) {}

  std::vector<PromptPiece> encode(const std::vector<ChatMessage>& messages, bool thinking) const override {
    Writer writer;
    writer.control(kBos);
    write_systems(messages, "\n\n", writer);
    bool asked = false;
    for (const ChatMessage& message : messages) {
      if (message.role == Role::kUser) writer.control(kUser).content(message.content);
      if (message.role == Role::kAssistant) {
        if (opening_ != Opening::kTag || asked) writer.control(kAssistant);
        if (opening_ == Opening::kTag && asked) writer.control(kEndThink);
        writer.content(message.content).control(kEos);
      }
      if (message.role != Role::kSystem) asked = message.role == Role::kUser;
    }
    if (!asked) return writer.take();
    writer.control(kAssistant);
    if (opening_ == Opening::kTag) writer.control(thinking ? kThink : kEndThink);
    // R1 always thinks.
    if (opening_ == Opening::kTagAndLine) writer.control(kThink).text("\n");
    return writer.take();
  }

 private:
  Opening opening_;
};

/// V2 and V2-Lite: roles are plain words.
class DeepseekV2 final : public ChatEncoder {
 public:
  std::vector<PromptPiece> encode(const std::vector<ChatMessage>& messages, bool) const override {
    Writer writer;
    writer.control(kBos);
    for (const ChatMessage& message : messages) {
      switch (message.role) {
        case Role::kSystem:
          writer.content(message.content).text("\n\n");
          break;
        case Role::kUser:
          writer.text("User: ").content(message.content).text("\n\n");
          break;
        case Role::kAssistant:
          writer.text("Assistant: ").content(message.content).control(kEos);
          break;
      }
    }
    if (!messages.empty() && messages.back().role == Role::kUser) writer.text("Assistant:");
    return writer.take();
  }
};

/// White space as the templates' language understands it.
bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/// Where the text begins and ends without white space around it; equal when there is nothing else.
std::pair<std::size_t, std::size_t> inner(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = next_utf8(text, at);
    if (step.kind != Utf8Kind::kValid || !is_space(step.code_point)) {
      begin = std::min(begin, at);
      end = at + step.size;
    }
    at += step.size;
  }
  return {begin, end};
}

/// The content without white space at its ends: GLM strips answers in the history.
std::vector<PromptPiece> stripped(std::vector<PromptPiece> pieces) {
  const auto is_text = [](const PromptPiece& piece) { return piece.kind == PromptPiece::Kind::kText; };
  while (!pieces.empty() && is_text(pieces.front())) {
    std::string& text = pieces.front().text;
    text.erase(0, inner(text).first);
    if (!text.empty()) break;
    pieces.erase(pieces.begin());
  }
  while (!pieces.empty() && is_text(pieces.back())) {
    std::string& text = pieces.back().text;
    const auto [begin, end] = inner(text);
    text.erase(begin == text.size() ? 0 : end);
    if (!text.empty()) break;
    pieces.pop_back();
  }
  return pieces;
}

enum class GlmGeneration { kGlm52, kGlm5 };

/// GLM-5.2 and 5.3 with the effort line and closed empty thinking; GLM-5, 5.1 and GLM-4.7-Flash without both.
class Glm final : public ChatEncoder {
 public:
  explicit Glm(GlmGeneration generation) : generation_(generation) {}

  std::vector<PromptPiece> encode(const std::vector<ChatMessage>& messages, bool thinking) const override {
    Writer writer;
    writer.control("[gMASK]").control("<sop>");
    const bool is_glm52 = generation_ == GlmGeneration::kGlm52;
    if (is_glm52 && thinking) writer.control("<|system|>").text("Reasoning Effort: Max");
    const std::int64_t last = last_user(messages);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(messages.size()); ++i) {
      const ChatMessage& message = messages[static_cast<std::size_t>(i)];
      switch (message.role) {
        case Role::kSystem:
          writer.control("<|system|>").content(message.content);
          break;
        case Role::kUser:
          writer.control("<|user|>").content(message.content);
          break;
        case Role::kAssistant:
          writer.control("<|assistant|>");
          if (i > last && !message.reasoning.empty()) {
            const auto [begin, end] = is_glm52 ? std::pair{std::size_t{0}, message.reasoning.size()} : inner(message.reasoning);
            writer.control(kThink).text(message.reasoning.substr(begin, end - begin)).control(kEndThink);
          } else {
            no_thinking(writer);
          }
          writer.content(stripped(message.content));
          break;
      }
    }
    if (messages.empty() || messages.back().role != Role::kUser) return writer.take();
    writer.control("<|assistant|>");
    if (thinking) {
      writer.control(kThink);
    } else {
      no_thinking(writer);
    }
    return writer.take();
  }

 private:
  void no_thinking(Writer& writer) const {
    if (generation_ == GlmGeneration::kGlm52) writer.control(kThink);
    writer.control(kEndThink);
  }

  GlmGeneration generation_;
};

struct Family {
  std::string_view name;
  std::unique_ptr<ChatEncoder> (*make)();
};

template <typename Encoder, auto... kArguments>
std::unique_ptr<ChatEncoder> make_encoder() {
  return std::make_unique<Encoder>(kArguments...);
}

// Names of families and of the architectures that have one format only.
constexpr std::array<Family, 9> kFamilies = {{
    {"deepseek_v32", make_encoder<DeepseekV32>},
    {"deepseek_v31", make_encoder<DeepseekV3, Opening::kTag>},
    {"deepseek_v3", make_encoder<DeepseekV3, Opening::kBare>},
    {"deepseek_r1", make_encoder<DeepseekV3, Opening::kTagAndLine>},
    {"deepseek_v2", make_encoder<DeepseekV2>},
    {"glm5", make_encoder<Glm, GlmGeneration::kGlm5>},
    {"glm52", make_encoder<Glm, GlmGeneration::kGlm52>},
    {"glm_moe_dsa", make_encoder<Glm, GlmGeneration::kGlm52>},
    {"glm4_moe_lite", make_encoder<Glm, GlmGeneration::kGlm5>},
}};

}  // namespace

Result<std::unique_ptr<ChatEncoder>> ChatEncoder::make(std::string_view family) {
  std::string known;
  for (const Family& row : kFamilies) {
    if (row.name == family) return row.make();
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{ErrorCode::kUnsupported, "There is no conversation format \"" + std::string(family) +
                                            "\"; the model's longleaf.json can name one of " + known + " as \"chat\"."};
}

bool ends_in_thinking(const std::vector<PromptPiece>& prompt) {
  std::string tail;
  for (auto piece = prompt.rbegin(); piece != prompt.rend() && tail.size() < 16; ++piece) tail.insert(0, piece->text);
  tail.erase(inner(tail).second);
  return tail.ends_with("<think>") || tail.ends_with("<thinking>");
}

}  // namespace engine
