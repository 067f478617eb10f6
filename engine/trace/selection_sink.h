#pragma once

#include <cstdint>

namespace engine {

/// Receives what each query selected, layer by layer, while the engine runs. Engine thread only;
/// called in ascending order of query position for each layer. The last layer is asked only for queries
/// whose result somebody needs: of a prompt that is its last token.
class SelectionSink {
 public:
  virtual ~SelectionSink() = default;
  /// `indices`: [n_queries][k] ascending positions, -1 = unused; null: every visible key (dense).
  /// `first_query` is the position of query 0 in the sequence.
  virtual void on_selection(int layer, std::int64_t first_query, std::int64_t n_queries, std::int64_t k,
                            const std::int32_t* indices) = 0;
};

}  // namespace engine
