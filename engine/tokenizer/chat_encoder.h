#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/tokenizer/tokenizer.h"

namespace engine {

/// A piece of a prompt: a control token by name, or text that is data. Each text piece is tokenised
/// on its own; a document can therefore never inject a control token.
struct PromptPiece {
  enum class Kind { kControl, kText } kind = Kind::kText;
  std::string text;
  std::int64_t tag = -1;  // whatever the caller wants to find again (the prompt builder: its block)
};

enum class Role { kSystem, kUser, kAssistant };

struct ChatMessage {
  Role role = Role::kUser;
  std::vector<PromptPiece> content;
  std::string reasoning;  // assistant only
};

/// The conversation format of one model family, byte-exact. A Jinja
/// template inside a model file is never run.
class ChatEncoder {
 public:
  virtual ~ChatEncoder() = default;
  /// By name: "deepseek_v32", "deepseek_v31", "deepseek_v3", "deepseek_r1", "deepseek_v2", "glm5"
  /// (and 5.1), "glm52" (and 5.3), "glm4_moe_lite", or the architecture where it has one format only. An error names the families.
  static Result<std::unique_ptr<ChatEncoder>> make(std::string_view family);
  /// The prompt up to where the model goes on. `thinking` opens the thinking part, or closes it;
  /// families that cannot choose (V3, V2 never think, R1 always) do the one thing they can.
  virtual std::vector<PromptPiece> encode(const std::vector<ChatMessage>& messages, bool thinking) const = 0;
};

/// Whether what the model writes next is thinking: the prompt's tail has opened a thinking tag.
bool ends_in_thinking(const std::vector<PromptPiece>& prompt);

}  // namespace engine
