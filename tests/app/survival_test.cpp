// What the project survives: kill -9 at any moment, a full disk, a place nobody may write to.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "app/ingest/ingest.h"
#include "tests/support/make_pdf.h"

using namespace app;

namespace {

constexpr int kKills = 50;
constexpr int kPages = 400;
const char* kWorker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";

std::string report_bytes() {
  tests::PdfMaker pdf;
  for (int page = 1; page <= kPages; ++page) {
    pdf.new_page();
    for (int line = 0; line < 20; ++line) pdf.text(72, 80 + 15 * line, 10, "Line " + std::to_string(line) + " of sheet " + std::to_string(page) + " says something of its own.");
  }
  return pdf.bytes();
}

/// Name -> text of everything in the project: what must not depend on how often it was killed.
std::map<std::string, std::string> everything(const Project& project) {
  std::map<std::string, std::string> all;
  const auto documents = *project.documents();
  for (const Document& document : documents) {
    const auto parts = *project.parts(document.id);
    for (const Part& part : parts) all[document.title + "/" + part.name] += project.part_text(part.id)->text;
  }
  return all;
}

/// Reads report and tree into the project; each number written to standard output is acknowledged.
int ingest_and_acknowledge(const std::string& folder) {
  auto project = Project::open(folder + "/killed.longleaf");
  if (!project) return 1;
  IngestOptions options;
  options.worker = kWorker;
  int n_acknowledged = std::stoi((*project)->setting("acknowledged")->value_or("0"));
  const auto observer = [&](const IngestProgress&) {
    const std::string number = std::to_string(++n_acknowledged);
    if ((*project)->set_setting("acknowledged", number)) (void)!::write(1, (number + "\n").c_str(), number.size() + 1);
  };
  for (const char* what : {"/tree", "/report.pdf"}) {
    if (!ingest(**project, folder + what, options, observer, {})) return 2;
  }
  return 0;
}

/// With a disk that is full after a few hundred kilobytes: a clear error, then, when there is room
/// again, the rest. 0: all as it should be.
int fill_the_disk(const std::string& folder) {
  auto project = Project::open(folder + "/full.longleaf");
  if (!project) return 1;
  ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit full {300'000, RLIM_INFINITY}, free {RLIM_INFINITY, RLIM_INFINITY};
  IngestOptions options;
  options.worker = kWorker;
  ::setrlimit(RLIMIT_FSIZE, &full);
  const auto refused = ingest(**project, folder + "/report.pdf", options, {}, {});
  if (refused || refused.error().code != ErrorCode::kIo) return 2;
  if (!(*project)->verify()->empty()) return 3;
  ::setrlimit(RLIMIT_FSIZE, &free);
  if (!ingest(**project, folder + "/report.pdf", options, {}, {})) return 4;
  return (*project)->documents()->at(0).n_parts == kPages && (*project)->verify()->empty() ? 0 : 5;
}

/// As a user without rights: reading works, writing says why not. 0: all as it should be.
int open_as_nobody(const std::string& folder) {
  if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;
  auto project = Project::open(folder + "/locked/there.longleaf");
  if (!project) return 2;
  if (!(*project)->read_only() || (*project)->read_only_reason().empty()) return 3;
  if ((*project)->setting("a")->value() != "1") return 4;
  if ((*project)->set_setting("a", "2")) return 5;
  return Project::open(folder + "/locked/new.longleaf") ? 6 : 0;
}

}  // namespace

class SurvivalTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  std::string folder() const { return folder_.path().toStdString(); }

  int run_role(const char* role) const {
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(::open("/dev/null", O_WRONLY), 1);
      const std::string program = QCoreApplication::applicationFilePath().toStdString(), place = folder();
      ::execl(program.c_str(), program.c_str(), role, place.c_str(), nullptr);
      ::_exit(99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// The last number the child acknowledged before it was killed, `delay` after its start.
  int run_and_kill(std::chrono::microseconds delay) const {
    int pipe[2];
    if (::pipe(pipe) != 0) return -1;
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(pipe[1], 1);
      const std::string program = QCoreApplication::applicationFilePath().toStdString(), place = folder();
      ::execl(program.c_str(), program.c_str(), "--ingest", place.c_str(), nullptr);
      ::_exit(99);
    }
    ::close(pipe[1]);
    std::this_thread::sleep_for(delay);  // the moment of the kill is the point of this test
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::string told;
    char buffer[4096];
    for (ssize_t n; (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;) told.append(buffer, static_cast<std::size_t>(n));
    ::close(pipe[0]);
    const std::size_t end = told.rfind('\n');
    if (end == std::string::npos) return 0;
    const std::size_t begin = end == 0 ? std::string::npos : told.rfind('\n', end - 1);
    return std::atoi(told.c_str() + (begin == std::string::npos ? 0 : begin + 1));
  }

 private slots:
  void initTestCase() {
    tests::write_file(folder() + "/report.pdf", report_bytes());
    QDir(folder_.path()).mkpath("tree");
    for (int i = 0; i < 600; ++i) tests::write_file(folder() + "/tree/f" + std::to_string(i) + ".py", "x = " + std::to_string(i) + "\n\ny = 2\n");
  }

  void nothing_acknowledged_is_lost_when_the_program_is_killed() {
    std::mt19937 random(20261123);
    for (int kill = 0; kill < kKills; ++kill) {
      const int acknowledged = run_and_kill(std::chrono::microseconds(5'000 + random() % 150'000));
      if (!std::filesystem::exists(folder() + "/killed.longleaf")) continue;
      auto project = Project::open(folder() + "/killed.longleaf");
      QVERIFY2(project, project ? "" : project.error().message.c_str());
      QVERIFY(!(*project)->read_only());
      const auto damage = (*project)->verify();
      QVERIFY2(damage->empty(), damage->empty() ? "" : damage->front().c_str());
      QVERIFY(std::stoi((*project)->setting("acknowledged")->value_or("0")) >= acknowledged);
    }
    QCOMPARE(run_role("--ingest"), 0);
    auto killed = *Project::open(folder() + "/killed.longleaf");
    auto calm = *Project::open(folder() + "/calm.longleaf");
    IngestOptions options;
    options.worker = kWorker;
    QVERIFY(ingest(*calm, folder() + "/tree", options, {}, {}));
    QVERIFY(ingest(*calm, folder() + "/report.pdf", options, {}, {}));
    QCOMPARE(killed->documents()->size(), 2u);
    QVERIFY(everything(*killed) == everything(*calm));
  }

  void a_full_disk_is_said_and_the_job_goes_on_when_there_is_room() { QCOMPARE(run_role("--fill"), 0); }

  void in_a_place_that_cannot_be_written_the_project_is_read_only() {
    QDir(folder_.path()).mkpath("locked");
    { QVERIFY((*Project::open(folder() + "/locked/there.longleaf"))->set_setting("a", "1")); }
    std::filesystem::permissions(folder(), std::filesystem::perms(0755));
    std::filesystem::permissions(folder() + "/locked/there.longleaf", std::filesystem::perms(0444));
    std::filesystem::permissions(folder() + "/locked", std::filesystem::perms(0555));
    const int outcome = run_role("--nobody");
    std::filesystem::permissions(folder() + "/locked", std::filesystem::perms(0755));
    QCOMPARE(outcome, 0);
  }
};

int main(int argc, char** argv) {
  const std::string role = argc == 3 ? argv[1] : "";
  if (role == "--ingest") return ingest_and_acknowledge(argv[2]);
  if (role == "--fill") return fill_the_disk(argv[2]);
  if (role == "--nobody") return open_as_nobody(argv[2]);
  QCoreApplication application(argc, argv);
  SurvivalTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "survival_test.moc"
