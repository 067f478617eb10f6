// What is left of a run when the program is killed in the middle of it.
#include <sys/wait.h>
#include <unistd.h>

#include <QTemporaryDir>
#include <QTest>
#include <csignal>
#include <fstream>
#include <thread>

#include "app/heatmap/run_trace.h"
#include "app/question/ask.h"
#include "app/question/unfinished_run.h"
#include "engine/trace/trace_file.h"
#include "engine/trace/trace_writer.h"
#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"

using namespace app;

namespace {

constexpr int kKilledAfter = 40;

std::vector<PartId> all_parts(const Project& project) {
  std::vector<PartId> all;
  const auto documents = project.documents();
  const auto parts = project.parts(documents->front().id);
  for (const Part& part : *parts) all.push_back(part.id);
  return all;
}

std::int64_t tokens_on_disk(const std::filesystem::path& path) {
  const auto bytes = engine::read_trace_file(path);
  const auto file = bytes ? engine::trace_from_bytes(*bytes) : Result<engine::TraceFile>(bytes.error());
  return file ? file->trace.n_generated : 0;
}

/// Asks, and is killed after 40 tokens, once 16 of them have come to the disk.
int ask_and_be_killed(const std::string& path) {
  auto project = Project::open(path);
  if (!project) return 1;
  fake::FakeEngine engine;
  for (int i = 0; i < 60; ++i) engine.fixed_answer += " word" + std::to_string(i);
  engine.after_token = [&](std::int64_t n) {
    if (n < kKilledAfter) return;
    while (tokens_on_disk(unfinished_trace_path(path)) < 16) std::this_thread::yield();
    ::raise(SIGKILL);
  };
  Question question;
  question.prompt.question = "What is killed?";
  question.prompt.sources.parts = all_parts(**project);
  fake::Recording observer;
  static_cast<void>(ask(**project, engine, question, observer, {}));
  return 2;
}

}  // namespace

class UnfinishedRunTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  std::string path() const { return folder_.filePath(QStringLiteral("p.longleaf")).toStdString(); }

 private slots:
  void initTestCase() {
    auto project = Project::open(path());
    QVERIFY(project);
    std::string page = "# Plots";
    for (int i = 0; i < 60; ++i) page += "\nSentence " + std::to_string(i) + " says what a sentence says.";
    support::add_document(**project, DocumentKind::kPdf, "report.pdf", {{"1", page}, {"2", page}});
  }

  void a_killed_run_comes_back_with_its_text_and_its_trace_up_to_the_last_chunk() {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string program = QCoreApplication::applicationFilePath().toStdString(), place = path();
      ::execl(program.c_str(), program.c_str(), "--be-killed", place.c_str(), nullptr);
      ::_exit(99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    QVERIFY2(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, qPrintable(QString::number(status)));
    QVERIFY(std::filesystem::exists(unfinished_trace_path(path())));

    auto project = Project::open(path());
    QVERIFY(project);
    const auto recovered = recover_unfinished_run(**project);
    QVERIFY2(recovered && *recovered, recovered ? "nothing was found" : recovered.error().message.c_str());
    QVERIFY(!std::filesystem::exists(unfinished_trace_path(path())));
    const auto run = (*project)->run(**recovered);
    QVERIFY(run);
    QCOMPARE(run->end, std::string("interrupted"));
    QCOMPARE(run->question, std::string("What is killed?"));
    QVERIFY2(run->answer.starts_with(" word0 word1 word2"), run->answer.c_str());
    QVERIFY(run->n_generated_tokens >= 16 && run->n_generated_tokens <= kKilledAfter);
    const auto trace = load_run_trace(**project, **recovered);
    QVERIFY(trace);
    QCOMPARE((*trace)->trace->n_generated, run->n_generated_tokens);
    QVERIFY(!(*trace)->map.blocks.empty());
    QVERIFY((*trace)->trace->prefill[0].at(0, 0) > 0);
    QVERIFY(!recover_unfinished_run(**project)->has_value());
  }

  void a_run_that_ends_well_leaves_no_file() {
    auto project = Project::open(path());
    fake::FakeEngine engine;
    Question question;
    question.prompt.question = "What does it say?";
    question.prompt.sources.parts = all_parts(**project);
    fake::Recording observer;
    const auto answer = ask(**project, engine, question, observer, {});
    QVERIFY(answer && answer->run.id > 0);
    QVERIFY(!std::filesystem::exists(unfinished_trace_path(path())));
  }

  void what_cannot_be_read_is_taken_away_and_never_stops_the_project() {
    auto project = Project::open(path());
    std::ofstream(unfinished_trace_path(path())) << "no trace at all";
    const auto recovered = recover_unfinished_run(**project);
    QVERIFY(recovered && !recovered->has_value());
    QVERIFY(!std::filesystem::exists(unfinished_trace_path(path())));
  }
};

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--be-killed") return ask_and_be_killed(argv[2]);
  QCoreApplication application(argc, argv);
  UnfinishedRunTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "unfinished_run_test.moc"
