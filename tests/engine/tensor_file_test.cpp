#include <QtTest>
#include <QTemporaryDir>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/model/checkpoint.h"
#include "engine/model/tensor_file.h"

namespace {

std::string safetensors(const std::string& header, const std::string& data) {
  const std::uint64_t n = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &n, sizeof n);
  return bytes + header + data;
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

const std::string kSmall = R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";
const std::string kEight = std::string("\0\0\x80\x3f\0\0\0\x40", 8);  // 1, 2

}  // namespace

class TensorFileTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;
  std::filesystem::path root() const { return folder_.path().toStdString(); }
  std::filesystem::path fresh() {
    const auto path = root() / std::to_string(++n_folders_);
    std::filesystem::create_directory(path);
    return path;
  }
  int n_folders_ = 0;

 private slots:
  void a_tensor_is_found_with_its_shape_and_bytes() {
    const auto path = fresh();
    write(path / "model.safetensors", safetensors(kSmall, kEight));
    const auto file = engine::TensorFile::open(path);
    QVERIFY(file);
    const engine::StoredTensor* tensor = file->find("a");
    QVERIFY(tensor != nullptr);
    QCOMPARE(tensor->shape, (std::vector<std::int64_t>{2}));
    const auto bytes = file->read(*tensor);
    QVERIFY(bytes);
    QCOMPARE(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()), kEight);
    QVERIFY(file->find("b") == nullptr);
  }

  void shards_are_scanned_even_where_the_index_leaves_tensors_out() {
    const auto path = fresh();
    write(path / "model-00001-of-00002.safetensors", safetensors(kSmall, kEight));
    write(path / "model-00002-of-00002.safetensors",
          safetensors(R"({"b": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}, "c": {"dtype": "U8", "shape": [], "data_offsets": [8, 9]}})", kEight + "x"));
    write(path / "model.safetensors.index.json",
          R"({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})");
    const auto file = engine::TensorFile::open(path);
    QVERIFY2(file, file ? "" : file.error().message.c_str());
    QVERIFY(file->find("a") && file->find("b") && file->find("c"));
  }

  void values_at_odd_addresses_are_read_right() {
    const auto path = fresh();
    write(path / "model.safetensors", safetensors(kSmall + " ", kEight));
    const auto checkpoint = engine::open_safetensors(path);
    QVERIFY(checkpoint);
    const auto values = (*checkpoint)->vector("a", 2);
    QVERIFY(values);
    QCOMPARE(*values, (std::vector<float>{1.0f, 2.0f}));
  }

  void a_shape_that_the_configuration_does_not_ask_for_is_refused_by_name() {
    const auto path = fresh();
    write(path / "model.safetensors", safetensors(kSmall, kEight));
    const auto checkpoint = engine::open_safetensors(path);
    QVERIFY(checkpoint);
    const auto values = (*checkpoint)->vector("a", 3);
    QVERIFY(!values);
    QVERIFY(QString::fromStdString(values.error().message).contains("a has the shape [2]"));
    const auto missing = (*checkpoint)->matrix("z", 1, 1);
    QVERIFY(!missing);
    QVERIFY(QString::fromStdString(missing.error().message).contains("lack the tensor z"));
  }

  void damaged_files_are_refused_with_what_is_wrong_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("named");
    const auto row = [](const char* name, const std::string& bytes, const char* named) {
      QTest::newRow(name) << QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size())) << named;
    };
    row("an empty file", "", "too short");
    row("a few bytes", "abc", "too short");
    row("a header longer than the file", safetensors(kSmall, kEight).substr(0, 30), "cut short");
    row("a header length near 2^64", std::string(8, '\xff') + kSmall, "cut short");
    row("a cut data part", safetensors(kSmall, kEight.substr(0, 7)), "cut short");
    row("no JSON", safetensors("hello", ""), "model.safetensors");
    row("a list instead of a table", safetensors("[]", ""), "model.safetensors");
    row("an unknown format", safetensors(R"({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}})", "x"), "F4");
    row("a size that the shape does not ask for", safetensors(R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", kEight), "size");
    row("a shape whose product overflows", safetensors(R"({"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}})", ""), "size");
    row("a negative size", safetensors(R"({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}})", kEight), "shape");
    row("offsets in the wrong order", safetensors(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}})", kEight), "data_offsets");
    row("an offset near 2^63", safetensors(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [9223372036854775799, 9223372036854775807]}})", kEight), "cut short");
    row("three offsets", safetensors(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}})", kEight), "offsets");
    row("the same tensor twice", safetensors(R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})", "x"), "a");
  }
  void damaged_files_are_refused_with_what_is_wrong() {
    QFETCH(QByteArray, bytes);
    QFETCH(QString, named);
    const auto path = fresh();
    write(path / "model.safetensors", bytes.toStdString());
    const auto file = engine::TensorFile::open(path);
    QVERIFY(!file);
    QVERIFY2(QString::fromStdString(file.error().message).contains(named), file.error().message.c_str());
  }

  void no_change_of_a_header_lets_a_tensor_leave_the_file() {
    const auto folder = std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden/deepseek_v3";
    std::ifstream in(folder / "model.safetensors", std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::uint64_t n_header = 0;
    std::memcpy(&n_header, whole.data(), sizeof n_header);
    const auto path = fresh() / "model.safetensors";
    int n_refused = 0;
    int n_read = 0;
    std::int64_t touched = 0;  // reading what lies outside would end the test
    for (std::size_t at = 0; at < 8 + n_header; at += 41) {
      for (const char change : {'\x01', '\x10', '\x80'}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ change);
        write(path, bytes);
        const auto file = engine::TensorFile::open_single(path);
        if (!file) {
          ++n_refused;
          QVERIFY(!file.error().message.empty());
          continue;
        }
        ++n_read;
        for (const auto& [name, tensor] : file->tensors()) {
          std::size_t n = engine::size_of(tensor.type);
          for (const std::int64_t d : tensor.shape) n *= static_cast<std::size_t>(d);
          QCOMPARE(tensor.n_bytes, n);
          const auto data = file->read(tensor);
          QVERIFY(data);
          if (n > 0) touched += std::to_integer<int>(data->front()) + std::to_integer<int>(data->back());
        }
      }
    }
    QVERIFY(n_refused > 500);
    QVERIFY(n_read > 0 && touched > 0);
  }

  void a_file_that_is_cut_or_replaced_while_it_is_read_is_an_error() {
    const auto path = fresh() / "model.safetensors";
    const auto golden = std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden/deepseek_v3/model.safetensors";
    std::filesystem::copy_file(golden, path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    const auto checkpoint = engine::open_safetensors(path.parent_path());
    QVERIFY(checkpoint);
    QVERIFY((*checkpoint)->matrix("lm_head.weight", 256, 64));
    for (const std::uintmax_t n : {std::uintmax_t{100'000}, std::uintmax_t{0}}) {
      std::filesystem::resize_file(path, n);
      int n_errors = 0;
      for (const char* name : {"lm_head.weight", "model.embed_tokens.weight", "model.layers.2.mlp.gate.weight"}) {
        const auto matrix = (*checkpoint)->matrix(name, std::string_view(name).ends_with("gate.weight") ? 8 : 256, 64);
        if (matrix) continue;
        ++n_errors;
        QVERIFY(matrix.error().code == engine::ErrorCode::kIo);
        QVERIFY2(matrix.error().message.find("cut short") != std::string::npos, matrix.error().message.c_str());
      }
      QVERIFY(n_errors >= (n == 0 ? 3 : 1));
      QVERIFY(!(*checkpoint)->fingerprint().empty());
    }
  }

  void every_cut_of_a_file_is_refused() {
    const auto folder = std::filesystem::path(LONGLEAF_SOURCE_DIR) / "tests/golden/deepseek_v3";
    const auto path = fresh() / "model.safetensors";
    std::filesystem::copy_file(folder / "model.safetensors", path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    int n_cuts = 0;
    for (auto n = std::filesystem::file_size(path) - 1; n > 1000; n -= 977) {
      std::filesystem::resize_file(path, n);
      QVERIFY(!engine::TensorFile::open_single(path));
      ++n_cuts;
    }
    QVERIFY(n_cuts > 300);
  }

  void a_folder_without_weights_says_so() {
    const auto file = engine::TensorFile::open(fresh());
    QVERIFY(!file);
    QVERIFY(file.error().code == engine::ErrorCode::kNotFound);
  }

  void a_shard_that_the_index_names_must_be_there() {
    const auto path = fresh();
    write(path / "model.safetensors.index.json", R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})");
    const auto file = engine::TensorFile::open(path);
    QVERIFY(!file);
    QVERIFY(QString::fromStdString(file.error().message).contains("model-00001-of-00001.safetensors"));
  }

  void an_index_cannot_lead_outside_of_the_folder_data() {
    QTest::addColumn<QString>("name");
    for (const char* name : {"../model.safetensors", "/etc/passwd", "..", "sub/model.safetensors", ""}) {
      QTest::newRow(name) << name;
    }
  }
  void an_index_cannot_lead_outside_of_the_folder() {
    QFETCH(QString, name);
    const auto path = fresh();
    write(path / "model.safetensors", safetensors(kSmall, kEight));
    write(path / "model.safetensors.index.json", "{\"weight_map\": {\"a\": \"" + name.toStdString() + "\"}}");
    const auto file = engine::TensorFile::open(path);
    QVERIFY(!file);
    QVERIFY(QString::fromStdString(file.error().message).contains("without a path"));
  }

  void a_file_that_shrinks_while_it_is_used_is_noticed() {
    const auto path = fresh();
    write(path / "model.safetensors", safetensors(kSmall, kEight));
    const auto checkpoint = engine::open_safetensors(path);
    QVERIFY(checkpoint);
    std::filesystem::resize_file(path / "model.safetensors", 20);
    const auto values = (*checkpoint)->vector("a", 2);
    QVERIFY(!values);
    QVERIFY(QString::fromStdString(values.error().message).contains("cut short"));
  }
};

QTEST_GUILESS_MAIN(TensorFileTest)
#include "tensor_file_test.moc"
