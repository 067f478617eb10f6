#include <QTemporaryDir>
#include <QTest>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "app/settings/session_mark.h"
#include "engine/base/log.h"

using namespace app;

/// Sessions that end in every way, each in a process of its own.
class SessionMarkTest : public QObject {
  Q_OBJECT

  /// Runs `work` in a child and waits for its end.
  template <typename Work>
  static int child(Work work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      work();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
  }

 private slots:
  void a_session_that_ends_by_itself_leaves_nothing() {
    QTemporaryDir folder;
    const std::filesystem::path place = folder.filePath("sessions").toStdString();
    QCOMPARE(child([&] { const SessionMark mark(place, "Longleaf 1"); }), 0);
    QVERIFY(std::filesystem::exists(place));
    QVERIFY(crash_reports(place).empty());
  }

  void a_session_that_is_asked_to_end_leaves_nothing() {
    QTemporaryDir folder;
    const std::filesystem::path place = folder.path().toStdString();
    for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
      const int status = child([&] {
        const SessionMark mark(place, "Longleaf 1");
        ::raise(signal);
      });
      QVERIFY(WIFSIGNALED(status) && WTERMSIG(status) == signal);
      QVERIFY(std::filesystem::is_empty(place));
    }
  }

  void faults_leave_log_signal_and_calls_and_end_as_they_would_have_data() {
    QTest::addColumn<int>("signal");
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE}) QTest::addRow("signal %d", signal) << signal;
  }
  void faults_leave_log_signal_and_calls_and_end_as_they_would_have() {
    QFETCH(int, signal);
    QTemporaryDir folder;
    const std::filesystem::path place = folder.path().toStdString();
    const int status = child([&] {
      const SessionMark mark(place, "Longleaf 1");
      engine::log(engine::LogLevel::kInfo, "the model is there");
      ::raise(signal);
    });
    QVERIFY(WIFSIGNALED(status));
    QCOMPARE(WTERMSIG(status), signal);
    const auto reports = crash_reports(place);
    QCOMPARE(reports.size(), std::size_t{1});
    QVERIFY(reports[0].says_where);
    const QString text = QString::fromStdString(reports[0].text);
    QVERIFY2(text.startsWith("Longleaf 1, Linux") && text.contains("the model is there") && text.contains(QString("Fault: signal %1").arg(signal, 2, 10, QLatin1Char('0'))), qPrintable(text));
    QVERIFY2(text.mid(text.indexOf("Fault")).count('\n') > 3, qPrintable(text));
    forget_reports(reports);
    QVERIFY(crash_reports(place).empty());
    QVERIFY(std::filesystem::is_empty(place));
  }

  void a_killed_session_is_told_from_one_that_failed_and_from_one_that_runs() {
    QTemporaryDir folder;
    const std::filesystem::path place = folder.path().toStdString();
    const int status = child([&] {
      const SessionMark mark(place, "Longleaf 1");
      ::kill(::getpid(), SIGKILL);
    });
    QVERIFY(WIFSIGNALED(status));
    const SessionMark running(place, "Longleaf 2");
    const auto reports = crash_reports(place);
    QCOMPARE(reports.size(), std::size_t{1});
    QVERIFY(!reports[0].says_where);
    QVERIFY(reports[0].file != running.file());
    keep_reports(reports);
    QVERIFY(crash_reports(place).empty());
    QCOMPARE(std::distance(std::filesystem::directory_iterator(place), {}), 2);
  }

  void without_a_place_to_write_to_the_session_runs_all_the_same() {
    const SessionMark mark("/proc/nowhere", "Longleaf 1");
    QVERIFY(crash_reports("/proc/nowhere").empty());
  }
};

QTEST_GUILESS_MAIN(SessionMarkTest)
#include "session_mark_test.moc"
