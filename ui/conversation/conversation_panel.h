#pragma once

#include <QFrame>
#include <QHash>

#include <memory>
#include <vector>

#include "app/question/citations.h"
#include "ui/background_task.h"
#include "ui/conversation/conversation_export.h"
#include "ui/conversation/conversation_tree.h"
#include "ui/conversation/thinking_part.h"

class QCheckBox;
class QLabel;
class QToolButton;

namespace ui {

class ConversationView;
class QuestionBox;
class TemplatesMenu;
class TurnView;
class Workspace;

/// The conversation with its question box: shows the branch that is open, asks, follows the run.
class ConversationPanel final : public QFrame {
  Q_OBJECT

 public:
  explicit ConversationPanel(Workspace& workspace, QWidget* parent = nullptr);

  void ask(const QString& question);
  void new_conversation();
  /// Shows a saved run: its branch of the present conversation, or a branch that begins with it.
  void open_run(app::RunId run);
  QuestionBox* question_box() const { return box_; }
  ConversationView* view() const { return view_; }
  void set_empty_widget(QWidget* widget);
  void cycle_thinking();
  /// The open branch, for a file; a run that goes on is left out.
  std::vector<ExportedTurn> exported() const;
  /// Marks the words of a generated token in the answer that is open in the map.
  void mark_token(qint64 token);
  app::RunId shown_run() const { return shown_run_; }
  /// Asks these one after the other, each for itself; stopping a run drops the rest.
  void ask_all(const QStringList& questions);
  TemplatesMenu* templates() const { return templates_; }
  bool empty() const;
  /// The questions of the open branch, for finding one again.
  QStringList questions() const;
  void show_question(const QString& question);
  /// Undo and redo of the conversation come here. Not while a question is being answered.
  void restore_tree(const QByteArray& json);
  static constexpr int kUndoId = 1;  // QUndoCommand::id of what changes the conversation

 signals:
  void citation_activated(const app::Citation& citation);
  void citation_hovered(const app::Citation* citation, const QPoint& global);
  void token_clicked(qint64 token);
  void map_requested();
  void prompt_requested(app::RunId run);
  void link_activated(const QString& address);
  void message(const QString& text);

 private:
  QToolButton* make_think_limit();
  void show_think_limit();
  /// Puts another tree in the place of this one, so that it can be undone.
  void change_tree(const QString& what, const ConversationTree& after);
  void remove_turn(int turn);
  void load_conversation();
  void save_conversation();
  void show_branch();
  void wire(TurnView* turn);
  void ask_at(int turn, const QString& question);
  void continue_at(int turn, app::RunId run);
  /// Makes room for a run at this place of the open branch.
  void begin_turn(int turn);
  void tell_earlier();
  int index_of(const TurnView* turn) const;
  void ask_next();
  void on_answer_clicked(TurnView* turn, std::uint32_t byte);

  Workspace& workspace_;
  ConversationView* view_;
  QuestionBox* box_;
  QCheckBox* think_;
  QToolButton* think_limit_;
  QCheckBox* follow_up_;
  TemplatesMenu* templates_;
  ConversationTree tree_;
  QHash<qint64, app::Run> runs_;
  TurnView* running_ = nullptr;
  app::RunId shown_run_ = 0;
  int running_parent_ = -1;
  QStringList waiting_;  // questions of a list that are still to be asked
  ThinkingPart::State thinking_state_ = ThinkingPart::State::kOneLine;
};

}  // namespace ui
