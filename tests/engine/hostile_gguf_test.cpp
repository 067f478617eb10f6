#include <QtTest>
#include <bit>
#include <cstring>

#include "engine/model/gguf_checkpoint.h"
#include "engine/model/gguf_file.h"
#include "engine/model/gguf_tokenizer.h"
#include "tests/engine/hostile_folder.h"

/// Bad GGUF files, each with the word that its refusal must name.
class HostileGgufTest : public QObject {
  Q_OBJECT

 private slots:
  void the_good_file_is_read();
  void every_cut_file_is_refused();
  void a_changed_byte_never_gives_a_tensor_outside_of_the_file();
  void every_wrong_file_is_refused_data();
  void every_wrong_file_is_refused();
  void every_type_that_is_not_supported_is_refused_by_name_data();
  void every_type_that_is_not_supported_is_refused_by_name();
  void every_wrong_number_in_the_metadata_is_refused_by_its_key_data();
  void every_wrong_number_in_the_metadata_is_refused_by_its_key();
  void every_wrong_tokenizer_is_refused_data();
  void every_wrong_tokenizer_is_refused();
  void bad_files_take_no_memory();
};

namespace {

std::string u32(std::uint32_t number) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &number, 4);
  return bytes;
}

std::string u64(std::uint64_t number) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &number, 8);
  return bytes;
}

std::string text(const std::string& content) { return u64(content.size()) + content; }

constexpr std::uint64_t kHuge[] = {std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 61, std::uint64_t{1} << 63, ~std::uint64_t{0}};

/// The pieces of a small file; each test changes one.
struct Pieces {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t n_tensors = 2;
  std::uint64_t n_values = 3;
  std::string values = text("general.architecture") + u32(8) + text("deepseek2") + text("general.alignment") + u32(4) + u32(32) +
                       text("list") + u32(9) + u32(5) + u64(2) + u32(7) + u32(9);
  std::string first = text("a.weight") + u32(2) + u64(32) + u64(2) + u32(8) + u64(0);      // Q8_0, 68 bytes
  std::string second = text("b.weight") + u32(1) + u64(4) + u32(0) + u64(96);              // F32, 16 bytes
  std::string data = std::string(96 + 16, '\x01');

  std::string file() const {
    std::string bytes = magic + u32(version) + u64(n_tensors) + u64(n_values) + values + first + second;
    bytes.resize((bytes.size() + 31) / 32 * 32);
    return bytes + data;
  }
};

engine::Result<engine::GgufFile> open(const std::string& bytes) {
  const HostileFolder folder;
  return engine::GgufFile::open(folder.write("model.gguf", bytes));
}

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden/gguf" / name;
}

}  // namespace

void HostileGgufTest::the_good_file_is_read() {
  const auto file = open(Pieces().file());
  QVERIFY2(file, file ? "" : file.error().message.c_str());
  QCOMPARE(file->find("a.weight")->shape, (std::vector<std::int64_t>{2, 32}));
  QCOMPARE(file->find("a.weight")->n_bytes, std::uint64_t{68});
  QVERIFY(*file->integers("list") == (std::vector<std::int64_t>{7, 9}));
}

void HostileGgufTest::every_cut_file_is_refused() {
  const std::string good = Pieces().file();
  for (std::size_t size = 0; size < good.size(); ++size) QVERIFY2(refused(open(good.substr(0, size)), "model.gguf"), qPrintable(QString::number(size)));
}

void HostileGgufTest::a_changed_byte_never_gives_a_tensor_outside_of_the_file() {
  const std::string good = Pieces().file();
  for (std::size_t at = 0; at < good.size() - 112; ++at) {
    for (const char byte : {'\0', '\x01', '\x09', '\x7f', '\xff'}) {
      std::string bytes = good;
      bytes[at] = byte;
      const auto file = open(bytes);
      if (!file) continue;
      for (const auto& [name, tensor] : file->tensors()) {
        std::uint64_t n = 1;
        for (const std::int64_t size : tensor.shape) n *= static_cast<std::uint64_t>(size);
        QVERIFY(engine::gguf_bytes(tensor.type, n) == tensor.n_bytes);
        QVERIFY(tensor.n_bytes <= 112);
      }
    }
  }
}

void HostileGgufTest::every_wrong_file_is_refused_data() {
  QTest::addColumn<QByteArray>("file");
  QTest::addColumn<QByteArray>("names");
  const auto row = [](const std::string& name, const Pieces& pieces, const char* names) {
    const std::string file = pieces.file();
    QTest::newRow(name.c_str()) << QByteArray(file.data(), static_cast<qsizetype>(file.size())) << QByteArray(names);
  };
  for (const char* magic : {"gguf", "GGML", "FUGG", "GGUG", "PK\x03\x04"}) row(std::string("magic ") + magic, {.magic = magic}, "not a GGUF file");
  for (const std::uint32_t version : {0u, 1u, 2u, 4u, 0x03000000u, ~0u}) row("version " + std::to_string(version), {.version = version}, "version 3");
  for (const std::uint64_t n : kHuge) {
    row("tensors " + std::to_string(n), {.n_tensors = n}, "number of tensors");
    row("values " + std::to_string(n), {.n_values = n}, "number of metadata entries");
    row("list of " + std::to_string(n), {.n_values = 1, .values = text("list") + u32(9) + u32(5) + u64(n) + std::string(64, '\0')}, "list");
    row("strings of " + std::to_string(n), {.n_values = 1, .values = text("list") + u32(9) + u32(8) + u64(n) + std::string(64, '\0')}, "list");
    row("key of " + std::to_string(n), {.n_values = 1, .values = u64(n) + "list" + u32(4) + u32(1)}, "key");
    row("text of " + std::to_string(n), {.n_values = 1, .values = text("name") + u32(8) + u64(n) + "x"}, "name");
    row("name of " + std::to_string(n), {.first = u64(n) + "a.weight" + u32(1) + u64(4) + u32(0) + u64(0)}, "name");
    row("columns " + std::to_string(n), {.second = text("b.weight") + u32(1) + u64(n) + u32(0) + u64(96)}, "b.weight");
    row("rows " + std::to_string(n), {.second = text("b.weight") + u32(2) + u64(4) + u64(n) + u32(0) + u64(96)}, "b.weight");
    row("offset " + std::to_string(n), {.second = text("b.weight") + u32(1) + u64(4) + u32(0) + u64(n / 32 * 32)}, "b.weight");
  }
  row("product wraps", {.second = text("b.weight") + u32(4) + u64(1u << 16) + u64(1u << 16) + u64(1u << 16) + u64(1u << 16) + u32(0) + u64(96)}, "b.weight");
  row("bytes wrap", {.second = text("b.weight") + u32(2) + u64(std::uint64_t{1} << 31) + u64(std::uint64_t{1} << 31) + u32(0) + u64(96)}, "b.weight");
  for (const std::uint32_t n : {0u, 5u, 8u, 0x7fffffffu, ~0u}) row("dimensions " + std::to_string(n), {.second = text("b.weight") + u32(n) + u64(4) + u32(0) + u64(96)}, "b.weight");
  row("no columns", {.second = text("b.weight") + u32(1) + u64(0) + u32(0) + u64(96)}, "b.weight");
  row("no rows", {.second = text("b.weight") + u32(2) + u64(4) + u64(0) + u32(0) + u64(96)}, "b.weight");
  row("half a block", {.first = text("a.weight") + u32(2) + u64(48) + u64(2) + u32(8) + u64(0)}, "no whole blocks");
  row("rows of half a block", {.first = text("a.weight") + u32(2) + u64(16) + u64(4) + u32(8) + u64(0)}, "no whole blocks");
  for (const std::uint64_t offset : {1, 16, 31, 97}) row("offset " + std::to_string(offset), {.second = text("b.weight") + u32(1) + u64(4) + u32(0) + u64(offset)}, "not aligned");
  for (const std::uint64_t offset : {0, 32, 64}) row("overlap at " + std::to_string(offset), {.second = text("b.weight") + u32(1) + u64(4) + u32(0) + u64(offset)}, "overlaps");
  for (const std::uint64_t offset : {128, 1024}) row("beyond at " + std::to_string(offset), {.second = text("b.weight") + u32(1) + u64(4) + u32(0) + u64(offset)}, "cut short");
  row("the same tensor twice", {.second = text("a.weight") + u32(1) + u64(4) + u32(0) + u64(96)}, "a.weight stands there twice");
  row("a tensor without a name", {.second = text("") + u32(1) + u64(4) + u32(0) + u64(96)}, "proper name");
  row("a name that is no text", {.second = text("b\xff") + u32(1) + u64(4) + u32(0) + u64(96)}, "proper name");
  row("a name with a line end", {.second = text("b\n") + u32(1) + u64(4) + u32(0) + u64(96)}, "proper name");
  for (const std::uint32_t alignment : {0u, 3u, 33u, 131072u, 0x80000000u, ~0u}) {
    row("alignment " + std::to_string(alignment), {.n_values = 1, .values = text("general.alignment") + u32(4) + u32(alignment)}, "general.alignment");
  }
  row("alignment is a text", {.n_values = 1, .values = text("general.alignment") + u32(8) + text("32")}, "general.alignment");
  row("alignment of 64 bits", {.n_values = 1, .values = text("general.alignment") + u32(10) + u64(32)}, "general.alignment");
  row("alignment is a list", {.n_values = 1, .values = text("general.alignment") + u32(9) + u32(4) + u64(1) + u32(32)}, "general.alignment");
  row("the same key twice", {.n_values = 2, .values = text("k") + u32(4) + u32(1) + text("k") + u32(4) + u32(1)}, "k stands there twice");
  row("an empty key", {.n_values = 1, .values = text("") + u32(4) + u32(1)}, "proper key");
  row("a key that is no text", {.n_values = 1, .values = text("\xc3\x28") + u32(4) + u32(1)}, "proper key");
  for (const std::uint32_t type : {13u, 99u, ~0u}) {
    row("value type " + std::to_string(type), {.n_values = 1, .values = text("k") + u32(type) + u64(1)}, "k has the type");
    row("list type " + std::to_string(type), {.n_values = 1, .values = text("k") + u32(9) + u32(type) + u64(1) + u64(1)}, "k is a list of type");
  }
  row("a list of lists", {.n_values = 1, .values = text("k") + u32(9) + u32(9) + u64(1) + u32(4) + u64(0)}, "k is a list of type");
  row("neither true nor false", {.n_values = 1, .values = text("k") + u32(7) + "\x02"}, "k is neither");
  row("too many parts", {.n_values = 1, .values = text("split.count") + u32(4) + u32(20000)}, "split.count");
  row("parts are a text", {.n_values = 1, .values = text("split.count") + u32(8) + text("3")}, "split.count");
  row("parts, but not called so", {.n_values = 1, .values = text("split.count") + u32(4) + u32(2)}, "-00001-of-");
  row("not the first part", {.n_values = 2, .values = text("split.count") + u32(4) + u32(2) + text("split.no") + u32(4) + u32(1)}, "part 2 of 2");
}

void HostileGgufTest::every_wrong_file_is_refused() {
  QFETCH(QByteArray, file);
  QFETCH(QByteArray, names);
  QVERIFY(refused(open(file.toStdString()), names.toStdString()));
}

void HostileGgufTest::every_type_that_is_not_supported_is_refused_by_name_data() {
  QTest::addColumn<quint32>("type");
  QTest::addColumn<QByteArray>("name");
  struct Type {
    std::uint32_t number;
    const char* name;
  };
  for (const Type type : {Type{3, "Q4_1"}, {7, "Q5_1"}, {10, "Q2_K"}, {11, "Q3_K"}, {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"},
                          {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"}, {23, "IQ4_XS"}, {24, "I8"}, {25, "I16"}, {26, "I32"}, {27, "I64"}, {28, "F64"},
                          {29, "IQ1_M"}, {34, "TQ1_0"}, {35, "TQ2_0"}, {39, "MXFP4"}, {40, "NVFP4"}, {4, "type 4"}, {99, "type 99"}, {~0u, "type 4294967295"}}) {
    QTest::newRow(type.name) << quint32{type.number} << QByteArray(type.name);
  }
}

void HostileGgufTest::every_type_that_is_not_supported_is_refused_by_name() {
  QFETCH(quint32, type);
  QFETCH(QByteArray, name);
  Pieces pieces;
  pieces.second = text("b.weight") + u32(1) + u64(4) + u32(type) + u64(96);
  const auto file = open(pieces.file());
  QVERIFY(refused(file, "b.weight is stored as " + name.toStdString()));
  QVERIFY(file.error().code == engine::ErrorCode::kUnsupported);
}

void HostileGgufTest::every_wrong_number_in_the_metadata_is_refused_by_its_key_data() {
  QTest::addColumn<QByteArray>("key");
  QTest::addColumn<quint32>("value");
  for (const char* key : {"glm-dsa.block_count", "glm-dsa.embedding_length", "glm-dsa.attention.head_count", "glm-dsa.attention.kv_lora_rank",
                          "glm-dsa.attention.key_length_mla", "glm-dsa.attention.value_length_mla", "glm-dsa.rope.dimension_count",
                          "glm-dsa.expert_used_count", "glm-dsa.expert_feed_forward_length", "glm-dsa.feed_forward_length",
                          "glm-dsa.context_length", "glm-dsa.attention.indexer.head_count", "glm-dsa.attention.indexer.key_length",
                          "glm-dsa.attention.indexer.top_k"}) {
    for (const std::uint32_t value : {0u, 0x7fffffffu, ~0u}) QTest::addRow("%s: %u", key, value) << QByteArray(key) << quint32{value};
  }
  for (const char* key : {"glm-dsa.attention.q_lora_rank", "glm-dsa.expert_count", "glm-dsa.expert_shared_count", "glm-dsa.leading_dense_block_count",
                          "tokenizer.ggml.eos_token_id"}) {
    for (const std::uint32_t value : {0x7fffffffu, ~0u}) QTest::addRow("%s: %u", key, value) << QByteArray(key) << quint32{value};
  }
  for (const char* key : {"glm-dsa.rope.freq_base", "glm-dsa.expert_weights_scale"}) {
    for (const float value : {-1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      QTest::addRow("%s: %f", key, static_cast<double>(value)) << QByteArray(key) << std::bit_cast<quint32>(value);
    }
  }
}

void HostileGgufTest::every_wrong_number_in_the_metadata_is_refused_by_its_key() {
  QFETCH(QByteArray, key);
  QFETCH(quint32, value);
  static const std::string good = HostileFolder::read(golden("glm_moe_dsa.gguf"));
  std::string bytes = good;
  const auto at = bytes.find(text(key.toStdString()));
  QVERIFY(at != std::string::npos);
  bytes.replace(at + 8 + static_cast<std::size_t>(key.size()) + 4, 4, u32(value));
  const auto file = open(bytes);
  QVERIFY2(file, file ? "" : file.error().message.c_str());
  QVERIFY(refused(engine::read_config(*file), key.toStdString()));
}

void HostileGgufTest::every_wrong_tokenizer_is_refused_data() {
  QTest::addColumn<QByteArray>("old");
  QTest::addColumn<QByteArray>("with");
  QTest::addColumn<QByteArray>("names");
  const auto row = [](const char* name, const std::string& old, const std::string& with, const char* names) {
    QTest::newRow(name) << QByteArray(old.data(), static_cast<qsizetype>(old.size())) << QByteArray(with.data(), static_cast<qsizetype>(with.size())) << QByteArray(names);
  };
  row("another model", text("gpt2"), text("bert"), "bert");
  row("SentencePiece", text("gpt2"), text("llama"), "llama");
  row("another pre-tokenizer", text("deepseek-v3"), text("deepseek-v4"), "deepseek-v4");
  row("a pattern as its name", text("deepseek-v3"), text("(a+)+$"), "(a+)+$");
  row("no tokens", "tokenizer.ggml.tokens", "tokenizer.ggml.tokenz", "tokenizer.ggml.tokens is missing");
  row("no merges", "tokenizer.ggml.merges", "tokenizer.ggml.mergez", "tokenizer.ggml.merges is missing");
  row("no types", "tokenizer.ggml.token_type", "tokenizer.ggml.token_typf", "tokenizer.ggml.token_type is missing");
  row("a token twice", text("\""), text("!"), "twice");
  row("no token for a byte", text("!"), text("\""), "twice");
  row("an exclamation mark lost", text("!"), text("\xC5\x84"), "byte 33");  // U+0144 stands for no byte
  row("an empty token", text("!"), text(""), "byte 33");
}

void HostileGgufTest::every_wrong_tokenizer_is_refused() {
  QFETCH(QByteArray, old);
  QFETCH(QByteArray, with);
  QFETCH(QByteArray, names);
  const std::string good = HostileFolder::read(golden("tokenizer.gguf"));
  const auto file = open(replaced(good, old.toStdString(), with.toStdString()));
  QVERIFY2(file, file ? "" : file.error().message.c_str());
  QVERIFY(refused(engine::load_tokenizer(*file), names.toStdString()));
}

void HostileGgufTest::bad_files_take_no_memory() {
  QVERIFY2(peak_memory() < std::int64_t{600} << 20, qPrintable(QString::number(peak_memory())));
}

QTEST_GUILESS_MAIN(HostileGgufTest)
#include "hostile_gguf_test.moc"
