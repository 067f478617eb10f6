#include "core/prescription.h"

#include <cstdio>
#include <map>
#include <sstream>

namespace burnbook {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

// A missing value never counts as within the limits.
void check(const char* name, const Limits& limits, const std::optional<double>& value, std::vector<std::string>& failures) {
  if (!value) {
    failures.push_back(std::string(name) + " was not measured");
  } else if (*value < limits.lowest) {
    failures.push_back(std::string(name) + " is " + number(*value) + ", below " + number(limits.lowest));
  } else if (*value > limits.highest) {
    failures.push_back(std::string(name) + " is " + number(*value) + ", above " + number(limits.highest));
  }
}

}  // namespace

bool parse_prescription(const std::string& text, Prescription& out, std::string& error) {
  const std::map<std::string, Limits Prescription::*> fields = {
      {"humidity", &Prescription::humidity_percent},   {"temperature", &Prescription::temperature_celsius},
      {"wind", &Prescription::wind_metres_per_second}, {"mixing_height", &Prescription::mixing_height_metres},
      {"dispersion", &Prescription::dispersion_index}, {"drought", &Prescription::drought_index},
      {"fuel_moisture", &Prescription::fine_fuel_moisture_percent}, {"days_since_rain", &Prescription::days_since_rain},
  };
  std::istringstream lines(text);
  std::string line;
  for (int at = 1; std::getline(lines, line); ++at) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word[0] == '#') continue;
    if (word == "name") {
      std::getline(words >> std::ws, out.name);
      continue;
    }
    const auto field = fields.find(word);
    Limits limits;
    if (field == fields.end() || !(words >> limits.lowest >> limits.highest) || limits.lowest > limits.highest) {
      error = "line " + std::to_string(at) + ": \"" + line + "\" is no limit";
      return false;
    }
    out.*(field->second) = limits;
  }
  return true;
}

std::vector<std::string> check_prescription(const Prescription& p, const Reading& r) {
  std::vector<std::string> failures;
  if (r.age_minutes > kOldestReadingMinutes) failures.push_back("the reading is " + std::to_string(r.age_minutes) + " minutes old");
  check("relative humidity", p.humidity_percent, r.humidity_percent, failures);
  check("air temperature", p.temperature_celsius, r.temperature_celsius, failures);
  check("wind", p.wind_metres_per_second, r.wind_metres_per_second, failures);
  check("mixing height", p.mixing_height_metres, r.mixing_height_metres, failures);
  check("dispersion index", p.dispersion_index, r.dispersion_index, failures);
  check("drought index", p.drought_index, r.drought_index, failures);
  check("moisture of fine fuel", p.fine_fuel_moisture_percent, r.fine_fuel_moisture_percent, failures);
  check("days since rain", p.days_since_rain, r.days_since_rain, failures);
  return failures;
}

}  // namespace burnbook
