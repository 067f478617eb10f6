#include <QTemporaryDir>
#include <QtTest>
#include <filesystem>

#include "tests/engine/tiny_model.h"

/// Inf and NaN in every tensor of a checkpoint, one after the other: found on loading, named, nothing is computed.
class DamagedNumbersTest : public QObject {
  Q_OBJECT

 private slots:
  void a_value_that_is_no_number_is_found_in_every_tensor_data() {
    QTest::addColumn<QString>("model");
    for (const char* name : {"deepseek_v32", "deepseek_v32_yarn_groups", "deepseek_v32_fp8", "deepseek_v3", "deepseek_v2"}) QTest::newRow(name) << name;
  }

  void a_value_that_is_no_number_is_found_in_every_tensor() {
    QFETCH(QString, model);
    QTemporaryDir folder;
    const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "model.safetensors";
    const std::filesystem::path golden = TinyModel::folder(model.toStdString());
    std::filesystem::copy_file(golden / "model.safetensors", path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    const auto backend = make_backend("cpu");
    const auto load = [&] {
      auto config = engine::load_config(golden);
      const auto checkpoint = engine::open_safetensors(path.parent_path());
      if (!config || !checkpoint) qFatal("the copy cannot be opened");
      return engine::load_weights(**checkpoint, *config, *backend);
    };
    QVERIFY(load());
    const auto file = engine::TensorFile::open_single(path);
    QVERIFY(file);
    QFile bytes(QString::fromStdString(path.string()));
    QVERIFY(bytes.open(QIODevice::ReadWrite | QIODevice::Unbuffered));
    std::uint64_t where = 0;
    for (const auto& [name, tensor] : file->tensors()) {
      const std::uint64_t size = engine::size_of(tensor.type);
      const std::uint64_t n_values = tensor.n_bytes / size;
      where += 7919;  // a different place in each
      const auto at = static_cast<qint64>(tensor.offset + where % n_values * size);
      const auto n = static_cast<qint64>(size);
      QVERIFY(bytes.seek(at));
      const QByteArray good = bytes.read(n);
      const QByteArray bad = not_a_number(tensor.type, where % 2 == 0);
      QVERIFY(bytes.seek(at) && bytes.write(bad) == n);
      const auto weights = load();
      QVERIFY2(!weights, name.c_str());
      QVERIFY(weights.error().code == engine::ErrorCode::kCorrupt);
      const std::string weight = name.substr(0, name.find("_scale_inv"));
      QVERIFY2(weights.error().message.find(weight) != std::string::npos, weights.error().message.c_str());
      QVERIFY(bytes.seek(at) && bytes.write(good) == n);
    }
    QVERIFY(load());
  }

 private:
  static QByteArray not_a_number(engine::StoredType type, bool is_infinite) {
    switch (type) {
      case engine::StoredType::kF32:
        return QByteArray::fromHex(is_infinite ? "000080ff" : "0000c07f");
      case engine::StoredType::kBF16:
        return QByteArray::fromHex(is_infinite ? "807f" : "c0ff");
      case engine::StoredType::kF16:
        return QByteArray::fromHex(is_infinite ? "00fc" : "007e");
      case engine::StoredType::kF8E4M3:
        return QByteArray::fromHex(is_infinite ? "ff" : "7f");  // it has no infinity
      default:
        return QByteArray::fromHex("ff");  // a scale's exponent
    }
  }
};

QTEST_GUILESS_MAIN(DamagedNumbersTest)
#include "damaged_numbers_test.moc"
