#include "ui/page/code_view.h"

#include <QApplication>
#include <QClipboard>
#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QTextLayout>

#include <algorithm>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kTabColumns = 4;
constexpr int kLongestLine = 4000;  // UTF-16 units that are drawn

QString with_tabs(const QString& line) {
  if (!line.contains(QLatin1Char('\t'))) return line;
  QString result;
  for (const QChar c : line) {
    if (c == QLatin1Char('\t')) result.append(QString(kTabColumns, QLatin1Char(' ')));
    else result.append(c);
  }
  return result;
}

int column_with_tabs(const QString& line, int column) { return static_cast<int>(with_tabs(line.left(column)).size()); }

}  // namespace

CodeView::CodeView(QWidget* parent) : QAbstractScrollArea(parent), bar_(new MarkedScrollBar) {
  setFrameShape(QFrame::NoFrame);
  setVerticalScrollBar(bar_);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Source file"));
  viewport()->setCursor(Qt::IBeamCursor);
}

void CodeView::set_text(std::shared_ptr<const app::PartText> text, const QString& language) {
  text_ = std::move(text);
  syntax_ = Syntax::of_language(language);
  lines_.clear();
  states_.assign(1, {});
  heat_.clear();
  finds_.clear();
  mark_begin_ = mark_end_ = 0;
  select_from_ = select_to_ = Place();
  longest_ = 0;
  const std::string& all = text_->text;
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t stop = std::min(all.find('\n', at), all.size());
    lines_.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(stop)});
    longest_ = std::max(longest_, static_cast<int>(std::min<std::size_t>(stop - at, kLongestLine)));
    at = stop + 1;
  }
  if (lines_.size() > 1 && lines_.back().begin == lines_.back().end) lines_.pop_back();
  verticalScrollBar()->setValue(0);
  horizontalScrollBar()->setValue(0);
  lay_out();
}

void CodeView::clear() {
  text_.reset();
  lines_.clear();
  lay_out();
}

QFont CodeView::font_now() const {
  QFont font = code_font();
  font.setPointSizeF(std::max(6.0, font.pointSizeF() + font_step_));
  return font;
}

void CodeView::set_font_step(int step) {
  font_step_ = std::clamp(step, -4, 14);
  lay_out();
}

int CodeView::line_height() const { return static_cast<int>(QFontMetricsF(font_now()).height() * 1.25); }

double CodeView::text_left() const {
  const auto digits = QString::number(std::max(1, n_lines())).size();
  return QFontMetricsF(font_now()).horizontalAdvance(QLatin1Char('0')) * static_cast<double>(digits) + 28;
}

void CodeView::lay_out() {
  const int height = line_height();
  verticalScrollBar()->setSingleStep(height * 2);
  verticalScrollBar()->setPageStep(viewport()->height());
  verticalScrollBar()->setRange(0, std::max(0, n_lines() * height + 2 * kGrid - viewport()->height()));
  const int wide = static_cast<int>(text_left() + longest_ * QFontMetricsF(font_now()).horizontalAdvance(QLatin1Char('x'))) + kPanelMargin;
  horizontalScrollBar()->setPageStep(viewport()->width());
  horizontalScrollBar()->setRange(0, std::max(0, wide - viewport()->width()));
  show_marks_on_bar();
  viewport()->update();
}

QString CodeView::line_text(int line) const {
  const Line& l = lines_[static_cast<std::size_t>(line)];
  return QString::fromUtf8(text_->text.data() + l.begin, static_cast<int>(l.end - l.begin)).left(kLongestLine);
}

int CodeView::line_of_byte(std::uint32_t byte) const {
  const auto after = std::partition_point(lines_.begin(), lines_.end(), [byte](const Line& l) { return l.begin <= byte; });
  return std::max(0, static_cast<int>(after - lines_.begin()) - 1);
}

int CodeView::column_of_byte(int line, std::uint32_t byte) const {
  const Line& l = lines_[static_cast<std::size_t>(line)];
  const std::uint32_t within = std::clamp(byte, l.begin, l.end) - l.begin;
  return static_cast<int>(QString::fromUtf8(text_->text.data() + l.begin, static_cast<int>(within)).size());
}

void CodeView::mark(std::uint32_t begin, std::uint32_t end) {
  mark_begin_ = begin;
  mark_end_ = end;
  if (text_ == nullptr || lines_.empty()) return;
  const int line = line_of_byte(begin);
  verticalScrollBar()->setValue(line * line_height() - viewport()->height() / 3);
  show_marks_on_bar();
  viewport()->update();
}

void CodeView::go_to_line(int line) {
  verticalScrollBar()->setValue((line - 1) * line_height());
}

int CodeView::first_visible_line() const { return verticalScrollBar()->value() / std::max(1, line_height()) + 1; }

void CodeView::set_heat(std::vector<HeatMark> heat) {
  heat_ = std::move(heat);
  viewport()->update();
}

void CodeView::set_finds(std::vector<std::pair<std::uint32_t, std::uint32_t>> finds) {
  finds_ = std::move(finds);
  show_marks_on_bar();
  viewport()->update();
}

void CodeView::show_marks_on_bar() {
  std::vector<MarkedScrollBar::Mark> marks;
  const double n = std::max(1, n_lines());
  if (text_ != nullptr && !lines_.empty()) {
    for (const auto& find : finds_) marks.push_back({line_of_byte(find.first) / n, tokens().amber});
    if (mark_begin_ < mark_end_) marks.push_back({line_of_byte(mark_begin_) / n, tokens().pine});
  }
  bar_->set_marks(std::move(marks));
}

void CodeView::color_up_to(int line) {
  while (static_cast<int>(states_.size()) <= line) {
    SyntaxState state = states_.back();
    syntax_.spans(line_text(static_cast<int>(states_.size()) - 1), state);
    states_.push_back(state);
  }
}

double CodeView::x_of(int line, int column) const {
  const QString text = line_text(line);
  return QFontMetricsF(font_now()).horizontalAdvance(with_tabs(text.left(column)));
}

void CodeView::paint_range(QPainter& painter, int line, double top, Place begin, Place end, const QColor& color) const {
  if (line < begin.line || line > end.line) return;
  const double left = text_left() - horizontalScrollBar()->value();
  const double from = line == begin.line ? x_of(line, begin.column) : 0;
  const double to = line == end.line ? x_of(line, end.column) : std::max(8.0, x_of(line, kLongestLine));
  painter.fillRect(QRectF(left + from, top, to - from, line_height()), color);
}

void CodeView::paint_line(QPainter& painter, int line, double top) {
  const Tokens& t = tokens();
  const double height = line_height();
  const Line& bytes = lines_[static_cast<std::size_t>(line)];
  for (const HeatMark& heat : heat_) {
    if (bytes.end < heat.begin || bytes.begin >= heat.end) continue;
    painter.fillRect(QRectF(0, top, viewport()->width(), height), mix(heat_over(heat.weight, palette()), t.paper, 0.35));
  }
  const auto place = [this](std::uint32_t byte) {
    const int at = line_of_byte(byte);
    return Place{at, column_of_byte(at, byte)};
  };
  for (const auto& [begin, end] : finds_) {
    if (line_of_byte(begin) == line) paint_range(painter, line, top, place(begin), place(end), mix(t.amber, t.paper, 0.35));
  }
  if (mark_begin_ < mark_end_) paint_range(painter, line, top, place(mark_begin_), place(mark_end_), t.mark);
  if (select_from_.line >= 0 && select_from_ != select_to_) {
    paint_range(painter, line, top, std::min(select_from_, select_to_), std::max(select_from_, select_to_), mix(t.sky, t.paper, 0.3));
  }
  const QString source = line_text(line);
  const QString text = with_tabs(source);
  QTextLayout layout(text, font_now());
  QList<QTextLayout::FormatRange> formats;
  SyntaxState state = states_[static_cast<std::size_t>(line)];
  for (const SyntaxSpan& span : syntax_.spans(source, state)) {
    QTextCharFormat format;
    format.setForeground(syntax_color(span.kind));
    const int begin = column_with_tabs(source, span.begin);
    formats.append({begin, column_with_tabs(source, span.begin + span.length) - begin, format});
  }
  layout.setFormats(formats);
  layout.setCacheEnabled(false);
  layout.beginLayout();
  QTextLine text_line = layout.createLine();
  if (text_line.isValid()) text_line.setLineWidth(1e7);
  layout.endLayout();
  painter.setPen(t.ink);
  layout.draw(&painter, QPointF(text_left() - horizontalScrollBar()->value(), top + (height - QFontMetricsF(font_now()).height()) / 2));
}

void CodeView::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  const Tokens& t = tokens();
  painter.fillRect(viewport()->rect(), t.paper);
  if (text_ == nullptr) return;
  const int height = line_height();
  const int first = std::max(0, (verticalScrollBar()->value() - kGrid) / height);
  const int last = std::min(n_lines(), first + viewport()->height() / height + 2);
  color_up_to(last);
  painter.setFont(font_now());
  for (int line = first; line < last; ++line) paint_line(painter, line, line * height + kGrid - verticalScrollBar()->value());
  // The numbers stay while the text scrolls sideways.
  const double gutter = text_left() - 12;
  painter.fillRect(QRectF(0, 0, gutter, viewport()->height()), t.paper);
  for (int line = first; line < last; ++line) {
    const double top = line * height + kGrid - verticalScrollBar()->value();
    const bool marked = mark_begin_ < mark_end_ && line >= line_of_byte(mark_begin_) && line <= line_of_byte(std::max(mark_begin_, mark_end_ - 1));
    for (const HeatMark& heat : heat_) {
      const Line& bytes = lines_[static_cast<std::size_t>(line)];
      if (bytes.end >= heat.begin && bytes.begin < heat.end) painter.fillRect(QRectF(0, top, 4, height), heat_over(heat.weight, palette()));
    }
    painter.setPen(marked ? t.ink : mix(t.ink_soft, t.paper, t.high_contrast ? 1.0 : 0.75));
    painter.drawText(QRectF(0, top, gutter - 8, height), Qt::AlignRight | Qt::AlignVCenter, QString::number(line + 1));
  }
  painter.fillRect(QRectF(gutter, 0, 1, viewport()->height()), t.line);
}

CodeView::Place CodeView::place_at(const QPoint& point) const {
  if (lines_.empty()) return {};
  const int line = std::clamp((point.y() + verticalScrollBar()->value() - kGrid) / std::max(1, line_height()), 0, n_lines() - 1);
  const double x = point.x() + horizontalScrollBar()->value() - text_left();
  const QString text = line_text(line);
  const QFontMetricsF metrics(font_now());
  double at = 0;
  for (int i = 0; i < text.size(); ++i) {
    const double width = metrics.horizontalAdvance(text[i] == QLatin1Char('\t') ? QString(kTabColumns, QLatin1Char(' ')) : QString(text[i]));
    if (at + width / 2 > x) return {line, i};
    at += width;
  }
  return {line, static_cast<int>(text.size())};
}

void CodeView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;  // a menu is about what is selected
  select_from_ = select_to_ = place_at(event->pos());
  viewport()->update();
}

void CodeView::mouseMoveEvent(QMouseEvent* event) {
  if (!(event->buttons() & Qt::LeftButton)) return;
  select_to_ = place_at(event->pos());
  if (event->pos().y() < 4) verticalScrollBar()->triggerAction(QAbstractSlider::SliderSingleStepSub);
  if (event->pos().y() > viewport()->height() - 4) verticalScrollBar()->triggerAction(QAbstractSlider::SliderSingleStepAdd);
  viewport()->update();
}

QString CodeView::selected_text() const {
  if (select_from_.line < 0 || select_from_ == select_to_) return {};
  const Place a = std::min(select_from_, select_to_);
  const Place b = std::max(select_from_, select_to_);
  QStringList result;
  for (int line = a.line; line <= b.line; ++line) {
    const QString text = line_text(line);
    const int begin = line == a.line ? a.column : 0;
    const int end = line == b.line ? b.column : static_cast<int>(text.size());
    result << text.mid(begin, end - begin);
  }
  return result.join(QLatin1Char('\n'));
}

std::pair<std::uint32_t, std::uint32_t> CodeView::selected_bytes() const {
  if (select_from_.line < 0 || select_from_ == select_to_) return {};
  const auto byte_of = [this](const Place& place) {
    const Line& line = lines_[static_cast<std::size_t>(place.line)];
    return line.begin + static_cast<std::uint32_t>(line_text(place.line).left(place.column).toUtf8().size());
  };
  return {byte_of(std::min(select_from_, select_to_)), byte_of(std::max(select_from_, select_to_))};
}

std::pair<int, int> CodeView::selected_lines() const {
  if (select_from_.line < 0 || select_from_ == select_to_) return {};
  return {std::min(select_from_, select_to_).line + 1, std::max(select_from_, select_to_).line + 1};
}

void CodeView::select_bytes(std::uint32_t begin, std::uint32_t end) {
  if (lines_.empty()) return;
  const auto place_of = [this](std::uint32_t byte) {
    const int line = line_of_byte(byte);
    return Place{line, column_of_byte(line, byte)};
  };
  select_from_ = place_of(begin);
  select_to_ = place_of(end);
  viewport()->update();
}

QString CodeView::marked_text() const {
  if (text_ == nullptr || mark_end_ > text_->text.size() || mark_begin_ >= mark_end_) return {};
  return QString::fromUtf8(text_->text.data() + mark_begin_, static_cast<int>(mark_end_ - mark_begin_));
}

void CodeView::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    if (const QString text = selected_text(); !text.isEmpty()) QApplication::clipboard()->setText(text);
    return;
  }
  if (event->matches(QKeySequence::SelectAll) && !lines_.empty()) {
    select_from_ = {0, 0};
    select_to_ = {n_lines() - 1, static_cast<int>(line_text(n_lines() - 1).size())};
    viewport()->update();
    return;
  }
  if (event->key() == Qt::Key_Home) { verticalScrollBar()->setValue(0); return; }
  if (event->key() == Qt::Key_End) { verticalScrollBar()->setValue(verticalScrollBar()->maximum()); return; }
  QAbstractScrollArea::keyPressEvent(event);
}

void CodeView::wheelEvent(QWheelEvent* event) {
  if (event->modifiers() & Qt::ControlModifier) {
    set_font_step(font_step_ + (event->angleDelta().y() > 0 ? 1 : -1));
    return;
  }
  QAbstractScrollArea::wheelEvent(event);
}

void CodeView::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  lay_out();
}

void CodeView::scrollContentsBy(int, int) { viewport()->update(); }

void CodeView::changeEvent(QEvent* event) {
  QAbstractScrollArea::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) viewport()->update();
}

}  // namespace ui
