#include <algorithm>
#include <cstring>

#include "kernels/cpu/cpu_storage.h"

namespace kernels::cpu {
namespace {

constexpr int kTile = kPanel * kPanelsPerTile;
constexpr std::int64_t kPairsPerTask = 4;         // panel pairs of one task
constexpr std::int64_t kGroupFloats = 96 * 1024;  // activations of one task: they stay in a 1 MB L2 cache

/// n_rows activations of k values in blocks of `block` rows, each block [k][rows of the block].
struct Blocks {
  float* values;
  std::int64_t n_rows;
  std::int64_t k;
  int block;

  std::int64_t count() const { return (n_rows + block - 1) / block; }
  int rows(std::int64_t i) const {
    return static_cast<int>(std::min<std::int64_t>(block, n_rows - i * block));
  }
  float* at(std::int64_t i) const { return values + i * block * k; }
  std::int64_t per_task() const { return std::max<std::int64_t>(1, kGroupFloats / (block * k)); }
};

/// Row r of block i comes from row_of(i * block + r).
template <typename RowOf>
void pack_block(const Blocks& blocks, std::int64_t i, const RowOf& row_of) {
  const int n_rows = blocks.rows(i);
  float* out = blocks.at(i);
  for (int r = 0; r < n_rows; ++r) {
    const float* row = row_of(i * blocks.block + r);
    for (std::int64_t j = 0; j < blocks.k; ++j) out[j * n_rows + r] = row[j];
  }
}

/// c[r][0 .. end - begin) (+)= block * columns [begin, end) of the transposed matrix; at most one tile wide.
void multiply_tile(const Cpu& cpu, int n_rows, const float* a, const PackedMatrix& matrix, std::int64_t begin,
                   std::int64_t end, float* c, std::int64_t c_stride, bool accumulate) {
  const std::int64_t first_panel = begin / kPanel;
  const std::int64_t last_panel = (end + kPanel - 1) / kPanel;
  const auto n_panels = static_cast<int>(last_panel - first_panel);
  const float* b = matrix.panel(first_panel);
  if (begin % kPanel == 0 && end % kPanel == 0) {
    cpu.kernels.gemm_f32(n_rows, n_panels, matrix.n_in(), a, b, matrix.panel_stride(), c, c_stride,
                         accumulate);
    return;
  }
  // Edges of the matrix or of a head: whole panels into a side tile, of which the wanted columns are copied.
  alignas(64) float side[kMaxRows * kTile];
  const std::int64_t skipped = begin - first_panel * kPanel;
  const auto n = static_cast<std::size_t>(end - begin) * sizeof(float);
  for (int r = 0; accumulate && r < n_rows; ++r) std::memcpy(side + r * kTile + skipped, c + r * c_stride, n);
  if (accumulate) {  // the columns beside it only have to be numbers
    for (int r = 0; r < n_rows; ++r) {
      std::fill(side + r * kTile, side + r * kTile + skipped, 0.0f);
      std::fill(side + r * kTile + skipped + (end - begin), side + (r + 1) * kTile, 0.0f);
    }
  }
  cpu.kernels.gemm_f32(n_rows, n_panels, matrix.n_in(), a, b, matrix.panel_stride(), side, kTile, accumulate);
  for (int r = 0; r < n_rows; ++r) std::memcpy(c + r * c_stride, side + r * kTile + skipped, n);
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

/// Every run times every group of kPairsPerTask tiles of n_columns: calls task(run, first column, last
/// column).
template <typename Task>
void for_runs(Cpu& cpu, const std::vector<BlockRun>& runs, std::int64_t n_columns, const Task& task) {
  const std::int64_t columns_per_task = kPairsPerTask * kTile;
  const std::int64_t n_groups = (n_columns + columns_per_task - 1) / columns_per_task;
  cpu.pool.run(static_cast<std::int64_t>(runs.size()) * n_groups, [&](std::int64_t i, int thread) {
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
  const std::int64_t per_run = std::max<std::int64_t>(1, kGroupFloats / (rows_per_block * n_hidden));
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

/// inner = silu(gate x) * (up x) of the columns [begin, end), written as the activations of `down`:
/// [n_inner][rows].
void gate_and_up(const Cpu& cpu, const ExpertBlock& block, const float* x, std::int64_t begin,
                 std::int64_t end, float* inner) {
  alignas(64) float gate[kMaxRows * kTile];
  alignas(64) float up[kMaxRows * kTile];
  for_tiles(begin, end, [&](std::int64_t from, std::int64_t to) {
    multiply_tile(cpu, block.n_rows, x, packed(block.weights->gate), from, to, gate, kTile, false);
    multiply_tile(cpu, block.n_rows, x, packed(block.weights->up), from, to, up, kTile, false);
    for (int r = 0; r < block.n_rows; ++r) {
      cpu.kernels.silu_multiply(gate + r * kTile, up + r * kTile, gate + r * kTile, to - from);
      for (std::int64_t i = from; i < to; ++i) inner[i * block.n_rows + r] = gate[r * kTile + i - from];
    }
  });
}

/// y[slot] (+)= FFN of its expert. token_of(slot) gives the row of `in`.
template <typename TokenOf>
void run_blocks(Cpu& cpu, const ExpertPlan& plan, const float* in, std::int64_t n_hidden,
                std::int64_t n_slots, std::int64_t max_inner, const TokenOf& token_of, float* y,
                bool accumulate) {
  float* x = cpu.scratch.floats(0, n_slots * n_hidden);
  float* inner = cpu.scratch.floats(1, n_slots * max_inner);
  cpu.pool.run(static_cast<std::int64_t>(plan.blocks.size()), [&](std::int64_t i, int) {
    const ExpertBlock& block = plan.blocks[static_cast<std::size_t>(i)];
    const Blocks single{x + block.first_slot * n_hidden, block.n_rows, n_hidden, block.n_rows};
    pack_block(single, 0, [&](std::int64_t r) { return in + token_of(block.first_slot + r) * n_hidden; });
  });
  for_runs(cpu, plan.runs, max_inner, [&](const BlockRun& run, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = run.first_block; i < run.last_block; ++i) {
      const ExpertBlock& block = plan.blocks[static_cast<std::size_t>(i)];
      gate_and_up(cpu, block, x + block.first_slot * n_hidden, begin,
                  std::min(end, block.weights->gate->n_out()), inner + block.first_slot * max_inner);
    }
  });
  for_runs(cpu, plan.runs, n_hidden, [&](const BlockRun& run, std::int64_t begin, std::int64_t end) {
    for_tiles(begin, end, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = run.first_block; i < run.last_block; ++i) {
        const ExpertBlock& block = plan.blocks[static_cast<std::size_t>(i)];
        multiply_tile(cpu, block.n_rows, inner + block.first_slot * max_inner, packed(block.weights->down),
                      from, to, y + block.first_slot * n_hidden + from, n_hidden, accumulate);
      }
    });
  });
}

}  // namespace

void matmul(Cpu& cpu, const MatmulArgs& args) {
  const PackedMatrix& weight = packed(args.weight);
  const std::int64_t n_tokens = args.in.shape[0];
  const std::int64_t n_in = weight.n_in();
  const std::int64_t n_out = weight.n_out();
  const auto* in = args.in.as<float>();
  auto* out = args.out.as<float>();
  Blocks blocks{n_tokens == 1 ? const_cast<float*>(in) : cpu.scratch.floats(0, n_tokens * n_in), n_tokens,
                n_in, cpu.kernels.rows};
  if (n_tokens > 1)
    cpu.pool.run(blocks.count(), [&](std::int64_t i, int) {
      pack_block(blocks, i, [&](std::int64_t row) { return in + row * n_in; });
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
  float* values = cpu.scratch.floats(0, n_tokens * n_heads * n_in);
  const auto blocks_of = [&](std::int64_t head) {
    return Blocks{values + head * n_tokens * n_in, n_tokens, n_in, cpu.kernels.rows};
  };
  const std::int64_t per_head = blocks_of(0).count();
  cpu.pool.run(n_heads * per_head, [&](std::int64_t i, int) {
    const std::int64_t head = i / per_head;
    pack_block(blocks_of(head), i % per_head,
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
        for (std::int64_t d = 0; d < hidden; ++d) out[d] += weight * row[d];
      }
    }
  });
}

}  // namespace kernels::cpu
