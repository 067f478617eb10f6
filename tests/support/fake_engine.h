#pragma once

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/trace/selection_recorder.h"
#include "engine/trace/trace_writer.h"

/// An Engine for tests: it finds the block that shares most words with the question by plain search
/// and quotes it with its anchor, as the bundled model does, in no time and without weights.
namespace fake {

/// A token is a word with the blank before it, or one other byte. Ids are given as words come along.
class WordTokenizer final : public engine::Tokenizer {
 public:
  std::vector<engine::TokenId> encode(std::string_view text) const override {
    std::vector<engine::TokenId> ids;
    for (const engine::TokenSpan& span : encode_with_spans(text)) ids.push_back(span.id);
    return ids;
  }

  std::vector<engine::TokenSpan> encode_with_spans(std::string_view text) const override {
    std::vector<engine::TokenSpan> spans;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at + (text[at] == ' ' && at + 1 < text.size() && in_word(text[at + 1]) ? 1 : 0);
      while (end < text.size() && in_word(text[end])) ++end;
      end = std::max(end, at + 1);
      spans.push_back({id_of(text.substr(at, end - at)), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
      at = end;
    }
    return spans;
  }

  std::int64_t count(std::string_view text) const override { return static_cast<std::int64_t>(encode_with_spans(text).size()); }
  std::optional<engine::TokenId> control(std::string_view token) const override { return control_id(token); }

  bool is_control(engine::TokenId id) const override {
    const std::lock_guard lock(mutex_);
    return controls_.contains(id);
  }

  std::string_view bytes(engine::TokenId id) const override {
    const std::lock_guard lock(mutex_);
    return id >= 0 && id < static_cast<engine::TokenId>(words_.size()) ? std::string_view(*words_[static_cast<std::size_t>(id)]) : std::string_view{};
  }

  std::string decode(const std::vector<engine::TokenId>& ids) const override {
    std::string text;
    for (const engine::TokenId id : ids) text += bytes(id);
    return text;
  }

  std::int64_t vocabulary_size() const override {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(words_.size());
  }

 private:
  static bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80; }

  engine::TokenId id_of(std::string_view word) const {
    const std::lock_guard lock(mutex_);
    return id_of("w" + std::string(word), word);
  }

  engine::TokenId control_id(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const engine::TokenId id = id_of("c" + std::string(name), name);
    controls_.insert(id);
    return id;
  }

  engine::TokenId id_of(const std::string& key, std::string_view bytes) const {
    const auto [entry, is_new] = ids_.emplace(key, static_cast<engine::TokenId>(words_.size()));
    if (is_new) words_.push_back(std::make_unique<std::string>(bytes));
    return entry->second;
  }

  mutable std::mutex mutex_;
  mutable std::map<std::string, engine::TokenId> ids_;
  mutable std::vector<std::unique_ptr<std::string>> words_;
  mutable std::set<engine::TokenId> controls_;
};

class FakeEngine final : public engine::Engine {
 public:
  explicit FakeEngine(engine::PromptLayout layout = {}, std::int64_t context_length = 131072)
      : layout_(std::move(layout)), tokenizer_(std::make_shared<WordTokenizer>()) {
    info_.name = "Fake Finder";
    info_.architecture = "deepseek_v32";
    info_.device = "no device";
    info_.model_hash = "fake";
    info_.context_length = context_length;
    info_.n_layers = kLayers;
    info_.index_topk = kTopK;
    info_.has_indexer = true;
  }

  /// Called after each generated token: a test can stop the run at a known place.
  std::function<void(std::int64_t n_generated)> after_token;
  /// Says this in place of a quotation.
  std::string fixed_answer;

  const engine::EngineInfo& info() const override { return info_; }
  std::shared_ptr<const engine::Tokenizer> tokenizer() const override { return tokenizer_; }
  const engine::PromptLayout& layout() const override { return layout_; }

  std::int64_t cached_prefix(std::span<const engine::TokenId> prompt) const override {
    const std::lock_guard lock(mutex_);
    return std::mismatch(prompt.begin(), prompt.end(), last_prompt_.begin(), last_prompt_.end()).first - prompt.begin();
  }

  engine::Result<engine::Generation> generate(const engine::GenerationRequest& request, engine::GenerationObserver& observer,
                                              std::stop_token stop) override {
    const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
    engine::Generation out;
    out.n_prompt_tokens = n_prompt;
    out.n_cached_tokens = std::min(cached_prefix(request.prompt), n_prompt - 1);
    engine::RecorderOptions recording;
    recording.level = request.trace_level;
    recording.mode = request.selection.mode;
    recording.n_layers = kLayers;
    recording.top_k = kTopK;
    recording.n_prompt_tokens = n_prompt;
    recording.n_cached_tokens = out.n_cached_tokens;
    recording.starts_in_thinking = request.starts_in_thinking;
    recording.sources_json = request.trace_sources;
    std::unique_ptr<engine::TraceWriter> writer;
    if (!request.trace_path.empty()) {
      auto made = engine::TraceWriter::create(request.trace_path);
      if (made) writer = std::move(*made);
      recording.writer = writer.get();
    }
    auto recorder = engine::SelectionRecorder::create(recording);
    if (!recorder) return recorder.error();
    for (std::int64_t at = out.n_cached_tokens; at < n_prompt && !stop.stop_requested(); at += kChunk) {
      record(**recorder, at, std::min(kChunk, n_prompt - at), {});
      observer.on_prefill(std::min(n_prompt, at + kChunk), n_prompt, out.n_cached_tokens);
    }
    const engine::TokenRange block = best_block(request);
    Text text = compose(request, block);
    if (!request.starts_in_thinking) text.thinking.clear();
    std::int64_t n_thinking = 0;
    for (const auto& [channel, id] : token_list(text)) {
      const bool is_enough = (request.max_thinking_tokens > 0 && n_thinking >= request.max_thinking_tokens) || request.answer_now.stop_requested();
      if (channel == engine::Channel::kThinking && is_enough) continue;
      const auto token = static_cast<std::int64_t>(out.tokens.size());
      if (stop.stop_requested() || token >= request.sampling.max_new_tokens) {
        out.end = stop.stop_requested() ? engine::EndReason::kCancelled : engine::EndReason::kLength;
        break;
      }
      if (token > 0) record(**recorder, n_prompt - 1 + token, 1, block);
      if (channel == engine::Channel::kAnswer) (*recorder)->begin_answer(token);
      say(out, observer, channel, id);
      if (writer) writer->add_text(channel == engine::Channel::kThinking ? engine::Phase::kThinking : engine::Phase::kAnswer, tokenizer_->bytes(id), token);
      n_thinking += channel == engine::Channel::kThinking ? 1 : 0;
      observer.on_token_selection(token, (*recorder)->token_selection(token));
      if (after_token) after_token(token + 1);
    }
    out.trace = std::make_shared<engine::SelectionTrace>((*recorder)->take(static_cast<std::int64_t>(out.tokens.size()), n_thinking));
    const std::lock_guard lock(mutex_);
    last_prompt_ = request.prompt;
    return out;
  }

 private:
  static constexpr int kLayers = 3;
  static constexpr int kTopK = 48;
  static constexpr std::int64_t kChunk = 256;

  struct Text {
    std::string thinking;
    std::string answer;
  };

  std::string decode(const engine::GenerationRequest& request, engine::TokenRange range) const {
    return tokenizer_->decode({request.prompt.begin() + range.begin, request.prompt.begin() + range.end});
  }

  static std::set<std::string> words(std::string_view text) {
    std::set<std::string> found;
    std::string word;
    for (const char c : std::string(text) + " ") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
        word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
        continue;
      }
      if (word.size() >= 3) found.insert(word);
      word.clear();
    }
    return found;
  }

  std::set<std::string> asked(const engine::GenerationRequest& request) const {
    const std::int64_t begin = request.quotable.empty() ? 0 : request.quotable.back().end;
    return words(decode(request, {begin, static_cast<std::int64_t>(request.prompt.size())}));
  }

  engine::TokenRange best_block(const engine::GenerationRequest& request) const {
    const auto wanted = asked(request);
    engine::TokenRange best{};
    std::size_t most = 0;
    for (const engine::TokenRange& block : request.quotable) {
      const auto held = words(decode(request, block));
      const auto shared = static_cast<std::size_t>(std::ranges::count_if(wanted, [&](const std::string& word) { return held.contains(word); }));
      if (shared > most) {
        most = shared;
        best = block;
      }
    }
    return best;
  }

  Text compose(const engine::GenerationRequest& request, engine::TokenRange block) const {
    if (!fixed_answer.empty()) return {" Thinking.", fixed_answer};
    if (block.end == block.begin) return {" Found nothing.", " not found in the documents"};
    Text text{" Looking for:", decode(request, block)};
    for (const std::string& word : asked(request)) text.thinking += " " + word;
    while (!text.answer.empty() && text.answer.back() == '\n') text.answer.pop_back();
    return text;
  }

  std::vector<std::pair<engine::Channel, engine::TokenId>> token_list(const Text& text) const {
    std::vector<std::pair<engine::Channel, engine::TokenId>> list;
    for (const engine::TokenId id : tokenizer_->encode(text.thinking)) list.emplace_back(engine::Channel::kThinking, id);
    for (const engine::TokenId id : tokenizer_->encode(text.answer)) list.emplace_back(engine::Channel::kAnswer, id);
    return list;
  }

  void say(engine::Generation& out, engine::GenerationObserver& observer, engine::Channel channel, engine::TokenId id) const {
    std::string& to = channel == engine::Channel::kThinking ? out.thinking : out.answer;
    const std::string_view piece = tokenizer_->bytes(id);
    const auto begin = static_cast<std::uint32_t>(to.size());
    to += piece;
    observer.on_text(channel, piece, static_cast<std::int64_t>(out.tokens.size()));
    out.tokens.push_back({id, channel, begin, static_cast<std::uint32_t>(to.size()), 0.0f});
  }

  /// Every query selects its newest neighbours; an answering one also the block that it quotes.
  static void record(engine::SelectionRecorder& recorder, std::int64_t first_query, std::int64_t n_queries, engine::TokenRange block) {
    std::vector<std::int32_t> selected(static_cast<std::size_t>(n_queries * kTopK), -1);
    for (std::int64_t q = 0; q < n_queries; ++q) {
      std::set<std::int32_t> keys;
      const std::int64_t position = first_query + q;
      for (std::int64_t key = block.begin; key < block.end && static_cast<int>(keys.size()) < kTopK / 2; ++key) keys.insert(static_cast<std::int32_t>(key));
      for (std::int64_t key = position; key >= 0 && static_cast<int>(keys.size()) < kTopK; --key) keys.insert(static_cast<std::int32_t>(key));
      std::ranges::copy(keys, selected.begin() + q * kTopK);
    }
    for (int layer = 0; layer < kLayers; ++layer) recorder.on_selection(layer, first_query, n_queries, kTopK, selected.data());
  }

  engine::EngineInfo info_;
  engine::PromptLayout layout_;
  std::shared_ptr<WordTokenizer> tokenizer_;
  mutable std::mutex mutex_;
  std::vector<engine::TokenId> last_prompt_;
};

/// An observer that keeps what it was told.
class Recording final : public engine::GenerationObserver {
 public:
  std::string thinking;
  std::string answer;
  std::int64_t n_prefilled = 0;
  void on_prefill(std::int64_t n_done, std::int64_t, std::int64_t) override { n_prefilled = n_done; }
  void on_text(engine::Channel channel, std::string_view text, std::int64_t) override {
    (channel == engine::Channel::kThinking ? thinking : answer) += text;
  }
};

}  // namespace fake
