#include <QApplication>
#include <QCommandLineParser>
#include <QFileInfo>
#include <QLocale>
#include <QTimer>
#include <QTranslator>

#include <cstdio>
#include <optional>
#include <vector>

#include "app/settings/paths.h"
#include "app/settings/session_mark.h"
#include "ui/theme/fonts.h"
#include "ui/theme/system_scheme.h"
#include "ui/window/crash_notice.h"
#include "ui/window/main_window.h"
#include "ui/window/picture_taker.h"
#include "ui/settings/settings.h"
#include "ui/window/workspace.h"

namespace {

constexpr int kFontsAfterMs = 400;  // the first frame is long there

/// The worker lies beside this program where it is installed, and in app/cli of a build tree.
std::filesystem::path find_worker() {
  const std::filesystem::path here = QCoreApplication::applicationDirPath().toStdString();
  for (const auto& path : {here / "longleaf-cli", here.parent_path() / "app" / "cli" / "longleaf-cli"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

bool wants_picture(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (QByteArray(argv[i]).startsWith("--screenshot")) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  // Pictures need no display: the same program draws them offscreen.
  if (wants_picture(argc, argv) && qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  QApplication::setApplicationName(QStringLiteral("Longleaf"));
  QApplication::setDesktopFileName(QStringLiteral("longleaf"));
  QApplication::setApplicationVersion(QStringLiteral("0.1.0"));

  // The user's language where there is a translation, else English, which has only its plurals there.
  QTranslator translator;
  if (const auto resources = app::resources_folder()) {
    const QString folder = QString::fromStdString((*resources / "translations").string());
    const bool found = translator.load(QLocale(), QStringLiteral("longleaf"), QStringLiteral("_"), folder) || translator.load(QStringLiteral("longleaf_en"), folder);
    if (found) QApplication::installTranslator(&translator);
  }

  QCommandLineParser options;
  options.setApplicationDescription(QApplication::translate("main", "Reads long documents and code with a sparse-attention model, and shows what it consulted."));
  options.addHelpOption();
  options.addVersionOption();
  options.addPositionalArgument(QStringLiteral("project"), QApplication::translate("main", "A project (.longleaf), or files and folders to read."), QStringLiteral("[project|files...]"));
  const QCommandLineOption sample(QStringLiteral("sample"), QApplication::translate("main", "Open the sample project."));
  const QCommandLineOption model(QStringLiteral("model"), QApplication::translate("main", "Use this model folder or file."), QStringLiteral("path"));
  const QCommandLineOption dark(QStringLiteral("dark"), QApplication::translate("main", "Dark theme, for this start."));
  const QCommandLineOption light(QStringLiteral("light"), QApplication::translate("main", "Light theme, for this start."));
  const QCommandLineOption screenshot(QStringLiteral("screenshot"), QApplication::translate("main", "Write a picture of the window and end."), QStringLiteral("file"));
  const QCommandLineOption question(QStringLiteral("question"), QApplication::translate("main", "Ask this first; \"sample\" asks the sample's first question."), QStringLiteral("text"));
  const QCommandLineOption command(QStringLiteral("command"), QApplication::translate("main", "Run this command before the picture, like edit.settings."), QStringLiteral("id"));
  const QCommandLineOption layout(QStringLiteral("layout"), QApplication::translate("main", "read, review or inspect."), QStringLiteral("name"));
  const QCommandLineOption size(QStringLiteral("size"), QApplication::translate("main", "Size of the window, like 1360x860."), QStringLiteral("size"));
  options.addOptions({sample, model, dark, light, screenshot, question, command, layout, size});
  options.process(application);

  // A picture is no session of the user's.
  const std::filesystem::path sessions = app::cache_folder() / "sessions";
  std::vector<app::CrashReport> crashes;
  std::optional<app::SessionMark> mark;
  if (!options.isSet(screenshot)) {
    crashes = app::crash_reports(sessions);
    mark.emplace(sessions, "Longleaf " + QApplication::applicationVersion().toStdString());
  }

  ui::SystemScheme scheme;
  // A picture neither reads nor changes what the user has set.
  ui::Settings settings(options.isSet(screenshot) ? std::filesystem::path() : app::config_folder() / "window.ini");
  const ui::Theme theme = options.isSet(dark) ? ui::Theme::kDark : options.isSet(light) ? ui::Theme::kLight : settings.theme();
  ui::apply_theme(application, theme, scheme.dark());

  ui::Workspace workspace;
  workspace.session().set_worker(find_worker());
  ui::MainWindow window(workspace, settings, scheme);
  const QStringList wanted_size = options.value(size).split(QLatin1Char('x'));
  if (wanted_size.size() == 2) window.resize(wanted_size[0].toInt(), wanted_size[1].toInt());
  window.show();
  if (options.value(layout) == QLatin1String("inspect")) window.set_layout(ui::Layout::kInspect);
  if (options.value(layout) == QLatin1String("review")) window.set_layout(ui::Layout::kReview);

  std::filesystem::path model_path = options.value(model).toStdString();
  if (model_path.empty()) model_path = settings.model();
  if (model_path.empty()) model_path = app::bundled_model().value_or(std::filesystem::path());
  // After the first frame: nothing of this holds it up.
  QTimer::singleShot(0, &window, [&] {
    if (!model_path.empty()) workspace.load_model(model_path, settings.engine_options());
    const QStringList paths = options.positionalArguments();
    if (options.isSet(sample)) window.open_sample();
    else if (paths.size() == 1 && QFileInfo(paths.front()).suffix() == QLatin1String("longleaf")) window.open_project(paths.front().toStdString());
    else if (!paths.isEmpty()) window.add_sources(paths);
    else if (!options.isSet(screenshot) && !settings.recent_projects().isEmpty() && QFileInfo::exists(settings.recent_projects().front())) {
      window.open_project(settings.recent_projects().front().toStdString());
    }
  });
  if (!crashes.empty()) {
    auto* notice = new ui::CrashNotice(std::move(crashes), &window);
    notice->setAttribute(Qt::WA_DeleteOnClose);
    notice->open();
  }
  QTimer::singleShot(kFontsAfterMs, &window, [] { ui::load_fonts(); });
  if (!options.isSet(screenshot)) return QApplication::exec();
  ui::PictureTaker pictures(window, options.value(question), options.value(command), options.value(screenshot));
  const int code = QApplication::exec();
  if (!pictures.failure().isEmpty()) std::fprintf(stderr, "%s\n", qPrintable(pictures.failure()));
  return code;
}
