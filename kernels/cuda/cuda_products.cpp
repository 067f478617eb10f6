#include <algorithm>

#include "kernels/cuda/cuda_operations.h"

namespace kernels::cuda {
namespace {

constexpr const char* kNoWork = "the work of one token";

std::int64_t packed_pitch(std::int64_t n) { return (n + 7) / 8 * 8; }
std::size_t element_bytes(Format format) { return format == Format::kBF16 ? 2 : 4; }

bool multiply(Device& device, Format format, const Product& product) {
  return device.check(format == Format::kBF16 ? multiply_bf16(device.queue(), product) : multiply_f32(device.queue(), product),
                      "a matrix product");
}

/// Activations in the format of the weights: bf16 ones are rounded into work memory, f32 ones are read where they are.
struct Packed {
  const void* data = nullptr;
  std::int64_t pitch = 0;
};
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

namespace {

/// What one call of run_experts works on; rows are assignments of tokens to experts.
struct ExpertStep {
  const RunExpertsArgs& args;
  ExpertTables::Table tables;
  Format format;
  std::int64_t n_hidden;
  std::int64_t n_inner;
  std::int64_t gate_pitch;
  std::int64_t down_pitch;
  int n_used;

  std::size_t row_bytes() const {
    const auto element = static_cast<std::int64_t>(element_bytes(format));
    return static_cast<std::size_t>(packed_pitch(n_hidden) * element + packed_pitch(n_inner) * element + 8 * n_inner + 4 * n_hidden + 16);
  }
};

CombineArgs combining(const ExpertStep& step, std::int64_t first, std::int64_t n, const float* values, const std::int32_t* places) {
  CombineArgs args;
  args.values = values;
  args.chosen = step.args.chosen.as<const std::int32_t>() + first * step.n_used;
  args.places = places;
  args.weights = step.args.weights.as<const float>() + first * step.n_used;
  args.out = step.args.out.as<float>() + first * step.n_hidden;
  args.n_tokens = n;
  args.n_used = step.n_used;
  args.n = step.n_hidden;
  args.accumulate = step.args.accumulate;
  return args;
}

/// A few tokens: every assignment reads the weights of its own expert.
void run_few(Device& device, const ExpertStep& step) {
  const std::int64_t n_tokens = step.args.in.shape[0];
  const std::int64_t n_rows = n_tokens * step.n_used;
  Work work(device);
  auto* inner = work.take<float>(n_rows * step.n_inner);
  auto* values = work.take<float>(n_rows * step.n_hidden);
  VectorProduct product;
  product.in = step.args.in.as<const float>();
  product.in_pitch = step.n_hidden;
  product.rows_per_input = step.n_used;
  product.w_pitch = step.gate_pitch;
  product.out = inner;
  product.out_pitch = step.n_inner;
  product.n_rows = static_cast<int>(n_rows);
  product.n = step.n_inner;
  product.k = step.n_hidden;
  product.chosen = step.args.chosen.as<const std::int32_t>();
  product.n_experts = step.args.n_experts;
  product.tables = step.tables.gates;
  product.tables2 = step.tables.ups;
  if (!device.check(multiply_vector(device.queue(), step.format, product), "the experts")) return;
  product.in = inner;
  product.in_pitch = step.n_inner;
  product.rows_per_input = 1;
  product.w_pitch = step.down_pitch;
  product.out = values;
  product.out_pitch = step.n_hidden;
  product.n = step.n_hidden;
  product.k = step.n_inner;
  product.tables = step.tables.downs;
  product.tables2 = nullptr;
  if (!device.check(multiply_vector(device.queue(), step.format, product), "the experts")) return;
  device.check(combine_experts(device.queue(), combining(step, 0, n_tokens, values, nullptr)), "the experts");
}

/// Tokens [first, first + n), their assignments sorted by expert.
bool run_grouped(Device& device, const ExpertStep& step, std::int64_t first, std::int64_t n) {
  const std::int64_t n_rows = n * step.n_used;
  const auto n_experts = static_cast<std::int64_t>(step.args.n_experts);
  Work work(device);
  GroupArgs group;
  group.chosen = step.args.chosen.as<const std::int32_t>() + first * step.n_used;
  group.n_rows = static_cast<int>(n_rows);
  group.n_experts = step.args.n_experts;
  group.tile_rows = step.format == Format::kF32 ? 64 : n_rows / n_experts >= 48 ? 128 : kGroupRows;
  const std::int64_t n_tiles = n_rows / group.tile_rows + n_experts;
  group.counts = work.take<std::int32_t>(n_experts);
  group.rows = work.take<std::int32_t>(n_rows);
  group.places = work.take<std::int32_t>(n_rows);
  group.tiles = work.take<RowTile>(n_tiles);
  group.n_tiles = work.take<int>(1);
  PackArgs packing;
  packing.in = step.args.in.as<const float>() + first * step.n_hidden;
  packing.in_pitch = step.n_hidden;
  packing.out_pitch = packed_pitch(step.n_hidden);
  packing.out = work.take<std::byte>(n_rows * packing.out_pitch * static_cast<std::int64_t>(element_bytes(step.format)));
  packing.n_rows = n_rows;
  packing.n = step.n_hidden;
  packing.rows = group.rows;
  packing.divisor = step.n_used;
  auto* gates = work.take<float>(n_rows * step.n_inner);
  auto* ups = work.take<float>(n_rows * step.n_inner);
  auto* values = work.take<float>(n_rows * step.n_hidden);
  if (values == nullptr) return device.check(cudaErrorMemoryAllocation, kNoWork);
  const Queue& queue = device.queue();
  if (!device.check(cudaMemsetAsync(group.places, 0xff, static_cast<std::size_t>(n_rows) * 4, queue.stream), "the experts") ||
      !device.check(cudaMemsetAsync(group.rows, 0, static_cast<std::size_t>(n_rows) * 4, queue.stream), "the experts") ||
      !device.check(group_rows(queue, group), "sorting by expert") ||
      !device.check(pack_rows(queue, step.format, packing), "rounding activations"))
    return false;
  Product product;
  product.a = packing.out;
  product.a_pitch = packing.out_pitch;
  product.w_pitch = step.gate_pitch;
  product.c_pitch = step.n_inner;
  product.n = step.n_inner;
  product.k = step.n_hidden;
  product.tiles = group.tiles;
  product.n_tiles = group.n_tiles;
  product.n_tiles_limit = n_tiles;
  product.tile_rows = group.tile_rows;
  product.tables = step.tables.gates;
  product.c = gates;
  if (!multiply(device, step.format, product)) return false;
  product.tables = step.tables.ups;
  product.c = ups;
  if (!multiply(device, step.format, product)) return false;
  if (!device.check(gate(queue, gates, ups, gates, n_rows * step.n_inner), "the experts")) return false;
  const Packed inner = pack(device, work, step.format, gates, n_rows, step.n_inner);
  if (inner.data == nullptr) return false;
  product.a = inner.data;
  product.a_pitch = inner.pitch;
  product.w_pitch = step.down_pitch;
  product.tables = step.tables.downs;
  product.c = values;
  product.c_pitch = step.n_hidden;
  product.n = step.n_hidden;
  product.k = step.n_inner;
  return multiply(device, step.format, product) &&
         device.check(combine_experts(queue, combining(step, first, n, values, group.places)), "the experts");
}

}  // namespace

void run_experts(Device& device, ExpertTables& tables, const RunExpertsArgs& args) {
  const DeviceMatrix& gate_w = resident(args.experts[0].gate);
  const DeviceMatrix& down_w = resident(args.experts[0].down);
  const std::int64_t n_tokens = args.in.shape[0];
  if (n_tokens == 0) return;
  const ExpertStep step{args,           tables.find(device, args.experts, args.n_experts), gate_w.format(), gate_w.n_in(), gate_w.n_out(),
                        gate_w.pitch(), down_w.pitch(), static_cast<int>(args.chosen.shape[1])};
  if (step.tables.gates == nullptr) return;
  const std::size_t fixed = static_cast<std::size_t>(args.n_experts) * 64;
  const std::size_t usable = device.work_bytes() > fixed ? device.work_bytes() - fixed : 0;
  const std::int64_t n_at_once = rows_that_fit(usable, step.row_bytes() * static_cast<std::size_t>(step.n_used), n_tokens);
  if (n_at_once == 0) {
    device.check(cudaErrorMemoryAllocation, kNoWork);
    return;
  }
  if (n_tokens <= kVectorRows && n_at_once == n_tokens) {
    run_few(device, step);
    return;
  }
  for (std::int64_t first = 0; first < n_tokens && !device.stopped(); first += n_at_once)
    if (!run_grouped(device, step, first, std::min(n_at_once, n_tokens - first))) return;
}

}  // namespace kernels::cuda
