#include "app/cli/trace_output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <numeric>

#include <nlohmann/json.hpp>

#include "app/cli/console.h"
#include "app/heatmap/run_figures.h"
#include "app/heatmap/measures.h"
#include "app/heatmap/source_heat.h"
#include "app/heatmap/trace_tables.h"
#include "engine/trace/selection_names.h"

namespace app::cli {
namespace {

constexpr std::size_t kQuoted = 72;  // bytes of a passage in the table

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%5.1f %%", share * 100);
  return text.data();
}

std::string shortened(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= kQuoted) return text;
  text.resize(kQuoted);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0u) == 0x80u) text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0u) text.pop_back();
  return text + "...";
}

MatrixOptions matrix_options(const PictureArguments& look) {
  MatrixOptions options;
  options.layer = look.scope.layer;
  options.rows = look.rows == "answer" ? MapRows::kGenerated : MapRows::kPrompt;
  options.mix = look.mix == "max" ? LayerMix::kMax : look.mix == "any" ? LayerMix::kAny : LayerMix::kMean;
  options.without_sink = look.scope.without_sink;
  options.without_newest = look.scope.without_newest;
  return options;
}

const char* name_of(HeatPhase phase) {
  switch (phase) {
    case HeatPhase::kPrefill:
      return "the prompt";
    case HeatPhase::kThinking:
      return "thinking";
    case HeatPhase::kAnswer:
      return "the answer";
    case HeatPhase::kGenerated:
      return "thinking and answer";
    case HeatPhase::kThinkingOnly:
      return "thinking, not the answer";
  }
  return "";
}

std::string label_of(const RunTrace& run, const PartHeat& part) { return run.label(part.part, part.document); }

}  // namespace

std::string trace_summary(const RunTrace& run, const HeatScope& scope, int n_passages) {
  const engine::SelectionTrace& trace = *run.trace;
  const KeyHeat heat = make_key_heat(*run.trace, scope);
  std::string out = "Selection by " + std::string(name_of(trace.mode)) + ", " + std::to_string(trace.n_layers) + " layers, " +
                    (trace.top_k > 0 ? "at most " + with_commas(trace.top_k) + " keys per query" : "every key") + "; prompt " +
                    with_commas(trace.n_prompt_tokens) + " tokens, answer " + with_commas(trace.n_generated) + ".\n";
  if (heat.n_queries == 0) return out + "Nothing was recorded for these tokens.\n";
  if (!heat.sparse) return out + (trace.sparse() ? "Nothing is sparse here: up to " + with_commas(trace.top_k) + " visible tokens every key is selected.\n" : "Nothing was sparse in this run: every token of the answer saw the whole prompt.\n");
  out += "\nSelected by " + std::string(name_of(scope.phase)) + (scope.tokens ? " (" + with_commas(heat.n_queries) + " chosen tokens)" : "") + ", share of the chances:\n";
  for (const PartHeat& part : part_heat(heat, run.map)) out += "  " + percent(part.weight) + "  " + label_of(run, part) + "\n";
  out += "\nPassages, most selected first:\n";
  for (const SpanHeat& span : rank_spans(heat, run.map, static_cast<std::size_t>(n_passages))) {
    const PromptBlock& block = run.map.blocks[span.block];
    out += "  " + percent(span.weight) + "  " + std::to_string(span.n_layers) + " layers  [" + std::to_string(block.anchor) + "] " + run.label(block) + ": " + (run.block_texts[span.block].empty() ? "(its heading in the prompt)" : shortened(run.block_texts[span.block])) + "\n";
  }
  const UnreadReport unread = unread_report(trace, run.map);
  out += "\nNot consulted by the answer: " + with_commas(unread.n_unread_tokens) + " of " + with_commas(unread.n_tokens) + " tokens";
  out += unread.not_by_answer.empty() ? ".\n" : ", among them nothing at all of:\n";
  for (const PartHeat& part : unread.not_by_answer) out += "  " + label_of(run, part) + "\n";
  return out;
}

std::string trace_json(const RunTrace& run, const HeatScope& scope, int n_passages) {
  const engine::SelectionTrace& trace = *run.trace;
  const KeyHeat heat = make_key_heat(*run.trace, scope);
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const PartHeat& part : part_heat(heat, run.map)) {
    parts.push_back({{"label", label_of(run, part)}, {"part", part.part}, {"tokens", part.n_tokens}, {"weight", part.weight}, {"selected", part.selected}});
  }
  nlohmann::ordered_json passages = nlohmann::ordered_json::array();
  for (const SpanHeat& span : rank_spans(heat, run.map, static_cast<std::size_t>(n_passages))) {
    const PromptBlock& block = run.map.blocks[span.block];
    passages.push_back({{"rank", span.rank}, {"label", run.label(block)}, {"anchor", block.anchor}, {"weight", span.weight}, {"layers", span.n_layers}, {"text", run.block_texts[span.block]}});
  }
  // Per layer, for whoever reads the file with another program: sums of PREF and of DECO.
  nlohmann::ordered_json pairs = nlohmann::ordered_json::array(), blocks = nlohmann::ordered_json::array();
  for (std::int32_t layer_index = 0; layer_index < trace.n_layers; ++layer_index) {
    const auto at = static_cast<std::size_t>(layer_index);
    std::int64_t n_pairs = 0, n_blocks = 0;
    if (at < trace.prefill.size()) n_pairs = std::accumulate(trace.prefill[at].counts.begin(), trace.prefill[at].counts.end(), std::int64_t{0});
    for (std::int64_t token = 0; token < trace.n_generated; ++token) trace.selected(token, layer_index).for_each([&n_blocks](std::int64_t) { ++n_blocks; });
    if (trace.computed(layer_index)) pairs.push_back(n_pairs);
    else pairs.push_back(nullptr);
    blocks.push_back(n_blocks);
  }
  const nlohmann::ordered_json out{{"mode", name_of(trace.mode)},
                                   {"layers", trace.n_layers},
                                   {"top_k", trace.top_k},
                                   {"prompt_tokens", trace.n_prompt_tokens},
                                   {"generated_tokens", trace.n_generated},
                                   {"sparse", heat.sparse},
                                   {"selected_pairs", std::move(pairs)},
                                   {"selected_blocks", std::move(blocks)},
                                   {"recall", trace.recall},
                                   {"parts", std::move(parts)},
                                   {"passages", std::move(passages)}};
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<void> write_bytes(const std::string& bytes, const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return Error{ErrorCode::kIo, path.string() + " could not be written: is there room, and may you write there?"};
  return {};
}

Result<void> write_trace_picture(const RunTrace& run, const PictureArguments& look, const std::filesystem::path& path) {
  if (run.trace->prefill.empty() && run.trace->decode.empty()) {
    return Error{ErrorCode::kNotFound, "This run recorded no selections; ask again with --trace blocks."};
  }
  MapImageOptions options;
  options.matrix = matrix_options(look);
  options.scale = look.colours == "magma" ? HeatScale::kMagma : HeatScale::kCividis;
  options.theme = look.dark ? Theme::kDark : Theme::kLight;
  options.logarithmic = !look.linear;
  options.caption = look.caption;
  options.compared = look.compared;
  if (look.compared != nullptr) {
    // A difference needs the same rows and columns in both; the sentence says what to do where it has not.
    const auto difference = difference_matrix(make_matrix(*run.trace, options.matrix), make_matrix(*look.compared->trace, options.matrix));
    if (!difference) return difference.error();
  }
  if (path.extension() == ".csv") return write_bytes(trace_table(run, TraceTable::kMap, {.matrix = options.matrix}), path);
  options.scope = look.scope;
  const bool is_both = look.rows == "both" && look.compared == nullptr;
  const TracePicture picture = look.view == "layers" ? TracePicture::kLayers : look.view == "measures" ? TracePicture::kMeasures : is_both ? TracePicture::kRun : TracePicture::kMap;
  const Figure figure = trace_figure(run, picture, options);
  if (path.extension() == ".svg") return write_bytes(figure_to_svg(figure), path);
  TRY_ASSIGN(const std::string png, figure_to_png(figure, /*scale=*/1.5));
  return write_bytes(png, path);
}

Result<void> write_trace_table(const RunTrace& run, const PictureArguments& look, const std::filesystem::path& path) {
  const std::string name = path.stem().string();
  std::string known;
  for (const TraceTable table : trace_tables()) {
    const std::string_view ending = trace_table_name(table);
    if (name.ends_with(ending)) return write_bytes(trace_table(run, table, {matrix_options(look), look.scope, look.compared}), path);
    known += (known.empty() ? "" : ", ") + std::string(ending) + ".csv";
  }
  return Error{ErrorCode::kInvalidInput, "The table is chosen by the end of the file's name, and " + path.filename().string() + " is none of " + known + "."};
}

Result<RunComparison> compare_traces(const RunTrace& first, const RunTrace& second, double least) {
  TRY_ASSIGN(const RunSimilarity similarity, run_similarity(*first.trace, *second.trace));
  RunComparison comparison;
  comparison.text = "Selected alike, by layer (1: the same):\n  layer  prompt  answer\n";
  const auto cell = [&](double value) {
    std::array<char, 16> text{};
    if (value < 0) return std::string("       -");
    comparison.is_close = comparison.is_close && value >= least;
    std::snprintf(text.data(), text.size(), "  %6.4f", value);
    return std::string(text.data());
  };
  for (std::size_t layer = 0; layer < similarity.prompt.size(); ++layer) {
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "  %5zu", layer + 1);
    comparison.text += std::string(number.data()) + cell(similarity.prompt[layer]) + cell(similarity.answer[layer]) + "\n";
  }
  return comparison;
}

}  // namespace app::cli
