#include "ui/trace/selection_map.h"

#include <QImage>
#include <QSignalSpy>
#include <QTest>

#include "tests/support/trace_views.h"

using views::keep;
using views::small_run;
using views::theme;

class SelectionMapTest : public QObject {
  Q_OBJECT

 private slots:
  void shows_colour_where_something_was_selected_and_paper_where_not();
  void zooming_keeps_the_place_under_the_pointer();
  void the_view_never_leaves_the_map();
  void names_the_numbers_under_the_pointer();
  void a_clicked_row_chooses_its_token();
  void a_double_click_opens_the_source();
  void a_new_run_replaces_the_old_one_while_it_is_drawn();
  void another_run_is_subtracted_and_taken_away_again();
};

void SelectionMapTest::shows_colour_where_something_was_selected_and_paper_where_not() {
  ui::SelectionMap map;
  map.setPalette(theme(false));
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  const QImage image = map.grab().toImage();
  const QColor sink = image.pixelColor(59, 400);      // the first block, which every query selects
  const QColor nothing = image.pixelColor(600, 70);   // the future of the first queries
  QVERIFY(sink.lightness() < 140);
  QCOMPARE(nothing, QColor(0xF1EFEA));
}

void SelectionMapTest::zooming_keeps_the_place_under_the_pointer() {
  ui::SelectionMap map;
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  const QPointF place(200, 300);
  const QString before = map.describe(place);
  for (int i = 0; i < 6; ++i) map.zoom(1.25, place);
  QCOMPARE(map.describe(place), before);
  QVERIFY(map.describe({500, 300}) != before);
}

void SelectionMapTest::the_view_never_leaves_the_map() {
  ui::SelectionMap map;
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  map.zoom(1000, {300, 300});
  map.pan({-1e7, -1e7});
  QVERIFY(map.describe({61, 62}).contains(QStringLiteral("tokens 0")));
  map.pan({1e7, 1e7});
  QVERIFY(!map.describe({600, 450}).isEmpty());
}

void SelectionMapTest::names_the_numbers_under_the_pointer() {
  ui::SelectionMap map;
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  const QString text = map.describe({59, 460});
  QVERIFY2(text.contains(QStringLiteral("report 1.pdf, p. 1")), qPrintable(text));
  QVERIFY2(text.contains(QStringLiteral("of the pairs selected")), qPrintable(text));
  QVERIFY(map.describe({600, 70}).contains(QStringLiteral("later than the query")));
  QVERIFY(map.describe({2, 2}).isEmpty());
}

void SelectionMapTest::a_clicked_row_chooses_its_token() {
  ui::SelectionMap map;
  map.resize(640, 520);
  app::MatrixOptions options;
  options.rows = app::MapRows::kGenerated;
  map.set_options(options);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  QSignalSpy chosen(&map, &ui::SelectionMap::token_selected);
  QTest::mouseClick(&map, Qt::LeftButton, {}, {300, 59});
  QCOMPARE(chosen.size(), 1);
  QCOMPARE(chosen[0][0].toLongLong(), 0);
}

void SelectionMapTest::a_double_click_opens_the_source() {
  ui::SelectionMap map;
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  QSignalSpy opened(&map, &ui::SelectionMap::source_activated);
  QTest::mouseDClick(&map, Qt::LeftButton, {}, {59, 300});
  QCOMPARE(opened.size(), 1);
  QCOMPARE(opened[0][0].toLongLong(), 1);
}

void SelectionMapTest::a_new_run_replaces_the_old_one_while_it_is_drawn() {
  ui::SelectionMap map;
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(small_run());
  map.set_run(nullptr);
  map.set_run(small_run());
  QVERIFY(ready.wait());
  QVERIFY(map.is_ready());
}

void SelectionMapTest::another_run_is_subtracted_and_taken_away_again() {
  ui::SelectionMap map;
  map.setPalette(theme(false));
  map.resize(640, 520);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  const auto run = small_run();
  map.set_run(run);
  QVERIFY(ready.wait());
  auto other = std::make_shared<app::RunTrace>(*run);
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  for (engine::PrefillCounts& layer : trace->prefill) {
    for (std::uint16_t& count : layer.counts) count = static_cast<std::uint16_t>(count / 2);
  }
  other->trace = trace;
  map.set_compared(other);
  QVERIFY(ready.wait());
  QVERIFY2(map.describe({59, 460}).contains(QStringLiteral("less in the other run")), qPrintable(map.describe({59, 460})));
  keep(map, QStringLiteral("trace_difference"));
  map.set_compared(run);
  QVERIFY(ready.wait());
  QVERIFY(map.describe({59, 460}).contains(QStringLiteral("no difference")));
  synthetic::TraceSize size;
  size.n_prompt_tokens = 8192;
  size.n_layers = 8;
  map.set_compared(synthetic::make_run(size, 1, 4));
  QVERIFY(ready.wait());
  QVERIFY(!map.grab().isNull());
  map.set_compared(nullptr);
  QVERIFY(ready.wait());
  QVERIFY(map.describe({59, 460}).contains(QStringLiteral("of the pairs selected")));
}

QTEST_MAIN(SelectionMapTest)
#include "selection_map_test.moc"
