// Included once by each AVX-512 tile_kernels_*.cpp, after tile_kernels_body.h.

/// Writes the chosen lanes of a register side by side and returns how many. Compressing in the register and
/// storing all of it is a hundred times faster on Zen 4 than a compressing store.
inline int keep_lanes(__mmask16 chosen, __m512 scores, __m512i positions, float* kept_scores,
                      std::int32_t* kept_positions) {
  _mm512_storeu_ps(kept_scores, _mm512_maskz_compress_ps(chosen, scores));
  _mm512_storeu_si512(kept_positions, _mm512_maskz_compress_epi32(chosen, positions));
  return __builtin_popcount(chosen);
}

int keep_above_compressed(const float* scores, int n, float threshold, std::int32_t first_position,
                          float* kept, std::int32_t* positions) {
  const __m512 limit = _mm512_set1_ps(threshold);
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int n_kept = 0;
  for (int j = 0; j < n; j += 16) {
    const __mmask16 there = n - j >= 16 ? 0xffff : static_cast<__mmask16>((1u << (n - j)) - 1);
    const __m512 score = _mm512_maskz_loadu_ps(there, scores + j);
    const __mmask16 chosen = _mm512_mask_cmp_ps_mask(there, score, limit, _CMP_NLT_UQ);
    if (chosen == 0) continue;
    const __m512i position = _mm512_add_epi32(lane, _mm512_set1_epi32(first_position + j));
    n_kept += keep_lanes(chosen, score, position, kept + n_kept, positions + n_kept);
  }
  return n_kept;
}

int keep_from_compressed(float* scores, std::int32_t* positions, int n, float limit, int n_equal_dropped) {
  const __m512 limits = _mm512_set1_ps(limit);
  int n_kept = 0;
  for (int j = 0; j < n; j += 16) {
    const __mmask16 there = n - j >= 16 ? 0xffff : static_cast<__mmask16>((1u << (n - j)) - 1);
    const __m512 score = _mm512_maskz_loadu_ps(there, scores + j);
    const __m512i position = _mm512_maskz_loadu_epi32(there, positions + j);
    unsigned chosen = _mm512_mask_cmp_ps_mask(there, score, limits, _CMP_NLT_UQ);
    unsigned equal = n_equal_dropped > 0 ? _mm512_mask_cmp_ps_mask(there, score, limits, _CMP_EQ_OQ) : 0u;
    for (; equal != 0 && n_equal_dropped > 0; equal &= equal - 1, --n_equal_dropped) chosen &= ~(equal & (0u - equal));
    n_kept += keep_lanes(static_cast<__mmask16>(chosen), score, position, scores + n_kept, positions + n_kept);
  }
  return n_kept;
}
