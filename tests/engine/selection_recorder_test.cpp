#include "engine/trace/selection_recorder.h"

#include <QtTest>
#include <numeric>

#include "engine/trace/trace_file.h"

using engine::RecorderOptions;
using engine::SelectionRecorder;
using engine::SelectionTrace;
using engine::TraceLevel;

namespace {

RecorderOptions small_run() {
  RecorderOptions options;
  options.n_layers = 2;
  options.top_k = 4;
  options.n_prompt_tokens = 200;
  return options;
}

std::unique_ptr<SelectionRecorder> make(const RecorderOptions& options) {
  auto recorder = SelectionRecorder::create(options);
  return recorder ? std::move(*recorder) : nullptr;
}

}  // namespace

class SelectionRecorderTest : public QObject {
  Q_OBJECT

 private slots:
  void counts_prefill_selections_by_query_and_key_block();
  void ignores_unused_slots();
  void a_dense_query_counts_every_visible_key();
  void marks_the_blocks_of_generated_tokens();
  void the_last_prompt_position_chose_the_first_token();
  void keeps_exact_positions_of_the_newest_tokens();
  void rows_grow_when_64_queries_each_would_not_fit();
  void drops_the_oldest_tokens_when_the_answer_outgrows_the_budget();
  void takes_over_the_counts_of_a_cached_prefix();
  void takes_nothing_over_from_a_run_with_another_top_k();
  void cuts_off_the_token_that_a_cancel_left_unfinished();
  void knows_whether_anything_was_sparse();
  void a_layer_that_was_passed_over_in_the_prompt_says_nothing();
  void averages_the_sampled_recall();
  void records_nothing_when_the_level_is_off();
  void refuses_impossible_sizes();
};

void SelectionRecorderTest::counts_prefill_selections_by_query_and_key_block() {
  auto recorder = make(small_run());
  const std::vector<std::int32_t> indices{0, 1, 64, 70, 0, 63, 64, 129};  // queries 100 and 130
  recorder->on_selection(1, 100, 1, 4, indices.data());
  recorder->on_selection(1, 130, 1, 4, indices.data() + 4);
  const SelectionTrace trace = recorder->take(0, 0);
  QCOMPARE(trace.prefill[1].at(1, 0), 2);
  QCOMPARE(trace.prefill[1].at(1, 1), 2);
  QCOMPARE(trace.prefill[1].at(2, 0), 2);
  QCOMPARE(trace.prefill[1].at(2, 2), 1);
  QCOMPARE(trace.prefill[0].at(1, 0), 0);
  QCOMPARE(trace.prefill[1].at(0, 3), 0);  // the future
}

void SelectionRecorderTest::ignores_unused_slots() {
  auto recorder = make(small_run());
  const std::vector<std::int32_t> indices{-1, -1, 3, 4, 3, 4, -1, -1};
  recorder->on_selection(0, 4, 2, 4, indices.data());
  const SelectionTrace trace = recorder->take(0, 0);
  QCOMPARE(trace.prefill[0].at(0, 0), 4);
}

void SelectionRecorderTest::a_dense_query_counts_every_visible_key() {
  RecorderOptions options = small_run();
  options.top_k = 0;
  auto recorder = make(options);
  recorder->on_selection(0, 129, 1, 0, nullptr);
  recorder->on_selection(0, 199, 1, 0, nullptr);
  const SelectionTrace trace = recorder->take(1, 0);
  QCOMPARE(trace.prefill[0].at(2, 0), 64);
  QCOMPARE(trace.prefill[0].at(2, 1), 64);
  QCOMPARE(trace.prefill[0].at(2, 2), 2);
  QCOMPARE(trace.selected(0, 0).words, std::vector<std::uint64_t>{0xF});
  QVERIFY(!trace.sparse());
}

void SelectionRecorderTest::marks_the_blocks_of_generated_tokens() {
  auto recorder = make(small_run());
  const std::vector<std::int32_t> indices{5, 66, 192, 201};
  recorder->on_selection(0, 201, 1, 4, indices.data());  // token 2
  const auto live = recorder->token_selection(2);
  QCOMPARE(live.size(), std::size_t{2});
  QVERIFY(live[0].contains(3));
  QVERIFY(recorder->token_selection(3).empty());
  const SelectionTrace trace = recorder->take(3, 1);
  QVERIFY(trace.selected(2, 0).contains(0));
  QVERIFY(trace.selected(2, 0).contains(1));
  QVERIFY(!trace.selected(2, 0).contains(2));
  QVERIFY(trace.selected(2, 0).contains(3));
  QVERIFY(trace.phase(0) == engine::Phase::kThinking);
  QVERIFY(trace.phase(2) == engine::Phase::kAnswer);
}

void SelectionRecorderTest::the_last_prompt_position_chose_the_first_token() {
  auto recorder = make(small_run());
  const std::vector<std::int32_t> indices{5, 66, 70, 199};
  recorder->on_selection(0, 199, 1, 4, indices.data());
  const SelectionTrace trace = recorder->take(1, 0);
  QVERIFY(trace.selected(0, 0).contains(1));
  QCOMPARE(trace.prefill[0].at(3, 1), 2);
}

void SelectionRecorderTest::keeps_exact_positions_of_the_newest_tokens() {
  RecorderOptions options = small_run();
  options.n_layers = 1;
  options.budget_bytes = 16 * 3 * (sizeof(engine::ExactSelection) + 4 * 4);  // room for three selections
  auto recorder = make(options);
  const std::vector<std::int32_t> indices{5, 66, 70, 199};
  for (std::int64_t query = 199; query < 209; ++query) recorder->on_selection(0, query, 1, 4, indices.data());
  const SelectionTrace trace = recorder->take(10, 0);
  QCOMPARE(trace.exact.size(), std::size_t{3});
  QCOMPARE(trace.exact.front().token, 7);
  QCOMPARE(trace.exact.back().positions, indices);
}

void SelectionRecorderTest::rows_grow_when_64_queries_each_would_not_fit() {
  RecorderOptions options = small_run();
  options.n_prompt_tokens = 64 * 64;
  options.budget_bytes = 8000;
  auto recorder = make(options);
  QVERIFY(recorder->bytes() <= 4000);
  std::vector<std::int32_t> indices(4);
  std::iota(indices.begin(), indices.end(), 64);
  recorder->on_selection(0, 4095, 1, 4, indices.data());
  const SelectionTrace trace = recorder->take(0, 0);
  QCOMPARE(trace.prefill[0].query_block, 256);
  QCOMPARE(trace.prefill[0].n_query_blocks, 16);
  QCOMPARE(trace.prefill[0].at(15, 1), 4);
}

void SelectionRecorderTest::drops_the_oldest_tokens_when_the_answer_outgrows_the_budget() {
  RecorderOptions options = small_run();
  options.budget_bytes = 2000;
  auto recorder = make(options);
  const std::vector<std::int32_t> indices{5, 66, 70, 199};
  for (std::int64_t query = 199; query < 299; ++query) {
    recorder->on_selection(0, query, 1, 4, indices.data());
    recorder->on_selection(1, query, 1, 4, indices.data());
    QVERIFY(recorder->bytes() <= 2000);
  }
  const SelectionTrace trace = recorder->take(100, 0);
  QVERIFY(trace.first_recorded > 0 && trace.first_recorded < 100);
  QVERIFY(trace.selected(0, 0).words.empty());
  QVERIFY(trace.selected(99, 1).contains(3));
}

void SelectionRecorderTest::takes_over_the_counts_of_a_cached_prefix() {
  auto first = make(small_run());
  const std::vector<std::int32_t> indices{1, 2, 64, 65};
  first->on_selection(0, 66, 1, 4, indices.data());   // row 1: whole inside the prefix
  first->on_selection(0, 130, 1, 4, indices.data());  // row 2: the border
  RecorderOptions second = small_run();
  second.earlier = std::make_shared<SelectionTrace>(first->take(0, 0));
  second.n_cached_tokens = 140;
  second.n_prompt_tokens = 300;
  auto recorder = make(second);
  recorder->on_selection(0, 150, 1, 4, indices.data());
  const SelectionTrace trace = recorder->take(0, 0);
  QCOMPARE(trace.n_cached_tokens, 140);
  QCOMPARE(trace.n_reused_tokens, 128);
  QCOMPARE(trace.prefill[0].at(1, 1), 2);
  QCOMPARE(trace.prefill[0].at(2, 0), 2);  // of query 150 alone
}

void SelectionRecorderTest::takes_nothing_over_from_a_run_with_another_top_k() {
  RecorderOptions other = small_run();
  other.top_k = 8;
  auto first = make(other);
  RecorderOptions second = small_run();
  second.earlier = std::make_shared<SelectionTrace>(first->take(0, 0));
  second.n_cached_tokens = 140;
  const SelectionTrace trace = make(second)->take(0, 0);
  QCOMPARE(trace.n_reused_tokens, 0);
}

void SelectionRecorderTest::cuts_off_the_token_that_a_cancel_left_unfinished() {
  auto recorder = make(small_run());
  const std::vector<std::int32_t> indices{5, 66, 70, 199};
  recorder->on_selection(0, 199, 1, 4, indices.data());
  recorder->on_selection(0, 200, 1, 4, indices.data());
  const SelectionTrace trace = recorder->take(1, 0);
  QCOMPARE(trace.decode.size(), std::size_t{2});
  QCOMPARE(trace.exact.size(), std::size_t{1});
}

void SelectionRecorderTest::knows_whether_anything_was_sparse() {
  const std::vector<std::int32_t> all{0, 1, 2, 3, -1, -1, -1, -1};
  auto dense = make(small_run());
  dense->on_selection(0, 3, 1, 8, all.data());
  QVERIFY(!dense->take(0, 0).sparse());
  auto sparse = make(small_run());
  sparse->on_selection(0, 4, 1, 8, all.data());
  QCOMPARE(sparse->take(0, 0).n_sparse_queries, 1);
}

void SelectionRecorderTest::a_layer_that_was_passed_over_in_the_prompt_says_nothing() {
  auto recorder = make(small_run());
  for (std::int32_t query = 0; query < 202; ++query) {
    const std::int32_t indices[4] = {query / 4, query / 3, query / 2, query};
    recorder->on_selection(0, query, 1, 4, indices);
    if (query >= 199) recorder->on_selection(1, query, 1, 4, indices);  // the last prompt token and the answer
  }
  const SelectionTrace trace = recorder->take(3, 0);
  QVERIFY(trace.computed(0));
  QVERIFY(!trace.computed(1));
  QCOMPARE(std::accumulate(trace.prefill[1].counts.begin(), trace.prefill[1].counts.end(), 0), 0);
  QVERIFY(trace.selected(0, 1).contains(3));
  const auto file = engine::trace_from_bytes(engine::trace_to_bytes(trace));
  QVERIFY(file && file->trace.complete);
  QVERIFY(file->trace.computed(0) && !file->trace.computed(1));
  // A second question over the same prompt: one new query, and the layer is still unknown.
  RecorderOptions second = small_run();
  second.n_cached_tokens = 199;
  second.earlier = std::make_shared<const SelectionTrace>(trace);
  auto again = make(second);
  const std::int32_t indices[4] = {1, 2, 3, 199};
  for (int layer = 0; layer < 2; ++layer) again->on_selection(layer, 199, 1, 4, indices);
  const SelectionTrace other = again->take(1, 0);
  QVERIFY(other.computed(0) && !other.computed(1));
}

void SelectionRecorderTest::averages_the_sampled_recall() {
  auto recorder = make(small_run());
  recorder->add_recall(0, 0.5f);
  recorder->add_recall(0, 1.0f);
  const SelectionTrace trace = recorder->take(0, 0);
  QCOMPARE(trace.recall, (std::vector<float>{0.75f, -1.0f}));
}

void SelectionRecorderTest::records_nothing_when_the_level_is_off() {
  RecorderOptions options = small_run();
  options.level = TraceLevel::kOff;
  auto recorder = make(options);
  const std::vector<std::int32_t> indices{5, 66, 70, 199};
  recorder->on_selection(0, 199, 1, 4, indices.data());
  QCOMPARE(recorder->bytes(), 0);
  QVERIFY(recorder->token_selection(0).empty());
}

void SelectionRecorderTest::refuses_impossible_sizes() {
  RecorderOptions options = small_run();
  options.n_layers = 0;
  QVERIFY(!SelectionRecorder::create(options));
  options = small_run();
  options.n_cached_tokens = 201;
  QVERIFY(!SelectionRecorder::create(options));
  options = small_run();
  options.budget_bytes = 1;
  QVERIFY(SelectionRecorder::create(options).error().code == engine::ErrorCode::kOutOfMemory);
}

QTEST_GUILESS_MAIN(SelectionRecorderTest)
#include "selection_recorder_test.moc"
