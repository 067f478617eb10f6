#pragma once

#include <optional>
#include <string>

namespace burnbook {

// What an observer measured. A value that was not measured is not there; it is never zero.
struct Reading {
  std::optional<double> humidity_percent;
  std::optional<double> temperature_celsius;
  std::optional<double> wind_metres_per_second;
  std::optional<double> mixing_height_metres;
  std::optional<double> dispersion_index;
  std::optional<double> drought_index;
  std::optional<double> fine_fuel_moisture_percent;
  std::optional<double> days_since_rain;
  int age_minutes = 0;
};

// Humidity from a wet bulb and a dry bulb in degrees Celsius, at the pressure of sea level.
double humidity_from_bulbs(double dry, double wet);

// Moisture of fine dead fuel from temperature and humidity, for the hours between ten and four.
double estimate_fine_fuel_moisture(double temperature_celsius, double humidity_percent);

// Keeps a measured humidity between 1 and 100: old hygrometers read 103 in fog.
double clamp_humidity(double percent);

}  // namespace burnbook
