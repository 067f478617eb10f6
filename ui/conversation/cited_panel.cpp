#include "ui/conversation/cited_panel.h"

#include <QEvent>
#include <QHeaderView>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <set>
#include <utility>

#include "ui/conversation/turn_view.h"
#include "ui/project/project_session.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kMark = 16;  // pixels

QIcon mark_icon(ChipMark mark) {
  QPixmap pixmap(kMark * 2, kMark * 2);
  pixmap.setDevicePixelRatio(2);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  painter.setRenderHint(QPainter::Antialiasing);
  const bool doubtful = mark == ChipMark::kNotFound || mark == ChipMark::kUnknown;
  draw_chip_mark(&painter, QPointF(kMark / 2.0, kMark / 2.0), mark, doubtful ? tokens().amber : tokens().pine);
  painter.end();
  QIcon icon;
  for (const QIcon::Mode mode : {QIcon::Normal, QIcon::Selected, QIcon::Active}) icon.addPixmap(pixmap, mode);
  return icon;
}

/// "p. 14" of "report.pdf, p. 14", "12" of "src/wind.cc:12".
QString place_in(const QString& label, const QString& title) {
  QString place = label.startsWith(title) ? label.mid(title.size()) : label;
  while (place.startsWith(QLatin1Char(',')) || place.startsWith(QLatin1Char(' '))) place.remove(0, 1);
  return place.startsWith(QLatin1Char(':')) ? CitedPanel::tr("line %1").arg(place.mid(1)) : place;
}

}  // namespace

CitedPanel::CitedPanel(ProjectSession& session, QWidget* parent) : QFrame(parent), session_(session), list_(new QTreeWidget), summary_(new QLabel) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  list_->setHeaderHidden(true);
  list_->setFrameShape(QFrame::NoFrame);
  list_->setUniformRowHeights(true);
  list_->setTextElideMode(Qt::ElideRight);
  list_->setAccessibleName(tr("Sources of the answer"));
  list_->setMouseTracking(true);
  list_->viewport()->installEventFilter(this);
  layout->addWidget(list_, 1);
  summary_->setFont(small_font());
  summary_->setTextFormat(Qt::PlainText);
  summary_->setWordWrap(true);
  summary_->setContentsMargins(kGroupGap, kTight, kGroupGap, kTight);
  layout->addWidget(summary_);
  const auto open = [this](const QTreeWidgetItem* item) {
    if (const app::Citation* citation = citation_of(item)) emit citation_activated(*citation);
  };
  connect(list_, &QTreeWidget::itemClicked, this, open);
  connect(list_, &QTreeWidget::itemActivated, this, open);
  fill();
}

void CitedPanel::set_citations(std::vector<app::Citation> citations) {
  citations_ = std::move(citations);
  fill();
}

void CitedPanel::fill() {
  list_->clear();
  std::vector<std::pair<QString, QTreeWidgetItem*>> documents;
  std::set<std::tuple<std::string, std::string, int>> shown;  // places with their words stand once
  int n_found = 0;
  for (std::size_t i = 0; i < citations_.size(); ++i) {
    const app::Citation& citation = citations_[i];
    if (citation.opens || !shown.emplace(citation.label, citation.quote, static_cast<int>(citation.check)).second) continue;
    const app::Part* part = session_.part(citation.part);
    const app::Document* document = part == nullptr ? nullptr : session_.document(part->document);
    const bool is_file = document != nullptr && document->kind != app::DocumentKind::kPdf;
    const QString label = QString::fromStdString(citation.label);
    const QString title = !citation.in_prompt ? tr("No such passage") : is_file ? label.section(QLatin1Char(':'), 0, 0) : document != nullptr ? QString::fromStdString(document->title) : label;
    auto group = std::find_if(documents.begin(), documents.end(), [&title](const auto& one) { return one.first == title; });
    if (group == documents.end()) {
      auto* item = new QTreeWidgetItem(list_, {title});
      item->setFont(0, strong(body_font()));
      item->setFlags(Qt::ItemIsEnabled);
      group = documents.insert(documents.end(), {title, item});
    }
    const ChipMark mark = mark_of(citation);
    n_found += mark == ChipMark::kVerified || mark == ChipMark::kNear ? 1 : 0;
    const QString place = citation.in_prompt ? place_in(label, title) : tr("made up by the model");
    const QString quote = QString::fromStdString(citation.quote).simplified();
    auto* item = new QTreeWidgetItem(group->second, {quote.isEmpty() ? place : tr("%1: “%2”").arg(place, quote)});
    item->setIcon(0, mark_icon(mark));
    item->setToolTip(0, mark_text(mark));
    item->setData(0, Qt::UserRole, static_cast<int>(i));
    item->setData(0, Qt::AccessibleTextRole, QString(item->text(0) + QLatin1Char('.') + QLatin1Char(' ') + mark_text(mark)));
  }
  list_->expandAll();
  summary_->setText(shown.empty() ? tr("The sources of an answer stand here when it cites some.") : tr("%n place(s) cited", nullptr, static_cast<int>(shown.size())) + tr(", the words found at %1").arg(n_found));
  set_text_color(summary_, tokens().ink_soft);
}

const app::Citation* CitedPanel::citation_of(const QTreeWidgetItem* item) const {
  if (item == nullptr || item->parent() == nullptr) return nullptr;
  const auto index = static_cast<std::size_t>(item->data(0, Qt::UserRole).toInt());
  return index < citations_.size() ? &citations_[index] : nullptr;
}

bool CitedPanel::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::MouseMove) {
    const auto* mouse = static_cast<QMouseEvent*>(event);
    emit citation_hovered(citation_of(list_->itemAt(mouse->pos())), mouse->globalPosition().toPoint());
  }
  if (event->type() == QEvent::Leave) emit citation_hovered(nullptr, {});
  return QFrame::eventFilter(object, event);
}

void CitedPanel::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && list_ != nullptr) fill();
}

}  // namespace ui
