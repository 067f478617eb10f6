#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/forward/key_store.h"
#include "engine/local/prefix_store.h"

namespace engine {

/// Writes prompts to a PrefixStore while nobody waits: after an answer, on a thread of its own. Called from
/// the engine's thread only; between `start` and `take_back` the keys and their backend belong to the saver.
class PrefixSaver {
 public:
  explicit PrefixSaver(const PrefixStore& store) : store_(store) {}
  /// Lets a save that is under way come to its end.
  ~PrefixSaver();
  PrefixSaver(const PrefixSaver&) = delete;
  PrefixSaver& operator=(const PrefixSaver&) = delete;

  /// Writes the keys of `tokens`, the first rows of `keys`, and beside them what was selected while they were
  /// made (may be null).
  void start(std::vector<TokenId> tokens, const std::string& selection, const KeyStore& keys,
             std::shared_ptr<const SelectionTrace> trace = nullptr);

  /// Waits until the keys are free again. A save that still reads them is given up and leaves no file: a new
  /// question does not wait for the disk.
  void take_back();

  /// These tokens are on disk already: they were loaded from there.
  void note_saved(std::span<const TokenId> tokens, const std::string& selection);

  /// How many leading tokens of `tokens` the file that was last written or loaded holds.
  std::int64_t n_on_disk(std::span<const TokenId> tokens, const std::string& selection) const;

 private:
  void write(const std::vector<TokenId>& tokens, const std::string& selection, const KeyStore& keys, const SelectionTrace* trace,
             const std::stop_token& stop);
  void release_keys();

  const PrefixStore& store_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable released_;
  bool reads_keys_ = false;
  std::vector<TokenId> saved_tokens_;
  std::string saved_selection_;
  std::jthread thread_;
};

}  // namespace engine
