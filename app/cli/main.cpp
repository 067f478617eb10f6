#include <clocale>

#include "app/cli/commands.h"
#include "app/cli/console.h"

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CLI::App program{"Longleaf: ask long documents and code, and see what the model read.", "longleaf-cli"};
  program.set_version_flag("--version", LONGLEAF_VERSION);
  program.require_subcommand(1);
  app::cli::Action action;
  app::cli::add_ingest(program, action);
  app::cli::add_pack(program, action);
  app::cli::add_ask(program, action);
  app::cli::add_runs(program, action);
  app::cli::add_trace(program, action);
  app::cli::add_models(program, action);
  app::cli::add_sample(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    return program.exit(fault) == 0 ? app::cli::kOk : app::cli::kUsage;
  }
  return action();
}
