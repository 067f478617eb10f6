#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"

namespace app::cli {
namespace {

struct ProjectArguments {
  std::string project;
  std::string copy;
  bool let_go = false;
  bool json = false;
};

std::int64_t kilobytes(const std::string& file) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  return failed ? 0 : static_cast<std::int64_t>((size + 999) / 1000);
}

int back_up(const ProjectArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  if (const auto copied = (*project)->back_up(arguments.copy); !copied) return fail(copied.error());
  note(arguments.copy + ": " + with_commas(kilobytes(arguments.copy)) + " kB\n");
  return kOk;
}

int compact(const ProjectArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadWrite);
  if (!project) return fail(project.error());
  const std::int64_t before = kilobytes(arguments.project);
  if (arguments.let_go) {
    if (const auto gone = (*project)->purge_removed(); !gone) return fail(gone.error());
  }
  if (const auto done = (*project)->compact(); !done) return fail(done.error());
  note(with_commas(before) + " kB before, " + with_commas(kilobytes(arguments.project)) + " kB now\n");
  return kOk;
}

int check(const ProjectArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  const auto damage = (*project)->verify();
  if (!damage) return fail(damage.error());
  if (arguments.json) {
    say_json({{"project", arguments.project}, {"damage", *damage}});
  } else {
    for (const std::string& sentence : *damage) say(sentence + "\n");
    note(damage->empty() ? "The project is whole: everything in it agrees with its checksum.\n"
                         : "What is whole can still be read; copies of earlier days lie beside the project as " + arguments.project + ".backup-1 to -3.\n");
  }
  return damage->empty() ? kOk : kFailed;
}

}  // namespace

void add_project(CLI::App& program, Action& action) {
  CLI::App* command = program.add_subcommand("project", "Copy, compact or check a project file");
  command->require_subcommand(1);
  auto arguments = std::make_shared<ProjectArguments>();
  const auto add = [&](const char* name, const char* what, int (*run)(const ProjectArguments&)) {
    CLI::App* each = command->add_subcommand(name, what);
    each->add_option("PROJECT", arguments->project, "The project file")->required();
    each->callback([arguments, run, &action] { action = [arguments, run] { return run(*arguments); }; });
    return each;
  };
  add("backup", "Write a whole copy, also while the project is in use", back_up)->add_option("COPY", arguments->copy, "The copy; replaced only when the new one is whole")->required();
  add("compact", "Give the room of what is no longer used back to the disk", compact)
      ->add_flag("--let-go", arguments->let_go, "Also let go of removed documents; old answers lose these sources");
  add("check", "Read everything and compare it with its checksums; exit code 1 when something is damaged", check)->add_flag("--json", arguments->json, "Print as JSON");
}

}  // namespace app::cli
