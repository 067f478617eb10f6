#pragma once

#include <QFrame>
#include <QHash>

#include <map>
#include <memory>
#include <vector>

#include "app/project/project.h"
#include "app/question/prompt_builder.h"
#include "ui/background_task.h"
#include "ui/page/view_marks.h"

class QLabel;
class QLineEdit;
class QStackedWidget;
class QToolButton;

namespace ui {

class CodeView;
class PageStrip;
class PagesView;
class ProjectSession;

/// The reader: pages of a PDF or one source file, with back and forward, zoom and find.
class DocumentPanel final : public QFrame {
  Q_OBJECT

 public:
  explicit DocumentPanel(ProjectSession& session, QWidget* parent = nullptr);

  /// Opens a part at bytes of its text, which are marked; no range marks nothing.
  void open(app::PartId part, std::uint32_t begin = 0, std::uint32_t end = 0);
  void clear();
  app::PartId current_part() const;
  void show_find();
  /// Shows the find bar with these words.
  void find_words(const QString& words);
  void set_heat(const QHash<qint64, std::vector<HeatMark>>& heat);
  /// What is open and where, as one line for the session; and back from it.
  QString state() const;
  void restore_state(const QString& state);
  PagesView* pages() const { return pages_; }
  CodeView* code() const { return code_; }
  PageStrip* strip() const { return strip_; }
  /// Pictures of the pages and the outline, beside a PDF.
  void set_strip_shown(bool shown);
  void set_heat_shown(bool shown);
  void go_back();
  void go_forward();
  /// Asks about the words that are selected; chooses what is selected, and nothing else of these pages or
  /// of this file, as sources; chooses the page or file that is open. What cannot be done does nothing.
  void ask_about_selection();
  void choose_selection();
  void choose_open_part();

 signals:
  void opened(app::PartId part);
  void ask_requested(const QString& words, const QString& place);
  /// Of these parts these passages; an empty list: the whole part.
  void choose_requested(const std::map<app::PartId, app::Passages>& chosen);

 private:
  struct Place {
    app::PartId part = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  QToolButton* add_button(const QString& icon_name, const QString& text);
  void show_place(const Place& place);
  void show_menu(const QPoint& global);
  /// What is selected in the reader, in the form that the sources take.
  std::map<app::PartId, app::Passages> selection() const;
  void show_title();
  void show_strip();
  QHash<qint64, std::vector<HeatMark>> heat_shown() const;
  void find(const QString& words);
  void show_finds();
  void step_find(int step);
  void changeEvent(QEvent* event) override;

  ProjectSession& session_;
  PagesView* pages_;
  CodeView* code_;
  QStackedWidget* stack_;
  PageStrip* strip_;
  QToolButton* strip_button_ = nullptr;
  QLabel* title_;
  QLabel* empty_;
  QToolButton* back_;
  QToolButton* forward_;
  QToolButton* heat_button_;
  QFrame* find_bar_;
  QLineEdit* find_edit_;
  QLabel* find_count_;
  QFrame* head_ = nullptr;
  app::PartId part_ = 0;
  std::vector<Place> history_;
  std::size_t at_ = 0;  // one past the place that is shown
  QHash<qint64, std::vector<HeatMark>> heat_;
  std::vector<Place> finds_;
  int find_at_ = -1;
  Tickets searches_;
  BackgroundThread search_thread_;
};

}  // namespace ui
