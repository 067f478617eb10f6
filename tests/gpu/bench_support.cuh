#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

/// What the GPU benchmark needs around the kernels: memory, inputs made on the device, times.
namespace bench {

#define BENCH_CUDA(call)                                                                                      \
  do {                                                                                                        \
    const cudaError_t bench_error = (call);                                                                   \
    if (bench_error != cudaSuccess) {                                                                         \
      std::printf("%s:%d: %s failed: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(bench_error));      \
      std::exit(2);                                                                                           \
    }                                                                                                         \
  } while (false)

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::int64_t size) : size_(size) {
    BENCH_CUDA(cudaMalloc(&data_, static_cast<std::size_t>(size) * sizeof(T)));
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  void poison() { BENCH_CUDA(cudaMemset(data_, 0xFF, static_cast<std::size_t>(size_) * sizeof(T))); }
  std::vector<T> to_host(std::int64_t first, std::int64_t count) const {
    std::vector<T> values(static_cast<std::size_t>(count));
    BENCH_CUDA(cudaMemcpy(values.data(), data_ + first, values.size() * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }
  std::vector<T> to_host() const { return to_host(0, size_); }
  void from_host(const std::vector<T>& values) {
    BENCH_CUDA(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }

 private:
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

__device__ inline std::uint32_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xFF51AFD7ED558CCDull;
  x ^= x >> 33;
  x *= 0xC4CEB9FE1A85EC53ull;
  x ^= x >> 33;
  return static_cast<std::uint32_t>(x);
}

/// Normally distributed, a function of its arguments alone.
__device__ inline float normal(std::uint64_t index, std::uint32_t seed) {
  const std::uint32_t a = mix(index * 2 + (static_cast<std::uint64_t>(seed) << 40));
  const std::uint32_t b = mix(index * 2 + 1 + (static_cast<std::uint64_t>(seed) << 40));
  const float u = (static_cast<float>(a >> 8) + 1.0f) * 0x1p-24f;
  return sqrtf(-2.0f * logf(u)) * cospif(2.0f * static_cast<float>(b >> 8) * 0x1p-24f);
}

enum class Inputs { kRandom, kCorrelated };

/// values[row, column] normal with standard deviation `scale`. Correlated: half of the variance drifts
/// slowly, from one direction to the next every 512 rows, so that neighbours are alike.
template <typename T>
__global__ void fill_kernel(T* values, std::int64_t n, int width, float scale, std::uint32_t seed, bool correlated) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    float value = normal(static_cast<std::uint64_t>(i), seed);
    if (correlated) {
      const std::int64_t row = i / width;
      const std::int64_t column = i % width;
      const float part = static_cast<float>(row % 512) / 512.0f;
      const auto corner = static_cast<std::uint64_t>(row / 512 * width + column);
      const float from = normal(corner, seed + 77);
      const float to = normal(corner + static_cast<std::uint64_t>(width), seed + 77);
      const float drift = ((1.0f - part) * from + part * to) * rsqrtf((1.0f - part) * (1.0f - part) + part * part);
      value = 0.70710678f * (value + drift);
    }
    values[i] = static_cast<T>(value * scale);
  }
}

template <typename T>
void fill(const DeviceArray<T>& array, int width, float scale, std::uint32_t seed, Inputs inputs = Inputs::kRandom) {
  fill_kernel<<<2048, 256>>>(array.data(), array.size(), width, scale, seed, inputs == Inputs::kCorrelated);
  BENCH_CUDA(cudaGetLastError());
}

/// values = offset + |normal| * scale
__global__ void fill_positive_kernel(float* values, std::int64_t n, float offset, float scale,
                                            std::uint32_t seed) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    values[i] = offset + fabsf(normal(static_cast<std::uint64_t>(i), seed)) * scale;
  }
}

inline void fill_positive(const DeviceArray<float>& array, float offset, float scale, std::uint32_t seed) {
  fill_positive_kernel<<<1024, 256>>>(array.data(), array.size(), offset, scale, seed);
  BENCH_CUDA(cudaGetLastError());
}

struct Time {
  double median_us = 0.0;
  double best_us = 0.0;
};

/// Times by events, each sample on its own; `prepare` runs before every sample, outside of the time.
inline Time measure(const std::function<void()>& work, int n_samples, int n_warmups = 3,
                    const std::function<void()>& prepare = {}) {
  cudaEvent_t begin;
  cudaEvent_t end;
  BENCH_CUDA(cudaEventCreate(&begin));
  BENCH_CUDA(cudaEventCreate(&end));
  std::vector<double> times;
  for (int i = 0; i < n_warmups + n_samples; ++i) {
    if (prepare) {
      prepare();
    }
    BENCH_CUDA(cudaEventRecord(begin));
    work();
    BENCH_CUDA(cudaEventRecord(end));
    BENCH_CUDA(cudaEventSynchronize(end));
    BENCH_CUDA(cudaGetLastError());
    float ms = 0.0f;
    BENCH_CUDA(cudaEventElapsedTime(&ms, begin, end));
    if (i >= n_warmups) {
      times.push_back(ms * 1000.0);
    }
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::sort(times.begin(), times.end());
  return Time{times[times.size() / 2], times.front()};
}

/// The time of one launch sequence inside a graph that holds it `n_copies` times.
inline Time measure_in_graph(const std::function<void(cudaStream_t)>& work, int n_copies, int n_samples) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  BENCH_CUDA(cudaStreamCreate(&stream));
  work(stream);
  BENCH_CUDA(cudaStreamSynchronize(stream));
  BENCH_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < n_copies; ++i) {
    work(stream);
  }
  BENCH_CUDA(cudaStreamEndCapture(stream, &graph));
  BENCH_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  Time time = measure([&] { BENCH_CUDA(cudaGraphLaunch(executable, nullptr)); }, n_samples);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
  return Time{time.median_us / n_copies, time.best_us / n_copies};
}

/// Clocks the chip wants before anything is timed.
__global__ void flush_kernel(float4* values, std::int64_t n, float value) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    values[i] = make_float4(value, value, value, value);
  }
}

}  // namespace bench
