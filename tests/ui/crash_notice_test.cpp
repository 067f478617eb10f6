#include <QApplication>
#include <QClipboard>
#include <QFile>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/widget_walk.h"
#include "ui/theme/tokens.h"
#include "ui/window/crash_notice.h"

/// What the next start says of a session that did not end by itself.
class CrashNoticeTest : public QObject {
  Q_OBJECT

  static std::vector<app::CrashReport> reports_in(const QTemporaryDir& folder, bool says_where) {
    const QString path = folder.filePath("session-1-2.log");
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly)) return {};
    file.write("Longleaf 0.1.0, Linux\n10:00:00 info the model is there\nFault: signal 11\n");
    return {{path.toStdString(), "Longleaf 0.1.0, Linux\n10:00:00 info the model is there\nFault: signal 11\n", says_where}};
  }
  static QPushButton* button(const ui::CrashNotice& notice, const QString& text) {
    for (QPushButton* one : notice.findChildren<QPushButton*>()) {
      if (one->text() == text) return one;
    }
    return nullptr;
  }

 private slots:
  void the_report_is_copied_kept_or_deleted() {
    for (const bool keeps : {true, false}) {
      QTemporaryDir folder;
      ui::CrashNotice notice(reports_in(folder, true));
      notice.show();
      QVERIFY(notice.informativeText().contains("A fault in the program"));
      button(notice, "Copy the report")->click();
      QVERIFY(QApplication::clipboard()->text().contains("signal 11"));
      QVERIFY(notice.isVisible());
      button(notice, keeps ? "Keep the report" : "Delete and go on")->click();
      QVERIFY(!notice.isVisible());
      QVERIFY(app::crash_reports(folder.path().toStdString()).empty());
      QCOMPARE(QDir(folder.path()).entryList(QDir::Files).size(), keeps ? 1 : 0);
    }
  }

  void a_session_that_was_killed_is_not_called_a_fault() {
    QTemporaryDir folder;
    ui::CrashNotice notice(reports_in(folder, false));
    QVERIFY(notice.informativeText().contains("from outside"));
    int n = 0;
    QCOMPARE(support::nameless_controls(notice, n), QStringList());
  }

  void looks_right_in_light_and_dark() {
    const QString pictures = qEnvironmentVariable("LONGLEAF_PICTURES");
    for (const ui::Theme theme : {ui::Theme::kLight, ui::Theme::kDark}) {
      ui::apply_theme(*qApp, theme, false);
      QTemporaryDir folder;
      ui::CrashNotice notice(reports_in(folder, true));
      notice.show();
      QVERIFY(QTest::qWaitForWindowExposed(&notice));
      const QImage image = notice.grab().toImage();
      QVERIFY(image.width() > 300);
      if (!pictures.isEmpty()) image.save(pictures + (theme == ui::Theme::kDark ? "/crash-dark.png" : "/crash-light.png"));
    }
  }
};

QTEST_MAIN(CrashNoticeTest)
#include "crash_notice_test.moc"
