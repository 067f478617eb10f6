#include "engine/trace/trace_writer.h"

#include <QTemporaryDir>
#include <QtTest>

#include "engine/trace/selection_recorder.h"
#include "engine/trace/trace_file.h"

using engine::SelectionTrace;

namespace {

constexpr int kPrompt = 64 * 40;

/// Records a run of `n_tokens` generated tokens into `writer`; the first 20 are thinking.
SelectionTrace record(engine::TraceWriter& writer, int n_tokens, bool is_finished) {
  engine::RecorderOptions options;
  options.n_layers = 2;
  options.top_k = 4;
  options.n_prompt_tokens = kPrompt;
  options.writer = &writer;
  options.sources_json = "{}";
  options.starts_in_thinking = true;
  auto recorder = std::move(*engine::SelectionRecorder::create(options));
  for (std::int32_t query = 0; query < kPrompt - 1 + n_tokens; ++query) {
    const std::int32_t indices[4] = {query / 4, query / 3, query / 2, query};
    for (int layer = 0; layer < 2; ++layer) recorder->on_selection(layer, query, 1, 4, indices);
    if (query == kPrompt - 1 + 20) recorder->begin_answer(20);
  }
  return is_finished ? recorder->take(n_tokens, std::min(20, n_tokens)) : SelectionTrace{};
}

}  // namespace

class TraceWriterTest : public QObject {
  Q_OBJECT

 private slots:
  void what_was_written_on_the_way_is_what_the_recorder_holds();
  void a_run_that_ends_badly_leaves_its_whole_chunks();
  void a_folder_that_is_not_there_is_an_error();
  void a_full_disk_ends_the_writing_and_not_the_run();
};

void TraceWriterTest::what_was_written_on_the_way_is_what_the_recorder_holds() {
  QTemporaryDir folder;
  const std::filesystem::path path = folder.filePath(QStringLiteral("run.trace")).toStdString();
  auto writer = std::move(*engine::TraceWriter::create(path));
  const SelectionTrace trace = record(*writer, 50, true);
  QVERIFY(writer->flush());
  const auto file = engine::trace_from_bytes(*engine::read_trace_file(path));
  QVERIFY(file);
  QVERIFY(file->trace.complete);
  QCOMPARE(file->sources_json, std::string("{}"));
  QCOMPARE(file->trace.n_generated, 50);
  QCOMPARE(file->trace.n_thinking, 20);
  QCOMPARE(file->trace.n_sparse_queries, trace.n_sparse_queries);
  for (std::size_t layer = 0; layer < 2; ++layer) QCOMPARE(file->trace.prefill[layer].counts, trace.prefill[layer].counts);
  for (std::size_t i = 0; i < trace.decode.size(); ++i) QCOMPARE(file->trace.decode[i].words, trace.decode[i].words);
  QCOMPARE(file->trace.exact.size(), trace.exact.size());
}

void TraceWriterTest::a_run_that_ends_badly_leaves_its_whole_chunks() {
  QTemporaryDir folder;
  const std::filesystem::path path = folder.filePath(QStringLiteral("run.trace")).toStdString();
  auto writer = std::move(*engine::TraceWriter::create(path));
  record(*writer, 50, false);
  QVERIFY(writer->flush());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  const auto file = engine::trace_from_bytes(*engine::read_trace_file(path));
  QVERIFY(file);
  QVERIFY(!file->trace.complete);
  QVERIFY(file->trace.n_generated >= 16 && file->trace.n_generated < 50);
  QCOMPARE(file->trace.n_thinking, std::min<std::int64_t>(20, file->trace.n_generated));
  QVERIFY(file->trace.prefill[1].at(39, 39) > 0);
}

void TraceWriterTest::a_folder_that_is_not_there_is_an_error() {
  QVERIFY(engine::TraceWriter::create("/nowhere/run.trace").error().code == engine::ErrorCode::kIo);
  QVERIFY(!engine::read_trace_file("/nowhere/run.trace"));
}

void TraceWriterTest::a_full_disk_ends_the_writing_and_not_the_run() {
  if (!std::filesystem::exists("/dev/full")) QSKIP("no /dev/full here");
  auto writer = std::move(*engine::TraceWriter::create("/dev/full"));
  const SelectionTrace trace = record(*writer, 30, true);
  QCOMPARE(trace.n_generated, 30);
  QVERIFY(writer->flush().error().message.find("disk full") != std::string::npos);
}

QTEST_GUILESS_MAIN(TraceWriterTest)
#include "trace_writer_test.moc"
