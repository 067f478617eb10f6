#pragma once

#include <string>
#include <vector>

namespace burnbook {

// Each command gives the exit code: 0 yes or done, 1 no, 2 wrong arguments or a file that cannot be read.
int run_due(const std::vector<std::string>& arguments);
int run_check(const std::vector<std::string>& arguments);
int run_years(const std::vector<std::string>& arguments);

}  // namespace burnbook
