// How long the trace of the largest run takes to open and to move through, and how much memory.
//   bench_trace make FILE     a synthetic trace: 131 072 prompt tokens, 61 layers, 256 generated tokens
//   bench_trace open FILE     opens it as the window does, then pans and zooms; prints CSV
//   bench_trace record        what recording costs per generated token and per prefill chunk
#include <QApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QImage>
#include <QSignalSpy>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "engine/trace/selection_recorder.h"
#include "engine/trace/trace_file.h"
#include "tests/support/synthetic_trace.h"
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

}  // namespace

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  const QStringList arguments = QApplication::arguments();
  if (arguments.size() == 3 && arguments[1] == QStringLiteral("make")) return make(arguments[2]);
  if (arguments.size() == 3 && arguments[1] == QStringLiteral("open")) return open(arguments[2]);
  if (arguments.size() == 2 && arguments[1] == QStringLiteral("record")) return record();
  std::fprintf(stderr, "usage: bench_trace make FILE | open FILE | record\n");
  return 2;
}
