#pragma once

#include <string>
#include <vector>

#include "core/reading.h"

namespace burnbook {

// The lowest and the highest value that a quantity may have when a burn is lit.
struct Limits {
  double lowest = 0;
  double highest = 0;
};

struct Prescription {
  std::string name;
  Limits humidity_percent{30, 60};
  Limits temperature_celsius{-5, 27};
  Limits wind_metres_per_second{2.5, 7.0};
  Limits mixing_height_metres{500, 10000};
  Limits dispersion_index{40, 80};
  Limits drought_index{0, 450};
  Limits fine_fuel_moisture_percent{7, 15};
  Limits days_since_rain{1, 7};
};

// A reading older than this many minutes is refused. On 11 March 2019 a crew went on for an hour with
// the values of the morning.
constexpr int kOldestReadingMinutes = 45;

// Reads lines like "humidity 40 65". Unknown words are an error, since a misspelled limit is no limit.
bool parse_prescription(const std::string& text, Prescription& out, std::string& error);

// Why the burn may not be lit: one sentence for each quantity that fails. Empty: it may.
std::vector<std::string> check_prescription(const Prescription& prescription, const Reading& reading);

}  // namespace burnbook
