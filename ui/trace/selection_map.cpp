#include "ui/trace/selection_map.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr double kFewestCells = 4.0;  // across, at the closest zoom
constexpr double kZoomStep = 1.25;
constexpr double kPanStep = 48.0;
constexpr double kDragStart = 4.0;

QString number(qint64 n) {
  QString text = QString::number(n);
  for (qsizetype at = text.size() - 3; at > 0; at -= 3) text.insert(at, QChar(0x2009));  // thin space
  return text;
}

QString percent(double share) {
  return share >= 0.0995 ? QString::number(share * 100, 'f', 0) + QStringLiteral("\u2009%")
                         : QString::number(share * 100, 'g', 2) + QStringLiteral("\u2009%");
}

}  // namespace

SelectionMap::SelectionMap(QWidget* parent) : QWidget(parent) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Selection map"));
  setAccessibleDescription(tr("Which key blocks the queries selected. The list of consulted sources holds the same as a table."));
  connect(&watcher_, &QFutureWatcherBase::finished, this, &SelectionMap::take_picture);
}

SelectionMap::~SelectionMap() = default;

void SelectionMap::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  compared_.reset();
  picture_.reset();
  tiles_.set_picture(nullptr);
  marked_tokens_ = {};
  marked_keys_ = {};
  fitted_ = true;
  rebuild();
}

void SelectionMap::set_options(const app::MatrixOptions& options) {
  if (options.rows != options_.rows) fitted_ = true;
  options_ = options;
  rebuild();
}

void SelectionMap::set_compared(std::shared_ptr<const app::RunTrace> compared) {
  compared_ = std::move(compared);
  rebuild();
}

void SelectionMap::set_scale(app::HeatScale scale) {
  scale_ = scale;
  tiles_.set_style(style());
  update();
}

void SelectionMap::set_logarithmic(bool logarithmic) {
  logarithmic_ = logarithmic;
  tiles_.set_style(style());
  update();
}

HeatStyle SelectionMap::style() const { return {scale_, theme_of(palette()), logarithmic_}; }

void SelectionMap::rebuild() {
  find_stretches();
  // The old picture stays until the new one is there; a future that is no longer watched is dropped.
  if (run_ != nullptr) watcher_.setFuture(make_picture(run_, compared_, options_, app::Pooling::kMax));
  update();
}

void SelectionMap::take_picture() {
  if (run_ == nullptr || watcher_.future().resultCount() == 0) return;
  picture_ = watcher_.result();
  tiles_.set_style(style());
  tiles_.set_picture(picture_);
  if (fitted_ || view_.isEmpty()) show_all();
  clamp_view();
  update();
  emit ready();
}

void SelectionMap::find_stretches() {
  stretches_.clear();
  if (run_ == nullptr) return;
  app::HeatScope scope;
  scope.phase = rows_are_prompt() ? app::HeatPhase::kPrefill : app::HeatPhase::kGenerated;
  if (rows_are_prompt()) scope.tokens = run_->map.question;
  scope.layer = options_.layer;
  const app::KeyHeat heat = app::make_key_heat(*run_->trace, scope);
  for (const app::PartStretch& stretch : app::part_stretches(run_->map)) {
    const auto label = run_->part_labels.find(stretch.part);
    stretches_.push_back({stretch, !heat.sparse || app::range_weight(heat, stretch.begin, stretch.end) > 0,
                          label == run_->part_labels.end() ? QString() : QString::fromStdString(label->second)});
  }
}

void SelectionMap::show_all() {
  fitted_ = true;
  if (picture_ != nullptr) view_ = QRectF(0, 0, picture_->matrix.n_columns, picture_->matrix.n_rows);
  update();
}

void SelectionMap::clamp_view() {
  if (picture_ == nullptr) return;
  const double n_columns = picture_->matrix.n_columns;
  const double n_rows = picture_->matrix.n_rows;
  const double width = std::clamp(view_.width(), std::min(kFewestCells, n_columns), n_columns);
  const double height = std::clamp(view_.height(), std::min(kFewestCells, n_rows), n_rows);
  view_ = QRectF(std::clamp(view_.left(), 0.0, n_columns - width), std::clamp(view_.top(), 0.0, n_rows - height), width, height);
}

void SelectionMap::zoom(double factor, const QPointF& at) {
  if (picture_ == nullptr) return;
  const QRectF map = map_rect();
  const double x_share = std::clamp((at.x() - map.left()) / map.width(), 0.0, 1.0);
  const double y_share = std::clamp((at.y() - map.top()) / map.height(), 0.0, 1.0);
  const double column = view_.left() + x_share * view_.width();
  const double row = view_.top() + y_share * view_.height();
  const double width = std::max(view_.width() / factor, std::min<double>(kFewestCells, picture_->matrix.n_columns));
  const double height = std::max(view_.height() / factor, std::min<double>(kFewestCells, picture_->matrix.n_rows));
  view_ = QRectF(column - x_share * width, row - y_share * height, width, height);
  clamp_view();
  fitted_ = view_.width() >= picture_->matrix.n_columns && view_.height() >= picture_->matrix.n_rows;
  update();
}

void SelectionMap::pan(const QPointF& pixels) {
  const QRectF map = map_rect();
  view_.translate(pixels.x() * view_.width() / map.width(), pixels.y() * view_.height() / map.height());
  clamp_view();
  update();
}

void SelectionMap::mark_tokens(qint64 begin, qint64 end) {
  marked_tokens_ = {begin, end};
  update();
}

void SelectionMap::mark_keys(qint64 begin, qint64 end) {
  marked_keys_ = {begin, end};
  update();
}

std::optional<SelectionMap::Cell> SelectionMap::cell_at(const QPointF& at) const {
  const QRectF map = map_rect();
  if (picture_ == nullptr || !map.contains(at) || picture_->matrix.values.empty()) return std::nullopt;
  const double column = view_.left() + (at.x() - map.left()) / map.width() * view_.width();
  const double row = view_.top() + (at.y() - map.top()) / map.height() * view_.height();
  return Cell{std::clamp(static_cast<std::int32_t>(row), 0, picture_->matrix.n_rows - 1),
              std::clamp(static_cast<std::int32_t>(column), 0, picture_->matrix.n_columns - 1)};
}

QString SelectionMap::describe(const QPointF& at) const {
  const auto cell = cell_at(at);
  if (!cell || run_ == nullptr) return {};
  const app::HeatMatrix& matrix = picture_->matrix;
  const auto place = [&](std::int64_t position) {
    const app::PromptBlock* block = run_->map.by_token(position);
    return block == nullptr ? QString() : QString::fromStdString(run_->label(*block)) + QStringLiteral(", ");
  };
  const std::int64_t key = std::int64_t{cell->column} * engine::kTraceBlock;
  const QString keys = tr("keys: %1tokens %2\u2013%3").arg(place(key), number(key), number(key + engine::kTraceBlock - 1));
  const std::int64_t query = matrix.first_position + std::int64_t{cell->row} * matrix.row_unit;
  if (key > query + matrix.row_unit - 1) return tr("%1: later than the query, nobody can select it").arg(keys);
  QString rows;
  QString value;
  if (rows_are_prompt()) {
    const std::int64_t last = std::min<std::int64_t>(query + matrix.row_unit, matrix.n_queries) - 1;
    rows = tr("queries: %1tokens %2\u2013%3").arg(place(query), number(query), number(last));
    value = tr("%1 of the pairs selected").arg(percent(matrix.at(cell->row, cell->column)));
  } else {
    const auto token = static_cast<std::size_t>(cell->row);
    const QString text = token < run_->token_texts.size() ? QString::fromStdString(run_->token_texts[token]).simplified() : QString();
    rows = text.isEmpty() ? tr("token %1").arg(number(cell->row)) : tr("token %1 \u201c%2\u201d").arg(number(cell->row), text);
    value = options_.layer == app::kAllLayers ? tr("selected in %1 of the layers").arg(percent(matrix.at(cell->row, cell->column)))
            : matrix.at(cell->row, cell->column) > 0 ? tr("selected")
                                                     : tr("not selected");
  }
  if (matrix.is_difference) {
    const auto change = static_cast<double>(matrix.at(cell->row, cell->column));
    value = change == 0 ? tr("no difference") : change > 0 ? tr("%1 more in the other run").arg(percent(change)) : tr("%1 less in the other run").arg(percent(-change));
  }
  if (!matrix.recorded(cell->row)) value = tr("not recorded");
  return QStringLiteral("%1  \u00b7  %2  \u00b7  %3").arg(rows, keys, value);
}

void SelectionMap::resizeEvent(QResizeEvent*) { clamp_view(); }

void SelectionMap::wheelEvent(QWheelEvent* event) {
  if (event->modifiers().testFlag(Qt::ShiftModifier)) {
    pan({-static_cast<double>(event->angleDelta().y()) / 2, 0});
  } else if (!event->pixelDelta().isNull() && !event->modifiers().testFlag(Qt::ControlModifier)) {
    pan(-QPointF(event->pixelDelta()));  // a touch pad
  } else {
    zoom(std::pow(kZoomStep, event->angleDelta().y() / 120.0), event->position());
  }
  event->accept();
}

void SelectionMap::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  press_ = drag_ = event->position();
  dragging_ = false;
}

void SelectionMap::mouseMoveEvent(QMouseEvent* event) {
  if (event->buttons().testFlag(Qt::LeftButton)) {
    dragging_ = dragging_ || (event->position() - press_).manhattanLength() > kDragStart;
    if (dragging_) {
      setCursor(Qt::ClosedHandCursor);
      pan(drag_ - event->position());
      drag_ = event->position();
    }
    return;
  }
  emit hovered(describe(event->position()));
}

void SelectionMap::mouseReleaseEvent(QMouseEvent* event) {
  unsetCursor();
  if (dragging_ || event->button() != Qt::LeftButton) return;
  const auto cell = cell_at(event->position());
  if (cell && !rows_are_prompt()) {
    mark_tokens(cell->row, cell->row + 1);
    emit token_selected(cell->row);
  }
}

void SelectionMap::mouseDoubleClickEvent(QMouseEvent* event) {
  const auto cell = cell_at(event->position());
  if (!cell || run_ == nullptr) return;
  const app::PromptBlock* block = run_->map.by_token(std::int64_t{cell->column} * engine::kTraceBlock);
  if (block != nullptr) emit source_activated(block->part, block->begin, block->end);
}

void SelectionMap::keyPressEvent(QKeyEvent* event) {
  const QPointF middle = map_rect().center();
  switch (event->key()) {
    case Qt::Key_Plus: case Qt::Key_Equal: zoom(kZoomStep, middle); break;
    case Qt::Key_Minus: zoom(1 / kZoomStep, middle); break;
    case Qt::Key_0: case Qt::Key_Home: show_all(); break;
    case Qt::Key_Left: pan({-kPanStep, 0}); break;
    case Qt::Key_Right: pan({kPanStep, 0}); break;
    case Qt::Key_Up: pan({0, -kPanStep}); break;
    case Qt::Key_Down: pan({0, kPanStep}); break;
    default: QWidget::keyPressEvent(event);
  }
}

void SelectionMap::leaveEvent(QEvent*) { emit hovered({}); }

void SelectionMap::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) tiles_.set_style(style());
  QWidget::changeEvent(event);
}

}  // namespace ui
