#include "engine/base/utf8.h"
#include "engine/tokenizer/tokenizer.h"

namespace engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string StreamDecoder::push(TokenId id) {
  pending_ += tokenizer_->bytes(id);
  std::string text;
  std::size_t at = 0;
  while (at < pending_.size()) {
    const Utf8Step step = next_utf8(pending_, at);
    if (step.kind == Utf8Kind::kIncomplete) break;
    text += step.kind == Utf8Kind::kValid ? std::string_view(pending_).substr(at, step.size) : kReplacement;
    at += step.size;
  }
  pending_.erase(0, at);
  return text;
}

std::string StreamDecoder::finish() {
  const bool cut = !pending_.empty();
  pending_.clear();
  return std::string(cut ? kReplacement : "");
}

}  // namespace engine
