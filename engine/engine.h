#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/tokenizer/prompt_layout.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/trace/selection_trace.h"

/// What the program asks of a model, whoever runs it (this machine, a server, a fake in tests).
namespace engine {

struct EngineInfo {
  std::string name;           // "Longleaf Finder"
  std::string architecture;   // "deepseek_v32"
  std::string device;         // "CPU, 2 threads, AVX-512"
  std::string model_hash;     // of config and tensor table: identifies runs and saved prefixes
  std::int64_t context_length = 0;  // tokens, prompt and answer together
  int n_layers = 0;
  int index_topk = 0;         // 0: the model has no indexer
  bool has_indexer = false;
  std::int64_t weight_bytes = 0;
  std::int64_t key_bytes_per_token = 0;  // both caches, all layers
};

enum class Channel { kThinking, kAnswer };

struct SamplingOptions {
  double temperature = 0.0;   // 0: greedy
  double top_p = 1.0;         // (0, 1]
  std::uint64_t seed = 0;
  int max_new_tokens = 512;
  /// Inside the answer, continue only with text that follows in the prompt (see quote_constraint.h); the thinking of a
  /// model that finds words is held to the prompt in the same way (find_constraint.h).
  bool quote_constraint = false;
};

/// Half-open range of prompt positions.
struct TokenRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

struct SelectionOptions {
  SelectionMode mode = SelectionMode::kIndexer;
  int top_k = 0;             // 0: the model's own index_topk
  bool keep = false;         // always keep window and anchors visible
  int window = 256;          // newest tokens, for kBlocks and keep
  int sampled_recall = 0;    // measure recall of dense attention mass on this many queries; 0: off
  /// Parts of the prompt that every query selects, and parts that none does, its own token apart: for
  /// measured ablation. Muted wins over pinned, and pinned tokens count towards top_k. Not for kDense.
  std::vector<TokenRange> pinned = {};
  std::vector<TokenRange> muted = {};
};

struct GenerationRequest {
  std::vector<TokenId> prompt;            // the exact tokens, made by the prompt builder
  bool starts_in_thinking = true;         // the prompt's tail opened a thinking part
  std::vector<TokenRange> anchors;        // headings, question: for SelectionMode::kBlocks and keep
  std::vector<TokenRange> quotable;       // document blocks: what quote_constraint may copy from
  SamplingOptions sampling;
  SelectionOptions selection;
  TraceLevel trace_level = TraceLevel::kBlocks;
  /// The trace is also written here while the run goes on, so that a crash leaves what was read so far
  /// (engine/trace/trace_writer.h). Empty: in memory only. A file that cannot be written is no error.
  std::filesystem::path trace_path = {};
  std::string trace_sources = {};         // goes into that file as it is
  /// The generated tokens are these, whatever the model prefers, and the run ends with the last of them:
  /// GeneratedToken::log_probability then says how likely the model finds a given text.
  std::vector<TokenId> forced = {};
  /// Thinking ends with the token that closes it after so many tokens, or when `answer_now` is asked for,
  /// and the answer begins. 0: as long as the model likes. A model without such a token thinks on.
  int max_thinking_tokens = 0;
  std::stop_token answer_now = {};
};

/// Called on the engine's thread while `generate` runs; must return quickly.
class GenerationObserver {
 public:
  virtual ~GenerationObserver() = default;
  /// `n_cached` of the `n_total` prompt tokens were already there; n_done includes them.
  virtual void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t n_cached) = 0;
  /// Complete UTF-8 only. `first_token` is the index among generated tokens of the first token in `text`.
  virtual void on_text(Channel channel, std::string_view text, std::int64_t first_token) = 0;
  /// The key blocks (64 positions each) that this generated token selected, per layer, as it happens.
  virtual void on_token_selection(std::int64_t token, std::span<const BlockSet> layers) {
    (void)token;
    (void)layers;
  }
};

enum class EndReason { kEndOfText, kLength, kCancelled };

/// One generated token: where its text lies.
struct GeneratedToken {
  TokenId id = 0;
  Channel channel = Channel::kAnswer;
  std::uint32_t text_begin = 0;  // byte range in Generation::thinking or ::answer
  std::uint32_t text_end = 0;
  float log_probability = 0;     // of the sampled token, natural log
};

struct Generation {
  std::string thinking;
  std::string answer;
  EndReason end = EndReason::kEndOfText;  // kCancelled is not an error: the text so far is kept
  std::vector<GeneratedToken> tokens;
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_cached_tokens = 0;
  std::int64_t n_overruled = 0;           // tokens in whose place the model alone would have put another: quote_constraint
  double prefill_seconds = 0;
  double decode_seconds = 0;
  std::shared_ptr<const SelectionTrace> trace;  // null at TraceLevel::kOff
};

/// One model, one timeline: the caller always passes the whole prompt and the engine reuses the
/// longest common prefix by itself. One `generate` at a time; the other functions are thread safe.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const EngineInfo& info() const = 0;
  virtual std::shared_ptr<const Tokenizer> tokenizer() const = 0;
  virtual const PromptLayout& layout() const = 0;
  /// How many leading tokens of `prompt` need no prefill now.
  virtual std::int64_t cached_prefix(std::span<const TokenId> prompt) const = 0;
  virtual Result<Generation> generate(const GenerationRequest& request, GenerationObserver& observer,
                                      std::stop_token stop) = 0;
};

}  // namespace engine
