#include "kernels/plan/card_share.h"

namespace kernels {
namespace {

// Of the free memory, in hundredths.
constexpr std::size_t kMostWeights = 80;
constexpr std::size_t kResident = 50;
constexpr std::size_t kStreamed = 25;

}  // namespace

CardShare share_card(std::size_t free_bytes, std::size_t weight_bytes) {
  const std::size_t hundredth = free_bytes / 100;
  if (weight_bytes <= hundredth * kMostWeights) return {};
  return {hundredth * kResident, hundredth * kStreamed};
}

}  // namespace kernels
