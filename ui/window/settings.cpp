#include "ui/window/settings.h"

namespace ui {
namespace {

constexpr int kMostRecent = 10;

}  // namespace

Settings::Settings(const std::filesystem::path& file)
    : store_(file.empty() ? QStringLiteral("/dev/null") : QString::fromStdString(file.string()), QSettings::IniFormat) {}

Theme Settings::theme() const {
  const QString name = store_.value(QStringLiteral("theme")).toString();
  if (name == QLatin1String("light")) return Theme::kLight;
  if (name == QLatin1String("dark")) return Theme::kDark;
  if (name == QLatin1String("contrast")) return Theme::kHighContrast;
  return Theme::kSystem;
}

void Settings::set_theme(Theme theme) {
  const char* const names[] = {"system", "light", "dark", "contrast"};
  store_.setValue(QStringLiteral("theme"), QString::fromLatin1(names[static_cast<int>(theme)]));
}

std::filesystem::path Settings::model() const { return store_.value(QStringLiteral("model")).toString().toStdString(); }

void Settings::set_model(const std::filesystem::path& model) {
  store_.setValue(QStringLiteral("model"), QString::fromStdString(model.string()));
}

engine::LocalEngineOptions Settings::engine_options() const {
  engine::LocalEngineOptions options;
  const QString device = store_.value(QStringLiteral("engine/device")).toString();
  if (device == QLatin1String("cpu")) options.device = engine::Device::kCpu;
  if (device == QLatin1String("cuda")) options.device = engine::Device::kCuda;
  options.n_threads = store_.value(QStringLiteral("engine/threads"), 0).toInt();
  options.context_length = store_.value(QStringLiteral("engine/context"), 0).toLongLong();
  return options;
}

void Settings::set_engine_options(const engine::LocalEngineOptions& options) {
  const char* device = options.device == engine::Device::kCpu ? "cpu" : options.device == engine::Device::kCuda ? "cuda" : "auto";
  store_.setValue(QStringLiteral("engine/device"), QString::fromLatin1(device));
  store_.setValue(QStringLiteral("engine/threads"), options.n_threads);
  store_.setValue(QStringLiteral("engine/context"), static_cast<qint64>(options.context_length));
}

QStringList Settings::recent_projects() const { return store_.value(QStringLiteral("recent")).toStringList(); }

void Settings::add_recent_project(const QString& path) {
  QStringList recent = recent_projects();
  recent.removeAll(path);
  recent.prepend(path);
  while (recent.size() > kMostRecent) recent.removeLast();
  store_.setValue(QStringLiteral("recent"), recent);
}

bool Settings::reduced_motion() const { return store_.value(QStringLiteral("reduced_motion"), false).toBool(); }
void Settings::set_reduced_motion(bool reduced) { store_.setValue(QStringLiteral("reduced_motion"), reduced); }

}  // namespace ui
