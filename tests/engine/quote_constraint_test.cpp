#include "engine/sampling/quote_constraint.h"

#include <QElapsedTimer>
#include <QtTest>
#include <algorithm>

using engine::QuoteConstraint;
using engine::QuoteStyle;
using engine::TokenId;

class QuoteConstraintTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase();
  void a_line_that_begins_like_a_block_goes_on_to_its_anchor();
  void a_line_that_begins_like_no_block_is_free();
  void after_a_block_another_line_or_the_end_may_follow();
  void an_answer_may_end_where_the_prompts_last_token_holds_the_line_end_too();
  void a_block_of_several_lines_goes_on_after_a_line_end();
  void two_blocks_with_the_same_beginning_stay_open_until_they_differ();
  void text_between_marks_must_occur_in_a_block_data();
  void text_between_marks_must_occur_in_a_block();
  void a_quotation_may_begin_inside_a_token_and_end_anywhere();
  void a_quotation_never_runs_over_a_block_or_outside_them();
  void a_mark_after_a_number_is_an_inch();
  void nothing_quotable_forbids_nothing_outside_marks();
  void a_step_over_a_long_prompt_is_fast();

 private:
  struct Prompt {
    std::vector<TokenId> ids;
    std::vector<engine::TokenRange> blocks;
  };
  Prompt prompt(const std::vector<std::string>& blocks) const;
  QuoteConstraint constraint(const Prompt& prompt, QuoteStyle style) const;
  /// Pushes the tokens of `text`; false as soon as one of them is not allowed.
  bool accepts(QuoteConstraint& constraint, const std::string& text) const;
  bool may_follow(QuoteConstraint& constraint, TokenId id) const;
  std::vector<std::string> next(QuoteConstraint& constraint) const;

  std::shared_ptr<const engine::Tokenizer> tokenizer_;
  TokenId end_ = 0;
};

void QuoteConstraintTest::initTestCase() {
  auto loaded = engine::Tokenizer::load(std::string(LONGLEAF_SOURCE_DIR) + "/resources/models/starter");
  QVERIFY(loaded);
  tokenizer_ = *loaded;
  end_ = tokenizer_->control("<｜end▁of▁sentence｜>").value();
}

QuoteConstraintTest::Prompt QuoteConstraintTest::prompt(const std::vector<std::string>& blocks) const {
  Prompt made;
  made.ids = tokenizer_->encode("system text that is not quotable\n");
  for (const std::string& block : blocks) {
    const auto begin = static_cast<std::int64_t>(made.ids.size());
    for (const TokenId id : tokenizer_->encode(block)) made.ids.push_back(id);
    made.blocks.push_back({begin, static_cast<std::int64_t>(made.ids.size())});
  }
  for (const TokenId id : tokenizer_->encode("What is red?")) made.ids.push_back(id);
  return made;
}

QuoteConstraint QuoteConstraintTest::constraint(const Prompt& prompt, QuoteStyle style) const {
  return QuoteConstraint(std::make_shared<const engine::QuotableText>(tokenizer_, prompt.ids, prompt.blocks), style, {end_});
}

bool QuoteConstraintTest::may_follow(QuoteConstraint& constraint, TokenId id) const {
  const auto allowed = constraint.allowed();
  return allowed.empty() || std::binary_search(allowed.begin(), allowed.end(), id);
}

bool QuoteConstraintTest::accepts(QuoteConstraint& constraint, const std::string& text) const {
  for (const TokenId id : tokenizer_->encode(text)) {
    if (!may_follow(constraint, id)) return false;
    constraint.push(id);
  }
  return true;
}

std::vector<std::string> QuoteConstraintTest::next(QuoteConstraint& constraint) const {
  std::vector<std::string> texts;
  for (const TokenId id : constraint.allowed()) texts.emplace_back(tokenizer_->bytes(id));
  std::sort(texts.begin(), texts.end());
  return texts;
}

void QuoteConstraintTest::a_line_that_begins_like_a_block_goes_on_to_its_anchor() {
  auto quote = constraint(prompt({"[p12] The rose is red. [p12]\n", "[p13] The sky is blue. [p13]\n"}), QuoteStyle::kLines);
  QVERIFY(quote.allowed().empty());
  QVERIFY(accepts(quote, "[p13] The sky"));
  QCOMPARE(next(quote), (std::vector<std::string>{" is"}));
  QVERIFY(!may_follow(quote, end_));
  QVERIFY(accepts(quote, " is blue. [p"));
  QCOMPARE(next(quote), (std::vector<std::string>{"13"}));
  QVERIFY(!accepts(quote, "12]"));
}

void QuoteConstraintTest::a_line_that_begins_like_no_block_is_free() {
  auto quote = constraint(prompt({"[p12] The rose is red. [p12]\n"}), QuoteStyle::kLines);
  QVERIFY(accepts(quote, "Not found in the documents."));
  QVERIFY(quote.allowed().empty());
  QVERIFY(accepts(quote, "\n[p12] The"));
  QCOMPARE(next(quote), (std::vector<std::string>{std::string(tokenizer_->bytes(tokenizer_->encode(" rose").front()))}));
}

void QuoteConstraintTest::after_a_block_another_line_or_the_end_may_follow() {
  auto quote = constraint(prompt({" The rose is red. [p12]\n", " The sky is blue. [p13]\n"}), QuoteStyle::kLines);
  QVERIFY(accepts(quote, " The rose is red. [p12]"));
  QVERIFY(may_follow(quote, end_));
  QCOMPARE(quote.allowed().size(), std::size_t{2});
  QVERIFY(accepts(quote, "\n"));
  QVERIFY(quote.allowed().empty());
  QVERIFY(accepts(quote, " The sky is blue. [p13]\n"));
  QVERIFY(quote.allowed().empty());
}

void QuoteConstraintTest::an_answer_may_end_where_the_prompts_last_token_holds_the_line_end_too() {
  const auto loaded = engine::Tokenizer::load(std::string(LONGLEAF_SOURCE_DIR) + "/resources/models/finder");
  QVERIFY(loaded);
  const auto finder = *loaded;
  const std::string block = "[p13] Its keel is of oak. [p13]";
  const auto in_prompt = finder->encode(block + "\n");
  const auto in_answer = finder->encode(block);
  QVERIFY(in_prompt.back() != in_answer.back() && in_prompt.size() == in_answer.size());  // "]\n" and "]"
  const engine::TokenRange range{0, static_cast<std::int64_t>(in_prompt.size())};
  QuoteConstraint quote(std::make_shared<const engine::QuotableText>(finder, in_prompt, std::span(&range, 1)), QuoteStyle::kLines, {end_});
  for (const TokenId id : in_answer) {
    QVERIFY(may_follow(quote, id));
    quote.push(id);
  }
  QVERIFY(may_follow(quote, end_));
  QVERIFY(may_follow(quote, finder->encode("\n").front()));
  QCOMPARE(quote.allowed().size(), std::size_t{2});
}

void QuoteConstraintTest::a_block_of_several_lines_goes_on_after_a_line_end() {
  auto quote = constraint(prompt({"[p1] if (x) {\n  y();\n} [p1]\n"}), QuoteStyle::kLines);
  QVERIFY(accepts(quote, "[p1] if (x) {\n"));
  QVERIFY(!quote.allowed().empty());
  QVERIFY(!may_follow(quote, end_));
  QVERIFY(accepts(quote, "  y();\n} [p1]"));
  QVERIFY(may_follow(quote, end_));
}

void QuoteConstraintTest::two_blocks_with_the_same_beginning_stay_open_until_they_differ() {
  auto quote = constraint(prompt({" The rose is red. [p1]\n", " The rose is tall. [p2]\n", " A tree. [p3]\n"}), QuoteStyle::kLines);
  QVERIFY(accepts(quote, " The rose is"));
  QCOMPARE(quote.allowed().size(), std::size_t{2});
  QVERIFY(accepts(quote, " tall. [p"));
  QCOMPARE(next(quote), (std::vector<std::string>{"2"}));
}

void QuoteConstraintTest::text_between_marks_must_occur_in_a_block_data() {
  QTest::addColumn<QString>("answer");
  QTest::addColumn<bool>("accepted");
  QTest::newRow("verbatim") << "It says \"The rose is red\" there [p12]." << true;
  QTest::newRow("from the middle") << "It says \"rose is\" there." << true;
  QTest::newRow("curly marks") << "It says “rose is red.” there." << true;
  QTest::newRow("German marks") << "Dort: „rose is red“ steht." << true;
  QTest::newRow("guillemets") << "Il dit «rose is red» ici." << true;
  QTest::newRow("a word too many") << "It says \"The rose is deep red\" there." << false;
  QTest::newRow("two blocks in one") << "It says \"is red. [p12]\n The sky\"." << false;
  QTest::newRow("not from the question") << "You asked \"What is red\"." << false;
  QTest::newRow("not from the system text") << "As \"system text\" says." << false;
  QTest::newRow("free again afterwards") << "It says \"red\" and anything else." << true;
  QTest::newRow("second quotation") << "\"red\" and \"green\"" << false;
}

void QuoteConstraintTest::text_between_marks_must_occur_in_a_block() {
  QFETCH(QString, answer);
  QFETCH(bool, accepted);
  auto quote = constraint(prompt({" The rose is red. [p12]\n", " The sky is blue. [p13]\n"}), QuoteStyle::kMarks);
  QCOMPARE(accepts(quote, answer.toStdString()), accepted);
}

void QuoteConstraintTest::a_quotation_may_begin_inside_a_token_and_end_anywhere() {
  auto quote = constraint(prompt({" A DepURL is portable. [p1]\n"}), QuoteStyle::kMarks);
  // After a mark the word is cut otherwise than after a space: the first token ends inside one of the prompt's.
  QVERIFY(tokenizer_->encode("DepURL").front() != tokenizer_->encode(" DepURL").front());
  QVERIFY(accepts(quote, "\"DepURL"));
  QVERIFY(may_follow(quote, tokenizer_->encode(" is").front()));
  QVERIFY(may_follow(quote, tokenizer_->encode("\"").front()));
  QVERIFY(!may_follow(quote, end_));
  QVERIFY(accepts(quote, "\" it is"));
}

void QuoteConstraintTest::a_quotation_never_runs_over_a_block_or_outside_them() {
  auto quote = constraint(prompt({" red", " blue"}), QuoteStyle::kMarks);
  QVERIFY(accepts(quote, "\"red"));
  for (const std::string& text : next(quote)) QVERIFY(text.starts_with("\""));
}

void QuoteConstraintTest::a_mark_after_a_number_is_an_inch() {
  auto quote = constraint(prompt({" The rose is red. [p12]\n"}), QuoteStyle::kMarks);
  QVERIFY(accepts(quote, "A 5\" pipe, and then \"rose"));
  QVERIFY(!quote.allowed().empty());
}

void QuoteConstraintTest::nothing_quotable_forbids_nothing_outside_marks() {
  auto lines = constraint(prompt({}), QuoteStyle::kLines);
  QVERIFY(accepts(lines, "Anything [p1]\nat all"));
  auto marks = constraint(prompt({}), QuoteStyle::kMarks);
  QVERIFY(accepts(marks, "Anything at all"));
}

void QuoteConstraintTest::a_step_over_a_long_prompt_is_fast() {
  std::vector<std::string> blocks;
  for (int i = 0; i < 8000; ++i) {
    const std::string anchor = "[p" + std::to_string(i) + "]";
    blocks.push_back(anchor + " The report of the year " + std::to_string(i % 300) + " says the bridge was closed. " + anchor + "\n");
  }
  const Prompt long_prompt = prompt(blocks);
  QVERIFY(long_prompt.ids.size() > 128'000);
  QElapsedTimer timer;
  for (const QuoteStyle style : {QuoteStyle::kLines, QuoteStyle::kMarks}) {
    timer.start();
    auto quote = constraint(long_prompt, style);
    const double build_ms = static_cast<double>(timer.nsecsElapsed()) / 1e6;
    const std::string answer = style == QuoteStyle::kLines ? blocks[4242] : "x \"The report of the year 42 says the bridge was closed.\"";
    const auto ids = tokenizer_->encode(answer);
    timer.start();
    for (const TokenId id : ids) {
      QVERIFY(may_follow(quote, id));
      quote.push(id);
    }
    const double step_ms = static_cast<double>(timer.nsecsElapsed()) / 1e6 / static_cast<double>(ids.size());
    qInfo("%zu prompt tokens: built in %.2f ms, %.3f ms a step", long_prompt.ids.size(), build_ms, step_ms);
    // Far above what it needs, for sanitizers and busy machines; a scan of the prompt per step would not pass.
    QVERIFY(step_ms < 20);
  }
}

QTEST_GUILESS_MAIN(QuoteConstraintTest)
#include "quote_constraint_test.moc"
