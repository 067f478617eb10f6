#include "ui/page/page_strip.h"

#include <QHeaderView>
#include <QLabel>
#include <QListView>
#include <QPainter>
#include <QStackedWidget>
#include <QStyledItemDelegate>
#include <QTabBar>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/project/project_session.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kPictureWidth = 104;   // pixels
constexpr int kPictureHeight = 136;
constexpr int kCaption = 18;
constexpr int kStripWidth = 176;
constexpr double kUsualWidthPt = 612;
constexpr std::size_t kMostHeadings = 5000;
constexpr int kDeepestLevel = 4;

/// One row per page; what a row shows is its label.
class PageList final : public QAbstractListModel {
 public:
  using QAbstractListModel::QAbstractListModel;
  void set_labels(QStringList labels) {
    beginResetModel();
    labels_ = std::move(labels);
    endResetModel();
  }
  void picture_came(int page) {
    const QModelIndex changed = index(page - 1);
    if (changed.isValid()) emit dataChanged(changed, changed);
  }
  int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(labels_.size()); }
  QVariant data(const QModelIndex& index, int role) const override {
    if (!index.isValid()) return {};
    if (role == Qt::AccessibleTextRole) return PageStrip::tr("Page %1").arg(labels_[index.row()]);
    return role == Qt::DisplayRole ? QVariant(labels_[index.row()]) : QVariant();
  }

 private:
  QStringList labels_;
};

class ThumbnailDelegate final : public QStyledItemDelegate {
 public:
  ThumbnailDelegate(PageImages& images, QObject* parent) : QStyledItemDelegate(parent), images_(images) {}
  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override { return {kStripWidth - 16, kPictureHeight + kCaption + 2 * kGrid}; }
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const Tokens& t = tokens();
    const bool current = option.state & QStyle::State_Selected;
    const double ratio = painter->device()->devicePixelRatioF();
    const int width_px = static_cast<int>(kPictureWidth * ratio);
    const QImage picture = images_.picture(index.row() + 1, width_px);
    images_.want(index.row() + 1, width_px, kUsualWidthPt);
    QRectF room(0, 0, kPictureWidth, kPictureHeight);
    if (!picture.isNull()) {
      const QSizeF size = QSizeF(picture.size()).scaled(room.size(), Qt::KeepAspectRatio);
      room.setSize(size);
    }
    room.moveCenter(QPointF(option.rect.center().x(), option.rect.top() + kGrid + kPictureHeight / 2.0));
    painter->save();
    painter->setRenderHint(QPainter::SmoothPixmapTransform);
    painter->fillRect(room, Qt::white);
    if (!picture.isNull()) painter->drawImage(room, picture);
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setBrush(Qt::NoBrush);
    painter->setPen(QPen(current ? t.pine : t.line, current ? 2.5 : 1));
    painter->drawRect(room.adjusted(-0.5, -0.5, 0.5, 0.5));
    painter->setFont(small_font());
    painter->setPen(current ? t.ink : t.ink_soft);
    const QRect caption(option.rect.left(), option.rect.top() + kGrid + kPictureHeight + 2, option.rect.width(), kCaption);
    painter->drawText(caption, Qt::AlignCenter | Qt::TextSingleLine, index.data().toString());
    painter->restore();
  }

 private:
  PageImages& images_;
};

}  // namespace

std::vector<OutlineItem> outline_of(const app::Project& project, const std::vector<app::PartId>& parts, std::size_t most, std::stop_token stop) {
  std::vector<OutlineItem> items;
  for (const app::PartId part : parts) {
    if (stop.stop_requested() || items.size() >= most) break;
    const auto text = project.part_text(part);
    if (!text) continue;
    for (const app::Span& span : text->spans) {
      if (span.kind != app::SpanKind::kHeading || span.end <= span.begin || span.end > text->text.size()) continue;
      const QString title = QString::fromUtf8(text->text.data() + span.begin, static_cast<int>(span.end - span.begin)).simplified();
      items.push_back({title, std::clamp<int>(span.level, 1, kDeepestLevel), part, span.begin, span.end});
    }
  }
  return items;
}

PageStrip::PageStrip(ProjectSession& session, QWidget* parent)
    : QFrame(parent), session_(session), tabs_(new QTabBar), stack_(new QStackedWidget), thumbnails_(new QListView), pages_(new PageList(this)),
      outline_(new QTreeWidget), no_headings_(new QLabel) {
  setFixedWidth(kStripWidth);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  tabs_->addTab(tr("Pages"));
  tabs_->addTab(tr("Outline"));
  tabs_->setExpanding(true);
  tabs_->setDrawBase(false);
  tabs_->setAccessibleName(tr("Pages or outline"));
  layout->addWidget(tabs_);
  thumbnails_->setModel(pages_);
  thumbnails_->setItemDelegate(new ThumbnailDelegate(images_, thumbnails_));
  thumbnails_->setUniformItemSizes(true);
  thumbnails_->setFrameShape(QFrame::NoFrame);
  thumbnails_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  thumbnails_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  thumbnails_->setAccessibleName(tr("Pictures of the pages"));
  outline_->setHeaderHidden(true);
  outline_->setFrameShape(QFrame::NoFrame);
  outline_->setUniformRowHeights(true);
  outline_->setAccessibleName(tr("Outline of the document"));
  outline_->setTextElideMode(Qt::ElideRight);
  outline_->setIndentation(10);
  no_headings_->setAlignment(Qt::AlignCenter);
  no_headings_->setWordWrap(true);
  no_headings_->setMargin(kPanelMargin);
  no_headings_->setText(tr("No headings were found in this document."));
  set_text_color(no_headings_, tokens().ink_soft);
  stack_->addWidget(thumbnails_);
  stack_->addWidget(outline_);
  stack_->addWidget(no_headings_);
  layout->addWidget(stack_, 1);
  connect(tabs_, &QTabBar::currentChanged, this, [this](int tab) {
    stack_->setCurrentIndex(tab);
    if (tab == 1) load_outline();
  });
  connect(&images_, &PageImages::ready, this, [this](int page) { static_cast<PageList*>(pages_)->picture_came(page); });
  connect(thumbnails_, &QListView::clicked, this, [this](const QModelIndex& index) { emit page_chosen(index.row()); });
  connect(thumbnails_, &QListView::activated, this, [this](const QModelIndex& index) { emit page_chosen(index.row()); });
  const auto choose = [this](const QTreeWidgetItem* item) {
    emit heading_chosen(item->data(0, Qt::UserRole).toLongLong(), item->data(0, Qt::UserRole + 1).toUInt(), item->data(0, Qt::UserRole + 2).toUInt());
  };
  connect(outline_, &QTreeWidget::itemClicked, this, choose);
  connect(outline_, &QTreeWidget::itemActivated, this, choose);
}

void PageStrip::set_document(const app::Document& document, const std::vector<app::Part>& pages, const std::filesystem::path& worker) {
  if (document_ == document.id && parts_.size() == pages.size()) return;
  clear();
  document_ = document.id;
  images_.set_document(document.path, worker);
  QStringList labels;
  for (const app::Part& page : pages) {
    parts_.push_back(page.id);
    labels << (page.name.empty() ? QString::number(page.ordinal) : QString::fromStdString(page.name));
  }
  static_cast<PageList*>(pages_)->set_labels(std::move(labels));
  if (isVisible() && tabs_->currentIndex() == 1) load_outline();
}

void PageStrip::clear() {
  document_ = 0;
  parts_.clear();
  outline_loaded_ = false;
  loads_.drop_all();
  images_.clear();
  static_cast<PageList*>(pages_)->set_labels({});
  outline_->clear();
}

void PageStrip::set_current(int index) {
  const QModelIndex row = pages_->index(index, 0);
  if (!row.isValid() || row == thumbnails_->currentIndex()) return;
  thumbnails_->setCurrentIndex(row);
  thumbnails_->scrollTo(row);
}

void PageStrip::show_outline() { tabs_->setCurrentIndex(1); }

void PageStrip::load_outline() {
  if (outline_loaded_ || parts_.empty()) return;
  outline_loaded_ = true;
  run_in_background(
      thread_, this, loads_.next(),
      [path = session_.path(), parts = parts_](std::stop_token stop) {
        const auto project = app::Project::open(path, app::OpenMode::kReadOnly);
        return project ? outline_of(**project, parts, kMostHeadings, stop) : std::vector<OutlineItem>();
      },
      [this](std::vector<OutlineItem> items) { fill_outline(items); });
}

void PageStrip::fill_outline(const std::vector<OutlineItem>& items) {
  outline_->clear();
  std::vector<std::pair<int, QTreeWidgetItem*>> open;  // level and item, outermost first
  for (const OutlineItem& one : items) {
    while (!open.empty() && open.back().first >= one.level) open.pop_back();
    auto* item = open.empty() ? new QTreeWidgetItem(outline_) : new QTreeWidgetItem(open.back().second);
    item->setText(0, one.title);
    item->setToolTip(0, one.title);
    item->setData(0, Qt::UserRole, static_cast<qint64>(one.part));
    item->setData(0, Qt::UserRole + 1, one.begin);
    item->setData(0, Qt::UserRole + 2, one.end);
    open.emplace_back(one.level, item);
  }
  outline_->expandToDepth(0);
  if (tabs_->currentIndex() == 1) stack_->setCurrentIndex(items.empty() ? 2 : 1);
}

void PageStrip::showEvent(QShowEvent* event) {
  QFrame::showEvent(event);
  if (tabs_->currentIndex() == 1) load_outline();
}

}  // namespace ui
