#include "ui/sources/reading_report.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/project/ingest_text.h"
#include "ui/project/project_session.h"
#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kPart = Qt::UserRole;           // pages: their id
constexpr int kPath = Qt::UserRole + 1;       // left out: the path as the project names it
constexpr int kDocument = Qt::UserRole + 2;   // top rows
constexpr std::size_t kMostListed = 5000;     // of one document; more would only be scrolled past
constexpr int kHiddenHeight = 96;

bool wants_a_look(const app::Part& part) { return !part.note.empty() || part.confidence < app::kDoubtfulPage; }

QTreeWidgetItem* row(QTreeWidgetItem* above, const QString& what, const QString& why) {
  auto* item = new QTreeWidgetItem(above, {what, why});
  item->setToolTip(0, plain_tip(what));
  item->setToolTip(1, plain_tip(why));
  return item;
}

}  // namespace

ReadingReport::ReadingReport(ProjectSession& session, QWidget* parent)
    : QDialog(parent), session_(session), list_(new QTreeWidget), hidden_title_(new QLabel), hidden_(new QPlainTextEdit), include_(nullptr), recognise_(nullptr) {
  setWindowTitle(tr("How the sources were read"));
  resize(760, 520);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  auto* about = new QLabel(tr("Pages worth a look, and files that were left out. Tick a file or folder to have it read all the same."));
  about->setWordWrap(true);
  layout->addWidget(about);
  list_->setAccessibleName(tr("How the sources were read"));
  list_->setHeaderLabels({tr("Source"), tr("What to know")});
  list_->setUniformRowHeights(true);
  list_->setAllColumnsShowFocus(true);
  list_->header()->setStretchLastSection(true);
  list_->header()->resizeSection(0, 320);
  layout->addWidget(list_, 1);
  hidden_title_->setText(tr("Text on this page that cannot be seen. It is left out of every prompt:"));
  hidden_title_->setFont(small_font());
  hidden_->setReadOnly(true);
  hidden_->setAccessibleName(tr("Text that cannot be seen"));
  hidden_->setFixedHeight(kHiddenHeight);
  layout->addWidget(hidden_title_);
  layout->addWidget(hidden_);
  hidden_title_->hide();
  hidden_->hide();
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  include_ = buttons->addButton(tr("Read the ticked ones"), QDialogButtonBox::ActionRole);
  recognise_ = buttons->addButton(tr("Recognise text…"), QDialogButtonBox::ActionRole);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(include_, &QPushButton::clicked, this, &ReadingReport::include_ticked);
  connect(recognise_, &QPushButton::clicked, this, &ReadingReport::recognition_requested);
  connect(list_, &QTreeWidget::itemChanged, this, &ReadingReport::show_buttons);
  connect(list_, &QTreeWidget::currentItemChanged, this, &ReadingReport::show_hidden_text);
  connect(list_, &QTreeWidget::itemActivated, this, [this](const QTreeWidgetItem* item) {
    if (const app::PartId part = item->data(0, kPart).toLongLong(); part != 0) emit part_activated(part);
  });
  connect(&session_, &ProjectSession::documents_changed, this, &ReadingReport::ask_for_left_out);
  connect(&session_, &ProjectSession::closed, this, &QDialog::reject);
  ask_for_left_out();
}

void ReadingReport::ask_for_left_out() {
  std::vector<app::DocumentId> trees;
  for (const app::Document& document : session_.documents()) {
    if (document.kind == app::DocumentKind::kCodeTree) trees.push_back(document.id);
  }
  using LeftOut = std::map<app::DocumentId, std::vector<app::LeftOut>>;
  session_.with_project(
      this,
      [trees](app::Project& project) -> app::Result<LeftOut> {
        LeftOut all;
        for (const app::DocumentId id : trees) {
          TRY_ASSIGN(all[id], project.left_out(id));
        }
        return all;
      },
      [this](app::Result<LeftOut> all) {
        if (all) left_out_ = std::move(*all);
        fill();
      });
}

void ReadingReport::show_document(app::DocumentId document) {
  wanted_ = document;
  for (int i = 0; i < list_->topLevelItemCount(); ++i) {
    QTreeWidgetItem* item = list_->topLevelItem(i);
    if (item->data(0, kDocument).toLongLong() != document) continue;
    item->setExpanded(true);
    list_->setCurrentItem(item);
    list_->scrollToItem(item, QAbstractItemView::PositionAtTop);
  }
}

void ReadingReport::fill() {
  const QTreeWidgetItem* current = list_->currentItem();
  const app::PartId part = current == nullptr ? 0 : current->data(0, kPart).toLongLong();
  while (current != nullptr && current->parent() != nullptr) current = current->parent();
  if (current != nullptr) wanted_ = current->data(0, kDocument).toLongLong();
  const QSignalBlocker quiet(list_);
  ticked_ = ticked();
  list_->clear();
  for (const app::Document& document : session_.documents()) {
    auto* top = new QTreeWidgetItem(list_, {QString::fromStdString(document.title)});
    top->setFont(0, strong(body_font()));
    top->setToolTip(0, plain_tip(QString::fromStdString(document.path)));
    top->setData(0, kDocument, static_cast<qint64>(document.id));
    add_pages(top, document);
    const int n_looks = top->childCount();
    add_left_out(top, document);
    const bool is_pdf = document.kind == app::DocumentKind::kPdf;
    QStringList facts{is_pdf ? tr("%n page(s)", nullptr, static_cast<int>(document.n_parts)) : tr("%n file(s)", nullptr, static_cast<int>(document.n_parts))};
    if (!document.finished && document.n_expected_parts > document.n_parts) facts << tr("%1 still to be read").arg(grouped(document.n_expected_parts - document.n_parts));
    if (n_looks > 0) facts << tr("%1 worth a look").arg(grouped(n_looks));
    if (const std::int64_t n = session_.n_left_out(document.id); n > 0) facts << tr("%1 left out").arg(grouped(n));
    if (!document.revision.empty()) facts << QString::fromStdString(document.revision);
    if (document.kind == app::DocumentKind::kCodeTree && !document.note.empty()) facts << QString::fromStdString(document.note);
    top->setText(1, facts.join(QStringLiteral(" · ")));
    top->setToolTip(1, plain_tip(top->text(1)));
    top->setExpanded(session_.documents().size() == 1);
  }
  show_document(wanted_);
  if (const QTreeWidgetItem* top = list_->currentItem(); top != nullptr && part != 0) {
    for (int i = 0; i < top->childCount(); ++i) {
      if (top->child(i)->data(0, kPart).toLongLong() == part) list_->setCurrentItem(top->child(i));
    }
  }
  show_buttons();
  show_hidden_text();
}

void ReadingReport::add_pages(QTreeWidgetItem* above, const app::Document& document) {
  const auto parts = session_.parts().find(document.id);
  if (parts == session_.parts().end()) return;
  std::size_t n = 0;
  for (const app::Part& part : parts->second) {
    if (!wants_a_look(part) || ++n > kMostListed) continue;
    QStringList why;
    if (!part.note.empty()) why << QString::fromStdString(part.note);
    if (part.confidence < app::kDoubtfulPage && !app::is_picture_page(part)) why << tr("certainty of the reading %1 %").arg(qRound(100 * part.confidence));
    QTreeWidgetItem* item = row(above, session_.part_title(part.id), why.join(QStringLiteral(" · ")));
    item->setData(0, kPart, static_cast<qint64>(part.id));
  }
}

void ReadingReport::add_left_out(QTreeWidgetItem* above, const app::Document& document) {
  const auto files = left_out_.find(document.id);
  if (files == left_out_.end()) return;
  const bool can_include = session_.read_only_reason().isEmpty() && app::source_of(document).changes_since.empty();
  std::size_t n = 0;
  for (const app::LeftOut& file : files->second) {
    if (++n > kMostListed) {
      row(above, tr("and %1 more").arg(grouped(static_cast<std::int64_t>(files->second.size() - kMostListed))), {});
      break;
    }
    QTreeWidgetItem* item = row(above, QString::fromStdString(file.path), QString::fromStdString(file.reason));
    item->setData(0, kPath, QByteArray::fromStdString(file.path));
    item->setForeground(0, tokens().ink_soft);
    if (can_include) item->setCheckState(0, ticked_.contains({document.id, item->data(0, kPath).toByteArray()}) ? Qt::Checked : Qt::Unchecked);
  }
}

void ReadingReport::show_hidden_text() {
  const QTreeWidgetItem* item = list_->currentItem();
  const app::PartId part = item == nullptr ? 0 : item->data(0, kPart).toLongLong();
  const Ticket ticket = texts_.next();
  hidden_title_->hide();
  hidden_->hide();
  if (part == 0) return;
  session_.part_text(part, this, [this, ticket](const std::shared_ptr<const app::PartText>& text) {
    if (!ticket.is_current() || text->hidden.empty()) return;
    hidden_->setPlainText(QString::fromStdString(text->hidden));
    hidden_title_->show();
    hidden_->show();
  });
}

std::set<std::pair<app::DocumentId, QByteArray>> ReadingReport::ticked() const {
  std::set<std::pair<app::DocumentId, QByteArray>> all;
  for (int i = 0; i < list_->topLevelItemCount(); ++i) {
    const QTreeWidgetItem* top = list_->topLevelItem(i);
    for (int j = 0; j < top->childCount(); ++j) {
      if (top->child(j)->checkState(0) == Qt::Checked) all.emplace(top->data(0, kDocument).toLongLong(), top->child(j)->data(0, kPath).toByteArray());
    }
  }
  return all;
}

void ReadingReport::include_ticked() {
  std::map<app::DocumentId, app::IngestOptions> by_document;
  for (const auto& [document, path] : ticked()) by_document[document].include.push_back(path.toStdString());
  for (auto& [id, options] : by_document) {
    if (const app::Document* document = session_.document(id)) session_.read_again(*document, std::move(options));
  }
}

void ReadingReport::show_buttons() {
  include_->setEnabled(!ticked().empty());
  recognise_->setVisible(session_.n_picture_pages() > 0 && session_.read_only_reason().isEmpty());
}

}  // namespace ui
