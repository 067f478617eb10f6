#include <QTest>

#include "app/question/question_words.h"
#include "app/question/word_forms.h"

using namespace app;

namespace {

using Passages = std::vector<std::string>;

const Passages kReport = {
    "The gopher frog bred in two of them in 2014 and in seven in 2024.",
    "Frogs were heard at every pond.",
    "On the 64 permanent plots, mean wiregrass cover rose from 11.4 percent.",
    "Wiregrass (Aristida stricta) returned after the second burn.",
    "Henslow\u2019s sparrows winter here; the creek is dry by June.",
    "The creek was dry in June.",
    "Volunteers of Tolliver Creek met at the creek.",
    "burn_window() returns the hours in which a burn may start.",
    "Tolliver Creek has three springs.",
    "Insurance for the crew was 4,200 dollars.",
};

QuestionWords ask(const std::string& question, const Passages& passages = kReport) {
  std::vector<PassageWords> sources;
  for (const std::string& text : passages) {
    sources.emplace_back(text, std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, static_cast<std::uint32_t>(text.size())}});
  }
  std::vector<const PassageWords*> all;
  for (const PassageWords& source : sources) all.push_back(&source);
  return choose_words(question, all);
}

}  // namespace

class QuestionWordsTest : public QObject {
  Q_OBJECT

 private slots:
  void a_question_becomes_the_words_that_stand_together_the_rarest_first_data() {
    QTest::addColumn<QString>("question");
    QTest::addColumn<QString>("words");
    QTest::newRow("function words go") << "What does the report say about the gopher frog?" << "gopher frog";
    QTest::newRow("the form that stands there") << "How many GOPHER FROGS bred?" << "gopher frog bred";
    QTest::newRow("a possessive") << "Where does Henslow's sparrow winter?" << "Henslow\u2019s sparrows winter";
    QTest::newRow("the passage with more of the words") << "What was mean wiregrass cover on the plots?" << "plots, mean wiregrass cover";
    QTest::newRow("an identifier") << "What does burn_window return?" << "burn_window, returns";
    QTest::newRow("a part of an identifier") << "Is there a window for the hours?" << "burn_window, hours";
    QTest::newRow("a number") << "Which plots had 11.4 percent?" << "plots, 11.4 percent";
    QTest::newRow("a word that stands nowhere is left out") << "How were breeding gopher frogs counted in 2024?" << "gopher frog, 2024";
    QTest::newRow("a large number") << "What cost 4,200 dollars?" << "4,200 dollars";
    QTest::newRow("one word") << "insurance" << "Insurance";
    QTest::newRow("what two passages hold is asked for as it is") << "dry creek" << "dry, creek";
    QTest::newRow("up to four passages") << "creek" << "creek";
    QTest::newRow("other languages") << "Was steht im Text \u00fcber Aristida?" << "Aristida";
  }
  void a_question_becomes_the_words_that_stand_together_the_rarest_first() {
    QFETCH(QString, question);
    QFETCH(QString, words);
    const QuestionWords chosen = ask(question.toStdString());
    QStringList got;
    for (const std::string& word : chosen.words) got << QString::fromStdString(word);
    QCOMPARE(got.join(", "), words);
    QVERIFY(chosen.found);
  }

  void what_stands_nowhere_is_asked_for_as_it_was_typed_data() {
    QTest::addColumn<QString>("question");
    QTest::addColumn<QString>("words");
    QTest::newRow("nothing stands there") << "What about glaciers and penguins?" << "glaciers, penguins";
    QTest::newRow("a name") << "What did Miller say about the gopher frog that bred in 2014?" << "Miller";
    QTest::newRow("a number") << "Were gopher frogs seen in 1999?" << "1999";
    QTest::newRow("quoted") << "Where is \"gopher tortoise\" mentioned?" << "tortoise";
    QTest::newRow("the only telling word") << "Are there dolphins in the creek?" << "dolphins";
    QTest::newRow("most of the words") << "Which insurance covers glaciers and penguins?" << "glaciers, penguins";
  }
  void what_stands_nowhere_is_asked_for_as_it_was_typed() {
    QFETCH(QString, question);
    QFETCH(QString, words);
    const QuestionWords chosen = ask(question.toStdString());
    QStringList got;
    for (const std::string& word : chosen.words) got << QString::fromStdString(word);
    QCOMPARE(got.join(", "), words);
    QVERIFY(!chosen.found);
  }

  void a_word_that_others_share_takes_neighbours_along_until_it_tells_the_passage() {
    const Passages passages = {"The pump failed at noon.", "The pump of the east well runs.", "The valve of the east well leaks.", "Noon is hot."};
    QCOMPARE(ask("What about the pump at noon?", passages).words, (std::vector<std::string>{"pump failed", "noon"}));
    QCOMPARE(ask("Does the east pump run?", passages).words, (std::vector<std::string>{"runs", "pump", "east"}));
    QCOMPARE(ask("east well", passages).words, (std::vector<std::string>{"east well"}));  // both
    QCOMPARE(ask("noon", {"At noon.", "At noon."}).words, (std::vector<std::string>{"noon"}));
  }

  void the_hook_is_the_item_that_only_this_passage_holds() {
    const Passages passages = {"It is called an \"aggregate\" if nothing is limited.", "An \"aggregate\" does not apply.", "He called again."};
    QCOMPARE(ask("What is called an aggregate?", passages).words, (std::vector<std::string>{"called an", "aggregate"}));
  }

  void a_word_that_a_longer_one_begins_with_takes_neighbours_along() {
    const Passages passages = {"double reaches_soil = 1;", "Only rain reaches the soil.", "Rain falls."};
    QCOMPARE(ask("reaches", passages).words, (std::vector<std::string>{"reaches the"}));
  }

  void function_words_between_do_not_part_neighbours() {
    Passages passages(5, "The first burn of a year is lit by one who never lit a burn.");
    passages.insert(passages.begin(), "Here the first burn was lit.");
    passages.insert(passages.begin(), "Lit by nobody, this burn came first.");
    QCOMPARE(ask("When was the first burn lit?", passages).words, (std::vector<std::string>{"first burn was", "lit"}));
  }

  void an_identifier_outweighs_a_word_that_stands_nowhere() {
    Passages passages(40, "Nothing to see.");
    for (int i = 0; i < 6; ++i) passages.push_back("auto table" + std::to_string(i) + " = parse_csv(text);");
    QVERIFY(ask("Which functions are called parse_csv?", passages).found);
    QVERIFY(!ask("Which functions are called parse_tsv?", passages).found);
  }

  void function_words_alone_are_no_words() {
    QVERIFY(ask("What is it?").words.empty());
    QVERIFY(ask("?!").words.empty());
    QVERIFY(ask("").words.empty());
    QVERIFY(ask("frog", {}).words == std::vector<std::string>{"frog"});
  }

  void a_question_in_title_case_has_no_names() {
    QVERIFY(ask("How Many Gopher Frogs Bred Yesterday?").found);
  }

  void scripts_without_spaces_are_cut_where_the_passages_allow() {
    const QuestionWords chosen = ask("\u54ea\u4e00\u6bb5\u63d0\u5230\u91ce\u706b\u7ba1\u7406\uff1f", {"\u6e7f\u5ea6\u5f88\u91cd\u8981\u3002", "\u7b2c\u4e8c\u6bb5\u8ba8\u8bba\u91ce\u706b\u7ba1\u7406\u7684\u8d39\u7528\u3002"});
    QVERIFY(chosen.found);
    QCOMPARE(chosen.words, std::vector<std::string>{"\u91ce\u706b\u7ba1\u7406"});
  }

  void hostile_questions_are_only_words() {
    std::string much;
    for (int i = 0; i < 5000; ++i) much += "word" + std::to_string(i) + " ";
    QVERIFY(ask(much).words.size() <= 5);
    QVERIFY(!ask("\xff\xfe frog \xc3").words.empty());
    QVERIFY(ask(std::string(100'000, '\'') + "frog").found);
  }

  void forms_of_a_word_share_a_stem_data() {
    QTest::addColumn<QString>("one");
    QTest::addColumn<QString>("other");
    QTest::addColumn<bool>("same");
    QTest::newRow("plural") << "sparrow" << "sparrows" << true;
    QTest::newRow("ies") << "study" << "studies" << true;
    QTest::newRow("past") << "plan" << "planned" << true;
    QTest::newRow("ing") << "bake" << "baking" << true;
    QTest::newRow("possessive") << "frog" << "frog's" << true;
    QTest::newRow("not a plural") << "glass" << "glas" << false;
    QTest::newRow("other words") << "frog" << "frost" << false;
    QTest::newRow("numbers") << "2014" << "2015" << false;
  }
  void forms_of_a_word_share_a_stem() {
    QFETCH(QString, one);
    QFETCH(QString, other);
    QTEST(stem(one.toStdString()) == stem(other.toStdString()), "same");
  }

  void words_are_listed_as_a_person_would() {
    QCOMPARE(list_words({"a"}), std::string("a"));
    QCOMPARE(list_words({"a", "b"}), std::string("a and b"));
    QCOMPARE(list_words({"a", "b", "c"}), std::string("a, b and c"));
  }
};

QTEST_APPLESS_MAIN(QuestionWordsTest)
#include "question_words_test.moc"
