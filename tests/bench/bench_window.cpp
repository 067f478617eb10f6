// Drives the real widgets without a display and prints the longest time that the window's thread was
// held: bench_window [PATH OF longleaf-cli [window|sample|tree|answer|pages]]. The exit code counts the
// figures that miss their limit.
#include <QAbstractItemView>
#include <QApplication>
#include <QElapsedTimer>
#include <QLineEdit>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeView>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "app/ingest/ingest.h"
#include "app/settings/paths.h"
#include "app/settings/sample.h"
#include "tests/support/fake_engine.h"
#include "tests/support/make_pdf.h"
#include "ui/conversation/answer_text.h"
#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/conversation_view.h"
#include "ui/page/document_panel.h"
#include "ui/page/pages_view.h"
#include "ui/sources/sources_panel.h"
#include "ui/theme/fonts.h"
#include "ui/theme/system_scheme.h"
#include "ui/theme/tokens.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

namespace {

constexpr int kPages = 2000;
constexpr int kFrames = 600;
constexpr int kAnswerLines = 10000;
constexpr int kFiles = 50000;

/// Times every event that the window's thread handles, from outside.
class TimedApplication final : public QApplication {
 public:
  using QApplication::QApplication;
  bool notify(QObject* receiver, QEvent* event) override {
    if (depth_++ > 0) {
      const bool taken = QApplication::notify(receiver, event);
      --depth_;
      return taken;
    }
    // Both may be gone afterwards.
    const int event_type = event->type();
    const char* const receiver_type = receiver->metaObject()->className();
    QElapsedTimer clock;
    clock.start();
    const bool taken = QApplication::notify(receiver, event);
    --depth_;
    note(static_cast<double>(clock.nsecsElapsed()) / 1e6, event_type, receiver_type);
    return taken;
  }
  void note(double milliseconds, int event_type, const char* receiver_type) {
    if (milliseconds <= longest_ms) return;
    longest_ms = milliseconds;
    longest_event = event_type;
    longest_receiver = receiver_type;
  }
  double longest_ms = 0;
  int longest_event = 0;             // QEvent::Type; 0: a direct call
  const char* longest_receiver = "";

 private:
  int depth_ = 0;
};

TimedApplication* application = nullptr;
int n_missed = 0;

void report(const char* what, double milliseconds, double limit_ms) {
  const bool missed = milliseconds > limit_ms;
  n_missed += missed ? 1 : 0;
  std::printf("%-58s %9.1f ms   limit %7.1f ms%s\n", what, milliseconds, limit_ms, missed ? "   MISSED" : "");
  if (missed) std::printf("    longest: event %d at %s\n", application->longest_event, application->longest_receiver);
  std::fflush(stdout);
}

double milliseconds_of(const QElapsedTimer& clock) { return static_cast<double>(clock.nsecsElapsed()) / 1e6; }

/// Lets the window live until `done` or ten minutes are over.
bool live_until(const std::function<bool()>& done) { return QTest::qWaitFor(done, 600'000); }

void frame() {
  QElapsedTimer clock;
  clock.start();
  do QCoreApplication::processEvents(QEventLoop::AllEvents, 4);
  while (clock.elapsed() < 16);
}

/// Times what happens outside of the event loop too: a call that a scroll bar makes at once.
template <typename Work>
void timed(Work work) {
  QElapsedTimer clock;
  clock.start();
  work();
  application->note(milliseconds_of(clock), 0, "direct call");
}

struct Bench {
  QTemporaryDir folder;
  ui::Settings settings{std::filesystem::path()};
  ui::SystemScheme scheme;
  ui::Workspace workspace;
  ui::MainWindow window{workspace, settings, scheme};
  std::filesystem::path path(const char* name) const { return folder.filePath(QString::fromLatin1(name)).toStdString(); }
};

bool make_pdf_project(const std::filesystem::path& folder, const std::filesystem::path& worker) {
  tests::PdfMaker maker;
  const std::string words = "The crew burned the unit on a dry morning with a light wind from the north and wrote down what it saw. ";
  for (int page = 1; page <= kPages; ++page) {
    maker.new_page();
    maker.text(72, 80, 16, "Chapter " + std::to_string(page), tests::PdfFont::kBold);
    double y = 110;
    for (int paragraph = 0; paragraph < 5; ++paragraph) y = maker.paragraph(72, y, 10.5, 90, words + words + words + words, tests::PdfFont::kRoman) + 8;
  }
  tests::write_file((folder / "large.pdf").string(), maker.bytes());
  auto project = app::Project::open(folder / "large.longleaf");
  if (!project) return false;
  app::IngestOptions options;
  options.worker = worker;
  const auto read = app::ingest(**project, folder / "large.pdf", options, {}, {});
  if (!read) std::fprintf(stderr, "%s\n", read.error().message.c_str());
  return read.has_value();
}

void measure_first_window(QElapsedTimer& since_main) {
  Bench bench;
  bench.window.show();
  live_until([&] { return bench.window.isVisible(); });
  frame();
  report("first window drawn, from main()", milliseconds_of(since_main), 1000);
}

/// As the program starts with the sample project: it opens after the first frame and the model loads meanwhile.
void measure_sample(double ms_before, const std::filesystem::path& worker) {
  const QTemporaryDir folder;
  const std::filesystem::path path = folder.filePath(QStringLiteral("sample.longleaf")).toStdString();
  const auto resources = app::resources_folder();
  const auto sample = resources ? app::Sample::load(*resources / "sample") : app::Result<app::Sample>(app::Error{app::ErrorCode::kNotFound, "The sample is not there."});
  if (!sample) {
    std::fprintf(stderr, "%s\n", sample.error().message.c_str());
    return;
  }
  {
    auto project = app::Project::open(path);
    app::IngestOptions options;
    options.worker = worker;
    for (const auto& source : sample->sources) {
      if (!project || !app::ingest(**project, source, options, {}, {})) return;
    }
  }
  QElapsedTimer clock;
  clock.start();
  Bench bench;
  bench.workspace.session().set_worker(worker);
  bench.window.show();
  frame();
  report("first window with the sample, drawn, from main()", ms_before + milliseconds_of(clock), 1000);
  application->longest_ms = 0;
  if (const auto model = app::bundled_model()) bench.workspace.load_model(*model, {});
  bench.window.open_project(path);
  live_until([&] { return bench.workspace.sources().all_parts().size() > 10; });
  bench.window.document().open(bench.workspace.sources().all_parts().front());
  frame();
  report("the same, with its sources and its first page", ms_before + milliseconds_of(clock), 1000);
  live_until([&] { return bench.workspace.obstacle().isEmpty() && bench.workspace.budget_is_exact(); });
  report("the same, ready to be asked", ms_before + milliseconds_of(clock), 10000);
  report("the same, longest stall until then", application->longest_ms, 100);
}

void measure_pages(const std::filesystem::path& worker) {
  Bench bench;
  if (!make_pdf_project(bench.folder.path().toStdString(), worker)) return;
  bench.workspace.session().set_worker(worker);
  bench.window.show();
  application->longest_ms = 0;
  bench.window.open_project(bench.path("large.longleaf"));
  live_until([&] { return !bench.workspace.session().documents().empty(); });
  frame();
  report("2,000-page PDF: project opens, longest stall", application->longest_ms, 100);
  const app::PartId first = bench.workspace.sources().all_parts().front();
  bench.window.document().open(first);
  ui::PagesView* pages = bench.window.document().pages();
  live_until([&] { return pages->n_pages() == kPages; });
  for (int i = 0; i < 30; ++i) frame();
  application->longest_ms = 0;
  QScrollBar* bar = pages->verticalScrollBar();
  for (int i = 0; i < kFrames; ++i) {
    timed([&] { bar->setValue(bar->value() + 48); });
    frame();
  }
  report("2,000-page PDF: smooth scroll, longest stall", application->longest_ms, 33);
  application->longest_ms = 0;
  for (int i = 0; i < kFrames / 4; ++i) {
    timed([&] { bar->setValue(static_cast<int>(static_cast<qint64>(bar->maximum()) * i / (kFrames / 4))); });
    frame();
  }
  report("2,000-page PDF: from end to end, longest stall", application->longest_ms, 33);
}

void measure_answer() {
  Bench bench;
  bench.window.show();
  frame();
  ui::load_fonts();  // as the program does when its first window stands
  ui::TurnView* turn = bench.window.conversation().view()->add_turn();
  ui::RunView run;
  run.question = "Write a long answer.";
  run.running = true;
  application->longest_ms = 0;
  const int lines_at_once = 25;
  for (int line = 0; line < kAnswerLines; ++line) {
    const std::string n = std::to_string(line);
    if (line % 100 == 0) run.answer += "\n## Part " + n + "\n\n";
    if (line % 400 == 50) run.answer += "| year | level |\n|---|--:|\n| " + n + " | 4.2 |\n\n";
    run.answer += "Line " + n + " says **something** about `item_" + n + "` and the year 2014.\n\n";
    if (line % lines_at_once != 0) continue;
    QElapsedTimer piece;
    piece.start();
    timed([&] { turn->show_run(run); });
    if (std::getenv("BENCH_TRACE") != nullptr && piece.elapsed() > 10) std::printf("    line %d: %lld ms\n", line, static_cast<long long>(piece.elapsed()));
    frame();
  }
  run.running = false;
  timed([&] { turn->show_run(run); });
  frame();
  report("10,000-line answer streams, longest stall", application->longest_ms, 33);
  application->longest_ms = 0;
  QScrollBar* bar = bench.window.conversation().view()->verticalScrollBar();
  for (int i = 0; i < 200; ++i) {
    timed([&] { bar->setValue(static_cast<int>(static_cast<qint64>(bar->maximum()) * i / 200)); });
    frame();
  }
  report("10,000-line answer scrolls, longest stall", application->longest_ms, 33);
}

bool make_tree_project(const std::filesystem::path& file) {
  auto project = app::Project::open(file);
  if (!project) return false;
  app::Document document;
  document.kind = app::DocumentKind::kCodeTree;
  document.title = "tree";
  document.n_expected_parts = kFiles;
  const auto id = (*project)->add_document(document);
  if (!id) return false;
  std::vector<std::pair<app::Part, app::PartText>> parts;
  for (int i = 0; i < kFiles; ++i) {
    app::Part part;
    part.ordinal = i + 1;
    part.name = "src/module_" + std::to_string(i / 400) + "/part_" + std::to_string(i / 20 % 20) + "/file_" + std::to_string(i) + ".cc";
    part.language = "C++";
    app::PartText text;
    text.text = "int value_" + std::to_string(i) + " = " + std::to_string(i) + ";\n";
    part.n_bytes = static_cast<std::int64_t>(text.text.size());
    parts.emplace_back(std::move(part), std::move(text));
    if (parts.size() == 5000 && !(*project)->add_parts(*id, std::exchange(parts, {}))) return false;
  }
  return (*project)->finish_document(*id, "").has_value();
}

void measure_tree() {
  Bench bench;
  if (!make_tree_project(bench.path("tree.longleaf"))) return;
  bench.window.show();
  frame();
  application->longest_ms = 0;
  QElapsedTimer clock;
  clock.start();
  bench.window.open_project(bench.path("tree.longleaf"));
  live_until([&] { return bench.workspace.sources().all_parts().size() == kFiles; });
  QCoreApplication::processEvents();
  report("50,000 files: tree is there", milliseconds_of(clock), 1000);
  for (int i = 0; i < 60; ++i) frame();
  report("50,000 files: opening, longest stall", application->longest_ms, 1000);
  application->longest_ms = 0;
  for (const char* words : {"f", "fi", "file_4", "file_49", "file_499", "file_4999", "module_7", ""}) {
    timed([&] { bench.window.sources_panel().search()->setText(QString::fromLatin1(words)); });
    frame();
  }
  report("50,000 files: filter, longest stall", application->longest_ms, 100);
  application->longest_ms = 0;
  ui::SourceModel& model = bench.workspace.sources();
  timed([&] { model.setData(model.index(0, 0), Qt::Unchecked, Qt::CheckStateRole); });
  frame();
  report("50,000 files: all unticked, longest stall", application->longest_ms, 100);
}

}  // namespace

int main(int argc, char** argv) {
  QElapsedTimer since_main;
  since_main.start();
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  TimedApplication timed_application(argc, argv);
  application = &timed_application;
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(timed_application, ui::Theme::kLight, false);
  const double ms_before = milliseconds_of(since_main);
  const std::string only = argc > 2 ? argv[2] : "";
  if (only.empty() || only == "window") measure_first_window(since_main);
  if (only.empty() || only == "sample") measure_sample(ms_before, argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::path());
  if (only.empty() || only == "tree") measure_tree();
  if (only.empty() || only == "answer") measure_answer();
  if (only.empty() || only == "pages") measure_pages(argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::path());
  return n_missed;
}
