#include "engine/base/json.h"

#include <QtTest>
#include <fstream>
#include <string>

using engine::ErrorCode;
using engine::JsonDocument;
using engine::JsonKind;

class JsonTest : public QObject {
  Q_OBJECT

 private slots:
  void gives_members_and_elements_in_the_files_order();
  void a_missing_or_null_member_is_not_found();
  void falls_back_only_where_a_member_is_missing();
  void errors_name_the_file_and_the_path_of_keys();
  void integers_are_held_against_their_range();
  void refuses_what_is_not_one_strict_value_data();
  void refuses_what_is_not_one_strict_value();
  void refuses_more_bytes_and_levels_than_allowed();
  void reads_regular_files_only();
};

namespace {

std::string message_of(const engine::Error& error) { return error.message; }

}  // namespace

void JsonTest::gives_members_and_elements_in_the_files_order() {
  const auto json = JsonDocument::parse(R"({"zeta": [1, "é\u0000", 2.5], "alpha": {"x": true}})", "a.json");
  QVERIFY(json);
  const auto root = json->root();
  QCOMPARE(root.size(), 2);
  QCOMPARE(std::string(root[0].key()), "zeta");
  QCOMPARE(std::string(root[1].key()), "alpha");
  QCOMPARE(*root[0][0].integer(), 1);
  QCOMPARE(std::string(*root[0][1].string()), std::string("\xC3\xA9\0", 3));
  QCOMPARE(*root[0][2].number(), 2.5);
  QCOMPARE(*root[0][0].number(), 1.0);
  QVERIFY(*root.find("alpha")->find("x")->boolean());
}

void JsonTest::a_missing_or_null_member_is_not_found() {
  const auto json = JsonDocument::parse(R"({"rope_scaling": null, "n": 3})", "config.json");
  QVERIFY(json);
  QVERIFY(!json->root().find("rope_scaling"));
  QVERIFY(!json->root().find("n_layers"));
  QVERIFY(json->root().find("n"));
  QVERIFY(!json->root().find("n")->find("deeper"));
}

void JsonTest::falls_back_only_where_a_member_is_missing() {
  const auto json = JsonDocument::parse(R"({"n": "three", "eps": 1e-6, "on": true, "name": "x"})", "config.json");
  QVERIFY(json);
  const auto root = json->root();
  QCOMPARE(*root.integer_or("missing", 7, 0, 10), 7);
  QVERIFY(!root.integer_or("n", 7, 0, 10));
  QCOMPARE(*root.number_or("eps", 1.0, 0.0, 1.0), 1e-6);
  QCOMPARE(*root.boolean_or("on", false), true);
  QCOMPARE(*root.string_or("name", "y"), "x");
  QCOMPARE(*root.string_or("surname", "y"), "y");
}

void JsonTest::errors_name_the_file_and_the_path_of_keys() {
  const auto json = JsonDocument::parse(R"({"model": {"merges": [["a", "b"], ["c", 4]]}})", "tokenizer.json");
  QVERIFY(json);
  const auto merge = (*json->root().find("model")->find("merges"))[1];
  QCOMPARE(message_of(merge[1].string().error()), "tokenizer.json: model.merges[1][1] must be a string, not an integer.");
  QCOMPARE(message_of(json->root().at("version").error()), "tokenizer.json: the file has no \"version\".");
  QVERIFY(merge.at("x").error().code == ErrorCode::kCorrupt);
}

void JsonTest::integers_are_held_against_their_range() {
  const auto json = JsonDocument::parse("[-1, 9223372036854775807, 18446744073709551615, 2.0, 1e3]", "a.json");
  QVERIFY(json);
  const auto root = json->root();
  QVERIFY(root[0].integer(-1, 0));
  QCOMPARE(message_of(root[0].integer(0, 10).error()), "a.json: [0] is -1, outside 0 to 10.");
  QCOMPARE(*root[1].integer(), std::numeric_limits<std::int64_t>::max());
  QVERIFY(!root[2].integer());
  QVERIFY(!root[3].integer());
  QVERIFY(!root[4].integer());
  QCOMPARE(*root[4].number(), 1000.0);
}

void JsonTest::refuses_what_is_not_one_strict_value_data() {
  QTest::addColumn<QByteArray>("text");
  QTest::newRow("nothing") << QByteArray("");
  QTest::newRow("two values") << QByteArray("{} {}");
  QTest::newRow("text after the value") << QByteArray("{}x");
  QTest::newRow("comment") << QByteArray("{/* */}");
  QTest::newRow("trailing comma") << QByteArray("[1,]");
  QTest::newRow("cut off") << QByteArray("{\"a\": [1, 2");
  QTest::newRow("the same key twice") << QByteArray("{\"a\": 1, \"b\": 2, \"a\": 3}");
  QTest::newRow("the same key twice, once escaped") << QByteArray("{\"a\": 1, \"\\u0061\": 3}");
  QTest::newRow("not a number") << QByteArray("[NaN]");
  QTest::newRow("infinity") << QByteArray("[1e400]");
  QTest::newRow("leading zero") << QByteArray("[01]");
  QTest::newRow("invalid UTF-8") << QByteArray("[\"\xC3\x28\"]");
  QTest::newRow("overlong UTF-8") << QByteArray("[\"\xC0\xAF\"]");
  QTest::newRow("half a surrogate pair") << QByteArray("[\"\\ud800\"]");
  QTest::newRow("a zero byte") << QByteArray("[\"\0\"]", 5);
}

void JsonTest::refuses_what_is_not_one_strict_value() {
  QFETCH(QByteArray, text);
  const auto json = JsonDocument::parse(text.toStdString(), "a.json");
  QVERIFY(!json);
  QVERIFY(json.error().code == ErrorCode::kCorrupt);
  QVERIFY(json.error().message.starts_with("a.json "));
}

void JsonTest::refuses_more_bytes_and_levels_than_allowed() {
  QVERIFY(JsonDocument::parse("[[[1]]]", "a.json", {.max_bytes = 7, .max_depth = 3}));
  QVERIFY(!JsonDocument::parse("[[[1]]]", "a.json", {.max_bytes = 6, .max_depth = 3}));
  QVERIFY(!JsonDocument::parse("[[[1]]]", "a.json", {.max_bytes = 7, .max_depth = 2}));
  QVERIFY(!JsonDocument::parse(std::string(1'000'000, '['), "a.json"));
}

void JsonTest::reads_regular_files_only() {
  QTemporaryDir folder;
  const std::filesystem::path file = folder.filePath("a.json").toStdString();
  QVERIFY(JsonDocument::read(file).error().code == ErrorCode::kNotFound);
  std::ofstream(file) << "{\"a\": 1}";
  QVERIFY(JsonDocument::read(file));
  QVERIFY(!JsonDocument::read(file, {.max_bytes = 7}));
  QVERIFY(JsonDocument::read("/dev/zero").error().code == ErrorCode::kIo);
}

QTEST_GUILESS_MAIN(JsonTest)
#include "json_test.moc"
