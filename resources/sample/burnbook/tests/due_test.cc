#include "core/due.h"
#include "tests/expect.h"

using namespace burnbook;

int main() {
  const Unit open{"S-3", 148, 1096, 31, 0.6};
  const Unit shrubby{"F-6", 189, 1096, 4, 2.1};
  EXPECT(due_score(open, 1096) > 1.59 && due_score(open, 1096) < 1.61);
  EXPECT(due_score(shrubby, 1096) > 0.69 && due_score(shrubby, 1096) < 0.71);

  const Date today = *parse_date("2024-12-31");
  const auto ranked = rank_due_units({shrubby, open}, {{"S-3", *parse_date("2022-06-06")}}, today);
  EXPECT(ranked[0].name == "F-6");  // never burned
  EXPECT(ranked[0].state == DueState::kOverdue);
  EXPECT(ranked[1].days_since_burn == 939);
}
