#include "core/prescription.h"
#include "tests/expect.h"

using namespace burnbook;

static Reading good() { return {41.0, 22.5, 3.6, 820.0, 58.0, 318.0, 9.4, 3.0, 10}; }

int main() {
  Prescription winter;
  EXPECT(check_prescription(winter, good()).empty());

  Reading dry = good();
  dry.humidity_percent = 29;
  EXPECT(check_prescription(winter, dry).at(0) == "relative humidity is 29, below 30");

  Reading unmeasured = good();
  unmeasured.drought_index.reset();
  EXPECT(check_prescription(winter, unmeasured).at(0) == "drought index was not measured");

  Reading old = good();
  old.age_minutes = 46;
  EXPECT(check_prescription(winter, old).at(0) == "the reading is 46 minutes old");

  std::string error;
  EXPECT(!parse_prescription("humidty 30 60\n", winter, error));
  EXPECT(error == "line 1: \"humidty 30 60\" is no limit");
  EXPECT(parse_prescription("name Flatwoods\ndrought 0 300\n", winter, error));
  EXPECT(!check_prescription(winter, good()).empty());
}
