#include "ui/window/sample_guide.h"

#include <algorithm>

#include "app/settings/paths.h"
#include "ui/window/workspace.h"

namespace ui {

SampleGuide::SampleGuide(Workspace& workspace, QObject* parent) : QObject(parent), workspace_(workspace) {}

std::filesystem::path SampleGuide::project_path() { return app::data_folder() / "sample.longleaf"; }

bool SampleGuide::load() {
  if (sample_ != nullptr) return true;
  const auto resources = app::resources_folder();
  if (!resources) {
    emit failed(tr("The sample was not found beside this program; set LONGLEAF_RESOURCES to the folder that holds it."));
    return false;
  }
  auto sample = app::Sample::load(*resources / "sample");
  if (!sample) {
    emit failed(QString::fromStdString(sample.error().message));
    return false;
  }
  sample_ = std::make_unique<app::Sample>(std::move(*sample));
  return true;
}

QStringList SampleGuide::questions() const {
  QStringList result;
  if (sample_ == nullptr) return result;
  for (const app::SampleQuestion& question : sample_->questions) result << QString::fromStdString(question.question);
  return result;
}

void SampleGuide::fill() {
  if (!load() || !workspace_.session().documents().empty()) return;
  workspace_.session().ingest(sample_->sources);
}

void SampleGuide::prepare(const QString& question, std::function<void()> then) {
  const app::SampleQuestion* known = nullptr;
  if (sample_ != nullptr) {
    for (const app::SampleQuestion& one : sample_->questions) {
      if (QString::fromStdString(one.question) == question) known = &one;
    }
  }
  if (known == nullptr) {
    then();
    return;
  }
  workspace_.counter().with_builder(
      this,
      [one = *known](app::Project& project, app::PromptBuilder& builder, const engine::PromptLayout& layout) {
        return app::sample_choice(project, builder, layout, one);
      },
      [this, then = std::move(then)](app::Result<app::SourceChoice> choice) {
        if (choice) workspace_.sources().set_ticked(choice->parts);
        else emit failed(QString::fromStdString(choice.error().message));
        then();
      });
}

}  // namespace ui
