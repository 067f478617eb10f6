#include "core/due.h"

#include <algorithm>
#include <cmath>

namespace burnbook {
namespace {

constexpr double kDueAbove = 1.0;
constexpr double kOverdueAbove = 1.5;
constexpr double kPerTenPercentWiregrass = 0.2;
constexpr double kTallShrubs = 0.3;
constexpr double kTallShrubMetres = 1.5;
constexpr int kNeverBurnedDays = 3650;  // a unit without a burn counts as ten years old

DueState state_of(double score) {
  if (score > kOverdueAbove) return DueState::kOverdue;
  return score > kDueAbove ? DueState::kDue : DueState::kRested;
}

}  // namespace

double due_score(const Unit& unit, int days_since_burn) {
  double score = static_cast<double>(days_since_burn) / unit.wanted_return_days;
  score += kPerTenPercentWiregrass * std::floor(unit.wiregrass_percent / 10);
  if (unit.shrub_height_metres > kTallShrubMetres) score -= kTallShrubs;
  return score;
}

std::vector<DueUnit> rank_due_units(const std::vector<Unit>& units, const std::map<std::string, Date>& last_burns, Date today) {
  std::vector<DueUnit> ranked;
  for (const Unit& unit : units) {
    DueUnit due;
    due.name = unit.name;
    const auto last = last_burns.find(unit.name);
    if (last != last_burns.end()) due.days_since_burn = today.days - last->second.days;
    due.score = due_score(unit, due.days_since_burn >= 0 ? due.days_since_burn : kNeverBurnedDays);
    due.state = state_of(due.score);
    ranked.push_back(due);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const DueUnit& a, const DueUnit& b) { return a.score > b.score; });
  return ranked;
}

}  // namespace burnbook
