#include "core/csv.h"
#include "tests/expect.h"

using namespace burnbook;

int main() {
  const Table table = parse_csv("unit,note\nS-6,\"snag, marked \"\"blue\"\"\"\n");
  EXPECT(table.error.empty());
  EXPECT(table.rows.at(0).at("note") == "snag, marked \"blue\"");
  EXPECT(parse_csv("a,b\n1\n").error == "line 2: 1 cells, 2 columns");
  EXPECT(parse_csv("a\n\"open\n").error == "line 2: a quoted cell does not end");
}
