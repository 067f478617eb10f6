#include "app/question/run_question.h"

#include <nlohmann/json.hpp>

namespace app {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Detail detail_of(std::string_view name) {
  return name == "outline" ? Detail::kOutline : name == "name" ? Detail::kName : Detail::kFull;
}

}  // namespace

Result<PromptQuestion> question_of_run(const Run& run) {
  const Error damaged{ErrorCode::kCorrupt, "The settings of this run are damaged; ask the question again."};
  const json settings = json::parse(run.settings_json, nullptr, /*allow_exceptions=*/false);
  if (!settings.is_object()) return damaged;
  PromptQuestion question;
  question.question = run.question;
  const auto thinking = settings.find("thinking");
  question.thinking = thinking != settings.end() && thinking->is_boolean() && thinking->get<bool>();
  const auto mask = settings.find("mask_secrets");
  question.mask_secrets = mask != settings.end() && mask->is_boolean() && mask->get<bool>();
  const auto reserve = settings.find("reserve");
  if (reserve != settings.end() && reserve->is_number_integer()) question.reserve = reserve->get<std::int64_t>();
  const auto sources = settings.find("sources");
  if (sources == settings.end() || !sources->is_array()) return damaged;
  for (const json& row : *sources) {
    if (!row.is_array() || row.size() < 2 || !row[0].is_number_integer() || !row[1].is_string()) return damaged;
    const auto part = row[0].get<PartId>();
    question.sources.parts.push_back(part);
    if (const Detail detail = detail_of(row[1].get<std::string>()); detail != Detail::kFull) question.sources.detail[part] = detail;
    for (std::size_t i = 2; i < row.size(); ++i) {
      const json& passage = row[i];
      if (!passage.is_array() || passage.size() != 2 || !passage[0].is_number_unsigned() || !passage[1].is_number_unsigned()) return damaged;
      question.sources.passages[part].emplace_back(passage[0].get<std::uint32_t>(), passage[1].get<std::uint32_t>());
    }
  }
  const auto earlier = settings.find("earlier");
  if (earlier != settings.end() && earlier->is_array()) {
    for (const json& turn : *earlier) {
      if (turn.is_object()) question.earlier.push_back({text_of(turn, "question"), text_of(turn, "answer")});
    }
  }
  return question;
}

}  // namespace app
