#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/date.h"
#include "core/units.h"

namespace burnbook {

enum class DueState { kRested, kDue, kOverdue };

struct DueUnit {
  std::string name;
  double score = 0;
  int days_since_burn = -1;  // -1: it has never burned
  DueState state = DueState::kRested;
};

// Ranks units by how much they need a fire, the neediest first. The council may change the order.
std::vector<DueUnit> rank_due_units(const std::vector<Unit>& units, const std::map<std::string, Date>& last_burns, Date today);

// days / wanted return + 0.2 for each full 10 % of wiregrass - 0.3 for shrubs above 1.5 m
double due_score(const Unit& unit, int days_since_burn);

}  // namespace burnbook
