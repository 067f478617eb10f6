#include <clocale>
#include <string_view>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/document/page_worker.h"

int main(int argc, char** argv) {
  // The worker's two commands come first: nothing of the rest may run before they give up their rights.
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "extract-pages") return app::run_extract_worker(argc - 1, argv + 1);
  if (command == "extract-text") return app::run_text_worker(argc - 1, argv + 1);
  if (command == "render-page") return app::run_render_worker(argc - 1, argv + 1);
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CLI::App program{"Longleaf: ask long documents and code, and see what the model read.", "longleaf-cli"};
  program.set_version_flag("--version", LONGLEAF_VERSION);
  program.require_subcommand(1);
  app::cli::Action action;
  app::cli::add_ingest(program, action);
  app::cli::add_pack(program, action);
  app::cli::add_ask(program, action);
  app::cli::add_project(program, action);
  app::cli::add_runs(program, action);
  app::cli::add_trace(program, action);
  app::cli::add_try(program, action);
  app::cli::add_models(program, action);
  app::cli::add_sample(program, action);
  app::cli::add_bench(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    return program.exit(fault) == 0 ? app::cli::kOk : app::cli::kUsage;
  }
  return action();
}
