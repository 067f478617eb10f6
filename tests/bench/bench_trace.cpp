// How long the trace of the largest run takes to open and to move through, and how much memory.
//   bench_trace make FILE     a synthetic trace: 131 072 prompt tokens, 61 layers, 256 generated tokens
//   bench_trace open FILE     opens it as the window does, then pans and zooms; prints CSV
//   bench_trace record        what recording costs per generated token and per prefill chunk
//   bench_trace cost MODEL PROJECT RUN [ROUNDS]
//                             what it costs a whole run: a saved question is asked again from its first token
//                             on, off and recorded in turns, in this process; prints processor time
#include <QApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QImage>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <sys/resource.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "app/question/experiment.h"
#include "engine/local/local_engine.h"
#include "engine/trace/selection_recorder.h"
#include "engine/trace/trace_file.h"
#include "tests/support/synthetic_trace.h"
#include "ui/trace/layer_grid.h"
#include "ui/trace/measures_view.h"
#include "ui/trace/selection_map.h"

namespace {

double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

double ms(const QElapsedTimer& timer) { return static_cast<double>(timer.nsecsElapsed()) / 1e6; }

void print(const char* what, double value, const char* unit) { std::printf("%s,%.2f,%s\n", what, value, unit); }

int make(const QString& path) {
  const std::string bytes = engine::trace_to_bytes(synthetic::make_trace({}));
  QFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes.data(), static_cast<qint64>(bytes.size())) < 0) return 1;
  print("file", static_cast<double>(bytes.size()) / (1 << 20), "MiB");
  return 0;
}

int open(const QString& path) {
  synthetic::TraceSize names;
  names.n_layers = 1;
  names.n_generated = 1;
  names.query_block = 1 << 14;
  const auto sources = synthetic::make_run(names, 8, 50);  // the map of the prompt, cheap to make

  QElapsedTimer timer;
  timer.start();
  auto run = std::make_shared<app::RunTrace>(*sources);
  {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) return 1;
    const QByteArray bytes = file.readAll();
    auto trace = engine::trace_from_bytes({bytes.data(), static_cast<std::size_t>(bytes.size())});
    if (!trace) {
      std::fprintf(stderr, "%s\n", trace.error().message.c_str());
      return 1;
    }
    run->trace = std::make_shared<engine::SelectionTrace>(std::move(trace->trace));
  }
  print("read", ms(timer), "ms");
  ui::SelectionMap map;
  map.resize(1600, 1000);
  QSignalSpy ready(&map, &ui::SelectionMap::ready);
  map.set_run(run);
  if (!ready.wait(60000)) return 1;
  QImage screen(map.size(), QImage::Format_RGB32);
  map.render(&screen);
  print("opened_and_drawn", ms(timer), "ms");

  std::vector<double> frames;
  const auto frame = [&] {
    QElapsedTimer one;
    one.start();
    map.render(&screen);
    frames.push_back(ms(one));
  };
  const QPointF middle(800, 500);
  for (int i = 0; i < 60; ++i) {
    map.zoom(1.08, middle);
    frame();
  }
  for (int i = 0; i < 600; ++i) {
    map.pan({20 * std::cos(i / 40.0), 20 * std::sin(i / 40.0)});
    frame();
  }
  for (int i = 0; i < 60; ++i) {
    map.zoom(1 / 1.08, middle);
    frame();
  }
  for (int i = 0; i < 200; ++i) {
    map.pan({i < 100 ? 60.0 : -60.0, 25.0});
    frame();
  }
  std::sort(frames.begin(), frames.end());
  print("frame_median", frames[frames.size() / 2], "ms");
  print("frame_99", frames[frames.size() * 99 / 100], "ms");
  print("frame_worst", frames.back(), "ms");

  timer.restart();
  app::MatrixOptions one_layer;
  one_layer.layer = 30;
  map.set_options(one_layer);
  print("layer_change_blocks_window", ms(timer), "ms");
  if (!ready.wait(60000)) return 1;
  print("layer_change_shown", ms(timer), "ms");
  ui::MeasuresView measures;
  QSignalSpy measured(&measures, &ui::MeasuresView::ready);
  timer.restart();
  measures.set_run(run);
  if (!measured.wait(60000)) return 1;
  print("measures_shown", ms(timer), "ms");
  ui::LayerGrid layers;
  layers.resize(1200, 300);
  layers.show();
  QSignalSpy drawn(&layers, &ui::LayerGrid::ready);
  timer.restart();
  layers.set_run(run);
  if (!drawn.wait(60000)) return 1;
  print("layers_shown", ms(timer), "ms");
  print("peak_memory", peak_mib(), "MiB");
  return 0;
}

int record() {
  engine::RecorderOptions options;
  options.n_layers = 61;
  options.top_k = 2048;
  options.n_prompt_tokens = 131072;
  auto recorder = engine::SelectionRecorder::create(options);
  if (!recorder) return 1;
  std::vector<std::int32_t> indices(2048);
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int32_t>(i * 64 - i % 60);
  indices[0] = 0;
  QElapsedTimer timer;
  timer.start();
  constexpr int kTokens = 200;
  for (int token = 0; token < kTokens; ++token) {
    for (int layer = 0; layer < 61; ++layer) (*recorder)->on_selection(layer, 131072 + token, 1, 2048, indices.data());
  }
  print("record_one_generated_token", ms(timer) / kTokens, "ms");
  timer.restart();
  for (int layer = 0; layer < 61; ++layer) {
    for (int query = 0; query < 64; ++query) (*recorder)->on_selection(layer, 131000 + query, 1, 2048, indices.data());
  }
  print("record_one_prefill_query", ms(timer) / 64, "ms");
  return 0;
}

class Silent final : public engine::GenerationObserver {
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

/// Of all threads, user and system.
double processor_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Cost {
  double prefill_ms = 0;
  double decode_ms = 0;
};

/// Reads the prompt without its first tokens being known from the run before, then writes.
app::Result<Cost> cost_of(engine::Engine& engine, engine::GenerationRequest request, engine::TokenId salt) {
  Silent silent;
  request.prompt.front() = salt;
  const int n_wanted = request.sampling.max_new_tokens;
  request.sampling.max_new_tokens = 1;
  Cost cost;
  double before = processor_ms();
  TRY(engine.generate(request, silent, {}));
  cost.prefill_ms = processor_ms() - before;
  request.sampling.max_new_tokens = n_wanted;
  before = processor_ms();
  TRY(engine.generate(request, silent, {}));
  cost.decode_ms = processor_ms() - before;
  return cost;
}

app::Result<int> cost(const QStringList& arguments) {
  TRY_ASSIGN(const auto engine, engine::open_local_engine(arguments[2].toStdString(), {}));
  TRY_ASSIGN(const auto project, app::Project::open(arguments[3].toStdString(), app::OpenMode::kReadOnly));
  TRY_ASSIGN(const app::Run run, project->run(arguments[4].toLongLong()));
  TRY_ASSIGN(const app::Question question, app::asked_question(run));
  app::PromptBuilder builder(*project, *engine->tokenizer(), engine->layout(), engine->info().context_length);
  TRY_ASSIGN(app::Prompt prompt, builder.build(question.prompt));
  const QTemporaryDir folder;
  engine::GenerationRequest off = prompt.request;
  off.sampling.max_new_tokens = 96;
  off.trace_level = engine::TraceLevel::kOff;
  engine::GenerationRequest on = off;
  on.trace_level = engine::TraceLevel::kBlocks;
  on.selection.sampled_recall = app::kSampledRecall;
  on.trace_path = folder.filePath(QStringLiteral("run.trace")).toStdString();
  on.trace_sources = prompt.map.to_json();
  std::vector<double> prefill[2], decode[2];
  const int n_rounds = arguments.size() > 5 ? arguments[5].toInt() : 5;
  engine::TokenId salt = 100;
  for (int round = 0; round <= n_rounds; ++round) {
    for (const int is_on : {round % 2, 1 - round % 2}) {
      TRY_ASSIGN(const Cost one, cost_of(*engine, is_on != 0 ? on : off, salt++));
      if (round == 0) continue;  // the first warms up
      prefill[is_on].push_back(one.prefill_ms);
      decode[is_on].push_back(one.decode_ms);
    }
  }
  print("prompt_tokens", static_cast<double>(off.prompt.size()), "tokens");
  print("prefill_off", median(prefill[0]), "ms");
  print("prefill_recorded", median(prefill[1]), "ms");
  print("prefill_cost", (median(prefill[1]) / median(prefill[0]) - 1) * 100, "percent");
  print("answer_off", median(decode[0]), "ms");
  print("answer_recorded", median(decode[1]), "ms");
  print("answer_cost", (median(decode[1]) / median(decode[0]) - 1) * 100, "percent");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  const QStringList arguments = QApplication::arguments();
  if (arguments.size() == 3 && arguments[1] == QStringLiteral("make")) return make(arguments[2]);
  if (arguments.size() == 3 && arguments[1] == QStringLiteral("open")) return open(arguments[2]);
  if (arguments.size() == 2 && arguments[1] == QStringLiteral("record")) return record();
  if (arguments.size() >= 5 && arguments[1] == QStringLiteral("cost")) {
    const auto done = cost(arguments);
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return done ? *done : 1;
  }
  std::fprintf(stderr, "usage: bench_trace make FILE | open FILE | record | cost MODEL PROJECT RUN [ROUNDS]\n");
  return 2;
}
