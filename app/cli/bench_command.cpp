#include <array>
#include <cstdio>
#include <functional>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "engine/local/bench.h"
#include "engine/trace/selection_names.h"

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

const std::array<const char*, engine::kWorkParts> kPartNames{"projections", "experts", "indexer", "top-k", "attention", "other"};

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
        formatted("\nOne core at most: f32 %.0f GFLOP/s, bf16 %.0f GFLOP/s, int8 %.0f GOPS, memory %.1f GB/s (all cores %.1f)\n", report.ceilings.f32_gflops,
                  report.ceilings.bf16_gflops, report.ceilings.int8_gops, report.ceilings.memory_gb_per_s, report.ceilings.all_cores_memory_gb_per_s));
    say("context  mode     interval  prefill  decode  decode  core ms  attention   shares of the CPU time, G/s per core                keys  resident\n"
        "                    tok/s    tok/s   tok/s    GB/s    /token  whole, s    projections experts  indexer  top-k  attention  other   MiB     MiB\n");
  }
  std::string line = formatted("%7lld  %-7s  %8.0f %8.0f %7.1f %7.1f %9.3f %9.1f  ", static_cast<long long>(row.context), name_of(row.mode),
                               row.interval_tokens_per_second, row.prefill_tokens_per_second, row.decode_tokens_per_second,
                               row.decode_gb_per_second, row.core_ms_per_token, row.attention_core_seconds);
  for (std::size_t i = 0; i < row.share.size(); ++i) line += formatted(" %3.0f%% %4.0f", 100 * row.share[i], row.giga_per_second[i]);
  say(line + formatted("  %6.0f  %6.0f\n", static_cast<double>(row.key_bytes) / kMebibyte, static_cast<double>(row.resident_bytes) / kMebibyte));
}

void print_csv(const engine::BenchReport& report, const engine::BenchRow& row) {
  if (report.rows.size() == 1) {
    std::string header = "context,mode,interval_tokens_per_second,prefill_tokens_per_second,decode_tokens_per_second,core_ms_per_token,"
                         "attention_core_ms_per_token,attention_core_seconds,decode_gb_per_second,expanded_core_ms_per_token,"
                         "expanded_core_seconds,key_bytes,resident_bytes";
    for (const char* part : kPartNames) header += formatted(",%s_share,%s_giga_per_core_second", part, part);
    say(header + ",f32_ceiling_gflops,bf16_ceiling_gflops,int8_ceiling_gops,memory_ceiling_gb_per_s,all_cores_memory_ceiling_gb_per_s\n");
  }
  std::string line = formatted("%lld,%s,%.1f,%.1f,%.2f,%.4f,%.4f,%.3f,%.2f,%.4f,%.3f,%lld,%lld", static_cast<long long>(row.context), name_of(row.mode),
                               row.interval_tokens_per_second, row.prefill_tokens_per_second, row.decode_tokens_per_second, row.core_ms_per_token,
                               row.attention_core_ms_per_token, row.attention_core_seconds, row.decode_gb_per_second, row.expanded_core_ms_per_token,
                               row.expanded_core_seconds, static_cast<long long>(row.key_bytes), static_cast<long long>(row.resident_bytes));
  for (std::size_t i = 0; i < row.share.size(); ++i) line += formatted(",%.4f,%.1f", row.share[i], row.giga_per_second[i]);
  const kernels::Ceilings& most = report.ceilings;
  say(line + formatted(",%.1f,%.1f,%.1f,%.2f,%.2f\n", most.f32_gflops, most.bf16_gflops, most.int8_gops, most.memory_gb_per_s,
                       most.all_cores_memory_gb_per_s));
}

std::vector<engine::BenchRow> rows_of(const engine::BenchReport& report, engine::SelectionMode mode) {
  std::vector<engine::BenchRow> rows;
  for (const engine::BenchRow& row : report.rows) {
    if (row.mode == mode) rows.push_back(row);
  }
  return rows;
}

/// Below how many tokens dense attention of a token costs less than the indexer with its selection: both are linear
/// in the tokens before it. 0: nowhere; -1: everywhere that was measured.
double crossover(const std::vector<engine::BenchRow>& rows, const std::function<double(std::size_t)>& dense_ms) {
  double before = 0;  // sparse minus dense
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double here = rows[i].attention_core_ms_per_token - dense_ms(i);
    const auto context = static_cast<double>(rows[i].context);
    if (here <= 0 && i == 0) return 0;
    if (here <= 0) {
      const auto last = static_cast<double>(rows[i - 1].context);
      return last + (context - last) * before / (before - here);
    }
    before = here;
  }
  return -1;
}

/// Crossover of the indexer with dense attention in both forms, as far as both were measured.
nlohmann::ordered_json crossovers(const engine::BenchReport& report) {
  const auto sparse = rows_of(report, engine::SelectionMode::kIndexer);
  const auto dense = rows_of(report, engine::SelectionMode::kDense);
  nlohmann::ordered_json found = nlohmann::ordered_json::object();
  if (sparse.empty()) return found;
  const auto as_number = [](double tokens) { return tokens < 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(tokens); };
  if (dense.size() == sparse.size())
    found["latents_as_keys"] = as_number(crossover(sparse, [&](std::size_t i) { return dense[i].attention_core_ms_per_token; }));
  found["keys_written_out"] = as_number(crossover(sparse, [&](std::size_t i) { return sparse[i].expanded_core_ms_per_token; }));
  return found;
}

nlohmann::ordered_json as_json(const engine::BenchReport& report) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const engine::BenchRow& row : report.rows) {
    nlohmann::ordered_json parts;
    for (std::size_t i = 0; i < row.share.size(); ++i) parts[kPartNames[i]] = {{"share", row.share[i]}, {"giga_per_core_second", row.giga_per_second[i]}};
    rows.push_back({{"context", row.context}, {"mode", name_of(row.mode)}, {"interval_tokens_per_second", row.interval_tokens_per_second},
                    {"prefill_tokens_per_second", row.prefill_tokens_per_second}, {"decode_tokens_per_second", row.decode_tokens_per_second},
                    {"core_ms_per_token", row.core_ms_per_token}, {"attention_core_ms_per_token", row.attention_core_ms_per_token},
                    {"attention_core_seconds", row.attention_core_seconds}, {"decode_gb_per_second", row.decode_gb_per_second},
                    {"expanded_core_ms_per_token", row.expanded_core_ms_per_token}, {"expanded_core_seconds", row.expanded_core_seconds}, {"key_bytes", row.key_bytes}, {"resident_bytes", row.resident_bytes},
                    {"parts", parts}});
  }
  return {{"model", report.model}, {"device", report.device}, {"weight_bytes", report.weight_bytes},
          {"ceilings", {{"f32_gflops", report.ceilings.f32_gflops}, {"bf16_gflops", report.ceilings.bf16_gflops},
                        {"int8_gops", report.ceilings.int8_gops}, {"memory_gb_per_s", report.ceilings.memory_gb_per_s},
                        {"all_cores_memory_gb_per_s", report.ceilings.all_cores_memory_gb_per_s}}},
          {"dense_cheaper_below_tokens", crossovers(report)}, {"rows", rows}};
}

std::string crossover_text(const engine::BenchReport& report, double tokens) {
  if (tokens == 0) return formatted("dearer from %lld tokens on at least", static_cast<long long>(report.rows.front().context));
  return tokens < 0 ? std::string("cheaper as far as was measured") : formatted("cheaper up to %.0f tokens", tokens);
}

/// Sparse against dense attention at the end: of the newest token and of the whole prompt, in both forms of dense.
void print_ratios(const engine::BenchReport& report) {
  const auto sparse = rows_of(report, engine::SelectionMode::kIndexer);
  const auto dense = rows_of(report, engine::SelectionMode::kDense);
  if (sparse.empty()) return;
  const engine::BenchRow& last = sparse.back();
  const double rest = last.core_ms_per_token - last.attention_core_ms_per_token;
  const auto line = [&](const char* form, double ms, double seconds, double tokens) {
    say(formatted("Dense attention, %s: %.3f ms per token, %.1f s for the prompt; indexer, selection and sparse attention are %.3f and %.3f of that, "
                  "a whole new token %.3f. Dense is ", form, ms, seconds, last.attention_core_ms_per_token / ms, last.attention_core_seconds / seconds,
                  last.core_ms_per_token / (rest + ms)) + crossover_text(report, tokens) + ".\n");
  };
  if (dense.size() == sparse.size()) {
    line("latents as keys", dense.back().attention_core_ms_per_token, dense.back().attention_core_seconds,
         crossover(sparse, [&](std::size_t i) { return dense[i].attention_core_ms_per_token; }));
  }
  line("keys written out per head", last.expanded_core_ms_per_token, last.expanded_core_seconds,
       crossover(sparse, [&](std::size_t i) { return sparse[i].expanded_core_ms_per_token; }));
}

int measure(const BenchArguments& arguments) {
  const StopOnInterrupt interrupt;
  const auto folder = arguments.model.folder();
  if (!folder) return fail(folder.error());
  const engine::LocalEngineOptions options = arguments.model.options();
  engine::BenchOptions bench;
  bench.top_k = arguments.top_k;
  bench.modes.clear();
  for (const std::string& name : arguments.select) bench.modes.push_back(engine::selection_mode_named(name));
  for (std::int64_t context = arguments.first; context < arguments.last; context *= 2) bench.contexts.push_back(context);
  bench.contexts.push_back(arguments.last - bench.decode_tokens);  // prompt and answer share the context
  const auto on_row = [&](const engine::BenchReport& report, const engine::BenchRow& row) {
    if (arguments.format == "text") print_text(report, row);
    if (arguments.format == "csv") print_csv(report, row);
  };
  const auto report = engine::run_bench(*folder, options, bench, on_row, interrupt.token());
  if (!report) return fail(report.error());
  if (arguments.format == "json") say_json(as_json(*report));
  if (arguments.format == "text") print_ratios(*report);
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
