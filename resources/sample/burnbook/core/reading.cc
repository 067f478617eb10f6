#include "core/reading.h"

#include <algorithm>
#include <cmath>

namespace burnbook {
namespace {

// Pressure of saturated vapour in hectopascal (Magnus formula).
double saturation_pressure(double celsius) { return 6.1094 * std::exp(17.625 * celsius / (celsius + 243.04)); }

constexpr double kPressure = 1013.25;            // hectopascal
constexpr double kPsychrometer = 0.00066;        // per degree, ventilated

}  // namespace

double humidity_from_bulbs(double dry, double wet) {
  const double vapour = saturation_pressure(wet) - kPsychrometer * kPressure * (dry - wet) * (1 + 0.00115 * wet);
  return clamp_humidity(100 * vapour / saturation_pressure(dry));
}

double estimate_fine_fuel_moisture(double temperature_celsius, double humidity_percent) {
  const double equilibrium = 0.03 + 0.2626 * humidity_percent - 0.00104 * humidity_percent * temperature_celsius;
  const double dry_day = humidity_percent < 10 ? equilibrium : 2.22749 + 0.160107 * humidity_percent - 0.01478 * temperature_celsius;
  return std::max(1.0, std::min(equilibrium, dry_day + 2.0));
}

double clamp_humidity(double percent) { return std::clamp(percent, 1.0, 100.0); }

}  // namespace burnbook
