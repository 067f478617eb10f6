#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/cuda/cuda_operations.h"
#include "kernels/cuda/packed_rows.h"

namespace kernels::cuda {
namespace {

/// What one call of run_experts works on; rows are assignments of tokens to experts.
struct ExpertStep {
  const RunExpertsArgs& args;
  ExpertTables::Table tables;   // addresses of experts that are not on the card are null
  Format format;
  std::int64_t n_hidden;
  std::int64_t n_inner;
  std::int64_t gate_pitch;
  std::int64_t down_pitch;
  int n_used;
  bool accumulate;
  std::int32_t first_expert = 0;  // assignments to others are left out
  std::int32_t last_expert = INT32_MAX;

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
  args.accumulate = step.accumulate;
  args.first_expert = step.first_expert;
  args.last_expert = step.last_expert;
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

/// The step as often as its rows need work memory. The tables are on the card.
void run_step(Device& device, const ExpertStep& step) {
  const std::int64_t n_tokens = step.args.in.shape[0];
  const std::size_t fixed = static_cast<std::size_t>(step.args.n_experts) * 64;
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

bool is_left(const FeedForwardWeights& expert) {
  return resident(expert.gate).is_left() || resident(expert.up).is_left() || resident(expert.down).is_left();
}

/// The experts that some token chose, ascending. Waits for the router.
std::vector<std::int32_t> chosen_experts(Device& device, const RunExpertsArgs& args) {
  std::vector<std::int32_t> chosen(static_cast<std::size_t>(args.chosen.n_elements()));
  device.check(cudaMemcpyAsync(chosen.data(), args.chosen.data, chosen.size() * 4, cudaMemcpyDeviceToHost, device.stream()), "the experts");
  device.wait();
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  std::erase_if(chosen, [&](std::int32_t e) { return e < 0 || e >= args.n_experts; });
  return chosen;
}

/// Experts by groups that fit on the card, each over all tokens, so that every expert comes over the bus at most once.
/// The host fills in one group while the card computes with the one before. Experts ascend, so the sums are those of
/// one step over all of them.
void run_streamed(Device& device, ExpertTables& tables, ExpertStreamer& streamer, ExpertStep step) {
  const RunExpertsArgs& args = step.args;
  const std::vector<std::int32_t> needed = chosen_experts(device, args);
  const auto n = static_cast<std::size_t>(args.n_experts);
  const auto pass = args.in.shape[0] <= kVectorRows ? SlotCache::Pass::kToken : SlotCache::Pass::kPrompt;
  const int group_size = std::max(1, streamer.n_slots() / 2);
  for (std::size_t next = 0; next < needed.size() && !device.stopped();) {
    std::vector<const void*> addresses(3 * n, nullptr);
    std::vector<std::int32_t> held;
    step.first_expert = needed[next];
    for (; next < needed.size(); ++next) {
      const auto e = static_cast<std::size_t>(needed[next]);
      const FeedForwardWeights& expert = args.experts[e];
      ExpertStreamer::Held at{resident(expert.gate).data(), resident(expert.up).data(), resident(expert.down).data()};
      if (is_left(expert)) {
        if (static_cast<int>(held.size()) == group_size) break;
        const auto arrived = streamer.hold(expert, pass);
        if (!arrived) {
          device.fail({false, "An expert could not be brought to the GPU."});
          return;
        }
        at = *arrived;
        held.push_back(needed[next]);
      }
      addresses[e] = at.gate;
      addresses[n + e] = at.up;
      addresses[2 * n + e] = at.down;
      step.last_expert = needed[next];
    }
    step.tables = tables.put(device, nullptr, std::move(addresses));
    if (step.tables.gates == nullptr) return;
    run_step(device, step);
    step.accumulate = true;
    for (const std::int32_t e : held) streamer.release(args.experts[e]);
  }
}

}  // namespace

void run_experts(Device& device, ExpertTables& tables, std::unique_ptr<ExpertStreamer>& streamer, std::size_t stream_bytes,
                 const RunExpertsArgs& args) {
  if (args.in.shape[0] == 0) return;
  const DeviceMatrix& gate_w = resident(args.experts[0].gate);
  const DeviceMatrix& down_w = resident(args.experts[0].down);
  ExpertStep step{args,           {},
                  gate_w.format(), gate_w.n_in(), gate_w.n_out(), gate_w.pitch(), down_w.pitch(), static_cast<int>(args.chosen.shape[1]),
                  args.accumulate};
  const auto* left = std::find_if(args.experts, args.experts + args.n_experts, is_left);
  if (left == args.experts + args.n_experts) {
    step.tables = tables.find(device, args.experts, args.n_experts);
    if (step.tables.gates != nullptr) run_step(device, step);
    return;
  }
  if (streamer == nullptr || !streamer->takes(*left)) streamer = ExpertStreamer::create(device, *left, stream_bytes);
  if (streamer != nullptr) run_streamed(device, tables, *streamer, step);
}

}  // namespace kernels::cuda
