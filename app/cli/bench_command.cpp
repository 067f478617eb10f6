#include <array>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "engine/local/bench.h"

namespace app::cli {
namespace {

struct BenchArguments {
  ModelArguments model;
  std::int64_t first = 1024;
  std::int64_t last = 131072;
  std::vector<std::string> select{"indexer"};
  int top_k = 0;
  std::string format = "text";
};

const std::array<const char*, engine::kWorkParts> kPartNames{"projections", "experts", "indexer", "attention", "other"};

std::string name_of(engine::SelectionMode mode) {
  switch (mode) {
    case engine::SelectionMode::kDense:
      return "dense";
    case engine::SelectionMode::kBlocks:
      return "blocks";
    case engine::SelectionMode::kIndexer:
      break;
  }
  return "indexer";
}

engine::SelectionMode mode_of(const std::string& name) {
  if (name == "dense") return engine::SelectionMode::kDense;
  return name == "blocks" ? engine::SelectionMode::kBlocks : engine::SelectionMode::kIndexer;
}

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

constexpr double kMebibyte = 1024.0 * 1024.0;

void print_text(const engine::BenchReport& report, const engine::BenchRow& row) {
  if (report.rows.size() == 1) {
    say(report.model + " on " + report.device +
        formatted("\nOne core at most: f32 %.0f GFLOP/s, bf16 %.0f GFLOP/s, int8 %.0f GOPS, memory %.1f GB/s\n", report.ceilings.f32_gflops,
                  report.ceilings.bf16_gflops, report.ceilings.int8_gops, report.ceilings.memory_gb_per_s));
    say("context  mode     interval  prefill  decode  core ms  attention   shares of the CPU time, G/s per core           keys  resident\n"
        "                    tok/s    tok/s   tok/s    /token  whole, s    projections  experts  indexer  attention  other    MiB     MiB\n");
  }
  std::string line = formatted("%7lld  %-7s  %8.0f %8.0f %7.1f %9.3f %9.1f  ", static_cast<long long>(row.context), name_of(row.mode).c_str(),
                               row.interval_tokens_per_second, row.prefill_tokens_per_second, row.decode_tokens_per_second,
                               row.core_ms_per_token, row.attention_core_seconds);
  for (std::size_t i = 0; i < row.share.size(); ++i) line += formatted(" %3.0f%% %4.0f", 100 * row.share[i], row.giga_per_second[i]);
  say(line + formatted("  %6.0f  %6.0f\n", static_cast<double>(row.key_bytes) / kMebibyte, static_cast<double>(row.resident_bytes) / kMebibyte));
}

void print_csv(const engine::BenchReport& report, const engine::BenchRow& row) {
  if (report.rows.size() == 1) {
    std::string header = "context,mode,interval_tokens_per_second,prefill_tokens_per_second,decode_tokens_per_second,core_ms_per_token,"
                         "attention_core_ms_per_token,attention_core_seconds,key_bytes,resident_bytes";
    for (const char* part : kPartNames) header += formatted(",%s_share,%s_giga_per_core_second", part, part);
    say(header + "\n");
  }
  std::string line = formatted("%lld,%s,%.1f,%.1f,%.2f,%.4f,%.4f,%.3f,%lld,%lld", static_cast<long long>(row.context), name_of(row.mode).c_str(),
                               row.interval_tokens_per_second, row.prefill_tokens_per_second, row.decode_tokens_per_second, row.core_ms_per_token,
                               row.attention_core_ms_per_token, row.attention_core_seconds, static_cast<long long>(row.key_bytes),
                               static_cast<long long>(row.resident_bytes));
  for (std::size_t i = 0; i < row.share.size(); ++i) line += formatted(",%.4f,%.1f", row.share[i], row.giga_per_second[i]);
  say(line + "\n");
}

nlohmann::ordered_json as_json(const engine::BenchReport& report) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const engine::BenchRow& row : report.rows) {
    nlohmann::ordered_json parts;
    for (std::size_t i = 0; i < row.share.size(); ++i) parts[kPartNames[i]] = {{"share", row.share[i]}, {"giga_per_core_second", row.giga_per_second[i]}};
    rows.push_back({{"context", row.context}, {"mode", name_of(row.mode)}, {"interval_tokens_per_second", row.interval_tokens_per_second},
                    {"prefill_tokens_per_second", row.prefill_tokens_per_second}, {"decode_tokens_per_second", row.decode_tokens_per_second},
                    {"core_ms_per_token", row.core_ms_per_token}, {"attention_core_ms_per_token", row.attention_core_ms_per_token},
                    {"attention_core_seconds", row.attention_core_seconds}, {"key_bytes", row.key_bytes}, {"resident_bytes", row.resident_bytes},
                    {"parts", parts}});
  }
  return {{"model", report.model}, {"device", report.device}, {"weight_bytes", report.weight_bytes},
          {"ceilings", {{"f32_gflops", report.ceilings.f32_gflops}, {"bf16_gflops", report.ceilings.bf16_gflops},
                        {"int8_gops", report.ceilings.int8_gops}, {"memory_gb_per_s", report.ceilings.memory_gb_per_s}}},
          {"rows", rows}};
}

int measure(const BenchArguments& arguments) {
  const StopOnInterrupt interrupt;
  const auto folder = arguments.model.folder();
  if (!folder) return fail(folder.error());
  const engine::LocalEngineOptions options = arguments.model.options();
  engine::BenchOptions bench;
  bench.top_k = arguments.top_k;
  bench.modes.clear();
  for (const std::string& name : arguments.select) bench.modes.push_back(mode_of(name));
  for (std::int64_t context = arguments.first; context < arguments.last; context *= 2) bench.contexts.push_back(context);
  bench.contexts.push_back(arguments.last - bench.decode_tokens);  // prompt and answer share the context
  const auto on_row = [&](const engine::BenchReport& report, const engine::BenchRow& row) {
    if (arguments.format == "text") print_text(report, row);
    if (arguments.format == "csv") print_csv(report, row);
  };
  const auto report = engine::run_bench(*folder, options, bench, on_row, interrupt.token());
  if (!report) return fail(report.error());
  if (arguments.format == "json") say_json(as_json(*report));
  return kOk;
}

}  // namespace

void add_bench(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = program.add_subcommand("bench", "Measure how fast the model reads and writes as the prompt grows");
  arguments->model.add_to(*command);
  command->add_option("--from", arguments->first, "First context, in tokens; each next one is twice as long")->check(CLI::Range(256, 131072))->capture_default_str();
  command->add_option("--to", arguments->last, "Last context, in tokens")->check(CLI::Range(256, 131072))->capture_default_str();
  command->add_option("--select", arguments->select, "Modes to compare in one run; the first reads the whole prompt")
      ->delimiter(',')->check(CLI::IsMember({"indexer", "blocks", "dense"}))->capture_default_str();
  command->add_option("--top-k", arguments->top_k, "Keys per query (default: the model's own)")->check(CLI::Range(0, 131072));
  command->add_option("--format", arguments->format, "How the figures are printed")->check(CLI::IsMember({"text", "csv", "json"}))->capture_default_str();
  command->callback([arguments, &action] { action = [arguments] { return measure(*arguments); }; });
}

}  // namespace app::cli
