// Not a header of its own: each tile_kernels_*.cpp includes it once, inside an unnamed namespace, after
// it has defined kLanes (floats of one register) and kRegisters. Vectors are GCC's own, so the same
// text becomes SSE2, AVX2 or AVX-512 code. Every lane does the same operations in the same order
// whatever stands beside it; that is why results do not depend on how work was cut.

template <int N>
struct VectorOf {
  typedef float type __attribute__((vector_size(N * 4), aligned(4), may_alias));
  typedef int integers __attribute__((vector_size(N * 4), aligned(4), may_alias));
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

template <int kRows, int kPanels>
void gemm_rows(std::int64_t k, const float* a, const float* b, std::int64_t panel_stride, float* c,
               std::int64_t c_stride, bool accumulate) {
  constexpr int kVectors = kPanel / kLanes * kPanels;
  constexpr int kPerPanel = kPanel / kLanes;
  Vector<kLanes> sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sums[r][v] = accumulate ? load<kLanes>(c + r * c_stride + v * kLanes) : Vector<kLanes>{};
  for (std::int64_t i = 0; i < k; ++i) {
    Vector<kLanes> weights[kVectors];
    for (int v = 0; v < kVectors; ++v)
      weights[v] = load<kLanes>(b + (v / kPerPanel) * panel_stride + i * kPanel + v % kPerPanel * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const Vector<kLanes> value = all<kLanes>(a[i * kRows + r]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = sums[r][v] + value * weights[v];
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) store<kLanes>(c + r * c_stride + v * kLanes, sums[r][v]);
}

template <int kRows>
void gemm_up_to(int n_rows, int n_panels, std::int64_t k, const float* a, const float* b,
                std::int64_t panel_stride, float* c, std::int64_t c_stride, bool accumulate) {
  if constexpr (kRows > 1) {
    if (n_rows < kRows)
      return gemm_up_to<kRows - 1>(n_rows, n_panels, k, a, b, panel_stride, c, c_stride, accumulate);
  }
  // Where the registers do not hold two panels, one after the other gives the same sums.
  constexpr bool kBoth = kRows * (kPanel / kLanes) * 2 + 2 * (kPanel / kLanes) < kRegisters;
  if constexpr (kBoth) {
    if (n_panels == 2) return gemm_rows<kRows, 2>(k, a, b, panel_stride, c, c_stride, accumulate);
  }
  for (int p = 0; p < n_panels; ++p)
    gemm_rows<kRows, 1>(k, a, b + p * panel_stride, panel_stride, c + p * kPanel, c_stride, accumulate);
}

void gemm_f32(int n_rows, int n_panels, std::int64_t k, const float* a, const float* b,
              std::int64_t panel_stride, float* c, std::int64_t c_stride, bool accumulate) {
  gemm_up_to<kGemmRows>(n_rows, n_panels, k, a, b, panel_stride, c, c_stride, accumulate);
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
  for (int j = 0; j < kKeys; ++j) rows[j] = tile.rows[s + j];
  const float* q = tile.q + lane;
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
    const float* row = tile.rows[s] + d;
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

/// Turns the scores of one register of lanes into weights and rescales what was summed before.
template <int kWidth>
void soften(const AttentionTile& tile, int lane) {
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
  for (int d = 0; d < tile.latent_dim; ++d) {
    float* at = tile.out + d * tile.lanes + lane;
    store<kWidth>(at, load<kWidth>(at) * factor);
  }
}

template <int kWidth, int kVectors>
void attend_lanes(const AttentionTile& tile, int lane) {
  constexpr int kBlock = (kRegisters - 4) / kVectors > 12 ? 12 : (kRegisters - 4) / kVectors;
  int s = 0;
  for (; s + kBlock <= tile.n_keys; s += kBlock) score_keys_of<kWidth, kVectors, kBlock>(tile, s, lane);
  for (; s + 2 <= tile.n_keys; s += 2) score_keys_of<kWidth, kVectors, 2>(tile, s, lane);
  for (; s < tile.n_keys; ++s) score_keys_of<kWidth, kVectors, 1>(tile, s, lane);
  for (int v = 0; v < kVectors; ++v) soften<kWidth>(tile, lane + v * kWidth);
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
