#include <algorithm>

#include "kernels/cuda/cuda_operations.h"
#include "kernels/cuda/packed_rows.h"

namespace kernels::cuda {
namespace {

VectorProduct vector_of(const DeviceMatrix& w, const float* in, int n_rows, float* out, bool accumulate) {
  VectorProduct product;
  product.in = in;
  product.in_pitch = w.n_in();
  product.w = w.data();
  product.w_pitch = w.pitch();
  product.out = out;
  product.out_pitch = w.n_out();
  product.n_rows = n_rows;
  product.n = w.n_out();
  product.k = w.n_in();
  product.accumulate = accumulate;
  return product;
}

/// out[n_rows, n_out] (+)= in * W^T for rows that are ready, in work memory or not.
bool multiply_rows(Device& device, const DeviceMatrix& w, const Packed& in, std::int64_t n_rows, float* out, bool accumulate) {
  if (in.data == nullptr) return false;
  Product product;
  product.a = in.data;
  product.a_pitch = in.pitch;
  product.w = w.data();
  product.w_pitch = w.pitch();
  product.c = out;
  product.c_pitch = w.n_out();
  product.m = n_rows;
  product.n = w.n_out();
  product.k = w.n_in();
  product.accumulate = accumulate;
  return multiply(device, w.format(), product);
}

}  // namespace

Packed pack(Device& device, Work& work, Format format, const float* in, std::int64_t n_rows, std::int64_t n) {
  if (format == Format::kF32) return {in, n};
  PackArgs args;
  args.in = in;
  args.in_pitch = n;
  args.out_pitch = packed_pitch(n);
  args.out = work.take<std::uint16_t>(n_rows * args.out_pitch);
  args.n_rows = n_rows;
  args.n = n;
  if (args.out == nullptr) {
    device.check(cudaErrorMemoryAllocation, kNoWork);
    return {};
  }
  if (!device.check(pack_rows(device.queue(), format, args), "rounding activations")) return {};
  return {args.out, args.out_pitch};
}

void matmul(Device& device, const MatmulArgs& args) {
  const DeviceMatrix& w = resident(args.weight);
  const std::int64_t n_tokens = args.in.shape[0];
  const auto* in = args.in.as<const float>();
  auto* out = args.out.as<float>();
  if (n_tokens <= kVectorRows) {
    device.check(multiply_vector(device.queue(), w.format(), vector_of(w, in, static_cast<int>(n_tokens), out, args.accumulate)),
                 "a matrix product");
    return;
  }
  const std::size_t row_bytes = static_cast<std::size_t>(packed_pitch(w.n_in())) * 2;
  const std::int64_t n_at_once = w.format() == Format::kF32 ? n_tokens : rows_that_fit(device.work_bytes(), row_bytes, n_tokens);
  if (n_at_once == 0) {
    device.check(cudaErrorMemoryAllocation, kNoWork);
    return;
  }
  for (std::int64_t first = 0; first < n_tokens && !device.stopped(); first += n_at_once) {
    const std::int64_t n = std::min(n_at_once, n_tokens - first);
    Work work(device);
    if (!multiply_rows(device, w, pack(device, work, w.format(), in + first * w.n_in(), n, w.n_in()), n, out + first * w.n_out(),
                       args.accumulate))
      return;
  }
}

void matmul_heads(Device& device, const MatmulHeadsArgs& args) {
  const DeviceMatrix& w = resident(args.weight);
  const auto [n_tokens, n_heads, n_in] = args.in.shape;
  const std::int64_t n_out = args.out.shape[2];
  if (n_tokens <= kVectorRows) {
    VectorProduct product = vector_of(w, args.in.as<const float>(), static_cast<int>(n_tokens), args.out.as<float>(), false);
    product.in_pitch = n_heads * n_in;
    product.out_pitch = n_heads * n_out;
    product.n = n_out;
    product.n_batches = static_cast<int>(n_heads);
    product.w_batch = n_out * w.pitch();
    device.check(multiply_vector(device.queue(), w.format(), product), "a matrix product");
    return;
  }
  const std::size_t row_bytes = static_cast<std::size_t>(n_heads * packed_pitch(n_in)) * 2;
  const std::int64_t n_at_once = w.format() == Format::kF32 ? n_tokens : rows_that_fit(device.work_bytes(), row_bytes, n_tokens);
  if (n_at_once == 0) {
    device.check(cudaErrorMemoryAllocation, kNoWork);
    return;
  }
  for (std::int64_t first = 0; first < n_tokens && !device.stopped(); first += n_at_once) {
    const std::int64_t n = std::min(n_at_once, n_tokens - first);
    Work work(device);
    const Packed in = pack(device, work, w.format(), args.in.as<const float>() + first * n_heads * n_in, n * n_heads, n_in);
    if (in.data == nullptr) return;
    Product product;
    product.a = in.data;
    product.a_pitch = n_heads * in.pitch;
    product.a_batch = in.pitch;
    product.w = w.data();
    product.w_pitch = w.pitch();
    product.w_batch = n_out * w.pitch();
    product.c = args.out.as<float>() + first * n_heads * n_out;
    product.c_pitch = n_heads * n_out;
    product.c_batch = n_out;
    product.m = n;
    product.n = n_out;
    product.k = n_in;
    product.n_batches = static_cast<int>(n_heads);
    if (!multiply(device, w.format(), product)) return;
  }
}

void feed_forward(Device& device, const FeedForwardArgs& args) {
  const DeviceMatrix& gate_w = resident(args.weights.gate);
  const DeviceMatrix& up_w = resident(args.weights.up);
  const DeviceMatrix& down_w = resident(args.weights.down);
  const std::int64_t n_tokens = args.in.shape[0];
  const std::int64_t n_hidden = gate_w.n_in();
  const std::int64_t n_inner = gate_w.n_out();
  const auto* in = args.in.as<const float>();
  auto* out = args.out.as<float>();
  const std::size_t row_bytes = static_cast<std::size_t>(packed_pitch(n_hidden) * 2 + packed_pitch(n_inner) * 2 + 8 * n_inner);
  const std::int64_t n_at_once = rows_that_fit(device.work_bytes(), row_bytes, n_tokens);
  if (n_at_once == 0 && n_tokens > 0) {
    device.check(cudaErrorMemoryAllocation, kNoWork);
    return;
  }
  for (std::int64_t first = 0; first < n_tokens && !device.stopped(); first += n_at_once) {
    const std::int64_t n = std::min(n_at_once, n_tokens - first);
    Work work(device);
    auto* gates = work.take<float>(n * n_inner);
    float* to = out + first * n_hidden;
    if (n_tokens <= kVectorRows) {
      VectorProduct product = vector_of(gate_w, in, static_cast<int>(n), gates, false);
      product.w2 = up_w.data();
      if (!device.check(multiply_vector(device.queue(), gate_w.format(), product), "a feed-forward network")) return;
      product = vector_of(down_w, gates, static_cast<int>(n), to, args.accumulate);
      device.check(multiply_vector(device.queue(), down_w.format(), product), "a feed-forward network");
      return;
    }
    auto* ups = work.take<float>(n * n_inner);
    const Packed packed = pack(device, work, gate_w.format(), in + first * n_hidden, n, n_hidden);
    if (!multiply_rows(device, gate_w, packed, n, gates, false) || !multiply_rows(device, up_w, packed, n, ups, false)) return;
    if (!device.check(gate(device.queue(), gates, ups, gates, n * n_inner), "a feed-forward network")) return;
    if (!multiply_rows(device, down_w, pack(device, work, down_w.format(), gates, n, n_inner), n, to, args.accumulate)) return;
  }
}

}  // namespace kernels::cuda
