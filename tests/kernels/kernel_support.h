#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/api/backend.h"

/// What the kernel tests share: backends to compare, tensors of known random numbers, errors.
namespace kernel_support {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;
using Ints = std::vector<std::int32_t>;

/// "reference", or "cpu/ISA/THREADS" as in "cpu/avx2/3", with "/bf16" or "/int8" behind it for that arithmetic.
inline kernels::Compute compute_of(const std::string& kind) {
  if (kind.ends_with("/int8")) return kernels::Compute::kInt8;
  return kind.ends_with("/bf16") ? kernels::Compute::kBF16 : kernels::Compute::kF32;
}

inline std::unique_ptr<kernels::Backend> make_backend(const std::string& kind) {
  if (kind == "reference") return kernels::make_reference_backend();
  const std::size_t slash = kind.find('/', 4);
  setenv("LONGLEAF_ISA", kind.substr(4, slash - 4).c_str(), 1);
  return kernels::make_cpu_backend({std::atoi(kind.c_str() + slash + 1), compute_of(kind), false});
}

/// Backends that compute in f32, and all of them.
inline const std::vector<std::string> kExactBackends{"reference", "cpu/plain/1", "cpu/avx2/2", "cpu/avx512/3",
                                                     "cpu/avx512bf16/2"};
inline const std::vector<std::string> kBackends{
    "reference",        "cpu/plain/1",     "cpu/avx2/2",        "cpu/avx512/3",         "cpu/avx512bf16/2",
    "cpu/plain/1/bf16", "cpu/avx2/1/bf16", "cpu/avx512/1/bf16", "cpu/avx512bf16/2/bf16",
    "cpu/plain/2/int8", "cpu/avx2/1/int8", "cpu/avx512/1/int8", "cpu/avx512bf16/2/int8"};

/// Numbers of a fixed sequence, normally distributed, times `size`.
inline Floats random_floats(std::int64_t n, unsigned seed, float size = 1.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Floats values(static_cast<std::size_t>(n));
  for (float& value : values) value = size * normal(generator);
  return values;
}

inline kernels::TensorView view(Floats& values, std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1) {
  return {values.data(), kernels::DType::kF32, {d0, d1, d2}};
}
inline kernels::TensorView view(Ints& values, std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1) {
  return {values.data(), kernels::DType::kI32, {d0, d1, d2}};
}

inline std::unique_ptr<kernels::Matrix> load(kernels::Backend& backend, const Floats& values,
                                             std::int64_t n_out, std::int64_t n_in) {
  auto result = backend.load_matrix({values.data(), kernels::DType::kF32, n_out, n_in, nullptr, false});
  return std::move(std::get<0>(result));
}

inline std::unique_ptr<kernels::KeyCache> make_cache(kernels::Backend& backend,
                                                     const kernels::KeyCacheShape& shape) {
  auto result = backend.make_key_cache(shape);
  return std::move(std::get<0>(result));
}

/// Largest difference, relative to the root mean square of what was wanted; infinity when the
/// infinities or NaNs are not at the same places.
inline double error_of(const Floats& got, const Doubles& wanted) {
  if (got.size() != wanted.size()) return INFINITY;
  double squares = 0;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(wanted[i]) || !std::isfinite(got[i])) {
      if (std::isnan(wanted[i]) != std::isnan(got[i])) return INFINITY;
      if (!std::isnan(wanted[i]) && static_cast<double>(got[i]) != wanted[i]) return INFINITY;
      continue;
    }
    squares += wanted[i] * wanted[i];
    largest = std::max(largest, std::abs(static_cast<double>(got[i]) - wanted[i]));
  }
  return largest / (std::sqrt(squares / static_cast<double>(got.size())) + 1e-30);
}

/// Largest error_of() that an arithmetic may have against loops in double precision: the one table of
/// tolerances. `scores` are those of the indexer, whose keys and queries are int8 beside bf16 and int8 products.
struct Tolerance {
  double values;
  double scores;
  double logits;  // of a whole small model, see arithmetic_test
};
inline Tolerance tolerances(kernels::Compute compute) {
  switch (compute) {
    case kernels::Compute::kF32:
      return {2e-5, 2e-5, 1e-3};
    case kernels::Compute::kInt8:
      return {2e-1, 1e-1, 2.5e-1};
    default:
      return {4e-2, 1e-1, 8e-2};
  }
}
inline double tolerance(const std::string& kind) { return tolerances(compute_of(kind)).values; }
inline double score_tolerance(const std::string& kind) { return tolerances(compute_of(kind)).scores; }

}  // namespace kernel_support
