// Not a header of its own: each tile_kernels_*.cpp includes it once, inside an unnamed namespace, after
// it has defined kName, kLanes (floats of one register), kRegisters, kGemmRows and multiply_halves. `kPortable` at the end is
// its table; a file that knows faster instructions replaces entries of a copy. Vectors are GCC's own, so the same
// text becomes SSE2, AVX2 or AVX-512 code. Every lane does the same operations in the same order
// whatever stands beside it; that is why results do not depend on how work was cut.

template <int N>
struct VectorOf {
  typedef float type __attribute__((vector_size(N * 4), aligned(4), may_alias));
  typedef int integers __attribute__((vector_size(N * 4), aligned(4), may_alias));
  typedef unsigned words __attribute__((vector_size(N * 4), aligned(4), may_alias));
  typedef short halves __attribute__((vector_size(N * 2), aligned(2), may_alias));
};

template <int N>
using Vector = typename VectorOf<N>::type;

template <int N>
inline __attribute__((always_inline)) Vector<N> load(const float* p) {
  return *reinterpret_cast<const Vector<N>*>(p);
}

template <int N>
inline __attribute__((always_inline)) void store(float* p, Vector<N> v) {
  *reinterpret_cast<Vector<N>*>(p) = v;
}

template <int N>
inline __attribute__((always_inline)) Vector<N> all(float x) {
  return Vector<N>{} + x;
}

/// e^x to about 1 ulp; exactly 0 below -87.3 (and for -infinity), infinity above 88.7. The argument is
/// split into n ln 2 + r with |r| <= ln 2 / 2; a polynomial of degree 6 gives e^r.
template <int N>
inline __attribute__((always_inline)) Vector<N> exponential(Vector<N> x) {
  using Integers = typename VectorOf<N>::integers;
  const Vector<N> low = all<N>(-87.3f);
  const Vector<N> high = all<N>(88.7f);
  Vector<N> y = x < low ? low : x;
  y = y > high ? high : y;
  const Vector<N> shifted =
      y * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: the fraction bits now hold round(y / ln 2)
  const Vector<N> n = shifted - 12582912.0f;
  Vector<N> r = y - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Vector<N> p = all<N>(1.3981999507e-3f);
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Integers bits = reinterpret_cast<Integers>(shifted) - 0x4b400000;
  const Vector<N> power = reinterpret_cast<Vector<N>>((bits + 127) << 23);
  const Vector<N> value = p * power;
  return x < low ? Vector<N>{} : value;
}

/// Calls kernel.template operator()<rows, panels>() with both as constants. Where the registers do not
/// hold two panels, one after the other gives the same sums.
template <int kRows, typename Kernel>
inline void gemm_up_to(GemmTile tile, const Kernel& kernel) {
  if constexpr (kRows > 1) {
    if (tile.n_rows < kRows) return gemm_up_to<kRows - 1>(tile, kernel);
  }
  constexpr bool kBoth = kRows * (kPanel / kLanes) * 2 + 2 * (kPanel / kLanes) < kRegisters;
  if constexpr (kBoth) {
    if (tile.n_panels == 2) return kernel.template operator()<kRows, 2>(tile);
  }
  for (int p = 0; p < tile.n_panels; ++p) {
    kernel.template operator()<kRows, 1>(tile);
    tile.b += tile.panel_bytes;
    tile.c += kPanel;
  }
}

constexpr int kPerPanel = kPanel / kLanes;  // registers that one step of a panel fills

// With few rows of activations a product is over as soon as its weights have come from memory. The processor foresees
// what lies ahead within a page only, so it is told.
constexpr int kFewRows = 2;
constexpr std::ptrdiff_t kFetchAhead = 4096;

/// From a place in a panel with `n_left` bytes still to be read to what is read kFetchAhead bytes later: behind the end
/// follow the panels that come after the `n_panels` of this call.
inline std::ptrdiff_t fetch_distance(std::int64_t n_left, std::int64_t panel_bytes, int n_panels) {
  return n_left > kFetchAhead ? kFetchAhead : kFetchAhead + (n_panels - 1) * panel_bytes;
}

/// Sums of a tile in registers, loaded from and stored to `c`.
template <int kRows, int kPanels>
struct Sums {
  static constexpr int kVectors = kPerPanel * kPanels;
  Vector<kLanes> at[kRows][kVectors];

  inline __attribute__((always_inline)) void start(const GemmTile& tile) {
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v)
        at[r][v] = tile.accumulate ? load<kLanes>(tile.c + r * tile.c_stride + v * kLanes) : Vector<kLanes>{};
  }
  inline __attribute__((always_inline)) void finish(const GemmTile& tile) const {
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v) store<kLanes>(tile.c + r * tile.c_stride + v * kLanes, at[r][v]);
  }
};

struct GemmF32 {
  template <int kRows, int kPanels>
  void operator()(const GemmTile& tile) const {
    constexpr int kChunk = kChunkBytes / 4;
    Sums<kRows, kPanels> sums;
    sums.start(tile);
    const auto* b = reinterpret_cast<const float*>(tile.b);
    const std::int64_t panel_stride = tile.panel_bytes / 4;
    const auto* a = reinterpret_cast<const float*>(tile.a);
    for (std::int64_t left = tile.k; left > 0; left -= kChunk, a += kRows * kChunk) {
      const int n = left < kChunk ? static_cast<int>(left) : kChunk;
#pragma GCC unroll 2
      for (int i = 0; i < n; ++i, b += kPanel) {
        Vector<kLanes> weights[sums.kVectors];
        for (int v = 0; v < sums.kVectors; ++v)
          weights[v] = load<kLanes>(b + (v / kPerPanel) * panel_stride + v % kPerPanel * kLanes);
        for (int r = 0; r < kRows; ++r) {
          const Vector<kLanes> value = all<kLanes>(a[r * kChunk + i]);
          for (int v = 0; v < sums.kVectors; ++v) sums.at[r][v] = sums.at[r][v] + value * weights[v];
        }
      }
    }
    sums.finish(tile);
  }
};

void gemm_f32(const GemmTile& tile) {
  gemm_up_to<kGemmRows>(tile, GemmF32{});
}

/// The two bf16 of one 32-bit word as f32.
template <int N>
inline __attribute__((always_inline)) Vector<N> low_half(typename VectorOf<N>::integers pair) {
  return reinterpret_cast<Vector<N>>(pair << 16);
}
template <int N>
inline __attribute__((always_inline)) Vector<N> high_half(typename VectorOf<N>::integers pair) {
  return reinterpret_cast<Vector<N>>(pair & static_cast<int>(0xffff0000));
}

struct GemmBF16 {
  template <int kRows, int kPanels>
  void operator()(const GemmTile& tile) const {
    using Integers = typename VectorOf<kLanes>::integers;
    constexpr int kChunk = kChunkBytes / 4;  // pairs
    Sums<kRows, kPanels> sums;
    sums.start(tile);
    const auto* b = reinterpret_cast<const int*>(tile.b);
    const std::int64_t panel_stride = tile.panel_bytes / 4;
    const auto* a = reinterpret_cast<const int*>(tile.a);
    for (std::int64_t left = (tile.k + 1) / 2; left > 0; left -= kChunk, a += kRows * kChunk) {
      const int n = left < kChunk ? static_cast<int>(left) : kChunk;
      for (int i = 0; i < n; ++i, b += kPanel) {
        Vector<kLanes> low[sums.kVectors];
        Vector<kLanes> high[sums.kVectors];
        for (int v = 0; v < sums.kVectors; ++v) {
          const Integers pair =
              *reinterpret_cast<const Integers*>(b + (v / kPerPanel) * panel_stride + v % kPerPanel * kLanes);
          low[v] = low_half<kLanes>(pair);
          high[v] = high_half<kLanes>(pair);
        }
        for (int r = 0; r < kRows; ++r) {
          const Integers pair = Integers{} + a[r * kChunk + i];
          for (int v = 0; v < sums.kVectors; ++v)
            sums.at[r][v] = sums.at[r][v] + low_half<kLanes>(pair) * low[v];
          for (int v = 0; v < sums.kVectors; ++v)
            sums.at[r][v] = sums.at[r][v] + high_half<kLanes>(pair) * high[v];
        }
      }
    }
    sums.finish(tile);
  }
};

inline void gemm_bf16(const GemmTile& tile) {
  gemm_up_to<kGemmRows>(tile, GemmBF16{});
}

/// Bytes of one word as two registers of 16-bit numbers: the products of pairs of those fit in 32 bits, exactly.
struct BytePairs {
  using Words = typename VectorOf<kLanes>::integers;
  struct Weights {
    Words even;
    Words odd;
  };
  static inline __attribute__((always_inline)) Weights weights(const std::byte* b) {
    typedef short Halves __attribute__((vector_size(kLanes * 4)));
    const auto halves = reinterpret_cast<Halves>(*reinterpret_cast<const Words*>(b));
    return {reinterpret_cast<Words>((halves << 8) >> 8), reinterpret_cast<Words>(halves >> 8)};
  }
  static inline __attribute__((always_inline)) Words add(Words sum, const Weights& weights, unsigned a) {
    const Words even = Words{} + static_cast<int>(a & 0x00ff00ffu);
    const Words odd = Words{} + static_cast<int>(a >> 8 & 0x00ff00ffu);
    return sum + multiply_halves(even, weights.even) + multiply_halves(odd, weights.odd);
  }
};

/// Whole numbers within a block of kByteBlock inputs, f32 from block to block: those sums stay in `c`, the
/// registers belong to the whole numbers.
template <typename Bytes>
struct GemmI8 {
  template <int kRows, int kPanels>
  void operator()(const GemmTile& tile) const {
    using Words = typename VectorOf<kLanes>::integers;
    constexpr int kVectors = kPerPanel * kPanels;
    const std::byte* a = tile.a;
    const std::byte* b = tile.b;
    const float* a_scales = tile.a_scales;
    for (int r = 0; !tile.accumulate && r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v) store<kLanes>(tile.c + r * tile.c_stride + v * kLanes, Vector<kLanes>{});
    for (std::int64_t left = tile.k; left > 0; left -= kByteBlock) {
      const int n_words = left < kByteBlock ? static_cast<int>((left + 3) / 4) : kByteBlock / 4;
      const std::byte* heads[kVectors];  // of the panel's block: scales, offsets, then the weights
      for (int v = 0; v < kVectors; ++v)
        heads[v] = b + (v / kPerPanel) * tile.panel_bytes + v % kPerPanel * kLanes * 4;
      Words sums[kRows][kVectors];
      for (int r = 0; r < kRows; ++r)
        for (int v = 0; v < kVectors; ++v) sums[r][v] = *reinterpret_cast<const Words*>(heads[v] + kPanel * 4);
      const std::ptrdiff_t ahead = fetch_distance(left * (kByteBlockBytes / kByteBlock), tile.panel_bytes, kPanels);
      for (int i = 0; i < n_words; ++i) {
        typename Bytes::Weights weights[kVectors];
        for (int v = 0; v < kVectors; ++v) {
          weights[v] = Bytes::weights(heads[v] + kPanel * 4 * (2 + i));
          if (kRows <= kFewRows) __builtin_prefetch(heads[v] + kPanel * 4 * (2 + i) + ahead, 0, 2);
        }
        for (int r = 0; r < kRows; ++r) {
          unsigned value;
          __builtin_memcpy(&value, a + r * kChunkBytes + i * 4, sizeof value);
          for (int v = 0; v < kVectors; ++v) sums[r][v] = Bytes::add(sums[r][v], weights[v], value);
        }
      }
      for (int r = 0; r < kRows; ++r) {
        for (int v = 0; v < kVectors; ++v) {
          float* c = tile.c + r * tile.c_stride + v * kLanes;
          const Vector<kLanes> scale = load<kLanes>(reinterpret_cast<const float*>(heads[v])) * a_scales[r];
          store<kLanes>(c, load<kLanes>(c) + __builtin_convertvector(sums[r][v], Vector<kLanes>) * scale);
        }
      }
      a += kRows * kChunkBytes;
      b += kByteBlockBytes;
      a_scales += kRows;
    }
  }
};

inline void gemm_i8(const GemmTile& tile) {
  gemm_up_to<kGemmRows>(tile, GemmI8<BytePairs>{});
}

void pack_f32(const float* row, std::int64_t n, std::byte* out, std::int64_t chunk_stride) {
  constexpr int kChunk = kChunkBytes / 4;
  for (; n >= kChunk; n -= kChunk, row += kChunk, out += chunk_stride)
    for (int i = 0; i < kChunk; i += kLanes)
      store<kLanes>(reinterpret_cast<float*>(out) + i, load<kLanes>(row + i));
  if (n <= 0) return;
  auto* last = reinterpret_cast<float*>(out);
  for (int i = 0; i < kChunk; ++i) last[i] = i < n ? row[i] : 0.0f;
}

/// f32 rounded to bf16 (nearest, ties to even), in the low half of each word; NaN stays NaN.
template <int N>
inline __attribute__((always_inline)) typename VectorOf<N>::integers rounded_bf16(Vector<N> value) {
  using Integers = typename VectorOf<N>::integers;
  using Words = typename VectorOf<N>::words;
  const auto bits = reinterpret_cast<Words>(value);
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Integers is_nan = value != value;
  return (reinterpret_cast<Integers>(rounded) & ~is_nan) | (is_nan & 0x7fc0);
}

void pack_bf16(const float* row, std::int64_t n, std::byte* out, std::int64_t chunk_stride) {
  constexpr int kChunk = kChunkBytes / 2;
  using Halves = typename VectorOf<kLanes>::halves;
  for (; n >= kChunk; n -= kChunk, row += kChunk, out += chunk_stride)
    for (int i = 0; i < kChunk; i += kLanes)
      *reinterpret_cast<Halves*>(out + 2 * i) =
          __builtin_convertvector(rounded_bf16<kLanes>(load<kLanes>(row + i)), Halves);
  if (n <= 0) return;
  float last[kChunk] = {};
  for (std::int64_t i = 0; i < n; ++i) last[i] = row[i];
  for (int i = 0; i < kChunk; i += kLanes)
    *reinterpret_cast<Halves*>(out + 2 * i) =
        __builtin_convertvector(rounded_bf16<kLanes>(load<kLanes>(last + i)), Halves);
}

void widen_bf16(const std::uint16_t* in, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const unsigned bits = static_cast<unsigned>(in[i]) << 16;
    out[i] = __builtin_bit_cast(float, bits);
  }
}

void add_scaled(const float* in, float weight, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] += weight * in[i];
}

int count_from(const float* scores, int n, float limit) {
  int count = 0;
  for (int j = 0; j < n; ++j) count += scores[j] >= limit ? 1 : 0;
  return count;
}

ScoreRange range_of(float* scores, int n) {
  const float infinity = __builtin_inff();
  Vector<kLanes> low = all<kLanes>(infinity);
  Vector<kLanes> high = all<kLanes>(-infinity);
  int j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    const Vector<kLanes> read = load<kLanes>(scores + j);
    const Vector<kLanes> score = read == read ? read : all<kLanes>(-infinity);
    store<kLanes>(scores + j, score);
    low = score < low ? score : low;
    high = score > high ? score : high;
  }
  ScoreRange range{infinity, -infinity};
  const auto take = [&range](float score) {
    range.lowest = score < range.lowest ? score : range.lowest;
    range.highest = score > range.highest ? score : range.highest;
  };
  for (; j < n; ++j) take(scores[j] = scores[j] == scores[j] ? scores[j] : -infinity);
  for (int lane = 0; lane < kLanes; ++lane) {
    take(low[lane]);
    take(high[lane]);
  }
  return range;
}

inline int keep_from(float* scores, std::int32_t* positions, int n, float limit, int n_equal_dropped) {
  int n_kept = 0;
  for (int j = 0; j < n; ++j) {
    const float score = scores[j];
    const bool dropped = score == limit && n_equal_dropped > 0;
    n_equal_dropped -= dropped;
    scores[n_kept] = score;
    positions[n_kept] = positions[j];
    n_kept += !(score < limit) && !dropped;
  }
  return n_kept;
}

float largest_size(const float* values, std::int64_t n) {
  int largest = 0;  // without their signs floats are in the order of integers, NaN above infinity
  for (std::int64_t i = 0; i < n; ++i) {
    const int size = __builtin_bit_cast(int, values[i]) & 0x7fffffff;
    largest = size > largest ? size : largest;
  }
  return largest < 0x7f800000 ? __builtin_bit_cast(float, largest) : __builtin_nanf("");
}

void quantise(const float* values, std::int64_t n, float scale, std::int8_t* out) {
  // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
  for (std::int64_t i = 0; i < n; ++i) {
    float value = values[i] / scale;
    value = value > 127.0f ? 127.0f : value;
    value = value < -127.0f ? -127.0f : value;
    out[i] = static_cast<std::int8_t>(__builtin_bit_cast(int, value + 12582912.0f) - 0x4b400000);
  }
}

inline int keep_above(const float* scores, int n, float threshold, std::int32_t first_position, float* kept,
                      std::int32_t* positions) {
  int n_kept = 0;
  for (int j = 0; j < n; ++j) {
    kept[n_kept] = scores[j];
    positions[n_kept] = first_position + j;
    n_kept += !(scores[j] < threshold);
  }
  return n_kept;
}

void silu_multiply(const float* gate, const float* up, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector<kLanes> g = load<kLanes>(gate + i);
    store<kLanes>(out + i, g / (exponential<kLanes>(-g) + 1.0f) * load<kLanes>(up + i));
  }
  for (; i < n; ++i) {
    const Vector<4> g = all<4>(gate[i]);
    out[i] = (g / (exponential<4>(-g) + 1.0f) * all<4>(up[i]))[0];
  }
}

void add_relu(const float* dots, float weight, float* scores, int n) {
  int j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    const Vector<kLanes> dot = load<kLanes>(dots + j);
    const Vector<kLanes> positive = dot < Vector<kLanes>{} ? Vector<kLanes>{} : dot;  // a NaN goes through
    store<kLanes>(scores + j, load<kLanes>(scores + j) + positive * weight);
  }
}

/// scores[s][lane] for kKeys keys at rows, kVectors registers of kWidth lanes.
template <int kWidth, int kVectors, int kKeys>
inline __attribute__((always_inline)) void score_keys_of(const AttentionTile& tile, int s, int lane) {
  Vector<kWidth> sums[kKeys][kVectors] = {};
  const float* rows[kKeys];
  for (int j = 0; j < kKeys; ++j) rows[j] = static_cast<const float*>(tile.rows[s + j]);
  const float* q = static_cast<const float*>(tile.q) + lane;
  for (int d = 0; d < tile.row_dim; ++d, q += tile.lanes) {
    Vector<kWidth> query[kVectors];
    for (int v = 0; v < kVectors; ++v) query[v] = load<kWidth>(q + v * kWidth);
    for (int j = 0; j < kKeys; ++j) {
      const Vector<kWidth> key = all<kWidth>(rows[j][d]);
      for (int v = 0; v < kVectors; ++v) sums[j][v] = sums[j][v] + key * query[v];
    }
  }
  for (int j = 0; j < kKeys; ++j)
    for (int v = 0; v < kVectors; ++v)
      store<kWidth>(tile.scratch + (s + j) * tile.lanes + lane + v * kWidth, sums[j][v]);
}

/// out[d][lane] += sum over the tile's keys of weight * row[d], kDims dimensions at once.
template <int kWidth, int kVectors, int kDims>
inline __attribute__((always_inline)) void add_values_of(const AttentionTile& tile, int d, int lane) {
  Vector<kWidth> sums[kDims][kVectors];
  for (int i = 0; i < kDims; ++i)
    for (int v = 0; v < kVectors; ++v)
      sums[i][v] = load<kWidth>(tile.out + (d + i) * tile.lanes + lane + v * kWidth);
  for (int s = 0; s < tile.n_keys; ++s) {
    const float* row = static_cast<const float*>(tile.value_rows[s]) + d;
    Vector<kWidth> weight[kVectors];
    for (int v = 0; v < kVectors; ++v)
      weight[v] = load<kWidth>(tile.scratch + s * tile.lanes + lane + v * kWidth);
    for (int i = 0; i < kDims; ++i) {
      const Vector<kWidth> value = all<kWidth>(row[i]);
      for (int v = 0; v < kVectors; ++v) sums[i][v] = sums[i][v] + value * weight[v];
    }
  }
  for (int i = 0; i < kDims; ++i)
    for (int v = 0; v < kVectors; ++v)
      store<kWidth>(tile.out + (d + i) * tile.lanes + lane + v * kWidth, sums[i][v]);
}

/// Turns the scores of one register of lanes into weights. Gives the factor for what was summed before.
template <int kWidth>
inline Vector<kWidth> soften(const AttentionTile& tile, int lane) {
  using Integers = typename VectorOf<kWidth>::integers;
  const Vector<kWidth> minus_infinity = all<kWidth>(-__builtin_inff());
  const Vector<kWidth> before = load<kWidth>(tile.largest + lane);
  Vector<kWidth> largest = before;
  Integers n_visible = Integers{} + tile.n_keys;
  if (tile.n_visible != nullptr) n_visible = *reinterpret_cast<const Integers*>(tile.n_visible + lane);
  for (int s = 0; s < tile.n_keys; ++s) {
    float* at = tile.scratch + s * tile.lanes + lane;
    const Vector<kWidth> score = n_visible > s ? load<kWidth>(at) : minus_infinity;
    store<kWidth>(at, score);
    largest = score > largest ? score : largest;
  }
  // A lane that has seen no key yet: -infinity minus itself would be NaN.
  const Vector<kWidth> origin = largest > minus_infinity ? largest : Vector<kWidth>{};
  const Vector<kWidth> factor = exponential<kWidth>(before - origin);
  Vector<kWidth> sum = load<kWidth>(tile.sum + lane) * factor;
  for (int s = 0; s < tile.n_keys; ++s) {
    float* at = tile.scratch + s * tile.lanes + lane;
    const Vector<kWidth> weight = exponential<kWidth>(load<kWidth>(at) - origin);
    store<kWidth>(at, weight);
    sum = sum + weight;
  }
  store<kWidth>(tile.largest + lane, largest);
  store<kWidth>(tile.sum + lane, sum);
  return factor;
}

template <int kWidth>
void soften_and_rescale(const AttentionTile& tile, int lane) {
  const Vector<kWidth> factor = soften<kWidth>(tile, lane);
  for (int d = 0; d < tile.latent_dim; ++d) {
    float* at = tile.out + d * tile.lanes + lane;
    store<kWidth>(at, load<kWidth>(at) * factor);
  }
}

template <int kWidth, int kVectors>
void attend_lanes(const AttentionTile& tile, int lane) {
  constexpr int kBlock = kRegisters / 2 / kVectors;  // divides kKeyTile
  int s = 0;
  for (; s + kBlock <= tile.n_keys; s += kBlock) score_keys_of<kWidth, kVectors, kBlock>(tile, s, lane);
  for (; s + 2 <= tile.n_keys; s += 2) score_keys_of<kWidth, kVectors, 2>(tile, s, lane);
  for (; s < tile.n_keys; ++s) score_keys_of<kWidth, kVectors, 1>(tile, s, lane);
  for (int v = 0; v < kVectors; ++v) soften_and_rescale<kWidth>(tile, lane + v * kWidth);
  int d = 0;
  for (; d + kBlock <= tile.latent_dim; d += kBlock) add_values_of<kWidth, kVectors, kBlock>(tile, d, lane);
  for (; d + 2 <= tile.latent_dim; d += 2) add_values_of<kWidth, kVectors, 2>(tile, d, lane);
  for (; d < tile.latent_dim; ++d) add_values_of<kWidth, kVectors, 1>(tile, d, lane);
}

void attend_f32(const AttentionTile& tile) {
  int lane = 0;
  if constexpr (kLanes >= 16) {
    for (; lane + 32 <= tile.lanes; lane += 32) attend_lanes<16, 2>(tile, lane);
    for (; lane + 16 <= tile.lanes; lane += 16) attend_lanes<16, 1>(tile, lane);
  }
  constexpr int kWidth = kLanes < 8 ? kLanes : 8;
  if constexpr (kLanes == 8) {
    for (; lane + 16 <= tile.lanes; lane += 16) attend_lanes<8, 2>(tile, lane);
  }
  for (; lane < tile.lanes; lane += 8) attend_lanes<kWidth, 8 / kWidth>(tile, lane);
}

constexpr int kSpinSums = 12;  // more than latency times throughput of a multiply-add

double spin_f32(std::int64_t n) {
  Vector<kLanes> sums[kSpinSums];
  // Different sums: of equal ones the compiler would compute only one.
#pragma GCC unroll 12
  for (int j = 0; j < kSpinSums; ++j) sums[j] = all<kLanes>(static_cast<float>(j));
  Vector<kLanes> factor = all<kLanes>(0.5f);
  for (std::int64_t i = 0; i < n; ++i) {
    asm volatile("" : "+v"(factor));
#pragma GCC unroll 12
    for (int j = 0; j < kSpinSums; ++j) sums[j] = sums[j] * factor + factor;
  }
  Vector<kLanes> total = {};
#pragma GCC unroll 12
  for (int j = 0; j < kSpinSums; ++j) total = total + sums[j];
  asm volatile("" : : "v"(total));
  return 2.0 * kLanes * kSpinSums * static_cast<double>(n);
}

double read_floats(const float* values, std::int64_t n) {
  Vector<kLanes> sums[4] = {};
  for (std::int64_t i = 0; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int j = 0; j < 4; ++j) sums[j] = sums[j] + load<kLanes>(values + i + j * kLanes);
  for (auto& sum : sums) asm volatile("" : : "v"(sum));
  return static_cast<double>(n);
}

constexpr TileKernels kPortable{
    .name = kName,
    .rows = kGemmRows,
    .native_bf16 = false,
    .gemm_f32 = gemm_f32,
    .gemm_bf16 = gemm_bf16,
    .gemm_i8 = gemm_i8,
    .pack_f32 = pack_f32,
    .pack_bf16 = pack_bf16,
    .silu_multiply = silu_multiply,
    .add_scaled = add_scaled,
    .add_relu = add_relu,
    .keep_above = keep_above,
    .count_from = count_from,
    .range_of = range_of,
    .keep_from = keep_from,
    .quantise = quantise,
    .largest_size = largest_size,
    .attend_f32 = attend_f32,
    .attend_bf16 = nullptr,
    .attend_eight = nullptr,
    .widen_bf16 = widen_bf16,
    .score_i8 = nullptr,
    .spin_f32 = spin_f32,
    .spin_bf16 = nullptr,
    .spin_i8 = nullptr,
    .read_floats = read_floats,
};
