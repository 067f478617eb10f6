#include "ui/window/project_upkeep.h"

#include <QCheckBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>

#include "app/project/project.h"
#include "ui/window/workspace.h"

namespace ui {
namespace {

QString megabytes(std::uintmax_t bytes) { return QString::number(static_cast<double>(bytes) / 1e6, 'f', 1); }

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  return failed ? 0 : size;
}

}  // namespace

ProjectUpkeep::ProjectUpkeep(Workspace& workspace, QWidget* window) : QObject(window), workspace_(workspace), window_(window) {}

template <typename Result, typename Work, typename Deliver>
void ProjectUpkeep::run(const QString& title, Work work, Deliver deliver) {
  ProjectSession& session = workspace_.session();
  if (!session.is_open()) {
    emit said(tr("Open or make a project first."));
    return;
  }
  const int job = workspace_.jobs().begin(title, {});
  run_in_background(
      thread_, this, Ticket(),
      [path = session.path(), work = std::move(work)](std::stop_token) mutable -> app::Result<Result> {
        TRY_ASSIGN(const std::unique_ptr<app::Project> project, app::Project::open(path));
        return work(*project);
      },
      [this, job, deliver = std::move(deliver)](app::Result<Result> result) {
        const QString error = result ? QString() : QString::fromStdString(result.error().message);
        workspace_.jobs().finish(job, error);
        if (result) deliver(std::move(*result));
        else emit said(error);
      });
}

void ProjectUpkeep::choose_backup() {
  const QString here = QString::fromStdString(workspace_.session().path().string());
  if (here.isEmpty()) return;
  const QFileInfo project(here);
  const QString proposal = project.path() + QLatin1Char('/') + tr("%1 copy.longleaf").arg(project.completeBaseName());
  QString copy = QFileDialog::getSaveFileName(window_, tr("Back up a copy"), proposal, tr("Longleaf projects (*.longleaf)"));
  if (copy.isEmpty()) return;
  if (QFileInfo(copy).suffix().isEmpty()) copy += QStringLiteral(".longleaf");
  back_up(copy.toStdString());
}

void ProjectUpkeep::back_up(const std::filesystem::path& copy) {
  run<std::uintmax_t>(
      tr("Backing up a copy"),
      [copy](app::Project& project) -> app::Result<std::uintmax_t> {
        TRY(project.back_up(copy));
        return size_of(copy);
      },
      [this, copy](std::uintmax_t bytes) { emit said(tr("Copied: %1 (%2 MB)").arg(QString::fromStdString(copy.string()), megabytes(bytes))); });
}

void ProjectUpkeep::choose_compact() {
  QMessageBox box(QMessageBox::Question, tr("Compact the project"), tr("Gives the room of what is no longer used back to the disk. This may take a minute for a large project."),
                  QMessageBox::Cancel, window_);
  auto* removed = new QCheckBox(tr("Also let go of documents that were removed. This cannot be undone, and old answers lose these sources."));
  box.setCheckBox(removed);
  const QPushButton* go = box.addButton(tr("Compact"), QMessageBox::AcceptRole);
  box.exec();
  if (box.clickedButton() != static_cast<const QAbstractButton*>(go)) return;
  if (removed->isChecked()) workspace_.undo().clear();  // a removal cannot be taken back any more
  compact(removed->isChecked() ? Removed::kLetGo : Removed::kKeep);
}

void ProjectUpkeep::compact(Removed removed) {
  const std::filesystem::path path = workspace_.session().path();
  run<std::pair<std::uintmax_t, std::uintmax_t>>(
      tr("Compacting the project"),
      [path, removed](app::Project& project) -> app::Result<std::pair<std::uintmax_t, std::uintmax_t>> {
        const std::uintmax_t before = size_of(path);
        if (removed == Removed::kLetGo) TRY(project.purge_removed());
        TRY(project.compact());
        return std::pair(before, size_of(path));
      },
      [this](const std::pair<std::uintmax_t, std::uintmax_t>& sizes) { emit said(tr("Compacted: %1 MB before, %2 MB now.").arg(megabytes(sizes.first), megabytes(sizes.second))); });
}

void ProjectUpkeep::check() {
  run<std::vector<std::string>>(
      tr("Checking the project"), [](app::Project& project) { return project.verify(); },
      [this](const std::vector<std::string>& found) {
        QStringList damage;
        for (const std::string& sentence : found) damage << QString::fromStdString(sentence);
        if (damage.isEmpty()) emit said(tr("The project is whole: every text and every selection agrees with its checksum."));
        else show_damage(damage);
        emit checked(damage);
      });
}

void ProjectUpkeep::show_damage(const QStringList& damage) {
  auto* box = new QMessageBox(QMessageBox::Warning, tr("Check the project"), tr("%n place(s) of the project are damaged.", nullptr, static_cast<int>(damage.size())),
                              QMessageBox::Close, window_);
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->setTextFormat(Qt::PlainText);
  box->setInformativeText(tr("What is whole can still be read. Back up a copy now; copies of earlier days lie beside the project as %1.backup-1 to -3.")
                              .arg(QString::fromStdString(workspace_.session().path().filename().string())));
  box->setDetailedText(damage.join(QLatin1Char('\n')));
  box->open();
}

}  // namespace ui
