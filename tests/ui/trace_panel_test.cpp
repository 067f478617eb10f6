#include "ui/trace/trace_panel.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QListWidget>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QTabWidget>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/trace_views.h"
#include "ui/trace/answer_tokens.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/experiment_view.h"
#include "ui/trace/map_controls.h"
#include "ui/trace/measures_view.h"
#include "ui/trace/selection_map.h"
#include "ui/trace/table_window.h"
#include "ui/trace/trace_player.h"

using views::keep;
using views::small_run;
using views::theme;

class TracePanelTest : public QObject {
  Q_OBJECT

 private slots:
  void a_chosen_token_is_marked_everywhere();
  void the_layer_slider_changes_map_and_list();
  void the_scrubber_plays_token_by_token();
  void pictures_are_exported_by_the_name_of_the_file();
  void passages_are_pinned_or_muted_from_the_list();
  void what_a_change_caused_is_told_in_words_text_and_table();
  void sink_and_newest_are_hidden_one_by_one_and_the_colours_change();
  void whoever_chooses_tokens_the_scope_is_announced_once();
  void an_empty_panel_teaches();
  void fits_beside_sources_and_conversation_on_a_small_screen();
  void a_double_click_on_a_word_chooses_its_sentence();
  void the_box_says_whose_selections_are_listed();
  void looks_right_in_light_and_dark();
};

void TracePanelTest::a_chosen_token_is_marked_everywhere() {
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

void TracePanelTest::the_layer_slider_changes_map_and_list() {
  ui::TracePanel panel;
  panel.set_run(small_run());
  QSignalSpy ranked(&panel.consulted(), &ui::ConsultedList::ready);
  panel.set_layer(3);
  QVERIFY(ranked.wait());
  QCOMPARE(panel.map().options().layer, 3);
  QCOMPARE(panel.consulted().scope().layer, 3);
  QCOMPARE(panel.consulted().model().data(panel.consulted().model().index(0, ui::ConsultedModel::kLayers), Qt::DisplayRole).toInt(), 1);
}

void TracePanelTest::the_scrubber_plays_token_by_token() {
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

void TracePanelTest::pictures_are_exported_by_the_name_of_the_file() {
  QTemporaryDir folder;
  ui::TracePanel panel;
  panel.set_run(small_run());
  QSignalSpy exported(&panel, &ui::TracePanel::exported);
  const QHash<QString, app::TracePicture> files{{QStringLiteral("map.png"), app::TracePicture::kMap},       {QStringLiteral("run.svg"), app::TracePicture::kRun},
                                                {QStringLiteral("layers.svg"), app::TracePicture::kLayers}, {QStringLiteral("measures.png"), app::TracePicture::kMeasures}};
  for (auto one = files.begin(); one != files.end(); ++one) {
    panel.export_picture(one.value(), folder.filePath(one.key()));
    QVERIFY(exported.wait(20000));
    QVERIFY2(exported.back()[1].toString().isEmpty(), qPrintable(exported.back()[1].toString()));
    QFile file(folder.filePath(one.key()));
    QVERIFY(file.open(QIODevice::ReadOnly));
    QVERIFY(file.readAll().startsWith(one.key().endsWith(QStringLiteral("png")) ? "\x89PNG" : "<svg"));
    views::keep_file(folder.filePath(one.key()));
  }
  panel.export_picture(app::TracePicture::kMap, QStringLiteral("/nowhere/map.png"));
  QVERIFY(exported.wait(20000));
  QVERIFY(exported.back()[1].toString().contains(QStringLiteral("could not be written")));
}

void TracePanelTest::passages_are_pinned_or_muted_from_the_list() {
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
    if (button->text() == QStringLiteral("Remove")) QTest::mouseClick(button, Qt::LeftButton);
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

void TracePanelTest::what_a_change_caused_is_told_in_words_text_and_table() {
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
  QVERIFY2(words.contains(QStringLiteral("Caused: log-probability of the first text \u22126.10 ")), qPrintable(words));
  QVERIFY2(words.contains(QStringLiteral("2 of its 4 tokens changed")), qPrintable(words));
  QVERIFY2(words.contains(QStringLiteral("100.0\u2009%, otherwise 60.0\u2009%")), qPrintable(words));
  const auto* table = view.findChild<QTableWidget*>();
  QCOMPARE(table->rowCount(), 4);
  QCOMPARE(table->item(0, 3)->text(), QStringLiteral("\u22124.00"));
  QCOMPARE(view.to_csv().split(QLatin1Char('\n')).size(), 6);
  panel.show();
  panel.findChild<QTabWidget*>()->setCurrentWidget(&view);
  keep(panel, QStringLiteral("trace_what_if"));
  QSignalSpy subtracted(&view, &ui::ExperimentView::difference_requested);
  for (QPushButton* button : view.findChildren<QPushButton*>()) {
    if (button->text() == QStringLiteral("Difference")) QTest::mouseClick(button, Qt::LeftButton);
  }
  QCOMPARE(subtracted.size(), 1);
  QVERIFY(panel.map().compared() == run);
}

void TracePanelTest::sink_and_newest_are_hidden_one_by_one_and_the_colours_change() {
  ui::TracePanel panel;
  panel.setPalette(theme(false));
  panel.resize(1180, 860);
  QSignalSpy ready(&panel.map(), &ui::SelectionMap::ready);
  panel.set_run(small_run());
  QVERIFY(ready.wait());
  const auto view_action = [&panel](const QString& text) {
    for (QAction* action : panel.controls().findChildren<QAction*>()) {
      if (action->text() == text) return action;
    }
    return static_cast<QAction*>(nullptr);
  };
  for (const QString& text : {QStringLiteral("Hide the first block"), QStringLiteral("Hide the 256 newest")}) {
    view_action(text)->setChecked(true);
    QVERIFY(ready.wait());
    const bool is_sink = text == QStringLiteral("Hide the first block");
    QCOMPARE(panel.map().options().without_sink, is_sink);
    QCOMPARE(panel.map().options().without_newest, is_sink ? 0 : 256);
    QCOMPARE(panel.consulted().scope().without_sink, is_sink);
    view_action(text)->setChecked(false);
    QVERIFY(ready.wait());
  }
  const QImage cividis = panel.map().grab().toImage();
  view_action(QStringLiteral("Magma"))->trigger();
  QVERIFY(panel.map().scale() == app::HeatScale::kMagma);
  QVERIFY(panel.map().grab().toImage() != cividis);
}

void TracePanelTest::whoever_chooses_tokens_the_scope_is_announced_once() {
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

void TracePanelTest::fits_beside_sources_and_conversation_on_a_small_screen() {
  ui::TracePanel panel;
  panel.set_run(small_run());
  QVERIFY2(panel.minimumSizeHint().width() <= 600, qPrintable(QString::number(panel.minimumSizeHint().width())));
  QVERIFY2(panel.minimumSizeHint().height() <= 600, qPrintable(QString::number(panel.minimumSizeHint().height())));
}

void TracePanelTest::a_double_click_on_a_word_chooses_its_sentence() {
  ui::TracePanel panel;
  panel.resize(1100, 800);
  panel.set_run(small_run());
  panel.show();
  QSignalSpy chosen(&panel, &ui::TracePanel::tokens_selected);
  QTest::mouseDClick(panel.findChild<ui::AnswerTokens*>()->viewport(), Qt::LeftButton, {}, {20, 12});
  // The synthetic answer's sentences have nine tokens.
  QCOMPARE(chosen.back()[0].toLongLong(), 0);
  QCOMPARE(chosen.back()[1].toLongLong(), 9);
}

void TracePanelTest::the_box_says_whose_selections_are_listed() {
  ui::TracePanel panel;
  panel.set_run(small_run());
  auto* box = panel.consulted().findChild<QComboBox*>();
  QCOMPARE(box->currentText(), QStringLiteral("Thinking and answer"));
  panel.select_tokens(4, 6);
  QCOMPARE(box->currentText(), QStringLiteral("The chosen words"));
  box->setCurrentIndex(3);
  emit box->activated(3);
  QVERIFY(panel.consulted().scope().phase == app::HeatPhase::kThinkingOnly);
  QVERIFY(!panel.consulted().scope().tokens);
  QCOMPARE(box->findText(QStringLiteral("The chosen words")), -1);
}

void TracePanelTest::an_empty_panel_teaches() {
  ui::TracePanel panel;
  panel.setPalette(theme(false));
  panel.resize(1100, 800);
  QVERIFY(!panel.grab().isNull());
  QCOMPARE(panel.consulted().model().rowCount(), 0);
  keep(panel, QStringLiteral("trace_empty"));
}

void TracePanelTest::looks_right_in_light_and_dark() {
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

QTEST_MAIN(TracePanelTest)
#include "trace_panel_test.moc"
