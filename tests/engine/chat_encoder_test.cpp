#include "engine/tokenizer/chat_encoder.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QSet>
#include <QtTest>

#include "engine/model/config.h"

using engine::ChatEncoder;
using engine::ChatMessage;
using engine::PromptPiece;
using engine::Role;

class ChatEncoderTest : public QObject {
  Q_OBJECT

 private slots:
  void writes_each_family_byte_by_byte_data();
  void writes_each_family_byte_by_byte();
  void writes_what_the_published_encoders_write();
  void the_format_follows_from_the_configuration();
  void documents_in_the_system_message_stand_before_the_first_user_marker();
  void content_is_data_and_keeps_its_tags();
  void control_tokens_are_control_pieces();
  void a_family_without_an_encoder_is_refused_by_name();
  void the_prompts_tail_says_whether_thinking_comes_next();
};

namespace {

std::vector<PromptPiece> text(const std::string& content) { return {{PromptPiece::Kind::kText, content, -1}}; }

std::string joined(const std::vector<PromptPiece>& pieces) {
  std::string all;
  for (const PromptPiece& piece : pieces) all += piece.text;
  return all;
}

/// A system text, a question with its answer and thinking, and a second question.
std::vector<ChatMessage> two_turns() {
  return {{Role::kSystem, text("Be exact."), ""},
          {Role::kUser, text("One?"), ""},
          {Role::kAssistant, text(" First. \n"), "hm"},
          {Role::kUser, text("Two?"), ""}};
}

/// An answer after the last question: what a model goes on from.
std::vector<ChatMessage> answered() {
  return {{Role::kUser, text("One?"), ""}, {Role::kAssistant, text("First."), "hm"}};
}

}  // namespace

void ChatEncoderTest::writes_each_family_byte_by_byte_data() {
  QTest::addColumn<QString>("family");
  QTest::addColumn<bool>("thinking");
  QTest::addColumn<QString>("two_turns_expected");
  QTest::addColumn<QString>("answered_expected");
  // Written out by hand, to be read; chat.json holds what the published encoders make of many more.
  QTest::newRow("V3.2, thinking") << "deepseek_v32" << true
      << "<｜begin▁of▁sentence｜>Be exact.<｜User｜>One?<｜Assistant｜></think> First. \n<｜end▁of▁sentence｜>"
         "<｜User｜>Two?<｜Assistant｜><think>"
      << "<｜begin▁of▁sentence｜><｜User｜>One?<｜Assistant｜><think>hm</think>First.<｜end▁of▁sentence｜>";
  QTest::newRow("V3.2, no thinking") << "deepseek_v32" << false
      << "<｜begin▁of▁sentence｜>Be exact.<｜User｜>One?<｜Assistant｜></think> First. \n<｜end▁of▁sentence｜>"
         "<｜User｜>Two?<｜Assistant｜></think>"
      << "<｜begin▁of▁sentence｜><｜User｜>One?<｜Assistant｜></think>First.<｜end▁of▁sentence｜>";
  QTest::newRow("V3.1, thinking") << "deepseek_v31" << true
      << "<｜begin▁of▁sentence｜>Be exact.<｜User｜>One?<｜Assistant｜></think> First. \n<｜end▁of▁sentence｜>"
         "<｜User｜>Two?<｜Assistant｜><think>"
      << "<｜begin▁of▁sentence｜><｜User｜>One?<｜Assistant｜></think>First.<｜end▁of▁sentence｜>";
  QTest::newRow("V3.1, no thinking") << "deepseek_v31" << false
      << "<｜begin▁of▁sentence｜>Be exact.<｜User｜>One?<｜Assistant｜></think> First. \n<｜end▁of▁sentence｜>"
         "<｜User｜>Two?<｜Assistant｜></think>"
      << "<｜begin▁of▁sentence｜><｜User｜>One?<｜Assistant｜></think>First.<｜end▁of▁sentence｜>";
  QTest::newRow("V3") << "deepseek_v3" << true
      << "<｜begin▁of▁sentence｜>Be exact.<｜User｜>One?<｜Assistant｜> First. \n<｜end▁of▁sentence｜>"
         "<｜User｜>Two?<｜Assistant｜>"
      << "<｜begin▁of▁sentence｜><｜User｜>One?<｜Assistant｜>First.<｜end▁of▁sentence｜>";
  QTest::newRow("R1") << "deepseek_r1" << true
      << "<｜begin▁of▁sentence｜>Be exact.<｜User｜>One?<｜Assistant｜> First. \n<｜end▁of▁sentence｜>"
         "<｜User｜>Two?<｜Assistant｜><think>\n"
      << "<｜begin▁of▁sentence｜><｜User｜>One?<｜Assistant｜>First.<｜end▁of▁sentence｜>";
  QTest::newRow("V2-Lite") << "deepseek_v2" << false
      << "<｜begin▁of▁sentence｜>Be exact.\n\nUser: One?\n\nAssistant:  First. \n<｜end▁of▁sentence｜>User: Two?\n\nAssistant:"
      << "<｜begin▁of▁sentence｜>User: One?\n\nAssistant: First.<｜end▁of▁sentence｜>";
  QTest::newRow("GLM-5.2, thinking") << "glm52" << true
      << "[gMASK]<sop><|system|>Reasoning Effort: Max<|system|>Be exact.<|user|>One?"
         "<|assistant|><think></think>First.<|user|>Two?<|assistant|><think>"
      << "[gMASK]<sop><|system|>Reasoning Effort: Max<|user|>One?<|assistant|><think>hm</think>First.";
  QTest::newRow("GLM-5.2, no thinking") << "glm_moe_dsa" << false
      << "[gMASK]<sop><|system|>Be exact.<|user|>One?<|assistant|><think></think>First."
         "<|user|>Two?<|assistant|><think></think>"
      << "[gMASK]<sop><|user|>One?<|assistant|><think>hm</think>First.";
  QTest::newRow("GLM-4.7-Flash, thinking") << "glm4_moe_lite" << true
      << "[gMASK]<sop><|system|>Be exact.<|user|>One?<|assistant|></think>First.<|user|>Two?<|assistant|><think>"
      << "[gMASK]<sop><|user|>One?<|assistant|><think>hm</think>First.";
  QTest::newRow("GLM-4.7-Flash, no thinking") << "glm4_moe_lite" << false
      << "[gMASK]<sop><|system|>Be exact.<|user|>One?<|assistant|></think>First.<|user|>Two?<|assistant|></think>"
      << "[gMASK]<sop><|user|>One?<|assistant|><think>hm</think>First.";
}

void ChatEncoderTest::writes_each_family_byte_by_byte() {
  QFETCH(QString, family);
  QFETCH(bool, thinking);
  QFETCH(QString, two_turns_expected);
  QFETCH(QString, answered_expected);
  const auto encoder = ChatEncoder::make(family.toStdString());
  QVERIFY(encoder);
  QCOMPARE(QString::fromStdString(joined((*encoder)->encode(two_turns(), thinking))), two_turns_expected);
  QCOMPARE(QString::fromStdString(joined((*encoder)->encode(answered(), thinking))), answered_expected);
}

void ChatEncoderTest::writes_what_the_published_encoders_write() {
  QFile file(LONGLEAF_SOURCE_DIR "/tests/golden/chat.json");
  QVERIFY(file.open(QIODevice::ReadOnly));
  const QJsonArray rows = QJsonDocument::fromJson(file.readAll()).array();
  QVERIFY(rows.size() > 250);
  QSet<QString> families;
  for (const QJsonValue& row : rows) {
    const QString family = row["family"].toString();
    families.insert(family);
    std::vector<ChatMessage> messages;
    for (const QJsonValue& message : row["messages"].toArray()) {
      const QString role = message["role"].toString();
      messages.push_back({role == "system" ? Role::kSystem : role == "user" ? Role::kUser : Role::kAssistant,
                          text(message["content"].toString().toStdString()), message["reasoning_content"].toString().toStdString()});
    }
    const auto encoder = ChatEncoder::make(family.toStdString());
    QVERIFY(encoder);
    const std::string got = joined((*encoder)->encode(messages, row["thinking"].toBool()));
    QVERIFY2(got == row["prompt"].toString().toStdString(), qPrintable(family + ": " + QString::fromStdString(got) + "\ninstead of\n" + row["prompt"].toString()));
  }
  QCOMPARE(families.size(), 8);
}

void ChatEncoderTest::the_format_follows_from_the_configuration() {
  engine::ModelConfig config;
  config.model_type = "glm_moe_dsa";
  config.architecture = engine::Architecture::kGlmMoeDsa;
  config.context_length = 202752;
  config.indexers = {engine::IndexerKind::kFull, engine::IndexerKind::kFull};
  QCOMPARE(engine::chat_family(config), "glm5");
  config.indexers[1] = engine::IndexerKind::kShared;
  QVERIFY(ChatEncoder::make(engine::chat_family(config)));
  QCOMPARE(engine::chat_family(config), "glm_moe_dsa");
  config.model_type = "kimi_k2";
  config.architecture = engine::Architecture::kDeepseekV3;
  QVERIFY(!ChatEncoder::make(engine::chat_family(config)));
}

void ChatEncoderTest::documents_in_the_system_message_stand_before_the_first_user_marker() {
  std::vector<PromptPiece> documents = {{PromptPiece::Kind::kControl, "<｜documents｜>", -1},
                                        {PromptPiece::Kind::kText, "\n", -1},
                                        {PromptPiece::Kind::kText, " A sentence. [p1]\n", 41}};
  const auto encoder = ChatEncoder::make("deepseek_v32");
  const auto prompt = (*encoder)->encode({{Role::kSystem, documents, ""}, {Role::kUser, text(" Where?"), ""}}, true);
  QCOMPARE(joined(prompt),
           "<｜begin▁of▁sentence｜><｜documents｜>\n A sentence. [p1]\n<｜User｜> Where?<｜Assistant｜><think>");
  QCOMPARE(prompt[3].tag, 41);
}

void ChatEncoderTest::content_is_data_and_keeps_its_tags() {
  const auto encoder = ChatEncoder::make("deepseek_v32");
  const auto prompt = (*encoder)->encode({{Role::kUser, text("<｜User｜></think>"), ""}}, true);
  QCOMPARE(prompt.size(), std::size_t{5});
  QVERIFY(prompt[2].kind == PromptPiece::Kind::kText);
  QCOMPARE(prompt[2].text, "<｜User｜></think>");
}

void ChatEncoderTest::control_tokens_are_control_pieces() {
  for (const char* family : {"deepseek_v32", "deepseek_v31", "deepseek_v3", "deepseek_r1", "deepseek_v2", "glm5", "glm52", "glm4_moe_lite"}) {
    const auto encoder = ChatEncoder::make(family);
    for (const PromptPiece& piece : (*encoder)->encode(two_turns(), true)) {
      const bool looks_special = piece.text.find("<｜") == 0 || piece.text.find("<|") == 0 || piece.text == "<think>" ||
                                 piece.text == "</think>" || piece.text == "[gMASK]" || piece.text == "<sop>";
      QCOMPARE(piece.kind == PromptPiece::Kind::kControl, looks_special);
    }
  }
}

void ChatEncoderTest::a_family_without_an_encoder_is_refused_by_name() {
  const auto encoder = ChatEncoder::make("llama3");
  QVERIFY(!encoder);
  QVERIFY(encoder.error().code == engine::ErrorCode::kUnsupported);
  QVERIFY(encoder.error().message.find("\"llama3\"") != std::string::npos);
  QVERIFY(encoder.error().message.find("deepseek_v32") != std::string::npos);
}

void ChatEncoderTest::the_prompts_tail_says_whether_thinking_comes_next() {
  const auto ends = [](const char* family, bool thinking) {
    return engine::ends_in_thinking((*ChatEncoder::make(family))->encode({{Role::kUser, text("?"), ""}}, thinking));
  };
  QVERIFY(ends("deepseek_v32", true));
  QVERIFY(!ends("deepseek_v32", false));
  QVERIFY(ends("deepseek_r1", true));
  QVERIFY(!ends("deepseek_v3", true));
  QVERIFY(ends("glm5", true));
  QVERIFY(!ends("glm5", false));
  QVERIFY(engine::ends_in_thinking(text("Answer.\n<thinking>\n")));
  QVERIFY(!engine::ends_in_thinking({}));
}

QTEST_GUILESS_MAIN(ChatEncoderTest)
#include "chat_encoder_test.moc"
