#include "app/cli/answer_output.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "app/question/block_template.h"
#include "app/question/run_export.h"
#include "app/question/run_facts.h"

namespace app::cli {
namespace {

using nlohmann::ordered_json;

std::string seconds(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", value);
  return text.data();
}

/// " (1234 tokens/s)"; nothing where there was too little to speak of a rate.
std::string rate(double tokens_per_second) {
  if (tokens_per_second <= 0) return {};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), " (%.0f tokens/s)", tokens_per_second);
  return text.data();
}

}  // namespace

TerminalObserver::TerminalObserver(Show show, const PromptMap& map, const Project& project, const engine::PromptLayout& layout)
    : show_(show), map_(map), project_(project), layout_(layout) {}

void TerminalObserver::on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t n_cached) {
  const std::string cached = n_cached > 0 ? ", " + with_commas(n_cached) + " of them from before" : "";
  progress_.show("Reading the prompt: " + with_commas(n_done) + " of " + with_commas(n_total) + " tokens" + cached);
}

void TerminalObserver::on_text(engine::Channel channel, std::string_view text, std::int64_t) {
  progress_.clear();
  if (show_ == Show::kProgressOnly) return;
  if (channel == engine::Channel::kThinking) {
    if (!thinking_) note("Thinking: ");
    thinking_ = true;
    thinking_text_.pending += text;
    note(take(thinking_text_, /*is_last=*/false));
    return;
  }
  if (thinking_ && !answering_) note(take(thinking_text_, /*is_last=*/true) + "\n\n");
  answering_ = true;
  answer_text_.pending += text;
  say(take(answer_text_, /*is_last=*/false));
}

std::string TerminalObserver::take(Stream& stream, bool is_last) {
  const std::size_t n_ready = is_last ? stream.pending.size() : unfinished_anchor(stream.pending, layout_);
  const std::string text = stream.pending.substr(0, n_ready);
  stream.pending.erase(0, n_ready);
  // Thinking names passages without quoting them between two anchors.
  const bool quotes_open_with_anchor = &stream == &answer_text_ && layout_.block.find("{anchor}") < layout_.block.find("{text}");
  std::string out;
  std::size_t at = 0;
  for (const AnchorMention& mention : find_anchors(text, layout_)) {
    out.append(text, at, mention.begin - at);
    at = mention.end;
    // The name of the source stands once, behind the quotation.
    const bool opens = quotes_open_with_anchor && stream.open_anchor != mention.anchor;
    stream.open_anchor = opens ? mention.anchor : 0;
    if (!opens) out += "[" + name_of(mention.anchor) + "]";
  }
  out.append(text, at);
  if (stream.at_start) out.erase(0, std::min(out.find_first_not_of(" \n"), out.size()));
  stream.at_start = stream.at_start && out.empty();
  return out;
}

std::string TerminalObserver::name_of(std::int32_t anchor) {
  const auto known = labels_.find(anchor);
  if (known != labels_.end()) return known->second;
  const auto found = find_citations(fill(layout_.anchor, "n", std::to_string(anchor)), map_, project_, layout_);
  return labels_.emplace(anchor, found && !found->empty() ? found->front().label : "?").first->second;
}

void TerminalObserver::finish() {
  progress_.clear();
  if (show_ == Show::kProgressOnly) return;
  if (thinking_ && !answering_) note(take(thinking_text_, /*is_last=*/true) + "\n");
  if (answering_) say(take(answer_text_, /*is_last=*/true) + "\n");
}

void show_end(const Run& run, const std::vector<Citation>& citations, const std::vector<CitationEvidence>& evidence) {
  note("\n");
  for (std::size_t i = 0; i < citations.size(); ++i) {
    const Citation& citation = citations[i];
    // The one at the quotation's end says the same.
    if (citation.opens) continue;
    const std::string selected = i < evidence.size() ? words_for(evidence[i]) : std::string();
    note("  " + citation.label + ": " + words_for(citation) + (selected.empty() ? "" : "; " + selected) + "\n");
  }
  note("\nPrompt " + with_commas(run.n_prompt_tokens) + " tokens" + (run.n_cached_tokens > 0 ? ", " + with_commas(run.n_cached_tokens) + " of them from before" : "") +
       ": read in " + seconds(run.prefill_seconds) + rate(prefill_rate(run)) + ". Answer " + with_commas(run.n_generated_tokens) + " tokens in " +
       seconds(run.decode_seconds) + rate(decode_rate(run)) + ".\n");
  if (run.end == "length") note("It ended because the reserve for the answer was used up; --reserve gives it more.\n");
  if (run.end == "cancelled") note("Stopped; the text so far is kept.\n");
  if (run.id > 0) note("Saved as run " + std::to_string(run.id) + ".\n");
}

ordered_json run_as_json(const Run& run, const std::vector<Citation>& citations, const std::vector<CitationEvidence>& evidence) {
  ordered_json rows = ordered_json::array();
  for (std::size_t i = 0; i < citations.size(); ++i) {
    const Citation& one = citations[i];
    rows.push_back({{"label", one.label},
                    {"check", words_for(one)},
                    {"quote", one.quote},
                    {"anchor", one.anchor},
                    {"document", one.document},
                    {"part", one.part},
                    {"source_begin", one.source_begin},
                    {"source_end", one.source_end},
                    {"opens", one.opens}});
    if (i < evidence.size()) rows.back()["selection"] = words_for(evidence[i]);
  }
  return {{"run", run.id},
          {"asked_at", run.asked_at},
          {"model", run.model},
          {"question", run.question},
          {"thinking", run.thinking},
          {"answer", run.answer},
          {"end", run.end},
          {"citations", std::move(rows)},
          {"tokens", {{"prompt", run.n_prompt_tokens}, {"cached", run.n_cached_tokens}, {"generated", run.n_generated_tokens}}},
          {"seconds", {{"prefill", run.prefill_seconds}, {"decode", run.decode_seconds}}}};
}

}  // namespace app::cli
