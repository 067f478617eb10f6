#include "app/heatmap/run_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "app/heatmap/layer_thumbnails.h"
#include "app/heatmap/measures.h"

namespace app {

namespace {

constexpr double kMargin = 40, kGap = 8, kLabel = 14, kFoot = 48;
constexpr double kSmall = 9, kNormal = 11;
constexpr int kThumbnailCells = 128;

std::string percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), share < 0.1 ? "%.1f\u2009%%" : "%.0f\u2009%%", share * 100);
  return text.data();
}

std::string distance_label(std::int64_t n) { return n >= 1024 ? std::to_string(n / 1024) + "k" : std::to_string(n); }

struct Area {
  double left, top, width, height;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

void add_text(Figure& figure, double x, double y, double size, Rgb color, const std::string& text, FigureText::Anchor anchor = FigureText::Anchor::kStart) {
  figure.texts.push_back({x, y, size, color, anchor, text});
}

/// The most square cells that `n` pictures can have in an area.
std::pair<int, double> columns_of(int n, const Area& area) {
  std::pair<int, double> best{1, 0};
  for (int columns = 1; columns <= n; ++columns) {
    const int rows = (n + columns - 1) / columns;
    const double cell = std::min(area.width / columns, area.height / rows - kLabel);
    if (cell > best.second) best = {columns, cell};
  }
  return best;
}

Figure layers_figure(const RunTrace& run, const MapImageOptions& options) {
  MapImageOptions each = options;
  each.matrix.layer = kAllLayers;
  Figure figure = empty_figure(run, each);
  figure.title = "Selection maps of all layers";
  const LayerThumbnails thumbnails = layer_thumbnails(*run.trace, options.matrix, kThumbnailCells);
  const Area area{kMargin, kMargin, options.width - 2 * kMargin, options.height - kMargin - kFoot};
  const auto [columns, cell] = columns_of(static_cast<int>(thumbnails.layers.size()), area);
  const Rgb paper = paper_color(options.theme), soft = soft_ink_color(options.theme);
  for (std::size_t i = 0; i < thumbnails.layers.size(); ++i) {
    const LayerThumbnails::One& one = thumbnails.layers[i];
    const double x = area.left + static_cast<double>(static_cast<int>(i) % columns) * cell;
    const double y = area.top + kLabel + static_cast<double>(static_cast<int>(i) / columns) * (cell + kLabel);
    const double side = cell - kGap;
    figure.rects.push_back({x - 0.5, y - 0.5, side + 1, side + 1, line_color(options.theme), false});
    figure.rects.push_back({x, y, side, side, paper, false});
    add_text(figure, x, y - 3, kSmall, soft, "layer " + std::to_string(i + 1));
    if (!one.computed) {
      figure.marks.push_back({x, y, side, side, soft, true});
      continue;
    }
    FigurePicture picture{x, y, side, side, one.n_columns, one.n_rows, {}};
    for (const float value : one.values) {
      const double position = heat_position(static_cast<double>(value), thumbnails.maximum, options.logarithmic);
      picture.cells.push_back(value > 0 ? heat_color(position, options.scale, options.theme) : paper);
    }
    if (!picture.cells.empty()) figure.pictures.push_back(std::move(picture));
  }
  if (options.caption.empty()) figure.description = "Each layer by itself, one scale: darkest is " + percent(thumbnails.maximum) + ", hatched was not computed. " + figure.description;
  const int n_rows = (static_cast<int>(thumbnails.layers.size()) + columns - 1) / columns;
  figure.height = area.top + n_rows * (cell + kLabel) + kFoot;
  add_caption(options, kMargin, figure);
  return figure;
}

void add_bars(Figure& figure, const Area& area, const std::vector<double>& values, Rgb color, const MapImageOptions& options) {
  const double most = *std::ranges::max_element(values), step = area.width / static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Area bar{area.left + static_cast<double>(i) * step + 0.5, 0, std::max(0.5, step - 1), most > 0 ? area.height * std::max(0.0, values[i]) / most : 0};
    if (values[i] < 0) figure.marks.push_back({bar.left, area.top, bar.width, area.height, soft_ink_color(options.theme), true});
    else figure.rects.push_back({bar.left, area.bottom() - bar.height, bar.width, bar.height, color, false});
  }
  figure.rects.push_back({area.left, area.bottom(), area.width, 0.75, line_color(options.theme), false});
}

void add_distances(Figure& figure, const RunTrace& run, const Area& area, const MapImageOptions& options) {
  const DistanceProfile profile = distance_profile(*run.trace, options.scope);
  add_text(figure, area.left, area.top - 10, kNormal, ink_color(options.theme),
           "Distance: first block " + percent(profile.sink) + ", newest 256 " + percent(profile.local) + ", in between " + percent(profile.distant));
  if (profile.bins.empty()) return;
  std::vector<double> shares;
  const double step = area.width / static_cast<double>(profile.bins.size());
  for (std::size_t i = 0; i < profile.bins.size(); ++i) {
    shares.push_back(profile.bins[i].share);
    add_text(figure, area.left + static_cast<double>(i) * step, area.bottom() + 12, kSmall, soft_ink_color(options.theme), distance_label(profile.bins[i].first));
  }
  add_bars(figure, area, shares, source_tint(0, options.theme), options);
  add_text(figure, area.left, area.bottom() + 24, kSmall, soft_ink_color(options.theme), "tokens before the query; highest bar " + percent(*std::ranges::max_element(shares)));
}

void add_recall(Figure& figure, const RunTrace& run, const Area& area, const MapImageOptions& options) {
  const std::vector<float>& recall = run.trace->recall;
  if (recall.empty()) {
    add_text(figure, area.left, area.top - 10, kNormal, ink_color(options.theme), "Dense attention kept: not measured");
    return;
  }
  add_text(figure, area.left, area.top - 10, kNormal, ink_color(options.theme), "Dense attention kept, by layer, on sampled queries");
  add_bars(figure, area, std::vector<double>(recall.begin(), recall.end()), source_tint(5, options.theme), options);
  add_text(figure, area.left, area.bottom() + 12, kSmall, soft_ink_color(options.theme), "layer 1");
  add_text(figure, area.right(), area.bottom() + 12, kSmall, soft_ink_color(options.theme), std::to_string(recall.size()), FigureText::Anchor::kEnd);
  add_text(figure, area.left, area.bottom() + 24, kSmall, soft_ink_color(options.theme), "highest bar " + percent(static_cast<double>(*std::ranges::max_element(recall))));
}

void add_agreement(Figure& figure, const RunTrace& run, const Area& area, const MapImageOptions& options) {
  const LayerAgreement agreement = layer_agreement(*run.trace, options.scope);
  add_text(figure, area.left, area.top - 10, kNormal, ink_color(options.theme), "Agreement of layers (Jaccard)");
  FigurePicture picture{area.left, area.top, area.width, area.height, agreement.n_layers, agreement.n_layers, {}};
  for (const float value : agreement.jaccard) picture.cells.push_back(value > 0 ? heat_color(static_cast<double>(value), options.scale, options.theme) : paper_color(options.theme));
  if (!picture.cells.empty()) figure.pictures.push_back(std::move(picture));
  add_text(figure, area.left, area.bottom() + 12, kSmall, soft_ink_color(options.theme), "layer 1");
  add_text(figure, area.right(), area.bottom() + 12, kSmall, soft_ink_color(options.theme), std::to_string(agreement.n_layers), FigureText::Anchor::kEnd);
}

Figure measures_figure(const RunTrace& run, const MapImageOptions& options) {
  MapImageOptions generated = options;
  generated.matrix.rows = MapRows::kGenerated;
  Figure figure = empty_figure(run, generated);
  figure.title = "Measures of the selection";
  if (!run.trace->sparse()) {
    add_text(figure, options.width / 2, options.height / 2, kNormal, soft_ink_color(options.theme), "Nothing was sparse in this run: every layer selected every token.", FigureText::Anchor::kMiddle);
  } else {
    const double side = std::min((options.width - 3 * kMargin) * 0.45, options.height - 2 * kMargin - kFoot);
    figure.height = 2 * kMargin + side + kFoot;
    const double width = options.width - 3 * kMargin - side, height = (side - 2 * kMargin) / 2;
    add_distances(figure, run, {kMargin, kMargin, width, height}, options);
    add_recall(figure, run, {kMargin, kMargin + height + 2 * kMargin, width, height}, options);
    add_agreement(figure, run, {2 * kMargin + width, kMargin, side, side}, options);
  }
  add_caption(options, kMargin, figure);
  return figure;
}

}  // namespace

Figure trace_figure(const RunTrace& run, TracePicture picture, const MapImageOptions& options) {
  switch (picture) {
    case TracePicture::kMap: return map_figure(run, options);
    case TracePicture::kRun: return run_figure(run, options);
    case TracePicture::kLayers: return layers_figure(run, options);
    case TracePicture::kMeasures: return measures_figure(run, options);
  }
  return {};
}

}  // namespace app
