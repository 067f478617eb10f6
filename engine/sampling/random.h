#pragma once

#include <cstdint>

namespace engine {

/// The same numbers on every platform, unlike the distributions of <random>.
/// xoshiro256**, seeded by SplitMix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators").
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_[4];
};

}  // namespace engine
