#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/csv.h"
#include "core/date.h"

namespace burnbook {

struct Burn {
  Date date;
  std::string unit;
  double area_hectares = 0;
  std::string boss;
};

struct YearSummary {
  int n_burns = 0;
  int n_growing_season = 0;
  double area_hectares = 0;
};

bool read_burns(const Table& table, std::vector<Burn>& out, std::string& error);

// The last burn of each unit; units that never burned are not in the map.
std::map<std::string, Date> last_burns(const std::vector<Burn>& burns);

std::map<int, YearSummary> summarise_years(const std::vector<Burn>& burns);

}  // namespace burnbook
