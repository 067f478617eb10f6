#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/ingest_paths.h"
#include "app/cli/options.h"

namespace app::cli {
namespace {

struct IngestArguments {
  std::string project;
  std::vector<std::string> paths;
  std::int64_t max_file_kib = 1024;
  IngestOptions options;
  bool json = false;
};

/// What became of a document, in one line: parts, notes, what was left out.
void describe(const Project& project, const Document& document) {
  const char* unit = document.kind == DocumentKind::kPdf ? " pages" : " files";
  note(document.title + ": " + with_commas(document.n_parts) + unit + (document.note.empty() ? "" : ". " + document.note) + "\n");
  const auto left_out = project.left_out(document.id);
  if (!left_out || left_out->empty()) return;
  constexpr std::size_t kShown = 5;
  note("  left out: " + with_commas(static_cast<std::int64_t>(left_out->size())) + " files\n");
  for (std::size_t i = 0; i < std::min(kShown, left_out->size()); ++i) note("    " + (*left_out)[i].path + ": " + (*left_out)[i].reason + "\n");
  if (left_out->size() > kShown) note("    ... (--json lists all)\n");
}

nlohmann::ordered_json as_json(const Project& project, const Document& document) {
  nlohmann::ordered_json left_out = nlohmann::ordered_json::array();
  if (const auto files = project.left_out(document.id)) {
    for (const LeftOut& file : *files) left_out.push_back({{"path", file.path}, {"reason", file.reason}});
  }
  return {{"id", document.id}, {"title", document.title}, {"path", document.path}, {"parts", document.n_parts}, {"note", document.note}, {"left_out", std::move(left_out)}};
}

int ingest_all(const IngestArguments& arguments) {
  const StopOnInterrupt interrupt;
  auto project = Project::open(arguments.project);
  if (!project) return fail(project.error());
  if ((*project)->read_only()) return fail({ErrorCode::kIo, (*project)->read_only_reason()});
  IngestOptions options = arguments.options;
  options.max_file_bytes = arguments.max_file_kib * 1024;
  nlohmann::ordered_json documents = nlohmann::ordered_json::array();
  int code = kOk;
  for (const std::string& path : arguments.paths) {
    const auto id = ingest_path(**project, path, options, interrupt.token());
    if (!id) {
      // The other paths may well be readable.
      code = fail(id.error());
      if (code == kCancelled) break;
      continue;
    }
    const auto all = (*project)->documents();
    if (!all) return fail(all.error());
    for (const Document& document : *all) {
      if (document.id != *id) continue;
      if (arguments.json) documents.push_back(as_json(**project, document));
      else describe(**project, document);
    }
  }
  if (arguments.json) say_json({{"project", arguments.project}, {"documents", std::move(documents)}});
  return code;
}

}  // namespace

Result<DocumentId> ingest_path(Project& project, const std::filesystem::path& path, const IngestOptions& options, std::stop_token stop) {
  ProgressLine progress;
  const auto observer = [&progress](const IngestProgress& state) {
    progress.show("Reading " + state.what + ": " + app::describe(state));
  };
  auto id = ingest(project, path, options, observer, stop);
  progress.clear();
  return id;
}

void add_ingest(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<IngestArguments>();
  CLI::App* command = program.add_subcommand("ingest", "Read PDFs, text files and code trees into a project");
  command->add_option("PROJECT", arguments->project, "The project file; made when it does not exist")->required();
  command->add_option("PATH", arguments->paths, "PDFs, text files, folders")->required();
  command->add_option("--max-file-kib", arguments->max_file_kib, "Larger files of a tree are left out and listed")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  command->add_option("--include", arguments->options.include, "Files and folders/ of a tree to be read although a rule leaves them out");
  command->add_option("--changes-since", arguments->options.changes_since, "Read only what differs from this branch or commit, as a diff");
  command->add_flag("--recognise", arguments->options.recognise, "Give pages without text to the text recognition of this system (tesseract)");
  command->add_option("--language", arguments->options.recognise_language, "Of the pages without text, as tesseract names it: eng, deu+eng")->capture_default_str();
  command->add_flag("--json", arguments->json, "Print what was read as JSON");
  command->callback([arguments, &action] { action = [arguments] { return ingest_all(*arguments); }; });
}

}  // namespace app::cli
