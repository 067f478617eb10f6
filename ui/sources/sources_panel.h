#pragma once

#include <QFrame>
#include <QJsonObject>
#include <QSet>

#include <vector>

#include "app/project/project.h"
#include "ui/background_task.h"

class QLabel;
class QLineEdit;
class QListWidget;
class QListWidgetItem;
class QMenu;
class QStackedWidget;
class QToolButton;
class QTreeView;
class QUndoStack;
class QVBoxLayout;

namespace ui {

class ProjectSession;
class ReadingReport;
class SourceModel;

/// The project's sources: a tree with tick boxes and tokens, a filter over names, and below it where
/// the words typed stand in the texts.
class SourcesPanel final : public QFrame {
  Q_OBJECT

 public:
  SourcesPanel(ProjectSession& session, SourceModel& model, QUndoStack& undo, QWidget* parent = nullptr);

  void focus_search();
  /// Chosen rows' documents are taken out of the project; can be undone.
  void remove_selected();
  QTreeView* tree() const { return tree_; }
  QLineEdit* search() const { return search_; }
  /// Opens the first document's row, so that a small project shows its pages at once.
  void reveal(app::PartId part);
  /// How many chosen files hold what may be secrets; 0 takes the warning away.
  void set_secrets(int n_parts);
  /// Unticks these parts; can be undone.
  void leave_out(const std::vector<app::PartId>& parts);
  /// Keeps what is chosen now, and how much of it, under a name in the project.
  void save_set(const QString& name);
  QMenu* sets() const { return sets_; }
  QListWidget* hits() const { return hits_; }
  /// Asks for the language and gives pages that are pictures to the text recognition of this system.
  void offer_recognition();
  /// Opens the list of what is doubtful or left out, at this document.
  ReadingReport* show_report(app::DocumentId document = 0);
  /// Asks for a folder under git and adds its changes since a branch or commit.
  void add_changes(const QString& folder = {});
  /// What may be done with this row, for its menu.
  void fill_menu(QMenu& menu, const QModelIndex& index);

 signals:
  void part_activated(app::PartId part);
  void hit_activated(app::PartId part, const QString& words);
  void place_activated(app::PartId part, std::uint32_t begin, std::uint32_t end);
  void add_files_requested();
  void add_folder_requested();
  void secrets_requested();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Found {
    std::vector<app::SymbolHit> symbols;
    std::vector<app::SearchHit> places;
  };
  void make_news(QVBoxLayout& layout);
  void search_for(const QString& words);
  void show_hits(const Found& found);
  void open_hit(const QListWidgetItem& item);
  /// Which rows want the reader's attention: read-only, unfinished, pictures, doubtful, left out.
  void show_news();
  void show_tip(const QModelIndex& index, const QPoint& at);
  void keep_open_rows();
  void restore_open_rows();
  void show_menu(const QPoint& at);
  void show_summary();
  void choose(const std::vector<app::PartId>& parts);
  void fill_sets();
  void load_sets();
  void store_sets();

  ProjectSession& session_;
  SourceModel& model_;
  QUndoStack& undo_;
  QLineEdit* search_;
  QTreeView* tree_;
  QLabel* hits_title_;
  QListWidget* hits_;
  QLabel* summary_;
  QLabel* banner_;
  QToolButton* unfinished_;
  QToolButton* pictures_;
  QToolButton* report_;
  QToolButton* secrets_;
  QMenu* sets_;
  QJsonObject saved_sets_;
  QSet<QString> open_rows_;
  Tickets searches_;
  Tickets tips_;
  bool first_fill_ = true;
};

}  // namespace ui
