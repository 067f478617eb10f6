#include "core/drought.h"
#include "tests/expect.h"

using namespace burnbook;

int main() {
  DroughtIndex dry(300, 1587);
  dry.add_day(0, 34);
  EXPECT(dry.value() > 300 && dry.value() < 330);

  DroughtIndex drizzle(300, 1587);
  drizzle.add_day(4.0, 8);
  EXPECT(drizzle.value() == 300);  // the leaves held it

  DroughtIndex storm(300, 1587);
  storm.add_day(80, 8);
  EXPECT(storm.value() < 10);

  DroughtIndex never_negative(20, 1587);
  never_negative.add_day(200, 8);
  EXPECT(never_negative.value() == 0);
}
