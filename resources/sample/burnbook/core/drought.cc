#include "core/drought.h"

#include <algorithm>
#include <cmath>

namespace burnbook {
namespace {

constexpr double kInterceptedMm = 5.1;  // held by leaves and litter, once in each wet spell
constexpr double kMmPerPoint = 0.254;   // a point is a hundredth of an inch
constexpr double kGreatest = 800;

}  // namespace

void DroughtIndex::add_day(double rain_mm, double highest_celsius) {
  const double before = spell_mm_;
  spell_mm_ = rain_mm > 0 ? spell_mm_ + rain_mm : 0;
  const double reaches_soil = std::max(0.0, spell_mm_ - kInterceptedMm) - std::max(0.0, before - kInterceptedMm);
  if (rain_mm > 0) value_ = std::max(0.0, value_ - reaches_soil / kMmPerPoint);
  // Below ten degrees nothing worth counting evaporates.
  if (highest_celsius <= 10) return;
  const double drying = (kGreatest - value_) * (0.968 * std::exp(0.0875 * highest_celsius + 1.5552) - 8.30) * 0.001 /
                        (1 + 10.88 * std::exp(-0.001736 * annual_rain_mm_));
  value_ = std::min(kGreatest, value_ + std::max(0.0, drying));
}

}  // namespace burnbook
