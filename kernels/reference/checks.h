#pragma once

#include <cstdint>

#include "kernels/api/operations.h"

/// Wrong shapes are programmer errors: these end the program with both shapes.
namespace kernels {

/// `view` must be dense of `dtype` with exactly this shape and, when it has elements, data.
void require_shape(const char* operation, const char* name, const TensorView& view, DType dtype,
                   std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1);
/// `matrix` must be there and be [n_out, n_in].
void require_matrix(const char* operation, const char* name, const Matrix* matrix, std::int64_t n_out,
                    std::int64_t n_in);
/// Any other condition; `text` says what was broken.
void require(const char* operation, bool condition, const char* text);

void check(const EmbedArgs& args);
void check(const MatmulArgs& args);
void check(const MatmulHeadsArgs& args);
void check(const RmsNormArgs& args);
void check(const LayerNormArgs& args);
void check(const RotateArgs& args);
void check(const HadamardArgs& args);
void check(const StoreKeysArgs& args, const KeyCacheShape& cache);
void check(const SelectKeysArgs& args, const KeyCacheShape& cache);
void check(const ScoreKeysArgs& args, const KeyCacheShape& cache);
void check(const AttentionArgs& args, const KeyCacheShape& cache);
void check(const AttentionMassArgs& args, const KeyCacheShape& cache);
void check(const RouteExpertsArgs& args);
void check(const FeedForwardArgs& args);
void check(const RunExpertsArgs& args);
/// The same but for the chosen experts, which may lie where the host cannot read them.
void check_shapes(const RunExpertsArgs& args);
void check(const AddArgs& args);

}  // namespace kernels
