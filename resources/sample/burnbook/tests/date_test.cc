#include "core/date.h"
#include "tests/expect.h"

using namespace burnbook;

int main() {
  EXPECT(parse_date("1970-01-01")->days == 0);
  EXPECT(format_date(*parse_date("2024-02-29")) == "2024-02-29");
  EXPECT(!parse_date("2023-02-29"));
  EXPECT(!parse_date("03/04/2022"));
  EXPECT(year_of(*parse_date("2022-04-03")) == 2022);
  EXPECT(in_growing_season(*parse_date("2022-04-01")));
  EXPECT(!in_growing_season(*parse_date("2022-03-31")));
}
