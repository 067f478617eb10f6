#include <QTest>

#include "app/heatmap/evidence.h"
#include "app/heatmap/heat_pyramid.h"
#include "app/heatmap/measures.h"
#include "app/heatmap/source_heat.h"
#include "app/heatmap/trace_tables.h"
#include "engine/trace/selection_recorder.h"

using namespace app;

namespace {

constexpr int kTopK = 4;

/// 256 prompt tokens, two layers, six answer tokens: tokens 0..2 select positions 64..67 (block 1),
/// 3..5 positions 130..133 (block 2) in layer 0 only; layer 1 takes the newest.
std::shared_ptr<const RunTrace> small_run() {
  engine::RecorderOptions options;
  options.n_layers = 2;
  options.top_k = kTopK;
  options.n_prompt_tokens = 256;
  auto recorder = std::move(*engine::SelectionRecorder::create(options));
  for (std::int32_t token = 0; token < 6; ++token) {
    const std::int32_t begin = token < 3 ? 64 : 130;
    const std::int32_t focus[kTopK] = {begin, begin + 1, begin + 2, begin + 3};
    recorder->on_selection(0, 255 + token, 1, kTopK, focus);
    const std::int32_t newest[kTopK] = {252 + token, 253 + token, 254 + token, 255 + token};
    recorder->on_selection(1, 255 + token, 1, kTopK, newest);
  }
  auto run = std::make_shared<RunTrace>();
  run->trace = std::make_shared<engine::SelectionTrace>(recorder->take(6, 0));
  for (std::int32_t i = 0; i < 4; ++i) {
    run->map.blocks.push_back({i + 1, i + 1, 1, 0, 60, i * 60, i * 60 + 60});
    run->part_labels[i + 1] = "p. " + std::to_string(i + 1);
  }
  run->map.question = {240, 256};
  run->map.n_tokens = 256;
  // "First one [p2]. Then [p1]."
  run->token_texts = {"First", " one", " [p2].", " Then", " [p1]", "."};
  run->token_ranges = {{0, 5}, {5, 9}, {9, 15}, {15, 20}, {20, 25}, {25, 26}};
  return run;
}

Citation cited(std::int32_t anchor, std::uint32_t begin, std::uint32_t end) {
  Citation citation;
  citation.anchor = anchor;
  citation.begin = begin;
  citation.end = end;
  citation.in_prompt = true;
  return citation;
}

constexpr std::string_view kAnswer = "First one [p2]. Then [p1].";

}  // namespace

class EvidenceTest : public QObject {
  Q_OBJECT

 private slots:
  void a_span_selected_while_its_sentence_was_written_is_marked();
  void a_cited_span_that_was_not_selected_is_marked_so();
  void a_dense_run_marks_no_citation();
  void a_sentence_is_found_around_its_token();
  void what_was_read_while_thinking_alone_is_told_apart();
  void the_distance_profile_tells_sink_local_and_distant();
  void layers_that_select_alike_agree();
  void two_runs_are_as_alike_as_what_they_share();
  void a_difference_keeps_its_sign_at_every_level();
  void runs_of_different_shape_are_compared_by_source();
};

void EvidenceTest::a_span_selected_while_its_sentence_was_written_is_marked() {
  const auto evidence = citation_evidence(*small_run(), kAnswer, {cited(2, 10, 14)});
  QVERIFY(evidence[0].mark == SelectionMark::kSelected);
  QCOMPARE(evidence[0].tokens.begin, 0);
  QCOMPARE(evidence[0].tokens.end, 3);
  QCOMPARE(evidence[0].rank, 1);
  QCOMPARE(evidence[0].n_layers, 1);
}

void EvidenceTest::a_cited_span_that_was_not_selected_is_marked_so() {
  const auto evidence = citation_evidence(*small_run(), kAnswer, {cited(2, 10, 14), cited(1, 21, 25)});
  QVERIFY(evidence[1].mark == SelectionMark::kNotSelected);
  QCOMPARE(evidence[1].tokens.begin, 3);
  QCOMPARE(evidence[1].rank, 0);
  Citation nowhere = cited(99, 21, 25);
  nowhere.in_prompt = false;
  QVERIFY(citation_evidence(*small_run(), kAnswer, {nowhere})[0].mark == SelectionMark::kUnknown);
}

void EvidenceTest::a_dense_run_marks_no_citation() {
  auto run = std::make_shared<RunTrace>(*small_run());
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  trace->n_sparse_queries = 0;
  run->trace = trace;
  QVERIFY(citation_evidence(*run, kAnswer, {cited(2, 10, 14)})[0].mark == SelectionMark::kDense);
}

void EvidenceTest::a_sentence_is_found_around_its_token() {
  for (const std::int64_t token : {0, 1, 2}) {
    const engine::TokenRange sentence = sentence_of_token(*small_run(), token);
    QCOMPARE(sentence.begin, 0);
    QCOMPARE(sentence.end, 3);
  }
  QCOMPARE(tokens_of_words(*small_run(), "one [p2]").begin, 1);
  QCOMPARE(tokens_of_words(*small_run(), "one [p2]").end, 3);
  QCOMPARE(tokens_of_words(*small_run(), "nowhere").end, 0);
  QCOMPARE(sentence_of_token(*small_run(), 4).begin, 3);
  QCOMPARE(sentence_of_token(*small_run(), 4).end, 6);
}

void EvidenceTest::what_was_read_while_thinking_alone_is_told_apart() {
  auto run = std::make_shared<RunTrace>(*small_run());
  auto trace = std::make_shared<engine::SelectionTrace>(*run->trace);
  trace->n_thinking = 3;
  run->trace = trace;
  HeatScope scope;
  scope.phase = HeatPhase::kThinkingOnly;
  scope.layer = 0;
  const KeyHeat heat = make_key_heat(*trace, scope);
  const std::vector<PartHeat> parts = part_heat(heat, run->map);
  QVERIFY(parts[1].selected);   // positions 64..67: thinking selected them, the answer did not
  QVERIFY(!parts[2].selected);  // 130..133: the answer alone
  const std::string table = trace_table(*run, TraceTable::kSources, {.scope = scope});
  QVERIFY2(table.find("selected while thinking alone") != std::string::npos, table.c_str());
  QVERIFY2(table.find("never selected") != std::string::npos, table.c_str());
}

void EvidenceTest::the_distance_profile_tells_sink_local_and_distant() {
  HeatScope scope;
  scope.layer = 1;
  const DistanceProfile near = distance_profile(*small_run()->trace, scope);
  QCOMPARE(near.local, 1.0);
  QCOMPARE(near.bins[0].share, 1.0);
  scope.layer = 0;
  const DistanceProfile far = distance_profile(*small_run()->trace, scope);
  QCOMPARE(far.bins.size(), std::size_t{3});
  QCOMPARE(far.sink, 0.0);
  QCOMPARE(far.bins[1].share + far.bins[2].share, 1.0);
}

void EvidenceTest::layers_that_select_alike_agree() {
  const LayerAgreement agreement = layer_agreement(*small_run()->trace, {});
  QCOMPARE(agreement.at(0, 0), 1.0f);
  QCOMPARE(agreement.at(0, 1), 0.0f);
  QCOMPARE(agreement.kept_at(1, 0), 0.0f);
  QVERIFY(trace_table(*small_run(), TraceTable::kAgreement, {}).starts_with("layer,other_layer,jaccard,kept_when_reused\n1,1,1,1\n"));
}

void EvidenceTest::two_runs_are_as_alike_as_what_they_share() {
  const auto run = small_run();
  const auto same = run_similarity(*run->trace, *run->trace);
  QVERIFY(same);
  QCOMPARE(same->answer[0], 1.0);
  QCOMPARE(same->prompt[0], 1.0);
  engine::SelectionTrace other = *run->trace;
  for (std::int64_t token = 3; token < 6; ++token) other.decode[static_cast<std::size_t>(token) * 2].words = {0b1};
  QCOMPARE(run_similarity(*run->trace, other)->answer[0], 0.5);  // three of six tokens moved away
  other.n_prompt_tokens = 128;
  QVERIFY(!run_similarity(*run->trace, other));
}

void EvidenceTest::a_difference_keeps_its_sign_at_every_level() {
  HeatMatrix first;
  first.n_rows = first.n_columns = 4;
  first.values.assign(16, 0.25f);
  HeatMatrix second = first;
  second.values[5] = 0.0f;
  second.values[10] = 0.3f;
  const auto difference = difference_matrix(first, second);
  QVERIFY(difference);
  QCOMPARE(difference->maximum, 0.25f);
  const HeatPyramid pyramid(*difference, Pooling::kMax);
  QCOMPARE(pyramid.at(2, 0, 0), -0.25f);
  second.n_rows = 2;
  QVERIFY(!difference_matrix(first, second));
}

void EvidenceTest::runs_of_different_shape_are_compared_by_source() {
  auto other = std::make_shared<RunTrace>(*small_run());
  other->map.blocks.pop_back();
  const auto differences = part_differences(*small_run(), *other, {});
  QCOMPARE(differences.size(), std::size_t{4});
  const auto gone = std::find_if(differences.begin(), differences.end(), [](const PartDifference& part) { return part.part == 4; });
  QCOMPARE(gone->second, -1.0);
}

QTEST_GUILESS_MAIN(EvidenceTest)
#include "evidence_test.moc"
