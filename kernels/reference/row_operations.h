#pragma once

#include <cstdint>

#include "kernels/api/operations.h"

/// The operations that work on one row (token, query) at a time, as plain f32 loops over the rows
/// [first, last). The reference backend runs them over all rows; the CPU backend splits the rows
/// of the cheap ones over its threads.
namespace kernels::rows {

void rms_norm(const RmsNormArgs& args, std::int64_t first, std::int64_t last);
void layer_norm(const LayerNormArgs& args, std::int64_t first, std::int64_t last);
void rotate(const RotateArgs& args, std::int64_t first, std::int64_t last);
void hadamard(const HadamardArgs& args, std::int64_t first, std::int64_t last);
void route_experts(const RouteExpertsArgs& args, std::int64_t first, std::int64_t last);

}  // namespace kernels::rows
