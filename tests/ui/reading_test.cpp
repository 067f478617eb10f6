#include <QApplication>
#include <QCheckBox>
#include <QDir>
#include <QFile>
#include <QListView>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>

#include "tests/support/make_pdf.h"
#include "tests/support/small_project.h"
#include "tests/support/widget_walk.h"
#include "ui/conversation/answer_text.h"
#include "ui/conversation/compare_dialog.h"
#include "ui/page/citation_preview.h"
#include "ui/page/page_strip.h"
#include "ui/project/jobs.h"
#include "ui/project/project_session.h"
#include "ui/sources/drop_cost.h"
#include "ui/theme/tokens.h"

/// What stands beside a document: its pages and outline, the preview of a chip, two runs, the cost of a drop.
class ReadingTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;
  ui::Jobs jobs_;
  std::unique_ptr<ui::ProjectSession> session_;

  const app::Document& document(app::DocumentKind kind) const {
    return *std::find_if(session_->documents().begin(), session_->documents().end(), [kind](const app::Document& one) { return one.kind == kind; });
  }

 private slots:
  void initTestCase() {
    const std::filesystem::path path = folder_.filePath("small.longleaf").toStdString();
    support::small_project(path);
    session_ = std::make_unique<ui::ProjectSession>(jobs_);
    QSignalSpy opened(session_.get(), &ui::ProjectSession::opened);
    session_->open(path);
    QVERIFY(opened.wait());
  }

  void the_strip_has_a_row_for_each_page_and_its_outline_leads_to_the_headings() {
    const app::Document& report = document(app::DocumentKind::kPdf);
    ui::PageStrip strip(*session_);
    strip.set_document(report, session_->parts().at(report.id), {});
    QCOMPARE(strip.thumbnails()->model()->rowCount(), 2);
    QSignalSpy chosen(&strip, &ui::PageStrip::page_chosen);
    emit strip.thumbnails()->clicked(strip.thumbnails()->model()->index(1, 0));
    QCOMPARE(chosen.front().front().toInt(), 1);
    strip.show_outline();
    QTRY_COMPARE(strip.outline()->topLevelItemCount(), 2);
    QVERIFY(strip.outline()->topLevelItem(1)->text(0).contains("Costs"));
    QSignalSpy heading(&strip, &ui::PageStrip::heading_chosen);
    emit strip.outline()->itemClicked(strip.outline()->topLevelItem(1), 0);
    QCOMPARE(heading.front().front().toLongLong(), session_->parts().at(report.id)[1].id);
    int n_controls = 0;
    QVERIFY(support::nameless_controls(strip, n_controls).isEmpty());
  }

  void the_preview_of_a_chip_shows_the_lines_around_the_cited_ones() {
    const app::Document& tree = document(app::DocumentKind::kCodeTree);
    ui::CitationPreview preview(*session_);
    app::Citation citation;
    citation.in_prompt = true;
    citation.part = session_->parts().at(tree.id)[0].id;
    citation.source_begin = 20;
    citation.source_end = 45;
    citation.label = "src/wind.cc:3";
    preview.show_citation(citation, "The quoted words stand there.", QPoint(50, 50));
    QTRY_VERIFY(preview.isVisible());
    QVERIFY2(preview.excerpt().contains("int wind_speed(int gusts) {"), qPrintable(preview.excerpt()));
    preview.dismiss();
    QVERIFY(!preview.isVisible());
  }

  void two_runs_stand_side_by_side_with_what_only_one_of_them_cites() {
    std::vector<app::Run> runs(2);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      app::Citation citation;
      citation.in_prompt = true;
      citation.begin = 4;
      citation.end = 8;
      citation.label = i == 0 ? "a.pdf, p. 1" : "a.pdf, p. 2";
      runs[i].id = static_cast<app::RunId>(i) + 1;
      runs[i].question = "Why?";
      runs[i].answer = "For [p1] it.";
      runs[i].model = "Finder abc";
      runs[i].settings_json = i == 0 ? R"({"selection": {"mode": "indexer", "top_k": 64}})" : R"({"selection": {"mode": "dense"}})";
      runs[i].citations_json = app::citations_to_json({citation});
      runs[i].n_prompt_tokens = 1000;
      runs[i].n_generated_tokens = 20;
    }
    ui::CompareDialog dialog(runs, 1, 2);
    QVERIFY(dialog.figures(0).contains("indexer, top 64"));
    QVERIFY(dialog.figures(1).contains("dense"));
    QCOMPARE(dialog.only_here(0), QString("Cited only here: a.pdf, p. 1"));
    QCOMPARE(dialog.only_here(1), QString("Cited only here: a.pdf, p. 2"));
    int n_controls = 0;
    const QStringList nameless = support::nameless_controls(dialog, n_controls);
    QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(", ")));
  }

  void both_sides_of_a_comparison_scroll_together_by_their_share() {
    std::vector<app::Run> runs(2);
    for (int i = 0; i < 2; ++i) {
      runs[i].id = i + 1;
      for (int line = 0; line < 100 * (i + 1); ++line) runs[i].answer += "A line of the answer.\n\n";
    }
    ui::CompareDialog dialog(runs, 1, 2);
    dialog.show();
    QTRY_VERIFY(dialog.area(1)->verticalScrollBar()->maximum() > 1000);
    QScrollBar* left = dialog.area(0)->verticalScrollBar();
    QScrollBar* right = dialog.area(1)->verticalScrollBar();
    left->setValue(left->maximum() / 2);
    QVERIFY(std::abs(right->value() - right->maximum() / 2) <= 2);
    right->setValue(right->maximum());
    QCOMPARE(left->value(), left->maximum());
    dialog.findChild<QCheckBox*>()->setChecked(false);
    left->setValue(0);
    QCOMPARE(right->value(), right->maximum());
  }

  void a_drop_says_what_it_would_take_and_leaves_out_what_git_ignores() {
    const QString tree = folder_.filePath("tree");
    QDir().mkpath(tree + "/build");
    tests::write_file((tree + "/.gitignore").toStdString(), "build/\n");
    tests::write_file((tree + "/a.cc").toStdString(), std::string(4000, 'x'));
    tests::write_file((tree + "/build/big.cc").toStdString(), std::string(400000, 'x'));
    tests::PdfMaker maker;
    maker.new_page();
    maker.new_page();
    const std::string pdf = folder_.filePath("two.pdf").toStdString();
    tests::write_file(pdf, maker.bytes());
    const ui::DropCost cost = ui::cost_of_paths({tree.toStdString(), pdf}, {});
    QCOMPARE(cost.n_files, std::int64_t{3});  // .gitignore, a.cc, two.pdf
    QCOMPARE(cost.n_pages, std::int64_t{2});
    QVERIFY(cost.tokens > 2 * 500 && cost.tokens < 4000);
    QVERIFY(ui::drop_cost_text(cost).contains("about"));
  }
};

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(application, ui::Theme::kLight, false);
  ReadingTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "reading_test.moc"
