#include "app/question/unfinished_run.h"

#include <system_error>

#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/trace/trace_file.h"
#include "engine/trace/trace_writer.h"

namespace app {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The run as far as it came. A file without its head says nothing that could be shown.
Result<Run> run_from(const engine::TraceFile& file) {
  const json root = json::parse(file.sources_json, nullptr, /*allow_exceptions=*/false);
  const auto known = root.is_object() ? root.find("run") : root.end();
  if (!root.is_object() || known == root.end() || !known->is_object()) {
    return Error{ErrorCode::kCorrupt, "What an interrupted run left does not say what was asked; it is not kept."};
  }
  TRY_ASSIGN(const PromptMap map, PromptMap::from_json(file.sources_json));
  Run run;
  run.asked_at = text_of(*known, "asked_at");
  run.question = text_of(*known, "question");
  run.model = text_of(*known, "model");
  run.settings_json = text_of(*known, "settings");
  run.thinking = file.thinking;
  run.answer = file.answer;
  run.end = "interrupted";
  run.prompt_map_json = map.to_json();
  run.citations_json = "[]";
  run.n_prompt_tokens = file.trace.n_prompt_tokens;
  run.n_cached_tokens = file.trace.n_cached_tokens;
  run.n_generated_tokens = file.trace.n_generated;
  return run;
}

Result<RunId> save_left_over(Project& project, const std::filesystem::path& path) {
  TRY_ASSIGN(const std::string bytes, engine::read_trace_file(path));
  TRY_ASSIGN(const engine::TraceFile file, engine::trace_from_bytes(bytes));
  TRY_ASSIGN(const Run run, run_from(file));
  return project.save_run(run, engine::trace_to_bytes(file.trace, run.prompt_map_json));
}

}  // namespace

std::filesystem::path unfinished_trace_path(const std::filesystem::path& project) {
  std::filesystem::path path = project;
  path += ".trace";
  return path;
}

std::string unfinished_run_json(const PromptMap& map, const Run& run) {
  json root = json::parse(map.to_json());
  root["run"] = {{"asked_at", run.asked_at}, {"question", run.question}, {"model", run.model}, {"settings", run.settings_json}};
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

void forget_unfinished_run(const std::filesystem::path& project) {
  std::error_code ignored;
  std::filesystem::remove(unfinished_trace_path(project), ignored);
}

Result<std::optional<RunId>> recover_unfinished_run(Project& project) {
  const std::filesystem::path path = unfinished_trace_path(project.path());
  std::error_code failed;
  if (project.read_only() || !std::filesystem::is_regular_file(path, failed)) return std::optional<RunId>();
  const auto saved = save_left_over(project, path);
  if (saved) {
    forget_unfinished_run(project.path());
    return std::optional<RunId>(*saved);
  }
  // A full disk is no reason to lose it; what cannot be read will not become readable.
  if (saved.error().code == ErrorCode::kIo) return saved.error();
  forget_unfinished_run(project.path());
  engine::log(engine::LogLevel::kWarning, saved.error().message);
  return std::optional<RunId>();
}

}  // namespace app
