#include "ui/review/finding_list.h"

#include <QPainter>
#include <QRegularExpression>

#include <algorithm>

#include "ui/conversation/answer_objects.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kRow = 56;

QColor severity_color(app::Severity severity) {
  const Tokens& t = tokens();
  return severity == app::Severity::kError ? t.brick : severity == app::Severity::kWarning ? t.amber : t.ink_soft;
}

/// The title without severity and place, which stand in the line above.
QString short_title(const app::Finding& finding) {
  QString title = QString::fromStdString(finding.title).simplified();
  static const QRegularExpression severity(QStringLiteral("^[\\[*(]*(error|warning|note|critical|high|medium|low|bug|info|style)[\\])*]*[:.]?\\s+"), QRegularExpression::CaseInsensitiveOption);
  title.remove(severity);
  if (const QString place = place_text(finding); title.startsWith(place) && title.size() > place.size() + 1) title = title.mid(place.size()).trimmed();
  while (title.startsWith(QLatin1Char(':')) || title.startsWith(QChar(0x2013))) title = title.mid(1).trimmed();
  return title;
}

}  // namespace

QString severity_text(app::Severity severity) {
  switch (severity) {
    case app::Severity::kError: return FindingList::tr("error");
    case app::Severity::kWarning: return FindingList::tr("warning");
    case app::Severity::kNote: return FindingList::tr("note");
  }
  return {};
}

QString place_text(const app::Finding& finding) {
  QString text = QString::fromStdString(finding.path);
  if (finding.first_line > 0) text += QLatin1Char(':') + QString::number(finding.first_line);
  if (finding.last_line > finding.first_line) text += QLatin1Char('-') + QString::number(finding.last_line);
  return text;
}

QString check_text(const app::Finding& finding) {
  if (!finding.place_exists) return FindingList::tr("The sources have no such file or line.");
  switch (finding.check) {
    case app::QuoteCheck::kVerified: return FindingList::tr("The quoted code stands at these lines.");
    case app::QuoteCheck::kNear: return FindingList::tr("Nearly the same code stands at these lines.");
    case app::QuoteCheck::kNotFound: return FindingList::tr("The quoted code does not stand at these lines.");
    case app::QuoteCheck::kNoQuote: return FindingList::tr("The lines exist; no code was quoted to compare.");
  }
  return {};
}

void FindingList::set_findings(std::vector<app::Finding> findings) {
  beginResetModel();
  findings_ = std::move(findings);
  sort();
  endResetModel();
}

void FindingList::set_shown(app::Severity severity, bool shown) {
  beginResetModel();
  shown_[static_cast<int>(severity)] = shown;
  sort();
  endResetModel();
}

void FindingList::sort() {
  rows_.clear();
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    if (shown_[static_cast<int>(findings_[i].severity)]) rows_.push_back(i);
  }
  std::stable_sort(rows_.begin(), rows_.end(), [this](std::size_t a, std::size_t b) { return findings_[a].severity > findings_[b].severity; });
}

const app::Finding* FindingList::at(const QModelIndex& index) const {
  if (!index.isValid() || index.row() >= static_cast<int>(rows_.size())) return nullptr;
  return &findings_[rows_[static_cast<std::size_t>(index.row())]];
}

int FindingList::count(app::Severity severity) const {
  return static_cast<int>(std::count_if(findings_.begin(), findings_.end(), [severity](const app::Finding& f) { return f.severity == severity; }));
}

int FindingList::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }

QVariant FindingList::data(const QModelIndex& index, int role) const {
  const app::Finding* finding = at(index);
  if (finding == nullptr) return {};
  switch (role) {
    case Qt::DisplayRole: return short_title(*finding);
    case Qt::ToolTipRole: return check_text(*finding);
    case Qt::AccessibleTextRole:
      return tr("%1, %2: %3. %4").arg(severity_text(finding->severity), place_text(*finding), QString::fromStdString(finding->title), check_text(*finding));
    case kSeverityRole: return static_cast<int>(finding->severity);
    case kPlaceRole: return place_text(*finding);
    case kCheckedRole: return static_cast<int>(finding->check);
    case kPlaceExistsRole: return finding->place_exists;
    default: return {};
  }
}

QSize FindingDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const { return {option.rect.width(), kRow}; }

void FindingDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const Tokens& t = tokens();
  painter->save();
  if (option.state & QStyle::State_Selected) painter->fillRect(option.rect, t.pine_wash);
  const auto severity = static_cast<app::Severity>(index.data(FindingList::kSeverityRole).toInt());
  const bool exists = index.data(FindingList::kPlaceExistsRole).toBool();
  const auto check = static_cast<app::QuoteCheck>(index.data(FindingList::kCheckedRole).toInt());
  const ChipMark mark = !exists                                 ? ChipMark::kUnknown
                        : check == app::QuoteCheck::kVerified   ? ChipMark::kVerified
                        : check == app::QuoteCheck::kNear       ? ChipMark::kNear
                        : check == app::QuoteCheck::kNotFound   ? ChipMark::kNotFound
                                                                : ChipMark::kNone;
  const QRect room = option.rect.adjusted(kGroupGap, 7, -kGroupGap, -6);
  painter->setRenderHint(QPainter::Antialiasing);
  // A bar at the edge tells the severity in passing, its word tells it without colour.
  painter->setPen(Qt::NoPen);
  painter->setBrush(severity_color(severity));
  painter->drawRoundedRect(QRectF(option.rect.left() + 3, option.rect.top() + 8, 3, option.rect.height() - 16), 1.5, 1.5);
  painter->setFont(strong(small_font()));
  painter->setPen(severity_color(severity));
  const QString word = severity_text(severity);
  const int word_width = painter->fontMetrics().horizontalAdvance(word) + kGrid;
  const QRect first(room.left(), room.top(), room.width(), 18);
  painter->drawText(first, Qt::AlignLeft | Qt::AlignVCenter, word);
  QFont code = code_font();
  code.setPointSizeF(9);
  painter->setFont(code);
  painter->setPen(exists ? t.ink_soft : t.amber);
  const int place_room = room.width() - word_width - 20;
  const QString place = painter->fontMetrics().elidedText(index.data(FindingList::kPlaceRole).toString(), Qt::ElideLeft, place_room);
  painter->drawText(first.adjusted(word_width, 0, -20, 0), Qt::AlignLeft | Qt::AlignVCenter, place);
  draw_chip_mark(painter, QPointF(room.right() - 6, first.center().y() + 1), mark, exists && mark != ChipMark::kNotFound ? t.pine : t.amber);
  painter->setFont(body_font());
  painter->setPen(t.ink);
  painter->drawText(QRect(room.left(), room.top() + 20, room.width(), 22), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                    painter->fontMetrics().elidedText(index.data().toString(), Qt::ElideRight, room.width()));
  painter->fillRect(QRect(option.rect.left() + kGroupGap, option.rect.bottom(), option.rect.width() - 2 * kGroupGap, 1), t.line);
  if (option.state & QStyle::State_HasFocus) {
    painter->setBrush(Qt::NoBrush);
    painter->setPen(QPen(t.pine, 1.5));
    painter->drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), kChipRadius, kChipRadius);
  }
  painter->restore();
}

}  // namespace ui
