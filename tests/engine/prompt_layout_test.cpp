#include "engine/tokenizer/prompt_layout.h"

#include <QtTest>
#include <fstream>

#include "engine/base/json.h"
#include "engine/tokenizer/chat_encoder.h"
#include "engine/tokenizer/tokenizer.h"

using engine::PromptLayout;

class PromptLayoutTest : public QObject {
  Q_OBJECT

 private slots:
  void a_model_without_a_layout_has_the_defaults();
  void the_starters_layout_gives_the_prompts_it_was_trained_with();
  void refuses_a_malformed_layout_by_key_data();
  void refuses_a_malformed_layout_by_key();
};

namespace {

const std::string kStarter = std::string(LONGLEAF_SOURCE_DIR) + "/resources/models/starter";

std::string filled(std::string text, const std::string& name, const std::string& value) {
  const auto at = text.find(name);
  return at == std::string::npos ? text : text.replace(at, name.size(), value);
}

}  // namespace

void PromptLayoutTest::a_model_without_a_layout_has_the_defaults() {
  QTemporaryDir folder;
  const auto layout = PromptLayout::load(folder.path().toStdString());
  QVERIFY(layout);
  QCOMPARE(layout->block, "{text} {anchor}\n");
  QVERIFY(layout->documents_in == engine::DocumentsIn::kUser);
  QCOMPARE(layout->name, QFileInfo(folder.path()).fileName().toStdString());
}

void PromptLayoutTest::the_starters_layout_gives_the_prompts_it_was_trained_with() {
  const auto layout = PromptLayout::load(kStarter);
  QVERIFY(layout);
  QVERIFY(layout->quotes == engine::QuoteStyle::kLines);
  const auto tokenizer = engine::Tokenizer::load(kStarter);
  QVERIFY(tokenizer);
  const auto golden = engine::JsonDocument::read(std::string(LONGLEAF_SOURCE_DIR) + "/tests/golden/starter/golden.json");
  QVERIFY(golden);
  QCOMPARE(golden->root().size(), 4);
  for (int i = 0; i < 4; ++i) {
    const auto recorded = golden->root()[i];
    // The recorded text writes the control tokens short; its blocks are the lines between them.
    const QString text = QString::fromUtf8(recorded.find("prompt_text")->string()->data());
    const QStringList lines = text.mid(text.indexOf('\n') + 1, text.indexOf("<user>") - text.indexOf('\n') - 2).split('\n');
    std::vector<engine::PromptPiece> system;
    for (const std::string& token : layout->documents_open) system.push_back({engine::PromptPiece::Kind::kControl, token, -1});
    system.push_back({engine::PromptPiece::Kind::kText, layout->documents_open_text, -1});
    for (const QString& line : lines) {
      const auto space = line.lastIndexOf(' ');
      const std::string block = filled(layout->block, "{anchor}", line.mid(space + 1).toStdString());
      system.push_back({engine::PromptPiece::Kind::kText, filled(block, "{text}", line.mid(1, space - 1).toStdString()), -1});
    }
    const QString asked = text.mid(text.indexOf("<user>") + 7, text.indexOf("<asst>") - text.indexOf("<user>") - 7);
    const std::string question = filled(layout->question, "{question}", asked.toStdString());
    const auto encoder = engine::ChatEncoder::make(layout->chat);
    QVERIFY(encoder);
    std::vector<engine::TokenId> ids;
    for (const auto& piece : (*encoder)->encode({{engine::Role::kSystem, system, ""},
                                                 {engine::Role::kUser, {{engine::PromptPiece::Kind::kText, question, -1}}, ""}},
                                                true)) {
      if (piece.kind == engine::PromptPiece::Kind::kControl) {
        ids.push_back((*tokenizer)->control(piece.text).value());
      } else {
        for (const auto id : (*tokenizer)->encode(piece.text)) ids.push_back(id);
      }
    }
    const auto expected = *recorded.find("prompt_ids");
    QCOMPARE(static_cast<std::int64_t>(ids.size()), expected.size());
    for (std::int64_t at = 0; at < expected.size(); ++at) QCOMPARE(ids[static_cast<std::size_t>(at)], *expected[at].integer());
  }
}

void PromptLayoutTest::refuses_a_malformed_layout_by_key_data() {
  QTest::addColumn<QByteArray>("json");
  QTest::addColumn<QString>("names");
  QTest::newRow("not JSON") << QByteArray("{") << "longleaf.json";
  QTest::newRow("a list") << QByteArray("[]") << "object";
  QTest::newRow("misspelt key") << QByteArray(R"({"anchr": "[p{n}]"})") << "anchr";
  QTest::newRow("block without text") << QByteArray(R"({"block": "{anchor}"})") << "{text}";
  QTest::newRow("block without anchor") << QByteArray(R"({"block": "{text}"})") << "{anchor}";
  QTest::newRow("anchor without number") << QByteArray(R"({"anchor": "[p]"})") << "{n}";
  QTest::newRow("question words without words") << QByteArray(R"({"question_words": "?"})") << "{words}";
  QTest::newRow("question without question") << QByteArray(R"({"question": "?"})") << "{question}";
  QTest::newRow("heading without title") << QByteArray(R"({"heading": "#"})") << "{title}";
  QTest::newRow("documents nowhere") << QByteArray(R"({"documents_in": "footer"})") << "footer";
  QTest::newRow("quotes nowhere") << QByteArray(R"({"quotes": "words"})") << "words";
  QTest::newRow("token is a number") << QByteArray(R"({"documents_open": [7]})") << "documents_open[0]";
  QTest::newRow("top_p of zero") << QByteArray(R"({"top_p": 0})") << "top_p";
  QTest::newRow("negative tokens") << QByteArray(R"({"good_tokens": -1})") << "good_tokens";
  QTest::newRow("tiny blocks") << QByteArray(R"({"max_block_tokens": 1})") << "max_block_tokens";
}

void PromptLayoutTest::refuses_a_malformed_layout_by_key() {
  QFETCH(QByteArray, json);
  QFETCH(QString, names);
  QTemporaryDir folder;
  std::ofstream(folder.filePath("longleaf.json").toStdString()) << json.toStdString();
  const auto layout = PromptLayout::load(folder.path().toStdString());
  QVERIFY(!layout);
  QVERIFY2(QString::fromStdString(layout.error().message).contains(names), layout.error().message.c_str());
}

QTEST_GUILESS_MAIN(PromptLayoutTest)
#include "prompt_layout_test.moc"
