#include "engine/sampling/find_constraint.h"

#include <QtTest>
#include <algorithm>

#include "engine/sampling/quote_constraint.h"

using engine::FindConstraint;
using engine::QuotableText;
using engine::TokenId;

namespace {

using Strings = std::vector<std::string>;

const Strings kBlocks = {
    "[p1] The rose is red. [p1]\n",
    "[p2] The rose is tall and red. [p2]\n",
    "[p3] Seedlings of is_rose grow. [p3]\n",
    "[p4] A Seedling is small. [p4]\n",
    "[p5] The word stands in \"usage: rose\" here. [p5]\n",
};

}  // namespace

class FindConstraintTest : public QObject {
  Q_OBJECT

  std::shared_ptr<const engine::Tokenizer> tokenizer_;
  TokenId end_ = 0;

  std::shared_ptr<const QuotableText> text(const Strings& blocks) const {
    std::vector<TokenId> ids;
    std::vector<engine::TokenRange> ranges;
    for (const std::string& block : blocks) {
      const auto begin = static_cast<std::int64_t>(ids.size());
      for (const TokenId id : tokenizer_->encode(block)) ids.push_back(id);
      ranges.push_back({begin, static_cast<std::int64_t>(ids.size())});
    }
    return std::make_shared<const QuotableText>(tokenizer_, ids, ranges);
  }

  FindConstraint constraint(const Strings& blocks = kBlocks) const { return {text(blocks), {"Looking for:", "Found", "Nothing found"}, {end_}}; }

  static bool may_follow(FindConstraint& constraint, TokenId id) {
    const auto allowed = constraint.allowed();
    return allowed.empty() || std::ranges::binary_search(allowed, id);
  }

  bool accepts(FindConstraint& constraint, const std::string& words) const {
    for (const TokenId id : tokenizer_->encode(words)) {
      if (!may_follow(constraint, id)) return false;
      constraint.push(id);
    }
    return true;
  }

  /// The list's line ends in a token of its own.
  bool lists(FindConstraint& constraint, const std::string& words) const { return accepts(constraint, "Looking for: " + words) && accepts(constraint, "\n"); }

 private slots:
  void initTestCase() {
    auto loaded = engine::Tokenizer::load(std::string(LONGLEAF_SOURCE_DIR) + "/resources/models/finder");
    QVERIFY(loaded);
    tokenizer_ = *loaded;
    end_ = tokenizer_->control("</think>").value();
  }

  void the_list_is_free() {
    auto find = constraint();
    QVERIFY(find.allowed().empty());
    QVERIFY(accepts(find, "Looking for: anything at all, and more"));
    QVERIFY(find.allowed().empty());
  }

  void a_found_line_goes_on_as_a_passage_with_the_words_does() {
    auto find = constraint();
    QVERIFY(lists(find, "tall"));
    QVERIFY(!may_follow(find, tokenizer_->encode("Nothing").front()));
    QVERIFY(accepts(find, "Found tall and red. [p"));
    QVERIFY(!may_follow(find, tokenizer_->encode("1").front()));
    QVERIFY(accepts(find, "2]"));
    QVERIFY(may_follow(find, end_));
    QCOMPARE(find.allowed().size(), std::size_t{1});
    QCOMPARE(find.found(), (std::vector<std::uint32_t>{1}));
  }

  void all_of_the_words_must_stand_in_the_passage_where_one_holds_them() {
    auto find = constraint();
    QVERIFY(lists(find, "rose, tall"));
    QVERIFY(accepts(find, "Found rose is"));
    QCOMPARE(find.allowed().size(), std::size_t{1});
    QVERIFY(accepts(find, " tall and red. [p2]"));
    QVERIFY(may_follow(find, end_));
  }

  void words_that_stand_apart_are_found_by_the_first() {
    auto find = constraint();
    QVERIFY(lists(find, "small, tall"));
    QVERIFY(accepts(find, "Found small. [p4]"));
    QVERIFY(may_follow(find, end_));
  }

  void every_passage_with_the_words_is_found_and_none_twice() {
    auto find = constraint();
    QVERIFY(lists(find, "rose, red"));
    QVERIFY(accepts(find, "Found rose is tall and red. [p2"));
    QVERIFY(!may_follow(find, tokenizer_->encode("]").front()));  // another one is left
    QVERIFY(accepts(find, "]\n"));
    QVERIFY(!may_follow(find, end_));
    QVERIFY(accepts(find, "Found rose is"));
    QVERIFY(!may_follow(find, tokenizer_->encode(" tall").front()));
    QVERIFY(accepts(find, " red. [p1"));
    QVERIFY(!may_follow(find, tokenizer_->encode("]\n").front()));
    QVERIFY(accepts(find, "]"));
    QVERIFY(may_follow(find, end_));
    QCOMPARE(find.found(), (std::vector<std::uint32_t>{1, 0}));
  }

  void no_more_than_four_are_found() {
    Strings many;
    for (int i = 1; i <= 9; ++i) many.push_back("[p" + std::to_string(i) + "] A rose of kind " + std::to_string(i) + ". [p" + std::to_string(i) + "]\n");
    auto find = constraint(many);
    QVERIFY(lists(find, "rose"));
    for (int i = 1; i <= 4; ++i) {
      const std::string n = std::to_string(i);
      QVERIFY(accepts(find, "Found rose of kind " + n + ". [p" + n + (i < 4 ? "]\n" : "]")));
    }
    QVERIFY(may_follow(find, end_));
    QCOMPARE(find.found().size(), FindConstraint::kMaxFound);
  }

  void what_stands_nowhere_is_not_found_data() {
    QTest::addColumn<QString>("words");
    QTest::addColumn<bool>("stands");
    QTest::newRow("a word") << "tulip" << false;
    QTest::newRow("a word that only looks alike") << "tal" << false;
    QTest::newRow("an identifier") << "is_rose" << true;
    QTest::newRow("the end of an identifier alone") << "rose grow" << false;
    QTest::newRow("another case") << "seedling" << true;
    QTest::newRow("in quotation marks") << "usage" << true;
  }
  void what_stands_nowhere_is_not_found() {
    QFETCH(QString, words);
    QFETCH(bool, stands);
    auto find = constraint();
    QVERIFY(lists(find, words.toStdString()));
    QCOMPARE(may_follow(find, tokenizer_->encode("Found").front()), stands);
    QCOMPARE(may_follow(find, tokenizer_->encode("Nothing").front()), !stands);
    if (!stands) QVERIFY(accepts(find, "Nothing found"));
  }

  void a_plural_is_another_word() {
    auto find = constraint();
    QVERIFY(lists(find, "seedling"));
    QVERIFY(accepts(find, "Found Seedling is small. [p4]"));
    QCOMPARE(find.found(), (std::vector<std::uint32_t>{3}));
  }

  void other_thinking_is_free() {
    auto find = constraint();
    QVERIFY(accepts(find, "I wonder what this is about.\nFound tulips"));
    QVERIFY(find.allowed().empty());
    QVERIFY(find.found().empty());
  }

  void an_answer_quotes_what_was_found_each_once_and_ends() {
    const auto blocks = text(kBlocks);
    engine::QuoteConstraint quote(blocks, engine::QuoteStyle::kLines, {end_});
    quote.hold_to({1, 0});
    const auto push = [&](const std::string& words) {
      for (const TokenId id : tokenizer_->encode(words)) {
        const auto allowed = quote.allowed();
        if (!std::ranges::binary_search(allowed, id)) return false;
        quote.push(id);
      }
      return true;
    };
    QVERIFY(!push("Not found"));
    QVERIFY(push("[p1] The rose is red. [p1]\n"));
    QVERIFY(push("[p"));
    QCOMPARE(quote.allowed().size(), std::size_t{1});  // p2 alone is left
    QVERIFY(push("2] The rose is tall and red. [p2]"));
    const auto last = quote.allowed();
    QCOMPARE((std::vector<TokenId>{last.begin(), last.end()}), std::vector<TokenId>{end_});
  }
};

QTEST_APPLESS_MAIN(FindConstraintTest)
#include "find_constraint_test.moc"
