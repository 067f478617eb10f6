#include <QtTest>
#include <QTemporaryDir>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <future>

#include "engine/base/json.h"
#include "engine/local/local_engine.h"
#include "engine/trace/trace_file.h"
#include "engine/trace/trace_writer.h"
#include "tests/engine/tiny_model.h"

namespace {

#ifdef __SANITIZE_THREAD__
constexpr double kCancelSeconds = 4;  // everything takes some twenty times as long
#else
constexpr double kCancelSeconds = 0.2;
#endif

const std::filesystem::path kSource = LONGLEAF_SOURCE_DIR;

/// Keeps what it hears.
class Listener : public engine::GenerationObserver {
 public:
  void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t n_cached) override {
    done.push_back(n_done);
    total = n_total;
    cached = n_cached;
  }
  void on_text(engine::Channel channel, std::string_view text, std::int64_t) override {
    (channel == engine::Channel::kThinking ? thinking : answer) += text;
  }
  void on_token_selection(std::int64_t, std::span<const engine::BlockSet> layers) override {
    n_selections += static_cast<std::int64_t>(layers.size());
  }

  std::vector<std::int64_t> done;
  std::int64_t total = 0;
  std::int64_t cached = 0;
  std::int64_t n_selections = 0;
  std::string thinking;
  std::string answer;
};

/// Asks the run to stop as soon as the first chunk is through.
class Stopper final : public Listener {
 public:
  explicit Stopper(std::stop_source& source) : source_(source) {}
  void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t n_cached) override {
    Listener::on_prefill(n_done, n_total, n_cached);
    if (n_done > 0) source_.request_stop();
  }

 private:
  std::stop_source& source_;
};

struct GoldenCase {
  std::vector<engine::TokenId> prompt;
  std::vector<engine::TokenId> greedy;      // with the end token
  std::vector<std::pair<std::int64_t, double>> first_logits;
};

std::vector<engine::TokenId> ids_of(const engine::JsonValue& array) {
  std::vector<engine::TokenId> ids;
  for (std::int64_t i = 0; i < array.size(); ++i) ids.push_back(static_cast<engine::TokenId>(*array[i].integer()));
  return ids;
}

/// The starter's recorded answers; `selection` is "dense" or "topk128".
std::vector<GoldenCase> golden(const std::string& selection) {
  const auto document = engine::JsonDocument::read(kSource / "tests/golden/starter/golden.json");
  if (!document) qFatal("%s", document.error().message.c_str());
  const engine::JsonValue root = document->root();
  std::vector<GoldenCase> cases;
  for (std::int64_t i = 0; i < root.size(); ++i) {
    GoldenCase one;
    one.prompt = ids_of(*root[i].find("prompt_ids"));
    one.greedy = ids_of(*root[i].find(selection + "_greedy_ids"));
    const engine::JsonValue logits = *root[i].find(selection + "_first_logits");
    for (std::int64_t j = 0; j < logits.size(); ++j) {
      one.first_logits.emplace_back(*logits[j][0].integer(), *logits[j][1].number());
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

void overwrite_first_value(const std::filesystem::path& path, const std::string& tensor, float value) {
  const auto stored = engine::TensorFile::open_single(path);
  if (!stored || stored->find(tensor) == nullptr) qFatal("%s is not there", tensor.c_str());
  const auto offset = static_cast<std::int64_t>(stored->find(tensor)->offset);
  QFile file(QString::fromStdString(path.string()));
  file.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
  if (!file.open(QIODevice::ReadWrite) || !file.seek(offset) || file.write(reinterpret_cast<const char*>(&value), 4) != 4) {
    qFatal("%s cannot be changed", path.c_str());
  }
}

std::unique_ptr<engine::Engine> open_starter(engine::Device device, std::int64_t chunk = 0,
                                             engine::Arithmetic arithmetic = engine::Arithmetic::kExact) {
  engine::LocalEngineOptions options;
  options.arithmetic = arithmetic;
  options.device = device;
  options.prefill_chunk = chunk;
  auto opened = engine::open_local_engine(kSource / "resources/models/starter", options);
  if (!opened) qFatal("%s", opened.error().message.c_str());
  return std::move(opened).value();
}

engine::GenerationRequest request_for(const std::vector<engine::TokenId>& prompt, const std::string& selection = "topk128") {
  engine::GenerationRequest request;
  request.prompt = prompt;
  request.sampling.max_new_tokens = 128;
  request.selection.mode = selection == "dense" ? engine::SelectionMode::kDense : engine::SelectionMode::kIndexer;
  return request;
}

std::vector<engine::TokenId> tokens_of(const engine::Generation& generation) {
  std::vector<engine::TokenId> ids;
  for (const auto& token : generation.tokens) ids.push_back(token.id);
  return ids;
}

engine::Generation generate(engine::Engine& engine, const engine::GenerationRequest& request) {
  Listener listener;
  auto generation = engine.generate(request, listener, {});
  if (!generation) qFatal("%s", generation.error().message.c_str());
  return std::move(generation).value();
}

}  // namespace

class LocalEngineTest : public QObject {
  Q_OBJECT

 private slots:
  void the_starter_writes_what_its_training_code_wrote_data() {
    QTest::addColumn<QString>("selection");
    QTest::addColumn<int>("device");
    for (const char* selection : {"dense", "topk128"}) {
      QTest::addRow("%s on the reference", selection) << selection << static_cast<int>(engine::Device::kReference);
      QTest::addRow("%s on the CPU", selection) << selection << static_cast<int>(engine::Device::kCpu);
    }
  }
  void the_starter_writes_what_its_training_code_wrote() {
    QFETCH(QString, selection);
    QFETCH(int, device);
    const auto engine = open_starter(static_cast<engine::Device>(device));
    for (GoldenCase& one : golden(selection.toStdString())) {
      const auto generation = generate(*engine, request_for(one.prompt, selection.toStdString()));
      QVERIFY(generation.end == engine::EndReason::kEndOfText);
      one.greedy.pop_back();
      QCOMPARE(tokens_of(generation), one.greedy);
      QVERIFY(generation.answer.find("[p") != std::string::npos);
      QVERIFY(generation.thinking.find("Looking for:") != std::string::npos);
    }
  }

  void thinking_that_is_long_enough_is_closed_and_the_answer_begins() {
    const auto engine = open_starter(engine::Device::kCpu);
    const GoldenCase one = golden("topk128").front();
    auto request = request_for(one.prompt, "topk128");
    const auto whole = generate(*engine, request);
    request.max_thinking_tokens = 3;
    const auto cut = generate(*engine, request);
    QVERIFY(whole.thinking.starts_with(cut.thinking));
    QVERIFY(cut.thinking.size() < whole.thinking.size());
    QVERIFY(!cut.answer.empty());
    QCOMPARE(cut.trace->n_thinking, std::int64_t{3});
    QVERIFY(cut.answer.find("think>") == std::string::npos);
  }

  void rounded_arithmetic_gives_the_starters_recorded_answers_too_data() {
    QTest::addColumn<int>("arithmetic");
    QTest::newRow("bf16") << static_cast<int>(engine::Arithmetic::kFast);
    QTest::newRow("int8") << static_cast<int>(engine::Arithmetic::kInt8);
  }
  void rounded_arithmetic_gives_the_starters_recorded_answers_too() {
    QFETCH(int, arithmetic);
    const auto fast = open_starter(engine::Device::kCpu, 0, static_cast<engine::Arithmetic>(arithmetic));
    QVERIFY(fast->info().model_hash != open_starter(engine::Device::kCpu)->info().model_hash);
    for (GoldenCase& one : golden("topk128")) {
      one.greedy.pop_back();
      auto answer = tokens_of(generate(*fast, request_for(one.prompt)));
      if (arithmetic == static_cast<int>(engine::Arithmetic::kInt8)) {
        // One close choice late in one answer falls otherwise.
        one.greedy.resize(one.greedy.size() / 2);
        QVERIFY(answer.size() >= one.greedy.size());
        answer.resize(one.greedy.size());
      }
      QCOMPARE(answer, one.greedy);
    }
  }

  void the_starters_first_logits_are_those_of_its_training_code_data() {
    QTest::addColumn<QString>("selection");
    QTest::addColumn<double>("tolerance");
    QTest::newRow("dense") << "dense" << 1e-3;
    // The training code keeps every key that ties with the last one selected, mostly at a score of
    // zero; the engine keeps exactly 128. With the ties kept, transformers gives the recorded numbers
    // to 1e-5, and without them those of the engine.
    QTest::newRow("top-k 128") << "topk128" << 0.05;
  }
  void the_starters_first_logits_are_those_of_its_training_code() {
    QFETCH(QString, selection);
    QFETCH(double, tolerance);
    const auto folder = kSource / "resources/models/starter";
    auto config = engine::load_config(folder);
    const auto checkpoint = engine::open_safetensors(folder);
    QVERIFY(config && checkpoint);
    const auto backend = kernels::make_cpu_backend();
    const auto weights = engine::load_weights(**checkpoint, *config, *backend);
    QVERIFY(weights);
    const auto transformer = engine::Transformer::create(*backend, *config, *weights, 1024);
    QVERIFY(transformer);
    engine::KeyStore keys(*backend, *config);
    QVERIFY(keys.reserve(1024, 0));
    engine::StepOptions options;
    options.top_k = selection == "dense" ? 0 : 128;
    std::vector<float> logits(static_cast<std::size_t>(config->n_vocab));
    for (const GoldenCase& one : golden(selection.toStdString())) {
      QVERIFY((*transformer)->step(one.prompt, 0, keys, options, logits));
      for (const auto& [id, value] : one.first_logits) {
        QVERIFY2(std::abs(logits[static_cast<std::size_t>(id)] - value) < tolerance,
                 qPrintable(QString("%1 instead of %2").arg(double(logits[static_cast<std::size_t>(id)])).arg(value)));
      }
    }
  }

  void the_finder_writes_what_transformers_wrote() {
    const auto document = engine::JsonDocument::read(kSource / "tests/golden/finder/golden.json");
    QVERIFY2(document, document ? "" : document.error().message.c_str());
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    options.arithmetic = engine::Arithmetic::kExact;
    const auto finder = engine::open_local_engine(kSource / "resources/models/finder", options);
    QVERIFY2(finder, finder ? "" : finder.error().message.c_str());
    const engine::JsonValue cases = *document->root().find("cases");
    QCOMPARE(cases.size(), std::int64_t{100});
    // A tenth of them is enough for every day; LONGLEAF_ALL_GOLDEN=1 runs all, which takes minutes.
    const std::int64_t stride = qEnvironmentVariableIsSet("LONGLEAF_ALL_GOLDEN") ? 1 : 10;
    for (std::int64_t i = 0; i < cases.size(); i += stride) {
      auto expected = ids_of(*cases[i].find("answer"));
      const bool ends = !expected.empty() && expected.back() == 1;  // the end token; longer answers were cut off
      if (ends) expected.pop_back();
      auto request = request_for(ids_of(*cases[i].find("prompt")));
      request.sampling.max_new_tokens = static_cast<int>(expected.size()) + (ends ? 1 : 0);
      QCOMPARE(tokens_of(generate(**finder, request)), expected);
    }
  }

  void chunk_sizes_do_not_change_the_answer() {
    const GoldenCase one = golden("topk128").at(1);
    const auto whole = generate(*open_starter(engine::Device::kCpu, 2048), request_for(one.prompt));
    for (const std::int64_t chunk : {1, 37, 200}) {
      const auto other = generate(*open_starter(engine::Device::kCpu, chunk), request_for(one.prompt));
      QCOMPARE(tokens_of(other), tokens_of(whole));
    }
  }

  void a_second_question_reuses_the_common_prefix_and_gets_the_same_answer() {
    const GoldenCase one = golden("topk128").at(2);
    auto other = one.prompt;
    other[other.size() - 10] = 1500;
    const auto engine = open_starter(engine::Device::kCpu);
    generate(*engine, request_for(other));
    QCOMPARE(engine->cached_prefix(one.prompt), static_cast<std::int64_t>(one.prompt.size()) - 10);
    const auto reused = generate(*engine, request_for(one.prompt));
    QCOMPARE(reused.n_cached_tokens, static_cast<std::int64_t>(one.prompt.size()) - 10);
    const auto fresh = generate(*open_starter(engine::Device::kCpu), request_for(one.prompt));
    QCOMPARE(fresh.n_cached_tokens, 0);
    QCOMPARE(tokens_of(reused), tokens_of(fresh));
    QCOMPARE(reused.answer, fresh.answer);
  }

  void the_same_question_again_computes_one_token_only() {
    const GoldenCase one = golden("topk128").at(0);
    const auto engine = open_starter(engine::Device::kCpu);
    const auto first = generate(*engine, request_for(one.prompt));
    const auto second = generate(*engine, request_for(one.prompt));
    QCOMPARE(second.n_cached_tokens, static_cast<std::int64_t>(one.prompt.size()) - 1);
    QCOMPARE(tokens_of(second), tokens_of(first));
  }

  void keys_of_another_selection_are_not_reused() {
    const GoldenCase one = golden("dense").at(0);
    const auto engine = open_starter(engine::Device::kCpu);
    generate(*engine, request_for(one.prompt, "topk128"));
    QCOMPARE(generate(*engine, request_for(one.prompt, "dense")).n_cached_tokens, 0);
  }

  void a_muted_passage_changes_what_the_answer_is_worth_and_the_rest_comes_back() {
    const GoldenCase one = golden("topk128").at(1);
    const auto engine = open_starter(engine::Device::kCpu);
    const auto plain = generate(*engine, request_for(one.prompt));
    auto again = request_for(one.prompt);
    again.forced = tokens_of(plain);
    const auto forced = generate(*engine, again);
    QCOMPARE(tokens_of(forced), tokens_of(plain));
    QCOMPARE(forced.answer, plain.answer);
    for (std::size_t i = 0; i < plain.tokens.size(); ++i) {
      QVERIFY(std::abs(forced.tokens[i].log_probability - plain.tokens[i].log_probability) < 1e-3f);
    }
    again.selection.muted = {{100, 400}};
    const auto muted = generate(*engine, again);
    QCOMPARE(muted.n_cached_tokens, 100);  // what lies before the passage does not change
    QCOMPARE(tokens_of(muted), tokens_of(plain));
    double change = 0;
    for (std::size_t i = 0; i < plain.tokens.size(); ++i) change += std::abs(double(muted.tokens[i].log_probability - plain.tokens[i].log_probability));
    QVERIFY2(change > 0.1, qPrintable(QString::number(change)));
    for (std::int64_t token = 0; token < muted.trace->n_generated; ++token) {
      for (int layer = 0; layer < 4; ++layer) QVERIFY(!muted.trace->selected(token, layer).contains(3));
    }
    auto pinned = request_for(one.prompt);
    pinned.selection.pinned = {{128, 192}};
    pinned.selection.muted = {{160, 192}};
    const auto with_pins = generate(*engine, pinned);
    for (const engine::ExactSelection& exact : with_pins.trace->exact) {
      QVERIFY(std::binary_search(exact.positions.begin(), exact.positions.end(), 159));
      QVERIFY(!std::binary_search(exact.positions.begin(), exact.positions.end(), 160));
    }
    QCOMPARE(generate(*engine, request_for(one.prompt)).answer, plain.answer);
  }

  void what_cannot_be_pinned_or_muted_is_refused_with_the_reason() {
    const auto prompt = golden("topk128").at(1).prompt;
    const auto engine = open_starter(engine::Device::kCpu);
    Listener listener;
    auto too_much = request_for(prompt);
    too_much.selection.pinned = {{0, 200}};
    QVERIFY(engine->generate(too_much, listener, {}).error().message.find("200 tokens and a query selects 128") != std::string::npos);
    auto dense = request_for(prompt, "dense");
    dense.selection.muted = {{0, 20}};
    QVERIFY(engine->generate(dense, listener, {}).error().code == engine::ErrorCode::kUnsupported);
  }

  void the_trace_also_goes_to_a_file_with_the_text_while_it_runs() {
    QTemporaryDir folder;
    auto request = request_for(golden("topk128").at(1).prompt);
    request.trace_path = folder.filePath(QStringLiteral("run.trace")).toStdString();
    request.trace_sources = "{}";
    const auto engine = open_starter(engine::Device::kCpu);
    const auto generation = generate(*engine, request);
    const auto bytes = engine::read_trace_file(request.trace_path);
    QVERIFY(bytes);
    const auto file = engine::trace_from_bytes(*bytes);
    QVERIFY(file && file->trace.complete);
    QCOMPARE(file->thinking, generation.thinking);
    QCOMPARE(file->answer, generation.answer);
    QCOMPARE(file->trace.n_thinking, generation.trace->n_thinking);
    QCOMPARE(file->trace.prefill[1].counts, generation.trace->prefill[1].counts);
    for (std::size_t i = 0; i < generation.trace->decode.size(); ++i) QCOMPARE(file->trace.decode[i].words, generation.trace->decode[i].words);
    request.trace_path = "/nowhere/run.trace";
    QCOMPARE(generate(*engine, request).answer, generation.answer);
  }

  void text_streams_as_it_is_kept_and_every_token_knows_its_place() {
    const GoldenCase one = golden("topk128").at(0);
    const auto engine = open_starter(engine::Device::kCpu, 64);
    Listener listener;
    const auto generation = engine->generate(request_for(one.prompt), listener, {});
    QVERIFY(generation);
    QCOMPARE(listener.thinking, generation->thinking);
    QCOMPARE(listener.answer, generation->answer);
    QCOMPARE(listener.done, (std::vector<std::int64_t>{0, 64, 128, 192, 200}));
    QCOMPARE(listener.total, 200);
    for (const auto& token : generation->tokens) {
      const auto& text = token.channel == engine::Channel::kThinking ? generation->thinking : generation->answer;
      QVERIFY(token.text_begin <= token.text_end && token.text_end <= text.size());
      QVERIFY(token.log_probability <= 0.0f);
    }
  }

  void the_trace_tells_what_every_token_selected() {
    const GoldenCase one = golden("topk128").at(1);
    const auto engine = open_starter(engine::Device::kCpu);
    Listener listener;
    const auto generation = engine->generate(request_for(one.prompt), listener, {});
    QVERIFY(generation && generation->trace);
    const engine::SelectionTrace& trace = *generation->trace;
    QCOMPARE(trace.n_layers, 4);
    QCOMPARE(trace.top_k, 128);
    QCOMPARE(trace.n_generated, static_cast<std::int64_t>(generation->tokens.size()));
    QVERIFY(trace.n_sparse_queries > 0);
    QCOMPARE(listener.n_selections, trace.n_generated * trace.n_layers);
    std::int64_t n_selected = 0;
    for (std::int64_t block = 0; block < 8; ++block) n_selected += trace.selected(0, 0).contains(block) ? 1 : 0;
    QVERIFY(n_selected > 0);
  }

  void with_the_quote_constraint_every_line_of_the_answer_stands_in_the_prompt() {
    const GoldenCase one = golden("topk128").at(1);
    const auto engine = open_starter(engine::Device::kCpu);
    auto request = request_for(one.prompt);
    request.sampling.quote_constraint = true;
    request.quotable = {{2, static_cast<std::int64_t>(one.prompt.size()) - 20}};
    const auto generation = generate(*engine, request);
    QVERIFY(generation.answer.size() > 10);
    const std::string prompt = engine->tokenizer()->decode(one.prompt);
    std::string answer = generation.answer;
    answer.erase(0, answer.find_first_not_of(' '));
    QVERIFY2(prompt.find(answer.substr(0, answer.find('\n'))) != std::string::npos, answer.c_str());
  }

  void no_trace_is_made_when_none_is_wanted() {
    const auto engine = open_starter(engine::Device::kCpu);
    auto request = request_for(golden("topk128").at(0).prompt);
    request.trace_level = engine::TraceLevel::kOff;
    QVERIFY(!generate(*engine, request).trace);
  }

  void a_stop_during_the_prompt_is_no_error_and_what_was_read_is_kept() {
    const GoldenCase one = golden("topk128").at(3);
    const auto engine = open_starter(engine::Device::kCpu, 100);
    std::stop_source source;
    Stopper stopper(source);
    const auto generation = engine->generate(request_for(one.prompt), stopper, source.get_token());
    QVERIFY(generation);
    QVERIFY(generation->end == engine::EndReason::kCancelled);
    QVERIFY(generation->tokens.empty());
    QCOMPARE(engine->cached_prefix(one.prompt), 100);
    auto expected = one.greedy;
    expected.pop_back();
    const auto again = generate(*engine, request_for(one.prompt));
    QCOMPARE(again.n_cached_tokens, 100);
    QCOMPARE(tokens_of(again), expected);
  }

  void a_cancel_is_seen_within_200_ms_of_a_long_prompt() {
    const auto engine = open_starter(engine::Device::kCpu, 8192);
    std::vector<engine::TokenId> prompt(60000, 100);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<engine::TokenId>(100 + i * 7919 % 3000);
    std::stop_source source;
    Listener listener;
    auto running = std::async(std::launch::async, [&] { return engine->generate(request_for(prompt), listener, source.get_token()); });
    QTest::qWait(400);  // now it is in the middle of a chunk of 8192 tokens
    const auto asked = std::chrono::steady_clock::now();
    source.request_stop();
    const auto generation = running.get();
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - asked;
    QVERIFY(generation && generation->end == engine::EndReason::kCancelled);
    QCOMPARE(listener.done, (std::vector<std::int64_t>{0}));
    QVERIFY2(waited.count() < kCancelSeconds, qPrintable(QString("%1 s").arg(waited.count())));
  }

  void the_answer_ends_at_the_length_asked_for() {
    const GoldenCase one = golden("topk128").at(0);
    const auto engine = open_starter(engine::Device::kCpu);
    auto request = request_for(one.prompt);
    request.sampling.max_new_tokens = 5;
    const auto generation = generate(*engine, request);
    QVERIFY(generation.end == engine::EndReason::kLength);
    QCOMPARE(generation.tokens.size(), 5u);
  }

  void impossible_requests_are_refused_with_the_reason_data() {
    QTest::addColumn<int>("n_prompt");
    QTest::addColumn<int>("token");
    QTest::addColumn<int>("max_new");
    QTest::addColumn<QString>("named");
    QTest::newRow("an empty prompt") << 0 << 5 << 10 << "empty";
    QTest::newRow("a prompt beyond the context") << 131072 << 5 << 10 << "131072";
    QTest::newRow("a token beyond the vocabulary") << 10 << 4096 << 10 << "4096";
    QTest::newRow("a negative token") << 10 << -1 << 10 << "-1";
    QTest::newRow("no answer wanted") << 10 << 5 << 0 << "at least one";
  }
  void impossible_requests_are_refused_with_the_reason() {
    QFETCH(int, n_prompt);
    QFETCH(int, token);
    QFETCH(int, max_new);
    QFETCH(QString, named);
    const auto engine = open_starter(engine::Device::kCpu);
    auto request = request_for(std::vector<engine::TokenId>(static_cast<std::size_t>(n_prompt), token));
    request.sampling.max_new_tokens = max_new;
    Listener listener;
    const auto generation = engine->generate(request, listener, {});
    QVERIFY(!generation);
    QVERIFY2(QString::fromStdString(generation.error().message).contains(named), generation.error().message.c_str());
  }

  void a_missing_model_is_refused_by_its_path() {
    const auto opened = engine::open_local_engine("/nowhere/model", {});
    QVERIFY(!opened);
    QVERIFY(opened.error().code == engine::ErrorCode::kNotFound);
    QVERIFY(QString::fromStdString(opened.error().message).contains("/nowhere/model"));
  }

  void a_model_that_is_cut_while_it_loads_is_an_error_and_no_crash() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::filesystem::copy(kSource / "resources/models/starter", path, std::filesystem::copy_options::recursive);
    std::filesystem::permissions(path / "model.safetensors", std::filesystem::perms::owner_all);
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    const auto opened = engine::open_local_engine(path, options, [&](double fraction, const std::string&) {
      if (fraction > 0.3) std::filesystem::resize_file(path / "model.safetensors", 100'000);
    });
    QVERIFY(!opened);
    QVERIFY(opened.error().code == engine::ErrorCode::kIo);
    QVERIFY2(QString::fromStdString(opened.error().message).contains("cut short"), opened.error().message.c_str());
  }

  void numbers_that_break_down_stop_the_run_and_name_the_weight_data() {
    QTest::addColumn<QString>("tensor");
    QTest::addColumn<QString>("named");
    QTest::addColumn<bool>("at_once");  // else some tokens come first, from numbers that are still finite
    QTest::newRow("before the attention") << "model.layers.1.input_layernorm.weight" << "in layer 1 behind model.layers.1." << true;
    QTest::newRow("keys") << "model.layers.0.self_attn.kv_a_layernorm.weight" << "in layer 0 behind model.layers.0.self_attn." << true;
    QTest::newRow("queries") << "model.layers.3.self_attn.q_a_layernorm.weight" << "in layer 3 behind model.layers.3.self_attn." << false;
    QTest::newRow("before the feed-forward") << "model.layers.2.post_attention_layernorm.weight" << "in layer 2 behind model.layers.2." << true;
    QTest::newRow("the end") << "model.norm.weight" << "behind model.norm.weight" << false;
  }
  void numbers_that_break_down_stop_the_run_and_name_the_weight() {
    QFETCH(QString, tensor);
    QFETCH(QString, named);
    QFETCH(bool, at_once);
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::filesystem::copy(kSource / "resources/models/starter", path, std::filesystem::copy_options::recursive);
    // A finite weight, but products with it are not.
    overwrite_first_value(path / "model.safetensors", tensor.toStdString(), 3e38f);
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    const auto opened = engine::open_local_engine(path, options);
    QVERIFY2(opened, opened ? "" : opened.error().message.c_str());
    Listener listener;
    const auto generation = (*opened)->generate(request_for(golden("topk128").at(0).prompt), listener, {});
    QVERIFY(!generation);
    QVERIFY2(QString::fromStdString(generation.error().message).contains(named), generation.error().message.c_str());
    QVERIFY(!at_once || (listener.thinking.empty() && listener.answer.empty()));
  }

  void weights_that_are_no_numbers_are_refused_by_name() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::filesystem::copy(kSource / "resources/models/starter", path, std::filesystem::copy_options::recursive);
    QFile file(QString::fromStdString((path / "model.safetensors").string()));
    QVERIFY(file.setPermissions(QFile::ReadOwner | QFile::WriteOwner));
    QVERIFY(file.open(QIODevice::ReadWrite));
    QVERIFY(file.seek(file.size() - 4));  // the last value of the last tensor in the file
    QVERIFY(file.write("\0\0\xc0\x7f", 4) == 4);
    file.close();
    const auto opened = engine::open_local_engine(path, {});
    QVERIFY(!opened);
    QVERIFY2(QString::fromStdString(opened.error().message).contains("no numbers"), opened.error().message.c_str());
    QVERIFY2(QString::fromStdString(opened.error().message).contains("model.layers.3."), opened.error().message.c_str());
  }
};

QTEST_GUILESS_MAIN(LocalEngineTest)
#include "local_engine_test.moc"
