#include "engine/trace/trace_file.h"

#include <QtTest>

#include "engine/trace/selection_recorder.h"
#include "engine/trace/trace_chunk.h"

using engine::ErrorCode;
using engine::SelectionTrace;
using engine::trace_from_bytes;
using engine::trace_to_bytes;

namespace {

/// 300 prompt tokens, three layers, 70 generated tokens: two chunks of tokens.
SelectionTrace small_trace() {
  engine::RecorderOptions options;
  options.n_layers = 3;
  options.top_k = 4;
  options.n_prompt_tokens = 300;
  auto recorder = std::move(*engine::SelectionRecorder::create(options));
  for (std::int32_t query = 0; query < 369; ++query) {
    const std::int32_t indices[4] = {query / 4, query / 3, query / 2, query};
    for (int layer = 0; layer < 3; ++layer) recorder->on_selection(layer, query, 1, 4, indices);
  }
  recorder->add_recall(1, 0.9f);
  return recorder->take(70, 65);
}

void compare(const SelectionTrace& found, const SelectionTrace& wanted) {
  QCOMPARE(found.n_layers, wanted.n_layers);
  QCOMPARE(found.top_k, wanted.top_k);
  QCOMPARE(found.n_prompt_tokens, wanted.n_prompt_tokens);
  QCOMPARE(found.n_generated, wanted.n_generated);
  QCOMPARE(found.n_thinking, wanted.n_thinking);
  QCOMPARE(found.n_sparse_queries, wanted.n_sparse_queries);
  QCOMPARE(found.recall, wanted.recall);
  QCOMPARE(found.prefill.size(), wanted.prefill.size());
  for (std::size_t i = 0; i < wanted.prefill.size(); ++i) QCOMPARE(found.prefill[i].counts, wanted.prefill[i].counts);
  QCOMPARE(found.decode.size(), wanted.decode.size());
  for (std::size_t i = 0; i < wanted.decode.size(); ++i) QCOMPARE(found.decode[i].words, wanted.decode[i].words);
  QCOMPARE(found.exact.size(), wanted.exact.size());
  for (std::size_t i = 0; i < wanted.exact.size(); ++i) QCOMPARE(found.exact[i].positions, wanted.exact[i].positions);
}

}  // namespace

class TraceFileTest : public QObject {
  Q_OBJECT

 private slots:
  void a_trace_comes_back_as_it_was();
  void a_trace_without_prefill_or_tokens_comes_back();
  void a_file_cut_anywhere_gives_its_whole_chunks_or_an_error();
  void a_flipped_bit_is_never_accepted_silently();
  void a_newer_version_is_refused_by_name();
  void what_is_no_trace_is_refused();
  void a_chunk_that_claims_too_many_tokens_is_refused();
  void rows_out_of_order_are_refused();
  void a_file_that_needs_too_much_memory_is_refused();
  void an_unknown_chunk_is_passed_over();
};

void TraceFileTest::a_trace_comes_back_as_it_was() {
  const SelectionTrace trace = small_trace();
  const auto file = trace_from_bytes(trace_to_bytes(trace, "{\"blocks\": []}"));
  QVERIFY(file);
  QCOMPARE(file->sources_json, std::string("{\"blocks\": []}"));
  QVERIFY(file->trace.complete);
  compare(file->trace, trace);
}

void TraceFileTest::a_trace_without_prefill_or_tokens_comes_back() {
  engine::RecorderOptions options;
  options.level = engine::TraceLevel::kOff;
  options.n_layers = 2;
  options.n_prompt_tokens = 10;
  const SelectionTrace trace = (*engine::SelectionRecorder::create(options))->take(0, 0);
  const auto file = trace_from_bytes(trace_to_bytes(trace));
  QVERIFY(file);
  QVERIFY(file->trace.prefill.empty());
}

void TraceFileTest::a_file_cut_anywhere_gives_its_whole_chunks_or_an_error() {
  const std::string bytes = trace_to_bytes(small_trace());
  std::int64_t most_tokens = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto file = trace_from_bytes(std::string_view(bytes).substr(0, n));
    if (!file) continue;
    QVERIFY(!file->trace.complete);
    QCOMPARE(file->trace.decode.size(), static_cast<std::size_t>(file->trace.n_generated * 3));
    for (const engine::PrefillCounts& prefill : file->trace.prefill) QCOMPARE(prefill.counts.size(), prefill.n_counts());
    most_tokens = std::max(most_tokens, file->trace.n_generated);
    if (file->trace.n_generated == 70) QCOMPARE(file->trace.n_thinking, 65);
  }
  QCOMPARE(most_tokens, 70);
}

void TraceFileTest::a_flipped_bit_is_never_accepted_silently() {
  const std::string bytes = trace_to_bytes(small_trace());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    const bool reserved = i >= 12 && i < engine::kTraceStartBytes;  // no meaning yet
    QCOMPARE(trace_from_bytes(damaged).has_value(), reserved);
  }
}

void TraceFileTest::a_newer_version_is_refused_by_name() {
  std::string bytes = trace_to_bytes(small_trace());
  bytes[8] = 9;
  const auto file = trace_from_bytes(bytes);
  QVERIFY(file.error().code == ErrorCode::kUnsupported);
  QVERIFY(file.error().message.find("version 9") != std::string::npos);
}

void TraceFileTest::what_is_no_trace_is_refused() {
  QVERIFY(trace_from_bytes("").error().code == ErrorCode::kCorrupt);
  QVERIFY(trace_from_bytes("%PDF-1.7 and then some more").error().code == ErrorCode::kCorrupt);
  QVERIFY(trace_from_bytes(engine::trace_start()).error().code == ErrorCode::kCorrupt);
}

void TraceFileTest::a_chunk_that_claims_too_many_tokens_is_refused() {
  SelectionTrace head = small_trace();
  std::string raw;
  engine::put(raw, std::uint32_t{1});
  engine::put(raw, std::uint32_t{0});
  const std::string bytes = engine::trace_start() + engine::encode_head(head) +
                            engine::encode_chunk(engine::kDecodeChunk, 0, std::int64_t{1} << 62, raw);
  QVERIFY(trace_from_bytes(bytes).error().code == ErrorCode::kCorrupt);
}

void TraceFileTest::rows_out_of_order_are_refused() {
  const SelectionTrace trace = small_trace();
  const std::string bytes = engine::trace_start() + engine::encode_head(trace) +
                            engine::encode_prefill_rows(trace.prefill[0], 0, 1, 3);
  QVERIFY(trace_from_bytes(bytes).error().code == ErrorCode::kCorrupt);
}

void TraceFileTest::a_file_that_needs_too_much_memory_is_refused() {
  const std::string bytes = trace_to_bytes(small_trace());
  QVERIFY(trace_from_bytes(bytes, 1000).error().code == ErrorCode::kCorrupt);
}

void TraceFileTest::an_unknown_chunk_is_passed_over() {
  const SelectionTrace trace = small_trace();
  const std::string bytes = engine::trace_start() + engine::encode_head(trace) +
                            engine::encode_chunk({'N', 'E', 'W', 'S'}, 0, 0, "hello");
  QVERIFY(trace_from_bytes(bytes));
}

QTEST_GUILESS_MAIN(TraceFileTest)
#include "trace_file_test.moc"
