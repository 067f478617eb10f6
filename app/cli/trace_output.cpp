#include "app/cli/trace_output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "app/cli/console.h"
#include "app/cli/png.h"
#include "app/heatmap/heat_matrix.h"
#include "app/heatmap/source_heat.h"

namespace app::cli {
namespace {

constexpr int kMapPixels = 768;    // the longer side of the map, about
constexpr int kMargin = 16;
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

KeyHeat answer_heat(const RunTrace& run, int layer) {
  HeatScope scope;
  scope.phase = HeatPhase::kGenerated;
  scope.layer = layer;
  return make_key_heat(*run.trace, scope);
}

const char* name_of(engine::SelectionMode mode) {
  switch (mode) {
    case engine::SelectionMode::kIndexer:
      return "indexer";
    case engine::SelectionMode::kBlocks:
      return "blocks";
    case engine::SelectionMode::kDense:
      return "dense";
  }
  return "";
}

std::string label_of(const RunTrace& run, const PartHeat& part) {
  PromptBlock block;
  block.part = part.part;
  block.document = part.document;
  return run.label(block);
}

/// Draws `matrix` into a rectangle; every pixel shows the largest value of the cells that it covers.
void draw(const HeatMatrix& matrix, Picture& picture, int left, int top, int width, int height) {
  for (int y = 0; y < height; ++y) {
    const int first_row = y * matrix.n_rows / height;
    const int end_row = std::max(first_row + 1, (y + 1) * matrix.n_rows / height);
    for (int x = 0; x < width; ++x) {
      const int first_column = x * matrix.n_columns / width;
      const int end_column = std::max(first_column + 1, (x + 1) * matrix.n_columns / width);
      float value = 0;
      for (int row = first_row; row < end_row; ++row) {
        for (int column = first_column; column < end_column; ++column) value = std::max(value, matrix.at(row, column));
      }
      if (value > 0) picture.at(left + x, top + y) = heat_color(heat_position(value, matrix.maximum, /*logarithmic=*/true), HeatScale::kCividis, Theme::kLight);
    }
  }
}

}  // namespace

std::string trace_table(const RunTrace& run, int layer, int n_passages) {
  const engine::SelectionTrace& trace = *run.trace;
  const KeyHeat heat = answer_heat(run, layer);
  std::string out = "Selection by " + std::string(name_of(trace.mode)) + ", " + std::to_string(trace.n_layers) + " layers, " +
                    (trace.top_k > 0 ? "at most " + with_commas(trace.top_k) + " keys per query" : "every key") + "; prompt " +
                    with_commas(trace.n_prompt_tokens) + " tokens, answer " + with_commas(trace.n_generated) + ".\n";
  if (!heat.sparse) return out + "Nothing was sparse in this run: every token of the answer saw the whole prompt.\n";
  out += "\nSelected by thinking and answer, share of the chances:\n";
  for (const PartHeat& part : part_heat(heat, run.map)) out += "  " + percent(part.weight) + "  " + label_of(run, part) + "\n";
  out += "\nPassages, most selected first:\n";
  for (const SpanHeat& span : rank_spans(heat, run.map, static_cast<std::size_t>(n_passages))) {
    const PromptBlock& block = run.map.blocks[span.block];
    out += "  " + percent(span.weight) + "  " + std::to_string(span.n_layers) + " layers  " + run.label(block) + ": " + shortened(run.block_texts[span.block]) + "\n";
  }
  const UnreadReport unread = unread_report(trace, run.map);
  out += "\nNot consulted by the answer: " + with_commas(unread.n_unread_tokens) + " of " + with_commas(unread.n_tokens) + " tokens";
  out += unread.not_by_answer.empty() ? ".\n" : ", among them nothing at all of:\n";
  for (const PartHeat& part : unread.not_by_answer) out += "  " + label_of(run, part) + "\n";
  return out;
}

std::string trace_json(const RunTrace& run, int layer, int n_passages) {
  const engine::SelectionTrace& trace = *run.trace;
  const KeyHeat heat = answer_heat(run, layer);
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const PartHeat& part : part_heat(heat, run.map)) {
    parts.push_back({{"label", label_of(run, part)}, {"part", part.part}, {"tokens", part.n_tokens}, {"weight", part.weight}, {"selected", part.selected}});
  }
  nlohmann::ordered_json passages = nlohmann::ordered_json::array();
  for (const SpanHeat& span : rank_spans(heat, run.map, static_cast<std::size_t>(n_passages))) {
    const PromptBlock& block = run.map.blocks[span.block];
    passages.push_back({{"rank", span.rank}, {"label", run.label(block)}, {"anchor", block.anchor}, {"weight", span.weight}, {"layers", span.n_layers}, {"text", run.block_texts[span.block]}});
  }
  const nlohmann::ordered_json out{{"mode", name_of(trace.mode)},
                                   {"layers", trace.n_layers},
                                   {"top_k", trace.top_k},
                                   {"prompt_tokens", trace.n_prompt_tokens},
                                   {"generated_tokens", trace.n_generated},
                                   {"sparse", heat.sparse},
                                   {"parts", std::move(parts)},
                                   {"passages", std::move(passages)}};
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<void> write_trace_picture(const RunTrace& run, int layer, const std::filesystem::path& path) {
  MatrixOptions options;
  options.layer = layer;
  const HeatMatrix prompt = make_matrix(*run.trace, options);
  options.rows = MapRows::kGenerated;
  const HeatMatrix answer = make_matrix(*run.trace, options);
  if (prompt.n_rows == 0 && answer.n_rows == 0) {
    return Error{ErrorCode::kNotFound, "This run recorded no selections; ask again with --trace blocks."};
  }
  // Whole pixels per cell keep a small map sharp; a large one is drawn at the size of the picture.
  const int n_columns = std::max(prompt.n_columns, answer.n_columns);
  const int scale = std::max(1, kMapPixels / std::max(1, std::max(n_columns, prompt.n_rows)));
  const int width = std::min(n_columns * scale, kMapPixels);
  const auto part_of = [&](int columns) { return std::max(1, width * columns / std::max(1, n_columns)); };
  const int prompt_height = std::min(prompt.n_rows * scale, kMapPixels);
  const int answer_scale = std::clamp(kMapPixels / 2 / std::max(1, answer.n_rows), 1, 6);
  const int answer_height = std::min(answer.n_rows * answer_scale, kMapPixels / 2);
  Picture picture(width + 2 * kMargin, prompt_height + answer_height + 3 * kMargin, paper_color(Theme::kLight));
  if (prompt.n_rows > 0) draw(prompt, picture, kMargin, kMargin, part_of(prompt.n_columns), prompt_height);
  for (int x = 0; x < width; ++x) picture.at(kMargin + x, kMargin + prompt_height + kMargin / 2) = line_color(Theme::kLight);
  if (answer.n_rows > 0) draw(answer, picture, kMargin, prompt_height + 2 * kMargin, part_of(answer.n_columns), answer_height);
  return write_png(picture, path);
}

}  // namespace app::cli
