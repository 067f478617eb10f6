#include <QtTest>
#include <QTemporaryDir>
#include <filesystem>
#include <fstream>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/local/local_engine.h"
#include "engine/local/prefix_saver.h"
#include "engine/local/prefix_store.h"
#include "tests/engine/tiny_model.h"

namespace {

const std::filesystem::path kSource = LONGLEAF_SOURCE_DIR;

class Quiet final : public engine::GenerationObserver {
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

engine::GenerationRequest recorded_request(int which) {
  const auto document = engine::JsonDocument::read(kSource / "tests/golden/starter/golden.json");
  engine::GenerationRequest request;
  const engine::JsonValue ids = *document->root()[which].find("prompt_ids");
  for (std::int64_t i = 0; i < ids.size(); ++i) request.prompt.push_back(static_cast<engine::TokenId>(*ids[i].integer()));
  request.sampling.max_new_tokens = 100;
  return request;
}

/// Answers in a process-like fresh start: a new engine on the same folder of saved prompts.
engine::Generation answer_after_restart(const engine::GenerationRequest& request, const std::filesystem::path& folder) {
  engine::LocalEngineOptions options;
  options.device = engine::Device::kCpu;
  options.prefix_folder = folder;
  auto opened = engine::open_local_engine(kSource / "resources/models/starter", options);
  if (!opened) qFatal("%s", opened.error().message.c_str());
  Quiet quiet;
  auto generation = (*opened)->generate(request, quiet, {});
  if (!generation) qFatal("%s", generation.error().message.c_str());
  return std::move(generation).value();
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& item : std::filesystem::directory_iterator(folder)) {
    if (item.path().extension() != ".trace") files.push_back(item.path());
  }
  return files;
}

void change_byte(const std::filesystem::path& path, std::int64_t from_end) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(-from_end, std::ios::end);
  const int value = file.get();
  file.seekp(-from_end, std::ios::end);
  file.put(static_cast<char>(value ^ 0x10));
}

}  // namespace

class PrefixStoreTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() { engine::set_log_level(engine::LogLevel::kError); }

  void after_a_restart_the_same_documents_need_no_prefill_and_give_the_same_answer() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    auto request = recorded_request(2);
    const auto first = answer_after_restart(request, path);
    QCOMPARE(first.n_cached_tokens, 0);
    QCOMPARE(files_in(path).size(), 1u);
    QVERIFY(std::filesystem::exists(files_in(path).at(0).string() + ".trace"));  // what was selected while they were made
    const auto again = answer_after_restart(request, path);
    QCOMPARE(again.n_cached_tokens, first.n_prompt_tokens - 1);
    QCOMPARE(again.trace->n_reused_tokens, again.n_cached_tokens / 64 * 64);
    for (std::size_t layer = 0; layer < first.trace->prefill.size(); ++layer) {
      const auto& counts = first.trace->prefill[layer];
      const auto reused = static_cast<std::ptrdiff_t>(counts.row_offset(again.trace->n_reused_tokens / 64));
      QVERIFY(std::equal(counts.counts.begin(), counts.counts.begin() + reused, again.trace->prefill[layer].counts.begin()));
    }
    QCOMPARE(again.answer, first.answer);
    request.prompt[request.prompt.size() - 8] = 1500;  // another question
    const auto other = answer_after_restart(request, path);
    QCOMPARE(other.n_cached_tokens, first.n_prompt_tokens - 8);
    QTemporaryDir elsewhere;
    QCOMPARE(other.answer, answer_after_restart(request, elsewhere.path().toStdString()).answer);
  }

  void only_the_owner_can_read_what_is_saved() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    answer_after_restart(recorded_request(2), path);
    const auto permissions = std::filesystem::status(files_in(path).at(0)).permissions();
    QVERIFY(permissions == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }

  void a_damaged_or_foreign_file_is_ignored_data() {
    QTest::addColumn<QString>("damage");
    for (const char* damage : {"a changed key", "a changed header", "cut short", "empty", "another program's"}) {
      QTest::newRow(damage) << damage;
    }
  }
  void a_damaged_or_foreign_file_is_ignored() {
    QFETCH(QString, damage);
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    const auto request = recorded_request(2);
    const auto first = answer_after_restart(request, path);
    const auto file = files_in(path).at(0);
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file));
    if (damage == "a changed key") change_byte(file, 5000);
    if (damage == "a changed header") change_byte(file, size - 100);
    if (damage == "cut short") std::filesystem::resize_file(file, static_cast<std::uintmax_t>(size - 9));
    if (damage == "empty") std::filesystem::resize_file(file, 0);
    if (damage == "another program's") std::ofstream(file, std::ios::binary) << std::string(10000, 'x');
    const auto again = answer_after_restart(request, path);
    QCOMPARE(again.n_cached_tokens, 0);
    QCOMPARE(again.answer, first.answer);
  }

  void every_changed_byte_of_a_header_and_every_cut_is_noticed() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    TinyModel model("glm_moe_dsa", "cpu");
    const auto prompt = model.integers("prompt");
    model.run(prompt, 0, 96);
    const engine::PrefixStore store(path, "model", 1 << 30);
    QVERIFY(store.save(prompt, "dense", *model.keys, {}));
    const auto file = files_in(path).at(0);
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file));
    QVERIFY(store.find(prompt, "dense", 0).has_value());
    const std::int64_t n_header = size - 96 * engine::KeyStore::bytes_per_token(model.config) - 8;
    for (std::int64_t at = 0; at < n_header; ++at) {
      change_byte(file, size - at);
      QVERIFY2(!store.find(prompt, "dense", 0), qPrintable(QString::number(at)));
      change_byte(file, size - at);
    }
    for (std::int64_t at = n_header; at < size; at += 997) {
      change_byte(file, size - at);
      const auto found = store.find(prompt, "dense", 0);
      QVERIFY(found);
      QVERIFY2(!store.load(*found, *model.keys, {}), qPrintable(QString::number(at)));
      change_byte(file, size - at);
    }
    for (std::int64_t n = size - 1; n > 0; n -= 1499) {
      std::filesystem::resize_file(file, static_cast<std::uintmax_t>(n));
      const auto found = store.find(prompt, "dense", 0);
      QVERIFY(!found || !store.load(*found, *model.keys, {}));
    }
  }

  void main_keys_and_indexer_keys_come_back_together_bit_for_bit() {
    QTemporaryDir folder;
    TinyModel model("deepseek_v32", "cpu");
    const auto prompt = model.integers("prompt");
    engine::StepOptions options;
    options.top_k = 8;
    model.run(prompt, 0, 96, options);
    const engine::PrefixStore store(folder.path().toStdString(), "model", 1 << 30);
    QVERIFY(store.save(std::span(prompt).first(70), "indexer 8", *model.keys, {}));
    TinyModel other("deepseek_v32", "cpu");
    QVERIFY(other.keys->reserve(512, 0));
    const auto found = store.find(prompt, "indexer 8", 0);
    QVERIFY(found);
    QCOMPARE(found->n_common, 70);
    QVERIFY(store.load(*found, *other.keys, {}));
    const auto tail = other.run(std::span(prompt).subspan(70), 70, 26, options);
    const auto expected = model.run(std::span(prompt).subspan(70), 70, 26, options);
    QCOMPARE(largest_difference(tail, expected), 0.0f);
  }

  void a_save_lets_a_new_question_go_first_and_leaves_nothing_half_written() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    TinyModel model("deepseek_v3", "cpu");
    constexpr std::int64_t kRows = 40'000;
    QVERIFY(model.keys->reserve(kRows, 0));
    const std::vector<engine::TokenId> tokens(kRows, 7);
    const engine::PrefixStore store(path, "model", std::int64_t{1} << 30);
    engine::PrefixSaver saver(store);
    for (int i = 0; i < 5; ++i) {
      saver.start(tokens, "dense", *model.keys);
      saver.take_back();
      // Given up, or quick enough to be whole.
      const std::int64_t n_read = store.find(tokens, "dense", 0) ? kRows : 0;
      QVERIFY(n_read == 0 || saver.n_on_disk(tokens, "dense") <= n_read);
    }
    saver.start(tokens, "dense", *model.keys);
    while (saver.n_on_disk(tokens, "dense") == 0) QThread::yieldCurrentThread();
    saver.take_back();
    QCOMPARE(saver.n_on_disk(tokens, "dense"), kRows);
    QCOMPARE(saver.n_on_disk(tokens, "blocks"), 0);
    const auto found = store.find(tokens, "dense", 0);
    QVERIFY(found && store.load(*found, *model.keys, {}));
    QCOMPARE(files_in(path).size(), 1u);
  }

  void questions_one_after_another_get_their_answers_and_the_last_prompt_is_saved() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    options.prefix_folder = path;
    auto request = recorded_request(2);
    std::vector<std::string> answers;
    {
      const auto opened = engine::open_local_engine(kSource / "resources/models/starter", options);
      QVERIFY(opened);
      Quiet quiet;
      for (const int which : {3, 2, 3}) {  // each shares little with the one before
        auto generation = (*opened)->generate(recorded_request(which), quiet, {});
        QVERIFY(generation);
        answers.push_back(generation->answer);
      }
    }
    QCOMPARE(answers[2], answers[0]);
    const auto again = answer_after_restart(recorded_request(3), path);
    QCOMPARE(again.n_cached_tokens, again.n_prompt_tokens - 1);
    QCOMPARE(again.answer, answers[0]);
  }

  void another_model_or_selection_finds_nothing() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    TinyModel model("deepseek_v3", "cpu");
    const auto prompt = model.integers("prompt");
    model.run(prompt, 0, 96);
    const engine::PrefixStore store(path, "model", 1 << 30);
    QVERIFY(store.save(prompt, "dense", *model.keys, {}));
    QVERIFY(store.find(prompt, "dense", 0));
    QVERIFY(!store.find(prompt, "blocks 64", 0));
    QVERIFY(!engine::PrefixStore(path, "another", 1 << 30).find(prompt, "dense", 0));
    QVERIFY(!store.find(prompt, "dense", 96));
  }

  void the_folder_keeps_to_its_budget() {
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    TinyModel model("deepseek_v3", "cpu");
    auto prompt = model.integers("prompt");
    model.run(prompt, 0, 96);
    const std::int64_t one = 96 * engine::KeyStore::bytes_per_token(model.config);
    const engine::PrefixStore store(path, "model", 3 * one + 4000);
    for (int i = 0; i < 6; ++i) {
      prompt[0] = i;
      QVERIFY(store.save(prompt, "dense", *model.keys, {}));
    }
    QCOMPARE(files_in(path).size(), 3u);
    QVERIFY(engine::PrefixStore(path, "model", one - 1).save(prompt, "blocks", *model.keys, {}));
    QCOMPARE(files_in(path).size(), 3u);
  }
};

QTEST_GUILESS_MAIN(PrefixStoreTest)
#include "prefix_store_test.moc"
