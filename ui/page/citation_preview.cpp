#include "ui/page/citation_preview.h"

#include <QGuiApplication>
#include <QPainter>
#include <QScreen>

#include <algorithm>

#include "ui/page/view_marks.h"
#include "ui/project/project_session.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kDelayMs = 260;
constexpr int kWidth = 440;
constexpr int kPictureHeight = 200;
constexpr int kHead = 26;
constexpr int kLinesAround = 2;
constexpr int kMostLines = 9;
const QColor kMark(0xFF, 0xE2, 0x7A);

/// The lines around bytes begin..end, and the number of the first of them.
std::pair<QString, int> lines_around(const std::string& text, std::uint32_t begin, std::uint32_t end) {
  const QStringList all = QString::fromStdString(text).split(QLatin1Char('\n'));
  const auto line_of = [&text](std::uint32_t byte) { return static_cast<int>(std::count(text.begin(), text.begin() + std::min<std::size_t>(byte, text.size()), '\n')); };
  const int first = std::max(0, line_of(begin) - kLinesAround);
  const int last = std::min({static_cast<int>(all.size()) - 1, line_of(end) + kLinesAround, first + kMostLines - 1});
  return {all.mid(first, last - first + 1).join(QLatin1Char('\n')), first + 1};
}

}  // namespace

CitationPreview::CitationPreview(ProjectSession& session, QWidget* parent) : QFrame(parent, Qt::ToolTip | Qt::FramelessWindowHint), session_(session) {
  setAttribute(Qt::WA_ShowWithoutActivating);
  setAttribute(Qt::WA_TransparentForMouseEvents);
  setFocusPolicy(Qt::NoFocus);
  setAccessibleName(tr("Preview of the cited place"));
  delay_.setSingleShot(true);
  delay_.setInterval(kDelayMs);
  connect(&delay_, &QTimer::timeout, this, &CitationPreview::load);
  connect(&images_, &PageImages::ready, this, qOverload<>(&CitationPreview::update));
  connect(&session_, &ProjectSession::closed, this, [this] {
    dismiss();
    images_.clear();
    images_of_ = 0;
  });
}

void CitationPreview::show_citation(const app::Citation& citation, const QString& check, const QPoint& global) {
  dismiss();
  citation_ = citation;
  check_ = check;
  at_ = global;
  delay_.start();
}

void CitationPreview::dismiss() {
  ++wanted_;
  delay_.stop();
  text_.reset();
  hide();
}

void CitationPreview::load() {
  const app::Part* part = citation_.in_prompt ? session_.part(citation_.part) : nullptr;
  const app::Document* document = part == nullptr ? nullptr : session_.document(part->document);
  is_page_ = document != nullptr && document->kind == app::DocumentKind::kPdf;
  excerpt_.clear();
  excerpt_line_ = 0;
  if (document == nullptr) {
    setFixedSize(kWidth, kHead + kGrid);
    place();
    return;
  }
  page_ = part->ordinal;
  if (is_page_ && images_of_ != document->id) {
    images_.set_document(document->path, session_.worker());
    images_of_ = document->id;
  }
  session_.part_text(citation_.part, this, [this, wanted = wanted_](std::shared_ptr<const app::PartText> text) {
    if (wanted == wanted_) adopt(std::move(text));
  });
}

void CitationPreview::adopt(std::shared_ptr<const app::PartText> text) {
  text_ = std::move(text);
  if (is_page_) {
    setFixedSize(kWidth, kHead + kPictureHeight + kGrid);
  } else {
    std::tie(excerpt_, excerpt_line_) = lines_around(text_->text, citation_.source_begin, citation_.source_end);
    const int lines = static_cast<int>(excerpt_.count(QLatin1Char('\n'))) + 1;
    setFixedSize(kWidth, kHead + lines * QFontMetrics(code_font()).lineSpacing() + 2 * kGrid);
  }
  place();
}

void CitationPreview::place() {
  const QScreen* screen = QGuiApplication::screenAt(at_);
  if (screen == nullptr) screen = QGuiApplication::primaryScreen();
  const QRect room = screen->availableGeometry();
  QPoint corner = at_ + QPoint(-kWidth / 3, 18);
  if (corner.y() + height() > room.bottom()) corner.setY(at_.y() - height() - 14);
  corner.setX(std::clamp(corner.x(), room.left() + 4, std::max(room.left() + 4, room.right() - kWidth - 4)));
  move(corner);
  show();
}

void CitationPreview::paintEvent(QPaintEvent*) {
  const Tokens& t = tokens();
  QPainter painter(this);
  painter.setRenderHint(QPainter::SmoothPixmapTransform);
  painter.fillRect(rect(), t.paper);
  painter.setFont(strong(small_font()));
  painter.setPen(t.ink);
  const QRect head(kGroupGap, 0, width() - 2 * kGroupGap, kHead);
  const QString label = citation_.in_prompt ? QString::fromStdString(citation_.label) : tr("no such passage");
  const QString name = painter.fontMetrics().elidedText(label, Qt::ElideMiddle, head.width() / 2);
  painter.drawText(head, Qt::AlignLeft | Qt::AlignVCenter, name);
  painter.setFont(small_font());
  painter.setPen(t.ink_soft);
  painter.drawText(head, Qt::AlignRight | Qt::AlignVCenter, painter.fontMetrics().elidedText(check_, Qt::ElideRight, head.width() / 2));
  if (text_ != nullptr && is_page_ && text_->width_pt > 0) {
    const QRectF frame(1, kHead, width() - 2, kPictureHeight);
    const double scale = frame.width() / text_->width_pt;
    const int width_px = static_cast<int>(frame.width() * devicePixelRatioF());
    images_.want(page_, width_px, text_->width_pt);
    const std::vector<QRectF> boxes = boxes_of_bytes(*text_, citation_.source_begin, citation_.source_end);
    const double page_height = text_->height_pt * scale;
    const double middle = boxes.empty() ? 0 : boxes.front().center().y() * page_height;
    const double top = std::clamp(middle - frame.height() * 0.4, 0.0, std::max(0.0, page_height - frame.height()));
    painter.save();
    painter.setClipRect(frame);
    painter.fillRect(frame, Qt::white);
    painter.translate(frame.left(), frame.top() - top);
    if (const QImage picture = images_.picture(page_, width_px); !picture.isNull()) painter.drawImage(QRectF(0, 0, frame.width(), page_height), picture);
    painter.setCompositionMode(QPainter::CompositionMode_Multiply);
    for (const QRectF& box : boxes) {
      painter.fillRect(QRectF(box.left() * frame.width() - 1, box.top() * page_height - 1, box.width() * frame.width() + 2, box.height() * page_height + 2), kMark);
    }
    painter.restore();
  } else if (!excerpt_.isEmpty()) {
    painter.setFont(code_font());
    int y = kHead + 2;
    int line = excerpt_line_;
    const int spacing = painter.fontMetrics().lineSpacing();
    for (const QString& text : excerpt_.split(QLatin1Char('\n'))) {
      painter.setPen(t.ink_soft);
      painter.drawText(QRect(kGrid, y, 44, spacing), Qt::AlignRight | Qt::AlignVCenter, QString::number(line++));
      painter.setPen(t.ink);
      painter.drawText(QRect(64, y, width() - 64 - kGrid, spacing), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                       painter.fontMetrics().elidedText(QString(text).replace(QLatin1Char('\t'), QStringLiteral("    ")), Qt::ElideRight, width() - 64 - kGrid));
      y += spacing;
    }
  }
  painter.setPen(mix(t.ink_soft, t.paper, 0.5));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(rect().adjusted(0, 0, -1, -1));
}

}  // namespace ui
