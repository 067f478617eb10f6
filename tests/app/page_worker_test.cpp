#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>

#include "app/document/confinement.h"
#include "app/document/page_frames.h"
#include "app/ingest/page_extractor.h"
#include "engine/base/result.h"
#include "tests/support/make_pdf.h"

using namespace app;
using engine::Result;

namespace {

constexpr int kPages = 6;

/// Sends pages as the real worker does, until the fault that the test asked for.
int fake_worker(int argc, char** argv) {
  const std::string fault = qEnvironmentVariable("LONGLEAF_TEST_FAULT").toStdString();
  const int first = std::atoi(argv[2]), last = std::min(std::atoi(argv[3]), kPages);
  const auto told = [&](const char* what) {
    for (int i = 4; i < argc; ++i) {
      if (std::strcmp(argv[i], what) == 0) return true;
    }
    return false;
  };
  if (fault == "dies at once") return 1;
  write_frame(1, FrameKind::kDocument, encode_facts({kPages, "", ""}));
  for (int page = first; page <= last; ++page) {
    write_frame(1, FrameKind::kReading, encode_number(page));
    const bool bad = page == 3 && !told("skip=3");
    if (bad && fault == "crashes") std::abort();
    if (bad && fault == "crashes on fonts" && !told("plain=3")) std::abort();
    if (bad && fault == "hangs") ::pause();
    if (bad && fault == "noise") write_frame(1, FrameKind::kPage, std::string(5000, '\x5A'));
    if (bad && fault == "giant") return static_cast<int>(::write(1, "\xFF\xFF\xFF\xFFP", 5));
    if (bad && fault == "wrong page") page = 5;
    PageFrame frame{page, std::to_string(page), {}};
    frame.text.text = told("skip=3") && page == 3 ? "" : "page " + std::to_string(page);
    frame.text.note = told("plain=3") && page == 3 ? "plain" : "";
    write_frame(1, FrameKind::kPage, encode_page(frame));
  }
  write_frame(1, FrameKind::kDone, "");
  return 0;
}

struct Outcome {
  Result<void> result;
  std::map<int, std::string> pages;
};

Outcome extract_with(const char* fault) {
  qputenv("LONGLEAF_TEST_FAULT", fault);
  QTemporaryDir folder;
  const std::string path = folder.filePath("x.pdf").toStdString();
  tests::write_file(path, "%PDF-1.4");
  const auto file = open_regular_file(path);
  ExtractOptions options;
  options.worker = QCoreApplication::applicationFilePath().toStdString();
  options.page_timeout_ms = 300;
  Outcome outcome;
  const ExtractSink sink{[](const DocumentFacts&) -> Result<void> { return {}; },
                         [&](PageFrame&& page) -> Result<void> {
                           outcome.pages[page.number] = page.text.text + page.text.note;
                           return {};
                         }};
  outcome.result = extract_pages(*file, options, sink, {});
  return outcome;
}

/// Runs `probe` in a confined child; its exit code, or 128 + the signal that ended it.
int confined(const std::function<int()>& probe) {
  const pid_t child = ::fork();
  if (child == 0) {
    confine_worker(1u << 30, 10);
    ::_exit(probe());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

class PageWorkerTest : public QObject {
  Q_OBJECT

 private slots:
  void a_page_that_breaks_the_worker_costs_only_itself_data() {
    QTest::addColumn<QString>("fault");
    for (const char* fault : {"crashes", "hangs", "noise", "giant", "wrong page"}) QTest::newRow(fault) << fault;
  }
  void a_page_that_breaks_the_worker_costs_only_itself() {
    QFETCH(QString, fault);
    const Outcome outcome = extract_with(fault.toUtf8());
    QVERIFY(outcome.result);
    QCOMPARE(outcome.pages.size(), std::size_t(kPages));
    QCOMPARE(outcome.pages.at(2), "page 2");
    QVERIFY(outcome.pages.at(3) != "page 3");
    QCOMPARE(outcome.pages.at(6), "page 6");
  }

  void a_page_whose_fonts_are_broken_is_read_without_them() {
    const Outcome outcome = extract_with("crashes on fonts");
    QVERIFY(outcome.result);
    QCOMPARE(outcome.pages.at(3), "page 3plain");
  }

  void a_worker_that_always_dies_is_an_error_of_the_document() {
    const Outcome outcome = extract_with("dies at once");
    QVERIFY(!outcome.result);
    QCOMPARE(outcome.result.error().code, engine::ErrorCode::kCorrupt);
    QVERIFY(outcome.pages.empty());
  }

  void a_program_that_does_not_limit_itself_is_held_to_limits() {
    const QTemporaryDir folder;
    const std::string file = folder.filePath("out").toStdString();
    const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto shell = WorkerProcess::start("/bin/sh", {"-c", "read go; ulimit -v; ulimit -t; ulimit -n; echo text > \"$0\" || echo refused", file},
                                      nothing, /*with_requests=*/true, ProcessLimits{512u << 20, 7, 20});
    QVERIFY(shell);
    QVERIFY(shell->send("go\n"));
    std::string said;
    char bytes[256];
    for (ssize_t n = 0; (n = ::read(shell->output(), bytes, sizeof bytes)) > 0;) said.append(bytes, static_cast<std::size_t>(n));
    QVERIFY2(said.starts_with("524288\n7\n20\n"), said.c_str());
    QCOMPARE(QFileInfo(folder.filePath("out")).size(), 0);
  }

  void frames_of_noise_are_refused_without_harm() {
    std::srand(7);
    for (int i = 0; i < 20000; ++i) {
      std::string noise(static_cast<std::size_t>(std::rand() % 200), '\0');
      for (char& byte : noise) byte = static_cast<char>(std::rand() % 5 ? std::rand() % 4 : std::rand());
      QVERIFY(!decode_page(noise));
      (void)decode_facts(noise);
      (void)decode_error(noise);
    }
  }

  void a_page_frame_cut_anywhere_is_refused() {
    PageFrame page{1, "i", {}};
    page.text.text = "Some words.";
    page.text.words = {{0, 4, {0.1f, 0.1f, 0.2f, 0.2f}}, {5, 10, {0.2f, 0.1f, 0.3f, 0.2f}}};
    page.text.spans = {{SpanKind::kSentence, 0, 0, 11, 0, 0, {{0.1f, 0.1f, 0.3f, 0.2f}}}};
    const std::string whole = encode_page(page);
    QVERIFY(decode_page(whole));
    for (std::size_t n = 0; n < whole.size(); ++n) QVERIFY(!decode_page(std::string_view(whole).substr(0, n)));
  }

  void the_confined_worker_can_do_nothing_but_read_and_compute() {
    QCOMPARE(confined([] { return ::open("/etc/passwd", O_RDONLY) >= 0; }), 0);
    QCOMPARE(confined([] { return ::open("/tmp/longleaf-escape", O_WRONLY | O_CREAT, 0600) >= 0; }), 0);
    QCOMPARE(confined([] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }), 0);
    QCOMPARE(confined([] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }), 0);
    QVERIFY(confined([] { return ::fork() == 0 ? 7 : 1; }) != 7);
    QVERIFY(confined([] { return ::kill(::getppid(), 0) == 0 ? 7 : 0; }) != 7);
    QVERIFY(confined([] { return ::execl("/bin/true", "true", nullptr); }) != 0);
    QCOMPARE(confined([] { return std::malloc(std::size_t(2) << 30) != nullptr; }), 0);
  }
};

int main(int argc, char** argv) {
  if (argc > 3 && std::strcmp(argv[1], "extract-pages") == 0) return fake_worker(argc, argv);
  QCoreApplication application(argc, argv);
  PageWorkerTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "page_worker_test.moc"
