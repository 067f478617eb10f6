#include "engine/tokenizer/thinking_splitter.h"

#include <QtTest>

#include "engine/tokenizer/generation_text.h"

using engine::Channel;
using engine::ThinkingSplitter;

class ThinkingSplitterTest : public QObject {
  Q_OBJECT

 private slots:
  void gives_the_same_two_texts_however_the_stream_is_cut_data();
  void gives_the_same_two_texts_however_the_stream_is_cut();
  void holds_back_what_may_become_a_tag_and_nothing_else();
  void each_token_knows_where_its_text_lies();
};

void ThinkingSplitterTest::gives_the_same_two_texts_however_the_stream_is_cut_data() {
  QTest::addColumn<bool>("starts_in_thinking");
  QTest::addColumn<QString>("stream");
  QTest::addColumn<QString>("thinking");
  QTest::addColumn<QString>("answer");
  QTest::newRow("thinking and answer") << true << "hm, hm</think>Yes." << "hm, hm" << "Yes.";
  QTest::newRow("the model repeats the opening tag") << true << "<think>hm</think>Yes." << "hm" << "Yes.";
  QTest::newRow("ends inside thinking") << true << "hm, hm" << "hm, hm" << "";
  QTest::newRow("ends inside a tag") << true << "hm</thi" << "hm</thi" << "";
  QTest::newRow("empty thinking") << true << "</think>Yes." << "" << "Yes.";
  QTest::newRow("nearly a tag") << true << "a < b </thinker> </ think></think>x" << "a < b </thinker> </ think>" << "x";
  QTest::newRow("chat mode") << false << "Yes." << "" << "Yes.";
  QTest::newRow("chat mode, tag in the answer") << false << "Use <think> and </think>." << "" << "Use <think> and </think>.";
  QTest::newRow("the model opens thinking itself") << false << "\n<thinking>hm</thinking>Yes." << "hm" << "Yes.";
  QTest::newRow("tags in the answer are text") << true << "hm</think>a <think>b</think>" << "hm" << "a <think>b</think>";
  QTest::newRow("white space only") << false << " \n " << "" << " \n ";
  QTest::newRow("nothing") << true << "" << "" << "";
}

void ThinkingSplitterTest::gives_the_same_two_texts_however_the_stream_is_cut() {
  QFETCH(bool, starts_in_thinking);
  QFETCH(QString, stream);
  QFETCH(QString, thinking);
  QFETCH(QString, answer);
  const std::string text = stream.toStdString();
  for (std::size_t step = 1; step <= text.size() + 1; ++step) {
    ThinkingSplitter splitter(starts_in_thinking);
    std::string got[2];
    const auto take = [&](const std::vector<ThinkingSplitter::Piece>& pieces) {
      for (const auto& piece : pieces) {
        got[piece.channel == Channel::kAnswer ? 1 : 0] += piece.text;
        QCOMPARE(text.substr(piece.source_begin, piece.text.size()), piece.text);
      }
    };
    for (std::size_t at = 0; at < text.size(); at += step) take(splitter.push(text.substr(at, step)));
    take(splitter.finish());
    QCOMPARE(QString::fromStdString(got[0]), thinking);
    QCOMPARE(QString::fromStdString(got[1]), answer);
  }
}

void ThinkingSplitterTest::holds_back_what_may_become_a_tag_and_nothing_else() {
  ThinkingSplitter splitter(true);
  QCOMPARE(splitter.push("hm").at(0).text, "hm");
  QCOMPARE(splitter.push(" a <").at(0).text, " a ");
  QCOMPARE(splitter.push(" b</thin").at(0).text, "< b");
  QVERIFY(!splitter.in_answer());
  QVERIFY(splitter.push("k").empty());
  const auto pieces = splitter.push(">Yes");
  QCOMPARE(pieces.size(), std::size_t{1});
  QVERIFY(pieces[0].channel == Channel::kAnswer);
  QCOMPARE(pieces[0].text, "Yes");
  QVERIFY(splitter.in_answer());
}

void ThinkingSplitterTest::each_token_knows_where_its_text_lies() {
  const auto loaded = engine::Tokenizer::load(std::string(LONGLEAF_SOURCE_DIR) + "/tests/golden/tokenizer/deepseek");
  QVERIFY(loaded);
  const auto tokenizer = *loaded;
  std::vector<engine::TokenId> ids = tokenizer->encode("hm ");
  const std::size_t n_thinking = ids.size();
  ids.push_back(tokenizer->control("</think>").value());
  const auto answer_ids = tokenizer->encode("漢字 \xF0\x9F\x91\x8D ok");
  ids.insert(ids.end(), answer_ids.begin(), answer_ids.end());

  engine::GenerationText text(tokenizer, true);
  std::string streamed;
  std::int64_t first_answer_token = -1;
  for (const engine::TokenId id : ids) {
    for (const auto& piece : text.push(id)) {
      if (piece.channel != Channel::kAnswer) continue;
      if (streamed.empty()) first_answer_token = piece.first_token;
      streamed += piece.text;
    }
  }
  for (const auto& piece : text.finish()) streamed += piece.text;
  QCOMPARE(text.thinking(), "hm ");
  QCOMPARE(text.answer(), "漢字 \xF0\x9F\x91\x8D ok");
  QCOMPARE(streamed, text.answer());
  const auto places = text.places();
  QCOMPARE(places.size(), ids.size());
  QVERIFY(places[0].channel == Channel::kThinking);
  QVERIFY(places[n_thinking].begin == places[n_thinking].end);
  QCOMPARE(places[static_cast<std::size_t>(first_answer_token)].begin, 0u);
  QVERIFY(places[static_cast<std::size_t>(first_answer_token)].end > 0);
  std::uint32_t end = 0;
  for (std::size_t i = n_thinking + 1; i < places.size(); ++i) {
    QVERIFY(places[i].channel == Channel::kAnswer);
    QCOMPARE(places[i].begin, end);
    end = places[i].end;
  }
  QCOMPARE(std::size_t{end}, text.answer().size());
}

QTEST_GUILESS_MAIN(ThinkingSplitterTest)
#include "thinking_splitter_test.moc"
