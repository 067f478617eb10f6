#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <string>
#include <variant>

#include "tests/kernels/kernel_support.h"

/// Running one operation on the GPU and on the host with the same code, and comparing.
namespace gpu_check {

using namespace kernel_support;
using namespace kernels;

/// A backend and the tensors of one case in its memory.
class Rig {
 public:
  explicit Rig(Backend& backend) : b(backend) {}
  TensorView put(const Floats& values, std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1) {
    return place(values.data(), DType::kF32, {d0, d1, d2});
  }
  TensorView put(const Ints& values, std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1) {
    return place(values.data(), DType::kI32, {d0, d1, d2});
  }
  TensorView room(std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1, DType dtype = DType::kF32) {
    return place(nullptr, dtype, {d0, d1, d2});
  }
  Floats floats(const TensorView& view) {
    Floats values(static_cast<std::size_t>(view.n_elements()));
    b.copy_to_host(view, values.data());
    return values;
  }
  Ints ints(const TensorView& view) {
    Ints values(static_cast<std::size_t>(view.n_elements()));
    b.copy_to_host(view, values.data());
    return values;
  }
  const Matrix* matrix(const MatrixSource& source) {
    matrices_.push_back(std::get<0>(b.load_matrix(source)));
    return matrices_.back().get();
  }
  /// `may_stay`: the device may leave the values on the host.
  const Matrix* matrix(const Floats& values, std::int64_t n_out, std::int64_t n_in, bool keep_f32 = false, bool may_stay = false) {
    MatrixSource source{values.data(), DType::kF32, n_out, n_in, nullptr, keep_f32, nullptr};
    if (may_stay) {
      const auto copy = std::make_shared<const Floats>(values);
      source.data = copy->data();
      source.owner = copy;
    }
    return matrix(source);
  }
  KeyCache* cache(const KeyCacheShape& shape) {
    caches_.push_back(std::get<0>(b.make_key_cache(shape)));
    return caches_.back().get();
  }

  Backend& b;

 private:
  TensorView place(const void* values, DType dtype, std::array<std::int64_t, 3> shape) {
    TensorView view{nullptr, dtype, shape};
    auto made = b.allocate(static_cast<std::size_t>(view.n_elements()) * size_of(dtype));
    if (auto* why = std::get_if<DeviceError>(&made)) {
      std::printf("FAILED: %s\n", why->message.c_str());
      std::exit(1);
    }
    buffers_.push_back(std::move(std::get<0>(made)));
    view.data = buffers_.back()->data();
    if (values != nullptr && view.n_elements() > 0) b.copy_to_device(values, view);
    return view;
  }
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<std::unique_ptr<Matrix>> matrices_;
  std::vector<std::unique_ptr<KeyCache>> caches_;
};

/// Counts cases and prints one line for each.
class Report {
 public:
  void line(const std::string& kind, const std::string& name, const std::string& measure, double got, double limit, bool passed) {
    std::printf("%-6s %-10s %-58s %s %.3g (limit %.3g)\n", passed ? "ok" : "FAILED", kind.c_str(), name.c_str(), measure.c_str(), got, limit);
    ++n_cases;
    n_failed += !passed;
  }
  int n_cases = 0;
  int n_failed = 0;
};

/// Backends by name: "cuda/f32", "cuda/bf16" on the GPU, "cpu/..." and "reference" as in the CPU's tests.
std::unique_ptr<Backend> open_backend(const std::string& kind);

/// "matmul 3 4 5"
std::string text(const char* what, std::initializer_list<std::int64_t> sizes);

using Run = std::function<Floats(Rig&)>;
using Select = std::function<Ints(Rig&)>;

/// One operation on `kind` and on `wanted_of`, largest difference against `limit`.
void compare(Report& report, const std::string& kind, Backend& device, Backend& host, const std::string& name, double limit, const Run& run);
/// Rows of k indices: the mean overlap (Jaccard) of the sets must reach `least`; a row that is not ascending fails.
void compare_sets(Report& report, const std::string& kind, Backend& device, Backend& host, const std::string& name, std::int64_t k,
                  double least, const Select& select);

void check_products(Report& report, const std::string& kind, Backend& device, Backend& host, bool small);
void check_rows(Report& report, const std::string& kind, Backend& device, Backend& host, bool small);
void check_keys(Report& report, const std::string& kind, Backend& device, Backend& host, bool small);

}  // namespace gpu_check
