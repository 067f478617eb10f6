#pragma once

#include <cublasLt.h>
#include <dlfcn.h>

#include "tests/gpu/bench_support.cuh"

/// What this card does with the vendor's library in the same minute: the yardstick for our kernels.
/// cuBLASLt is opened at run time, so that the benchmark also runs where it is missing.
namespace bench {

class Cublas {
 public:
  Cublas() {
    for (const char* name : {"libcublasLt.so.13", "libcublasLt.so"}) {
      library_ = library_ == nullptr ? dlopen(name, RTLD_NOW) : library_;
    }
  }
  bool found() const { return library_ != nullptr; }
  template <typename Function>
  Function get(const char* name) const {
    return reinterpret_cast<Function>(dlsym(library_, name));
  }

 private:
  void* library_ = nullptr;
};

/// TFLOP/s of an n x n x n product, bf16 or e4m3 in, bf16 out; 0 when it cannot be measured.
inline double calibrate_product(const Cublas& cublas, int n, bool fp8) {
  if (!cublas.found()) {
    return 0.0;
  }
  const auto create = cublas.get<decltype(&cublasLtCreate)>("cublasLtCreate");
  const auto create_desc = cublas.get<decltype(&cublasLtMatmulDescCreate)>("cublasLtMatmulDescCreate");
  const auto set_desc = cublas.get<decltype(&cublasLtMatmulDescSetAttribute)>("cublasLtMatmulDescSetAttribute");
  const auto create_layout = cublas.get<decltype(&cublasLtMatrixLayoutCreate)>("cublasLtMatrixLayoutCreate");
  const auto create_wish = cublas.get<decltype(&cublasLtMatmulPreferenceCreate)>("cublasLtMatmulPreferenceCreate");
  const auto set_wish =
      cublas.get<decltype(&cublasLtMatmulPreferenceSetAttribute)>("cublasLtMatmulPreferenceSetAttribute");
  const auto choose = cublas.get<decltype(&cublasLtMatmulAlgoGetHeuristic)>("cublasLtMatmulAlgoGetHeuristic");
  const auto multiply = cublas.get<decltype(&cublasLtMatmul)>("cublasLtMatmul");
  cublasLtHandle_t handle;
  if (create(&handle) != CUBLAS_STATUS_SUCCESS) {
    return 0.0;
  }
  const cudaDataType_t type = fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF;
  const std::int64_t count = static_cast<std::int64_t>(n) * n;
  DeviceArray<unsigned char> a(count * 2);
  DeviceArray<unsigned char> b(count * 2);
  DeviceArray<__nv_bfloat16> c(count);
  std::size_t workspace_bytes = 64u << 20;
  DeviceArray<unsigned char> workspace(static_cast<std::int64_t>(workspace_bytes));
  if (fp8) {
    fill_kernel<<<2048, 256>>>(reinterpret_cast<__nv_fp8_e4m3*>(a.data()), count, n, 1.0f, 1u, false);
    fill_kernel<<<2048, 256>>>(reinterpret_cast<__nv_fp8_e4m3*>(b.data()), count, n, 1.0f, 2u, false);
  } else {
    fill_kernel<<<2048, 256>>>(reinterpret_cast<__nv_bfloat16*>(a.data()), count, n, 1.0f, 1u, false);
    fill_kernel<<<2048, 256>>>(reinterpret_cast<__nv_bfloat16*>(b.data()), count, n, 1.0f, 2u, false);
  }
  cublasLtMatmulDesc_t desc;
  cublasLtMatrixLayout_t layout_in;
  cublasLtMatrixLayout_t layout_out;
  cublasLtMatmulPreference_t wish;
  create_desc(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  set_desc(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed));
  create_layout(&layout_in, type, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(n), n);
  create_layout(&layout_out, CUDA_R_16BF, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(n), n);
  create_wish(&wish);
  set_wish(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes, sizeof(workspace_bytes));
  cublasLtMatmulHeuristicResult_t chosen;
  int n_found = 0;
  if (choose(handle, desc, layout_in, layout_in, layout_out, layout_out, wish, 1, &chosen, &n_found) !=
          CUBLAS_STATUS_SUCCESS ||
      n_found == 0) {
    return 0.0;
  }
  const float one = 1.0f;
  const float zero = 0.0f;
  bool worked = true;
  const Time time = measure(
      [&] {
        worked = worked && multiply(handle, desc, &one, a.data(), layout_in, b.data(), layout_in, &zero, c.data(),
                                    layout_out, c.data(), layout_out, &chosen.algo, workspace.data(), workspace_bytes,
                                    nullptr) == CUBLAS_STATUS_SUCCESS;
      },
      10);
  return worked ? 2.0 * n * n * n / time.median_us * 1e-6 : 0.0;
}

/// TB/s of a device-to-device copy, bytes read and bytes written.
inline double calibrate_copy() {
  const std::int64_t bytes = std::int64_t{4} << 30;
  DeviceArray<unsigned char> from(bytes);
  DeviceArray<unsigned char> to(bytes);
  const Time time = measure(
      [&] { BENCH_CUDA(cudaMemcpyAsync(to.data(), from.data(), static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice)); },
      10);
  return 2.0 * static_cast<double>(bytes) / time.median_us * 1e-6;
}

}  // namespace bench
