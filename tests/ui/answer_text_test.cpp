#include <QApplication>
#include <QClipboard>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>
#include <QTextTable>

#include "ui/conversation/answer_text.h"
#include "ui/conversation/conversation_tree.h"

/// Answers are Markdown from a model: drawn as they stream, and never more than text.
class AnswerTextTest : public QObject {
  Q_OBJECT

 private:
  static ui::Chip chip(std::uint32_t begin, std::uint32_t end, const QString& label) {
    ui::Chip chip;
    chip.begin = begin;
    chip.end = end;
    chip.label = label;
    return chip;
  }

 private slots:
  void an_anchor_becomes_a_chip_with_page_and_is_copied_with_its_label();
  void html_and_scripts_are_shown_as_text();
  void pictures_are_never_loaded();
  void a_table_is_a_table();
  void streamed_in_pieces_it_looks_like_at_once();
  void a_word_leads_back_to_its_byte();
  void an_anchor_at_the_start_of_a_line_is_no_link_definition();
  void an_edited_question_makes_a_second_branch();
  void a_tree_that_runs_in_a_circle_is_refused();
};

void AnswerTextTest::an_anchor_becomes_a_chip_with_page_and_is_copied_with_its_label() {
  ui::AnswerText view;
  view.show_markdown("The lake rose. [p12] Then it fell.", {chip(15, 20, "report.pdf, p. 14")});
  QCOMPARE(view.document()->toPlainText(), QString("The lake rose. ") + QChar::ObjectReplacementCharacter + " Then it fell.");
  view.selectAll();
  view.copy();
  QCOMPARE(QApplication::clipboard()->text(), QString("The lake rose. [report.pdf, p. 14] Then it fell."));
}

void AnswerTextTest::html_and_scripts_are_shown_as_text() {
  ui::AnswerText view;
  view.show_markdown("<b>bold</b> <script>alert(1)</script>", {});
  QCOMPARE(view.document()->toPlainText(), QString("<b>bold</b> <script>alert(1)</script>"));
}

void AnswerTextTest::pictures_are_never_loaded() {
  ui::AnswerText view;
  view.show_markdown("Look: ![a lake](http://example.org/lake.png)", {});
  QCOMPARE(view.document()->toPlainText(), QString("Look: a lake"));
  QVERIFY(!view.toHtml().contains("<img"));
}

void AnswerTextTest::a_table_is_a_table() {
  ui::AnswerText view;
  view.show_markdown("| year | level |\n|---|--:|\n| 2013 | 4.21 |\n| 2014 | 3.90 |\n", {});
  const auto tables = view.document()->rootFrame()->childFrames();
  QCOMPARE(tables.size(), 1);
  auto* table = qobject_cast<QTextTable*>(tables.front());
  QVERIFY(table != nullptr);
  QCOMPARE(table->rows(), 3);
  QCOMPARE(table->cellAt(1, 1).firstCursorPosition().block().text(), QString("4.21"));
}

void AnswerTextTest::streamed_in_pieces_it_looks_like_at_once() {
  const std::string whole = "# Levels\n\nFirst *one*.\n\n- a\n- b\n\n```cpp\nint x = 1;\n\nint y;\n```\n\n1. eins\n2. zwei\n\nEnd [p3].";
  ui::AnswerText at_once;
  at_once.show_markdown(whole, {chip(static_cast<std::uint32_t>(whole.size()) - 5, static_cast<std::uint32_t>(whole.size()) - 1, "p. 3")});
  ui::AnswerText streamed;
  for (std::size_t n = 1; n < whole.size(); n += 3) streamed.show_markdown(whole.substr(0, n), {});
  streamed.show_markdown(whole, {chip(static_cast<std::uint32_t>(whole.size()) - 5, static_cast<std::uint32_t>(whole.size()) - 1, "p. 3")});
  QCOMPARE(streamed.document()->toPlainText(), at_once.document()->toPlainText());
}

void AnswerTextTest::a_word_leads_back_to_its_byte() {
  ui::AnswerText view;
  const std::string text = "Größe **zählt** hier";
  view.show_markdown(text, {});
  const int position = view.document()->toPlainText().indexOf("hier");
  QCOMPARE(view.byte_at(position), static_cast<std::int64_t>(text.find("hier")));
}

void AnswerTextTest::an_anchor_at_the_start_of_a_line_is_no_link_definition() {
  ui::AnswerText view;
  view.show_markdown("[p12]: the level was high", {chip(0, 5, "p. 1")});
  QVERIFY(view.document()->toPlainText().endsWith(": the level was high"));
}

void AnswerTextTest::an_edited_question_makes_a_second_branch() {
  ui::ConversationTree tree;
  const int first = tree.add(-1, 100);
  tree.add(first, 101);
  tree.add(-1, 102);
  QCOMPARE(tree.branch().size(), std::size_t(1));
  tree.step(tree.branch().front(), -1);
  QCOMPARE(tree.run(tree.branch().back()), app::RunId(101));
  const ui::ConversationTree read = ui::ConversationTree::from_json(tree.to_json());
  QCOMPARE(read.branch(), tree.branch());
  QCOMPARE(read.versions(first).size(), std::size_t(2));
}

void AnswerTextTest::a_tree_that_runs_in_a_circle_is_refused() {
  QVERIFY(ui::ConversationTree::from_json(R"({"nodes":[[1,-1,0]],"open":0})").empty());
  QVERIFY(ui::ConversationTree::from_json(R"({"nodes":[[1,0,-1]],"open":0})").empty());
  QVERIFY(ui::ConversationTree::from_json(R"({"nodes":[[1,-1,-1]],"open":7})").empty());
}

QTEST_MAIN(AnswerTextTest)
#include "answer_text_test.moc"
