#include <QtTest>

#include "app/heatmap/heat_pyramid.h"
#include "app/heatmap/heat_palette.h"
#include "app/heatmap/key_heat.h"
#include "app/heatmap/source_heat.h"
#include "engine/trace/selection_recorder.h"

using namespace app;

namespace {

constexpr int kTopK = 8;

/// 320 prompt tokens, two layers. Every query takes its newest tokens; the two answer tokens take
/// positions 70..73 in layer 0 (page 2), the thinking token 200..203 in layer 1 (page 4).
engine::SelectionTrace small_trace() {
  engine::RecorderOptions options;
  options.n_layers = 2;
  options.top_k = kTopK;
  options.n_prompt_tokens = 320;
  auto recorder = std::move(*engine::SelectionRecorder::create(options));
  for (std::int64_t query = 0; query < 322; ++query) {
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<std::int32_t> indices;
      const auto focus = layer == 0 && query >= 320 ? 70 : layer == 1 && query == 319 ? 200 : -1;
      for (std::int32_t i = 0; i < 4 && focus >= 0; ++i) indices.push_back(focus + i);
      const auto rest = static_cast<std::int64_t>(kTopK - indices.size());
      for (std::int64_t key = query - rest + 1; key <= query; ++key) indices.push_back(static_cast<std::int32_t>(std::max<std::int64_t>(-1, key)));
      recorder->on_selection(layer, query, 1, kTopK, indices.data());
    }
  }
  return recorder->take(3, 1);
}

/// Five pages of 60 tokens, two sentences each; then the question.
PromptMap small_map() {
  PromptMap map;
  for (std::int64_t page = 0; page < 5; ++page) {
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t first = page * 60 + half * 30;
      map.blocks.push_back({static_cast<std::int32_t>(map.blocks.size()) + 1, page + 1, 1, static_cast<std::uint32_t>(half * 100),
                            static_cast<std::uint32_t>(half * 100 + 90), first, first + 30});
    }
  }
  map.question = {300, 320};
  map.n_tokens = 320;
  return map;
}

}  // namespace

class HeatTest : public QObject {
  Q_OBJECT

 private slots:
  void counts_visible_pairs_like_a_loop();
  void a_prompt_cell_is_the_share_of_visible_pairs();
  void layers_mix_by_mean_maximum_and_any();
  void the_usual_keys_can_be_left_out();
  void rows_nobody_recorded_are_not_zero_but_unknown();
  void ranks_the_sentence_an_answer_token_selected_first();
  void thinking_and_answer_are_told_apart();
  void blocks_do_when_exact_positions_are_gone();
  void a_dense_run_has_no_ranking();
  void reports_pages_that_were_never_selected();
  void prefill_heat_of_the_question_is_that_of_its_rows();
  void a_pyramid_keeps_the_maximum_at_every_level();
  void mean_pooling_of_an_even_matrix_is_its_mean();
  void colours_leave_the_paper_evenly_in_both_themes();
  void the_log_scale_comes_back();
};

void HeatTest::counts_visible_pairs_like_a_loop() {
  for (const std::int64_t first : {0, 10, 64, 100, 150}) {
    std::int64_t wanted = 0;
    for (std::int64_t query = first; query < first + 70; ++query) {
      for (std::int64_t key = 64; key < 128; ++key) wanted += key <= query ? 1 : 0;
    }
    QCOMPARE(visible_pairs(first, first + 70, 1), wanted);
  }
}

void HeatTest::a_prompt_cell_is_the_share_of_visible_pairs() {
  const HeatMatrix matrix = make_matrix(small_trace(), {});
  QCOMPARE(matrix.n_rows, 5);
  QCOMPARE(matrix.n_columns, 5);
  // Row 0: the first eight queries take all they see, the other 56 eight each; both layers alike.
  QCOMPARE(matrix.at(0, 0), (8 * 9 / 2 + 56 * 8) / (64.0f * 65 / 2));
  QCOMPARE(matrix.at(0, 1), 0.0f);
  QVERIFY(matrix.maximum >= matrix.at(0, 0));
}

void HeatTest::layers_mix_by_mean_maximum_and_any() {
  const engine::SelectionTrace trace = small_trace();
  MatrixOptions options;
  options.rows = MapRows::kGenerated;
  QCOMPARE(make_matrix(trace, options).at(1, 1), 0.5f);
  options.mix = LayerMix::kMax;
  QCOMPARE(make_matrix(trace, options).at(1, 1), 1.0f);
  options.mix = LayerMix::kAny;
  QCOMPARE(make_matrix(trace, options).at(1, 1), 1.0f);
  options.layer = 1;
  QCOMPARE(make_matrix(trace, options).at(1, 1), 0.0f);
}

void HeatTest::the_usual_keys_can_be_left_out() {
  const engine::SelectionTrace trace = small_trace();
  MatrixOptions options;
  options.rows = MapRows::kGenerated;
  QVERIFY(make_matrix(trace, options).at(1, 4) > 0);
  options.without_newest = 64;
  QCOMPARE(make_matrix(trace, options).at(1, 4), 0.0f);
  QCOMPARE(make_matrix(trace, options).at(1, 1), 0.5f);
  options.rows = MapRows::kPrompt;
  options.without_sink = true;
  QCOMPARE(make_matrix(trace, options).at(0, 0), 0.0f);
}

void HeatTest::rows_nobody_recorded_are_not_zero_but_unknown() {
  engine::SelectionTrace trace = small_trace();
  trace.n_cached_tokens = 256;
  trace.n_reused_tokens = 64;
  const HeatMatrix matrix = make_matrix(trace, {});
  QVERIFY(matrix.recorded(0));
  QVERIFY(!matrix.recorded(1));
  QVERIFY(!matrix.recorded(3));
  QVERIFY(matrix.recorded(4));
}

void HeatTest::ranks_the_sentence_an_answer_token_selected_first() {
  HeatScope scope;
  scope.tokens = engine::TokenRange{1, 3};
  const KeyHeat heat = make_key_heat(small_trace(), scope);
  QVERIFY(heat.sparse);
  QCOMPARE(heat.granularity, 1);
  const auto spans = rank_spans(heat, small_map());
  QCOMPARE(spans.size(), std::size_t{1});  // the newest tokens lie in the question, not in a source
  QCOMPARE(spans[0].block, std::size_t{2});
  QCOMPARE(spans[0].rank, 1);
  QCOMPARE(spans[0].n_layers, 1);
  QCOMPARE(spans[0].weight, 4 * 0.5 / 30);
}

void HeatTest::thinking_and_answer_are_told_apart() {
  const engine::SelectionTrace trace = small_trace();
  HeatScope scope;
  scope.phase = HeatPhase::kThinking;
  QCOMPARE(rank_spans(make_key_heat(trace, scope), small_map()).front().block, std::size_t{6});
  scope.phase = HeatPhase::kAnswer;
  QCOMPARE(rank_spans(make_key_heat(trace, scope), small_map()).front().block, std::size_t{2});
}

void HeatTest::blocks_do_when_exact_positions_are_gone() {
  engine::SelectionTrace trace = small_trace();
  trace.exact.clear();
  HeatScope scope;
  scope.phase = HeatPhase::kAnswer;
  scope.without_newest = 64;
  const KeyHeat heat = make_key_heat(trace, scope);
  QCOMPARE(heat.granularity, 64);
  const auto spans = rank_spans(heat, small_map());
  QCOMPARE(spans.front().weight, 0.5);
  QCOMPARE(spans.front().block, std::size_t{3});  // tokens 90..119 lie whole in the selected block 64..127
  QCOMPARE(spans[1].block, std::size_t{2});       // of 60..89 four tokens do not
}

void HeatTest::a_dense_run_has_no_ranking() {
  engine::RecorderOptions options;
  options.n_layers = 1;
  options.top_k = 2048;
  options.n_prompt_tokens = 320;
  auto recorder = std::move(*engine::SelectionRecorder::create(options));
  for (std::int64_t query = 0; query < 321; ++query) recorder->on_selection(0, query, 1, 0, nullptr);
  const engine::SelectionTrace trace = recorder->take(2, 0);
  QVERIFY(!make_key_heat(trace, {}).sparse);
  const UnreadReport report = unread_report(trace, small_map());
  QVERIFY(!report.sparse);
  QVERIFY(report.not_by_answer.empty());
}

void HeatTest::reports_pages_that_were_never_selected() {
  const UnreadReport report = unread_report(small_trace(), small_map());
  QVERIFY(report.sparse);
  QCOMPARE(report.n_parts, 5);
  QCOMPARE(report.not_by_answer.size(), std::size_t{3});
  QCOMPARE(report.not_by_answer[0].part, 1);
  QCOMPARE(report.not_by_answer[1].part, 3);
  QCOMPARE(report.not_by_answer[2].part, 5);
  // Page 5 shares its last block with the question, whose queries selected their neighbours.
  QCOMPARE(report.never.size(), std::size_t{2});
  QCOMPARE(report.spans.size(), std::size_t{8});
}

void HeatTest::prefill_heat_of_the_question_is_that_of_its_rows() {
  HeatScope scope;
  scope.phase = HeatPhase::kPrefill;
  scope.tokens = engine::TokenRange{300, 320};
  const KeyHeat heat = make_key_heat(small_trace(), scope);
  QCOMPARE(heat.n_queries, 64);
  QCOMPARE(heat.share[0], 0.0);
  QVERIFY(heat.share[4] > 0);
  QVERIFY(heat.share[3] > 0);
}

void HeatTest::a_pyramid_keeps_the_maximum_at_every_level() {
  HeatMatrix matrix;
  matrix.n_rows = 5;
  matrix.n_columns = 7;
  matrix.values.assign(35, 0.1f);
  matrix.values[4 * 7 + 6] = 0.9f;
  const HeatPyramid pyramid(matrix, Pooling::kMax);
  QCOMPARE(pyramid.n_levels(), 4);
  QCOMPARE(pyramid.at(1, 2, 3), 0.9f);
  QCOMPARE(pyramid.at(2, 1, 1), 0.9f);
  QCOMPARE(pyramid.at(3, 0, 0), 0.9f);
  QCOMPARE(pyramid.at(1, 0, 0), 0.1f);
}

void HeatTest::mean_pooling_of_an_even_matrix_is_its_mean() {
  HeatMatrix matrix;
  matrix.n_rows = 2;
  matrix.n_columns = 4;
  matrix.values = {0, 1, 2, 3, 4, 5, 6, 7};
  const HeatPyramid pyramid(matrix, Pooling::kMean);
  QCOMPARE(pyramid.at(1, 0, 0), 2.5f);
  QCOMPARE(pyramid.at(2, 0, 0), 3.5f);
}

void HeatTest::colours_leave_the_paper_evenly_in_both_themes() {
  const auto lightness = [](Rgb color) { return 0.2126 * color.red + 0.7152 * color.green + 0.0722 * color.blue; };
  for (const HeatScale scale : {HeatScale::kCividis, HeatScale::kMagma}) {
    for (const Theme theme : {Theme::kLight, Theme::kDark}) {
      double before = lightness(paper_color(theme));
      for (int step = 0; step <= 10; ++step) {
        const double now = lightness(heat_color(step / 10.0, scale, theme));
        QVERIFY(theme == Theme::kLight ? now < before : now > before);
        before = now;
      }
    }
  }
}

void HeatTest::the_log_scale_comes_back() {
  QCOMPARE(heat_position(0.02, 0.02, true), 1.0);
  QCOMPARE(heat_position(0.0, 0.02, true), 0.0);
  QVERIFY(std::abs(heat_value(heat_position(0.004, 0.02, true), 0.02, true) - 0.004) < 1e-9);
  QCOMPARE(heat_position(0.01, 0.02, false), 0.5);
}

QTEST_GUILESS_MAIN(HeatTest)
#include "heat_test.moc"
