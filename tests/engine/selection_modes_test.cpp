#include <QTemporaryDir>
#include <QtTest>
#include <filesystem>
#include <algorithm>
#include <map>
#include <vector>

#include "engine/base/json.h"
#include "engine/local/local_engine.h"
#include "engine/local/selection_plan.h"
#include "tests/engine/tiny_model.h"

namespace {

/// The positions that each query selected, by (layer, query); empty for "every visible key".
class Selections final : public engine::SelectionSink {
 public:
  void on_selection(int layer, std::int64_t first, std::int64_t n, std::int64_t k, const std::int32_t* indices) override {
    for (std::int64_t t = 0; t < n; ++t) {
      auto& row = rows[{layer, first + t}];
      row.clear();
      for (std::int64_t j = 0; indices != nullptr && j < k; ++j) {
        if (indices[t * k + j] >= 0) row.push_back(indices[t * k + j]);
      }
    }
  }
  std::map<std::pair<int, std::int64_t>, std::vector<std::int32_t>> rows;
};

std::vector<std::int32_t> random_tokens(std::int64_t n, std::int64_t n_vocab) {
  std::vector<std::int32_t> tokens;
  std::uint64_t state = 12345;
  for (std::int64_t i = 0; i < n; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    tokens.push_back(static_cast<std::int32_t>((state >> 33) % static_cast<std::uint64_t>(n_vocab)));
  }
  return tokens;
}

bool contains_range(const std::vector<std::int32_t>& row, std::int64_t begin, std::int64_t end) {
  for (std::int64_t s = begin; s < end; ++s) {
    if (!std::binary_search(row.begin(), row.end(), static_cast<std::int32_t>(s))) return false;
  }
  return true;
}

class Quiet final : public engine::GenerationObserver {
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

/// Mean recall per layer of one selection for the longest recorded prompt of the starter.
std::vector<float> starter_recall(const engine::SelectionOptions& selection) {
  const std::filesystem::path source = LONGLEAF_SOURCE_DIR;
  engine::LocalEngineOptions options;
  options.device = engine::Device::kCpu;
  auto opened = engine::open_local_engine(source / "resources/models/starter", options);
  const auto document = engine::JsonDocument::read(source / "tests/golden/starter/golden.json");
  if (!opened || !document) qFatal("the starter or its recordings cannot be read");
  engine::GenerationRequest request;
  const engine::JsonValue ids = *document->root()[3].find("prompt_ids");
  for (std::int64_t i = 0; i < ids.size(); ++i) request.prompt.push_back(static_cast<engine::TokenId>(*ids[i].integer()));
  request.sampling.max_new_tokens = 1;
  request.selection = selection;
  request.selection.sampled_recall = 24;
  Quiet quiet;
  const auto generation = (*opened)->generate(request, quiet, {});
  if (!generation) qFatal("%s", generation.error().message.c_str());
  return generation->trace->recall;
}

float mean_of(const std::vector<float>& values) {
  float sum = 0.0f;
  for (const float value : values) sum += value;
  return sum / static_cast<float>(values.size());
}

}  // namespace

class SelectionModesTest : public QObject {
  Q_OBJECT

 private slots:
  void blocks_always_hold_the_window_and_the_anchors_and_fill_the_budget() {
    TinyModel model("glm4_moe_lite", "cpu", 512);
    const auto tokens = random_tokens(400, model.config.n_vocab);
    const std::vector<std::int64_t> anchors{0, 6, 130, 140};
    engine::BlockSelector blocks(*model.backend, model.config);
    Selections selections;
    engine::StepOptions options;
    options.top_k = 160;
    options.keep_window = 20;
    options.keep_ranges = anchors;
    options.blocks = &blocks;
    options.sink = &selections;
    model.run(tokens, 0, 400, options);
    for (int layer = 0; layer < model.config.n_layers; ++layer) {
      for (std::int64_t query = 160; query < 400; ++query) {
        const auto& row = selections.rows.at({layer, query});
        QCOMPARE(row.size(), 160u);
        QVERIFY(std::is_sorted(row.begin(), row.end()) && row.back() == query);
        QVERIFY(contains_range(row, query - 19, query + 1));
        QVERIFY(contains_range(row, 0, 6) && contains_range(row, 130, 140));
      }
    }
  }

  void blocks_do_not_depend_on_chunks_and_recover_after_a_cut() {
    TinyModel model("deepseek_v3", "cpu", 512);
    auto tokens = random_tokens(300, model.config.n_vocab);
    engine::BlockSelector blocks(*model.backend, model.config);
    engine::StepOptions options;
    options.top_k = 100;
    options.keep_window = 10;
    options.blocks = &blocks;
    const auto whole = model.run(tokens, 0, 300, options);
    QVERIFY(largest_difference(model.run(tokens, 0, 23, options), whole) < 1e-4f);
    auto other = tokens;
    for (std::size_t i = 150; i < other.size(); ++i) other[i] = (other[i] + 11) % 200;
    model.run(other, 0, 300, options);
    blocks.truncate(150);
    // Only the last row is wanted, so that the last layer sees one query after many new keys.
    std::vector<float> last(static_cast<std::size_t>(model.config.n_vocab));
    QVERIFY(model.transformer->step(std::span(tokens).subspan(150), 150, *model.keys, options, last));
    QVERIFY(largest_difference(last, std::span(whole).last(last.size())) < 1e-4f);
  }

  void a_budget_for_all_keys_is_dense_attention_and_a_smaller_one_is_not() {
    TinyModel model("deepseek_v2", "cpu", 512);
    const auto tokens = random_tokens(300, model.config.n_vocab);
    engine::BlockSelector blocks(*model.backend, model.config);
    const auto dense = model.run(tokens, 0, 300);
    engine::StepOptions options;
    options.blocks = &blocks;
    options.keep_window = 10;
    options.top_k = 300;
    QVERIFY(largest_difference(model.run(tokens, 0, 300, options), dense) < 1e-5f);
    options.top_k = 299;  // one key is left out for the last query only: through the selecting path
    QVERIFY(largest_difference(model.run(tokens, 0, 300, options), dense) < 0.2f);
    options.top_k = 80;
    QVERIFY(largest_difference(model.run(tokens, 0, 300, options), dense) > 1e-2f);
  }

  void kept_keys_are_in_every_selection_and_off_by_default() {
    TinyModel model("deepseek_v32", "cpu");
    const auto prompt = model.integers("prompt");
    const std::vector<std::int64_t> anchors{0, 2};
    Selections plain;
    Selections kept;
    engine::StepOptions options;
    options.top_k = 8;
    options.sink = &plain;
    model.run(prompt, 0, 96, options);
    options.sink = &kept;
    options.keep_window = 3;
    options.keep_ranges = anchors;
    model.run(prompt, 0, 96, options);
    int n_without = 0;
    for (std::int64_t query = 8; query < 96; ++query) {
      const auto& row = kept.rows.at({1, query});
      QCOMPARE(row.size(), 8u);
      QVERIFY(contains_range(row, query - 2, query + 1) && contains_range(row, 0, 2));
      n_without += contains_range(plain.rows.at({1, query}), 0, 2) ? 0 : 1;
    }
    QVERIFY(n_without > 10);
  }

  void models_without_an_indexer_choose_blocks_for_long_prompts_only() {
    engine::ModelConfig config;
    engine::GenerationRequest request;
    const auto mode = [&](std::size_t n_tokens) {
      request.prompt.assign(n_tokens, 5);
      return plan_selection(request, config)->mode;
    };
    QVERIFY(mode(engine::kBlocksFrom - 1) == engine::SelectionMode::kDense);
    QVERIFY(mode(engine::kBlocksFrom) == engine::SelectionMode::kBlocks);
    QCOMPARE(plan_selection(request, config)->top_k, 2048);
    request.selection.mode = engine::SelectionMode::kDense;
    QVERIFY(mode(engine::kBlocksFrom) == engine::SelectionMode::kDense);
    request.selection.mode = engine::SelectionMode::kBlocks;
    QVERIFY(mode(100) == engine::SelectionMode::kBlocks);
    request.selection.mode = engine::SelectionMode::kIndexer;
    config.indexer.n_heads = 4;
    config.indexer.top_k = 64;
    QVERIFY(mode(engine::kBlocksFrom) == engine::SelectionMode::kIndexer);
  }

  void anchors_leave_half_of_the_keys_to_the_scores_and_the_question_always_stays() {
    engine::ModelConfig config;
    engine::GenerationRequest request;
    request.prompt.assign(1000, 5);
    request.selection.mode = engine::SelectionMode::kBlocks;
    request.selection.top_k = 200;
    request.anchors = {{0, 40}, {100, 150}, {300, 330}, {500, 505}, {900, 1000}};
    const auto plan = plan_selection(request, config);
    QCOMPARE(plan->keep_ranges, (std::vector<std::int64_t>{0, 40, 100, 150, 900, 1000}));
    QCOMPARE(plan->marked_prompt[39], 5 | engine::kKeptMark);
    QCOMPARE(plan->marked_prompt[40], 5);
    // Another question of another length changes nothing before it.
    request.anchors.back() = {900, 980};
    request.prompt.resize(980);
    QCOMPARE(plan_selection(request, config)->keep_ranges, (std::vector<std::int64_t>{0, 40, 100, 150, 900, 980}));
  }

  void a_long_prompt_is_read_in_blocks_its_recall_is_told_and_its_prefix_serves_the_next_question() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::filesystem::copy(std::filesystem::path(LONGLEAF_SOURCE_DIR) / "resources/models/starter", path, std::filesystem::copy_options::recursive);
    QFile config(folder.filePath("config.json"));
    config.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
    QVERIFY(config.open(QIODevice::ReadWrite));
    QByteArray text = config.readAll();
    text.replace("\"deepseek_v32\"", "\"deepseek_v3\"");  // the same network, its indexer left aside
    QVERIFY(config.resize(0) && config.seek(0) && config.write(text) == text.size());
    config.close();
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    const auto opened = engine::open_local_engine(path, options);
    QVERIFY2(opened, opened ? "" : opened.error().message.c_str());
    QVERIFY(!(*opened)->info().has_indexer);
    engine::GenerationRequest request;
    request.prompt = random_tokens(engine::kBlocksFrom + 60, 3000);
    request.anchors = {{0, 20}, {4000, 4010}, {engine::kBlocksFrom, engine::kBlocksFrom + 60}};
    request.sampling.max_new_tokens = 2;
    request.selection.top_k = 256;
    request.selection.window = 64;
    Quiet quiet;
    const auto first = (*opened)->generate(request, quiet, {});
    QVERIFY2(first, first ? "" : first.error().message.c_str());
    QVERIFY(first->trace->mode == engine::SelectionMode::kBlocks);
    QCOMPARE(first->trace->recall.size(), 4u);
    QVERIFY(std::all_of(first->trace->recall.begin(), first->trace->recall.end(), [](float r) { return r > 0 && r <= 1.0001f; }));
    for (int layer = 0; layer < 4; ++layer) {
      QVERIFY(first->trace->selected(0, layer).contains(0) && first->trace->selected(0, layer).contains(4000 / 64));
    }
    request.prompt.resize(engine::kBlocksFrom + 40);
    request.prompt[engine::kBlocksFrom + 5] ^= 1;
    request.anchors.back() = {engine::kBlocksFrom, engine::kBlocksFrom + 40};
    QCOMPARE((*opened)->cached_prefix(request.prompt), engine::kBlocksFrom + 5);
    const auto second = (*opened)->generate(request, quiet, {});
    QVERIFY(second);
    QCOMPARE(second->n_cached_tokens, engine::kBlocksFrom + 5);
    // With other anchors the keys behind them are other keys.
    request.anchors = {{0, 20}, {4200, 4210}, {engine::kBlocksFrom, engine::kBlocksFrom + 40}};
    QCOMPARE((*opened)->generate(request, quiet, {})->n_cached_tokens, 4000);
  }

  void muted_keys_are_in_no_selection_even_where_all_would_fit() {
    TinyModel model("deepseek_v32", "cpu");
    const auto prompt = model.integers("prompt");
    const std::vector<std::int64_t> muted{10, 20};
    Selections selections;
    engine::StepOptions options;
    options.top_k = 96;
    options.mute_ranges = muted;
    options.sink = &selections;
    model.run(prompt, 0, 31, options);
    QCOMPARE(selections.rows.at({1, 15}), (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15}));
    QCOMPARE(selections.rows.at({2, 95}).size(), 86u);
    QVERIFY(contains_range(selections.rows.at({2, 95}), 20, 96));
    // By blocks too.
    engine::BlockSelector blocks(*model.backend, model.config);
    options.blocks = &blocks;
    options.top_k = 64;
    options.keep_window = 8;
    model.run(prompt, 0, 96, options);
    for (std::int64_t s = 10; s < 20; ++s) QVERIFY(!contains_range(selections.rows.at({1, 90}), s, s + 1));
  }

  void recall_is_the_share_of_dense_attention_that_the_selection_holds() {
    TinyModel model("deepseek_v32", "reference");
    const auto prompt = model.integers("prompt");
    const std::vector<std::int64_t> positions{20, 60, 95};
    std::vector<float> all;
    std::vector<float> few;
    std::vector<float> more;
    engine::StepOptions options;
    options.recall_positions = positions;
    const auto measure = [&](int top_k, std::vector<float>& shares) {
      options.top_k = top_k;
      options.on_recall = [&shares](int, float share) { shares.push_back(share); };
      model.run(prompt, 0, 31, options);
    };
    measure(0, all);
    measure(8, few);
    measure(16, more);
    QCOMPARE(all, (std::vector<float>(9, 1.0f)));
    QCOMPARE(few.size(), 9u);
    QVERIFY(std::all_of(few.begin(), few.end(), [](float share) { return share > 0.0f && share < 1.0f; }));
    QVERIFY(mean_of(more) > mean_of(few));
  }

  void the_trace_of_a_run_carries_the_recall_of_every_layer() {
    const auto recall = starter_recall({});
    QCOMPARE(recall.size(), 4u);
    QVERIFY(std::all_of(recall.begin(), recall.end(), [](float share) { return share > 0.0f && share <= 1.0001f; }));
  }

  void blocks_hold_more_attention_than_the_newest_keys_alone() {
    engine::SelectionOptions blocks;
    blocks.mode = engine::SelectionMode::kBlocks;
    blocks.top_k = 256;
    blocks.window = 64;
    engine::SelectionOptions window = blocks;
    window.window = 256;  // nothing is left for distant blocks
    const float with_blocks = mean_of(starter_recall(blocks));
    const float newest_only = mean_of(starter_recall(window));
    qInfo("recall with 256 of up to 936 keys: blocks %.3f, newest only %.3f, indexer with 128 keys %.3f", double(with_blocks),
          double(newest_only), double(mean_of(starter_recall({}))));
    QVERIFY(with_blocks > newest_only + 0.05f);
  }
};

QTEST_GUILESS_MAIN(SelectionModesTest)
#include "selection_modes_test.moc"
