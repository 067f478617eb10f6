#include "app/heatmap/map_image.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/heatmap/heat_pyramid.h"
#include "app/heatmap/measures.h"
#include "app/heatmap/source_heat.h"

namespace app {

namespace {

constexpr double kLeft = 76, kTop = 64, kRight = 20, kBottom = 84, kBand = 8;
constexpr double kSmall = 9, kNormal = 11;
constexpr double kLegendWidth = 200;
constexpr double kLegendGap = 56;  // between two maps

struct Frame {
  double left, top, width, height;
};

std::string grouped(std::int64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, "\u2009");
  }
  return text;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, share >= 0.1 ? "%.0f\u2009%%" : "%.1g\u2009%%", share * 100);
  return text;
}

std::string part_label(const RunTrace& run, PartId part) {
  const auto label = run.part_labels.find(part);
  return label == run.part_labels.end() ? std::string("?") : label->second;
}

/// Cells of the level that has about one cell per pixel, so that no selection is skipped.
FigurePicture heat_picture(const HeatMatrix& matrix, const MapImageOptions& options, const Frame& frame) {
  const HeatPyramid pyramid(matrix, Pooling::kMax);
  int level = 0;
  const double cells_per_point = std::max(matrix.n_columns / frame.width, matrix.n_rows / frame.height);
  while (level + 1 < pyramid.n_levels() && (1 << level) < cells_per_point) ++level;
  FigurePicture picture{frame.left, frame.top, frame.width, frame.height, pyramid.n_columns(level), pyramid.n_rows(level), {}};
  const Rgb paper = paper_color(options.theme);
  const Rgb future = options.theme == Theme::kLight ? Rgb{0xEC, 0xE9, 0xE2} : Rgb{0x0C, 0x0E, 0x10};
  picture.cells.reserve(static_cast<std::size_t>(picture.n_rows) * static_cast<std::size_t>(picture.n_columns));
  for (std::int32_t row = 0; row < picture.n_rows; ++row) {
    const std::int64_t last_query = matrix.first_position + ((std::int64_t{row} + 1) << level) * matrix.row_unit - 1;
    for (std::int32_t column = 0; column < picture.n_columns; ++column) {
      const double value = pyramid.at(level, row, column);
      const bool later = (std::int64_t{column} << level) * engine::kTraceBlock > last_query;
      picture.cells.push_back(later ? future
                              : matrix.is_difference && value != 0
                                  ? difference_color(std::copysign(std::max(0.06, heat_position(std::abs(value), matrix.maximum, options.logarithmic)), value), options.theme)
                              : value > 0 ? heat_color(heat_position(value, matrix.maximum, options.logarithmic), options.scale, options.theme)
                                          : paper);
    }
  }
  return picture;
}

void add_key_ruler(const RunTrace& run, const HeatMatrix& matrix, const MapImageOptions& options, const Frame& frame, Figure& figure) {
  const double per_token = frame.width / (static_cast<double>(matrix.n_columns) * engine::kTraceBlock);
  double label_end = 0, title_end = 0;
  DocumentId document = -1;
  for (const PartStretch& stretch : part_stretches(run.map)) {
    const double left = frame.left + static_cast<double>(stretch.begin) * per_token;
    const double width = static_cast<double>(stretch.end - stretch.begin) * per_token;
    figure.rects.push_back({left, frame.top - kBand - 2, std::max(0.5, width - 0.75), kBand, source_tint(stretch.document_index, options.theme), false});
    const auto write = [&](const std::string& text, double y, Rgb color, double& end) {
      const double text_end = left + text_width(text, kSmall);
      if (left < end || text_end > frame.left + frame.width) return;
      figure.texts.push_back({left, y, kSmall, color, FigureText::Anchor::kStart, text});
      end = text_end + 8;
    };
    write(part_label(run, stretch.part), frame.top - kBand - 7, soft_ink_color(options.theme), label_end);
    if (stretch.document == document) continue;
    document = stretch.document;
    const auto title = run.document_titles.find(document);
    if (title != run.document_titles.end()) write(title->second, frame.top - kBand - 22, ink_color(options.theme), title_end);
  }
}

void add_row_ruler(const RunTrace& run, const HeatMatrix& matrix, const MapImageOptions& options, const Frame& frame, Figure& figure) {
  const double per_row = frame.height / std::max(1, matrix.n_rows);
  double label_end = 0;
  const auto write = [&](double top, const std::string& text) {
    if (top < label_end || top + kSmall > frame.top + frame.height) return;
    std::string fitting = text;
    while (fitting.size() > 3 && text_width(fitting, kSmall) > kLeft - kBand - 12) fitting.erase(0, 1);
    figure.texts.push_back({frame.left - kBand - 6, top + kSmall, kSmall, soft_ink_color(options.theme), FigureText::Anchor::kEnd, fitting});
    label_end = top + kSmall + 4;
  };
  if (matrix.rows == MapRows::kPrompt) {
    for (const PartStretch& stretch : part_stretches(run.map)) {
      const double top = frame.top + static_cast<double>(stretch.begin) / matrix.row_unit * per_row;
      const double height = static_cast<double>(stretch.end - stretch.begin) / matrix.row_unit * per_row;
      figure.rects.push_back({frame.left - kBand - 2, top, kBand, std::max(0.5, height - 0.75), source_tint(stretch.document_index, options.theme), false});
      write(top, part_label(run, stretch.part));
    }
    return;
  }
  const double border = static_cast<double>(run.trace->n_thinking) * per_row;
  const bool light = options.theme == Theme::kLight;
  figure.rects.push_back({frame.left - kBand - 2, frame.top, kBand, border, light ? Rgb{0x2B, 0x5F, 0x9E} : Rgb{0x8A, 0xB6, 0xEA}, false});
  figure.rects.push_back({frame.left - kBand - 2, frame.top + border, kBand, frame.height - border, light ? Rgb{0x1F, 0x6F, 0x54} : Rgb{0x5C, 0xC7, 0x9E}, false});
  if (run.trace->n_thinking > 0) write(frame.top, "thinking");
  if (run.trace->n_thinking < run.trace->n_generated) write(frame.top + border, "answer");
}

void add_legend(const RunTrace& run, const HeatMatrix& matrix, const MapImageOptions& options, const Frame& frame, Figure& figure) {
  const double top = frame.top + frame.height + 14;
  const Rgb soft = soft_ink_color(options.theme);
  for (int i = 0; i < 100; ++i) {
    figure.rects.push_back({frame.left + i * kLegendWidth / 100, top, kLegendWidth / 100 + 0.3, 10,
                            matrix.is_difference ? difference_color(i / 49.5 - 1, options.theme) : heat_color(i / 99.0, options.scale, options.theme), false});
  }
  if (matrix.is_difference) {
    figure.texts.push_back({frame.left, top + 22, kSmall, soft, FigureText::Anchor::kStart, "less, \u2212" + percent(matrix.maximum)});
    figure.texts.push_back({frame.left + kLegendWidth, top + 22, kSmall, soft, FigureText::Anchor::kEnd, "more, +" + percent(matrix.maximum)});
    return;
  }
  for (const double position : {0.0, 1.0 / 3, 2.0 / 3, 1.0}) {
    const double value = heat_value(position, matrix.maximum, options.logarithmic);
    const auto anchor = position == 0 ? FigureText::Anchor::kStart : position == 1 ? FigureText::Anchor::kEnd : FigureText::Anchor::kMiddle;
    figure.texts.push_back({frame.left + position * kLegendWidth, top + 22, kSmall, soft, anchor, percent(value)});
  }
  double x = frame.left + kLegendWidth + 24;
  const auto entry = [&](bool hatched, const std::string& text) {
    figure.rects.push_back({x, top, 16, 10, hatched ? soft : line_color(options.theme), hatched});
    if (!hatched) figure.rects.push_back({x + 1, top + 1, 14, 8, paper_color(options.theme), false});
    figure.texts.push_back({x + 22, top + 9, kSmall, soft, FigureText::Anchor::kStart, text});
    x += 22 + text_width(text, kSmall) + 18;
  };
  if (!run.trace->sparse()) {
    figure.texts.push_back({x, top + 9, kSmall, soft, FigureText::Anchor::kStart, "dense: every key was visible to every query"});
    return;
  }
  entry(false, "not selected");
  if (matrix.first_recorded_row > matrix.n_reused_rows) entry(true, "not recorded");
  figure.texts.push_back({x, top + 9, kSmall, soft, FigureText::Anchor::kStart,
                          matrix.rows == MapRows::kPrompt ? "share of the visible pairs" : "share of the layers"});
}

}  // namespace

std::string map_caption(const RunTrace& run, const MatrixOptions& options) {
  const engine::SelectionTrace& trace = *run.trace;
  std::string layers = options.layer == kAllLayers ? std::string(options.mix == LayerMix::kMean  ? "mean of "
                                                                 : options.mix == LayerMix::kMax ? "highest of "
                                                                                                 : "any of ") +
                                                         std::to_string(trace.n_layers) + " layers"
                                                   : "layer " + std::to_string(options.layer + 1) + " of " + std::to_string(trace.n_layers);
  const auto n_passed_over = options.rows == MapRows::kPrompt && options.layer == kAllLayers
                                 ? std::ranges::count_if(trace.prefill, [](const engine::PrefillCounts& layer) { return !layer.computed; })
                                 : 0;
  if (n_passed_over > 0) layers += " (" + std::to_string(n_passed_over) + " not computed there)";
  if (options.rows == MapRows::kPrompt && options.layer >= 0 && options.layer < trace.n_layers && !trace.computed(options.layer)) {
    return "Layer " + std::to_string(options.layer + 1) + " was not computed while the prompt was read: its result is needed for the last token alone.";
  }
  std::string text = options.rows == MapRows::kPrompt ? "Selected while reading the prompt" : "Selected while thinking and answering";
  text += ", " + layers + "; " + grouped(trace.n_prompt_tokens) + " prompt tokens";
  if (options.rows == MapRows::kGenerated) text += ", " + grouped(trace.n_generated) + " generated";
  if (!trace.sparse()) return text + ". Dense: nothing was left out.";
  text += ", top " + grouped(trace.top_k) + " keys per query.";
  if (options.without_sink && options.without_newest > 0) text += " Without the first block and the newest " + grouped(options.without_newest) + " tokens.";
  else if (options.without_sink) text += " Without the first block.";
  else if (options.without_newest > 0) text += " Without the newest " + grouped(options.without_newest) + " tokens.";
  if (!trace.complete) text += " The recording ends early.";
  return text;
}

Figure empty_figure(const RunTrace& run, const MapImageOptions& options) {
  Figure figure;
  figure.width = options.width;
  figure.height = options.height;
  figure.background = options.theme == Theme::kLight ? Rgb{0xF1, 0xEF, 0xEA} : Rgb{0x10, 0x12, 0x14};
  figure.title = "Selection map";
  figure.description = options.caption.empty() ? map_caption(run, options.matrix) : options.caption;
  return figure;
}

void add_caption(const MapImageOptions& options, double left, Figure& figure) {
  figure.texts.push_back({left, figure.height - 20, kNormal, ink_color(options.theme), FigureText::Anchor::kStart, figure.description});
}

namespace {

/// The cells of one map in `frame` with its row ruler.
void add_map(const RunTrace& run, const HeatMatrix& matrix, const MapImageOptions& options, const Frame& frame, Figure& figure) {
  figure.rects.push_back({frame.left - 1, frame.top - 1, frame.width + 2, frame.height + 2, line_color(options.theme), false});
  figure.rects.push_back({frame.left, frame.top, frame.width, frame.height, paper_color(options.theme), false});
  if (matrix.values.empty() || !matrix.computed) {
    figure.texts.push_back({frame.left + frame.width / 2, frame.top + frame.height / 2, kNormal, soft_ink_color(options.theme), FigureText::Anchor::kMiddle,
                            matrix.values.empty() ? "Nothing was recorded here." : "Not computed while the prompt was read."});
    return;
  }
  figure.pictures.push_back(heat_picture(matrix, options, frame));
  if (matrix.first_recorded_row > matrix.n_reused_rows) {
    const double per_row = frame.height / matrix.n_rows;
    figure.marks.push_back({frame.left, frame.top + matrix.n_reused_rows * per_row, frame.width,
                            (matrix.first_recorded_row - matrix.n_reused_rows) * per_row, soft_ink_color(options.theme), true});
  }
  add_row_ruler(run, matrix, options, frame, figure);
}

}  // namespace

Figure map_figure(const RunTrace& run, const MapImageOptions& options) {
  HeatMatrix matrix = make_matrix(*run.trace, options.matrix);
  if (options.compared != nullptr) {
    auto difference = difference_matrix(matrix, make_matrix(*options.compared->trace, options.matrix));
    matrix = difference ? std::move(*difference) : HeatMatrix{};
  }
  Figure figure = empty_figure(run, options);
  const Frame frame{kLeft, kTop, std::max(40.0, options.width - kLeft - kRight), std::max(40.0, options.height - kTop - kBottom)};
  add_map(run, matrix, options, frame, figure);
  if (!matrix.values.empty()) {
    add_key_ruler(run, matrix, options, frame, figure);
    add_legend(run, matrix, options, frame, figure);
  }
  add_caption(options, kLeft, figure);
  return figure;
}

Figure run_figure(const RunTrace& run, const MapImageOptions& options) {
  MapImageOptions part = options;
  part.matrix.rows = MapRows::kPrompt;
  const HeatMatrix prompt = make_matrix(*run.trace, part.matrix);
  part.matrix.rows = MapRows::kGenerated;
  const HeatMatrix answer = make_matrix(*run.trace, part.matrix);
  if (prompt.values.empty() || answer.values.empty()) {
    part.matrix.rows = answer.values.empty() ? MapRows::kPrompt : MapRows::kGenerated;
    return map_figure(run, part);
  }
  Figure figure = empty_figure(run, part);
  const double width = std::max(40.0, options.width - kLeft - kRight);
  const double height = std::max(80.0, options.height - kTop - kBottom - kLegendGap);
  const Frame upper{kLeft, kTop, width * prompt.n_columns / std::max(prompt.n_columns, answer.n_columns), height * 0.62};
  const Frame lower{kLeft, kTop + upper.height + kLegendGap, width, height * 0.38};
  add_map(run, prompt, options, upper, figure);
  add_key_ruler(run, prompt, options, upper, figure);
  add_legend(run, prompt, options, upper, figure);
  add_map(run, answer, options, lower, figure);
  add_legend(run, answer, options, lower, figure);
  if (options.caption.empty()) figure.description = "Above: prompt. Below: thinking and answer. " + figure.description;
  add_caption(options, kLeft, figure);
  return figure;
}

}  // namespace app
