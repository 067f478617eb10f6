#include "app/question/ask.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/heatmap/run_trace.h"
#include "app/question/unfinished_run.h"
#include "engine/base/log.h"
#include "engine/trace/selection_names.h"

namespace app {
namespace {

using nlohmann::json;

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), n};
}

const char* name_of(engine::EndReason end) {
  switch (end) {
    case engine::EndReason::kEndOfText:
      return "end";
    case engine::EndReason::kLength:
      return "length";
    case engine::EndReason::kCancelled:
      return "cancelled";
  }
  return "end";
}

const char* name_of(Detail detail) {
  switch (detail) {
    case Detail::kFull:
      return "full";
    case Detail::kOutline:
      return "outline";
    case Detail::kName:
      return "name";
  }
  return "full";
}

/// Everything that is needed to run the question again and to say what ran.
std::string settings_json(const engine::Engine& engine, const Question& question, const engine::GenerationRequest& request) {
  const engine::EngineInfo& info = engine.info();
  const engine::SelectionOptions& selection = request.selection;
  json sources = json::array();
  for (const PartId part : question.prompt.sources.parts) {
    const auto detail = question.prompt.sources.detail.find(part);
    json row{part, name_of(detail == question.prompt.sources.detail.end() ? Detail::kFull : detail->second)};
    if (const auto passages = question.prompt.sources.passages.find(part); passages != question.prompt.sources.passages.end()) {
      for (const auto& [begin, end] : passages->second) row.push_back({begin, end});
    }
    sources.push_back(std::move(row));
  }
  json earlier = json::array();
  for (const PastTurn& turn : question.prompt.earlier) earlier.push_back({{"question", turn.question}, {"answer", turn.answer}});
  const json settings{
      {"version", 1},
      {"program", LONGLEAF_VERSION},
      {"model", {{"name", info.name}, {"hash", info.model_hash}, {"architecture", info.architecture}, {"device", info.device}, {"context", info.context_length}}},
      {"layout", engine.layout().name},
      {"thinking", request.starts_in_thinking},
      {"max_thinking", question.max_thinking_tokens},
      {"mask_secrets", question.prompt.mask_secrets},
      {"reserve", request.sampling.max_new_tokens},
      {"sampling", {{"temperature", request.sampling.temperature}, {"top_p", request.sampling.top_p}, {"seed", request.sampling.seed}, {"quote_constraint", request.sampling.quote_constraint}}},
      {"selection", {{"mode", name_of(selection.mode)}, {"top_k", selection.top_k}, {"keep", selection.keep}, {"window", selection.window}}},
      {"sources", std::move(sources)},
      {"earlier", std::move(earlier)},
  };
  return settings.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// What is known of a run before it begins.
Run begin_run(const engine::Engine& engine, const Question& question, const engine::GenerationRequest& request, std::string asked_at) {
  Run run;
  run.asked_at = std::move(asked_at);
  run.question = question.prompt.question;
  run.model = engine.info().name + " " + engine.info().model_hash;
  run.settings_json = settings_json(engine, question, request);
  return run;
}

void describe_end(const Answer& answer, Run& run) {
  const engine::Generation& generation = answer.generation;
  const auto n_generated = static_cast<std::int64_t>(generation.tokens.size());
  run.thinking = generation.thinking;
  run.answer = generation.answer;
  run.end = name_of(generation.end);
  run.prompt_map_json = answer.prompt.map.to_json();
  run.citations_json = citations_to_json(answer.citations);
  run.n_prompt_tokens = generation.n_prompt_tokens;
  run.n_cached_tokens = generation.n_cached_tokens;
  run.n_generated_tokens = n_generated;
  run.prefill_seconds = generation.prefill_seconds;
  run.decode_seconds = generation.decode_seconds;
}

/// Puts what was said before behind the prompt. Control tokens come from here alone, never from the text.
Result<void> go_on_behind(const Beginning& beginning, const engine::Tokenizer& tokenizer, std::int64_t context_length, engine::GenerationRequest& request) {
  const auto append = [&](std::string_view text) {
    const auto ids = tokenizer.encode(text);
    request.prompt.insert(request.prompt.end(), ids.begin(), ids.end());
  };
  if (request.starts_in_thinking) {
    append(beginning.thinking);
    if (!beginning.answer.empty()) {
      const auto end_of_thinking = tokenizer.control("</think>");
      if (!end_of_thinking) return Error{ErrorCode::kUnsupported, "This model has no sign for the end of its thinking, so it cannot go on with an answer; ask again."};
      request.prompt.push_back(*end_of_thinking);
      request.starts_in_thinking = false;
    }
  }
  append(beginning.answer);
  const std::int64_t left = context_length - static_cast<std::int64_t>(request.prompt.size());
  if (left <= 0) return Error{ErrorCode::kInvalidInput, "Prompt and answer fill the model's context; there is no room to go on. Choose fewer pages or files and ask again."};
  request.sampling.max_new_tokens = static_cast<int>(std::min<std::int64_t>(request.sampling.max_new_tokens, left));
  return {};
}

/// The new text behind the old one, with the places of the tokens in the whole.
void join(const Beginning& beginning, engine::Generation& generation) {
  for (engine::GeneratedToken& token : generation.tokens) {
    const auto before = static_cast<std::uint32_t>((token.channel == engine::Channel::kThinking ? beginning.thinking : beginning.answer).size());
    token.text_begin += before;
    token.text_end += before;
  }
  generation.thinking.insert(0, beginning.thinking);
  generation.answer.insert(0, beginning.answer);
}

}  // namespace

Result<Answer> answer_question(const Project& project, engine::Engine& engine, PromptBuilder& builder, const Question& question,
                               engine::GenerationObserver& observer, std::stop_token stop) {
  const std::string asked_at = now_utc();
  Answer answer;
  TRY_ASSIGN(answer.prompt, builder.build(question.prompt));
  engine::GenerationRequest& request = answer.prompt.request;
  if (question.own_sampling) {
    // The reserve is what the budget was counted with: no setting may run over it.
    const int reserve = request.sampling.max_new_tokens;
    request.sampling = question.sampling;
    request.sampling.max_new_tokens = std::min(reserve, question.sampling.max_new_tokens > 0 ? question.sampling.max_new_tokens : reserve);
  }
  request.selection = question.selection;
  request.trace_level = question.trace_level;
  request.max_thinking_tokens = question.max_thinking_tokens;
  request.answer_now = question.answer_now;
  if (question.beginning) TRY(go_on_behind(*question.beginning, *engine.tokenizer(), engine.info().context_length, request));
  answer.run = begin_run(engine, question, request, asked_at);
  if (request.trace_level != engine::TraceLevel::kOff && !project.read_only()) {
    request.trace_path = unfinished_trace_path(project.path());
    request.trace_sources = unfinished_run_json(answer.prompt.map, answer.run);
  }
  auto generation = engine.generate(request, observer, stop);
  if (!generation) {
    forget_unfinished_run(project.path());
    return generation.error();
  }
  answer.generation = std::move(*generation);
  if (question.beginning) join(*question.beginning, answer.generation);

  auto citations = find_citations(answer.generation.answer, answer.prompt.map, project, engine.layout());
  if (citations) {
    answer.citations = std::move(*citations);
  } else {
    // An answer that took minutes is not thrown away because its sources could not be read again.
    engine::log(engine::LogLevel::kWarning, "The citations of an answer could not be checked: " + citations.error().message);
  }
  describe_end(answer, answer.run);
  return answer;
}

Result<void> save_answer(Project& project, Answer& answer) {
  auto id = project.save_run(answer.run, trace_bytes(answer.generation, answer.run.prompt_map_json));
  if (!id) {
    answer.not_saved = id.error().message;
    return id.error();
  }
  answer.run.id = *id;
  answer.not_saved.clear();
  forget_unfinished_run(project.path());
  return {};
}

Result<Answer> ask(Project& project, engine::Engine& engine, const Question& question, engine::GenerationObserver& observer,
                   std::stop_token stop) {
  const auto tokenizer = engine.tokenizer();
  PromptBuilder builder(project, *tokenizer, engine.layout(), engine.info().context_length);
  TRY_ASSIGN(Answer answer, answer_question(project, engine, builder, question, observer, stop));
  // Not being saved is no reason to lose the answer: not_saved says why.
  if (const auto saved = save_answer(project, answer); !saved) engine::log(engine::LogLevel::kWarning, saved.error().message);
  return answer;
}

}  // namespace app
