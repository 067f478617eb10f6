#pragma once

#include <cstdint>

/// The inner loops, one table per instruction set. Only plain types: the files that fill these
/// tables are compiled for more than the machine may have, and must not share inline functions
/// with the rest of the program.
namespace kernels::cpu {

constexpr int kPanel = 16;         // outputs (or keys) side by side in a packed panel
constexpr int kPanelsPerTile = 2;  // panels that one call of `gemm_f32` multiplies
constexpr int kMaxRows = 16;       // upper bound of TileKernels::rows
constexpr int kKeyTile = 128;      // keys that one call of `attend_f32` takes

struct AttentionTile {
  const float* const* rows;  // [n_keys] latent then rope of each key, all of them readable
  int n_keys;                // <= kKeyTile
  int latent_dim;
  int row_dim;           // latent_dim + rope_dim
  int lanes;             // query-heads side by side, a multiple of 8
  const float* q;        // [row_dim][lanes], scale folded in
  const int* n_visible;  // [lanes] keys of this tile that the lane sees (the first ones); null: all
  float* largest;        // [lanes] running maximum
  float* sum;            // [lanes] running sum of weights
  float* out;            // [latent_dim][lanes] running weighted sum
  float* scratch;        // [kKeyTile][lanes]
};

struct TileKernels {
  const char* name;
  int rows;  // rows of a full block of `gemm_f32`

  /// c[r][j] (+)= sum over i of a[i][r] * b[panel][i][j]; a is [k][n_rows], each panel [k][kPanel],
  /// panels `panel_stride` floats apart. c has room for n_panels * kPanel columns. The sum of each
  /// element runs over i in order, so it does not depend on n_rows or on the place in the tile.
  void (*gemm_f32)(int n_rows, int n_panels, std::int64_t k, const float* a, const float* b,
                   std::int64_t panel_stride, float* c, std::int64_t c_stride, bool accumulate);

  /// out[i] = silu(gate[i]) * up[i]
  void (*silu_multiply)(const float* gate, const float* up, float* out, std::int64_t n);

  /// scores[j] += weight * max(0, dots[j])
  void (*add_relu)(const float* dots, float weight, float* scores, int n);

  /// One step of the online softmax over one tile of keys.
  void (*attend_f32)(const AttentionTile& tile);
};

/// Tables of this build; null where the compiler's target has no such instructions.
const TileKernels* plain_tile_kernels();
const TileKernels* avx2_tile_kernels();
const TileKernels* avx512_tile_kernels();

/// The best table for this machine, or the one that LONGLEAF_ISA names (plain, avx2, avx512).
const TileKernels& best_tile_kernels();

}  // namespace kernels::cpu
