#include <QtTest>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "engine/model/gguf_checkpoint.h"
#include "engine/model/gguf_file.h"
#include "engine/model/gguf_tokenizer.h"
#include "tests/engine/tiny_model.h"

using engine::GgufFile;
using engine::GgufType;

class GgufTest : public QObject {
  Q_OBJECT

 private slots:
  void dequantises_like_the_gguf_package_data();
  void dequantises_like_the_gguf_package();
  void dequantises_blocks_that_were_worked_out_by_hand();
  void metadata_says_the_same_as_config_json_data();
  void metadata_says_the_same_as_config_json();
  void both_loaders_give_the_same_logits_data();
  void both_loaders_give_the_same_logits();
  void quantised_weights_give_nearly_the_same_logits();
  void k_quantised_weights_give_the_logits_of_their_values();
  void indexer_kinds_may_be_words_or_numbers_data();
  void indexer_kinds_may_be_words_or_numbers();
  void draft_layers_are_not_executed();
  void a_file_that_is_cut_while_it_is_loaded_is_an_error();
  void the_tokenizer_in_the_metadata_gives_the_recorded_ids();
  void a_part_that_is_not_the_first_is_refused();
  void a_missing_part_is_named();
};

namespace {

std::filesystem::path recorded(const std::string& name) {
  return std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden/gguf" / name;
}

std::shared_ptr<const GgufFile> open(const std::string& name) {
  auto file = GgufFile::open(recorded(name));
  if (!file) qFatal("%s", file.error().message.c_str());
  return std::make_shared<const GgufFile>(std::move(file).value());
}

/// The list true, false, true, false as glm_moe_dsa.gguf has it: array, bool, 4.
const QByteArray kRecordedKinds = QByteArray::fromHex("09000000070000000400000000000000") + QByteArray::fromHex("01000100");

/// What the metadata of glm_moe_dsa.gguf says with `entry` in the place of its indexer kinds; `entry` may bring
/// `n_more` entries of its own.
engine::Result<engine::ModelConfig> glm_config_with(const QTemporaryDir& folder, const QByteArray& entry, int n_more) {
  QFile original(QString::fromStdString(recorded("glm_moe_dsa.gguf").string()));
  if (!original.open(QIODevice::ReadOnly)) qFatal("the recorded file is not there");
  QByteArray bytes = original.readAll();
  const QByteArray key = "glm-dsa.attention.indexer.types";
  const qsizetype at = bytes.indexOf(key) + key.size();
  if (bytes.mid(at, kRecordedKinds.size()) != kRecordedKinds) qFatal("the recorded file has other indexer kinds");
  // Offsets count from the padded end of the tables: what is put in is made a whole number of alignments long.
  const QByteArray filler_key = "longleaf.filler";
  QByteArray filler = QByteArray(8, '\0') + filler_key + QByteArray::fromHex("08000000") + QByteArray(8, '\0');
  filler[0] = static_cast<char>(filler_key.size());
  const qsizetype n_text = 32 - (entry.size() - kRecordedKinds.size() + filler.size()) % 32;
  filler[filler.size() - 8] = static_cast<char>(n_text);
  bytes.replace(at, kRecordedKinds.size(), entry + filler + QByteArray(n_text, 'x'));
  bytes[16] = static_cast<char>(bytes[16] + 1 + n_more);
  QFile changed(folder.filePath("model.gguf"));
  if (!changed.open(QIODevice::WriteOnly) || changed.write(bytes) != bytes.size()) qFatal("the copy cannot be written");
  changed.close();
  const auto file = GgufFile::open(changed.fileName().toStdString());
  if (!file) return file.error();
  return engine::read_config(*file);
}

std::vector<float> values_of(const GgufFile& file, const engine::GgufTensor& tensor) {
  std::size_t n = 1;
  for (const std::int64_t size : tensor.shape) n *= static_cast<std::size_t>(size);
  std::vector<float> values(n);
  const auto bytes = file.read(tensor);
  if (!bytes) qFatal("%s", bytes.error().message.c_str());
  engine::dequantise(tensor.type, *bytes, values);
  return values;
}

std::vector<float> block(GgufType type, const std::vector<int>& bytes) {
  std::vector<std::byte> data;
  for (const int byte : bytes) data.push_back(static_cast<std::byte>(byte));
  data.resize(engine::block_of(type).n_bytes);
  std::vector<float> values(engine::block_of(type).n_values);
  engine::dequantise(type, data, values);
  return values;
}

}  // namespace

void GgufTest::dequantises_like_the_gguf_package_data() {
  QTest::addColumn<QString>("type");
  for (const char* type : {"F16", "BF16", "Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q5_K", "Q6_K"}) QTest::newRow(type) << type;
}

void GgufTest::dequantises_like_the_gguf_package() {
  QFETCH(QString, type);
  const auto file = open("blocks.gguf");
  const engine::GgufTensor* packed = file->find(type.toStdString());
  const engine::GgufTensor* expected = file->find(type.toStdString() + ".values");
  QVERIFY(packed && expected);
  QCOMPARE(QString::fromStdString(engine::name_of(packed->type)), type);
  QCOMPARE(packed->shape, (std::vector<std::int64_t>{3, 512}));
  QVERIFY(largest_difference(values_of(*file, *packed), values_of(*file, *expected)) < 1e-5f);
}

void GgufTest::dequantises_blocks_that_were_worked_out_by_hand() {
  // 0x3800 is 0.5 in f16, 0x4000 is 2.
  const auto q8 = block(GgufType::kQ8_0, {0x00, 0x38, 127, 128, 255});
  QCOMPARE(q8[0], 63.5f);
  QCOMPARE(q8[1], -64.0f);
  QCOMPARE(q8[2], -0.5f);
  const auto q4 = block(GgufType::kQ4_0, {0x00, 0x40, 0xF0, 0x08});
  QCOMPARE(q4[0], -16.0f);   // nibble 0
  QCOMPARE(q4[16], 14.0f);   // nibble 15
  QCOMPARE(q4[1], 0.0f);     // nibble 8
  const auto q5 = block(GgufType::kQ5_0, {0x00, 0x40, 0x01, 0, 0x01, 0, 0xF0});
  QCOMPARE(q5[0], 0.0f);     // nibble 0 with bit 0: 16
  QCOMPARE(q5[16], 30.0f);   // nibble 15 with bit 16: 31
  QCOMPARE(q5[1], -32.0f);   // nothing set
  // d = 2, dmin = 0.5; sub-block 0: scale 3, minimum 5; sub-block 4: scale 1 | 2 << 4, minimum 7.
  std::vector<int> q4_k = {0x00, 0x40, 0x00, 0x38, 3 | 2 << 6, 0, 0, 0, 5, 0, 0, 0, 1 | 7 << 4, 0, 0, 0, 0x29};
  q4_k.resize(16 + 64, 0);
  q4_k[16] = 0x29;
  q4_k.push_back(0x0B);  // byte 64: first value of sub-block 4
  const auto q4_k_values = block(GgufType::kQ4_K, q4_k);
  QCOMPARE(q4_k_values[0], 2.0f * 3 * 9 - 0.5f * 5);
  QCOMPARE(q4_k_values[128], 2.0f * 33 * 11 - 0.5f * 7);
  // Sub-block 1 has scale and minimum 0.
  QCOMPARE(q4_k_values[32], 0.0f);
  // The same head; 32 bytes of fifth bits, one bit for each sub-block, then the nibbles.
  std::vector<int> q5_k(q4_k.begin(), q4_k.begin() + 16);
  q5_k.resize(16 + 32 + 64, 0);
  q5_k[16] = 0b0001'0001;  // first value of sub-blocks 0 and 4
  q5_k[48] = 0x29;
  q5_k.push_back(0x0B);
  const auto q5_k_values = block(GgufType::kQ5_K, q5_k);
  QCOMPARE(q5_k_values[0], 2.0f * 3 * (16 + 9) - 0.5f * 5);
  QCOMPARE(q5_k_values[1], -0.5f * 5);
  QCOMPARE(q5_k_values[128], 2.0f * 33 * (16 + 11) - 0.5f * 7);
  // 128 bytes of low nibbles, 64 of high pairs, 16 signed scales, then d = 0.5.
  std::vector<int> q6_k(210, 0);
  q6_k[0] = 0x2F;      // values 0 (15) and 64 (2)
  q6_k[128] = 0b1101;  // their high pairs: 1 for value 0, 3 for value 32, 0 for value 64
  q6_k[192] = 3;       // values 0 to 15
  q6_k[192 + 2] = 255; // values 32 to 47: -1
  q6_k[192 + 4] = 2;   // values 64 to 79
  q6_k[209] = 0x38;
  const auto q6_k_values = block(GgufType::kQ6_K, q6_k);
  QCOMPARE(q6_k_values[0], 0.5f * 3 * (15 + 16 - 32));
  QCOMPARE(q6_k_values[32], 0.5f * -1 * (0 + 48 - 32));
  QCOMPARE(q6_k_values[64], 0.5f * 2 * (2 - 32));
  QCOMPARE(q6_k_values[16], 0.0f);
}

void GgufTest::metadata_says_the_same_as_config_json_data() {
  QTest::addColumn<QString>("model");
  QTest::addColumn<QString>("file");
  QTest::newRow("V3.2 in three parts, kv_b split") << "deepseek_v32" << "deepseek_v32-00001-of-00003.gguf";
  QTest::newRow("V2, kv_b in one") << "deepseek_v2" << "deepseek_v2.gguf";
  QTest::newRow("GLM-5, shared indexers") << "glm_moe_dsa" << "glm_moe_dsa.gguf";
  QTest::newRow("V3") << "deepseek_v3" << "deepseek_v3_q8_0.gguf";
  QTest::newRow("V3.2 with YaRN and groups") << "deepseek_v32_yarn_groups" << "deepseek_v32_bf16.gguf";
}

void GgufTest::metadata_says_the_same_as_config_json() {
  QFETCH(QString, model);
  QFETCH(QString, file);
  const auto read = engine::read_config(*open(file.toStdString()));
  QVERIFY2(read, read ? "" : read.error().message.c_str());
  const auto expected = engine::load_config(TinyModel::folder(model.toStdString()));
  QVERIFY(expected);
  QVERIFY(read->architecture == expected->architecture);
  QCOMPARE(read->model_type, expected->model_type);
  QCOMPARE(read->n_vocab, expected->n_vocab);
  QCOMPARE(read->n_hidden, expected->n_hidden);
  QCOMPARE(read->n_layers, expected->n_layers);
  QCOMPARE(read->n_heads, expected->n_heads);
  QCOMPARE(read->q_rank, expected->q_rank);
  QCOMPARE(read->kv_rank, expected->kv_rank);
  QCOMPARE(read->nope_dim, expected->nope_dim);
  QCOMPARE(read->rope_dim, expected->rope_dim);
  QCOMPARE(read->value_dim, expected->value_dim);
  QCOMPARE(read->norm_epsilon, expected->norm_epsilon);
  QVERIFY(std::abs(read->softmax_scale() - expected->softmax_scale()) < 1e-7);
  QVERIFY(largest_difference(read->inverse_frequencies(), expected->inverse_frequencies()) < 1e-7f);
  QCOMPARE(read->indexer.n_heads, expected->indexer.n_heads);
  QCOMPARE(read->indexer.head_dim, expected->indexer.head_dim);
  QCOMPARE(read->indexer.top_k, expected->indexer.top_k);
  QCOMPARE(read->indexer.interleaved, expected->indexer.interleaved);
  QCOMPARE(read->indexer.norm_epsilon, expected->indexer.norm_epsilon);
  QVERIFY(read->indexers == expected->indexers);
  QCOMPARE(read->n_dense_inner, expected->n_dense_inner);
  QVERIFY(read->is_moe == expected->is_moe);
  QCOMPARE(read->experts.n_experts, expected->experts.n_experts);
  QCOMPARE(read->experts.n_used, expected->experts.n_used);
  QCOMPARE(read->experts.n_shared, expected->experts.n_shared);
  QCOMPARE(read->experts.n_inner, expected->experts.n_inner);
  QCOMPARE(read->experts.n_groups, expected->experts.n_groups);
  QCOMPARE(read->experts.n_groups_kept, expected->experts.n_groups_kept);
  QVERIFY(read->experts.router == expected->experts.router);
  QCOMPARE(read->experts.has_bias, expected->experts.has_bias);
  QCOMPARE(read->experts.normalise, expected->experts.normalise);
  QVERIFY(std::abs(read->experts.scale - expected->experts.scale) < 1e-6f);
  QCOMPARE(read->tied_head, expected->tied_head);
  QCOMPARE(read->context_length, expected->context_length);
  QVERIFY(read->end_ids == expected->end_ids);
}

void GgufTest::both_loaders_give_the_same_logits_data() {
  QTest::addColumn<QString>("model");
  QTest::addColumn<QString>("file");
  QTest::newRow("V3.2 in three parts, kv_b split") << "deepseek_v32" << "deepseek_v32-00001-of-00003.gguf";
  QTest::newRow("V2, kv_b in one, gate and up in one") << "deepseek_v2" << "deepseek_v2.gguf";
  QTest::newRow("GLM-5, shared indexers") << "glm_moe_dsa" << "glm_moe_dsa.gguf";
  QTest::newRow("V3 in F16") << "deepseek_v3" << "deepseek_v3_f16.gguf";
  QTest::newRow("V3.2 in BF16") << "deepseek_v32_yarn_groups" << "deepseek_v32_bf16.gguf";
}

void GgufTest::both_loaders_give_the_same_logits() {
  QFETCH(QString, model);
  QFETCH(QString, file);
  const auto checkpoint = engine::make_checkpoint(open(file.toStdString()));
  TinyModel from_gguf(model.toStdString(), "reference", *checkpoint);
  TinyModel from_safetensors(model.toStdString(), "reference");
  const auto prompt = from_gguf.integers("prompt");
  engine::StepOptions options;
  options.top_k = from_gguf.config.indexer.top_k;
  const auto got = from_gguf.run(prompt, 0, 128, options);
  const float difference = largest_difference(got, from_safetensors.run(prompt, 0, 128, options));
  QVERIFY2(difference < 1e-5f, qPrintable(QString::number(double(difference))));
  QVERIFY(largest_difference(got, from_gguf.floats("logits")) < 1e-3f);
}

void GgufTest::quantised_weights_give_nearly_the_same_logits() {
  const auto checkpoint = engine::make_checkpoint(open("deepseek_v3_q8_0.gguf"));
  TinyModel model("deepseek_v3", "reference", *checkpoint);
  const auto prompt = model.integers("prompt");
  const auto got = model.run(prompt, 0, 128);
  const auto expected = model.floats("logits");
  // A random router may choose other experts for a token: most rows are near, none needs to be equal.
  std::size_t n_near = 0;
  const auto n_vocab = static_cast<std::size_t>(model.config.n_vocab);
  for (std::size_t row = 0; row < prompt.size(); ++row) {
    const auto ours = std::span(got).subspan(row * n_vocab, n_vocab);
    n_near += largest_difference(ours, std::span(expected).subspan(row * n_vocab, n_vocab)) < 0.25f;
  }
  QVERIFY2(n_near > prompt.size() * 3 / 4, qPrintable(QString::number(n_near)));
}

void GgufTest::k_quantised_weights_give_the_logits_of_their_values() {
  const auto file = open("k_quants.gguf");
  std::set<GgufType> types;
  for (const auto& [name, tensor] : file->tensors()) types.insert(tensor.type);
  QCOMPARE(types, (std::set{GgufType::kF32, GgufType::kQ8_0, GgufType::kQ4_K, GgufType::kQ5_K, GgufType::kQ6_K}));
  TinyModel model("k_quants", "reference", *engine::make_checkpoint(file));
  const auto prompt = model.integers("prompt");
  QVERIFY(largest_difference(model.run(prompt, 0, 128), model.floats("logits")) < 1e-3f);
}

void GgufTest::indexer_kinds_may_be_words_or_numbers_data() {
  QTest::addColumn<QByteArray>("entry");  // replaces the recorded list of true, false, true, false
  const auto list = [](const char* type, const QByteArray& items) {
    return QByteArray::fromHex("09000000") + QByteArray::fromHex(type) + QByteArray::fromHex("0400000000000000") + items;
  };
  QTest::newRow("bytes") << list("00000000", QByteArray::fromHex("01000100"));
  QTest::newRow("numbers") << list("05000000", QByteArray::fromHex("01000000000000000100000000000000"));
  QTest::newRow("words") << list("08000000", QByteArray::fromHex("040000000000000066756c6c0600000000000000736861726564"
                                                                   "040000000000000066756c6c0600000000000000736861726564"));
}

void GgufTest::indexer_kinds_may_be_words_or_numbers() {
  QFETCH(QByteArray, entry);
  QTemporaryDir folder;
  const auto config = glm_config_with(folder, entry, 0);
  QVERIFY2(config, config ? "" : config.error().message.c_str());
  using enum engine::IndexerKind;
  QVERIFY((config->indexers == std::vector{kFull, kShared, kFull, kShared}));
}

void GgufTest::draft_layers_are_not_executed() {
  QTemporaryDir folder;
  const QByteArray key = "glm-dsa.nextn_predict_layers";
  const QByteArray entry = kRecordedKinds + QByteArray(1, static_cast<char>(key.size())) + QByteArray(7, '\0') + key + QByteArray::fromHex("0400000001000000");
  const auto config = glm_config_with(folder, entry, 1);
  QVERIFY2(config, config ? "" : config.error().message.c_str());
  QCOMPARE(config->n_layers, 3);
  QCOMPARE(config->indexers.size(), std::size_t{3});
}

void GgufTest::a_file_that_is_cut_while_it_is_loaded_is_an_error() {
  QTemporaryDir folder;
  const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "model.gguf";
  std::filesystem::copy_file(recorded("deepseek_v2.gguf"), path);
  auto opened = GgufFile::open(path);
  QVERIFY(opened);
  const auto checkpoint = engine::make_checkpoint(std::make_shared<const GgufFile>(std::move(opened).value()));
  auto config = engine::load_config(TinyModel::folder("deepseek_v2"));
  const auto backend = make_backend("cpu");
  const auto cut = [&](double fraction, const std::string&) {
    if (fraction > 0.3) std::filesystem::resize_file(path, 20'000);
  };
  const auto weights = engine::load_weights(*checkpoint, *config, *backend, cut);
  QVERIFY(!weights);
  QVERIFY(weights.error().code == engine::ErrorCode::kIo);
  QVERIFY2(weights.error().message.find("cut short") != std::string::npos, weights.error().message.c_str());
  QVERIFY(!checkpoint->fingerprint().empty());
}

void GgufTest::the_tokenizer_in_the_metadata_gives_the_recorded_ids() {
  const auto from_gguf = engine::load_tokenizer(*open("tokenizer.gguf"));
  QVERIFY2(from_gguf, from_gguf ? "" : from_gguf.error().message.c_str());
  const auto folder = std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden/tokenizer";
  const auto from_json = engine::Tokenizer::load(folder / "deepseek");
  QVERIFY(from_json);
  std::ifstream in(folder / "texts.bin", std::ios::binary);
  const std::string texts{std::istreambuf_iterator<char>(in), {}};
  QVERIFY((*from_gguf)->encode(texts) == (*from_json)->encode(texts));
  QVERIFY((*from_gguf)->control("<｜User｜>") == (*from_json)->control("<｜User｜>"));
  QVERIFY(!(*from_gguf)->control("[PAD0]"));
  QCOMPARE((*from_gguf)->vocabulary_size(), (*from_json)->vocabulary_size());
}

void GgufTest::a_part_that_is_not_the_first_is_refused() {
  const auto file = GgufFile::open(recorded("deepseek_v32-00002-of-00003.gguf"));
  QVERIFY(!file);
  QVERIFY(file.error().message.find("part 2 of 3") != std::string::npos);
}

void GgufTest::a_missing_part_is_named() {
  QTemporaryDir folder;
  const std::filesystem::path root = folder.path().toStdString();
  std::filesystem::copy(recorded("deepseek_v32-00001-of-00003.gguf"), root);
  const auto cut = GgufFile::open(root / "deepseek_v32-00001-of-00003.gguf");
  QVERIFY(!cut);
  QVERIFY(cut.error().code == engine::ErrorCode::kNotFound);
  QVERIFY(cut.error().message.find("deepseek_v32-00002-of-00003.gguf") != std::string::npos);
  std::filesystem::rename(root / "deepseek_v32-00001-of-00003.gguf", root / "model.gguf");
  const auto renamed = GgufFile::open(root / "model.gguf");
  QVERIFY(!renamed);
  QVERIFY(renamed.error().message.find("-00001-of-") != std::string::npos);
}

QTEST_GUILESS_MAIN(GgufTest)
#include "gguf_test.moc"
