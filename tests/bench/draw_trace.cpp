// Draws every tab of Inspect, small and large: draw_trace FOLDER light|dark [PROJECT.longleaf RUN]
// Without a project it draws the synthetic trace of 61 layers. Look at all of them after a change.
#include <QApplication>
#include <QElapsedTimer>
#include <QTabWidget>
#include <QTest>

#include <cstdio>

#include "app/heatmap/run_trace.h"
#include "tests/support/synthetic_trace.h"
#include "ui/theme/tokens.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/experiment_view.h"
#include "ui/trace/map_controls.h"
#include "ui/trace/selection_map.h"
#include "ui/trace/table_window.h"
#include "ui/trace/trace_panel.h"

namespace {

std::shared_ptr<const app::RunTrace> load(const QStringList& arguments) {
  if (arguments.size() < 5) return synthetic::make_run({}, 8, 50);
  const auto project = app::Project::open(arguments[3].toStdString(), app::OpenMode::kReadOnly);
  if (!project) return nullptr;
  const auto run = app::load_run_trace(**project, arguments[4].toLongLong());
  return run ? *run : nullptr;
}

/// An experiment as it might come out, over the run's own tokens.
std::shared_ptr<const app::Experiment> made_up(const std::shared_ptr<const app::RunTrace>& run) {
  auto experiment = std::make_shared<app::Experiment>();
  experiment->base.trace = experiment->other.trace = run;
  const std::size_t n = std::min<std::size_t>(40, run->token_texts.size());
  for (std::size_t i = 0; i < n; ++i) {
    experiment->base.token_texts.push_back(run->token_texts[i]);
    experiment->other.token_texts.push_back(i % 6 == 4 ? std::string(" other") : run->token_texts[i]);
    const char same = i % 6 == 4 ? 0 : 1;
    experiment->base.is_common.push_back(same);
    experiment->other.is_common.push_back(same);
    experiment->base_log_probability.push_back(-0.1f);
    experiment->other_log_probability.push_back(same != 0 ? -0.15f : -3.2f);
  }
  return experiment;
}

void wait_for(ui::TracePanel& panel) {
  QElapsedTimer clock;
  clock.start();
  while (clock.elapsed() < 400 || ((!panel.map().is_ready() || !panel.consulted().is_ready()) && clock.elapsed() < 20000)) QTest::qWait(50);
}

}  // namespace

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  const QStringList arguments = QApplication::arguments();
  const bool dark = arguments.value(2) == QLatin1String("dark");
  if (arguments.size() < 3) return 2;
  ui::apply_theme(application, dark ? ui::Theme::kDark : ui::Theme::kLight, dark);
  const auto run = load(arguments);
  if (run == nullptr) return 1;
  for (const QSize size : {QSize(652, 640), QSize(1180, 860)}) {
    ui::TracePanel panel;
    panel.setAutoFillBackground(true);
    panel.resize(size);
    panel.show();
    const auto keep = [&](const QString& name) {
      wait_for(panel);
      const QString file = QStringLiteral("%1/trace-%2-%3-%4.png").arg(arguments[1], name, QString::number(size.width()), arguments[2]);
      panel.grab().save(file);
      std::printf("%s\n", qPrintable(file));
    };
    keep(QStringLiteral("empty"));
    panel.set_run(run);
    panel.experiments().mute({2, 3});
    panel.experiments().show_experiment(made_up(run));
    for (int tab = 0; tab < panel.tabs().count(); ++tab) {
      panel.tabs().setCurrentIndex(tab);
      QTest::qWait(tab == 3 ? 3000 : 300);
      keep(panel.tabs().tabText(tab).toLower().replace(QLatin1Char(' '), QLatin1Char('-')));
    }
    panel.tabs().setCurrentIndex(0);
    panel.controls().set_rows(app::MapRows::kGenerated);
    const auto n = run->trace->n_generated;
    panel.select_tokens(n * 2 / 3, n * 2 / 3 + 8);
    keep(QStringLiteral("words"));
    ui::TableWindow& tables = panel.show_tables();
    tables.show();
    QTest::qWait(1500);
    tables.grab().save(QStringLiteral("%1/trace-table-%2.png").arg(arguments[1], arguments[2]));
  }
  return 0;
}
