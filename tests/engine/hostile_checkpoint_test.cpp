#include <QtTest>
#include <cstring>

#include "engine/model/config.h"
#include "engine/model/tensor_file.h"
#include "tests/engine/hostile_folder.h"

/// Bad safetensors files, index files and configurations, each with the word that its refusal must name.
class HostileCheckpointTest : public QObject {
  Q_OBJECT

 private slots:
  void the_good_files_are_read();
  void every_cut_safetensors_file_is_refused();
  void every_wrong_header_length_is_refused_data();
  void every_wrong_header_length_is_refused();
  void every_wrong_tensor_entry_is_refused_data();
  void every_wrong_tensor_entry_is_refused();
  void a_changed_byte_never_gives_a_tensor_outside_of_the_file();
  void every_wrong_index_is_refused_data();
  void every_wrong_index_is_refused();
  void every_wrong_number_in_a_configuration_is_refused_by_its_key_data();
  void every_wrong_number_in_a_configuration_is_refused_by_its_key();
  void every_cut_configuration_is_refused();
  void bad_files_take_no_memory();
};

namespace {

const std::string kHeader =
    R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}})";
const std::string kData(14, '\x3f');

std::string little_endian(std::uint64_t number) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &number, 8);
  return bytes;
}

std::string safetensors(const std::string& header, const std::string& data) {
  return little_endian(header.size()) + header + data;
}

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden" / name;
}

engine::Result<engine::TensorFile> open(const std::string& bytes) {
  const HostileFolder folder;
  folder.write("model.safetensors", bytes);
  return engine::TensorFile::open(folder.path());
}

engine::Result<engine::ModelConfig> load(const std::string& json) {
  const HostileFolder folder;
  folder.write("config.json", json);
  return engine::load_config(folder.path());
}

}  // namespace

void HostileCheckpointTest::the_good_files_are_read() {
  QVERIFY(open(safetensors(kHeader, kData)));
  QVERIFY(load(HostileFolder::read(golden("deepseek_v32/config.json"))));
}

void HostileCheckpointTest::every_cut_safetensors_file_is_refused() {
  const std::string good = safetensors(kHeader, kData);
  for (std::size_t size = 0; size < good.size(); ++size) QVERIFY2(refused(open(good.substr(0, size)), "model.safetensors"), qPrintable(QString::number(size)));
  QVERIFY(refused(open(good + "x"), "belong to no tensor"));
}

void HostileCheckpointTest::every_wrong_header_length_is_refused_data() {
  QTest::addColumn<quint64>("length");
  const std::uint64_t good = kHeader.size();
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, good - 1, good + 1, good + kData.size() + 1, std::uint64_t{100'000'001},
                                     std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{7}}) {
    QTest::addRow("%llu", static_cast<unsigned long long>(length)) << quint64{length};
  }
}

void HostileCheckpointTest::every_wrong_header_length_is_refused() {
  QFETCH(quint64, length);
  QVERIFY(refused(open(little_endian(length) + kHeader + kData), "model.safetensors"));
}

void HostileCheckpointTest::every_wrong_tensor_entry_is_refused_data() {
  QTest::addColumn<QByteArray>("old");
  QTest::addColumn<QByteArray>("with");
  QTest::addColumn<QByteArray>("names");
  const auto rows = [](const char* old, const char* names, std::initializer_list<const char*> changes) {
    for (const char* with : changes) QTest::addRow("%s -> %s", old, with) << QByteArray(old) << QByteArray(with) << QByteArray(names);
  };
  rows(R"("dtype":"F32")", "dtype", {R"("dtype":null)", R"("dtype":5)", R"("dtype":[])", R"("dtype":{})", R"("dtype":true)", R"("d":"F32")"});
  rows(R"("dtype":"F32")", "a is stored as", {R"("dtype":"F64")", R"("dtype":"F33")", R"("dtype":"f32")", R"("dtype":"")", R"("dtype":"F32 ")",
                                              R"("dtype":"BOOL")", R"("dtype":"C64")", R"("dtype":"F4")", R"("dtype":"F8_E5M2")", R"("dtype":"U64")"});
  rows(R"("dtype":"F32")", "a ", {R"("dtype":"F16")", R"("dtype":"I64")", R"("dtype":"U8")"});
  rows("[2,1]", "shape", {"null", "5", "\"2\"", "{}", "true", "[-2,1]", "[2.0,1]", "[\"2\",1]", "[null]", "[[2],1]", "[2,-1]", "[18446744073709551616]"});
  rows("[2,1]", "a ", {"[3,1]", "[2,2]", "[]", "[0]", "[2,0]", "[4294967296,4294967296]", "[9223372036854775807,2]", "[2305843009213693952]",
                       "[4611686018427387904,4,1]", "[1,1,1,1,1,1,1,1,2]", "[9223372036854775807]", "[2147483648,2147483648,4]"});
  rows("[0,8]", "data_offsets", {"null", "8", "\"0,8\"", "{}", "[-8,0]", "[0,-8]", "[8,0]", "[0.0,8]", "[0,8.5]", "[\"0\",\"8\"]", "[null,8]", "[0,18446744073709551615]", "[0,1e3]"});
  rows("[0,8]", "a ", {"[]", "[0]", "[0,8,16]", "[0,7]", "[0,9]", "[1,9]", "[6,14]", "[7,15]", "[8,16]", "[14,22]", "[4294967296,4294967304]",
                       "[9223372036854775799,9223372036854775807]", "[0,9223372036854775807]"});
  rows("[8,14]", "b ", {"[8,13]", "[9,15]", "[7,13]", "[14,20]", "[2,8]"});
  rows("[8,14]", "overlaps another tensor", {"[0,6]"});
  rows("[2,1]", "not valid JSON", {"[1e400]", "[NaN]", "[02,1]", "[+2,1]", "[0x2,1]"});
  rows(R"("b":)", "\"a\" twice", {R"("a":)", R"("\u0061":)"});
  rows(R"({"a":)", "model.safetensors", {R"(["a":)", R"("a":)", R"({a:)", R"({"a")", R"({"a":{"a":)", R"(// {"a":)", R"({'a':)", "{\"a\x80\":", R"({"\ud800":)"});
}

void HostileCheckpointTest::every_wrong_tensor_entry_is_refused() {
  QFETCH(QByteArray, old);
  QFETCH(QByteArray, with);
  QFETCH(QByteArray, names);
  QVERIFY(refused(open(safetensors(replaced(kHeader, old.toStdString(), with.toStdString()), kData)), names.toStdString()));
}

void HostileCheckpointTest::a_changed_byte_never_gives_a_tensor_outside_of_the_file() {
  const std::string good = safetensors(kHeader, kData);
  for (std::size_t at = 0; at < 8 + kHeader.size(); ++at) {
    for (const char byte : {'\0', '9', '"', '}', '\xff'}) {
      std::string bytes = good;
      bytes[at] = byte;
      const auto file = open(bytes);
      if (!file) continue;
      std::size_t n_bytes = 0;
      for (const auto& [name, tensor] : file->tensors()) n_bytes += tensor.n_bytes;
      QCOMPARE(n_bytes, kData.size());
    }
  }
}

void HostileCheckpointTest::every_wrong_index_is_refused_data() {
  QTest::addColumn<QByteArray>("index");
  QTest::addColumn<QByteArray>("names");
  const auto shard = [](const char* name) { return QByteArray("{\"weight_map\":{\"a\":\"") + name + "\"}}"; };
  for (const char* name : {"../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".", "", "./model.safetensors",
                           "../../../../../../etc/shadow", "model.safetensors/", "sub/../model.safetensors", "//x"}) {
    QTest::addRow("path %s", name) << shard(name) << QByteArray("without a path");
  }
  for (const char* name : {"missing.safetensors", "model.safetensor", "MODEL.SAFETENSORS", "model.safetensors\\u0000", "config.json", "~", "C:model.safetensors"}) {
    QTest::addRow("name %s", name) << shard(name) << QByteArray("is missing");
  }
  for (const char* map : {"null", "5", "[]", "\"model.safetensors\"", "true"}) {
    QTest::addRow("map %s", map) << QByteArray("{\"weight_map\":") + map + "}" << QByteArray("weight_map");
  }
  for (const char* value : {"5", "[]", "{}", "true", "1.5"}) {
    QTest::addRow("value %s", value) << QByteArray("{\"weight_map\":{\"a\":") + value + "}}" << QByteArray("weight_map.a");
  }
  for (const char* text : {"", "{", "[]", "null", "{}", "{\"weight_map\":{\"a\":\"x\",\"a\":\"x\"}}", "{\"weight_map\":{\"a\":\"\xff\"}}"}) {
    QTest::addRow("text %s", text) << QByteArray(text) << QByteArray("model.safetensors.index.json");
  }
}

void HostileCheckpointTest::every_wrong_index_is_refused() {
  QFETCH(QByteArray, index);
  QFETCH(QByteArray, names);
  const HostileFolder folder;
  folder.write("model.safetensors", safetensors(kHeader, kData));
  folder.write("config.json", "{}");
  folder.write("model.safetensors.index.json", index.toStdString());
  QVERIFY(refused(engine::TensorFile::open(folder.path()), names.toStdString()));
}

void HostileCheckpointTest::every_wrong_number_in_a_configuration_is_refused_by_its_key_data() {
  QTest::addColumn<QByteArray>("key");
  QTest::addColumn<QByteArray>("value");
  const auto rows = [](const char* key, std::initializer_list<const char*> values) {
    for (const char* value : values) QTest::addRow("%s: %s", key, value) << QByteArray(key) << QByteArray(value);
  };
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "kv_lora_rank", "qk_nope_head_dim",
                          "qk_rope_head_dim", "v_head_dim", "intermediate_size", "moe_intermediate_size", "max_position_embeddings",
                          "num_experts_per_tok", "index_n_heads", "index_head_dim", "index_topk"}) {
    rows(key, {"0", "-1", "9223372036854775807", "18446744073709551615", "1e3", "2.5", "\"8\"", "[]", "{}", "true"});
  }
  for (const char* key : {"q_lora_rank", "n_routed_experts", "n_shared_experts", "first_k_dense_replace", "eos_token_id"}) {
    rows(key, {"-1", "9223372036854775807", "1e3", "\"8\"", "{}", "true"});
  }
  for (const char* key : {"rms_norm_eps", "rope_theta", "routed_scaling_factor"}) rows(key, {"-1", "1e300", "\"1\"", "[]", "{}", "false"});
  for (const char* key : {"tie_word_embeddings", "norm_topk_prob", "attention_bias"}) rows(key, {"0", "1", "\"false\"", "[]"});
  for (const char* key : {"model_type", "hidden_act", "scoring_func", "topk_method"}) rows(key, {"5", "[]", "{}", "true"});
  rows("hidden_act", {"\"gelu\"", "\"\""});
  rows("scoring_func", {"\"tanh\""});
  rows("topk_method", {"\"random\""});
  rows("qk_rope_head_dim", {"7"});
  rows("rope_scaling", {"5", "[]", "\"yarn\"", "{\"type\":\"linear\"}", "{\"type\":5}", "{\"type\":\"yarn\"}", "{\"type\":\"yarn\",\"factor\":0}",
                        "{\"type\":\"yarn\",\"factor\":\"40\"}", "{\"type\":\"yarn\",\"factor\":40,\"beta_fast\":-1}"});
}

void HostileCheckpointTest::every_wrong_number_in_a_configuration_is_refused_by_its_key() {
  QFETCH(QByteArray, key);
  QFETCH(QByteArray, value);
  QJsonObject good = QJsonDocument::fromJson(QByteArray::fromStdString(HostileFolder::read(golden("deepseek_v32/config.json")))).object();
  QVERIFY(good.contains(QString::fromUtf8(key)));
  good.remove(QString::fromUtf8(key));
  const std::string rest = QJsonDocument(good).toJson(QJsonDocument::Compact).toStdString();
  QVERIFY(refused(load("{\"" + key.toStdString() + "\":" + value.toStdString() + "," + rest.substr(1)), key.toStdString()));
}

void HostileCheckpointTest::every_cut_configuration_is_refused() {
  const std::string good = HostileFolder::read(golden("deepseek_v32/config.json"));
  const std::size_t end = good.find_last_of('}');
  for (std::size_t size = 0; size <= end; size += 7) QVERIFY(refused(load(good.substr(0, size)), "config.json"));
}

void HostileCheckpointTest::bad_files_take_no_memory() {
  // All of the above in one process, sanitizers included: a count that is believed would need gigabytes.
  QVERIFY2(peak_memory() < std::int64_t{600} << 20, qPrintable(QString::number(peak_memory())));
}

QTEST_GUILESS_MAIN(HostileCheckpointTest)
#include "hostile_checkpoint_test.moc"
