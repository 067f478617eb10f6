#include "tool/commands.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/burn_log.h"
#include "core/due.h"
#include "core/prescription.h"

namespace burnbook {
namespace {

int complain(const std::string& what) {
  std::fprintf(stderr, "burnbook: %s\n", what.c_str());
  return 2;
}

const char* name_of(DueState state) {
  switch (state) {
    case DueState::kOverdue: return "overdue";
    case DueState::kDue: return "due";
    case DueState::kRested: return "rested";
  }
  return "";
}

bool load_burns(const std::string& path, std::vector<Burn>& burns, std::string& error) {
  const Table table = read_csv(path);
  error = table.error;
  return error.empty() && read_burns(table, burns, error);
}

}  // namespace

int run_due(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) return complain("due UNITS.csv BURNS.csv DATE");
  std::string error;
  std::vector<Unit> units;
  std::vector<Burn> burns;
  const Table table = read_csv(arguments[0]);
  if (!table.error.empty()) return complain(table.error);
  if (!read_units(table, units, error) || !load_burns(arguments[1], burns, error)) return complain(error);
  const auto today = parse_date(arguments[2]);
  if (!today) return complain(arguments[2] + " is no date");
  for (const DueUnit& due : rank_due_units(units, last_burns(burns), *today)) {
    std::printf("%-6s %5.2f  %-8s %d days\n", due.name.c_str(), due.score, name_of(due.state), due.days_since_burn);
  }
  return 0;
}

int run_check(const std::vector<std::string>& arguments) {
  if (arguments.size() != 9) return complain("check PRESCRIPTION RH TEMPERATURE WIND MIXING DISPERSION DROUGHT FUEL RAIN-DAYS");
  std::ifstream file(arguments[0]);
  if (!file) return complain(arguments[0] + " cannot be opened");
  std::ostringstream text;
  text << file.rdbuf();
  Prescription prescription;
  std::string error;
  if (!parse_prescription(text.str(), prescription, error)) return complain(arguments[0] + ": " + error);
  Reading reading;
  std::optional<double>* const values[] = {&reading.humidity_percent, &reading.temperature_celsius, &reading.wind_metres_per_second,
                                           &reading.mixing_height_metres, &reading.dispersion_index, &reading.drought_index,
                                           &reading.fine_fuel_moisture_percent, &reading.days_since_rain};
  for (std::size_t i = 0; i < 8; ++i) {
    // A dash says that the value was not measured.
    if (arguments[i + 1] != "-") *values[i] = std::atof(arguments[i + 1].c_str());
  }
  const auto failures = check_prescription(prescription, reading);
  for (const std::string& failure : failures) std::printf("no: %s\n", failure.c_str());
  if (failures.empty()) std::printf("yes: all values are within %s\n", prescription.name.c_str());
  return failures.empty() ? 0 : 1;
}

int run_years(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) return complain("years BURNS.csv");
  std::vector<Burn> burns;
  std::string error;
  if (!load_burns(arguments[0], burns, error)) return complain(error);
  for (const auto& [year, summary] : summarise_years(burns)) {
    std::printf("%d  %3d burns  %3d in the growing season  %6.0f ha\n", year, summary.n_burns, summary.n_growing_season, summary.area_hectares);
  }
  return 0;
}

}  // namespace burnbook
