#include "core/burn_log.h"

#include <cstdlib>

namespace burnbook {

bool read_burns(const Table& table, std::vector<Burn>& out, std::string& error) {
  for (const Row& row : table.rows) {
    for (const char* column : {"date", "unit", "area_ha", "boss"}) {
      if (row.count(column)) continue;
      error = std::string("the burn log has no column ") + column;
      return false;
    }
    const auto date = parse_date(row.at("date"));
    if (!date) {
      error = "\"" + row.at("date") + "\" is no date; write it like 2024-04-03";
      return false;
    }
    out.push_back({*date, row.at("unit"), std::atof(row.at("area_ha").c_str()), row.at("boss")});
  }
  return true;
}

std::map<std::string, Date> last_burns(const std::vector<Burn>& burns) {
  std::map<std::string, Date> last;
  for (const Burn& burn : burns) {
    const auto known = last.find(burn.unit);
    if (known == last.end() || known->second < burn.date) last[burn.unit] = burn.date;
  }
  return last;
}

std::map<int, YearSummary> summarise_years(const std::vector<Burn>& burns) {
  std::map<int, YearSummary> years;
  for (const Burn& burn : burns) {
    YearSummary& year = years[year_of(burn.date)];
    ++year.n_burns;
    year.area_hectares += burn.area_hectares;
    if (in_growing_season(burn.date)) ++year.n_growing_season;
  }
  return years;
}

}  // namespace burnbook
