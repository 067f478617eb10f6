#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

/// The only arithmetic that is done on numbers from a file: nothing where it would overflow or leave
/// the range.
namespace engine {

inline std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

/// Whether the `n` bytes at `offset` lie among `size` bytes.
inline bool is_within(std::uint64_t size, std::uint64_t offset, std::uint64_t n) {
  const auto end = checked_add(offset, n);
  return end && *end <= size;
}

/// The `n` bytes at `offset`, or nothing when they are not all there.
inline std::optional<std::span<const std::byte>> checked_slice(std::span<const std::byte> bytes, std::uint64_t offset,
                                                               std::uint64_t n) {
  if (!is_within(bytes.size(), offset, n)) return std::nullopt;
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(n));
}

}  // namespace engine
