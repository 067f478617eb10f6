#include "app/question/model_prompt.h"

#include <algorithm>

#include "engine/model/config.h"

namespace app {

engine::Result<ModelPrompt> ModelPrompt::load(const std::filesystem::path& model_folder) {
  constexpr std::int64_t kLongestContext = 131072;
  TRY_ASSIGN(const auto config, engine::load_config(model_folder));
  ModelPrompt model;
  TRY_ASSIGN(model.tokenizer, engine::Tokenizer::load(model_folder));
  TRY_ASSIGN(model.layout, engine::PromptLayout::load(model_folder));
  if (model.layout.name.empty()) model.layout.name = model_folder.filename().string();
  if (model.layout.chat.empty()) model.layout.chat = engine::chat_family(config);
  model.context_length = std::min(config.context_length, kLongestContext);
  return model;
}

}  // namespace app
