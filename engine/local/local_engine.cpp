#include "engine/local/local_engine.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "engine/local/generation_run.h"
#include "engine/local/model_loader.h"
#include "engine/local/prefix_saver.h"
#include "engine/local/timeline.h"

namespace engine {
namespace {

constexpr std::int64_t kMaxContext = 131072;
constexpr std::int64_t kWorthSaving = 256;  // tokens that must be new before the disk is used
constexpr std::int64_t kPrefixBudget = std::int64_t{8} << 30;  // bytes of saved prompts on disk

/// Lets one `generate` in at a time.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& taken) : taken_(taken), is_mine_(!taken.exchange(true)) {}
  ~Turn() {
    if (is_mine_) taken_ = false;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool is_mine() const { return is_mine_; }

 private:
  std::atomic<bool>& taken_;
  bool is_mine_;
};

class LocalEngine final : public Engine {
 public:
  LocalEngine(std::unique_ptr<LoadedModel> model, EngineInfo info, const std::filesystem::path& prefix_folder)
      : model_(std::move(model)),
        timeline_(*model_->backend, model_->config, *model_->transformer),
        info_(std::move(info)) {
    if (prefix_folder.empty()) return;
    store_.emplace(prefix_folder, info_.model_hash, kPrefixBudget);
    saver_.emplace(*store_);
  }

  const EngineInfo& info() const override { return info_; }
  std::shared_ptr<const Tokenizer> tokenizer() const override { return model_->tokenizer; }
  const PromptLayout& layout() const override { return model_->layout; }
  std::int64_t cached_prefix(std::span<const TokenId> prompt) const override { return timeline_.common_tokens(prompt); }

  Result<Generation> generate(const GenerationRequest& request, GenerationObserver& observer,
                              std::stop_token stop) override {
    const Turn turn(is_busy_);
    if (!turn.is_mine()) {
      return Error{ErrorCode::kInvalidInput, "The model is still answering another question. Cancel that one first."};
    }
    TRY(check(request));
    if (saver_) saver_->take_back();
    auto generation = run(request, observer, stop);
    last_trace_ = generation ? generation->trace : nullptr;
    // Nobody asks an ablation twice: its keys would only push out others.
    const bool is_ablation = !request.selection.pinned.empty() || !request.selection.muted.empty();
    if (generation && !is_ablation) save_prompt(generation->n_prompt_tokens);
    return generation;
  }

 private:
  Result<Generation> run(const GenerationRequest& request, GenerationObserver& observer, std::stop_token stop) {
    GenerationRun run(*model_, timeline_, store_ ? &*store_ : nullptr, info_.context_length, observer, std::move(stop));
    auto generation = run.run(request, last_trace_);
    if (saver_ && run.n_restored() > 0) {
      const std::vector<TokenId> tokens = timeline_.tokens();
      saver_->note_saved(std::span(tokens).first(static_cast<std::size_t>(run.n_restored())), timeline_.selection());
    }
    return generation;
  }

  /// After the answer, so that nobody waits for the disk.
  void save_prompt(std::int64_t n_prompt) {
    std::vector<TokenId> tokens = timeline_.tokens();
    if (!saver_ || static_cast<std::int64_t>(tokens.size()) < n_prompt) return;  // stopped before all of it was read
    tokens.resize(static_cast<std::size_t>(n_prompt));
    if (n_prompt - saver_->n_on_disk(tokens, timeline_.selection()) < kWorthSaving) return;
    saver_->start(std::move(tokens), timeline_.selection(), timeline_.keys(), last_trace_);
  }

  Result<void> check(const GenerationRequest& request) const {
    if (request.prompt.empty()) return Error{ErrorCode::kInvalidInput, "The prompt is empty."};
    const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
    if (n_prompt >= info_.context_length) {
      return Error{ErrorCode::kInvalidInput, "The prompt has " + std::to_string(n_prompt) + " tokens; the model reads " +
                                                 std::to_string(info_.context_length) + " with the answer. Choose fewer pages."};
    }
    for (const auto* tokens : {&request.prompt, &request.forced}) {
      const auto outside = std::find_if(tokens->begin(), tokens->end(), [this](TokenId id) { return id < 0 || id >= model_->config.n_vocab; });
      if (outside == tokens->end()) continue;
      return Error{ErrorCode::kInvalidInput, "The prompt or the given answer holds the token " + std::to_string(*outside) + ", which the model does not have."};
    }
    if (request.sampling.max_new_tokens <= 0) return Error{ErrorCode::kInvalidInput, "The answer must be allowed at least one token."};
    return {};
  }

  std::unique_ptr<LoadedModel> model_;
  Timeline timeline_;
  EngineInfo info_;
  std::optional<PrefixStore> store_;
  std::optional<PrefixSaver> saver_;  // ends before what it reads
  std::shared_ptr<const SelectionTrace> last_trace_;  // of the run that left the keys behind
  std::atomic<bool> is_busy_ = false;
};

EngineInfo describe(const LoadedModel& model, const std::filesystem::path& path, const LocalEngineOptions& options) {
  EngineInfo info;
  info.name = !model.layout.name.empty() ? model.layout.name : std::filesystem::absolute(path).lexically_normal().filename().string();
  info.architecture = model.config.model_type;
  info.device = model.backend->name();
  info.model_hash = model.fingerprint;
  const std::int64_t wanted = options.context_length > 0 ? options.context_length : kMaxContext;
  info.context_length = std::min({wanted, model.config.context_length, kMaxContext});
  info.n_layers = model.config.n_layers;
  info.index_topk = model.config.indexer.top_k;
  info.has_indexer = model.config.has_indexer();
  info.weight_bytes = model.weights.size_bytes;
  info.key_bytes_per_token = KeyStore::bytes_per_token(model.config);
  return info;
}

}  // namespace

Result<std::unique_ptr<Engine>> open_local_engine(const std::filesystem::path& model, const LocalEngineOptions& options,
                                                  const LoadObserver& observer, std::stop_token stop) {
  std::error_code ignored;
  if (!std::filesystem::exists(model, ignored)) {
    return Error{ErrorCode::kNotFound, model.string() + " does not exist. Choose the folder of a model."};
  }
  TRY_ASSIGN(std::unique_ptr<LoadedModel> loaded, load_model(model, options, observer, stop));
  EngineInfo info = describe(*loaded, model, options);
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(std::move(loaded), std::move(info), options.prefix_folder));
}

}  // namespace engine
