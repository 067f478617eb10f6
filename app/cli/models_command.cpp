#include <array>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/settings/model_scan.h"

namespace app::cli {
namespace {

struct ModelsArguments {
  std::vector<std::string> folders;
  bool json = false;
};

std::string size_in_words(std::int64_t n_bytes) {
  std::array<char, 32> text{};
  const double mebibytes = static_cast<double>(n_bytes) / (1024.0 * 1024.0);
  std::snprintf(text.data(), text.size(), mebibytes < 1024 ? "%.1f MiB" : "%.1f GiB", mebibytes < 1024 ? mebibytes : mebibytes / 1024);
  return text.data();
}

nlohmann::ordered_json as_json(const FoundModel& model) {
  return {{"name", model.name}, {"path", model.path.string()}, {"architecture", model.architecture}, {"bytes", model.n_bytes},
          {"context", model.context_length}, {"usable", model.usable}, {"reason", model.reason}, {"about", model.about}};
}

void describe(const FoundModel& model) {
  say(model.name + "  " + size_in_words(model.n_bytes));
  if (!model.architecture.empty()) say("  " + model.architecture);
  if (model.context_length > 0) say("  up to " + with_commas(model.context_length) + " tokens");
  say("\n    " + model.path.string() + "\n");
  if (!model.usable) say("    not usable: " + model.reason + "\n");
  if (!model.about.empty()) say("    " + model.about + "\n");
}

int list_models(const ModelsArguments& arguments) {
  const StopOnInterrupt interrupt;
  std::vector<ModelRoot> roots;
  for (const std::string& folder : arguments.folders) {
    std::error_code fault;
    if (!std::filesystem::is_directory(folder, fault)) return fail({engine::ErrorCode::kNotFound, "There is no folder " + folder + "."});
    roots.push_back({folder, 4});
  }
  if (roots.empty()) roots = known_model_roots();
  const auto models = find_models(roots, interrupt.token());
  if (arguments.json) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const FoundModel& model : models) all.push_back(as_json(model));
    say_json(all);
    return kOk;
  }
  for (const FoundModel& model : models) describe(model);
  if (models.empty()) note("No models were found; name a folder to look in.\n");
  return kOk;
}

}  // namespace

void add_models(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<ModelsArguments>();
  CLI::App* command = program.add_subcommand("models", "List the models on this machine and say why one cannot be used");
  command->add_option("DIR", arguments->folders, "Look here (default: bundled models, the Hugging Face cache, LM Studio)");
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return list_models(*arguments); }; });
}

}  // namespace app::cli
