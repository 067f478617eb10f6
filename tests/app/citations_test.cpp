#include <QTemporaryDir>
#include <QTest>

#include "app/question/citations.h"
#include "app/question/quote_match.h"
#include "app/question/source_selection.h"
#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"

using namespace app;

class CitationsTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;
  std::unique_ptr<Project> project_;
  std::vector<PartId> parts_;
  fake::WordTokenizer tokenizer_;
  PromptMap map_;

  std::vector<Citation> find(const std::string& answer, const engine::PromptLayout& layout = {}) {
    auto found = find_citations(answer, map_, *project_, layout);
    return found ? std::move(*found) : std::vector<Citation>{};
  }

 private slots:
  void initTestCase() {
    project_ = support::small_project((folder_.path() + "/p.longleaf").toStdString());
    const auto chosen = select_parts(*project_, {});
    QVERIFY(chosen.has_value());
    parts_ = *chosen;
    PromptBuilder builder(*project_, tokenizer_, {}, 4096);
    auto prompt = builder.build({"Why?", {parts_, {}}});
    QVERIFY(prompt.has_value());
    map_ = std::move(prompt->map);
  }

  void a_quoted_sentence_is_verified_and_points_at_its_words() {
    const auto found = find("The report says \"cost 41,300 dollars\" [p5].");
    QCOMPARE(found.size(), std::size_t{1});
    QVERIFY(found[0].check == QuoteCheck::kVerified);
    QCOMPARE(found[0].label, std::string("report.pdf, p. 2"));
    QCOMPARE(found[0].begin, 38u);
    QCOMPARE(found[0].end, 42u);
    const std::string text = project_->part_text(parts_[1])->text;
    QCOMPARE(text.substr(found[0].source_begin, found[0].source_end - found[0].source_begin), std::string("cost 41,300 dollars"));
  }

  void a_file_is_cited_with_its_line() {
    const auto found = find("It doubles them: `return gusts * 2;` [p9]");
    QCOMPARE(found.size(), std::size_t{1});
    QVERIFY(found[0].check == QuoteCheck::kVerified);
    QCOMPARE(found[0].label, std::string("src/wind.cc:4"));
  }

  void checks_data() {
    QTest::addColumn<QString>("answer");
    QTest::addColumn<int>("check");
    const auto row = [](const char* name, const char* answer, QuoteCheck check) { QTest::newRow(name) << QString::fromUtf8(answer) << static_cast<int>(check); };
    row("the whole sentence without marks", "The firebreaks cost 41,300 dollars in total. [p5]", QuoteCheck::kVerified);
    row("other blanks", "\"The firebreaks  cost\n41,300 dollars\" [p5]", QuoteCheck::kNear);
    row("curly marks around", "\xE2\x80\x9CThe firebreaks cost\xE2\x80\x9D [p5]", QuoteCheck::kVerified);
    row("two letters changed", "\"The firebreak costs 41,300 dollars in total\" [p5]", QuoteCheck::kNear);
    row("another number", "\"The firebreaks cost 41,800 dollars in total\" [p5]", QuoteCheck::kNotFound);
    row("other words", "\"The bridges were much too expensive\" [p5]", QuoteCheck::kNotFound);
    row("a statement of the model's own", "They were not cheap [p5].", QuoteCheck::kNoQuote);
    row("words of a neighbour", "\"Fuel was the smallest item.\" [p5]", QuoteCheck::kNotFound);
    row("running on into the next block", "\"41,300 dollars in total. Fuel was the smallest item.\" [p6]", QuoteCheck::kNear);
    row("a list item", "- Fuel was the smallest item. [p6]", QuoteCheck::kVerified);
    row("a code block", "```cpp\nint main() {\n```\n[p11]", QuoteCheck::kVerified);
  }
  void checks() {
    QFETCH(QString, answer);
    QFETCH(int, check);
    const auto found = find(answer.toStdString());
    QCOMPARE(found.size(), std::size_t{1});
    QCOMPARE(static_cast<int>(found[0].check), check);
  }

  void anchors_at_both_ends_make_one_quotation() {
    engine::PromptLayout layout;
    layout.block = "{anchor} {text} {anchor}\n";
    const auto found = find("[p5] The firebreaks cost 41,300 dollars in total. [p5]\n[p6] Fuel was the largest item. [p6]", layout);
    QCOMPARE(found.size(), std::size_t{4});
    QVERIFY(found[0].opens && !found[1].opens && found[2].opens && !found[3].opens);
    QVERIFY(found[0].check == QuoteCheck::kVerified && found[1].check == QuoteCheck::kVerified);
    QVERIFY(found[3].check == QuoteCheck::kNotFound);
    QCOMPARE(found[3].quote, std::string("Fuel was the largest item."));
  }

  void a_model_that_only_quotes_is_held_to_every_word() {
    engine::PromptLayout layout;
    layout.quote_constraint = true;
    QVERIFY(find("They were not cheap. [p5]", layout)[0].check == QuoteCheck::kNotFound);
  }

  void several_anchors_speak_for_the_same_words() {
    const auto found = find("\"Fuel was the smallest item.\" [p6][p5] and [p2, p3]");
    QCOMPARE(found.size(), std::size_t{4});
    QVERIFY(found[0].check == QuoteCheck::kVerified);
    QVERIFY(found[1].check == QuoteCheck::kNotFound);
    QCOMPARE(found[2].anchor, 2);
    QCOMPARE(found[3].anchor, 3);
  }

  void an_anchor_that_the_prompt_did_not_have_is_told() {
    const auto found = find("As everybody knows [p77].");
    QCOMPARE(found.size(), std::size_t{1});
    QVERIFY(!found[0].in_prompt);
    QCOMPARE(found[0].label, std::string("no such source"));
  }

  void what_only_looks_like_an_anchor_is_none() {
    QVERIFY(find("See [p], [p1x], p12, [q3] and [p12345678901].").empty());
  }

  void an_unfinished_anchor_is_held_back_while_text_streams_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<int>("at");
    QTest::newRow("nothing") << "It rained." << 10;
    QTest::newRow("a bracket") << "It rained [" << 10;
    QTest::newRow("half a number") << "It rained [p1" << 10;
    QTest::newRow("a list") << "It rained [p1, p" << 10;
    QTest::newRow("done") << "It rained [p1]" << 14;
    QTest::newRow("something else") << "It rained [twice" << 16;
  }
  void an_unfinished_anchor_is_held_back_while_text_streams() {
    QFETCH(QString, text);
    QFETCH(int, at);
    QCOMPARE(unfinished_anchor(text.toStdString(), {}), static_cast<std::size_t>(at));
  }

  void typographic_variants_count_as_near() {
    const auto match = match_quote("the crew's \"first\" fire - of 2019", "It was the crew\xE2\x80\x99s \xE2\x80\x9C" "first\xE2\x80\x9D fire \xE2\x80\x93 of\n2019.");
    QVERIFY(match.check == QuoteCheck::kNear);
    QCOMPARE(match.begin, 7u);
  }

  void citations_survive_being_saved() {
    const auto found = find("\"Fuel was the smallest item.\" [p6] and [p77]");
    const auto again = citations_from_json(citations_to_json(found));
    QVERIFY(again.has_value());
    QCOMPARE(citations_to_json(*again), citations_to_json(found));
    QVERIFY(!citations_from_json("[{}]").has_value());
    QVERIFY(!citations_from_json("nonsense").has_value());
  }
};

QTEST_GUILESS_MAIN(CitationsTest)
#include "citations_test.moc"
