#pragma once

#include <string>
#include <vector>

#include "core/csv.h"

namespace burnbook {

// One burn unit of the preserve.
struct Unit {
  std::string name;            // "S-6"
  double area_hectares = 0;
  int wanted_return_days = 1096;
  double wiregrass_percent = 0;
  double shrub_height_metres = 0;
};

// Reads units.csv. The error names the unit and the column.
bool read_units(const Table& table, std::vector<Unit>& out, std::string& error);

}  // namespace burnbook
