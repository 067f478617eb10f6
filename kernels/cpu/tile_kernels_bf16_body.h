// Included once by tile_kernels_avx512bf16.cpp, after tile_kernels_avx512_body.h: the loops that use the bf16
// and int8 dot products.

// The dot products are written as assembly: with the intrinsics g++ 12 copies every sum to another register
// and back in each step of these loops, which halves the rate of the indexer.

/// acc[lane] += the four products of u8 a and s8 b in each 32-bit word.
inline __attribute__((always_inline)) void add_byte_products(__m512i& acc, __m512i a, __m512i b) {
  asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
}

/// acc[lane] += a.low * b.low + a.high * b.high for the bf16 pairs of each 32-bit word.
template <int N>
struct Pairs;

template <>
struct Pairs<8> {
  using Words = __m256i;
  static Words load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static Words all(const void* p) { return _mm256_set1_epi32(*static_cast<const int*>(p)); }
  static Vector<8> dot(Vector<8> acc, Words a, Words b) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
    return acc;
  }
};

template <>
struct Pairs<16> {
  using Words = __m512i;
  static Words load(const void* p) { return _mm512_loadu_si512(p); }
  static Words all(const void* p) { return _mm512_set1_epi32(*static_cast<const int*>(p)); }
  static Vector<16> dot(Vector<16> acc, Words a, Words b) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
    return acc;
  }
};

struct GemmBF16Dot {
  template <int kRows, int kPanels>
  void operator()(const GemmTile& tile) const {
    using P = Pairs<16>;
    constexpr int kPairs = kChunkBytes / 4;
    __m512 sums[kRows][kPanels];
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kPanels; ++p)
        sums[r][p] =
            tile.accumulate ? _mm512_loadu_ps(tile.c + r * tile.c_stride + p * kPanel) : _mm512_setzero_ps();
    const std::byte* b = tile.b;
    const std::byte* a = tile.a;
    for (std::int64_t left = (tile.k + 1) / 2; left > 0; left -= kPairs, a += kRows * kChunkBytes) {
      const int n = left < kPairs ? static_cast<int>(left) : kPairs;
      const std::ptrdiff_t ahead = fetch_distance(left * kChunkBytes, tile.panel_bytes, kPanels);
#pragma GCC unroll 2
      for (int i = 0; i < n; ++i, b += kChunkBytes) {
        P::Words weights[kPanels];
        for (int p = 0; p < kPanels; ++p) {
          weights[p] = P::load(b + p * tile.panel_bytes);
          if (kRows <= kFewRows) __builtin_prefetch(b + p * tile.panel_bytes + ahead, 0, 2);
        }
        for (int r = 0; r < kRows; ++r) {
          const P::Words value = P::all(a + r * kChunkBytes + i * 4);
          for (int p = 0; p < kPanels; ++p) sums[r][p] = P::dot(sums[r][p], weights[p], value);
        }
      }
    }
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kPanels; ++p) _mm512_storeu_ps(tile.c + r * tile.c_stride + p * kPanel, sums[r][p]);
  }
};

void gemm_bf16_dot(const GemmTile& tile) {
  gemm_up_to<kGemmRows>(tile, GemmBF16Dot{});
}

struct ByteDot {
  using Weights = __m512i;
  using Words = VectorOf<16>::integers;
  static Weights weights(const std::byte* b) { return _mm512_loadu_si512(b); }
  static Words add(Words sum, Weights weights, unsigned a) {
    auto acc = reinterpret_cast<__m512i>(sum);
    add_byte_products(acc, _mm512_set1_epi32(static_cast<int>(a)), weights);
    return reinterpret_cast<Words>(acc);
  }
};

void gemm_i8_dot(const GemmTile& tile) {
  gemm_up_to<kGemmRows>(tile, GemmI8<ByteDot>{});
}

/// scores[s][lane] of kKeys keys; the lanes are query-heads, so the key's values are broadcast from where
/// they lie.
template <int kWidth, int kVectors, int kKeys>
inline __attribute__((always_inline)) void score_pairs(const AttentionTile& tile, int s, int lane) {
  using P = Pairs<kWidth>;
  Vector<kWidth> sums[kKeys][kVectors] = {};
  const std::uint32_t* rows[kKeys];
  for (int j = 0; j < kKeys; ++j) rows[j] = static_cast<const std::uint32_t*>(tile.rows[s + j]);
  const auto* q = static_cast<const std::uint32_t*>(tile.q) + lane;
  const int n_pairs = (tile.row_dim + 1) / 2;
  for (int d = 0; d < n_pairs; ++d, q += tile.lanes) {
    typename P::Words query[kVectors];
    for (int v = 0; v < kVectors; ++v) query[v] = P::load(q + v * kWidth);
    for (int j = 0; j < kKeys; ++j) {
      const typename P::Words key = P::all(rows[j] + d);
      for (int v = 0; v < kVectors; ++v) sums[j][v] = P::dot(sums[j][v], query[v], key);
    }
  }
  for (int j = 0; j < kKeys; ++j)
    for (int v = 0; v < kVectors; ++v)
      store<kWidth>(tile.scratch + (s + j) * tile.lanes + lane + v * kWidth, sums[j][v]);
}

inline int side_row(const AttentionTile& tile) {
  return (tile.latent_dim + 31) / 32 * 32;
}  // words of a key pair

/// side[i][d] = the values d of keys 2i and 2i + 1 beside each other.
inline void interleave_keys(const AttentionTile& tile) {
  alignas(64) std::uint16_t first[32];
  alignas(64) std::uint16_t second[32];
  for (int i = 0; i < 16; ++i) {
    first[2 * i] = static_cast<std::uint16_t>(i);
    first[2 * i + 1] = static_cast<std::uint16_t>(i + 32);
    second[2 * i] = static_cast<std::uint16_t>(i + 16);
    second[2 * i + 1] = static_cast<std::uint16_t>(i + 48);
  }
  const __m512i low = _mm512_load_si512(first);
  const __m512i high = _mm512_load_si512(second);
  const int n_words = side_row(tile);
  for (int s = 0; s < tile.n_keys; s += 2) {
    const auto* even = static_cast<const std::uint16_t*>(tile.value_rows[s]);
    const auto* odd = s + 1 < tile.n_keys ? static_cast<const std::uint16_t*>(tile.value_rows[s + 1]) : nullptr;
    std::uint16_t* out = tile.side + static_cast<std::ptrdiff_t>(s / 2) * n_words * 2;
    for (int d = 0; d < n_words; d += 32) {
      const __m512i a = _mm512_loadu_si512(even + d);
      const __m512i b = odd ? _mm512_loadu_si512(odd + d) : _mm512_setzero_si512();
      _mm512_storeu_si512(out + 2 * d, _mm512_permutex2var_epi16(a, low, b));
      _mm512_storeu_si512(out + 2 * d + 32, _mm512_permutex2var_epi16(a, high, b));
    }
  }
}

inline std::uint32_t* weight_pairs(const AttentionTile& tile) {
  return reinterpret_cast<std::uint32_t*>(tile.side) + kKeyTile / 2 * side_row(tile);
}

/// The weights of keys 2i and 2i + 1 as bf16 in one word per lane.
template <int kWidth>
inline void pair_weights(const AttentionTile& tile, int lane) {
  using Integers = typename VectorOf<kWidth>::integers;
  std::uint32_t* out = weight_pairs(tile) + lane;
  for (int s = 0; s < tile.n_keys; s += 2, out += tile.lanes) {
    const float* at = tile.scratch + s * tile.lanes + lane;
    Integers words = rounded_bf16<kWidth>(load<kWidth>(at));
    if (s + 1 < tile.n_keys) words |= rounded_bf16<kWidth>(load<kWidth>(at + tile.lanes)) << 16;
    *reinterpret_cast<Integers*>(out) = words;
  }
}

template <int kWidth, int kVectors, int kDims>
inline __attribute__((always_inline)) void add_value_pairs(const AttentionTile& tile, int d, int lane) {
  using P = Pairs<kWidth>;
  Vector<kWidth> sums[kDims][kVectors];
  for (int i = 0; i < kDims; ++i)
    for (int v = 0; v < kVectors; ++v)
      sums[i][v] = load<kWidth>(tile.out + (d + i) * tile.lanes + lane + v * kWidth);
  const auto* row = reinterpret_cast<const std::uint32_t*>(tile.side) + d;
  const std::uint32_t* weights = weight_pairs(tile) + lane;
  for (int s = 0; s < tile.n_keys; s += 2, row += side_row(tile), weights += tile.lanes) {
    typename P::Words weight[kVectors];
    for (int v = 0; v < kVectors; ++v) weight[v] = P::load(weights + v * kWidth);
    for (int i = 0; i < kDims; ++i) {
      const typename P::Words value = P::all(row + i);
      for (int v = 0; v < kVectors; ++v) sums[i][v] = P::dot(sums[i][v], weight[v], value);
    }
  }
  for (int i = 0; i < kDims; ++i)
    for (int v = 0; v < kVectors; ++v)
      store<kWidth>(tile.out + (d + i) * tile.lanes + lane + v * kWidth, sums[i][v]);
}

/// Asks for the rows of the next tile while this one is multiplied: dimensions [d, d + n) of the work stand
/// for the same share of the rows. Selected rows lie anywhere, so the processor does not fetch them by
/// itself.
inline void fetch_ahead(const AttentionTile& tile, int d, int n) {
  const int begin = tile.n_next * d / tile.latent_dim;
  const int end = tile.n_next * (d + n) / tile.latent_dim;
  for (int j = begin; j < end; ++j) {
    const auto* row = static_cast<const char*>(tile.next_rows[j]);
    for (int at = 0; at < 2 * tile.row_dim; at += 64) __builtin_prefetch(row + at, 0, 2);
  }
}

/// Scores of all keys of the tile for kVectors registers of lanes.
template <int kWidth, int kVectors, int kBlock>
inline void score_tile_pairs(const AttentionTile& tile, int lane) {
  int s = 0;
  for (; s + kBlock <= tile.n_keys; s += kBlock) score_pairs<kWidth, kVectors, kBlock>(tile, s, lane);
  for (; s + 4 <= tile.n_keys; s += 4) score_pairs<kWidth, kVectors, 4>(tile, s, lane);
  for (; s < tile.n_keys; ++s) score_pairs<kWidth, kVectors, 1>(tile, s, lane);
}

template <int kWidth, int kVectors>
void attend_pair_lanes(const AttentionTile& tile, int lane) {
  // 16 sums in flight hide the latency of the dot product (6 cycles, two a cycle) and divide kKeyTile.
  constexpr int kBlock = 16 / kVectors;
  score_tile_pairs<kWidth, kVectors, kBlock>(tile, lane);
  for (int v = 0; v < kVectors; ++v) {
    soften_and_rescale<kWidth>(tile, lane + v * kWidth);
    pair_weights<kWidth>(tile, lane + v * kWidth);
  }
  int d = 0;
  for (; d + kBlock <= tile.latent_dim; d += kBlock) {
    fetch_ahead(tile, d, kBlock);
    add_value_pairs<kWidth, kVectors, kBlock>(tile, d, lane);
  }
  for (; d + 4 <= tile.latent_dim; d += 4) add_value_pairs<kWidth, kVectors, 4>(tile, d, lane);
  for (; d < tile.latent_dim; ++d) add_value_pairs<kWidth, kVectors, 1>(tile, d, lane);
}

void attend_bf16(const AttentionTile& tile) {
  interleave_keys(tile);
  int lane = 0;
  for (; lane + 32 <= tile.lanes; lane += 32) attend_pair_lanes<16, 2>(tile, lane);
  for (; lane + 16 <= tile.lanes; lane += 16) attend_pair_lanes<16, 1>(tile, lane);
  for (; lane < tile.lanes; lane += 8) attend_pair_lanes<8, 1>(tile, lane);
}

/// out[head][block at d] of eight heads: the values of two keys lie beside each other after one shuffle, and each
/// serves all heads from a register.
inline void add_value_block(const AttentionTile& tile, int d, Vector<8> factors) {
  constexpr int kHeads = 8;
  const std::ptrdiff_t width = side_row(tile);
  __m512 low[kHeads];
  __m512 high[kHeads];
  for (int h = 0; h < kHeads; ++h) {
    const float* out = tile.out + h * width + d;
    low[h] = _mm512_loadu_ps(out) * factors[h];
    high[h] = _mm512_loadu_ps(out + 16) * factors[h];
  }
  const auto add = [&](__m512i even, __m512i odd, const std::uint32_t* weights) {
    const __m512i values_low = _mm512_unpacklo_epi16(even, odd);
    const __m512i values_high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 8
    for (int h = 0; h < kHeads; ++h) {
      const __m512i weight = Pairs<16>::all(weights + h);
      low[h] = Pairs<16>::dot(low[h], weight, values_low);
      high[h] = Pairs<16>::dot(high[h], weight, values_high);
    }
  };
  const auto row = [&](int s) {
    return _mm512_loadu_si512(static_cast<const std::uint16_t*>(tile.value_rows[s]) + d);
  };
  const std::uint32_t* weights = weight_pairs(tile);
  int s = 0;
  for (; s + 2 <= tile.n_keys; s += 2, weights += kHeads) add(row(s), row(s + 1), weights);
  if (s < tile.n_keys) add(row(s), _mm512_setzero_si512(), weights);
  for (int h = 0; h < kHeads; ++h) {
    float* out = tile.out + h * width + d;
    _mm512_storeu_ps(out, low[h]);
    _mm512_storeu_ps(out + 16, high[h]);
  }
}

void attend_eight(const AttentionTile& tile) {
  score_tile_pairs<8, 1, 16>(tile, 0);
  const Vector<8> factors = soften<8>(tile, 0);
  pair_weights<8>(tile, 0);
  for (int d = 0; d < tile.latent_dim; d += kEightBlock) {
    fetch_ahead(tile, d, d + kEightBlock <= tile.latent_dim ? kEightBlock : tile.latent_dim - d);
    add_value_block(tile, d, factors);
  }
}

/// Scores of kWide panels of keys for one unit: kRows query-heads x kWide registers of sums stay in registers.
/// The rows of a group belong to kQueries queries, the same number to each. kFetch: asks for the next panels. kSteps:
/// a quarter of the dimensions where it is known beforehand, else 0.
template <int kQueries, int kRows, int kWide, bool kFetch, int kSteps>
inline __attribute__((always_inline)) void score_panels(const IndexTile& tile, int unit, int first,
                                                        __m512 (&scores)[kQueries][kWide]) {
  const int n_steps = kSteps > 0 ? kSteps : tile.dim / 4;
  const std::byte* keys = tile.keys + static_cast<std::ptrdiff_t>(first) * tile.dim;
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(kPanel) * tile.dim;
  const std::ptrdiff_t first_row = static_cast<std::ptrdiff_t>(unit) * tile.n_groups * kIndexRows;
  const std::byte* q = tile.q + first_row * tile.dim;
  const std::int32_t* offsets = tile.offsets + first_row;
  const float* weights = tile.weights + first_row;
  for (auto& query : scores)
    for (__m512& score : query) score = _mm512_setzero_ps();
  for (int g = 0; g < tile.n_groups; ++g, offsets += kIndexRows, weights += kIndexRows) {
    __m512i sums[kRows][kWide];
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kWide; ++p) sums[r][p] = _mm512_set1_epi32(offsets[r]);
#pragma GCC unroll 8
    for (int i = 0; i < n_steps; ++i, q += kIndexRows * 4) {
      __m512i key[kWide];
      for (int p = 0; p < kWide; ++p) {
        key[p] = _mm512_loadu_si512(keys + p * panel_bytes + i * 64);
        if (kFetch) __builtin_prefetch(keys + (p + kWide) * panel_bytes + i * 64, 0, 3);
      }
      for (int r = 0; r < kRows; ++r) {
        const __m512i query = _mm512_set1_epi32(reinterpret_cast<const int*>(q)[r]);
        for (int p = 0; p < kWide; ++p) add_byte_products(sums[r][p], key[p], query);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      const __m512 weight = _mm512_set1_ps(weights[r]);
      for (int p = 0; p < kWide; ++p) {
        __m512& out = scores[r * kQueries / kRows][p];
        out = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_max_epi32(sums[r][p], _mm512_setzero_si512())),
                              weight, out);
      }
    }
  }
}

/// Scores of a run of keys, and which of them reach their threshold: what is kept is looked for afterwards. A branch for
/// every register, behind the long chain of products, would be foreseen wrongly too often.
struct IndexRun {
  static constexpr int kKeys = 256;
  alignas(64) float scores[kIndexQueries][kKeys];
  alignas(8) std::uint16_t reached[kIndexQueries][kKeys / kPanel];  // one bit per key
};

template <int kQueries, int kRows, int kWide, bool kFetch, int kSteps>
void score_unit(const IndexTile& tile, int unit, int first, int at, IndexRun& run) {
  __m512 scores[kQueries][kWide];
  score_panels<kQueries, kRows, kWide, kFetch, kSteps>(tile, unit, first, scores);
  for (int i = 0; i < kQueries; ++i) {
    const int query = unit * kQueries + i;
    const __m512 threshold = _mm512_set1_ps(tile.query[query].threshold);
    for (int p = 0; p < kWide; ++p) {
      const __m512 score = _mm512_mul_ps(scores[i][p], _mm512_loadu_ps(tile.key_scales + first + p * kPanel));
      _mm512_store_ps(&run.scores[query][at + p * kPanel], score);
      run.reached[query][at / kPanel + p] = _mm512_cmp_ps_mask(score, threshold, _CMP_NLT_UQ);
    }
  }
}

/// Appends what one query keeps of the keys from `first` on.
inline void keep_reached(const IndexTile& tile, int first, const float* scores, const std::uint16_t* reached,
                         IndexTile::Query& query) {
  constexpr int kGroups = 4;  // of one word
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const int n_visible = query.n_visible - first;
  int n_found = query.n_found;
  for (int at = 0; at < IndexRun::kKeys && at < n_visible; at += kGroups * kPanel) {
    std::uint64_t word;
    __builtin_memcpy(&word, reached + at / kPanel, sizeof word);
    if (n_visible - at < kGroups * kPanel) word &= (std::uint64_t{1} << (n_visible - at)) - 1;
    if (word == 0) continue;
    for (int s = at; s < at + kGroups * kPanel; s += kPanel, word >>= kPanel)
      n_found += keep_lanes(static_cast<__mmask16>(word), _mm512_load_ps(scores + s),
                            _mm512_add_epi32(lane, _mm512_set1_epi32(tile.first_position + first + s)),
                            query.scores + n_found, query.positions + n_found);
  }
  query.n_found = n_found;
}

/// All units meet a few keys before the next keys: these stay in the first cache.
template <int kQueries, int kRows, int kWide, int kSteps>
void score_units(IndexTile& tile) {
  IndexRun run;
  const int n_units = (tile.n_queries + kQueries - 1) / kQueries;
  for (int begin = 0; begin < tile.n_keys; begin += IndexRun::kKeys) {
    for (int first = begin; first < begin + IndexRun::kKeys && first < tile.n_keys; first += kPanel * kWide) {
      score_unit<kQueries, kRows, kWide, true, kSteps>(tile, 0, first, first - begin, run);
      for (int unit = 1; unit < n_units; ++unit)
        score_unit<kQueries, kRows, kWide, false, kSteps>(tile, unit, first, first - begin, run);
    }
    for (int i = 0; i < tile.n_queries; ++i)
      keep_reached(tile, begin, run.scores[i], run.reached[i], tile.query[i]);
  }
}

template <int kSteps>
void score_tile(IndexTile& tile) {
  if (!tile.paired) return score_units<1, kIndexRows, 2, kSteps>(tile);
  if (tile.n_queries > 1) return score_units<2, kIndexRows, 2, kSteps>(tile);
  score_units<1, kIndexRows / 2, 4, kSteps>(tile);  // half of the rows of the only group are unused
}

void score_i8(IndexTile& tile) {
  if (tile.dim == 64) return score_tile<16>(tile);
  if (tile.dim == 128) return score_tile<32>(tile);
  score_tile<0>(tile);
}

double spin_bf16(std::int64_t n) {
  Vector<16> sums[kSpinSums] = {};
  const __m512i factor = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < n; ++i)
    for (auto& sum : sums) asm volatile("vdpbf16ps %1, %1, %0" : "+v"(sum) : "v"(factor));
  return 64.0 * kSpinSums * static_cast<double>(n);
}

double spin_i8(std::int64_t n) {
  __m512i sums[kSpinSums];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  const __m512i factor = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < n; ++i)
    for (auto& sum : sums) asm volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(factor));
  return 128.0 * kSpinSums * static_cast<double>(n);
}
