#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/settings/model_plan.h"
#include "engine/model/gpu_plan.h"

namespace app::cli {
namespace {

struct PlanArguments {
  std::string model;
  std::string card;
  double memory_gb = 0;
  double bus_gb_per_s = 0;
  std::int64_t n_tokens = 131072;
  bool json = false;
};

std::string number(double value, const char* format) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}
std::string gigabytes(std::int64_t n_bytes) { return number(static_cast<double>(n_bytes) / 1e9, "%.1f GB"); }
std::string seconds(double value) { return number(value, value < 10 ? "%.2f s" : "%.0f s"); }

const char* words(engine::Place place) {
  switch (place) {
    case engine::Place::kCard:
      return "on the card";
    case engine::Place::kStreamed:
      return "the rest crosses the bus once per prompt";
    case engine::Place::kHost:
      break;
  }
  return "the rest stays in the computer's memory";
}

nlohmann::ordered_json as_json(const engine::GpuCard& card, const engine::GpuPlan& plan) {
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const engine::PlacedPart& part : plan.parts)
    parts.push_back({{"name", part.name}, {"bytes", part.bytes}, {"bytes_on_card", part.bytes_on_card}, {"streamed", part.rest == engine::Place::kStreamed}});
  return {{"card", card.name},
          {"possible", plan.is_possible},
          {"fits", plan.fits},
          {"parts", parts},
          {"card_bytes", plan.card_bytes},
          {"free_bytes", plan.free_bytes},
          {"prompt_bus_bytes", plan.prompt_bus_bytes},
          {"expert_hit_rate", plan.expert_share_on_card},
          {"seconds", {{"indexer", plan.indexer_seconds}, {"selection", plan.select_seconds}, {"attention", plan.attention_seconds},
                       {"products", plan.product_seconds}, {"streaming", plan.stream_seconds}, {"prompt", plan.prompt_seconds},
                       {"prompt_dense", plan.dense_prompt_seconds}, {"token", plan.token_seconds}}},
          {"token_bus_bytes", plan.token_bus_bytes}};
}

void describe(const engine::GpuCard& card, const engine::GpuPlan& plan, std::int64_t n_tokens) {
  say(std::string(card.title) + ", " + number(card.memory_gb, "%.0f GB") + ", bus " + number(card.bus_gb_per_s, "%.0f GB/s") + "\n");
  if (!plan.is_possible) {
    say("  A prompt of " + with_commas(n_tokens) + " tokens is too long for this card: its keys alone do not fit. Ask for fewer tokens.\n");
    return;
  }
  for (const engine::PlacedPart& part : plan.parts) {
    say("  " + part.name + ": " + gigabytes(part.bytes));
    say(part.rest == engine::Place::kCard ? "\n" : ", " + gigabytes(part.bytes_on_card) + " on the card, " + words(part.rest) + "\n");
  }
  say("  used " + gigabytes(plan.card_bytes) + ", free " + gigabytes(plan.free_bytes) + "\n");
  say("  prompt of " + with_commas(n_tokens) + " tokens: about " + seconds(plan.prompt_seconds) + " (dense attention " + seconds(plan.dense_prompt_seconds) + "): indexer " +
      seconds(plan.indexer_seconds) + ", selection " + seconds(plan.select_seconds) + ", attention " + seconds(plan.attention_seconds) + ", products " +
      seconds(plan.product_seconds));
  say(plan.prompt_bus_bytes > 0 ? "; " + gigabytes(plan.prompt_bus_bytes) + " over the bus in " + seconds(plan.stream_seconds) + " meanwhile\n" : "\n");
  say("  answer: about " + number(1 / plan.token_seconds, "%.1f tokens/s"));
  say(plan.token_bus_bytes > 0 ? "; " + number(100 * plan.expert_share_on_card, "%.0f %%") + " of the experts are on the card, " +
                                     gigabytes(plan.token_bus_bytes) + " per token are not\n"
                               : "\n");
}

engine::Result<std::vector<engine::GpuCard>> cards_of(const PlanArguments& arguments) {
  std::vector<engine::GpuCard> cards(engine::known_cards().begin(), engine::known_cards().end());
  if (!arguments.card.empty()) {
    const auto card = engine::find_card(arguments.card);
    if (!card) {
      std::string names;
      for (const engine::GpuCard& known : cards) names += (names.empty() ? "" : ", ") + std::string(known.name);
      return engine::Error{engine::ErrorCode::kInvalidInput, "The card " + arguments.card + " is not known; known are " + names + "."};
    }
    cards = {*card};
  }
  for (engine::GpuCard& card : cards) {
    if (arguments.memory_gb > 0) card.memory_gb = arguments.memory_gb;
    if (arguments.bus_gb_per_s > 0) card.bus_gb_per_s = arguments.bus_gb_per_s;
  }
  return cards;
}

int show_gpu_plan(const PlanArguments& arguments) {
  const auto config = read_model_config(arguments.model);
  if (!config) return fail(config.error());
  const auto cards = cards_of(arguments);
  if (!cards) return fail(cards.error());
  engine::GpuPlanOptions options;
  options.n_tokens = std::min(arguments.n_tokens, config->context_length);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  if (!arguments.json) {
    say("Estimates for " + config->model_type + " with " + number(static_cast<double>(engine::count_weights(*config).all()) / 1e9, "%.1f") +
        " billion weights, from what good kernels reach on each card; nothing was measured.\n");
  }
  for (const engine::GpuCard& card : *cards) {
    const engine::GpuPlan plan = engine::plan_gpu(*config, card, options);
    if (arguments.json) {
      all.push_back(as_json(card, plan));
    } else {
      describe(card, plan, options.n_tokens);
    }
  }
  if (arguments.json) say_json(all);
  return kOk;
}

}  // namespace

void add_models_plan(CLI::App& models, Action& action) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* command = models.add_subcommand("plan", "Say what of a model would live where on a GPU and how long a prompt would take; needs neither the weights nor a GPU");
  command->add_option("MODEL", arguments->model, "A config.json, a folder with one, or a GGUF file")->required();
  command->add_option("--card", arguments->card, "One card, as in h200, a100, rtx-4090 (default: all that are known)");
  command->add_option("--memory", arguments->memory_gb, "Its memory in GB, when it is not the usual")->check(CLI::Range(1.0, 10000.0));
  command->add_option("--bus", arguments->bus_gb_per_s, "GB/s from the computer to the card")->check(CLI::Range(0.1, 10000.0));
  command->add_option("--tokens", arguments->n_tokens, "Length of the prompt")->check(CLI::Range(1, 1 << 24));
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_gpu_plan(*arguments); }; });
}

}  // namespace app::cli
