#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops, one table per instruction set. Only plain types: the files that fill these
/// tables are compiled for more than the machine may have, and must not share inline functions
/// with the rest of the program.
namespace kernels::cpu {

constexpr int kPanel = 16;         // outputs (or keys) side by side in a packed panel
constexpr int kPanelsPerTile = 2;  // panels that one call multiplies
constexpr int kTile = kPanel * kPanelsPerTile;
constexpr int kMaxRows = 16;     // upper bound of TileKernels::rows
constexpr int kChunkBytes = 64;  // activations are packed in chunks of one cache line
constexpr int kKeyTile = 64;     // keys that one call of `attend_*` takes
constexpr int kIndexRows = 8;    // query-heads that one step of `score_i8` multiplies
constexpr int kIndexKeys = 64;   // keys that one step of `score_i8` multiplies at most
constexpr int kIndexQueries = 8; // queries that one call of `score_i8` takes

// int8 matrices: inputs that share a scale, and the bytes of one panel's block: f32 scales [kPanel], i32
// offsets [kPanel] (-128 * sum of the weights), s8 weights [kByteBlock / 4][kPanel][4].
constexpr int kByteBlock = 64;
constexpr int kByteBlockBytes = kPanel * (4 + 4 + kByteBlock);
static_assert(kByteBlock == kChunkBytes);

/// Arithmetic of one packed matrix.
enum class Format : std::uint8_t { kF32, kBF16, kI8 };

/// c[r][j] (+)= sum over i of a[r][i] * b[panel][j][i]. The sum of each element runs over i in order, so it
/// does not depend on n_rows or on the place in the tile.
///   a  [chunk][n_rows][kChunkBytes]: values (f32, bf16 or u8 with 128 added), zeros after the last
///   b  panels, panel_bytes apart: f32 [k][kPanel]; bf16 [ceil(k/2)][kPanel][2]; i8 blocks, see above
///   c  room for n_panels * kPanel columns
struct GemmTile {
  int n_rows;
  int n_panels;
  std::int64_t k;
  const std::byte* a;
  const std::byte* b;
  std::int64_t panel_bytes;
  float* c;
  std::int64_t c_stride;
  bool accumulate;
  const float* a_scales;  // i8 only: [chunk][n_rows], value = scale * (byte - 128)
};

struct AttentionTile {
  const void* const* rows;  // [n_keys] latent then rope of each key (f32 or bf16), all of them readable
  const void* const* value_rows;  // [n_keys] what is summed: its first latent_dim numbers; mostly the same rows
  int n_keys;               // <= kKeyTile
  int latent_dim;
  int row_dim;                   // latent_dim + rope_dim
  int lanes;                     // query-heads side by side, a multiple of 8
  const void* q;                 // scale folded in; f32 [row_dim][lanes] or bf16 [ceil(row_dim/2)][lanes][2]
  const int* n_visible;          // [lanes] keys of this tile that the lane sees (the first ones); null: all
  float* largest;                // [lanes] running maximum
  float* sum;                    // [lanes] running sum of weights
  float* out;                    // [latent_dim][lanes] running weighted sum; see attend_eight for another order
  float* scratch;                // [kKeyTile][lanes]
  const void* const* next_rows;  // [n_next] rows of the next call, to be fetched into the cache meanwhile
  int n_next;
  std::uint16_t*
      side;  // bf16 only: [kKeyTile / 2][latent_dim rounded up to 32][2], then [kKeyTile / 2][lanes][2]
};

/// Scores of a run of keys for a few queries, those above a threshold kept.
///   score = key_scale[s] * sum over heads of weight * max(0, dot(q, key))
/// Keys are u8 with 128 added, [n_panels][dim/4][kPanel][4], readable up to a multiple of kIndexKeys; q is
/// s8. Rows of q come in units: groups of kIndexRows query-heads of one query, or one group whose halves
/// belong to two queries.
struct IndexTile {
  const std::byte* keys;
  const float* key_scales;  // [n_keys rounded up to a tile]
  int n_keys;
  int dim;                      // a multiple of 4
  int n_groups;                 // groups of a unit
  int n_queries;                // <= kIndexQueries
  bool paired;                  // units of two queries
  const std::byte* q;           // [n_units][n_groups][dim/4][kIndexRows][4]
  const std::int32_t* offsets;  // [n_units][n_groups * kIndexRows] -128 * sum of q: takes the 128 back out
  const float* weights;         // [n_units][n_groups * kIndexRows]
  std::int32_t first_position;
  struct Query {
    float threshold;          // scores that are less are dropped; NaN never is
    int n_visible;            // keys of this run that the query sees
    float* scores;            // out; room for n_keys more
    std::int32_t* positions;  // out; position = first_position + index in the run
    int n_found;              // in and out
  } query[kIndexQueries];
};

struct ScoreRange {
  float lowest;
  float highest;
};

constexpr int kEightBlock = 32;
constexpr int kEightFour = 4;  // dimensions that stay beside each other
/// Where dimension `d` of a block lies in the order of `attend_eight`: fours of the even half, then of the odd.
constexpr int eight_place(int d) {
  return d / 4 % 2 * 16 + d / 8 * 4 + d % 4;
}

struct TileKernels {
  const char* name;
  int rows;          // rows of a full block of `gemm`
  bool native_bf16;  // attend_bf16 works on bf16 rows; else rows are widened and attend_f32 is called

  void (*gemm_f32)(const GemmTile& tile);
  void (*gemm_bf16)(const GemmTile& tile);
  void (*gemm_i8)(const GemmTile& tile);

  /// One row of activations into its place in a block: chunk c goes to out + c * chunk_stride.
  void (*pack_f32)(const float* row, std::int64_t n, std::byte* out, std::int64_t chunk_stride);
  void (*pack_bf16)(const float* row, std::int64_t n, std::byte* out, std::int64_t chunk_stride);

  /// out[i] = silu(gate[i]) * up[i]
  void (*silu_multiply)(const float* gate, const float* up, float* out, std::int64_t n);
  /// out[i] += weight * in[i]
  void (*add_scaled)(const float* in, float weight, float* out, std::int64_t n);
  /// scores[j] += weight * max(0, dots[j])
  void (*add_relu)(const float* dots, float weight, float* scores, int n);
  /// Appends the scores that are not less than `threshold`, and first_position + index; returns how many.
  int (*keep_above)(const float* scores, int n, float threshold, std::int32_t first_position, float* kept,
                    std::int32_t* positions);

  /// How many are not less than `limit`.
  int (*count_from)(const float* scores, int n, float limit);
  /// Makes NaN -infinity; the smallest and largest of n >= 1 scores.
  ScoreRange (*range_of)(float* scores, int n);
  /// Keeps, in order, what is not less than `limit`, but for the first `n_equal_dropped` that are equal to it;
  /// returns how many. Both arrays may be written up to 16 places behind the last.
  int (*keep_from)(float* scores, std::int32_t* positions, int n, float limit, int n_equal_dropped);
  /// values[i] / scale rounded to the nearest integer, within [-127, 127]; scale > 0.
  void (*quantise)(const float* values, std::int64_t n, float scale, std::int8_t* out);
  float (*largest_size)(const float* values, std::int64_t n);  // of |values|; NaN when one is not finite

  /// One step of the online softmax over one tile of keys.
  void (*attend_f32)(const AttentionTile& tile);
  void (*attend_bf16)(const AttentionTile& tile);
  /// The same for 8 lanes: too few to fill registers, so `out` has the dimensions side by side,
  /// [8][latent_dim rounded up to kEightBlock], each block in the order of eight_place(). Same sums. Null
  /// without native_bf16.
  void (*attend_eight)(const AttentionTile& tile);
  void (*widen_bf16)(const std::uint16_t* in, float* out, std::int64_t n);

  /// Null where the instructions are missing: the caches then hold f32 indexer keys.
  void (*score_i8)(IndexTile& tile);

  /// For ceilings: as many independent operations of one kind as fit into `n` rounds; return how many. Null
  /// where the instructions are missing.
  double (*spin_f32)(std::int64_t n);
  double (*spin_bf16)(std::int64_t n);
  double (*spin_i8)(std::int64_t n);
  /// Reads n floats and returns n.
  double (*read_floats)(const float* values, std::int64_t n);
};

/// Tables of this build.
const TileKernels* plain_tile_kernels();
const TileKernels* avx2_tile_kernels();
const TileKernels* avx512_tile_kernels();
const TileKernels* avx512bf16_tile_kernels();

/// The best table for this machine, or the one that LONGLEAF_ISA names (plain, avx2, avx512, avx512bf16).
const TileKernels& best_tile_kernels();

}  // namespace kernels::cpu
