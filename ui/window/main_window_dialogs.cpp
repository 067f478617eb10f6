#include <QAction>
#include <QDesktopServices>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>
#include <QUrl>

#include <algorithm>

#include "app/settings/paths.h"
#include "ui/conversation/compare_dialog.h"
#include "ui/conversation/conversation_export.h"
#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/export_figures.h"
#include "ui/conversation/prompt_view.h"
#include "ui/page/document_panel.h"
#include "ui/review/findings_panel.h"
#include "ui/review/secret_watch.h"
#include "ui/review/secrets_dialog.h"
#include "ui/runs/run_history_dialog.h"
#include "ui/settings/models_dialog.h"
#include "ui/settings/shortcuts_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/theme/tokens.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

/// What the window's commands open: settings, models, exports, review and comparison.
namespace ui {

void MainWindow::choose_model() {
  ModelsDialog models(settings_, this);
  models.scan();
  if (models.exec() != QDialog::Accepted || models.chosen().empty()) return;
  settings_.set_model(models.chosen());
  engine::LocalEngineOptions options = settings_.engine_options();
  options.context_length = models.context();
  settings_.set_engine_options(options);
  load_model();
}

void MainWindow::load_model() {
  if (workspace_.asker().running()) {
    show_message(tr("A question is being answered; the model is changed when it has been stopped or is done. Choose it again then."));
    return;
  }
  std::filesystem::path model = settings_.model();
  if (model.empty()) model = app::bundled_model().value_or(std::filesystem::path());
  if (model.empty()) show_message(tr("No bundled model was found beside this program; choose a model under Run."));
  else workspace_.load_model(model, settings_.engine_options());
}

void MainWindow::set_motion() {
  set_reduced_motion(settings_.reduced_motion());
  setAnimated(!reduced_motion());
}

void MainWindow::show_settings(SettingsDialog::Page page) {
  SettingsDialog dialog(settings_, commands_, this);
  dialog.show_page(page);
  if (dialog.exec() != QDialog::Accepted) return;
  apply_settings();
  if (dialog.model_changed()) load_model();
}

void MainWindow::apply_settings() {
  workspace_.set_question_settings(settings_.question());
  apply_shortcuts(commands_, settings_);
  set_motion();
  findings_->set_editor_command(settings_.editor_command());
  set_theme(settings_.theme());
  for (QAction* action : std::as_const(theme_actions_)) action->setChecked(action->data().toInt() == static_cast<int>(settings_.theme()));
}

void MainWindow::wire_review() {
  const auto open_place = [this](app::PartId part, std::uint32_t begin, std::uint32_t end) {
    docks_[QStringLiteral("page")]->show();
    document_->open(part, begin, end);
  };
  connect(findings_, &FindingsPanel::place_activated, this, open_place);
  connect(findings_, &FindingsPanel::message, this, &MainWindow::show_message);
  connect(&workspace_, &Workspace::findings_found, this, &MainWindow::show_findings);
  findings_->set_editor_command(settings_.editor_command());
  const auto count_secrets = [this] {
    int n_parts = 0;
    for (const auto& found : secrets_->among(workspace_.sources().ticked())) n_parts += found.secrets.empty() ? 0 : 1;
    sources_->set_secrets(n_parts);
  };
  connect(secrets_, &SecretWatch::changed, this, count_secrets);
  connect(&workspace_.sources(), &SourceModel::ticks_changed, this, count_secrets);
  connect(sources_, &SourcesPanel::secrets_requested, this, &MainWindow::show_secrets);
}

void MainWindow::show_findings(const std::vector<app::Finding>& findings, const QString& question) {
  findings_->set_findings(findings, question);
  if (!findings.empty() && !docks_[QStringLiteral("findings")]->isVisible()) {
    show_message(tr("%n finding(s) in this answer; the Review layout lists them.", nullptr, static_cast<int>(findings.size())));
  }
}

void MainWindow::show_secrets() {
  SecretsDialog dialog(workspace_.session(), workspace_.sources(), *secrets_, workspace_.question_settings().prompt.mask_secrets, this);
  connect(&dialog, &SecretsDialog::masked, this, [this](bool on) {
    app::Question question = workspace_.question_settings();
    question.prompt.mask_secrets = on;
    settings_.set_question(question);
    workspace_.set_question_settings(question);
  });
  connect(&dialog, &SecretsDialog::place_activated, this, [this](app::PartId part, std::uint32_t begin, std::uint32_t end) { document_->open(part, begin, end); });
  connect(&dialog, &SecretsDialog::leave_out, sources_, &SourcesPanel::leave_out);
  dialog.exec();
}

void MainWindow::compare_runs() {
  workspace_.session().with_project(
      this, [](app::Project& project) { return project.runs(); },
      [this](app::Result<std::vector<app::Run>> runs) {
        if (!runs || runs->size() < 2) {
          show_message(runs ? tr("There are no two runs to compare yet; ask again with other settings or sources.") : QString::fromStdString(runs.error().message));
          return;
        }
        const app::RunId newest = conversation_->shown_run() != 0 ? conversation_->shown_run() : runs->front().id;
        // Best the same question: that is what was asked again.
        app::RunId other = (*runs)[runs->front().id == newest ? 1 : 0].id;
        const auto shown = std::find_if(runs->begin(), runs->end(), [newest](const app::Run& run) { return run.id == newest; });
        const auto same = std::find_if(runs->begin(), runs->end(), [&](const app::Run& run) { return shown != runs->end() && run.id != newest && run.question == shown->question; });
        if (same != runs->end()) other = same->id;
        compare(std::move(*runs), other, newest);
      });
}

void MainWindow::compare(std::vector<app::Run> runs, app::RunId left, app::RunId right) {
  CompareDialog dialog(std::move(runs), left, right, this);
  connect(&dialog, &CompareDialog::citation_activated, this, &MainWindow::open_citation);
  dialog.exec();
}

void MainWindow::show_runs() {
  const auto coverage = [this](app::RunId id, std::function<void(app::Result<app::RunCoverage>)> deliver) {
    workspace_.session().with_project(
        this,
        [id](app::Project& project) -> app::Result<app::RunCoverage> {
          TRY_ASSIGN(const auto trace, app::load_run_trace(project, id));
          return app::run_coverage(*trace);
        },
        std::move(deliver));
  };
  workspace_.session().with_project(
      this, [](app::Project& project) { return project.runs(); },
      [this, coverage](app::Result<std::vector<app::Run>> runs) {
        if (!runs) {
          show_message(QString::fromStdString(runs.error().message));
          return;
        }
        auto* dialog = new RunHistoryDialog(std::move(*runs), coverage, this);
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        connect(dialog, &RunHistoryDialog::run_activated, conversation_, &ConversationPanel::open_run);
        connect(dialog, &RunHistoryDialog::run_activated, dialog, &QDialog::accept);
        connect(dialog, &RunHistoryDialog::compare_requested, this, [this, dialog](app::RunId left, app::RunId right) { compare(dialog->runs(), left, right); });
        connect(dialog, &RunHistoryDialog::message, this, &MainWindow::show_message);
        dialog->open();
      });
}

void MainWindow::export_conversation() {
  if (conversation_->exported().empty()) {
    show_message(tr("There is no answer to export yet."));
    return;
  }
  QString kind;
  QString path = QFileDialog::getSaveFileName(this, tr("Export the conversation"), QStringLiteral("answer.md"),
                                              tr("Markdown (*.md);;Web page (*.html);;PDF (*.pdf)"), &kind);
  if (path.isEmpty()) return;
  if (QFileInfo(path).suffix().isEmpty()) path += kind.section(QStringLiteral("(*"), 1).chopped(1);
  const QString title = QString::fromStdString(workspace_.session().path().stem().string());
  const auto stop = std::make_shared<std::stop_source>();
  const int job = workspace_.jobs().begin(tr("Export to %1").arg(QFileInfo(path).fileName()), [stop] { stop->request_stop(); });
  workspace_.session().with_project(
      this,
      [turns = conversation_->exported(), worker = workspace_.session().worker(), stop](app::Project& project) mutable -> app::Result<std::vector<ExportedTurn>> {
        add_figures(project, worker, turns, stop->get_token());
        if (stop->stop_requested()) return app::Error{app::ErrorCode::kCancelled, tr("The export was stopped; nothing was written.").toStdString()};
        return std::move(turns);
      },
      [this, job, title, path](app::Result<std::vector<ExportedTurn>> turns) {
        const app::Result<void> written = turns ? ui::export_conversation(title, *turns, path) : app::Result<void>(turns.error());
        const QString failure = written ? QString() : QString::fromStdString(written.error().message);
        workspace_.jobs().finish(job, failure);
        show_message(written ? tr("Written: %1").arg(path) : failure);
      });
}

void MainWindow::follow_link(const QString& address) {
  QMessageBox box(QMessageBox::Question, tr("Open a link"), tr("The answer names this address. Open it in the browser?"), QMessageBox::Cancel, this);
  box.setInformativeText(address);
  box.setTextFormat(Qt::PlainText);
  QPushButton* open = box.addButton(tr("Open"), QMessageBox::AcceptRole);
  box.setDefaultButton(QMessageBox::Cancel);
  box.exec();
  if (box.clickedButton() == reinterpret_cast<QAbstractButton*>(open)) QDesktopServices::openUrl(QUrl(address));
}

void MainWindow::show_prompt(app::RunId run) {
  auto* view = new PromptView(this);
  view->show();
  const auto prompt = workspace_.prompt();
  if (prompt != nullptr && run == conversation_->shown_run()) {
    view->show_prompt(*prompt);
    return;
  }
  workspace_.rebuild_prompt(run, view, [view](app::Result<std::shared_ptr<app::Prompt>> made) {
    if (made) view->show_prompt(**made);
    else view->show_failure(QString::fromStdString(made.error().message));
  });
}

}  // namespace ui
