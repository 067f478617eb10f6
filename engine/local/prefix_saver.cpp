#include "engine/local/prefix_saver.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"

namespace engine {

PrefixSaver::~PrefixSaver() {
  if (thread_.joinable()) thread_.join();  // a jthread would ask it to stop first
}

void PrefixSaver::start(std::vector<TokenId> tokens, const std::string& selection, const KeyStore& keys,
                        std::shared_ptr<const SelectionTrace> trace) {
  if (thread_.joinable()) thread_.join();  // at most the end of the save before: bytes on their way to the disk
  reads_keys_ = true;
  thread_ = std::jthread([this, tokens = std::move(tokens), selection, &keys, trace = std::move(trace)](const std::stop_token& stop) {
    write(tokens, selection, keys, trace.get(), stop);
  });
}

void PrefixSaver::write(const std::vector<TokenId>& tokens, const std::string& selection, const KeyStore& keys,
                        const SelectionTrace* trace, const std::stop_token& stop) {
  const auto saved = store_.save(tokens, selection, keys, [&stop] { return stop.stop_requested(); }, [this] { release_keys(); }, trace);
  release_keys();
  if (saved) {
    note_saved(tokens, selection);
  } else if (saved.error().code != ErrorCode::kCancelled) {
    log(LogLevel::kWarning, saved.error().message);
  }
}

void PrefixSaver::release_keys() {
  const std::lock_guard lock(mutex_);
  reads_keys_ = false;
  released_.notify_all();
}

void PrefixSaver::take_back() {
  std::unique_lock lock(mutex_);
  if (!reads_keys_) return;
  thread_.request_stop();
  released_.wait(lock, [this] { return !reads_keys_; });
}

void PrefixSaver::note_saved(std::span<const TokenId> tokens, const std::string& selection) {
  const std::lock_guard lock(mutex_);
  saved_tokens_.assign(tokens.begin(), tokens.end());
  saved_selection_ = selection;
}

std::int64_t PrefixSaver::n_on_disk(std::span<const TokenId> tokens, const std::string& selection) const {
  const std::lock_guard lock(mutex_);
  if (selection != saved_selection_) return 0;
  const auto [mine, theirs] = std::mismatch(saved_tokens_.begin(), saved_tokens_.end(), tokens.begin(), tokens.end());
  return mine - saved_tokens_.begin();
}

}  // namespace engine
