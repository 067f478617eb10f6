#include "ui/review/templates_menu.h"

#include "ui/project/project_session.h"
#include "ui/review/question_list_dialog.h"
#include "ui/review/templates_dialog.h"
#include "ui/theme/icons.h"

namespace ui {

TemplatesMenu::TemplatesMenu(ProjectSession& session, QWidget* parent) : QMenu(parent), session_(session), templates_(app::shipped_templates()) {
  connect(&session_, &ProjectSession::opened, this, &TemplatesMenu::load);
  fill();
}

void TemplatesMenu::load() {
  session_.with_project(
      this, [](app::Project& project) { return app::load_templates(project); },
      [this](app::Result<std::vector<app::PromptTemplate>> templates) {
        if (!templates) emit failed(QString::fromStdString(templates.error().message));
        templates_ = templates ? std::move(*templates) : app::shipped_templates();
        fill();
      });
}

void TemplatesMenu::fill() {
  clear();
  QString group;
  for (const app::PromptTemplate& one : templates_) {
    if (const QString name = QString::fromStdString(one.group); name != group) {
      group = name;
      QAction* title = addAction(name);
      title->setEnabled(false);
    }
    // An ampersand in a name is a letter, not a mnemonic.
    QAction* action = addAction(QString::fromStdString(one.name).replace(QLatin1Char('&'), QLatin1String("&&")));
    action->setToolTip(QString::fromStdString(one.text));
    connect(action, &QAction::triggered, this, [this, one] { emit chosen(one); });
  }
  setToolTipsVisible(true);
  addSeparator();
  addAction(ui::icon(QStringLiteral("list")), tr("Ask a list of questions…"), this, &TemplatesMenu::list_questions);
  addAction(ui::icon(QStringLiteral("edit")), tr("Edit the templates…"), this, &TemplatesMenu::edit_templates);
}

void TemplatesMenu::edit_templates() {
  if (!session_.is_open()) {
    emit failed(tr("Templates are kept in a project; open or make one first."));
    return;
  }
  TemplatesDialog dialog(templates_, parentWidget());
  if (dialog.exec() == QDialog::Accepted) save(dialog.templates());
}

void TemplatesMenu::save(const std::vector<app::PromptTemplate>& templates) {
  session_.with_project(
      this, [templates](app::Project& project) { return app::save_templates(project, templates); },
      [this, templates](app::Result<void> saved) {
        if (!saved) {
          emit failed(QString::fromStdString(saved.error().message));
          return;
        }
        templates_ = templates;
        fill();
      });
}

void TemplatesMenu::list_questions() {
  QuestionListDialog dialog(parentWidget());
  if (dialog.exec() == QDialog::Accepted) emit questions_listed(dialog.questions());
}

}  // namespace ui
