#include <QApplication>
#include <QBuffer>
#include <QFile>
#include <QFileInfo>
#include <QImage>
#include <QTemporaryDir>
#include <QTest>

#include "ui/conversation/conversation_export.h"
#include "ui/conversation/html_writer.h"
#include "ui/theme/tokens.h"

class ExportTest : public QObject {
  Q_OBJECT

  static ui::ExportedTurn turn(const std::string& answer, const std::string& anchor) {
    ui::ExportedTurn one;
    one.run.question = "How much did the\nfirebreaks cost?";
    one.run.answer = answer;
    one.run.thinking = "I look <b>for</b> costs.";
    app::Citation citation;
    citation.begin = static_cast<std::uint32_t>(answer.find(anchor));
    citation.end = citation.begin + static_cast<std::uint32_t>(anchor.size());
    citation.in_prompt = true;
    citation.check = app::QuoteCheck::kVerified;
    citation.label = "report <1>.pdf, p. 2";
    citation.quote = "41,300 dollars";
    one.citations.push_back(citation);
    return one;
  }

 private slots:
  void markdown_has_a_footnote_for_each_citation() {
    const std::string text = ui::conversation_to_markdown("fire", {turn("They cost 41,300 dollars [p7].", "[p7]")});
    QVERIFY2(text.find("## How much did the firebreaks cost?") != std::string::npos, text.c_str());
    QVERIFY(text.find("They cost 41,300 dollars [^1-1].") != std::string::npos);
    QVERIFY(text.find("[^1-1]: report \\<1\\>.pdf, p. 2 (verified)") != std::string::npos);
  }

  void html_holds_text_as_text_and_loads_nothing() {
    const std::string answer =
        "Total: **41,300** [p7].\n\n<script>alert(1)</script>\n\n![logo](http://x.example/a.png) [click](javascript:alert(1)) "
        "[site](https://x.example/?a=1&b=\"2\")\n\n```html\n<img src=x onerror=alert(1)> [p7]\n```\n\n| a | b |\n|---|---|\n| 1 | $x<y$ |\n";
    const std::string html = ui::conversation_to_html("a <b> & c", {turn(answer, "[p7]")});
    for (const char* forbidden : {"<script", "<img", "javascript:", "onerror=alert(1)>", "<b>"}) QVERIFY2(html.find(forbidden) == std::string::npos, forbidden);
    QVERIFY(html.find("<strong>41,300</strong> <sup><a href=\"#n1-1\">1</a></sup>.") != std::string::npos);
    QVERIFY(html.find("<li id=\"n1-1\">report &lt;1&gt;.pdf, p. 2 (verified)") != std::string::npos);
    QVERIFY(html.find("<a rel=\"noreferrer\" href=\"https://x.example/?a=1&amp;b=&quot;2&quot;\">site</a>") != std::string::npos);
    QVERIFY(html.find("onerror=alert(1)&gt; [p7]") != std::string::npos);
    QVERIFY(html.find("<td>1</td>") != std::string::npos);
    QVERIFY(html.find("x&lt;y") != std::string::npos);
    QVERIFY(html.find("default-src 'none'") != std::string::npos);
  }

  void a_pdf_holds_question_answer_and_sources_and_is_light_in_the_dark_theme() {
    QTemporaryDir folder;
    const QString file = folder.filePath("answer.pdf");
    ui::apply_theme(*qApp, ui::Theme::kDark, true);
    const QColor ink = ui::tokens().ink;
    const auto written = ui::export_conversation("fire", {turn("They cost **41,300** dollars [p7]: $\\frac{a}{b}$.", "[p7]")}, file);
    QVERIFY(written);
    QCOMPARE(ui::tokens().ink, ink);
    ui::apply_theme(*qApp, ui::Theme::kLight, false);
    QFile pdf(file);
    QVERIFY(pdf.open(QIODevice::ReadOnly));
    QVERIFY(pdf.read(5) == "%PDF-");
    QVERIFY(pdf.size() > 4000);
  }

  void figures_are_held_by_html_stand_beside_markdown_and_fill_a_pdf() {
    QTemporaryDir folder;
    QImage picture(64, 32, QImage::Format_RGB32);
    picture.fill(Qt::darkGreen);
    ui::ExportedTurn one = turn("They cost 41,300 dollars [p7].", "[p7]");
    ui::ExportedFigure figure{"what *was* selected <b>", {}, ui::ExportedFigure::Size::kWide};
    QBuffer buffer(&figure.png);
    buffer.open(QIODevice::WriteOnly);
    picture.save(&buffer, "PNG");
    one.figures.push_back(figure);
    const std::string html = ui::conversation_to_html("fire", {one});
    QVERIFY(html.find("<img alt=\"what *was* selected &lt;b&gt;\" src=\"data:image/png;base64,iVBOR") != std::string::npos);
    QVERIFY(html.find("img-src data:") != std::string::npos);
    const QString markdown = folder.filePath("an answer.md");
    QVERIFY(ui::export_conversation("fire", {one}, markdown));
    QVERIFY(!QImage(folder.filePath("an answer figures/1-1.png")).isNull());
    QFile text(markdown);
    QVERIFY(text.open(QIODevice::ReadOnly));
    QVERIFY(text.readAll().contains("![what \\*was\\* selected \\<b\\>](an%20answer%20figures/1-1.png)"));
    const QString with = folder.filePath("with.pdf");
    const QString without = folder.filePath("without.pdf");
    QVERIFY(ui::export_conversation("fire", {one}, with));
    one.figures.clear();
    QVERIFY(ui::export_conversation("fire", {one}, without));
    QFile pdf(with);
    QVERIFY(pdf.open(QIODevice::ReadOnly));
    QVERIFY(pdf.readAll().contains("/Subtype /Image"));
    QVERIFY(QFileInfo(without).size() > 0);
  }

  void a_file_that_cannot_be_written_is_named() {
    const auto written = ui::export_conversation("fire", {turn("Yes [p7].", "[p7]")}, "/nowhere/answer.pdf");
    QVERIFY(!written);
    QVERIFY(QString::fromStdString(written.error().message).contains("/nowhere/answer.pdf"));
  }
};

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  ui::apply_theme(application, ui::Theme::kLight, false);
  ExportTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "export_test.moc"
