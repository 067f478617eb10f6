#include <cstdio>
#include <string>
#include <vector>

#include "tool/commands.h"

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  const std::vector<std::string> arguments(argv + (argc > 2 ? 2 : argc), argv + argc);
  if (command == "due") return burnbook::run_due(arguments);
  if (command == "check") return burnbook::run_check(arguments);
  if (command == "years") return burnbook::run_years(arguments);
  std::fprintf(stderr, "usage: burnbook due|check|years ...\n");
  return 2;
}
