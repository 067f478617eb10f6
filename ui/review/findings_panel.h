#pragma once

#include <QFrame>

#include <vector>

#include "app/question/findings.h"
#include "ui/review/finding_list.h"

class QLabel;
class QListView;
class QPlainTextEdit;
class QStackedWidget;
class QToolButton;

namespace ui {

class ProjectSession;

/// What a review found, worst first, each held against the sources: whether its lines exist and hold
/// the quoted code. A finding opens in the code view or in an editor; all go out as Markdown or SARIF.
class FindingsPanel final : public QFrame {
  Q_OBJECT

 public:
  explicit FindingsPanel(ProjectSession& session, QWidget* parent = nullptr);

  void set_findings(std::vector<app::Finding> findings, const QString& title);
  const FindingList& list() const { return *list_; }
  QListView* view() const { return view_; }
  QString summary() const;
  /// A program with {file} and {line}; empty: a known one.
  void set_editor_command(const QString& command) { editor_command_ = command; }
  /// The current finding in the code view; does nothing where its place does not exist.
  void open_current();
  void open_current_in_editor();

 signals:
  void place_activated(app::PartId part, std::uint32_t begin, std::uint32_t end);
  void message(const QString& text);

 private:
  QToolButton* add_button(const QString& icon_name, const QString& text);
  QWidget* make_head();
  void show_current();
  void show_state();
  void save_as(const QString& file_type);
  void changeEvent(QEvent* event) override;

  ProjectSession& session_;
  FindingList* list_;
  QListView* view_;
  QStackedWidget* stack_;
  QLabel* empty_;
  QLabel* summary_;
  QPlainTextEdit* details_;
  QToolButton* severities_[3] = {};
  QToolButton* editor_ = nullptr;
  QToolButton* save_ = nullptr;
  QString title_;
  QString editor_command_;
};

}  // namespace ui
