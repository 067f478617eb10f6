#include <array>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/settings/model_plan.h"
#include "app/settings/model_scan.h"

namespace app::cli {
namespace {

struct ModelsArguments {
  std::vector<std::string> folders;
  std::string plan;
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

/// What fits into the memory that is free now, without loading anything.
int show_plan(const ModelsArguments& arguments) {
  const auto plan = plan_model(arguments.plan);
  if (!plan) return fail(plan.error());
  const std::int64_t free_bytes = free_memory_bytes();
  const std::int64_t longest = plan->longest_context(free_bytes);
  if (arguments.json) {
    say_json({{"weight_bytes", plan->weight_bytes}, {"key_bytes_per_token", plan->key_bytes_per_token}, {"index_bytes_per_token", plan->index_bytes_per_token},
              {"workspace_bytes", plan->workspace_bytes}, {"context", plan->context_length}, {"free_bytes", free_bytes}, {"longest_context", longest}});
    return kOk;
  }
  say("Weights " + size_in_words(plan->weight_bytes) + ", workspace about " + size_in_words(plan->workspace_bytes) + ", keys " +
      with_commas(plan->key_bytes_per_token) + " and index keys " + with_commas(plan->index_bytes_per_token) + " bytes per token.\n");
  for (std::int64_t tokens = 8192; tokens <= plan->context_length; tokens *= 2) {
    const std::int64_t needed = plan->bytes_at(tokens);
    say("  " + with_commas(tokens) + " tokens: " + size_in_words(needed) + (needed <= free_bytes ? "\n" : "  does not fit\n"));
  }
  say("Free memory " + size_in_words(free_bytes) + "; the longest context that fits is " + with_commas(longest) + " tokens.\n");
  return kOk;
}

int list_models(const ModelsArguments& arguments) {
  if (!arguments.plan.empty()) return show_plan(arguments);
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
  command->add_option("--plan", arguments->plan, "Say what the model in this folder needs and what fits; config.json is enough");
  command->add_flag("--json", arguments->json, "Print as JSON");
  add_models_plan(*command, action);
  command->callback([arguments, command, &action] {
    if (command->get_subcommands().empty()) action = [arguments] { return list_models(*arguments); };
  });
}

}  // namespace app::cli
