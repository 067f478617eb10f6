#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QUndoStack>

#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/question_box.h"
#include "ui/page/document_panel.h"
#include "ui/page/page_strip.h"
#include "ui/review/templates_menu.h"
#include "ui/sources/sources_panel.h"
#include "ui/theme/icons.h"
#include "ui/window/command_palette.h"
#include "ui/window/main_window.h"
#include "ui/window/project_upkeep.h"
#include "ui/window/workspace.h"

namespace ui {

QAction* MainWindow::command(QMenu* menu, const QString& id, const QString& text, const QKeySequence& keys, std::function<void()> run,
                             const QString& icon_name) {
  auto* action = new QAction(text, this);
  action->setObjectName(id);
  action->setShortcut(keys);
  action->setProperty("default_keys", keys.toString(QKeySequence::PortableText));
  if (!icon_name.isEmpty()) action->setIcon(icon(icon_name));
  action->setProperty("icon_name", icon_name);
  connect(action, &QAction::triggered, this, std::move(run));
  menu->addAction(action);
  addAction(action);
  commands_.append(action);
  return action;
}

void MainWindow::make_commands() {
  make_file_menu();
  make_edit_menu();
  make_view_menu();
  make_go_menu();
  make_run_menu();
  make_help_menu();
}

void MainWindow::make_file_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&File"));
  command(menu, QStringLiteral("file.open"), tr("&Open or make a project…"), QKeySequence::Open, [this] { choose_project(); }, QStringLiteral("open"));
  QMenu* recent = menu->addMenu(tr("Recent projects"));
  connect(recent, &QMenu::aboutToShow, this, [this, recent] { fill_recent(recent); });
  command(menu, QStringLiteral("file.sample"), tr("Open the &sample"), {}, [this] { open_sample(); }, QStringLiteral("sample"));
  menu->addSeparator();
  command(menu, QStringLiteral("file.add_files"), tr("Add &files…"), QKeySequence(QStringLiteral("Ctrl+Shift+F")), [this] { choose_files(); }, QStringLiteral("pdf"));
  command(menu, QStringLiteral("file.add_folder"), tr("Add a fol&der…"), QKeySequence(QStringLiteral("Ctrl+Shift+D")), [this] { choose_folder(); }, QStringLiteral("tree"));
  QAction* changes = command(menu, QStringLiteral("file.add_changes"), tr("Add &changes under git…"), {}, [this] { sources_->add_changes(); }, QStringLiteral("branch"));
  menu->addSeparator();
  QAction* report = command(menu, QStringLiteral("file.report"), tr("&How the sources were read…"), {}, [this] { sources_->show_report(); }, QStringLiteral("info"));
  QAction* recognise = command(menu, QStringLiteral("file.recognise"), tr("&Recognise text in pictures…"), {}, [this] { sources_->offer_recognition(); }, QStringLiteral("page"));
  menu->addSeparator();
  QAction* backup = command(menu, QStringLiteral("file.backup"), tr("&Back up a copy…"), {}, [this] { upkeep_->choose_backup(); }, QStringLiteral("copy"));
  QAction* compact = command(menu, QStringLiteral("file.compact"), tr("Co&mpact the project…"), {}, [this] { upkeep_->choose_compact(); });
  QAction* check = command(menu, QStringLiteral("file.check"), tr("Chec&k the project"), {}, [this] { upkeep_->check(); }, QStringLiteral("check"));
  const ProjectSession& session = workspace_.session();
  const auto enable = [&session, reading = QList<QAction*>{report, backup, check}, writing = QList<QAction*>{changes, recognise, compact}] {
    const bool open = session.is_open();
    for (QAction* action : reading) action->setEnabled(open);
    for (QAction* action : writing) action->setEnabled(open && session.read_only_reason().isEmpty());
  };
  connect(&session, &ProjectSession::opened, this, enable);
  connect(&session, &ProjectSession::closed, this, enable);
  enable();
  menu->addSeparator();
  command(menu, QStringLiteral("file.export"), tr("&Export the conversation…"), QKeySequence(QStringLiteral("Ctrl+E")), [this] { export_conversation(); }, QStringLiteral("export"));
  menu->addSeparator();
  command(menu, QStringLiteral("file.quit"), tr("&Quit"), QKeySequence(QStringLiteral("Ctrl+Q")), [this] { close(); });
}

void MainWindow::fill_recent(QMenu* menu) {
  menu->clear();
  for (const QString& path : settings_.recent_projects()) {
    menu->addAction(QFileInfo(path).completeBaseName(), this, [this, path] { open_project(path.toStdString()); })->setToolTip(path);
  }
  if (menu->isEmpty()) menu->addAction(tr("None yet"))->setEnabled(false);
}

void MainWindow::make_edit_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Edit"));
  QUndoStack& undo = workspace_.undo();
  // The run that goes on has its place in the conversation as it is.
  const auto waits = [this, &undo](int command) {
    const QUndoCommand* next = undo.command(command);
    if (next == nullptr || next->id() != ConversationPanel::kUndoId || !workspace_.asker().running()) return false;
    show_message(tr("A question is being answered; undo changes of the conversation when it is done."));
    return true;
  };
  QAction* undo_action = command(menu, QStringLiteral("edit.undo"), tr("&Undo"), QKeySequence::Undo, [&undo, waits] { if (!waits(undo.index() - 1)) undo.undo(); });
  QAction* redo_action = command(menu, QStringLiteral("edit.redo"), tr("&Redo"), QKeySequence::Redo, [&undo, waits] { if (!waits(undo.index())) undo.redo(); });
  undo_action->setEnabled(false);
  redo_action->setEnabled(false);
  connect(&undo, &QUndoStack::canUndoChanged, undo_action, &QAction::setEnabled);
  connect(&undo, &QUndoStack::canRedoChanged, redo_action, &QAction::setEnabled);
  connect(&undo, &QUndoStack::undoTextChanged, undo_action, [undo_action](const QString& text) { undo_action->setText(tr("&Undo %1").arg(text).trimmed()); });
  connect(&undo, &QUndoStack::redoTextChanged, redo_action, [redo_action](const QString& text) { redo_action->setText(tr("&Redo %1").arg(text).trimmed()); });
  menu->addSeparator();
  command(menu, QStringLiteral("edit.find"), tr("&Find in the document"), QKeySequence::Find, [this] { document_->show_find(); }, QStringLiteral("search"));
  command(menu, QStringLiteral("edit.ask_selection"), tr("&Ask about the selection"), QKeySequence(QStringLiteral("Ctrl+Shift+L")), [this] { document_->ask_about_selection(); }, QStringLiteral("ask"));
  command(menu, QStringLiteral("edit.choose_selection"), tr("Choose only the selec&ted lines as source"), {}, [this] { document_->choose_selection(); }, QStringLiteral("code"));
  command(menu, QStringLiteral("edit.choose_part"), tr("Choose the open page or file as source"), {}, [this] { document_->choose_open_part(); }, QStringLiteral("page"));
  command(menu, QStringLiteral("edit.search"), tr("&Search the sources"), QKeySequence(QStringLiteral("Ctrl+K")), [this] { sources_->focus_search(); });
  command(menu, QStringLiteral("edit.remove"), tr("Re&move the chosen documents"), {}, [this] { sources_->remove_selected(); }, QStringLiteral("remove"));
  menu->addSeparator();
  command(menu, QStringLiteral("edit.settings"), tr("&Settings…"), QKeySequence(QStringLiteral("Ctrl+,")), [this] { show_settings(SettingsDialog::kModel); }, QStringLiteral("settings"));
  command(menu, QStringLiteral("edit.shortcuts"), tr("&Keyboard shortcuts…"), {}, [this] { show_settings(SettingsDialog::kKeys); }, QStringLiteral("list"));
}

void MainWindow::make_view_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&View"));
  layout_actions_ = new QActionGroup(this);
  const auto layout = [this, menu](const QString& id, const QString& text, const char* keys, Layout which, const QString& icon_name) {
    QAction* action = command(menu, id, text, QKeySequence(QString::fromLatin1(keys)), [this, which] { set_layout(which); }, icon_name);
    action->setCheckable(true);
    layout_actions_->addAction(action);
  };
  layout(QStringLiteral("view.read"), tr("&Read"), "Ctrl+1", Layout::kRead, QStringLiteral("read"));
  layout(QStringLiteral("view.review"), tr("Re&view"), "Ctrl+2", Layout::kReview, QStringLiteral("review"));
  layout(QStringLiteral("view.inspect"), tr("&Inspect"), "Ctrl+3", Layout::kInspect, QStringLiteral("inspect"));
  command(menu, QStringLiteral("view.reset"), tr("Reset this layout"), {}, [this] { default_layout(layout_); });
  menu->addSeparator();
  for (const char* name : {"sources", "conversation", "page", "findings", "map", "jobs"}) {
    QAction* action = docks_[QString::fromLatin1(name)]->toggleViewAction();
    action->setObjectName(QStringLiteral("view.panel.") + QString::fromLatin1(name));
    menu->addAction(action);
    commands_.append(action);
  }
  menu->addSeparator();
  QMenu* themes = menu->addMenu(tr("&Theme"));
  auto* group = new QActionGroup(this);
  const auto theme = [this, themes, group](const QString& id, const QString& text, Theme which) {
    QAction* action = command(themes, id, text, {}, [this, which] { set_theme(which); });
    action->setCheckable(true);
    action->setData(static_cast<int>(which));
    action->setChecked(settings_.theme() == which);
    group->addAction(action);
    theme_actions_ << action;
  };
  theme(QStringLiteral("theme.system"), tr("As the system"), Theme::kSystem);
  theme(QStringLiteral("theme.light"), tr("Light"), Theme::kLight);
  theme(QStringLiteral("theme.dark"), tr("Dark"), Theme::kDark);
  theme(QStringLiteral("theme.contrast"), tr("High contrast"), Theme::kHighContrast);
  command(menu, QStringLiteral("view.strip"), tr("Pages and &outline"), QKeySequence(QStringLiteral("Ctrl+Shift+O")), [this] { document_->set_strip_shown(!document_->strip()->isVisible()); }, QStringLiteral("thumbnails"));
  command(menu, QStringLiteral("view.thinking"), tr("Thinking: hidden, one line, full"), QKeySequence(QStringLiteral("Ctrl+T")), [this] { conversation_->cycle_thinking(); }, QStringLiteral("thinking"));
}

void MainWindow::make_go_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Go"));
  command(menu, QStringLiteral("go.palette"), tr("&Anything…"), QKeySequence(QStringLiteral("Ctrl+Shift+P")), [this] { palette_->open(); }, QStringLiteral("search"));
  command(menu, QStringLiteral("go.question"), tr("&Question"), QKeySequence(QStringLiteral("Ctrl+L")), [this] {
    docks_[QStringLiteral("conversation")]->show();
    conversation_->question_box()->focus();
  });
  command(menu, QStringLiteral("go.back"), tr("&Back in the documents"), QKeySequence(QStringLiteral("Alt+Left")), [this] { document_->go_back(); }, QStringLiteral("back"));
  command(menu, QStringLiteral("go.forward"), tr("&Forward in the documents"), QKeySequence(QStringLiteral("Alt+Right")), [this] { document_->go_forward(); }, QStringLiteral("forward"));
  command(menu, QStringLiteral("go.next_panel"), tr("&Next panel"), QKeySequence(QStringLiteral("F6")), [this] {
    QList<QDockWidget*> shown;
    for (const char* name : {"sources", "conversation", "findings", "map", "page"}) {
      QDockWidget* dock = docks_[QString::fromLatin1(name)];
      if (dock->isVisible()) shown << dock;
    }
    if (shown.isEmpty()) return;
    int at = -1;
    for (int i = 0; i < shown.size(); ++i) {
      if (shown[i]->isAncestorOf(QApplication::focusWidget())) at = i;
    }
    QWidget* panel = shown[(at + 1) % shown.size()]->widget();
    if (panel == conversation_) {
      conversation_->question_box()->focus();
      return;
    }
    for (QWidget* child : panel->findChildren<QWidget*>()) {
      if (child->focusPolicy() & Qt::TabFocus && child->isVisible() && child->isEnabled()) {
        child->setFocus(Qt::TabFocusReason);
        return;
      }
    }
  });
}

void MainWindow::make_run_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Run"));
  command(menu, QStringLiteral("run.stop"), tr("&Stop"), QKeySequence(QStringLiteral("Ctrl+.")), [this] { workspace_.asker().stop(); }, QStringLiteral("stop"));
  command(menu, QStringLiteral("run.new"), tr("&New conversation"), QKeySequence::New, [this] { conversation_->new_conversation(); }, QStringLiteral("add"));
  menu->addSeparator();
  command(menu, QStringLiteral("run.history"), tr("&Runs of this project…"), QKeySequence(QStringLiteral("Ctrl+H")), [this] { show_runs(); }, QStringLiteral("list"));
  command(menu, QStringLiteral("run.compare"), tr("&Compare two runs…"), {}, [this] { compare_runs(); }, QStringLiteral("branch"));
  command(menu, QStringLiteral("run.questions"), tr("Ask a list of &questions…"), {}, [this] { conversation_->templates()->list_questions(); }, QStringLiteral("list"));
  command(menu, QStringLiteral("run.templates"), tr("Edit the &templates…"), {}, [this] { conversation_->templates()->edit_templates(); }, QStringLiteral("edit"));
  command(menu, QStringLiteral("run.secrets"), tr("Possible &secrets…"), {}, [this] { show_secrets(); }, QStringLiteral("warning"));
  menu->addSeparator();
  command(menu, QStringLiteral("run.model"), tr("&Model…"), QKeySequence(QStringLiteral("Ctrl+M")), [this] { choose_model(); }, QStringLiteral("model"));
}

void MainWindow::make_help_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Help"));
  command(menu, QStringLiteral("help.about"), tr("&About Longleaf"), {}, [this] {
    QMessageBox box(QMessageBox::NoIcon, tr("About Longleaf"),
                    tr("Longleaf reads long documents and code on this machine with a sparse-attention model, and shows what it consulted.\n\n"
                       "Free software under the GNU General Public License, version 3 or later. Nothing leaves the machine."),
                    QMessageBox::Close, this);
    box.setIconPixmap(windowIcon().pixmap(64));
    box.exec();
  });
}

}  // namespace ui
