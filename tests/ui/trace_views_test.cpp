#include <QImage>
#include <QLabel>
#include <QPushButton>
#include <QSet>
#include <QSignalSpy>
#include <QTest>

#include "app/heatmap/map_image.h"
#include "tests/support/trace_views.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/layer_grid.h"
#include "ui/trace/layer_strip.h"
#include "ui/trace/measures_view.h"
#include "ui/trace/table_window.h"
#include "ui/trace/unread_list.h"

using views::keep;
using views::small_run;
using views::theme;

class TraceViewsTest : public QObject {
  Q_OBJECT

 private slots:
  void says_so_when_nothing_was_sparse();
  void every_picture_has_its_table();
  void a_live_token_shows_in_the_strip_before_there_is_a_run();
  void a_click_on_the_strip_chooses_the_layer();
  void pages_nobody_consulted_can_be_asked_about();
  void measures_are_told_in_words();
  void every_layer_has_its_small_map_and_a_click_chooses_it();
  void a_layer_that_was_passed_over_says_so();
};

void TraceViewsTest::says_so_when_nothing_was_sparse() {
  auto run = std::make_shared<app::RunTrace>(*small_run());
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  trace->n_sparse_queries = 0;
  run->trace = trace;
  ui::ConsultedList list;
  QSignalSpy ranked(&list, &ui::ConsultedList::ready);
  list.set_run(run);
  QVERIFY(ranked.wait());
  QCOMPARE(list.model().rowCount(), 0);
  QVERIFY(list.findChild<QLabel*>()->text().startsWith(QStringLiteral("Dense here: up to 512")));
}

void TraceViewsTest::every_picture_has_its_table() {
  auto run = std::make_shared<app::RunTrace>(*small_run());
  for (std::string& text : run->block_texts) text = "=cmd(\"x\") %1";
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  trace->recall.assign(8, 0.5f);
  run->trace = trace;
  ui::TableWindow window;
  QSignalSpy ready(&window, &ui::TableWindow::ready);
  window.show_run(run, {.compared = small_run()});
  QVERIFY(ready.wait());
  const auto cell = [&window](int row, int column) { return window.model().data(window.model().index(row, column), Qt::DisplayRole).toString(); };
  QCOMPARE(cell(0, 1), QStringLiteral("report 1.pdf, p. 1"));
  QCOMPARE(cell(0, 6), QStringLiteral("'=cmd(\"x\") %1"));  // a spreadsheet would take it for a formula
  const std::pair<app::TraceTable, int> sizes[] = {{app::TraceTable::kSources, 36}, {app::TraceTable::kLayers, 8 * 36}, {app::TraceTable::kRecall, 8}, {app::TraceTable::kAgreement, 64}, {app::TraceTable::kDifferences, 36}};
  for (const auto& [table, n_rows] : sizes) {
    window.choose(table);
    QVERIFY(ready.wait());
    QCOMPARE(window.model().rowCount(), n_rows);
  }
}

void TraceViewsTest::a_live_token_shows_in_the_strip_before_there_is_a_run() {
  ui::LayerStrip strip;
  strip.setPalette(theme(false));
  strip.resize(700, 96);
  std::vector<engine::BlockSet> layers(4);
  for (engine::BlockSet& layer : layers) layer.words = {0b1};
  strip.show_live(64 * 10, 0, layers);
  const QImage image = strip.grab().toImage();
  QVERIFY(image.pixelColor(60, 48).lightness() < 100);
  QCOMPARE(image.pixelColor(400, 48), QColor(0xFBFAF7));
  QCOMPARE(strip.describe({60, 90}), QStringLiteral("layer 4  \u00b7  block 0  \u00b7  selected by 100\u2009%"));
}

void TraceViewsTest::a_click_on_the_strip_chooses_the_layer() {
  ui::LayerStrip strip;
  strip.resize(700, 88);
  std::vector<engine::BlockSet> layers(8);
  strip.show_live(640, 0, layers);
  QSignalSpy chosen(&strip, &ui::LayerStrip::layer_selected);
  QTest::mouseClick(&strip, Qt::LeftButton, {}, {300, 9});
  QCOMPARE(chosen[0][0].toInt(), 0);
  strip.mark_layer(0);
  QTest::mouseClick(&strip, Qt::LeftButton, {}, {300, 9});
  QCOMPARE(chosen[1][0].toInt(), app::kAllLayers);
}

void TraceViewsTest::pages_nobody_consulted_can_be_asked_about() {
  auto run = std::make_shared<app::RunTrace>(*small_run());
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  for (engine::BlockSet& set : trace->decode) set.words = {1};  // the first block alone
  run->trace = trace;
  ui::UnreadList list;
  QSignalSpy ready(&list, &ui::UnreadList::ready);
  list.set_run(run);
  QVERIFY(ready.wait());
  QCOMPARE(list.report().not_by_answer.size(), std::size_t{35});
  QSignalSpy again(&list, &ui::UnreadList::ask_again);
  QTest::mouseClick(list.findChild<QPushButton*>(), Qt::LeftButton);
  QCOMPARE(again[0][0].value<QList<qint64>>().size(), 35);
}

void TraceViewsTest::measures_are_told_in_words() {
  ui::MeasuresView view;
  view.resize(700, 260);
  QSignalSpy ready(&view, &ui::MeasuresView::ready);
  view.set_run(small_run());
  QVERIFY(ready.wait());
  QVERIFY2(view.describe({680, 60}).startsWith(QStringLiteral("layers ")), qPrintable(view.describe({680, 60})));
  QVERIFY2(view.describe({20, 100}).startsWith(QStringLiteral("0 to 64 tokens before")), qPrintable(view.describe({20, 100})));
}

void TraceViewsTest::every_layer_has_its_small_map_and_a_click_chooses_it() {
  ui::LayerGrid grid;
  grid.setPalette(theme(false));
  grid.resize(600, 300);
  QSignalSpy ready(&grid, &ui::LayerGrid::ready);
  grid.show();
  grid.set_run(small_run());
  QVERIFY(ready.wait());
  keep(grid, QStringLiteral("trace_layers"));
  const QImage image = grid.grab().toImage();
  QSet<QRgb> colors;
  for (int y = 30; y < 140; ++y) {
    for (int x = 14; x < 120; ++x) colors.insert(image.pixel(x, y));
  }
  QVERIFY(colors.size() > 8);
  QSignalSpy chosen(&grid, &ui::LayerGrid::layer_selected);
  QTest::mouseClick(&grid, Qt::LeftButton, {}, {20, 40});
  QCOMPARE(chosen[0][0].toInt(), 0);
  QVERIFY(grid.describe({20, 40}).startsWith(QStringLiteral("layer 1: ")));
}

void TraceViewsTest::a_layer_that_was_passed_over_says_so() {
  auto run = std::make_shared<app::RunTrace>(*small_run());
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  const double before = double(app::make_matrix(*trace, {}).at(200, 0));
  trace->prefill[7].computed = false;
  std::ranges::fill(trace->prefill[7].counts, std::uint16_t{0});
  run->trace = trace;
  // The mean is over the layers that were computed: a layer nobody asked is no zero.
  QVERIFY(std::abs(double(app::make_matrix(*trace, {}).at(200, 0)) - before) < 0.2 * before);
  app::HeatScope question;
  question.phase = app::HeatPhase::kPrefill;
  question.layer = 7;
  QCOMPARE(app::make_key_heat(*trace, question).n_queries, 0);
  QVERIFY(app::map_caption(*run, {.layer = 7}).starts_with("Layer 8 was not computed"));
  ui::LayerGrid grid;
  grid.resize(600, 300);
  QSignalSpy ready(&grid, &ui::LayerGrid::ready);
  grid.show();
  grid.set_run(run);
  QVERIFY(ready.wait());
  bool said = false;
  for (int x = 0; x < 600; x += 20) said = said || grid.describe(QPointF(x, 280)).contains(QStringLiteral("not computed")) || grid.describe(QPointF(x, 120)).contains(QStringLiteral("not computed"));
  QVERIFY(said);
}

QTEST_MAIN(TraceViewsTest)
#include "trace_views_test.moc"
