#include "ui/conversation/conversation_panel.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QTimer>
#include <QToolButton>
#include <QUndoStack>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/conversation/answer_text.h"
#include "ui/conversation/conversation_view.h"
#include "ui/conversation/question_box.h"
#include "ui/review/templates_menu.h"
#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"
#include "ui/window/workspace.h"

namespace ui {
namespace {

constexpr char kConversationKey[] = "window.conversation";
constexpr char kDraftKey[] = "window.draft";
constexpr int kThinkLimits[] = {0, 256, 1024, 4096, 16384};  // tokens; 0: none

class TreeCommand final : public QUndoCommand {
 public:
  TreeCommand(ConversationPanel& panel, const QString& what, QByteArray before, QByteArray after)
      : QUndoCommand(what), panel_(panel), before_(std::move(before)), after_(std::move(after)) {}
  int id() const override { return ConversationPanel::kUndoId; }
  void undo() override { panel_.restore_tree(before_); }
  void redo() override { panel_.restore_tree(after_); }

 private:
  ConversationPanel& panel_;
  QByteArray before_;
  QByteArray after_;
};

}  // namespace

ConversationPanel::ConversationPanel(Workspace& workspace, QWidget* parent)
    : QFrame(parent), workspace_(workspace), view_(new ConversationView), box_(new QuestionBox), think_(new QCheckBox(tr("Think first"))), think_limit_(make_think_limit()),
      follow_up_(new QCheckBox(tr("Send earlier turns along"))), templates_(new TemplatesMenu(workspace.session(), this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  setBackgroundRole(QPalette::Base);
  setAutoFillBackground(true);
  layout->addWidget(view_, 1);
  auto* below = new QVBoxLayout;
  below->setContentsMargins(kPanelMargin, kTight, kPanelMargin, kGroupGap);
  below->setSpacing(kTight);
  below->addWidget(box_);
  auto* row = new QHBoxLayout;
  row->setSpacing(kPanelMargin);
  think_->setFont(small_font());
  think_->setChecked(true);
  think_->setToolTip(tr("The model thinks before it answers, where it can."));
  follow_up_->setFont(small_font());
  follow_up_->setToolTip(tr("The questions and answers above go into the prompt with the next question."));
  auto* thinking = new QHBoxLayout;
  thinking->setSpacing(0);
  thinking->addWidget(think_);
  thinking->addWidget(think_limit_);
  row->addLayout(thinking);
  row->addWidget(follow_up_);
  row->addStretch(1);
  auto* templates = new QToolButton;
  templates->setText(tr("Templates"));
  templates->setIcon(icon(QStringLiteral("list")));
  templates->setFont(small_font());
  templates->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  templates->setAutoRaise(true);
  templates->setAccessibleName(tr("Prompt templates"));
  templates->setMenu(templates_);
  templates->setPopupMode(QToolButton::InstantPopup);
  row->addWidget(templates);
  below->addLayout(row);
  connect(templates_, &TemplatesMenu::chosen, this, [this](const app::PromptTemplate& one) {
    QStringList variables;
    for (const std::string& name : app::variables_of(one)) variables << QString::fromStdString(name);
    box_->set_template(QString::fromStdString(one.text), variables);
  });
  connect(templates_, &TemplatesMenu::questions_listed, this, &ConversationPanel::ask_all);
  connect(templates_, &TemplatesMenu::failed, this, &ConversationPanel::message);
  layout->addLayout(below);

  connect(box_, &QuestionBox::asked, this, &ConversationPanel::ask);
  connect(box_, &QuestionBox::stopped, this, [this] { workspace_.asker().stop(); });
  connect(box_, &QuestionBox::text_changed, this, [this] {
    workspace_.set_draft(box_->text());
    workspace_.session().set_setting(kDraftKey, box_->text().toStdString());
  });
  connect(think_, &QCheckBox::toggled, &workspace_, &Workspace::set_thinking);
  connect(&workspace_, &Workspace::question_settings_changed, this, &ConversationPanel::show_think_limit);
  connect(follow_up_, &QCheckBox::toggled, this, &ConversationPanel::tell_earlier);
  connect(&workspace_, &Workspace::obstacle_changed, this, [this] { box_->set_obstacle(workspace_.obstacle()); });
  connect(&workspace_, &Workspace::model_changed, this, [this] {
    const auto engine = workspace_.asker().engine();
    think_->setVisible(engine == nullptr || engine->layout().thinking);
    think_limit_->setVisible(think_->isVisibleTo(this));
  });
  connect(&workspace_.session(), &ProjectSession::opened, this, &ConversationPanel::load_conversation);
  connect(&workspace_.session(), &ProjectSession::closed, this, [this] {
    view_->clear();
    tree_.clear();
    running_ = nullptr;
  });
  AskController& asker = workspace_.asker();
  connect(&asker, &AskController::progressed, this, [this, &asker] {
    if (running_ != nullptr) running_->show_run(asker.run());
  });
  connect(&workspace_, &Workspace::citations_found, this, [this](const std::vector<app::Citation>& citations) {
    if (running_ != nullptr) running_->set_citations(citations);
  });
  connect(&workspace_, &Workspace::trace_ready, this, [this] {
    for (int i = 0; i < view_->n_turns(); ++i) {
      if (view_->turn(i)->run_id() == workspace_.trace_run() && workspace_.trace_run() != 0) view_->turn(i)->set_evidence(workspace_.evidence());
    }
  });
  connect(&asker, &AskController::finished, this, [this, &asker](std::shared_ptr<const app::Answer> answer) {
    box_->set_running(false);
    if (running_ == nullptr) return;
    running_->set_citations(answer->citations);
    running_->show_run(asker.run());
    running_->set_run_id(answer->run.id);
    shown_run_ = answer->run.id;
    if (answer->run.id != 0) {
      runs_.insert(answer->run.id, answer->run);
      tree_.add(running_parent_, answer->run.id);
      save_conversation();
      const std::vector<int> branch = tree_.branch();
      const std::vector<int> versions = tree_.versions(branch.back());
      running_->set_branch(static_cast<int>(versions.size()) - 1, static_cast<int>(versions.size()));
    }
    running_ = nullptr;
    tell_earlier();
    if (asker.run().end == "cancelled") waiting_.clear();
    else ask_next();
  });
  connect(&asker, &AskController::failed, this, [this, &asker] {
    box_->set_running(false);
    if (running_ != nullptr) running_->show_run(asker.run());
    running_ = nullptr;
    waiting_.clear();
  });
  connect(view_, &ConversationView::turn_added, this, &ConversationPanel::wire);
  box_->set_obstacle(workspace_.obstacle());
  show_think_limit();
}

QToolButton* ConversationPanel::make_think_limit() {
  auto* button = new QToolButton;
  button->setIcon(icon(QStringLiteral("chevron-down")));
  button->setAutoRaise(true);
  button->setAccessibleName(tr("How long it may think"));
  button->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(button);
  for (const int limit : kThinkLimits) {
    QAction* action = menu->addAction(limit == 0 ? tr("As long as it likes") : tr("At most %1 tokens").arg(grouped(limit)), this, [this, limit] { workspace_.set_max_thinking(limit); });
    action->setCheckable(true);
    action->setData(limit);
  }
  button->setMenu(menu);
  return button;
}

void ConversationPanel::show_think_limit() {
  const int limit = workspace_.question_settings().max_thinking_tokens;
  for (QAction* action : think_limit_->menu()->actions()) action->setChecked(action->data().toInt() == limit);
  think_->setText(limit == 0 ? tr("Think first") : tr("Think first, at most %1").arg(grouped(limit)));
  think_limit_->setToolTip(limit == 0 ? tr("It may think as long as it likes.") : tr("Thinking is closed after %1 tokens, and the answer begins.").arg(grouped(limit)));
}

void ConversationPanel::restore_tree(const QByteArray& json) {
  tree_ = ConversationTree::from_json(json);
  save_conversation();
  show_branch();
}

void ConversationPanel::change_tree(const QString& what, const ConversationTree& after) {
  workspace_.undo().push(new TreeCommand(*this, what, tree_.to_json(), after.to_json()));
}

void ConversationPanel::remove_turn(int turn) {
  const std::vector<int> branch = tree_.branch();
  if (workspace_.asker().running()) {
    emit message(tr("A question is being answered; remove this one when it is done."));
    return;
  }
  if (turn < 0 || turn >= static_cast<int>(branch.size())) return;
  ConversationTree after = tree_;
  after.remove(branch[static_cast<std::size_t>(turn)]);
  change_tree(tr("Remove from the conversation"), after);
}

void ConversationPanel::set_empty_widget(QWidget* widget) { view_->set_empty_widget(widget); }

bool ConversationPanel::empty() const { return view_->n_turns() == 0; }

void ConversationPanel::ask(const QString& question) { ask_at(view_->n_turns(), question); }

void ConversationPanel::ask_all(const QStringList& questions) {
  if (workspace_.asker().running()) {
    emit message(tr("A question is being answered; ask the list when it is done."));
    return;
  }
  if (const QString obstacle = workspace_.obstacle(); !obstacle.isEmpty()) {
    emit message(obstacle);
    return;
  }
  follow_up_->setChecked(false);
  waiting_ = questions;
  ask_next();
}

void ConversationPanel::ask_next() {
  if (waiting_.isEmpty()) return;
  // The run that has just ended is still being delivered: the next one begins in an event of its own.
  QTimer::singleShot(0, this, [this] {
    if (!waiting_.isEmpty() && !workspace_.asker().running()) ask(waiting_.takeFirst());
  });
}

void ConversationPanel::ask_at(int turn, const QString& question) {
  if (workspace_.asker().running() || !workspace_.obstacle().isEmpty()) return;
  begin_turn(turn);
  tell_earlier();
  workspace_.ask(question);
  running_->show_run(workspace_.asker().run());
  box_->set_running(true);
  box_->set_text({});
  view_->scroll_to_end();
}

void ConversationPanel::continue_at(int turn, app::RunId run) {
  if (const QString obstacle = workspace_.obstacle_to_continue(); !obstacle.isEmpty() || !runs_.contains(run)) {
    emit message(obstacle);
    return;
  }
  begin_turn(turn);
  workspace_.continue_run(runs_[run]);
  running_->show_run(workspace_.asker().run());
  box_->set_running(workspace_.asker().running());
  view_->scroll_to_end();
}

void ConversationPanel::begin_turn(int turn) {
  const std::vector<int> branch = tree_.branch();
  running_parent_ = turn == 0 || branch.empty() ? -1 : branch[static_cast<std::size_t>(std::min<int>(turn, static_cast<int>(branch.size())) - 1)];
  view_->remove_from(turn);
  running_ = view_->add_turn();
}

void ConversationPanel::wire(TurnView* turn) {
  turn->thinking_part()->set_state(thinking_state_);
  connect(turn->thinking_part(), &ThinkingPart::state_changed, this, [this, turn] { thinking_state_ = turn->thinking_part()->state(); });
  connect(turn, &TurnView::citation_clicked, this, &ConversationPanel::citation_activated);
  connect(turn, &TurnView::citation_hovered, this, &ConversationPanel::citation_hovered);
  connect(turn, &TurnView::link_clicked, this, &ConversationPanel::link_activated);
  connect(turn, &TurnView::answer_byte_clicked, this, [this, turn](std::uint32_t byte) { on_answer_clicked(turn, byte); });
  connect(turn, &TurnView::map_requested, this, [this, turn] {
    if (turn->run_id() != 0 && turn->run_id() != shown_run_) {
      shown_run_ = turn->run_id();
      workspace_.show_run(shown_run_);
    }
    emit map_requested();
  });
  connect(turn, &TurnView::remove_requested, this, [this, turn] { remove_turn(index_of(turn)); });
  connect(turn->thinking_part(), &ThinkingPart::answer_now_requested, this, [this] { workspace_.asker().answer_now(); });
  connect(turn, &TurnView::prompt_requested, this, [this, turn] { emit prompt_requested(turn->run_id()); });
  connect(turn, &TurnView::edit_requested, this, [this, turn] {
    box_->set_text(turn->question());
    box_->focus();
  });
  connect(turn, &TurnView::continue_requested, this, [this, turn] { continue_at(index_of(turn), turn->run_id()); });
  connect(turn, &TurnView::again_requested, this, [this, turn] { ask_at(index_of(turn), turn->question()); });
  connect(turn, &TurnView::branch_requested, this, [this, turn](int step) {
    const std::vector<int> branch = tree_.branch();
    const int at = index_of(turn);
    if (at < 0 || at >= static_cast<int>(branch.size())) return;
    tree_.step(branch[static_cast<std::size_t>(at)], step);
    save_conversation();
    show_branch();
  });
}

int ConversationPanel::index_of(const TurnView* turn) const {
  for (int i = 0; i < view_->n_turns(); ++i) {
    if (view_->turn(i) == turn) return i;
  }
  return -1;
}

void ConversationPanel::on_answer_clicked(TurnView* turn, std::uint32_t byte) {
  if (turn->run_id() == 0) return;
  if (turn->run_id() != shown_run_) {
    shown_run_ = turn->run_id();
    workspace_.show_run(shown_run_);
    return;
  }
  const auto& trace = workspace_.trace();
  if (trace == nullptr || trace->token_texts.empty()) return;
  // The texts of the generated tokens end with the answer's: counted from the end, thinking is left aside.
  std::int64_t end = static_cast<std::int64_t>(turn->answer().size());
  for (auto token = static_cast<std::int64_t>(trace->token_texts.size()) - 1; token >= 0 && end > 0; --token) {
    const std::int64_t begin = end - static_cast<std::int64_t>(trace->token_texts[static_cast<std::size_t>(token)].size());
    if (static_cast<std::int64_t>(byte) >= begin && static_cast<std::int64_t>(byte) < end) {
      turn->answer_text()->mark_bytes(static_cast<std::uint32_t>(std::max<std::int64_t>(0, begin)), static_cast<std::uint32_t>(end));
      emit token_clicked(token);
      return;
    }
    end = begin;
  }
}

void ConversationPanel::mark_token(qint64 token) {
  const auto& trace = workspace_.trace();
  if (trace == nullptr) return;
  for (int i = 0; i < view_->n_turns(); ++i) {
    TurnView* turn = view_->turn(i);
    if (turn->run_id() != shown_run_) continue;
    std::int64_t end = static_cast<std::int64_t>(turn->answer().size());
    for (auto at = static_cast<std::int64_t>(trace->token_texts.size()) - 1; at > token; --at) end -= static_cast<std::int64_t>(trace->token_texts[static_cast<std::size_t>(at)].size());
    if (token < 0 || token >= static_cast<qint64>(trace->token_texts.size()) || end <= 0) {
      turn->answer_text()->mark_bytes(0, 0);
      return;
    }
    const std::int64_t begin = end - static_cast<std::int64_t>(trace->token_texts[static_cast<std::size_t>(token)].size());
    turn->answer_text()->mark_bytes(static_cast<std::uint32_t>(std::max<std::int64_t>(0, begin)), static_cast<std::uint32_t>(end));
  }
}

void ConversationPanel::new_conversation() {
  if (workspace_.asker().running()) return;
  if (!tree_.empty()) change_tree(tr("Begin a new conversation"), ConversationTree());
  view_->clear();  // what could not be saved is in no tree
  tell_earlier();
  box_->focus();
}

void ConversationPanel::open_run(app::RunId run) {
  if (workspace_.asker().running()) {
    emit message(tr("A question is being answered; open the run when it is done."));
    return;
  }
  if (!tree_.open(run)) tree_.add(-1, run);
  save_conversation();
  show_branch();
  for (int i = 0; i < view_->n_turns(); ++i) {
    if (view_->turn(i)->run_id() == run) view_->ensureWidgetVisible(view_->turn(i), 0, kPanelMargin);
  }
}

void ConversationPanel::tell_earlier() {
  std::vector<app::PastTurn> earlier;
  for (int i = 0; follow_up_->isChecked() && i < view_->n_turns(); ++i) {
    if (view_->turn(i) != running_) earlier.push_back({view_->turn(i)->question().toStdString(), view_->turn(i)->answer()});
  }
  workspace_.set_earlier(std::move(earlier));
}

void ConversationPanel::cycle_thinking() {
  using State = ThinkingPart::State;
  thinking_state_ = thinking_state_ == State::kHidden ? State::kOneLine : thinking_state_ == State::kOneLine ? State::kFull : State::kHidden;
  for (int i = 0; i < view_->n_turns(); ++i) view_->turn(i)->thinking_part()->set_state(thinking_state_);
}

void ConversationPanel::load_conversation() {
  workspace_.session().setting(kDraftKey, this, [this](const QString& draft) {
    if (box_->text().isEmpty() && !draft.isEmpty()) box_->set_text(draft);
  });
  struct Loaded {
    ConversationTree tree;
    std::vector<app::Run> runs;
  };
  workspace_.session().with_project(
      this,
      [](app::Project& project) -> app::Result<Loaded> {
        Loaded loaded;
        TRY_ASSIGN(const std::optional<std::string> json, project.setting(kConversationKey));
        if (!json) return loaded;
        loaded.tree = ConversationTree::from_json(QByteArray::fromStdString(*json));
        for (const int node : loaded.tree.branch()) {
          TRY_ASSIGN(app::Run run, project.run(loaded.tree.run(node)));
          loaded.runs.push_back(std::move(run));
        }
        return loaded;
      },
      [this](app::Result<Loaded> loaded) {
        if (!loaded || running_ != nullptr || !tree_.empty()) return;
        tree_ = std::move(loaded->tree);
        for (app::Run& run : loaded->runs) runs_.insert(run.id, std::move(run));
        show_branch();
      });
}

void ConversationPanel::save_conversation() {
  workspace_.session().set_setting(kConversationKey, tree_.to_json().toStdString());
}

void ConversationPanel::show_branch() {
  view_->clear();
  for (const int node : tree_.branch()) {
    const app::RunId id = tree_.run(node);
    if (!runs_.contains(id)) {
      // A version that was not on screen yet: read it, then show the branch again.
      workspace_.session().with_project(
          this, [id](app::Project& project) { return project.run(id); },
          [this](app::Result<app::Run> run) {
            if (!run) return;
            runs_.insert(run->id, *run);
            show_branch();
          });
      return;
    }
    const app::Run& run = runs_[id];
    TurnView* turn = view_->add_turn();
    auto citations = app::citations_from_json(run.citations_json);
    turn->show_saved(run, citations ? std::move(*citations) : std::vector<app::Citation>());
    const std::vector<int> versions = tree_.versions(node);
    turn->set_branch(static_cast<int>(std::find(versions.begin(), versions.end(), node) - versions.begin()), static_cast<int>(versions.size()));
  }
  if (view_->n_turns() > 0) {
    shown_run_ = view_->last_turn()->run_id();
    workspace_.show_run(shown_run_);
  }
  tell_earlier();
  view_->scroll_to_end();
}

QStringList ConversationPanel::questions() const {
  QStringList result;
  for (int i = 0; i < view_->n_turns(); ++i) result << view_->turn(i)->question();
  return result;
}

void ConversationPanel::show_question(const QString& question) {
  for (int i = 0; i < view_->n_turns(); ++i) {
    if (view_->turn(i)->question() == question) view_->ensureWidgetVisible(view_->turn(i), 0, kPanelMargin);
  }
}

std::vector<ExportedTurn> ConversationPanel::exported() const {
  std::vector<ExportedTurn> turns;
  for (int i = 0; i < view_->n_turns(); ++i) {
    const TurnView* turn = view_->turn(i);
    if (turn == running_) continue;
    // A run that could not be saved is known by what is shown of it.
    app::Run run = runs_.value(turn->run_id());
    run.question = turn->question().toStdString();
    run.answer = turn->answer();
    turns.push_back({std::move(run), turn->citations()});
  }
  return turns;
}

}  // namespace ui
