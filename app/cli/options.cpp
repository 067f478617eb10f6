#include "app/cli/options.h"

#include "app/cli/console.h"
#include "app/question/unfinished_run.h"
#include "app/settings/paths.h"
#include "engine/trace/selection_names.h"

namespace app::cli {

void ModelArguments::add_to(CLI::App& command) {
  command.add_option("--model", model, "Folder of a Hugging Face model or a GGUF file (default: the bundled model)");
  command.add_option("--device", device, "Where it runs")->check(CLI::IsMember({"auto", "cpu", "cuda", "reference"}))->capture_default_str();
  command.add_option("--threads", threads, "Threads of the CPU (default: one per core)")->check(CLI::Range(0, 1024));
  command.add_option("--arithmetic", arithmetic, "How a CPU multiplies: fast (bf16), int8 (half the memory, a little less exact) or exact (f32)")->check(CLI::IsMember({"fast", "int8", "exact"}))->capture_default_str();
  command.add_option("--context", context, "Largest prompt and answer together, in tokens (default: the model's own)")->check(CLI::Range(0, 131072));
}

Result<std::filesystem::path> ModelArguments::folder() const {
  if (!model.empty()) return std::filesystem::path(model);
  if (const auto bundled = bundled_model()) return *bundled;
  return Error{ErrorCode::kNotFound, "The bundled model is not where this program looks (models/finder in its resources); name a model with --model, or set LONGLEAF_RESOURCES."};
}

engine::LocalEngineOptions ModelArguments::options() const {
  engine::LocalEngineOptions options;
  options.device = device == "cpu"         ? engine::Device::kCpu
                   : device == "cuda"      ? engine::Device::kCuda
                   : device == "reference" ? engine::Device::kReference
                                           : engine::Device::kAuto;
  options.n_threads = threads;
  options.arithmetic = arithmetic == "int8"    ? engine::Arithmetic::kInt8
                       : arithmetic == "exact" ? engine::Arithmetic::kExact
                                               : engine::Arithmetic::kFast;
  options.context_length = context;
  options.prefix_folder = cache_folder() / "prefixes";
  return options;
}

void SourceArguments::add_to(CLI::App& command) {
  command.add_option("--sources", filter.documents, "Titles of documents, * allowed (default: all)");
  command.add_option("--pages", filter.pages, "Pages of the PDFs, like 3-9,12");
  command.add_option("--files", filter.files, "Files of the code trees, like 'src/*.cc'");
  command.add_option("--detail", detail, "How much of each page and file")->check(CLI::IsMember({"full", "outline", "name"}))->capture_default_str();
}

Result<SourceChoice> SourceArguments::choose(const Project& project) const {
  SourceChoice choice;
  TRY_ASSIGN(choice.parts, select_parts(project, filter));
  if (choice.parts.empty()) {
    return Error{ErrorCode::kNotFound, "The project has no pages or files yet; add some with: longleaf-cli ingest " + project.path().string() + " FILE..."};
  }
  if (detail != "full") {
    for (const PartId part : choice.parts) choice.detail[part] = detail == "outline" ? Detail::kOutline : Detail::kName;
  }
  return choice;
}

void AnswerArguments::add_to(CLI::App& command) {
  command.add_flag("--no-thinking", no_thinking, "Answer at once");
  command.add_option("--select", select, "Which keys each token attends to")->check(CLI::IsMember({"indexer", "blocks", "dense"}))->capture_default_str();
  command.add_option("--top-k", top_k, "Keys per query (default: the model's own)")->check(CLI::Range(0, 131072));
  command.add_flag("--keep", keep, "Always keep the newest tokens, headings and the question selected");
  command.add_option("--temperature", temperature, "0 takes the likeliest token (default: the model's own)")->check(CLI::Range(0.0, 10.0));
  command.add_option("--top-p", top_p, "Share of probability that is sampled from")->check(CLI::Range(0.0, 1.0));
  command.add_option("--seed", seed, "Of the random numbers");
  command.add_option("--reserve", reserve, "Tokens kept for thinking and answer (default: the model's own)")->check(CLI::Range(0, 131072));
  command.add_flag("--free", unconstrained, "Let a quoting model continue with words that are not in the sources");
  command.add_option("--trace", trace, "What is recorded of the selections")->check(CLI::IsMember({"off", "blocks", "exact"}))->capture_default_str();
}

void AnswerArguments::apply(Question& question, const engine::PromptLayout& layout) const {
  question.prompt.thinking = !no_thinking;
  question.prompt.reserve = reserve;
  question.selection.mode = engine::selection_mode_named(select);
  question.selection.top_k = top_k;
  question.selection.keep = keep;
  question.trace_level = trace == "off" ? engine::TraceLevel::kOff : trace == "exact" ? engine::TraceLevel::kExact : engine::TraceLevel::kBlocks;
  question.own_sampling = temperature || top_p || seed || unconstrained;
  question.sampling.temperature = temperature.value_or(layout.temperature);
  question.sampling.top_p = top_p.value_or(layout.top_p);
  question.sampling.seed = seed.value_or(0);
  question.sampling.max_new_tokens = 0;  // the reserve
  question.sampling.quote_constraint = layout.quote_constraint && !unconstrained;
}

Result<std::unique_ptr<engine::Engine>> open_model(const ModelArguments& arguments, std::stop_token stop) {
  TRY_ASSIGN(const auto folder, arguments.folder());
  ProgressLine progress;
  auto engine = engine::open_local_engine(folder, arguments.options(), [&progress](double fraction, const std::string& what) {
    progress.show("Loading the model: " + std::to_string(static_cast<int>(fraction * 100)) + " %  " + what);
  }, stop);
  progress.clear();
  return engine;
}

Result<std::unique_ptr<Project>> open_existing(const std::string& path, OpenMode mode) {
  std::error_code fault;
  if (!std::filesystem::exists(path, fault)) {
    return Error{ErrorCode::kNotFound, "There is no project " + path + "; make it with: longleaf-cli ingest " + path + " FILE..."};
  }
  TRY_ASSIGN(auto project, Project::open(path, mode));
  if (mode == OpenMode::kReadOnly) return project;
  TRY_ASSIGN(const auto recovered, recover_unfinished_run(*project));
  if (recovered) note("Run " + std::to_string(*recovered) + " had been interrupted; what it had written is kept.\n");
  return project;
}

}  // namespace app::cli
