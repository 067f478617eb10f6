#include "ui/sources/sources_panel.h"

#include <QApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QInputDialog>
#include <QJsonDocument>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QToolButton>
#include <QTreeView>
#include <QUndoStack>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/project/project_session.h"
#include "ui/sources/hit_delegate.h"
#include "ui/sources/reading_report.h"
#include "ui/sources/source_delegate.h"
#include "ui/sources/source_dialogs.h"
#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kTokenColumn = 68;
constexpr char kSetsKey[] = "window.source_sets";
constexpr int kNarrowest = 240;  // "Page 128" and its tokens in full

/// Choosing sources can be taken back.
class SourcesCommand final : public QUndoCommand {
 public:
  SourcesCommand(SourceModel& model, const QString& what, SourceState before, SourceState after)
      : QUndoCommand(what), model_(model), before_(std::move(before)), after_(std::move(after)) {}
  void undo() override { model_.restore(before_); }
  void redo() override {
    // The first redo is the change itself, which has happened already.
    if (std::exchange(done_, true)) model_.restore(after_);
  }

 private:
  SourceModel& model_;
  SourceState before_, after_;
  bool done_ = false;
};

class RemoveCommand final : public QUndoCommand {
 public:
  RemoveCommand(ProjectSession& session, app::DocumentId document, const QString& title)
      : QUndoCommand(SourcesPanel::tr("Remove %1").arg(title)), session_(session), document_(document) {}
  void undo() override { session_.restore_document(document_); }
  void redo() override { session_.remove_document(document_); }

 private:
  ProjectSession& session_;
  app::DocumentId document_;
};

QString path_of(const QModelIndex& index) {
  QString path;
  for (QModelIndex at = index; at.isValid(); at = at.parent()) path = at.data().toString() + QLatin1Char('\n') + path;
  return path;
}

}  // namespace

SourcesPanel::SourcesPanel(ProjectSession& session, SourceModel& model, QUndoStack& undo, QWidget* parent)
    : QFrame(parent), session_(session), model_(model), undo_(undo), search_(new QLineEdit), tree_(new QTreeView), hits_title_(new QLabel),
      hits_(new QListWidget), summary_(new QLabel), banner_(new QLabel), unfinished_(new QToolButton), pictures_(new QToolButton),
      report_(new QToolButton), secrets_(new QToolButton), sets_(new QMenu(this)) {
  setMinimumWidth(kNarrowest);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  auto* head = new QHBoxLayout;
  head->setContentsMargins(kGrid, 6, kGrid, 6);
  head->setSpacing(2);
  search_->setPlaceholderText(tr("Search names and texts"));
  search_->setAccessibleName(tr("Search the sources"));
  search_->setClearButtonEnabled(true);
  head->addWidget(search_, 1);
  const auto add = [this, head](const QString& name, const QString& text, void (SourcesPanel::*signal)()) {
    auto* button = new QToolButton;
    button->setIcon(icon(name));
    button->setAutoRaise(true);
    button->setToolTip(text);
    button->setAccessibleName(text);
    connect(button, &QToolButton::clicked, this, signal);
    head->addWidget(button);
  };
  add(QStringLiteral("pdf"), tr("Add PDF or text files"), &SourcesPanel::add_files_requested);
  add(QStringLiteral("tree"), tr("Add a folder with code"), &SourcesPanel::add_folder_requested);
  auto* sets = new QToolButton;
  sets->setIcon(icon(QStringLiteral("list")));
  sets->setAutoRaise(true);
  sets->setToolTip(tr("Saved sets of sources"));
  sets->setAccessibleName(tr("Saved sets of sources"));
  sets->setMenu(sets_);
  sets->setPopupMode(QToolButton::InstantPopup);
  head->addWidget(sets);
  connect(&session_, &ProjectSession::opened, this, &SourcesPanel::load_sets);
  fill_sets();
  layout->addLayout(head);
  banner_->setFont(small_font());
  banner_->setContentsMargins(kGroupGap, 2, kGroupGap, 6);
  banner_->setWordWrap(true);
  banner_->setTextFormat(Qt::PlainText);
  banner_->setObjectName(QStringLiteral("read_only"));
  banner_->setAccessibleName(tr("Open for reading only"));
  banner_->hide();
  layout->addWidget(banner_);

  tree_->setModel(&model_);
  tree_->setItemDelegate(new SourceDelegate(tree_));
  tree_->setHeaderHidden(true);
  tree_->setFrameShape(QFrame::NoFrame);
  tree_->setUniformRowHeights(true);
  tree_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  tree_->setAccessibleName(tr("Sources"));
  tree_->setContextMenuPolicy(Qt::CustomContextMenu);
  tree_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  tree_->header()->setStretchLastSection(false);
  tree_->header()->setSectionResizeMode(SourceModel::kName, QHeaderView::Stretch);
  tree_->header()->setSectionResizeMode(SourceModel::kTokens, QHeaderView::Fixed);
  tree_->header()->resizeSection(SourceModel::kTokens, kTokenColumn);
  layout->addWidget(tree_, 3);

  hits_title_->setFont(strong(small_font()));
  hits_title_->setContentsMargins(kGroupGap, 6, kGroupGap, 2);
  hits_->setFrameShape(QFrame::NoFrame);
  hits_->setItemDelegate(new HitDelegate(hits_));
  hits_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  hits_->setAccessibleName(tr("Places in the texts"));
  layout->addWidget(hits_title_);
  layout->addWidget(hits_, 2);
  summary_->setFont(small_font());
  summary_->setContentsMargins(kGroupGap, 5, kGroupGap, 6);
  summary_->setWordWrap(true);
  make_news(*layout);
  layout->addWidget(summary_);

  connect(search_, &QLineEdit::textChanged, this, &SourcesPanel::search_for);
  connect(search_, &QLineEdit::returnPressed, this, [this] {
    if (hits_->count() > 0) hits_->setFocus();
  });
  connect(&model_, &SourceModel::changed_by_user, this, [this](const QString& what, const SourceState& before, const SourceState& after) {
    undo_.push(new SourcesCommand(model_, what, before, after));
  });
  connect(&model_, &SourceModel::modelAboutToBeReset, this, &SourcesPanel::keep_open_rows);
  connect(&model_, &SourceModel::modelReset, this, &SourcesPanel::restore_open_rows);
  connect(&model_, &SourceModel::ticks_changed, this, &SourcesPanel::show_summary);
  connect(&model_, &SourceModel::tokens_changed, this, &SourcesPanel::show_summary);
  const auto open = [this](const QModelIndex& index) {
    if (const app::PartId part = index.data(SourceModel::kPartRole).toLongLong(); part != 0) emit part_activated(part);
  };
  connect(tree_, &QTreeView::clicked, this, open);
  connect(tree_, &QTreeView::activated, this, open);
  connect(tree_, &QTreeView::customContextMenuRequested, this, &SourcesPanel::show_menu);
  connect(hits_, &QListWidget::itemClicked, this, [this](const QListWidgetItem* item) { open_hit(*item); });
  connect(hits_, &QListWidget::itemActivated, this, [this](const QListWidgetItem* item) { open_hit(*item); });
  tree_->viewport()->installEventFilter(this);
  connect(&session_, &ProjectSession::documents_changed, this, &SourcesPanel::show_news);
  connect(&session_, &ProjectSession::opened, this, &SourcesPanel::show_news);
  connect(&session_, &ProjectSession::closed, this, &SourcesPanel::show_news);
  hits_title_->hide();
  hits_->hide();
  show_summary();
}

void SourcesPanel::focus_search() {
  search_->setFocus();
  search_->selectAll();
}

void SourcesPanel::keep_open_rows() {
  if (model_.filtered()) return;
  open_rows_.clear();
  const auto walk = [this](const auto& self, const QModelIndex& parent) -> void {
    for (int row = 0; row < model_.rowCount(parent); ++row) {
      const QModelIndex index = model_.index(row, 0, parent);
      if (!tree_->isExpanded(index)) continue;
      open_rows_.insert(path_of(index));
      self(self, index);
    }
  };
  walk(walk, {});
}

void SourcesPanel::restore_open_rows() {
  if (model_.filtered()) return;
  if (first_fill_ && model_.rowCount() > 0) {
    first_fill_ = false;
    if (model_.rowCount() <= 3) {
      for (int row = 0; row < model_.rowCount(); ++row) open_rows_.insert(path_of(model_.index(row, 0)));
    }
  }
  const auto walk = [this](const auto& self, const QModelIndex& parent) -> void {
    for (int row = 0; row < model_.rowCount(parent); ++row) {
      const QModelIndex index = model_.index(row, 0, parent);
      if (!open_rows_.contains(path_of(index))) continue;
      tree_->setExpanded(index, true);
      self(self, index);
    }
  };
  walk(walk, {});
}

void SourcesPanel::reveal(app::PartId part) {
  const QModelIndex index = model_.index_of(part);
  if (!index.isValid()) return;
  tree_->setCurrentIndex(index);
  tree_->scrollTo(index);
}

void SourcesPanel::remove_selected() {
  QSet<qint64> documents;
  for (const QModelIndex& index : tree_->selectionModel()->selectedRows()) {
    if (!index.parent().isValid()) documents.insert(index.data(SourceModel::kDocumentRole).toLongLong());
  }
  for (const qint64 id : documents) {
    const app::Document* document = session_.document(id);
    if (document != nullptr) undo_.push(new RemoveCommand(session_, id, QString::fromStdString(document->title)));
  }
}

void SourcesPanel::show_menu(const QPoint& at) {
  const QModelIndex index = tree_->indexAt(at).siblingAtColumn(SourceModel::kName);
  if (!index.isValid()) return;
  QMenu menu(this);
  fill_menu(menu, index);
  menu.exec(tree_->viewport()->mapToGlobal(at));
}

void SourcesPanel::fill_menu(QMenu& menu, const QModelIndex& index) {
  const auto tick = [this](const QModelIndex& which, bool on) { model_.setData(which, on ? Qt::Checked : Qt::Unchecked, Qt::CheckStateRole); };
  menu.addAction(tr("Choose"), this, [=] { tick(index, true); });
  menu.addAction(tr("Leave out"), this, [=] { tick(index, false); });
  menu.addAction(tr("Choose only this"), this, [this, index] {
    choose(model_.parts_below(index));
  });
  QMenu* detail = menu.addMenu(tr("How much of it"));
  const auto add_detail = [this, detail, index](const QString& text, app::Detail how) {
    QAction* action = detail->addAction(text, this, [this, index, how] { model_.set_detail(index, how); });
    action->setCheckable(true);
    action->setChecked(index.data(SourceModel::kDetailRole).toInt() == static_cast<int>(how));
  };
  add_detail(tr("The whole text"), app::Detail::kFull);
  add_detail(tr("Outline: headings, or the lines that declare something"), app::Detail::kOutline);
  add_detail(tr("The name only"), app::Detail::kName);
  menu.addSeparator();
  if (index.parent().isValid()) return;
  const app::DocumentId id = index.data(SourceModel::kDocumentRole).toLongLong();
  menu.addAction(tr("Earlier in the prompt"), this, [this, id] { model_.move_document(id, -1); });
  menu.addAction(tr("Later in the prompt"), this, [this, id] { model_.move_document(id, 1); });
  menu.addSeparator();
  const app::Document* document = session_.document(id);
  if (document == nullptr) return;
  menu.addAction(icon(QStringLiteral("info")), tr("How it was read…"), this, [this, id] { show_report(id); });
  if (!session_.read_only_reason().isEmpty()) return;
  menu.addAction(icon(QStringLiteral("refresh")), document->finished ? tr("Read what has changed") : tr("Go on reading"), this, [this, id] {
    if (const app::Document* now = session_.document(id)) session_.read_again(*now);
  });
  if (!document->revision.empty()) {
    const QString folder = QString::fromStdString(document->path);
    menu.addAction(icon(QStringLiteral("branch")), tr("Add its changes since…"), this, [this, folder] { add_changes(folder); });
  }
  menu.addAction(icon(QStringLiteral("remove")), tr("Remove from the project"), this, &SourcesPanel::remove_selected);
}

void SourcesPanel::make_news(QVBoxLayout& layout) {
  const auto add = [&layout](QToolButton* button, const char* picture, const QString& name) {
    button->setIcon(icon(QString::fromLatin1(picture)));
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setAutoRaise(true);
    button->setFont(small_font());
    button->setAccessibleName(name);
    button->hide();
    layout.addWidget(button);
  };
  add(unfinished_, "refresh", tr("Sources that were not read to their end"));
  add(pictures_, "page", tr("Pages that are pictures"));
  add(report_, "info", tr("What was left out or is doubtful"));
  add(secrets_, "warning", tr("Possible secrets in the chosen sources"));
  connect(unfinished_, &QToolButton::clicked, this, [this] {
    for (const app::Document& document : session_.documents()) {
      if (!document.finished && !session_.is_reading(document)) session_.read_again(document);
    }
    show_news();
  });
  connect(pictures_, &QToolButton::clicked, this, &SourcesPanel::offer_recognition);
  connect(report_, &QToolButton::clicked, this, [this] { show_report(); });
  connect(secrets_, &QToolButton::clicked, this, &SourcesPanel::secrets_requested);
}

void SourcesPanel::show_news() {
  const bool writable = session_.read_only_reason().isEmpty();
  banner_->setText(session_.read_only_reason());
  banner_->setVisible(!writable);
  set_text_color(banner_, ui::tokens().amber);
  int n_unfinished = 0;
  std::int64_t n_out = 0;
  int n_doubtful = 0;
  for (const app::Document& document : session_.documents()) {
    n_unfinished += document.finished || session_.is_reading(document) ? 0 : 1;
    n_out += session_.n_left_out(document.id);
  }
  for (const auto& [document, parts] : session_.parts()) {
    n_doubtful += static_cast<int>(std::count_if(parts.begin(), parts.end(), [](const app::Part& part) { return !part.note.empty() || part.confidence < app::kDoubtfulPage; }));
  }
  const auto n_pictures = static_cast<int>(session_.n_picture_pages());
  unfinished_->setText(tr("%n source(s) not read to the end: go on", nullptr, n_unfinished));
  unfinished_->setVisible(writable && n_unfinished > 0);
  pictures_->setText(tr("%n page(s) without text: recognise…", nullptr, n_pictures));
  pictures_->setVisible(writable && n_pictures > 0);
  QStringList what;
  if (n_doubtful > 0) what << tr("%1 worth a look").arg(grouped(n_doubtful));
  if (n_out > 0) what << tr("%1 left out").arg(grouped(n_out));
  report_->setText(what.join(QStringLiteral(", ")));
  report_->setVisible(!what.isEmpty());
  for (QToolButton* button : {unfinished_, pictures_, report_}) set_text_color(button, ui::tokens().ink_soft);
}

void SourcesPanel::offer_recognition() {
  auto* dialog = new RecogniseDialog(session_.n_picture_pages(), app::recognition_languages(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this, [this, dialog] { session_.recognise(dialog->options()); });
  dialog->open();
}

ReadingReport* SourcesPanel::show_report(app::DocumentId document) {
  auto* report = new ReadingReport(session_, this);
  report->setAttribute(Qt::WA_DeleteOnClose);
  connect(report, &ReadingReport::part_activated, this, &SourcesPanel::part_activated);
  connect(report, &ReadingReport::recognition_requested, this, &SourcesPanel::offer_recognition);
  report->show_document(document);
  report->show();
  return report;
}

void SourcesPanel::add_changes(const QString& folder) {
  auto* dialog = new ChangesDialog(folder, this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this, [this, dialog] { session_.read(dialog->folder(), dialog->options()); });
  dialog->open();
}

void SourcesPanel::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) show_news();
}

void SourcesPanel::set_secrets(int n_parts) {
  secrets_->setVisible(n_parts > 0);
  secrets_->setText(tr("Possible secrets in %n source(s)", nullptr, n_parts));
  set_text_color(secrets_, ui::tokens().amber);
}

void SourcesPanel::leave_out(const std::vector<app::PartId>& parts) {
  std::vector<app::PartId> after = model_.ticked();
  std::erase_if(after, [&](app::PartId part) { return std::find(parts.begin(), parts.end(), part) != parts.end(); });
  choose(after);
}

void SourcesPanel::choose(const std::vector<app::PartId>& parts) {
  const SourceState before = model_.state();
  model_.set_ticked(parts);
  undo_.push(new SourcesCommand(model_, tr("Choose sources"), before, model_.state()));
}

void SourcesPanel::fill_sets() {
  sets_->clear();
  for (auto it = saved_sets_.begin(); it != saved_sets_.end(); ++it) {
    const QJsonObject set = it.value().toObject();
    sets_->addAction(QString(it.key()).replace(QLatin1Char('&'), QLatin1String("&&")), this, [this, set] {
      const SourceState before = model_.state();
      model_.restore(source_state_from_json(set));
      undo_.push(new SourcesCommand(model_, tr("Choose a set"), before, model_.state()));
    });
  }
  if (saved_sets_.isEmpty()) sets_->addAction(tr("No saved sets yet"))->setEnabled(false);
  sets_->addSeparator();
  sets_->addAction(tr("Save this choice…"), this, [this] {
    bool given = false;
    const QString name = QInputDialog::getText(this, tr("Save this choice"), tr("Name of the set"), QLineEdit::Normal, {}, &given).trimmed();
    if (given && !name.isEmpty()) save_set(name);
  });
  if (saved_sets_.isEmpty()) return;
  QMenu* remove = sets_->addMenu(tr("Remove a set"));
  for (const QString& name : saved_sets_.keys()) {
    remove->addAction(QString(name).replace(QLatin1Char('&'), QLatin1String("&&")), this, [this, name] {
      saved_sets_.remove(name);
      store_sets();
    });
  }
}

void SourcesPanel::save_set(const QString& name) {
  saved_sets_.insert(name, source_state_to_json(model_.state()));
  store_sets();
}

void SourcesPanel::store_sets() {
  session_.set_setting(kSetsKey, QJsonDocument(saved_sets_).toJson(QJsonDocument::Compact).toStdString());
  fill_sets();
}

void SourcesPanel::load_sets() {
  saved_sets_ = {};
  fill_sets();
  session_.setting(kSetsKey, this, [this](const QString& json) {
    saved_sets_ = QJsonDocument::fromJson(json.toUtf8()).object();
    fill_sets();
  });
}

void SourcesPanel::show_summary() {
  std::int64_t n_ticked = 0;
  std::int64_t tokens = 0;
  bool exact = true;
  for (const SourceModel::Weight& weight : model_.weights()) {
    n_ticked += weight.n_ticked;
    tokens += weight.ticked_tokens;
    exact &= weight.exact;
  }
  summary_->setVisible(!session_.documents().empty());
  const QString what = n_ticked == 1 ? tr("Chosen: 1 page or file") : tr("Chosen: %1 pages and files").arg(grouped(n_ticked));
  summary_->setText(what + QStringLiteral(", ") + tr("%1%2 tokens").arg(exact ? QString() : tr("about "), grouped(tokens)));
  set_text_color(summary_, ui::tokens().ink_soft);
}

}  // namespace ui
