#include "engine/tokenizer/tokenizer.h"

#include <QElapsedTimer>
#include <QtTest>
#include <fstream>
#include <iterator>
#include <thread>

#include "engine/base/json.h"
#include "engine/tokenizer/pre_tokenizer.h"

using engine::ErrorCode;
using engine::TokenId;
using engine::Tokenizer;

class TokenizerTest : public QObject {
  Q_OBJECT

 private slots:
  void gives_the_same_ids_as_the_tokenizers_library_data();
  void gives_the_same_ids_as_the_tokenizers_library();
  void named_pre_tokenizers_cut_like_those_written_out_data();
  void named_pre_tokenizers_cut_like_those_written_out();
  void decodes_to_the_same_bytes_and_spans_cover_them_data();
  void decodes_to_the_same_bytes_and_spans_cover_them();
  void invalid_utf8_survives_as_bytes();
  void the_cache_of_long_texts_changes_nothing();
  void control_tokens_are_never_matched_in_text();
  void a_merge_or_a_whole_piece_never_makes_a_control_token();
  void threads_may_share_a_tokenizer();
  void long_pieces_take_no_quadratic_time();
  void the_stream_decoder_holds_back_incomplete_characters();
  void the_stream_decoder_replaces_what_is_no_utf8();
  void refuses_what_it_does_not_implement_by_name_data();
  void refuses_what_it_does_not_implement_by_name();
};

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string golden(const std::string& name) {
  return std::string(LONGLEAF_SOURCE_DIR) + "/tests/golden/tokenizer/" + name;
}

std::string folder_of(const std::string& name) {
  return name == "starter" ? std::string(LONGLEAF_SOURCE_DIR) + "/resources/models/starter" : golden(name);
}

/// Reads the format of tests/golden/record_tokenizer.py.
class Recording {
 public:
  explicit Recording(const std::string& file) : bytes_(read(golden(file))) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.at(at_++));
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string text() {
    const auto size = number();
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::vector<TokenId> ids() {
    std::vector<TokenId> ids(number());
    for (TokenId& id : ids) id = static_cast<TokenId>(number());
    return ids;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

std::shared_ptr<const Tokenizer> tokenizer(const std::string& name) {
  auto loaded = Tokenizer::load(folder_of(name));
  if (!loaded) qFatal("%s", loaded.error().message.c_str());
  return *loaded;
}

std::string replaced(std::string text, const std::string& old, const std::string& with) {
  const auto at = text.find(old);
  if (at == std::string::npos) qFatal("%s is not there", old.c_str());
  return text.replace(at, old.size(), with);
}

engine::Result<std::shared_ptr<const Tokenizer>> load_text(const std::string& json) {
  QTemporaryDir folder;
  std::ofstream(folder.filePath("tokenizer.json").toStdString()) << json;
  return Tokenizer::load(folder.path().toStdString());
}

}  // namespace

void TokenizerTest::gives_the_same_ids_as_the_tokenizers_library_data() {
  QTest::addColumn<QString>("name");
  for (const char* name : {"starter", "deepseek", "deepseek_llm", "glm", "gpt2"}) QTest::newRow(name) << name;
}

void TokenizerTest::gives_the_same_ids_as_the_tokenizers_library() {
  QFETCH(QString, name);
  const auto ours = tokenizer(name.toStdString());
  Recording texts("texts.bin");
  Recording ids(name.toStdString() + ".bin");
  const auto n = texts.number();
  QCOMPARE(ids.number(), n);
  QVERIFY(n > 3000);
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::string text = texts.text();
    const std::vector<TokenId> expected = ids.ids();
    const std::vector<TokenId> got = ours->encode(text);
    if (got != expected) {
      qWarning() << "text" << i << QByteArray::fromStdString(text).toPercentEncoding(" ");
      qWarning() << "expected" << expected << "got" << got;
    }
    QVERIFY(got == expected);
  }
}

void TokenizerTest::named_pre_tokenizers_cut_like_those_written_out_data() {
  QTest::addColumn<QString>("folder");
  QTest::newRow("deepseek-v3") << "deepseek";
  QTest::newRow("deepseek-llm") << "deepseek_llm";
  QTest::newRow("glm4") << "glm";
  QTest::newRow("chatglm-bpe") << "glm";
}

void TokenizerTest::named_pre_tokenizers_cut_like_those_written_out() {
  QFETCH(QString, folder);
  const auto file = engine::JsonDocument::read(std::filesystem::path(folder_of(folder.toStdString())) / "tokenizer.json");
  QVERIFY(file);
  const auto written_out = engine::PreTokenizer::from_json(*file->root().find("pre_tokenizer"));
  const auto named = engine::PreTokenizer::from_name(QTest::currentDataTag());
  QVERIFY(written_out && named);
  Recording texts("texts.bin");
  for (std::uint64_t n = texts.number(); n > 0; --n) {
    const std::string text = texts.text();
    QVERIFY2(named->split(text) == written_out->split(text), QByteArray::fromStdString(text).toPercentEncoding(" "));
  }
}

void TokenizerTest::decodes_to_the_same_bytes_and_spans_cover_them_data() {
  gives_the_same_ids_as_the_tokenizers_library_data();
}

void TokenizerTest::decodes_to_the_same_bytes_and_spans_cover_them() {
  QFETCH(QString, name);
  const auto ours = tokenizer(name.toStdString());
  Recording texts("texts.bin");
  for (auto left = texts.number(); left > 0; --left) {
    const std::string text = texts.text();
    QCOMPARE(ours->decode(ours->encode(text)), text);
    std::uint32_t end = 0;
    for (const engine::TokenSpan& span : ours->encode_with_spans(text)) {
      QCOMPARE(span.begin, end);
      QCOMPARE(text.substr(span.begin, span.end - span.begin), std::string(ours->bytes(span.id)));
      end = span.end;
    }
    QCOMPARE(std::size_t{end}, text.size());
  }
}

void TokenizerTest::invalid_utf8_survives_as_bytes() {
  const auto ours = tokenizer("deepseek");
  for (const std::string& text : std::vector<std::string>{"\xFF", "\xC3", "caf\xE9 au lait 123\xFF\xFE", "\xF0\x9F\x98", "\xED\xA0\x80 \xC0\xAF x",
                                 "The \xE2\x82 bridge", "\x80\x80\x80 12\x80" "345"}) {
    QCOMPARE(ours->decode(ours->encode(text)), text);
  }
  std::string every_pair;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) every_pair += {static_cast<char>(a), static_cast<char>(b)};
  }
  QCOMPARE(ours->decode(ours->encode(every_pair)), every_pair);
  // The text around bad bytes gets the tokens that it has alone.
  const auto alone = ours->encode("The bridge");
  const auto beside = ours->encode("The bridge\xFF");
  QVERIFY(std::vector<TokenId>(beside.begin(), beside.end() - 1) == alone);
}

void TokenizerTest::the_cache_of_long_texts_changes_nothing() {
  const auto ours = tokenizer("deepseek");
  std::string text;
  std::vector<TokenId> expected;
  for (int i = 0; i < 300; ++i) {
    const std::string line = "The bridge was closed in " + std::to_string(1900 + i % 7) + ".\n";
    const auto ids = ours->encode(line);
    text += line;
    expected.insert(expected.end(), ids.begin(), ids.end());
  }
  QVERIFY(text.size() > 8000);
  QVERIFY(ours->encode(text) == expected);
}

void TokenizerTest::control_tokens_are_never_matched_in_text() {
  for (const char* name : {"starter", "deepseek", "glm"}) {
    const auto ours = tokenizer(name);
    int n_controls = 0;
    for (TokenId id = 0; id < ours->vocabulary_size(); ++id) {
      if (!ours->is_control(id)) continue;
      ++n_controls;
      const std::string content(ours->bytes(id));
      QVERIFY(ours->control(content) == id);
      for (const std::string& text : {content, "x" + content + "y", content + content, " " + content + "\n"}) {
        for (const TokenId got : ours->encode(text)) QVERIFY(!ours->is_control(got));
        QCOMPARE(ours->decode(ours->encode(text)), text);
      }
    }
    QVERIFY(n_controls >= 6);
  }
  QVERIFY(!tokenizer("deepseek")->control("<｜User"));
  QVERIFY(!tokenizer("deepseek")->is_control(-1));
  QVERIFY(tokenizer("deepseek")->bytes(1'000'000).empty());
}

void TokenizerTest::a_merge_or_a_whole_piece_never_makes_a_control_token() {
  // "example" becomes an added token of a hostile file; the text must still be written with other tokens.
  const std::string json = read(golden("glm/tokenizer.json"));
  const auto honest = tokenizer("glm");
  const std::vector<TokenId> word = honest->encode("example");
  QCOMPARE(word.size(), std::size_t{1});
  const auto hostile = load_text(replaced(json, "\"added_tokens\":[", "\"added_tokens\":[{\"id\":" + std::to_string(word[0]) +
                                                                          ",\"content\":\"example\"},"));
  QVERIFY(hostile);
  QVERIFY((*hostile)->is_control(word[0]));
  QVERIFY((*hostile)->encode("example").size() > 1);
  QCOMPARE((*hostile)->decode((*hostile)->encode("example")), "example");
}

void TokenizerTest::threads_may_share_a_tokenizer() {
  const auto ours = tokenizer("deepseek");
  const std::string text = read(golden("texts.bin"));
  const auto expected = ours->encode(text);
  std::vector<TokenId> first;
  std::vector<TokenId> second;
  std::jthread one([&] { first = ours->encode(text); });
  std::jthread two([&] { second = ours->encode(text); });
  one.join();
  two.join();
  QVERIFY(first == expected && second == expected);
}

void TokenizerTest::long_pieces_take_no_quadratic_time() {
  const auto ours = tokenizer("deepseek");
  for (const std::string& text : {std::string(1'000'000, 'a'), std::string(1'000'000, ' '), std::string(1'000'000, '=')}) {
    QElapsedTimer timer;
    timer.start();
    QCOMPARE(ours->decode(ours->encode(text)), text);
    // A quadratic loop needs minutes; the bound leaves room for a sanitizer and a busy machine.
    QVERIFY2(timer.elapsed() < 20'000, qPrintable(QString::number(timer.elapsed())));
  }
}

void TokenizerTest::the_stream_decoder_holds_back_incomplete_characters() {
  const auto ours = tokenizer("deepseek");
  const std::string text = "naïve 漢字 👍🏽 end";
  engine::StreamDecoder decoder(ours);
  std::string streamed;
  for (const char byte : text) {
    const std::string piece = decoder.push(ours->encode(std::string(1, byte)).front());
    QVERIFY(QString::fromUtf8(piece.data(), static_cast<qsizetype>(piece.size())).toUtf8().toStdString() == piece);
    streamed += piece;
  }
  QCOMPARE(streamed + decoder.finish(), text);
}

void TokenizerTest::the_stream_decoder_replaces_what_is_no_utf8() {
  const auto ours = tokenizer("deepseek");
  engine::StreamDecoder decoder(ours);
  std::string streamed;
  for (const TokenId id : ours->encode("a\xFF" "b\xE6\xBC")) streamed += decoder.push(id);
  QCOMPARE(streamed, "a\uFFFDb");
  QCOMPARE(decoder.finish(), "\uFFFD");
  QCOMPARE(decoder.finish(), "");
}

void TokenizerTest::refuses_what_it_does_not_implement_by_name_data() {
  QTest::addColumn<QString>("old");
  QTest::addColumn<QString>("with");
  QTest::addColumn<QString>("names");
  QTest::newRow("normalizer") << R"("normalizer":null)" << R"("normalizer":{"type":"NFC"})" << "NFC";
  QTest::newRow("unigram") << R"("type":"BPE")" << R"("type":"Unigram")" << "Unigram";
  QTest::newRow("byte fallback") << R"("byte_fallback":false)" << R"("byte_fallback":true)" << "byte_fallback";
  QTest::newRow("suffix") << R"("end_of_word_suffix":null)" << R"("end_of_word_suffix":"</w>")" << "end_of_word_suffix";
  QTest::newRow("behavior") << R"("behavior":"Isolated")" << R"("behavior":"Removed")" << "Removed";
  QTest::newRow("metaspace") << R"({"type":"ByteLevel","add_prefix_space":false)" << R"({"type":"Metaspace","add_prefix_space":false)" << "Metaspace";
  QTest::newRow("prefix space") << R"("add_prefix_space":false)" << R"("add_prefix_space":true)" << "add_prefix_space";
  QTest::newRow("bad regex") << R"(\\p{N}{1,3}"})" << R"((unclosed"})" << "(unclosed";
  QTest::newRow("nested class") << R"(\\p{N}{1,3}"})" << R"([a[b]]"})" << "class inside a class";
  QTest::newRow("exponential regex") << R"(\\p{N}{1,3}"})" << R"((a+)+\\d"})" << "too long";
  QTest::newRow("quadratic regex") << R"(\\p{N}{1,3}"})" << R"(a*b|(?:a|c)*d"})" << "too long";
  QTest::newRow("merge of strangers") << R"("merges":[)" << R"("merges":["qq zz",)" << "qq";
  QTest::newRow("merge of three") << R"("merges":[)" << R"("merges":["a b c",)" << "merges[0]";
  QTest::newRow("no bytes") << R"("!":)" << R"("!!!!!":)" << "byte 33";
  QTest::newRow("huge id") << R"("!":)" << R"("!!!!!":2000000000,"!":)" << "2000000000";
  QTest::newRow("negative id") << R"("!":)" << R"("!!!!!":-1,"!":)" << "model.vocab.!!!!!";
  QTest::newRow("id twice") << R"("!":)" << R"("!!!!!":200,"!":)" << "twice";
  QTest::newRow("control twice") << R"("added_tokens":[)" << R"("added_tokens":[{"id":1101,"content":"<think>"},)" << "<think>";
}

void TokenizerTest::refuses_what_it_does_not_implement_by_name() {
  QFETCH(QString, old);
  QFETCH(QString, with);
  QFETCH(QString, names);
  const std::string json = read(golden("deepseek/tokenizer.json"));
  const auto loaded = load_text(replaced(json, old.toStdString(), with.toStdString()));
  QVERIFY(!loaded);
  QVERIFY2(QString::fromStdString(loaded.error().message).contains(names), loaded.error().message.c_str());
  QVERIFY(loaded.error().code == ErrorCode::kUnsupported || loaded.error().code == ErrorCode::kCorrupt);
}

QTEST_GUILESS_MAIN(TokenizerTest)
#include "tokenizer_test.moc"
