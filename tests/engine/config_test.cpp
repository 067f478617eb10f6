#include <QTemporaryDir>
#include <QtTest>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/model/config.h"

namespace {

/// A config.json of the smallest kind, with `changes` replacing or adding keys.
std::string config_text(const std::string& changes, const std::string& type = "deepseek_v32") {
  return R"({"model_type": ")" + type + R"(", "vocab_size": 256, "hidden_size": 64, "num_hidden_layers": 3,
    "num_attention_heads": 4, "q_lora_rank": 48, "kv_lora_rank": 32, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "v_head_dim": 16, "index_n_heads": 4, "index_head_dim": 128, "index_topk": 8, "intermediate_size": 96,
    "max_position_embeddings": 163840)" + changes + "}";
}

engine::Result<engine::ModelConfig> parse(const std::string& text) {
  const auto document = engine::JsonDocument::parse(text, "config.json");
  if (!document) return document.error();
  return engine::parse_config(document->root());
}

const char* const kYarn = R"(, "rope_theta": 10000, "rope_scaling": {"type": "yarn", "factor": 40,
    "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0})";

bool is_near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b) + 1e-12; }

}  // namespace

class ConfigTest : public QObject {
  Q_OBJECT

 private slots:
  void yarn_frequencies_and_scale_are_those_of_v32() {
    const auto config = parse(config_text(kYarn));
    QVERIFY2(config, config ? "" : config.error().message.c_str());
    const auto f = config->inverse_frequencies();
    QVERIFY(is_near(f[0], 1.0));
    QVERIFY(is_near(f[10], 0.0562341325));
    QVERIFY(is_near(f[11], 0.0390069266));
    QVERIFY(is_near(f[16], 0.0055));
    QVERIFY(is_near(f[22], 1.778279410e-4));
    QVERIFY(is_near(f[23], 3.333803580e-5));
    QVERIFY(is_near(f[31], 3.333803580e-6));
    QVERIFY(std::abs(config->softmax_scale() - 0.13523378) < 1e-7);
  }

  void the_softmax_scale_of_other_families_is_right() {
    const auto glm = parse(config_text(R"(, "rope_theta": 1000000)").replace(config_text("").find("128"), 3, "192"));
    QVERIFY(glm);
    QVERIFY(std::abs(glm->softmax_scale() - 0.0625) < 1e-9);
    std::string lite = kYarn;
    lite.replace(lite.find("\"mscale\": 1.0"), 13, "\"mscale\": 0.707");
    lite.replace(lite.find("\"mscale_all_dim\": 1.0"), 21, "\"mscale_all_dim\": 0.707");
    const auto v2 = parse(config_text(lite, "deepseek_v2"));
    QVERIFY(v2);
    QVERIFY(std::abs(v2->softmax_scale() - 0.11472139) < 1e-7);
  }

  void every_end_token_of_both_files_ends_an_answer() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::ofstream(path / "config.json") << config_text(R"(, "eos_token_id": [7, 3, 5])");
    const auto alone = engine::load_config(path);
    QVERIFY(alone);
    QCOMPARE(alone->end_ids, (std::vector<std::int32_t>{3, 5, 7}));
    std::ofstream(path / "generation_config.json") << R"({"eos_token_id": [5, 9], "do_sample": true})";
    QCOMPARE(engine::load_config(path)->end_ids, (std::vector<std::int32_t>{3, 5, 7, 9}));
  }

  void unequal_mscales_scale_the_rotation_and_are_refused_beside_an_indexer() {
    std::string unequal = kYarn;
    unequal.replace(unequal.find("\"mscale\": 1.0"), 13, "\"mscale\": 2.0");
    const auto v3 = parse(config_text(unequal, "deepseek_v3"));
    QVERIFY2(v3, v3 ? "" : v3.error().message.c_str());
    QVERIFY(std::abs(v3->yarn->rope_factor() - 1.7377758908 / 1.3688879454) < 1e-9);
    QCOMPARE(parse(config_text(kYarn))->yarn->rope_factor(), 1.0);
    const auto v32 = parse(config_text(unequal));
    QVERIFY(!v32);
    QVERIFY(QString::fromStdString(v32.error().message).contains("mscale"));
  }

  void both_spellings_of_rope_settings_mean_the_same() {
    const auto published = parse(config_text(kYarn));
    const auto newer = parse(config_text(R"(, "rope_parameters": {"rope_type": "yarn", "rope_theta": 10000, "factor": 40,
        "original_max_position_embeddings": 4096, "mscale": 1.0, "mscale_all_dim": 1.0})"));
    QVERIFY(published && newer);
    QCOMPARE(newer->inverse_frequencies(), published->inverse_frequencies());
    QCOMPARE(newer->softmax_scale(), published->softmax_scale());
  }

  void missing_keys_get_the_defaults_of_their_architecture() {
    const auto deepseek = parse(config_text(""));
    const auto glm = parse(config_text("", "glm_moe_dsa"));
    QVERIFY(deepseek && glm);
    QVERIFY(!deepseek->indexer.interleaved);
    QVERIFY(glm->indexer.interleaved);
    QCOMPARE(deepseek->indexer.norm_epsilon, 1e-6f);
    QCOMPARE(deepseek->norm_epsilon, 1e-6f);
    QVERIFY(deepseek->experts.router == engine::RouterKind::kSigmoid);
    QCOMPARE(deepseek->experts.n_experts, 0);
  }

  void shared_indexer_layers_follow_the_published_schedule() {
    const auto config = parse(config_text(R"(, "index_topk_freq": 4, "index_skip_topk_offset": 3)", "glm_moe_dsa")
                                  .replace(config_text("", "glm_moe_dsa").find("\"num_hidden_layers\": 3"), 22, "\"num_hidden_layers\": 12"));
    QVERIFY2(config, config ? "" : config.error().message.c_str());
    std::vector<int> full;
    for (int i = 0; i < config->n_layers; ++i) {
      if (config->indexers[static_cast<std::size_t>(i)] == engine::IndexerKind::kFull) full.push_back(i);
    }
    QCOMPARE(full, (std::vector<int>{0, 1, 2, 6, 10}));
  }

  void what_cannot_be_run_is_refused_by_name_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("named");
    QTest::newRow("another architecture") << QString::fromStdString(config_text("", "llama")) << "llama";
    QTest::newRow("the list of those supported") << QString::fromStdString(config_text("", "llama")) << "deepseek_v32, glm_moe_dsa";
    QTest::newRow("no architecture") << "{}" << "model_type";
    QTest::newRow("an odd rope width") << QString::fromStdString(config_text("")).replace("\"qk_rope_head_dim\": 64", "\"qk_rope_head_dim\": 63") << "qk_rope_head_dim";
    QTest::newRow("a negative size") << QString::fromStdString(config_text("")).replace("\"hidden_size\": 64", "\"hidden_size\": -64") << "hidden_size";
    QTest::newRow("a huge size") << QString::fromStdString(config_text("")).replace("\"hidden_size\": 64", "\"hidden_size\": 99999999999") << "hidden_size";
    QTest::newRow("a missing size") << QString::fromStdString(config_text("")).replace("\"kv_lora_rank\": 32,", "") << "kv_lora_rank";
    QTest::newRow("other rope scaling") << QString::fromStdString(config_text(R"(, "rope_scaling": {"type": "longrope", "factor": 4})")) << "longrope";
    QTest::newRow("other quantisation") << QString::fromStdString(config_text(R"(, "quantization_config": {"quant_method": "awq"})")) << "awq";
    QTest::newRow("other FP8 blocks") << QString::fromStdString(config_text(R"(, "quantization_config": {"quant_method": "fp8", "weight_block_size": [64, 64]})")) << "weight_block_size";
    QTest::newRow("other activation") << QString::fromStdString(config_text(R"(, "hidden_act": "gelu")")) << "hidden_act";
    QTest::newRow("another router") << QString::fromStdString(config_text(R"(, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "scoring_func": "tanh")")) << "tanh";
    QTest::newRow("another way to choose experts") << QString::fromStdString(config_text(R"(, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "topk_method": "random")")) << "topk_method random";
    QTest::newRow("groups that do not divide") << QString::fromStdString(config_text(R"(, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "n_group": 3)")) << "n_group";
    QTest::newRow("more experts used than there are") << QString::fromStdString(config_text(R"(, "n_routed_experts": 8, "num_experts_per_tok": 9, "moe_intermediate_size": 8)")) << "num_experts_per_tok";
    QTest::newRow("an end token outside the vocabulary") << QString::fromStdString(config_text(R"(, "eos_token_id": 256)")) << "eos_token_id";
  }
  void what_cannot_be_run_is_refused_by_name() {
    QFETCH(QString, text);
    QFETCH(QString, named);
    const auto config = parse(text.toStdString());
    QVERIFY(!config);
    QVERIFY2(QString::fromStdString(config.error().message).contains(named), config.error().message.c_str());
  }
};

QTEST_GUILESS_MAIN(ConfigTest)
#include "config_test.moc"
