// longleaf-cli project: what a script relies on, by its exit codes and files.
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/support/small_project.h"

class ProjectCommandTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;

  QString path(const QString& name) const { return folder_.filePath(name); }
  struct Said {
    int code = -1;
    QString out, notes;
  };
  static Said run(const QStringList& arguments) {
    QProcess process;
    process.start(LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli", QStringList("project") + arguments);
    process.waitForFinished();
    return {process.exitCode(), QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
  }
  QString made(const QString& name) const {
    support::small_project(path(name).toStdString());
    return path(name);
  }

 private slots:
  void a_backup_is_a_whole_project() {
    const Said said = run({"backup", made("a.longleaf"), path("copy.longleaf")});
    QVERIFY2(said.code == 0, qPrintable(said.notes));
    const auto copy = app::Project::open(path("copy.longleaf").toStdString());
    QVERIFY(copy);
    QCOMPARE((*copy)->search("firebreaks", 5)->size(), 1u);
  }

  void compacting_with_let_go_forgets_what_was_removed() {
    const QString file = made("b.longleaf");
    {
      const auto project = *app::Project::open(file.toStdString());
      QVERIFY(project->remove_document(project->documents()->at(0).id));
    }
    QCOMPARE(run({"compact", file}).code, 0);
    QCOMPARE((*app::Project::open(file.toStdString()))->removed_documents()->size(), 1u);
    QCOMPARE(run({"compact", file, "--let-go"}).code, 0);
    QVERIFY((*app::Project::open(file.toStdString()))->removed_documents()->empty());
  }

  void compacting_is_refused_while_another_program_writes() {
    const QString file = made("c.longleaf");
    const int lock = ::open((file + "-lock").toLocal8Bit().constData(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    QCOMPARE(::flock(lock, LOCK_EX | LOCK_NB), 0);
    const Said said = run({"compact", file});
    ::close(lock);
    QCOMPARE(said.code, 1);
    QVERIFY2(said.notes.contains("open for writing in another window"), qPrintable(said.notes));
  }

  void check_tells_damage_by_its_exit_code() {
    const QString file = made("d.longleaf");
    QCOMPARE(run({"check", file}).code, 0);
    QFile bytes(file);
    QVERIFY(bytes.open(QFile::ReadWrite));
    QByteArray all = bytes.readAll();
    const qsizetype word = all.indexOf("wind came from the north");
    QVERIFY(word > 0);
    bytes.seek(word);
    bytes.write("mist");
    bytes.close();
    const Said said = run({"check", file});
    QCOMPARE(said.code, 1);
    QVERIFY2(said.out.contains("report.pdf"), qPrintable(said.out));
    QVERIFY2(run({"check", file, "--json"}).out.contains("\"damage\""), qPrintable(said.out));
  }

  void a_missing_project_is_an_error_and_not_made() {
    const Said said = run({"check", path("nowhere.longleaf")});
    QCOMPARE(said.code, 1);
    QVERIFY(!QFile::exists(path("nowhere.longleaf")));
  }
};

QTEST_GUILESS_MAIN(ProjectCommandTest)
#include "project_command_test.moc"
