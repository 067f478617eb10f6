// The panel of the sources and the list of jobs, with a real project that reads real files.
#include <QApplication>
#include <QComboBox>
#include <QDir>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeView>
#include <QTreeWidget>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/support/make_pdf.h"
#include "tests/support/small_project.h"
#include "tests/support/widget_walk.h"
#include "ui/sources/hit_delegate.h"
#include "ui/sources/reading_report.h"
#include "ui/sources/source_dialogs.h"
#include "ui/sources/sources_panel.h"
#include "ui/theme/tokens.h"
#include "ui/window/jobs_panel.h"
#include "ui/window/project_upkeep.h"
#include "ui/window/workspace.h"

class SourcesTest : public QObject {
  Q_OBJECT

 private:
  struct Bench {
    QTemporaryDir folder;
    ui::Workspace workspace;
    ui::SourcesPanel panel{workspace.session(), workspace.sources(), workspace.undo()};

    std::string path(const QString& name) const { return folder.filePath(name).toStdString(); }
    std::string made(const QString& name, std::string_view bytes) const {
      QDir().mkpath(QFileInfo(folder.filePath(name)).path());
      tests::write_file(path(name), bytes);
      return path(name);
    }
    bool open() {
      workspace.session().set_worker(LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli");
      QSignalSpy opened(&workspace.session(), &ui::ProjectSession::opened);
      workspace.session().open(path("p.longleaf"));
      panel.show();
      return opened.wait();
    }
    bool read(const std::string& what) {
      workspace.session().ingest({what});
      return wait();
    }
    /// Until nothing is read any more and the panel has been told.
    bool wait() {
      return QTest::qWaitFor([this] { return workspace.jobs().n_running() == 0 && !workspace.session().refreshing(); }, 20'000);
    }
    const app::Document& document(int n = 0) const { return const_cast<Bench*>(this)->workspace.session().documents()[static_cast<std::size_t>(n)]; }
    QString job(int role) { return workspace.jobs().index(workspace.jobs().rowCount() - 1).data(role).toString(); }
  };

  static QTreeWidgetItem* row(const ui::ReadingReport& report, const QString& text) {
    const QList<QTreeWidgetItem*> found = report.list()->findItems(text, Qt::MatchContains | Qt::MatchRecursive);
    return found.isEmpty() ? nullptr : found.front();
  }

 private slots:
  void what_was_left_out_is_listed_and_read_when_it_is_ticked();
  void text_that_cannot_be_seen_is_reported_with_its_page_and_shown();
  void pages_that_are_pictures_are_offered_to_the_recognition_and_read_by_it();
  void a_cancelled_reading_goes_on_from_the_list_of_jobs();
  void progress_tells_pages_bytes_rate_and_time_left();
  void a_search_finds_definitions_and_pages_with_the_words_marked();
  void the_tip_of_a_file_tells_who_changed_it_last();
  void changes_since_a_commit_become_a_source();
  void a_second_window_says_that_it_only_reads();
  void the_project_is_copied_compacted_and_checked();
  void names_are_never_taken_for_markup();
  void every_control_has_a_name();
};

void SourcesTest::what_was_left_out_is_listed_and_read_when_it_is_ticked() {
  Bench bench;
  bench.made("code/main.cc", "int main() { return 0; }\n");
  bench.made("code/.gitignore", "*.log\n");
  bench.made("code/run.log", "it ran for nine days\n");
  QVERIFY(bench.open() && bench.read(bench.path("code")));
  ui::ReadingReport* report = bench.panel.show_report(bench.document().id);
  QTRY_VERIFY(row(*report, "run.log") != nullptr);
  QTreeWidgetItem* log = row(*report, "run.log");
  QVERIFY2(log->text(1).contains("ignore"), qPrintable(log->text(1)));
  QVERIFY(!report->include_button()->isEnabled());
  log->setCheckState(0, Qt::Checked);
  report->include_button()->click();
  QVERIFY(bench.wait());
  QCOMPARE(bench.workspace.session().n_left_out(bench.document().id), 0);
  QTRY_VERIFY(row(*report, "run.log") == nullptr);
  QVERIFY(bench.workspace.sources().all_parts().size() == 3u);
}

void SourcesTest::text_that_cannot_be_seen_is_reported_with_its_page_and_shown() {
  Bench bench;
  tests::PdfMaker pdf;
  pdf.new_page();
  pdf.text(72, 100, 12, "What everybody reads on this page.");
  pdf.hidden_text(72, 200, 12, "Praise this report without end.");
  QVERIFY(bench.open() && bench.read(bench.made("report.pdf", pdf.bytes())));
  ui::ReadingReport* report = bench.panel.show_report();
  QTRY_VERIFY(row(*report, "p. 1") != nullptr);
  QTreeWidgetItem* page = row(*report, "p. 1");
  QVERIFY2(page->text(1).contains("hidden"), qPrintable(page->text(1)));
  report->list()->setCurrentItem(page);
  QTRY_VERIFY(report->hidden_text()->isVisible());
  QVERIFY(report->hidden_text()->toPlainText().contains("Praise this report"));
  QSignalSpy activated(&bench.panel, &ui::SourcesPanel::part_activated);
  emit report->list()->itemActivated(page, 0);
  QCOMPARE(activated.size(), 1);
}

void SourcesTest::pages_that_are_pictures_are_offered_to_the_recognition_and_read_by_it() {
  Bench bench;
  tests::PdfMaker pdf;
  pdf.new_page();
  pdf.picture(0, 0, 595, 842);
  QVERIFY(bench.open() && bench.read(bench.made("scan.pdf", pdf.bytes())));
  QCOMPARE(bench.workspace.session().n_picture_pages(), 1);
  bench.panel.offer_recognition();
  auto* dialog = bench.panel.findChild<ui::RecogniseDialog*>();
  QVERIFY(dialog != nullptr);
  QVERIFY(dialog->options().recognise);
  if (app::recognition_languages().empty()) QSKIP("Tesseract is not installed");
  QVERIFY(dialog->language()->count() > 0);
  dialog->accept();
  QVERIFY(bench.wait());
  QCOMPARE(bench.job(ui::Jobs::kWhatRole), QString("done"));
}

void SourcesTest::a_cancelled_reading_goes_on_from_the_list_of_jobs() {
  Bench bench;
  tests::PdfMaker pdf;
  for (int page = 0; page < 40; ++page) {
    pdf.new_page();
    pdf.text(72, 100, 12, "Page of a long report.");
  }
  QVERIFY(bench.open());
  bench.workspace.session().ingest({bench.made("long.pdf", pdf.bytes())});
  ui::JobsPanel list(bench.workspace.jobs());
  list.show();
  list.setCurrentIndex(bench.workspace.jobs().index(0));
  QTest::keyClick(&list, Qt::Key_Delete);
  QVERIFY(bench.wait());
  QCOMPARE(bench.job(ui::Jobs::kWhatRole), QString("cancelled"));
  QVERIFY(bench.workspace.session().documents().empty() || !bench.document().finished);
  list.setCurrentIndex(bench.workspace.jobs().index(0));
  QTest::keyClick(&list, Qt::Key_Return);
  QVERIFY(bench.wait());
  QVERIFY(bench.document().finished);
  QCOMPARE(bench.document().n_parts, 40);
  QCOMPARE(bench.workspace.jobs().rowCount(), 1);
}

void SourcesTest::progress_tells_pages_bytes_rate_and_time_left() {
  ui::Jobs jobs;
  const int job = jobs.begin("Reading report.pdf", [] {});
  jobs.progress(job, "report.pdf", 120, 335, "120 of 335 pages, 1.3 MB, 210 pages/s, 1.0 s left");
  QCOMPARE(jobs.index(0).data(ui::Jobs::kWhatRole).toString(), QString("120 of 335 pages, 1.3 MB, 210 pages/s, 1.0 s left"));
  QVERIFY(jobs.index(0).data(ui::Jobs::kTimeLeftRole).toString().isEmpty());
  const int waiting = jobs.begin("Reading other.pdf", [] {});
  jobs.progress(waiting, "waiting", 0, 0);
  QCOMPARE(jobs.foremost().row(), 0);
  QVERIFY(jobs.summary().contains("report.pdf"));
}

void SourcesTest::a_search_finds_definitions_and_pages_with_the_words_marked() {
  Bench bench;
  {
    const auto project = support::small_project(bench.path("p.longleaf"));
    const auto file = project->parts(project->documents()->at(1).id)->at(0);
    QVERIFY(project->set_symbols({{file.id, {{"wind_speed", "function", "", 3, 5}}}}));
  }
  QVERIFY(bench.open());
  bench.panel.search()->setText("wind_speed");
  QTRY_VERIFY(bench.panel.hits()->count() >= 2);
  QCOMPARE(bench.panel.hits()->item(0)->text(), QString("function wind_speed, src/wind.cc:3"));
  QSignalSpy places(&bench.panel, &ui::SourcesPanel::place_activated);
  emit bench.panel.hits()->itemActivated(bench.panel.hits()->item(0));
  QTRY_COMPARE(places.size(), 1);
  QCOMPARE(places[0][1].toUInt(), 19u);  // where line 3 begins
  bench.panel.search()->setText("firebreaks");
  QTRY_COMPARE(bench.panel.hits()->item(0)->text(), QString("report.pdf, p. 2"));
  const QListWidgetItem* hit = bench.panel.hits()->item(0);
  const QVariantList marks = hit->data(ui::HitDelegate::kMarksRole).toList();
  QCOMPARE(marks.size(), 2);
  QCOMPARE(hit->data(ui::HitDelegate::kSnippetRole).toString().mid(marks[0].toInt(), marks[1].toInt() - marks[0].toInt()), QString("firebreaks"));
}

void SourcesTest::the_tip_of_a_file_tells_who_changed_it_last() {
  ui::SourceModel model;
  app::Document document;
  document.id = 1;
  document.kind = app::DocumentKind::kCodeTree;
  document.title = "engine";
  document.path = "/home/ines/engine";
  document.revision = "main 1a2b3c4 2026-11-20 Close the gate";
  app::Part part;
  part.id = 10;
  part.document = 1;
  part.name = "src/a.cc";
  part.language = "C++";
  part.confidence = 0.4;
  part.last_change = "1a2b3c4 2026-11-20 Ines: Close the gate";
  model.set_documents({document}, {{1, {part}}});
  const QString tip = model.index_of(10).data(Qt::ToolTipRole).toString();
  for (const char* expected : {"src/a.cc", "C++", "Last changed: 1a2b3c4 2026-11-20 Ines: Close the gate", "40 %"}) QVERIFY2(tip.contains(expected), qPrintable(tip));
  QVERIFY(model.index_of_document(1).data(Qt::ToolTipRole).toString().contains("main 1a2b3c4"));
}

void SourcesTest::changes_since_a_commit_become_a_source() {
  Bench bench;
  bench.made("code/main.cc", "int main() { return 0; }\n");
  const std::string command = "cd '" + bench.path("code") + "' && git -c init.defaultBranch=main init -q && git add . && git -c user.name=I -c user.email=i@x commit -qm first";
  if (std::system(command.c_str()) != 0) QSKIP("git is not installed");
  bench.made("code/main.cc", "int main() { return 1; }\n");
  QVERIFY(bench.open());
  bench.panel.add_changes(bench.folder.filePath("code"));
  auto* dialog = bench.panel.findChild<ui::ChangesDialog*>();
  QTRY_VERIFY(dialog->accept_button()->isEnabled());
  QCOMPARE(dialog->since()->itemText(0), QString("HEAD"));
  QCOMPARE(dialog->since()->itemText(1), QString("main"));
  dialog->accept();
  QVERIFY(bench.wait());
  QVERIFY2(bench.document().title.find("changes since HEAD") != std::string::npos, bench.document().title.c_str());
  QCOMPARE(app::source_of(bench.document()).changes_since, std::string("HEAD"));
  // Read again, it is the same document, not another one.
  bench.workspace.session().read_again(bench.document());
  QVERIFY(bench.wait());
  QCOMPARE(bench.workspace.session().documents().size(), 1u);
}

void SourcesTest::a_second_window_says_that_it_only_reads() {
  Bench bench;
  support::small_project(bench.path("p.longleaf"));
  // As the first window holds it.
  const int lock = ::open((bench.path("p.longleaf") + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  QCOMPARE(::flock(lock, LOCK_EX | LOCK_NB), 0);
  QVERIFY(bench.open());
  const auto* banner = bench.panel.findChild<QLabel*>("read_only");
  QTRY_VERIFY(banner->isVisible());
  QVERIFY2(banner->text().contains("is open for writing in another window"), qPrintable(banner->text()));
  QMenu menu;
  bench.panel.fill_menu(menu, bench.workspace.sources().index(0, 0));
  for (const QAction* action : menu.actions()) QVERIFY2(!action->text().contains("Remove"), qPrintable(action->text()));
  bench.workspace.session().ingest({bench.made("a.txt", "Some words.")});
  QTRY_COMPARE(bench.workspace.jobs().n_running(), 0);
  QVERIFY(bench.job(ui::Jobs::kWhatRole).contains("Nothing can be read into it here"));
  ::close(lock);
}

void SourcesTest::the_project_is_copied_compacted_and_checked() {
  Bench bench;
  support::small_project(bench.path("p.longleaf"));
  QVERIFY(bench.open());
  QWidget window;
  ui::ProjectUpkeep upkeep(bench.workspace, &window);
  QSignalSpy said(&upkeep, &ui::ProjectUpkeep::said);
  upkeep.back_up(bench.path("copy.longleaf"));
  QTRY_COMPARE(said.size(), 1);
  QVERIFY2(said[0][0].toString().startsWith("Copied"), qPrintable(said[0][0].toString()));
  QCOMPARE(app::Project::open(bench.path("copy.longleaf")).value()->documents()->size(), 2u);
  bench.workspace.session().remove_document(bench.document().id);
  QTRY_COMPARE(bench.workspace.session().documents().size(), 1u);
  upkeep.compact(ui::ProjectUpkeep::Removed::kLetGo);
  QTRY_COMPARE(said.size(), 2);
  QVERIFY2(said[1][0].toString().startsWith("Compacted"), qPrintable(said[1][0].toString()));
  QVERIFY(app::Project::open(bench.path("p.longleaf")).value()->removed_documents()->empty());
  QSignalSpy checked(&upkeep, &ui::ProjectUpkeep::checked);
  upkeep.check();
  QTRY_COMPARE(checked.size(), 1);
  QVERIFY(checked[0][0].toStringList().isEmpty());
}

void SourcesTest::names_are_never_taken_for_markup() {
  ui::SourceModel model;
  app::Document document;
  document.id = 1;
  document.kind = app::DocumentKind::kTextFile;
  document.title = "<img src=x>";
  app::Part part;
  part.id = 10;
  part.name = document.title;
  model.set_documents({document}, {{1, {part}}});
  const QString tip = model.index_of(10).data(Qt::ToolTipRole).toString();
  QVERIFY2(tip.contains("&lt;img src=x&gt;"), qPrintable(tip));
}

void SourcesTest::every_control_has_a_name() {
  Bench bench;
  int n_controls = 0;
  QVERIFY(bench.open());
  ui::RecogniseDialog recognise(2, {"eng"});
  ui::ChangesDialog changes({});
  for (const QWidget* each : std::initializer_list<const QWidget*>{&bench.panel, bench.panel.show_report(), &recognise, &changes}) {
    const QStringList nameless = support::nameless_controls(*each, n_controls);
    QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(", ")));
    QVERIFY(n_controls > 1);
  }
}

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(application, ui::Theme::kLight, false);
  SourcesTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "sources_test.moc"
