#include "app/question/run_facts.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <sstream>

#include <nlohmann/json.hpp>
#include <utf8proc.h>

#include "app/heatmap/trace_tables.h"
#include "app/heatmap/source_heat.h"
#include "app/heatmap/trace_tables.h"
#include "app/question/citations.h"

namespace app {
namespace {

using nlohmann::json;

constexpr std::int64_t kLeastForRate = 64;  // new tokens of a prompt; fewer are mostly start-up

/// Case folded and composed, so that "É" finds "é"; as it is where it is no UTF-8.
std::string folded(std::string_view text) {
  utf8proc_uint8_t* out = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &out, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(out, &std::free);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(out), static_cast<std::size_t>(size)};
}

std::string decimals(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

}  // namespace

Result<RunFacts> run_facts(const Run& run) {
  const json root = json::parse(run.settings_json, nullptr, /*allow_exceptions=*/false);
  RunFacts facts;
  try {
    const json& model = root.at("model");
    facts.program = root.value("program", "");
    facts.model = model.value("name", "");
    facts.model_hash = model.value("hash", "");
    facts.architecture = model.value("architecture", "");
    facts.device = model.value("device", "");
    facts.context_length = model.value("context", std::int64_t{0});
    facts.layout = root.value("layout", "");
    facts.thinking = root.value("thinking", false);
    facts.reserve = root.value("reserve", std::int64_t{0});
    const json& sampling = root.at("sampling");
    facts.temperature = sampling.value("temperature", 0.0);
    facts.top_p = sampling.value("top_p", 1.0);
    facts.seed = sampling.value("seed", std::uint64_t{0});
    facts.quote_constraint = sampling.value("quote_constraint", false);
    const json& selection = root.at("selection");
    facts.selection_mode = selection.value("mode", "");
    facts.top_k = selection.value("top_k", 0);
    facts.keep = selection.value("keep", false);
    for (const json& source : root.value("sources", json::array())) {
      ++facts.n_sources;
      if (source.at(1) != "full") ++facts.n_shortened;
    }
    facts.n_earlier = static_cast<int>(root.value("earlier", json::array()).size());
  } catch (const json::exception&) {
    return Error{ErrorCode::kCorrupt, "The settings of run " + std::to_string(run.id) + " cannot be read; its question and answer are not affected."};
  }
  return facts;
}

RunCoverage run_coverage(const RunTrace& trace) {
  const UnreadReport unread = unread_report(*trace.trace, trace.map);
  RunCoverage coverage;
  coverage.sparse = unread.sparse;
  coverage.n_parts = unread.n_parts;
  coverage.n_tokens = unread.n_tokens;
  coverage.n_unread_tokens = unread.sparse ? unread.n_unread_tokens : 0;
  coverage.n_consulted = unread.n_parts - (unread.sparse ? static_cast<std::int64_t>(unread.not_by_answer.size()) : 0);
  const std::vector<float>& recall = trace.trace->recall;
  std::vector<double> sampled;
  for (const float one : recall) {
    if (one >= 0 && one <= 1) sampled.push_back(one);
  }
  if (!sampled.empty()) coverage.recall = std::accumulate(sampled.begin(), sampled.end(), 0.0) / static_cast<double>(sampled.size());
  return coverage;
}

double prefill_rate(const Run& run) {
  const std::int64_t n_read = run.n_prompt_tokens - run.n_cached_tokens;
  return run.prefill_seconds > 0 && n_read >= kLeastForRate ? static_cast<double>(n_read) / run.prefill_seconds : 0;
}

double decode_rate(const Run& run) {
  return run.decode_seconds > 0 ? static_cast<double>(run.n_generated_tokens) / run.decode_seconds : 0;
}

RunFilter::RunFilter(std::string_view words) {
  std::istringstream in{folded(words)};
  for (std::string word; in >> word;) words_.push_back(word);
}

bool RunFilter::matches(const Run& run) const {
  if (words_.empty()) return true;
  const std::string text = folded(run.question) + '\n' + folded(run.answer) + '\n' + folded(run.thinking);
  return std::ranges::all_of(words_, [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

std::string runs_csv(const std::vector<Run>& runs) {
  std::string out = "run,asked_at,question,model,selection,top_k,prompt_tokens,cached_tokens,generated_tokens,seconds_to_first_token,prefill_rate,decode_rate,end,citations,verified\n";
  for (const Run& run : runs) {
    const auto facts = run_facts(run);
    const auto citations = citations_from_json(run.citations_json);
    const auto n = citations ? std::ranges::count(*citations, false, &Citation::opens) : 0;
    const auto verified = citations ? std::ranges::count_if(*citations, [](const Citation& one) { return !one.opens && one.check == QuoteCheck::kVerified; }) : 0;
    out += std::to_string(run.id) + ',' + run.asked_at + ',' + csv_field(run.question) + ',' + csv_field(run.model) + ',' + (facts ? facts->selection_mode : std::string()) + ',' +
           std::to_string(facts ? facts->top_k : 0) + ',' + std::to_string(run.n_prompt_tokens) + ',' + std::to_string(run.n_cached_tokens) + ',' +
           std::to_string(run.n_generated_tokens) + ',' + decimals(run.prefill_seconds) + ',' + decimals(prefill_rate(run)) + ',' + decimals(decode_rate(run)) + ',' +
           run.end + ',' + std::to_string(n) + ',' + std::to_string(verified) + '\n';
  }
  return out;
}

}  // namespace app
