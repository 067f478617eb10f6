#include "app/question/experiment.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include <nlohmann/json.hpp>

#include "app/heatmap/trace_tables.h"
#include "app/question/run_question.h"
#include "engine/trace/selection_names.h"

namespace app {
namespace {

using nlohmann::json;

constexpr int kRecallSamples = 16;
constexpr std::size_t kMostCompared = 4096;  // tokens of either text: comparing takes their product

const Error kCancelled{ErrorCode::kCancelled, "Cancelled."};

Error unreadable() {
  return {ErrorCode::kCorrupt, "The settings of this run cannot be read, so it cannot be asked again; ask the question anew."};
}

/// Marks the tokens of a longest common subsequence in both texts.
void mark_common(const std::vector<engine::TokenId>& a, const std::vector<engine::TokenId>& b, std::vector<char>& in_a, std::vector<char>& in_b) {
  in_a.assign(a.size(), 0);
  in_b.assign(b.size(), 0);
  const std::size_t n = std::min(a.size(), kMostCompared), m = std::min(b.size(), kMostCompared);
  std::vector<std::uint16_t> longest((n + 1) * (m + 1), 0);  // of the rest from (i, j) on
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint16_t& { return longest[i * (m + 1) + j]; };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) at(i, j) = a[i] == b[j] ? static_cast<std::uint16_t>(at(i + 1, j + 1) + 1) : std::max(at(i + 1, j), at(i, j + 1));
  }
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (a[i] == b[j]) {
      in_a[i++] = in_b[j++] = 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      ++i;
    } else {
      ++j;
    }
  }
}

std::vector<engine::TokenId> ids_of(const engine::Generation& generation) {
  std::vector<engine::TokenId> ids;
  for (const engine::GeneratedToken& token : generation.tokens) ids.push_back(token.id);
  return ids;
}

std::vector<float> log_probabilities(const engine::Generation& generation) {
  std::vector<float> values;
  for (const engine::GeneratedToken& token : generation.tokens) values.push_back(token.log_probability);
  return values;
}

/// Runs one request of the experiment; an answer that was stopped is of no use.
Result<engine::Generation> generate(engine::Engine& engine, const engine::GenerationRequest& request, engine::GenerationObserver& observer, std::stop_token stop) {
  TRY_ASSIGN(engine::Generation generation, engine.generate(request, observer, stop));
  if (generation.end == engine::EndReason::kCancelled) return kCancelled;
  return generation;
}

/// Reads the prompt first, so that time and recall are those of writing alone, then writes.
Result<engine::Generation> try_selection(engine::Engine& engine, engine::GenerationRequest request, engine::GenerationObserver& observer, std::stop_token stop) {
  const int n_wanted = request.sampling.max_new_tokens;
  request.sampling.max_new_tokens = 1;
  TRY(generate(engine, request, observer, stop));
  request.sampling.max_new_tokens = n_wanted;
  request.selection.sampled_recall = kRecallSamples;
  return generate(engine, request, observer, stop);
}

Result<Trial> trial_of(const Project& project, const PromptMap& map, const engine::SelectionOptions& selection, const engine::Generation& generation) {
  Trial trial;
  trial.selection = selection;
  trial.thinking = generation.thinking;
  trial.answer = generation.answer;
  TRY_ASSIGN(trial.trace, make_run_trace(project, map, generation));
  trial.token_texts = trial.trace->token_texts;
  if (trial.trace->trace->sparse()) trial.recall = trial.trace->trace->recall;
  trial.tokens_per_second = generation.decode_seconds > 0 ? static_cast<double>(generation.tokens.size()) / generation.decode_seconds : 0;
  return trial;
}

}  // namespace

double Trial::mean_recall() const {
  double sum = 0;
  int n = 0;
  for (const float share : recall) {
    if (share < 0) continue;
    sum += static_cast<double>(share);
    ++n;
  }
  return n > 0 ? sum / n : 1.0;
}

double Experiment::log_probability_change() const {
  const double before = std::accumulate(base_log_probability.begin(), base_log_probability.end(), 0.0);
  return std::accumulate(other_log_probability.begin(), other_log_probability.end(), 0.0) - before;
}

std::int64_t Experiment::n_changed() const { return std::ranges::count(base.is_common, char{0}); }

Result<Question> asked_question(const Run& run) {
  const json root = json::parse(run.settings_json, nullptr, /*allow_exceptions=*/false);
  Question question;
  TRY_ASSIGN(question.prompt, question_of_run(run));
  try {
    const json& sampling = root.at("sampling");
    question.own_sampling = true;
    question.sampling.temperature = sampling.value("temperature", 0.0);
    question.sampling.top_p = sampling.value("top_p", 1.0);
    question.sampling.seed = sampling.value("seed", std::uint64_t{0});
    question.sampling.quote_constraint = sampling.value("quote_constraint", false);
    question.sampling.max_new_tokens = static_cast<int>(question.prompt.reserve);
    const json& selection = root.at("selection");
    question.selection.mode = engine::selection_mode_named(selection.value("mode", std::string("indexer")));
    question.selection.top_k = selection.value("top_k", 0);
    question.selection.keep = selection.value("keep", false);
    question.selection.window = selection.value("window", question.selection.window);
  } catch (const json::exception&) {
    return unreadable();
  }
  return question;
}

Result<std::vector<engine::TokenRange>> ranges_of(const RunTrace& run, const std::vector<std::string>& passages) {
  std::vector<engine::TokenRange> ranges;
  for (const std::string& passage : passages) {
    const std::size_t before = ranges.size();
    for (const PromptBlock& block : run.map.blocks) {
      if (std::to_string(block.anchor) == passage || run.label(block) == passage) ranges.push_back({block.first_token, block.last_token});
    }
    if (ranges.size() > before) continue;
    return Error{ErrorCode::kNotFound, "The prompt of this run has no passage \"" + passage + "\"; give the number of one (see: trace --json) or the name of a page or file."};
  }
  return ranges;
}

Result<Experiment> run_experiment(const Project& project, engine::Engine& engine, PromptBuilder& builder, const Run& run,
                                  const engine::SelectionOptions& selection, engine::GenerationObserver& observer, std::stop_token stop) {
  TRY_ASSIGN(const Question question, asked_question(run));
  TRY_ASSIGN(Prompt prompt, builder.build(question.prompt));
  TRY_ASSIGN(const PromptMap saved, PromptMap::from_json(run.prompt_map_json));
  if (prompt.map.to_json() != saved.to_json()) {
    return Error{ErrorCode::kNotFound, "The sources of this run or the model have changed since it was asked, so the same prompt cannot be made; ask the question again first."};
  }
  engine::GenerationRequest& request = prompt.request;
  const int reserve = request.sampling.max_new_tokens;
  request.sampling = question.sampling;
  request.sampling.max_new_tokens = question.sampling.max_new_tokens > 0 ? std::min(reserve, question.sampling.max_new_tokens) : reserve;
  request.selection = question.selection;
  TRY_ASSIGN(const engine::Generation base, try_selection(engine, request, observer, stop));
  if (base.tokens.empty()) return Error{ErrorCode::kInvalidInput, "This question has no answer that could be compared: the model wrote nothing."};

  engine::GenerationRequest other_request = request;
  other_request.selection = selection;
  TRY_ASSIGN(const engine::Generation other, try_selection(engine, other_request, observer, stop));
  other_request.forced = ids_of(base);
  other_request.trace_level = engine::TraceLevel::kOff;
  TRY_ASSIGN(const engine::Generation weighed, generate(engine, other_request, observer, stop));

  Experiment experiment;
  TRY_ASSIGN(experiment.base, trial_of(project, prompt.map, question.selection, base));
  TRY_ASSIGN(experiment.other, trial_of(project, prompt.map, selection, other));
  mark_common(ids_of(base), ids_of(other), experiment.base.is_common, experiment.other.is_common);
  experiment.base_log_probability = log_probabilities(base);
  experiment.other_log_probability = log_probabilities(weighed);
  return experiment;
}

std::string experiment_csv(const Experiment& experiment) {
  std::string out = "token,text,log_probability,log_probability_other,change,in_both\n";
  for (std::size_t i = 0; i < experiment.base.token_texts.size() && i < experiment.other_log_probability.size(); ++i) {
    char numbers[96];
    const auto before = static_cast<double>(experiment.base_log_probability[i]), after = static_cast<double>(experiment.other_log_probability[i]);
    std::snprintf(numbers, sizeof numbers, ",%.5g,%.5g,%.5g,%d\n", before, after, after - before, experiment.base.is_common[i] != 0 ? 1 : 0);
    out += std::to_string(i) + "," + csv_field(experiment.base.token_texts[i]) + numbers;
  }
  return out;
}

}  // namespace app
