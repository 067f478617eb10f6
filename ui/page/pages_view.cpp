#include "ui/page/pages_view.h"

#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kPageGap = 12;
constexpr int kMargin = 16;
constexpr double kSmallestZoom = 0.2;
constexpr double kLargestZoom = 6.0;
constexpr int kPagesAhead = 1;

}  // namespace

PagesView::PagesView(QWidget* parent) : QAbstractScrollArea(parent), bar_(new MarkedScrollBar) {
  setFrameShape(QFrame::NoFrame);
  setVerticalScrollBar(bar_);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Pages"));
  viewport()->setCursor(Qt::IBeamCursor);
  connect(&images_, &PageImages::ready, this, [this] { viewport()->update(); });
}

void PagesView::set_document(const app::Document& document, const std::vector<app::Part>& pages, const std::filesystem::path& worker) {
  if (document_ == document.id && pages_.size() == pages.size()) return;
  clear();
  document_ = document.id;
  images_.set_document(document.path, worker);
  pages_.reserve(pages.size());
  for (const app::Part& part : pages) {
    Page page;
    page.part = part.id;
    page.label = part.name.empty() ? QString::number(part.ordinal) : QString::fromStdString(part.name);
    index_of_part_.insert(part.id, static_cast<int>(pages_.size()));
    pages_.push_back(std::move(page));
  }
  lay_out();
  if (!pages_.empty()) load_text(0);
}

void PagesView::clear() {
  document_ = 0;
  pages_.clear();
  index_of_part_.clear();
  images_.clear();
  marked_page_ = last_page_ = -1;
  select_from_ = select_to_ = Place();
  heat_.clear();
  finds_.clear();
  bar_->set_marks({});
  lay_out();
}

double PagesView::scale() const {
  if (zoom_ > 0) return zoom_;
  return std::max(0.1, (viewport()->width() - 2.0 * kMargin) / widest_pt_);
}

double PagesView::zoom() const { return scale(); }

void PagesView::lay_out() {
  widest_pt_ = 1;
  for (const Page& page : pages_) widest_pt_ = std::max(widest_pt_, page.width_pt);
  if (pages_.empty()) widest_pt_ = 612;
  const double s = scale();
  double y = kPageGap;
  for (Page& page : pages_) {
    page.top = y;
    y += page.height_pt * s + kPageGap;
  }
  column_height_ = y;
  verticalScrollBar()->setRange(0, std::max(0, static_cast<int>(column_height_) - viewport()->height()));
  verticalScrollBar()->setPageStep(viewport()->height());
  verticalScrollBar()->setSingleStep(40);
  const int wide = static_cast<int>(widest_pt_ * s) + 2 * kMargin;
  horizontalScrollBar()->setRange(0, std::max(0, wide - viewport()->width()));
  horizontalScrollBar()->setPageStep(viewport()->width());
  viewport()->update();
}

QRectF PagesView::page_rect(int index) const {
  const Page& page = pages_[static_cast<std::size_t>(index)];
  const double s = scale();
  const double column = std::max<double>(viewport()->width(), widest_pt_ * s + 2 * kMargin);
  const double left = std::round((column - page.width_pt * s) / 2) - horizontalScrollBar()->value();
  return {left, page.top - verticalScrollBar()->value(), page.width_pt * s, page.height_pt * s};
}

std::pair<int, int> PagesView::visible_pages() const {
  const double top = verticalScrollBar()->value();
  const auto first = std::partition_point(pages_.begin(), pages_.end(), [&](const Page& p) { return p.top + p.height_pt * scale() < top; });
  auto last = first;
  while (last != pages_.end() && last->top < top + viewport()->height()) ++last;
  return {static_cast<int>(first - pages_.begin()), static_cast<int>(last - pages_.begin())};
}

int PagesView::current_page() const {
  if (pages_.empty()) return 0;
  const double middle = verticalScrollBar()->value() + viewport()->height() / 3.0;
  const auto after = std::partition_point(pages_.begin(), pages_.end(), [&](const Page& p) { return p.top <= middle; });
  return std::max(0, static_cast<int>(after - pages_.begin()) - 1);
}

void PagesView::go_to_page(int index) {
  if (pages_.empty()) return;
  index = std::clamp(index, 0, n_pages() - 1);
  verticalScrollBar()->setValue(static_cast<int>(pages_[static_cast<std::size_t>(index)].top) - kPageGap);
}

void PagesView::go_to(app::PartId part, std::uint32_t begin, std::uint32_t end) {
  const auto found = index_of_part_.constFind(part);
  if (found == index_of_part_.constEnd()) return;
  marked_page_ = *found;
  mark_begin_ = begin;
  mark_end_ = end;
  scroll_when_text_comes_ = begin < end;
  go_to_page(*found);
  load_text(*found);
  scroll_to_mark();
  show_marks_on_bar();
  viewport()->update();
}

void PagesView::scroll_to_mark() {
  if (!scroll_when_text_comes_ || marked_page_ < 0) return;
  const Page& page = pages_[static_cast<std::size_t>(marked_page_)];
  if (page.text == nullptr) return;
  scroll_when_text_comes_ = false;
  const std::vector<QRectF> boxes = boxes_of_bytes(*page.text, mark_begin_, mark_end_);
  if (boxes.empty()) return;
  const double y = page.top + boxes.front().top() * page.height_pt * scale();
  verticalScrollBar()->setValue(static_cast<int>(y - viewport()->height() * 0.3));
}

void PagesView::load_text(int index) {
  Page& page = pages_[static_cast<std::size_t>(index)];
  if (page.text != nullptr || text_source_ == nullptr) return;
  const app::DocumentId document = document_;
  text_source_(page.part, [this, document, index](std::shared_ptr<const app::PartText> text) {
    if (document == document_ && index < n_pages()) adopt_text(index, std::move(text));
  });
}

void PagesView::adopt_text(int index, std::shared_ptr<const app::PartText> text) {
  Page& page = pages_[static_cast<std::size_t>(index)];
  page.text = std::move(text);
  const double width = page.text->width_pt > 0 ? page.text->width_pt : page.width_pt;
  const double height = page.text->height_pt > 0 ? page.text->height_pt : page.height_pt;
  bool changed = std::abs(width - page.width_pt) > 0.5 || std::abs(height - page.height_pt) > 0.5;
  page.known_size = true;
  page.width_pt = width;
  page.height_pt = height;
  // Pages that nobody has measured yet are taken to be like the first one that was.
  for (Page& other : pages_) {
    if (other.known_size || (other.width_pt == width && other.height_pt == height)) continue;
    other.width_pt = width;
    other.height_pt = height;
    changed = true;
  }
  if (changed) {
    const int at = current_page();
    const double before = pages_[static_cast<std::size_t>(at)].top;
    lay_out();
    verticalScrollBar()->setValue(verticalScrollBar()->value() + static_cast<int>(pages_[static_cast<std::size_t>(at)].top - before));
  }
  if (index == marked_page_) scroll_to_mark();
  viewport()->update();
}

void PagesView::set_zoom(double zoom) {
  const double at = scroll_position();
  zoom_ = zoom <= 0 ? 0 : std::clamp(zoom, kSmallestZoom, kLargestZoom);
  images_.forget_wishes();
  lay_out();
  set_scroll_position(at);
  emit zoom_changed();
}

void PagesView::zoom_by(double factor) { set_zoom(scale() * factor); }

double PagesView::scroll_position() const {
  if (pages_.empty()) return 0;
  const double top = verticalScrollBar()->value();
  const auto after = std::partition_point(pages_.begin(), pages_.end(), [&](const Page& p) { return p.top <= top + kPageGap; });
  const auto index = std::max<std::ptrdiff_t>(0, after - pages_.begin() - 1);
  const Page& page = pages_[static_cast<std::size_t>(index)];
  return static_cast<double>(index) + (top - page.top) / std::max(1.0, page.height_pt * scale());
}

void PagesView::set_scroll_position(double position) {
  if (pages_.empty()) return;
  const auto index = std::clamp<int>(static_cast<int>(std::floor(position)), 0, n_pages() - 1);
  const Page& page = pages_[static_cast<std::size_t>(index)];
  verticalScrollBar()->setValue(static_cast<int>(page.top + (position - index) * page.height_pt * scale()));
}

void PagesView::set_heat(const QHash<qint64, std::vector<HeatMark>>& heat) {
  heat_ = heat;
  viewport()->update();
}

void PagesView::set_finds(const QHash<qint64, std::vector<std::pair<std::uint32_t, std::uint32_t>>>& finds) {
  finds_ = finds;
  show_marks_on_bar();
  viewport()->update();
}

void PagesView::show_marks_on_bar() {
  std::vector<MarkedScrollBar::Mark> marks;
  const double n = std::max(1, n_pages());
  for (auto it = finds_.constBegin(); it != finds_.constEnd(); ++it) {
    const auto page = index_of_part_.constFind(it.key());
    if (page != index_of_part_.constEnd()) marks.push_back({*page / n, tokens().amber});
  }
  if (marked_page_ >= 0) marks.push_back({marked_page_ / n, tokens().pine});
  bar_->set_marks(std::move(marks));
}

void PagesView::paint_boxes(QPainter& painter, const QRectF& page, const std::vector<QRectF>& boxes, const QColor& color) const {
  for (const QRectF& box : boxes) {
    const QRectF on_page(page.left() + box.left() * page.width(), page.top() + box.top() * page.height(), box.width() * page.width(), box.height() * page.height());
    painter.fillRect(on_page.adjusted(-1, -1, 1, 1), color);
  }
}

void PagesView::paint_page(QPainter& painter, int index) {
  const Page& page = pages_[static_cast<std::size_t>(index)];
  const QRectF rect = page_rect(index);
  painter.setPen(tokens().line);
  painter.setBrush(Qt::white);
  painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  const int width_px = static_cast<int>(std::lround(rect.width() * devicePixelRatioF()));
  const QImage picture = images_.picture(index + 1, width_px);
  if (!picture.isNull()) {
    painter.setRenderHint(QPainter::SmoothPixmapTransform, picture.width() != width_px);
    painter.drawImage(rect, picture);
  } else {
    painter.setPen(QColor(0x5B, 0x63, 0x6B));
    const QString failure = images_.failure(index + 1);
    painter.drawText(rect.adjusted(24, 24, -24, -24), Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap, failure.isEmpty() ? tr("Page %1").arg(page.label) : failure);
  }
  if (page.known_size) images_.want(index + 1, width_px, page.width_pt);
  // Marks multiply, so that print stays black under them.
  painter.save();
  painter.setCompositionMode(QPainter::CompositionMode_Multiply);
  if (page.text != nullptr) {
    // Paper stays white in both themes, so the light scale is the one that is read here.
    const QPalette on_white(Qt::white);
    for (const HeatMark& mark : heat_.value(page.part)) {
      paint_boxes(painter, rect, boxes_of_bytes(*page.text, mark.begin, mark.end), mix(heat_over(mark.weight, on_white), Qt::white, 0.55));
    }
    for (const auto& [begin, end] : finds_.value(page.part)) paint_boxes(painter, rect, boxes_of_bytes(*page.text, begin, end), QColor(0xFF, 0xDD, 0xA6));
    if (index == marked_page_ && mark_begin_ < mark_end_) paint_boxes(painter, rect, boxes_of_bytes(*page.text, mark_begin_, mark_end_), QColor(0xFF, 0xE2, 0x7A));
    if (select_from_.page >= 0 && select_to_.page >= 0) {
      Place a = select_from_, b = select_to_;
      if (std::pair(b.page, b.byte) < std::pair(a.page, a.byte)) std::swap(a, b);
      if (index >= a.page && index <= b.page && !(a.page == b.page && a.byte == b.byte)) {
        const std::uint32_t begin = index == a.page ? a.byte : 0;
        const std::uint32_t end = index == b.page ? b.byte : static_cast<std::uint32_t>(page.text->text.size());
        paint_boxes(painter, rect, boxes_of_bytes(*page.text, begin, end), QColor(0xBF, 0xDD, 0xF5));
      }
    }
  }
  painter.restore();
}

void PagesView::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  painter.fillRect(viewport()->rect(), tokens().desk);
  const auto [first, last] = visible_pages();
  for (int i = first; i < last; ++i) {
    load_text(i);
    paint_page(painter, i);
  }
  for (int i = last; i < std::min(n_pages(), last + kPagesAhead); ++i) {
    const Page& page = pages_[static_cast<std::size_t>(i)];
    if (page.known_size) images_.want(i + 1, static_cast<int>(std::lround(page.width_pt * scale() * devicePixelRatioF())), page.width_pt);
  }
}

void PagesView::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  const double at = scroll_position();
  lay_out();
  set_scroll_position(at);
}

void PagesView::scrollContentsBy(int, int) {
  viewport()->update();
  const int page = current_page();
  if (page == last_page_) return;
  // Far jumps make what was wished for on the way stale.
  if (std::abs(page - last_page_) > 3) images_.forget_wishes();
  last_page_ = page;
  emit page_changed(page);
}

void PagesView::wheelEvent(QWheelEvent* event) {
  if (event->modifiers() & Qt::ControlModifier) {
    zoom_by(std::pow(1.0015, event->angleDelta().y()));
    event->accept();
    return;
  }
  QAbstractScrollArea::wheelEvent(event);
}

void PagesView::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    if (const QString text = selected_text(); !text.isEmpty()) QApplication::clipboard()->setText(text);
    return;
  }
  switch (event->key()) {
    case Qt::Key_Home: verticalScrollBar()->setValue(0); return;
    case Qt::Key_End: verticalScrollBar()->setValue(verticalScrollBar()->maximum()); return;
    case Qt::Key_Space: verticalScrollBar()->triggerAction(event->modifiers() & Qt::ShiftModifier ? QAbstractSlider::SliderPageStepSub : QAbstractSlider::SliderPageStepAdd); return;
    default: QAbstractScrollArea::keyPressEvent(event);
  }
}

PagesView::Place PagesView::place_at(const QPoint& point) const {
  const auto [first, last] = visible_pages();
  for (int i = first; i < last; ++i) {
    const QRectF rect = page_rect(i);
    if (point.y() > rect.bottom() + kPageGap / 2.0) continue;
    const Page& page = pages_[static_cast<std::size_t>(i)];
    if (page.text == nullptr || page.text->words.empty()) return {};
    const double x = (point.x() - rect.left()) / rect.width();
    const double y = (point.y() - rect.top()) / rect.height();
    const app::Word* best = nullptr;
    double nearest = 1e9;
    for (const app::Word& word : page.text->words) {
      const double dx = std::max({word.box.left - x, x - word.box.right, 0.0});
      const double dy = std::max({word.box.top - y, y - word.box.bottom, 0.0});
      const double distance = dx + 4 * dy;
      if (distance < nearest) {
        nearest = distance;
        best = &word;
      }
    }
    const bool after = x > (best->box.left + best->box.right) / 2.0;
    return {i, after ? best->end : best->begin};
  }
  return {};
}

void PagesView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  select_from_ = select_to_ = place_at(event->pos());
  selecting_ = select_from_.page >= 0;
  viewport()->update();
}

void PagesView::mouseMoveEvent(QMouseEvent* event) {
  if (!selecting_) return;
  const Place place = place_at(event->pos());
  if (place.page < 0) return;
  select_to_ = place;
  if (event->pos().y() < 8) verticalScrollBar()->setValue(verticalScrollBar()->value() - 12);
  if (event->pos().y() > viewport()->height() - 8) verticalScrollBar()->setValue(verticalScrollBar()->value() + 12);
  viewport()->update();
}

void PagesView::mouseReleaseEvent(QMouseEvent*) { selecting_ = false; }

std::vector<PagesView::Range> PagesView::selected_ranges() const {
  if (select_from_.page < 0 || select_to_.page < 0) return {};
  Place a = select_from_, b = select_to_;
  if (std::pair(b.page, b.byte) < std::pair(a.page, a.byte)) std::swap(a, b);
  std::vector<Range> ranges;
  for (int i = a.page; i <= b.page; ++i) {
    const Page& page = pages_[static_cast<std::size_t>(i)];
    if (page.text == nullptr) continue;
    const auto size = static_cast<std::uint32_t>(page.text->text.size());
    const std::uint32_t begin = i == a.page ? std::min(a.byte, size) : 0;
    const std::uint32_t end = i == b.page ? std::min(b.byte, size) : size;
    if (begin < end) ranges.push_back({page.part, begin, end});
  }
  return ranges;
}

void PagesView::select(const Range& range) {
  const int page = index_of_part_.value(range.part, -1);
  select_from_ = {page, range.begin};
  select_to_ = {page, range.end};
  viewport()->update();
}

QString PagesView::selected_text() const {
  QStringList texts;
  for (const Range& range : selected_ranges()) {
    const Page& page = pages_[static_cast<std::size_t>(index_of_part_.value(range.part))];
    texts << QString::fromUtf8(page.text->text.data() + range.begin, static_cast<int>(range.end - range.begin));
  }
  return texts.join(QLatin1Char('\n'));
}

void PagesView::changeEvent(QEvent* event) {
  QAbstractScrollArea::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) viewport()->update();
}

}  // namespace ui
