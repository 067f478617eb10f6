#include "ui/settings/settings.h"

#include <QTemporaryDir>

#include <algorithm>

#include "app/settings/paths.h"

namespace ui {
namespace {

constexpr int kMostRecent = 10;
constexpr int kLongestContext = 131072;

/// A file of its own in a folder that goes with the program. A device would be replaced by QSettings.
QString scratch_file() {
  static const QTemporaryDir folder;
  static int n = 0;
  return folder.filePath(QStringLiteral("settings-%1.ini").arg(++n));
}

}  // namespace

Settings::Settings(const std::filesystem::path& file)
    : store_(file.empty() ? scratch_file() : QString::fromStdString(file.string()), QSettings::IniFormat) {}

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
  options.context_length = std::clamp<qlonglong>(store_.value(QStringLiteral("engine/context"), 0).toLongLong(), 0, kLongestContext);
  if (store_.value(QStringLiteral("engine/keep_read"), true).toBool()) options.prefix_folder = app::cache_folder() / "prefixes";
  return options;
}

void Settings::set_engine_options(const engine::LocalEngineOptions& options) {
  const char* device = options.device == engine::Device::kCpu ? "cpu" : options.device == engine::Device::kCuda ? "cuda" : "auto";
  store_.setValue(QStringLiteral("engine/device"), QString::fromLatin1(device));
  store_.setValue(QStringLiteral("engine/threads"), options.n_threads);
  store_.setValue(QStringLiteral("engine/context"), static_cast<qint64>(options.context_length));
  store_.setValue(QStringLiteral("engine/keep_read"), !options.prefix_folder.empty());
}

app::Question Settings::question() const {
  app::Question question;
  const auto whole = [this](const char* key, int fallback, int least, int most) {
    return std::clamp(store_.value(QString::fromLatin1(key), fallback).toInt(), least, most);
  };
  question.own_sampling = store_.value(QStringLiteral("ask/own_sampling"), false).toBool();
  question.sampling.temperature = std::clamp(store_.value(QStringLiteral("ask/temperature"), 0.0).toDouble(), 0.0, 2.0);
  question.sampling.top_p = std::clamp(store_.value(QStringLiteral("ask/top_p"), 1.0).toDouble(), 0.01, 1.0);
  question.sampling.seed = static_cast<std::uint64_t>(whole("ask/seed", 0, 0, 1'000'000'000));
  question.sampling.max_new_tokens = 0;  // the reserve
  question.prompt.reserve = whole("ask/reserve", 0, 0, kLongestContext);
  question.max_thinking_tokens = whole("ask/max_thinking", 0, 0, kLongestContext);
  question.prompt.mask_secrets = store_.value(QStringLiteral("ask/mask_secrets"), false).toBool();
  question.selection.mode = static_cast<engine::SelectionMode>(whole("ask/selection", 0, 0, 2));
  question.selection.top_k = whole("ask/top_k", 0, 0, kLongestContext);
  question.selection.keep = store_.value(QStringLiteral("ask/keep"), false).toBool();
  question.trace_level = static_cast<engine::TraceLevel>(whole("ask/trace", 1, 0, 2));
  return question;
}

void Settings::set_question(const app::Question& question) {
  store_.setValue(QStringLiteral("ask/own_sampling"), question.own_sampling);
  store_.setValue(QStringLiteral("ask/temperature"), question.sampling.temperature);
  store_.setValue(QStringLiteral("ask/top_p"), question.sampling.top_p);
  store_.setValue(QStringLiteral("ask/seed"), static_cast<int>(question.sampling.seed));
  store_.setValue(QStringLiteral("ask/reserve"), static_cast<int>(question.prompt.reserve));
  store_.setValue(QStringLiteral("ask/max_thinking"), question.max_thinking_tokens);
  store_.setValue(QStringLiteral("ask/mask_secrets"), question.prompt.mask_secrets);
  store_.setValue(QStringLiteral("ask/selection"), static_cast<int>(question.selection.mode));
  store_.setValue(QStringLiteral("ask/top_k"), question.selection.top_k);
  store_.setValue(QStringLiteral("ask/keep"), question.selection.keep);
  store_.setValue(QStringLiteral("ask/trace"), static_cast<int>(question.trace_level));
}

QStringList Settings::model_folders() const { return store_.value(QStringLiteral("model_folders")).toStringList(); }
void Settings::set_model_folders(const QStringList& folders) { store_.setValue(QStringLiteral("model_folders"), folders); }

QString Settings::editor_command() const { return store_.value(QStringLiteral("editor")).toString(); }
void Settings::set_editor_command(const QString& command) { store_.setValue(QStringLiteral("editor"), command); }

std::optional<QKeySequence> Settings::shortcut(const QString& command) const {
  const QString key = QStringLiteral("shortcuts/") + command;
  if (!store_.contains(key)) return std::nullopt;
  return QKeySequence(store_.value(key).toString(), QKeySequence::PortableText);
}

void Settings::set_shortcut(const QString& command, const std::optional<QKeySequence>& keys) {
  const QString key = QStringLiteral("shortcuts/") + command;
  if (keys) store_.setValue(key, keys->toString(QKeySequence::PortableText));
  else store_.remove(key);
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
