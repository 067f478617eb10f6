#include <algorithm>
#include <cstring>

#include "kernels/cpu/cpu_operations.h"

namespace kernels::cpu {
namespace {

constexpr std::int64_t kTilesPerTask = 4;
constexpr std::int64_t kFewTilesPerTask = 2;  // where there are few tasks; whole chunks in every format
constexpr std::int64_t kTasksPerThread = 8;   // below this many the last one keeps the others waiting
constexpr std::int64_t kGroupBytes = 384 * 1024;  // activations of one task: they stay in a 1 MB L2 cache

/// Cache lines that one row of k activations fills.
std::int64_t chunks_of(std::int64_t k, Format format) {
  const std::int64_t bytes = k * (format == Format::kF32 ? 4 : format == Format::kBF16 ? 2 : 1);
  return (bytes + kChunkBytes - 1) / kChunkBytes;
}

/// Where the scales of a block of activations lie: [chunk][rows of the block], behind the values; int8 only.
float* scales_of(std::byte* block, int n_rows, std::int64_t k, Format format) {
  return format == Format::kI8 ? reinterpret_cast<float*>(block + n_rows * chunks_of(k, format) * kChunkBytes)
                               : nullptr;
}

/// n_rows activations in blocks of `block` rows, each block [chunk][rows of the block][kChunkBytes].
struct Blocks {
  std::byte* values;
  std::int64_t n_rows;
  std::int64_t k;
  int block;
  Format format;

  std::int64_t row_bytes() const {
    return chunks_of(k, format) * (format == Format::kI8 ? kChunkBytes + sizeof(float) : kChunkBytes);
  }
  std::int64_t count() const { return (n_rows + block - 1) / block; }
  int rows(std::int64_t i) const {
    return static_cast<int>(std::min<std::int64_t>(block, n_rows - i * block));
  }
  std::byte* at(std::int64_t i) const { return values + i * block * row_bytes(); }
  std::int64_t per_task() const { return std::max<std::int64_t>(1, kGroupBytes / (block * row_bytes())); }
};

/// n values of one row into its place in a block of n_rows; `out` and `scales` are those of its first chunk.
void pack_row(const Cpu& cpu, Format format, const float* row, std::int64_t n, std::byte* out, float* scales,
              int n_rows) {
  const std::int64_t chunk_stride = std::int64_t{n_rows} * kChunkBytes;
  if (format == Format::kF32) return cpu.kernels.pack_f32(row, n, out, chunk_stride);
  if (format == Format::kBF16) return cpu.kernels.pack_bf16(row, n, out, chunk_stride);
  for (std::int64_t i = 0; i < n; i += kByteBlock, out += chunk_stride, scales += n_rows) {
    const std::int64_t n_here = std::min<std::int64_t>(kByteBlock, n - i);
    std::int8_t values[kByteBlock] = {};
    *scales = cpu.kernels.largest_size(row + i, n_here) / 127.0f;
    if (*scales > 0) cpu.kernels.quantise(row + i, n_here, *scales, values);
    for (int d = 0; d < kByteBlock; ++d) out[d] = static_cast<std::byte>(values[d] + 128);
  }
}

/// Row r of block i comes from row_of(i * block + r).
template <typename RowOf>
void pack_block(const Cpu& cpu, const Blocks& blocks, std::int64_t i, const RowOf& row_of) {
  const int n_rows = blocks.rows(i);
  float* scales = scales_of(blocks.at(i), n_rows, blocks.k, blocks.format);
  for (int r = 0; r < n_rows; ++r)
    pack_row(cpu, blocks.format, row_of(i * blocks.block + r), blocks.k, blocks.at(i) + r * kChunkBytes,
             scales + (scales != nullptr ? r : 0), n_rows);
}

auto gemm_of(const TileKernels& kernels, Format format) {
  if (format == Format::kI8) return kernels.gemm_i8;
  return format == Format::kF32 ? kernels.gemm_f32 : kernels.gemm_bf16;
}

/// c[r][0 .. end - begin) (+)= block * columns [begin, end) of the transposed matrix; at most one tile wide.
void multiply_tile(const Cpu& cpu, int n_rows, std::byte* a, const PackedMatrix& matrix,
                   std::int64_t begin, std::int64_t end, float* c, std::int64_t c_stride, bool accumulate) {
  const auto gemm = gemm_of(cpu.kernels, matrix.format());
  const std::int64_t first_panel = begin / kPanel;
  const auto n_panels = static_cast<int>((end + kPanel - 1) / kPanel - first_panel);
  GemmTile tile{n_rows, n_panels, matrix.n_in(), a,      matrix.panel(first_panel), matrix.panel_bytes(),
                c,      c_stride, accumulate,    scales_of(a, n_rows, matrix.n_in(), matrix.format())};
  if (begin % kPanel == 0 && end % kPanel == 0 && matrix.format() != Format::kI8) return gemm(tile);
  // Whole panels into a side tile, of which the wanted columns are copied: at the edges of a matrix or of a head,
  // and for int8, which comes back to its sums many times, when rows of `c` may share places in the cache.
  alignas(64) float side[kMaxRows * kTile] = {};
  const std::int64_t skipped = begin - first_panel * kPanel;
  const auto n_bytes = static_cast<std::size_t>(end - begin) * sizeof(float);
  for (int r = 0; accumulate && r < n_rows; ++r)
    std::memcpy(side + r * kTile + skipped, c + r * c_stride, n_bytes);
  tile.c = side;
  tile.c_stride = kTile;
  gemm(tile);
  for (int r = 0; r < n_rows; ++r) std::memcpy(c + r * c_stride, side + r * kTile + skipped, n_bytes);
}

/// Columns [begin, end) cut into tiles that end where panels end: calls tile(begin, end).
template <typename Tile>
void for_tiles(std::int64_t begin, std::int64_t end, const Tile& tile) {
  while (begin < end) {
    const std::int64_t next = std::min(end, (begin / kPanel + kPanelsPerTile) * kPanel);
    tile(begin, next);
    begin = next;
  }
}

/// Work of one task: blocks [first_block, last_block) of one matrix (an expert, a head).
struct BlockRun {
  std::int64_t matrix;
  std::int64_t first_block;
  std::int64_t last_block;
};

/// Every run times every group of kTilesPerTask tiles of n_columns: calls task(run, first column, last
/// column).
template <typename Task>
void for_runs(Cpu& cpu, const std::vector<BlockRun>& runs, std::int64_t n_columns, const Task& task) {
  const auto n_runs = static_cast<std::int64_t>(runs.size());
  const bool are_few = n_runs * n_columns < kTasksPerThread * cpu.pool.n_threads() * kTilesPerTask * kTile;
  const std::int64_t columns_per_task = (are_few ? kFewTilesPerTask : kTilesPerTask) * kTile;
  const std::int64_t n_groups = (n_columns + columns_per_task - 1) / columns_per_task;
  cpu.pool.run(n_runs * n_groups, [&](std::int64_t i, int thread) {
    if (cpu.stop.poll(thread)) return;
    const std::int64_t begin = i % n_groups * columns_per_task;
    task(runs[static_cast<std::size_t>(i / n_groups)], begin, std::min(n_columns, begin + columns_per_task));
  });
}

std::vector<BlockRun> runs_of(const Blocks& blocks, std::int64_t matrix = 0) {
  std::vector<BlockRun> runs;
  for (std::int64_t i = 0; i < blocks.count(); i += blocks.per_task())
    runs.push_back({matrix, i, std::min(blocks.count(), i + blocks.per_task())});
  return runs;
}

/// Which rows a matrix of a group gets: slots sorted by expert, then by token.
struct Slots {
  std::vector<std::int64_t> token;    // [n_slots]
  std::vector<std::int64_t> slot_of;  // [n_tokens * n_used], where (token, j) went
  std::vector<std::int64_t> first;    // [n_experts + 1]
};

Slots sort_by_expert(const std::int32_t* chosen, std::int64_t n_tokens, std::int64_t n_used, int n_experts) {
  Slots slots;
  slots.first.assign(static_cast<std::size_t>(n_experts) + 1, 0);
  const std::int64_t n = n_tokens * n_used;
  for (std::int64_t i = 0; i < n; ++i) ++slots.first[static_cast<std::size_t>(chosen[i]) + 1];
  for (std::size_t e = 1; e < slots.first.size(); ++e) slots.first[e] += slots.first[e - 1];
  std::vector<std::int64_t> next(slots.first.begin(), slots.first.end() - 1);
  slots.token.resize(static_cast<std::size_t>(n));
  slots.slot_of.resize(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t slot = next[static_cast<std::size_t>(chosen[i])]++;
    slots.token[static_cast<std::size_t>(slot)] = i / n_used;
    slots.slot_of[static_cast<std::size_t>(i)] = slot;
  }
  return slots;
}

/// One block of rows of one expert.
struct ExpertBlock {
  const FeedForwardWeights* weights;
  std::int64_t first_slot;
  int n_rows;
};

/// The blocks of all experts, and the runs of blocks that share an expert.
struct ExpertPlan {
  std::vector<ExpertBlock> blocks;
  std::vector<BlockRun> runs;
};

ExpertPlan plan_experts(const FeedForwardWeights* experts, const std::vector<std::int64_t>& first,
                        int rows_per_block, std::int64_t n_hidden) {
  ExpertPlan plan;
  const std::int64_t per_run = std::max<std::int64_t>(1, kGroupBytes / (rows_per_block * n_hidden * 4));
  for (std::size_t e = 0; e + 1 < first.size(); ++e) {
    const auto begin = static_cast<std::int64_t>(plan.blocks.size());
    for (std::int64_t slot = first[e]; slot < first[e + 1]; slot += rows_per_block)
      plan.blocks.push_back(
          {&experts[e], slot, static_cast<int>(std::min<std::int64_t>(rows_per_block, first[e + 1] - slot))});
    const auto end = static_cast<std::int64_t>(plan.blocks.size());
    for (std::int64_t i = begin; i < end; i += per_run)
      plan.runs.push_back({static_cast<std::int64_t>(e), i, std::min(end, i + per_run)});
  }
  return plan;
}

/// The buffers of one feed-forward call. Slots are rows: tokens, or (token, expert) pairs sorted by expert.
struct ExpertRows {
  std::byte* x;          // packed activations of gate and up
  std::byte* inner;      // packed activations of down
  std::int64_t x_bytes;  // of one slot
  std::int64_t inner_bytes;
};

/// inner = silu(gate x) * (up x) of the columns [begin, end), written as the activations of `down`.
void gate_and_up(const Cpu& cpu, const ExpertBlock& block, const ExpertRows& rows, std::int64_t begin,
                 std::int64_t end) {
  constexpr int kStep = 2 * kTile;  // whole chunks in every format
  alignas(64) float gate[kMaxRows * kStep];
  alignas(64) float up[kMaxRows * kStep];
  const PackedMatrix& down = packed(block.weights->down);
  std::byte* x = rows.x + block.first_slot * rows.x_bytes;
  std::byte* inner = rows.inner + block.first_slot * rows.inner_bytes;
  float* scales = scales_of(inner, block.n_rows, down.n_in(), down.format());
  for (std::int64_t first = begin; first < end; first += kStep) {
    const std::int64_t last = std::min(end, first + kStep);
    for_tiles(first, last, [&](std::int64_t from, std::int64_t to) {
      multiply_tile(cpu, block.n_rows, x, packed(block.weights->gate), from, to, gate + (from - first), kStep, false);
      multiply_tile(cpu, block.n_rows, x, packed(block.weights->up), from, to, up + (from - first), kStep, false);
    });
    const std::int64_t first_place = chunks_of(first, down.format()) * block.n_rows;  // chunk and row
    for (int r = 0; r < block.n_rows; ++r) {
      cpu.kernels.silu_multiply(gate + r * kStep, up + r * kStep, gate + r * kStep, last - first);
      pack_row(cpu, down.format(), gate + r * kStep, last - first, inner + (first_place + r) * kChunkBytes,
               scales + (scales != nullptr ? first_place + r : 0), block.n_rows);
    }
  }
}

/// y[slot] (+)= FFN of its expert. token_of(slot) gives the row of `in`.
template <typename TokenOf>
void run_blocks(Cpu& cpu, const ExpertPlan& plan, const float* in, std::int64_t n_hidden,
                std::int64_t n_slots, std::int64_t max_inner, const TokenOf& token_of, float* y,
                bool accumulate) {
  ExpertRows rows{nullptr, nullptr, chunks_of(n_hidden, Format::kF32) * kChunkBytes,
                  chunks_of(max_inner, Format::kF32) * kChunkBytes};
  rows.x = cpu.scratch.bytes(0, n_slots * rows.x_bytes);
  rows.inner = cpu.scratch.bytes(1, n_slots * rows.inner_bytes);
  cpu.pool.run(static_cast<std::int64_t>(plan.blocks.size()), [&](std::int64_t i, int) {
    const ExpertBlock& block = plan.blocks[static_cast<std::size_t>(i)];
    const Blocks single{rows.x + block.first_slot * rows.x_bytes, block.n_rows, n_hidden, block.n_rows,
                        packed(block.weights->gate).format()};
    pack_block(cpu, single, 0,
               [&](std::int64_t r) { return in + token_of(block.first_slot + r) * n_hidden; });
  });
  for_runs(cpu, plan.runs, max_inner, [&](const BlockRun& run, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = run.first_block; i < run.last_block; ++i) {
      const ExpertBlock& block = plan.blocks[static_cast<std::size_t>(i)];
      gate_and_up(cpu, block, rows, begin, std::min(end, block.weights->gate->n_out()));
    }
  });
  for_runs(cpu, plan.runs, n_hidden, [&](const BlockRun& run, std::int64_t begin, std::int64_t end) {
    for_tiles(begin, end, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = run.first_block; i < run.last_block; ++i) {
        const ExpertBlock& block = plan.blocks[static_cast<std::size_t>(i)];
        multiply_tile(cpu, block.n_rows, rows.inner + block.first_slot * rows.inner_bytes,
                      packed(block.weights->down), from, to, y + block.first_slot * n_hidden + from, n_hidden,
                      accumulate);
      }
    });
  });
}

}  // namespace

void matmul(Cpu& cpu, const MatmulArgs& args) {
  const PackedMatrix& weight = packed(args.weight);
  const std::int64_t n_in = weight.n_in();
  const std::int64_t n_out = weight.n_out();
  const auto* in = args.in.as<const float>();
  auto* out = args.out.as<float>();
  Blocks blocks{nullptr, args.in.shape[0], n_in, cpu.kernels.rows, weight.format()};
  blocks.values = cpu.scratch.bytes(0, blocks.n_rows * blocks.row_bytes());
  cpu.pool.run(blocks.count(), [&](std::int64_t i, int) {
    pack_block(cpu, blocks, i, [&](std::int64_t row) { return in + row * n_in; });
  });
  for_runs(cpu, runs_of(blocks), n_out, [&](const BlockRun& run, std::int64_t begin, std::int64_t end) {
    for_tiles(begin, end, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = run.first_block; i < run.last_block; ++i)
        multiply_tile(cpu, blocks.rows(i), blocks.at(i), weight, from, to,
                      out + i * blocks.block * n_out + from, n_out, args.accumulate);
    });
  });
}

void matmul_heads(Cpu& cpu, const MatmulHeadsArgs& args) {
  const PackedMatrix& weight = packed(args.weight);
  const auto [n_tokens, n_heads, n_in] = args.in.shape;
  const std::int64_t n_out = args.out.shape[2];
  const auto* in = args.in.as<const float>();
  auto* out = args.out.as<float>();
  const Blocks first_head{nullptr, n_tokens, n_in, cpu.kernels.rows, weight.format()};
  std::byte* values = cpu.scratch.bytes(0, n_heads * n_tokens * first_head.row_bytes());
  const auto blocks_of = [&](std::int64_t head) {
    Blocks blocks = first_head;
    blocks.values = values + head * blocks.n_rows * blocks.row_bytes();
    return blocks;
  };
  const std::int64_t per_head = blocks_of(0).count();
  cpu.pool.run(n_heads * per_head, [&](std::int64_t i, int) {
    const std::int64_t head = i / per_head;
    pack_block(cpu, blocks_of(head), i % per_head,
               [&](std::int64_t row) { return in + (row * n_heads + head) * n_in; });
  });
  std::vector<BlockRun> runs;
  for (std::int64_t head = 0; head < n_heads; ++head)
    for (const BlockRun& run : runs_of(blocks_of(head), head)) runs.push_back(run);
  for_runs(cpu, runs, n_out, [&](const BlockRun& run, std::int64_t begin, std::int64_t end) {
    const Blocks blocks = blocks_of(run.matrix);
    const std::int64_t column = run.matrix * n_out;
    for_tiles(column + begin, column + end, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = run.first_block; i < run.last_block; ++i)
        multiply_tile(cpu, blocks.rows(i), blocks.at(i), weight, from, to,
                      out + i * blocks.block * n_heads * n_out + from, n_heads * n_out, false);
    });
  });
}

void feed_forward(Cpu& cpu, const FeedForwardArgs& args) {
  const auto [n_tokens, n_hidden, unused] = args.in.shape;
  const ExpertPlan plan = plan_experts(&args.weights, {0, n_tokens}, cpu.kernels.rows, n_hidden);
  run_blocks(
      cpu, plan, args.in.as<const float>(), n_hidden, n_tokens, args.weights.gate->n_out(),
      [](std::int64_t slot) { return slot; }, args.out.as<float>(), args.accumulate);
}

void run_experts(Cpu& cpu, const RunExpertsArgs& args) {
  const auto [n_tokens, n_hidden, unused] = args.in.shape;
  const std::int64_t n_used = args.chosen.shape[1];
  const auto* chosen = args.chosen.as<const std::int32_t>();
  const Slots slots = sort_by_expert(chosen, n_tokens, n_used, args.n_experts);
  std::int64_t max_inner = 0;
  for (int e = 0; e < args.n_experts; ++e) max_inner = std::max(max_inner, args.experts[e].gate->n_out());
  const ExpertPlan plan = plan_experts(args.experts, slots.first, cpu.kernels.rows, n_hidden);
  float* y = cpu.scratch.floats(2, n_tokens * n_used * n_hidden);
  run_blocks(
      cpu, plan, args.in.as<const float>(), n_hidden, n_tokens * n_used, max_inner,
      [&](std::int64_t slot) { return slots.token[static_cast<std::size_t>(slot)]; }, y, false);
  constexpr std::int64_t kTokensPerTask = 16;
  cpu.pool.run((n_tokens + kTokensPerTask - 1) / kTokensPerTask, [&, hidden = n_hidden, tokens = n_tokens](
                                                                     std::int64_t i, int) {
    for (std::int64_t t = i * kTokensPerTask; t < std::min(tokens, (i + 1) * kTokensPerTask); ++t) {
      float* out = args.out.as<float>() + t * hidden;
      if (!args.accumulate) std::fill(out, out + hidden, 0.0f);
      // Slots are sorted by expert, so ascending slots are ascending experts.
      std::int64_t before = -1;
      for (std::int64_t j = 0; j < n_used; ++j) {
        std::int64_t best = -1;
        for (std::int64_t m = t * n_used; m < (t + 1) * n_used; ++m) {
          const std::int64_t slot = slots.slot_of[static_cast<std::size_t>(m)];
          if (slot > before && (best < 0 || slot < slots.slot_of[static_cast<std::size_t>(best)])) best = m;
        }
        before = slots.slot_of[static_cast<std::size_t>(best)];
        const float weight = args.weights.as<const float>()[best];
        const float* row = y + before * hidden;
        cpu.kernels.add_scaled(row, weight, out, hidden);
      }
    }
  });
}

}  // namespace kernels::cpu
