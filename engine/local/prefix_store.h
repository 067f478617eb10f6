#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/forward/key_store.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/trace/selection_trace.h"

namespace engine {

/// Keys of prompts on disk, so that a second question about the same documents starts in seconds, also
/// after a restart.
///
/// One file per prompt, named after model, selection and tokens; written under another name first, then
/// renamed. Header and every segment of 256 tokens carry a checksum that is verified on load. A damaged
/// or foreign file is passed over with a line in the log. Files are readable by their owner only: they
/// tell what was read. When the folder outgrows its budget the files used least recently go.
///
/// File: header (magic, lengths, model, selection, bytes per layer), tokens, their checksum; then for
/// each segment the rows of layer 0, 1, ... and a checksum.
class PrefixStore {
 public:
  /// `model` identifies the weights. The folder is made when it is first written to.
  PrefixStore(std::filesystem::path folder, std::string model, std::int64_t budget_bytes);

  struct Found {
    std::filesystem::path file;
    std::int64_t n_common = 0;  // leading tokens that it shares with the prompt
  };
  /// The file that shares most with `prompt`, if any shares more than `at_least` tokens.
  std::optional<Found> find(std::span<const TokenId> prompt, const std::string& selection, std::int64_t at_least) const;

  /// Loads the keys of the first `n_common` tokens; `keys` must have room for `room_for(n_common)`.
  /// After an error rows of `keys` are undefined. `stop` ends it with kCancelled.
  Result<void> load(const Found& found, KeyStore& keys, const std::function<bool()>& stop) const;

  /// Writes the keys of `tokens`, which are the first rows of `keys`. More than the budget is not kept.
  /// `on_keys_read` is called once `keys` are not needed any more and only the disk is waited for. `trace`:
  /// what was selected while they were made, kept beside them; may be null.
  Result<void> save(std::span<const TokenId> tokens, const std::string& selection, const KeyStore& keys,
                    const std::function<bool()>& stop, const std::function<void()>& on_keys_read = {},
                    const SelectionTrace* trace = nullptr) const;

  /// The trace that was kept beside these keys; null when there is none or it is damaged.
  std::shared_ptr<const SelectionTrace> trace_of(const Found& found) const;

  static std::int64_t room_for(std::int64_t n_tokens);

 private:
  void make_room(std::int64_t n_bytes) const;

  std::filesystem::path folder_;
  std::string model_;
  std::int64_t budget_bytes_;
};

}  // namespace engine
