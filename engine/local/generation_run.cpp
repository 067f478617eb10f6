#include "engine/local/generation_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "engine/base/log.h"

namespace engine {
namespace {

constexpr std::int64_t kRoomAhead = 1024;  // tokens of an answer that get their room at once

constexpr std::int64_t kWorthLoading = 256;  // tokens that a file must hold beyond those in memory
constexpr int kBlocksRecall = 8;  // queries of a prompt read in blocks whose recall is measured in any case

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

GenerationRun::GenerationRun(LoadedModel& model, Timeline& timeline, const PrefixStore* store,
                             std::int64_t context_length, GenerationObserver& observer, std::stop_token stop)
    : model_(model), timeline_(timeline), store_(store), context_length_(context_length), observer_(observer), stop_(std::move(stop)) {
  const auto is_stopped = [token = stop_] { return token.stop_requested(); };
  step_.stop = is_stopped;
  model_.backend->set_stop(is_stopped);
  logits_.resize(static_cast<std::size_t>(model_.config.n_vocab));
}

GenerationRun::~GenerationRun() { model_.backend->set_stop({}); }

Result<Generation> GenerationRun::run(const GenerationRequest& request, std::shared_ptr<const SelectionTrace> earlier) {
  TRY_ASSIGN(const SelectionPlan plan, plan_selection(request, model_.config));
  step_.top_k = plan.top_k;
  step_.keep_window = plan.keep_window;
  step_.keep_ranges = plan.keep_ranges;
  step_.mute_ranges = plan.mute_ranges;
  if (!plan.mute_ranges.empty() && plan.mode == SelectionMode::kIndexer && !model_.backend->can_mute()) {
    return Error{ErrorCode::kUnsupported, "Passages cannot be muted on " + model_.backend->name() + "; load the model on the CPU for that."};
  }
  if (plan.mode == SelectionMode::kBlocks) step_.blocks = &timeline_.blocks();

  Generation generation;
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  const std::int64_t n_new = std::min<std::int64_t>(request.sampling.max_new_tokens, kRoomAhead);
  const std::int64_t n_total = std::min(n_prompt + n_new, context_length_);
  if (plan.fingerprint != timeline_.selection()) earlier = nullptr;
  if (store_ != nullptr) restore(plan.marked_prompt, plan.fingerprint, earlier);
  TRY_ASSIGN(generation.n_cached_tokens, timeline_.begin(plan.marked_prompt, plan.fingerprint, n_total));
  generation.n_prompt_tokens = n_prompt;
  if (request.trace_level != TraceLevel::kOff) {
    RecorderOptions recording;
    recording.level = request.trace_level;
    recording.mode = plan.mode;
    recording.n_layers = model_.config.n_layers;
    recording.top_k = plan.top_k;
    recording.n_prompt_tokens = n_prompt;
    recording.n_cached_tokens = generation.n_cached_tokens;
    recording.earlier = std::move(earlier);
    recording.starts_in_thinking = request.starts_in_thinking;
    open_trace_file(request, recording);
    TRY_ASSIGN(recorder_, SelectionRecorder::create(recording));
    step_.sink = recorder_.get();
    // Blocks are guessed, not learned: how much of the attention they keep is always said.
    const int n_least = plan.mode == SelectionMode::kBlocks ? kBlocksRecall : 0;
    measure_recall(std::max(request.selection.sampled_recall, n_least), generation.n_cached_tokens, n_prompt);
  }
  TRY_ASSIGN(const StepEnd end, prefill(plan.marked_prompt, generation));
  if (end == StepEnd::kStopped) {
    generation.end = EndReason::kCancelled;
    if (recorder_) generation.trace = std::make_shared<const SelectionTrace>(recorder_->take(0, 0));
    return generation;
  }
  TRY(decode(request, generation));
  return generation;
}

void GenerationRun::restore(std::span<const TokenId> prompt, const std::string& selection,
                            std::shared_ptr<const SelectionTrace>& trace) {
  const std::int64_t n_here = selection == timeline_.selection() ? timeline_.common_prefix(prompt) : 0;
  const auto found = store_->find(prompt, selection, n_here + kWorthLoading);
  if (!found) return;
  // What is in memory goes first: after a failure there is nothing half loaded to be found.
  timeline_.adopt({}, selection);
  trace = nullptr;
  auto loaded = timeline_.keys().reserve(PrefixStore::room_for(found->n_common), 0);
  if (loaded) loaded = store_->load(*found, timeline_.keys(), step_.stop);
  if (!loaded) {
    if (loaded.error().code != ErrorCode::kCancelled) log(LogLevel::kWarning, loaded.error().message);
    return;
  }
  const auto tokens = prompt.first(static_cast<std::size_t>(found->n_common));
  timeline_.adopt({tokens.begin(), tokens.end()}, selection);
  n_restored_ = found->n_common;
  trace = store_->trace_of(*found);
}

void GenerationRun::open_trace_file(const GenerationRequest& request, RecorderOptions& recording) {
  if (request.trace_path.empty()) return;
  auto writer = TraceWriter::create(request.trace_path);
  if (!writer) {
    log(LogLevel::kWarning, writer.error().message);
    return;
  }
  trace_writer_ = std::move(*writer);
  recording.writer = trace_writer_.get();
  recording.sources_json = request.trace_sources;
}

void GenerationRun::measure_recall(int n_wanted, std::int64_t n_cached, std::int64_t n_prompt) {
  if (n_wanted <= 0 || step_.top_k == 0) return;
  // Evenly over the new part of the prompt where something can be left out, always with the last query.
  const std::int64_t first = std::min(std::max<std::int64_t>(n_cached, step_.top_k), n_prompt - 1);
  const std::int64_t n = std::min<std::int64_t>(n_wanted, n_prompt - first);
  for (std::int64_t i = 1; i <= n; ++i) recall_positions_.push_back(first + (n_prompt - first) * i / n - 1);
  step_.recall_positions = recall_positions_;
  step_.on_recall = [this](int layer, float share) { recorder_->add_recall(layer, share); };
}

Result<StepEnd> GenerationRun::prefill(std::span<const TokenId> prompt, Generation& generation) {
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t n_cached = generation.n_cached_tokens;
  observer_.on_prefill(n_cached, generation.n_prompt_tokens, n_cached);
  const auto rest = prompt.subspan(static_cast<std::size_t>(n_cached));
  auto end = timeline_.extend(rest, step_, logits_, [&](std::int64_t n_done) {
    observer_.on_prefill(n_done, generation.n_prompt_tokens, n_cached);
  });
  generation.prefill_seconds = seconds_since(start);
  return end;
}

Result<void> GenerationRun::decode(const GenerationRequest& request, Generation& generation) {
  const auto start = std::chrono::steady_clock::now();
  TRY_ASSIGN(Sampler sampler, Sampler::make(request.sampling, model_.tokenizer->vocabulary_size()));
  GenerationText text(model_.tokenizer, request.starts_in_thinking);
  std::optional<QuoteConstraint> quotes;
  std::optional<FindConstraint> finds;
  if (request.sampling.quote_constraint && request.forced.empty()) make_constraints(request, quotes, finds);
  const std::optional<TokenId> close_thinking = model_.tokenizer->control("</think>");
  bool was_closed = false;  // by us
  const std::int64_t n_room = context_length_ - generation.n_prompt_tokens;
  const bool is_forced = !request.forced.empty();
  const std::int64_t n_wanted = is_forced ? static_cast<std::int64_t>(request.forced.size()) : request.sampling.max_new_tokens;
  const std::int64_t n_most = std::min(n_wanted, n_room);
  generation.end = is_forced ? EndReason::kEndOfText : EndReason::kLength;
  for (std::int64_t i = 0; i < n_most; ++i) {
    if (stop_.stop_requested()) {
      generation.end = EndReason::kCancelled;
      break;
    }
    if (recorder_ && text.in_answer()) recorder_->begin_answer(i);
    const bool is_enough = (request.max_thinking_tokens > 0 && i >= request.max_thinking_tokens) || request.answer_now.stop_requested();
    const bool closes = is_enough && close_thinking && request.starts_in_thinking && !text.in_answer() && !is_forced;
    // Cut off before anything was found: the answer is held to no passage.
    if (closes && finds && finds->found().empty()) finds.reset();
    const bool is_quoting = quotes && text.in_answer();
    const bool is_finding = finds && !text.in_answer() && !closes;
    if (is_quoting && finds) {
      quotes->hold_to(finds->found());
      finds.reset();
    }
    const auto allowed = is_quoting ? quotes->allowed() : is_finding ? finds->allowed() : std::span<const TokenId>{};
    const TokenId* const forced = is_forced ? &request.forced[static_cast<std::size_t>(i)] : closes ? &*close_thinking : nullptr;
    // Its own end of the thinking would come as text now.
    if (was_closed) logits_[static_cast<std::size_t>(*close_thinking)] = std::numeric_limits<float>::lowest();
    was_closed = was_closed || closes;
    TRY_ASSIGN(const Sampler::Choice choice, choose(sampler, allowed, forced));
    if (!is_forced && is_end(choice.id)) {
      generation.end = EndReason::kEndOfText;
      break;
    }
    if (is_quoting) quotes->push(choice.id);
    if (is_finding) finds->push(choice.id);
    if (!allowed.empty() && is_overruled(choice.id)) ++generation.n_overruled;
    generation.tokens.push_back({choice.id, Channel::kAnswer, 0, 0, choice.log_probability});
    tell(text.push(choice.id));
    if (recorder_) observer_.on_token_selection(i, recorder_->token_selection(i));
    if (i + 1 == n_most) break;
    TRY_ASSIGN(const StepEnd end, timeline_.extend(std::span(&choice.id, 1), step_, logits_));
    if (end == StepEnd::kStopped) {
      generation.end = EndReason::kCancelled;
      break;
    }
  }
  finish(text, generation);
  generation.decode_seconds = seconds_since(start);
  return {};
}

void GenerationRun::make_constraints(const GenerationRequest& request, std::optional<QuoteConstraint>& quotes, std::optional<FindConstraint>& finds) const {
  const auto text = std::make_shared<const QuotableText>(model_.tokenizer, request.prompt, request.quotable);
  quotes.emplace(text, model_.layout.quotes, model_.config.end_ids);
  const auto end = model_.tokenizer->control("</think>");
  if (!request.starts_in_thinking || model_.layout.thinking_lines.found.empty() || !end) return;
  finds.emplace(text, model_.layout.thinking_lines, std::vector<TokenId>{*end});
}

bool GenerationRun::is_overruled(TokenId chosen) const {
  const auto n = std::min(logits_.size(), static_cast<std::size_t>(model_.tokenizer->vocabulary_size()));
  return *std::max_element(logits_.begin(), logits_.begin() + static_cast<std::ptrdiff_t>(n)) > logits_[static_cast<std::size_t>(chosen)];
}

Result<Sampler::Choice> GenerationRun::choose(Sampler& sampler, std::span<const TokenId> allowed, const TokenId* forced) {
  if (!std::all_of(logits_.begin(), logits_.end(), [](float v) { return std::isfinite(v); })) {
    const std::string where = timeline_.find_non_finite(step_);
    timeline_.adopt({}, "");
    return Error{ErrorCode::kCorrupt, "The model's numbers broke down " + where +
                                          " (inf or NaN), so nothing was written. Its weights may be damaged: download them again."};
  }
  return forced != nullptr ? sampler.take(logits_, *forced) : sampler.sample(logits_, allowed);
}

void GenerationRun::tell(std::vector<GenerationText::Piece> pieces) {
  for (const GenerationText::Piece& piece : pieces) {
    observer_.on_text(piece.channel, piece.text, piece.first_token);
    if (trace_writer_) trace_writer_->add_text(piece.channel == Channel::kThinking ? Phase::kThinking : Phase::kAnswer, piece.text, piece.first_token);
  }
}

void GenerationRun::finish(GenerationText& text, Generation& generation) {
  tell(text.finish());
  generation.thinking = text.thinking();
  generation.answer = text.answer();
  const std::vector<GenerationText::Place> places = text.places();
  std::int64_t n_thinking = 0;
  for (std::size_t i = 0; i < generation.tokens.size(); ++i) {
    GeneratedToken& token = generation.tokens[i];
    token.channel = places[i].channel;
    token.text_begin = places[i].begin;
    token.text_end = places[i].end;
    n_thinking += token.channel == Channel::kThinking ? 1 : 0;
  }
  if (recorder_) {
    const auto n = static_cast<std::int64_t>(generation.tokens.size());
    generation.trace = std::make_shared<const SelectionTrace>(recorder_->take(n, n_thinking));
  }
}

bool GenerationRun::is_end(TokenId id) const {
  return std::binary_search(model_.config.end_ids.begin(), model_.config.end_ids.end(), id);
}

}  // namespace engine
