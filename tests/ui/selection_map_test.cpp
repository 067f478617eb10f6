#include "ui/trace/selection_map.h"

#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QImage>
#include <QLabel>
#include <QListWidget>
#include <QPalette>
#include <QPushButton>
#include <QSet>
#include <QSignalSpy>
#include <QSlider>
#include <QTableWidget>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>

#include "app/heatmap/map_image.h"
#include "tests/support/synthetic_trace.h"
#include "ui/trace/answer_tokens.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/experiment_view.h"
#include "ui/trace/layer_grid.h"
#include "ui/trace/layer_strip.h"
#include "ui/trace/measures_view.h"
#include "ui/trace/trace_panel.h"
#include "ui/trace/trace_player.h"
#include "ui/trace/unread_list.h"

namespace {

std::shared_ptr<const app::RunTrace> small_run() {
  synthetic::TraceSize size;
  size.n_prompt_tokens = 16384;
  size.n_layers = 8;
  size.top_k = 512;
  size.n_generated = 120;
  size.n_thinking = 40;
  return synthetic::make_run(size, 3, 12);
}

QPalette theme(bool dark) {
  QPalette palette;
  palette.setColor(QPalette::Base, dark ? QColor(0x17191B) : QColor(0xFBFAF7));
  palette.setColor(QPalette::Window, dark ? QColor(0x101214) : QColor(0xF1EFEA));
  palette.setColor(QPalette::Text, dark ? QColor(0xE6E3DC) : QColor(0x1E2226));
  palette.setColor(QPalette::WindowText, palette.color(QPalette::Text));
  palette.setColor(QPalette::ButtonText, palette.color(QPalette::Text));
  palette.setColor(QPalette::Button, palette.color(QPalette::Window));
  palette.setColor(QPalette::Highlight, dark ? QColor(0x5CC79E) : QColor(0x1F6F54));
  palette.setColor(QPalette::HighlightedText, dark ? QColor(0x101214) : QColor(0xFBFAF7));
  return palette;
}

/// Pictures to look at, when a folder for them is named.
void keep(QWidget& widget, const QString& name) {
  const QString folder = qEnvironmentVariable("LONGLEAF_PICTURES");
  if (!folder.isEmpty()) widget.grab().save(folder + QLatin1Char('/') + name + QStringLiteral(".png"));
}

}  // namespace

class SelectionMapTest : public QObject {
  Q_OBJECT

 private slots:
  void shows_colour_where_something_was_selected_and_paper_where_not();
  void zooming_keeps_the_place_under_the_pointer();
  void the_view_never_leaves_the_map();
  void names_the_numbers_under_the_pointer();
  void a_clicked_row_chooses_its_token();
  void a_double_click_opens_the_source();
  void a_chosen_token_is_marked_everywhere();
  void the_layer_slider_changes_map_and_list();
  void says_so_when_nothing_was_sparse();
  void the_list_is_written_as_csv_without_formulas();
  void a_new_run_replaces_the_old_one_while_it_is_drawn();
  void the_scrubber_plays_token_by_token();
  void a_live_token_shows_in_the_strip_before_there_is_a_run();
  void a_click_on_the_strip_chooses_the_layer();
  void pages_nobody_consulted_can_be_asked_about();
  void measures_are_told_in_words();
  void the_map_is_exported_by_the_name_of_the_file();
  void every_layer_has_its_small_map_and_a_click_chooses_it();
  void a_layer_that_was_passed_over_says_so();
  void another_run_is_subtracted_and_taken_away_again();
  void passages_are_pinned_or_muted_from_the_list();
  void what_a_change_caused_is_told_in_words_text_and_table();
  void sink_and_newest_are_hidden_one_by_one_and_the_colours_change();
  void whoever_chooses_tokens_the_scope_is_announced_once();
  void an_empty_panel_teaches();
  void looks_right_in_light_and_dark();
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

void SelectionMapTest::a_chosen_token_is_marked_everywhere() {
  ui::TracePanel panel;
  panel.resize(1100, 800);
  panel.set_run(small_run());
  QSignalSpy chosen(&panel, &ui::TracePanel::tokens_selected);
  QSignalSpy ranked(&panel.consulted(), &ui::ConsultedList::ready);
  emit panel.map().token_selected(50);
  QCOMPARE(chosen.size(), 1);
  QVERIFY(ranked.wait());
  QCOMPARE(panel.consulted().scope().tokens->begin, 50);
  QVERIFY(panel.consulted().model().rowCount() > 0);
  QCOMPARE(panel.findChild<ui::AnswerTokens*>()->extraSelections().size(), 2);  // thinking, and the word
  panel.select_tokens(60, 64);
  QCOMPARE(chosen.size(), 1);  // what comes from outside is not announced again
  QCOMPARE(panel.consulted().scope().tokens->end, 64);
}

void SelectionMapTest::the_layer_slider_changes_map_and_list() {
  ui::TracePanel panel;
  panel.set_run(small_run());
  QSignalSpy ranked(&panel.consulted(), &ui::ConsultedList::ready);
  panel.set_layer(3);
  QVERIFY(ranked.wait());
  QCOMPARE(panel.map().options().layer, 3);
  QCOMPARE(panel.consulted().scope().layer, 3);
  QCOMPARE(panel.consulted().model().data(panel.consulted().model().index(0, ui::ConsultedModel::kLayers), Qt::DisplayRole).toInt(), 1);
}

void SelectionMapTest::says_so_when_nothing_was_sparse() {
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

void SelectionMapTest::the_list_is_written_as_csv_without_formulas() {
  auto run = std::make_shared<app::RunTrace>(*small_run());
  for (std::string& text : run->block_texts) text = "=cmd(\"x\") %1";
  ui::ConsultedList list;
  QSignalSpy ranked(&list, &ui::ConsultedList::ready);
  list.set_run(run);
  QVERIFY(ranked.wait());
  const QStringList lines = list.to_csv().split(QLatin1Char('\n'));
  QCOMPARE(lines[0], QStringLiteral("rank,source,text,selected_share,layers"));
  QVERIFY2(lines[1].contains(QStringLiteral("\"'=cmd(\"\"x\"\") %1\"")), qPrintable(lines[1]));
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

void SelectionMapTest::the_scrubber_plays_token_by_token() {
  ui::TracePanel panel;
  panel.set_run(small_run());
  auto* player = panel.findChild<ui::TracePlayer*>();
  QSignalSpy moved(player, &ui::TracePlayer::token_changed);
  QSignalSpy announced(&panel, &ui::TracePanel::token_selected);
  player->play();
  QVERIFY(moved.wait());
  QVERIFY(moved.wait());
  player->pause();
  QCOMPARE(moved[0][0].toLongLong(), 1);
  QCOMPARE(moved[1][0].toLongLong(), 2);
  QCOMPARE(announced.size(), moved.size());
}

void SelectionMapTest::a_live_token_shows_in_the_strip_before_there_is_a_run() {
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

void SelectionMapTest::a_click_on_the_strip_chooses_the_layer() {
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

void SelectionMapTest::pages_nobody_consulted_can_be_asked_about() {
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

void SelectionMapTest::measures_are_told_in_words() {
  ui::MeasuresView view;
  view.resize(700, 260);
  QSignalSpy ready(&view, &ui::MeasuresView::ready);
  view.set_run(small_run());
  QVERIFY(ready.wait());
  QVERIFY2(view.describe({680, 60}).startsWith(QStringLiteral("layers ")), qPrintable(view.describe({680, 60})));
  QVERIFY2(view.describe({20, 100}).startsWith(QStringLiteral("0 to 64 tokens before")), qPrintable(view.describe({20, 100})));
}

void SelectionMapTest::the_map_is_exported_by_the_name_of_the_file() {
  QTemporaryDir folder;
  ui::TracePanel panel;
  panel.set_run(small_run());
  QSignalSpy exported(&panel, &ui::TracePanel::exported);
  const QHash<QString, QByteArray> kinds{{QStringLiteral("map.png"), "\x89PNG"}, {QStringLiteral("map.svg"), "<svg"}, {QStringLiteral("map.csv"), "query_source"}};
  for (auto kind = kinds.begin(); kind != kinds.end(); ++kind) {
    panel.export_map(folder.filePath(kind.key()));
    QVERIFY(exported.wait(20000));
    QFile file(folder.filePath(kind.key()));
    QVERIFY(file.open(QIODevice::ReadOnly));
    QVERIFY(file.readAll().startsWith(kind.value()));
  }
  panel.export_map(QStringLiteral("/nowhere/map.png"));
  QVERIFY(exported.wait(20000));
  QVERIFY(exported.back()[1].toString().contains(QStringLiteral("could not be written")));
}

void SelectionMapTest::every_layer_has_its_small_map_and_a_click_chooses_it() {
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

void SelectionMapTest::a_layer_that_was_passed_over_says_so() {
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

void SelectionMapTest::passages_are_pinned_or_muted_from_the_list() {
  ui::TracePanel panel;
  const auto run = small_run();
  panel.set_run(run);
  ui::ExperimentView& experiments = panel.experiments();
  emit panel.consulted().pin_requested({3, 4});
  emit panel.consulted().mute_requested({4, 9});
  const engine::SelectionOptions wanted = experiments.selection();
  QCOMPARE(wanted.pinned.size(), std::size_t{1});
  QCOMPARE(wanted.pinned[0].begin, run->map.blocks[3].first_token);
  QCOMPARE(wanted.muted.size(), std::size_t{2});
  QCOMPARE(wanted.top_k, 512);
  auto* list = experiments.findChild<QListWidget*>();
  QCOMPARE(list->count(), 3);
  list->item(0)->setSelected(true);
  for (QPushButton* button : experiments.findChildren<QPushButton*>()) {
    if (button->text() == QStringLiteral("Take off the list")) QTest::mouseClick(button, Qt::LeftButton);
  }
  QCOMPARE(list->count(), 2);
  QSignalSpy asked(&experiments, &ui::ExperimentView::try_requested);
  experiments.findChild<QSlider*>()->setValue(0);
  QCOMPARE(experiments.selection().top_k, 64);
  experiments.findChild<QComboBox*>()->setCurrentIndex(1);
  QVERIFY(experiments.selection().mode == engine::SelectionMode::kDense);
  for (QPushButton* button : experiments.findChildren<QPushButton*>()) {
    if (button->text() == QStringLiteral("Run again")) QTest::mouseClick(button, Qt::LeftButton);
  }
  QCOMPARE(asked.size(), 1);
}

void SelectionMapTest::what_a_change_caused_is_told_in_words_text_and_table() {
  auto experiment = std::make_shared<app::Experiment>();
  const auto run = small_run();
  experiment->base.trace = experiment->other.trace = run;
  experiment->base.token_texts = {"Eleven", " acres", " burned", "."};
  experiment->base.is_common = {0, 1, 0, 1};
  experiment->other.token_texts = {"Nine", " acres", " flooded", "."};
  experiment->other.is_common = {0, 1, 0, 1};
  experiment->base_log_probability = {-0.1f, -0.2f, -0.1f, -0.01f};
  experiment->other_log_probability = {-4.1f, -0.3f, -2.1f, -0.01f};
  experiment->other.recall = {0.5f, -1.0f, 0.7f};
  ui::TracePanel panel;
  panel.setPalette(theme(false));
  panel.setAutoFillBackground(true);
  panel.resize(1180, 860);
  QSignalSpy ready(&panel.map(), &ui::SelectionMap::ready);
  panel.set_run(run);
  QVERIFY(ready.wait());
  ui::ExperimentView& view = panel.experiments();
  view.mute({2, 3});
  view.show_experiment(experiment);
  QString words;
  for (const QLabel* label : view.findChildren<QLabel*>()) words += label->text();
  QVERIFY2(words.contains(QStringLiteral("Caused a change of \u22126.100")), qPrintable(words));
  QVERIFY2(words.contains(QStringLiteral("2 of its 4 tokens changed")), qPrintable(words));
  QVERIFY2(words.contains(QStringLiteral("100.0\u2009%, otherwise 60.0\u2009%")), qPrintable(words));
  const auto* table = view.findChild<QTableWidget*>();
  QCOMPARE(table->rowCount(), 4);
  QCOMPARE(table->item(0, 3)->text(), QStringLiteral("\u22124.000"));
  QCOMPARE(view.to_csv().split(QLatin1Char('\n')).size(), 6);
  panel.show();
  panel.findChild<QTabWidget*>()->setCurrentWidget(&view);
  keep(panel, QStringLiteral("trace_what_if"));
  QSignalSpy subtracted(&view, &ui::ExperimentView::difference_requested);
  for (QPushButton* button : view.findChildren<QPushButton*>()) {
    if (button->text() == QStringLiteral("Difference map")) QTest::mouseClick(button, Qt::LeftButton);
  }
  QCOMPARE(subtracted.size(), 1);
  QVERIFY(panel.map().compared() == run);
}

void SelectionMapTest::sink_and_newest_are_hidden_one_by_one_and_the_colours_change() {
  ui::TracePanel panel;
  panel.setPalette(theme(false));
  panel.resize(1180, 860);
  QSignalSpy ready(&panel.map(), &ui::SelectionMap::ready);
  panel.set_run(small_run());
  QVERIFY(ready.wait());
  const auto boxes = panel.findChildren<QCheckBox*>();
  for (QCheckBox* box : boxes) {
    if (box->text() != QStringLiteral("Hide first") && box->text() != QStringLiteral("Hide newest")) continue;
    box->setChecked(true);
    QVERIFY(ready.wait());
    const bool is_sink = box->text() == QStringLiteral("Hide first");
    QCOMPARE(panel.map().options().without_sink, is_sink);
    QCOMPARE(panel.map().options().without_newest, is_sink ? 0 : 256);
    QCOMPARE(panel.consulted().scope().without_sink, is_sink);
    box->setChecked(false);
    QVERIFY(ready.wait());
  }
  const QImage cividis = panel.map().grab().toImage();
  for (QComboBox* box : panel.findChildren<QComboBox*>()) {
    if (box->accessibleName() == QStringLiteral("Colours")) box->setCurrentIndex(1);
  }
  QVERIFY(panel.map().scale() == app::HeatScale::kMagma);
  QVERIFY(panel.map().grab().toImage() != cividis);
}

void SelectionMapTest::whoever_chooses_tokens_the_scope_is_announced_once() {
  ui::TracePanel panel;
  panel.set_run(small_run());
  QSignalSpy scopes(&panel, &ui::TracePanel::scope_changed);
  emit panel.map().token_selected(50);
  QCOMPARE(scopes.size(), 1);
  QCOMPARE(scopes[0][0].value<app::HeatScope>().tokens->begin, 50);
  emit panel.findChild<ui::AnswerTokens*>()->tokens_selected(3, 9);
  QCOMPARE(scopes.size(), 2);
  QCOMPARE(scopes[1][0].value<app::HeatScope>().tokens->end, 9);
  panel.findChild<ui::TracePlayer*>()->findChild<QSlider*>()->setValue(20);
  QCOMPARE(scopes.size(), 3);
  QCOMPARE(scopes[2][0].value<app::HeatScope>().tokens->begin, 20);
  panel.set_layer(2);
  QCOMPARE(scopes.size(), 4);
  QCOMPARE(scopes[3][0].value<app::HeatScope>().layer, 2);
}

void SelectionMapTest::an_empty_panel_teaches() {
  ui::TracePanel panel;
  panel.setPalette(theme(false));
  panel.resize(1100, 800);
  QVERIFY(!panel.grab().isNull());
  QCOMPARE(panel.consulted().model().rowCount(), 0);
  keep(panel, QStringLiteral("trace_empty"));
}

void SelectionMapTest::looks_right_in_light_and_dark() {
  for (const bool dark : {false, true}) {
    ui::TracePanel panel;
    panel.setPalette(theme(dark));
    panel.setAutoFillBackground(true);
    panel.resize(1180, 860);
    QSignalSpy ready(&panel.map(), &ui::SelectionMap::ready);
    panel.set_run(small_run());
    QVERIFY(ready.wait());
    panel.show();
    const QString name = dark ? QStringLiteral("dark") : QStringLiteral("light");
    keep(panel, QStringLiteral("trace_") + name);
    panel.map().zoom(6, {200, 300});
    keep(panel, QStringLiteral("trace_zoomed_") + name);
    app::MatrixOptions options;
    options.rows = app::MapRows::kGenerated;
    panel.map().set_options(options);
    QVERIFY(ready.wait());
    QSignalSpy ranked(&panel.consulted(), &ui::ConsultedList::ready);
    panel.select_tokens(50, 58);
    QVERIFY(ranked.wait());
    keep(panel, QStringLiteral("trace_answer_") + name);
    QSignalSpy measured(panel.findChild<ui::MeasuresView*>(), &ui::MeasuresView::ready);
    panel.findChild<QTabWidget*>()->setCurrentIndex(2);
    panel.findChild<ui::MeasuresView*>()->set_run(panel.run());
    QVERIFY(measured.wait());
    keep(panel, QStringLiteral("trace_measures_") + name);
    panel.findChild<QTabWidget*>()->setCurrentIndex(1);
    keep(panel, QStringLiteral("trace_unread_") + name);
    QCOMPARE(panel.grab().size(), QSize(1180, 860));
  }
}

QTEST_MAIN(SelectionMapTest)
#include "selection_map_test.moc"
