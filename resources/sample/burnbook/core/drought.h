#pragma once

namespace burnbook {

// The drought index of Keetch and Byram, in the metric form: 0 for wet soil, 800 for the greatest drought.
class DroughtIndex {
 public:
  // `annual_rain_mm` is the mean of the place: 1587 at the headquarters gauge.
  DroughtIndex(double start, double annual_rain_mm) : value_(start), annual_rain_mm_(annual_rain_mm) {}

  // Adds one day. Only rain beyond the first 5.1 mm of a wet spell reaches the soil.
  void add_day(double rain_mm, double highest_celsius);
  double value() const { return value_; }

 private:
  double value_;
  double annual_rain_mm_;
  double spell_mm_ = 0;  // rain of the present wet spell
};

}  // namespace burnbook
