#include "core/units.h"

#include <cstdlib>

namespace burnbook {
namespace {

bool read_number(const Row& row, const char* column, double& out, std::string& error) {
  const auto cell = row.find(column);
  if (cell == row.end()) {
    error = std::string("the table has no column ") + column;
    return false;
  }
  char* end = nullptr;
  out = std::strtod(cell->second.c_str(), &end);
  if (end == cell->second.c_str() || *end != 0) {
    error = row.at("unit") + ": \"" + cell->second + "\" in " + column + " is no number";
    return false;
  }
  return true;
}

}  // namespace

bool read_units(const Table& table, std::vector<Unit>& out, std::string& error) {
  for (const Row& row : table.rows) {
    Unit unit;
    double days = 0;
    unit.name = row.count("unit") ? row.at("unit") : "";
    if (unit.name.empty()) {
      error = "a line has no unit";
      return false;
    }
    if (!read_number(row, "area_ha", unit.area_hectares, error) || !read_number(row, "return_days", days, error) ||
        !read_number(row, "wiregrass_percent", unit.wiregrass_percent, error) ||
        !read_number(row, "shrub_m", unit.shrub_height_metres, error)) {
      return false;
    }
    unit.wanted_return_days = static_cast<int>(days);
    out.push_back(unit);
  }
  return true;
}

}  // namespace burnbook
