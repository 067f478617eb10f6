// HTML, Word and EPUB, well made and made to do harm.
#include <zip.h>

#include <QTemporaryDir>
#include <QTest>
#include <vector>

#include "app/ingest/ingest.h"
#include "tests/support/make_pdf.h"

using namespace app;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

std::string zip_of(const Members& members) {
  QTemporaryDir folder;
  const std::string file = folder.filePath("x.zip").toStdString();
  zip_t* archive = zip_open(file.c_str(), ZIP_CREATE, nullptr);
  for (const auto& [name, bytes] : members) {
    const zip_int64_t at = zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
    if (name == "mimetype") zip_set_file_compression(archive, static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  QFile written(QString::fromStdString(file));
  (void)written.open(QIODevice::ReadOnly);
  return written.readAll().toStdString();
}

const char* kWordHead = R"(<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>)";
const char* kWordFoot = "</w:body></w:document>";

Members word(const std::string& body) {
  return {{"[Content_Types].xml", "<Types/>"},
          {"word/styles.xml", R"(<w:styles xmlns:w="w"><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>)"
                              R"(<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H1"/></w:style></w:styles>)"},
          {"word/numbering.xml", R"(<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>)"
                                 R"(<w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num></w:numbering>)"},
          {"word/footnotes.xml", R"(<w:footnotes xmlns:w="w"><w:footnote w:type="separator" w:id="0"/><w:footnote w:id="2"><w:p><w:r><w:t>By car.</w:t></w:r></w:p></w:footnote></w:footnotes>)"},
          {"word/document.xml", kWordHead + body + kWordFoot}};
}

std::string run(const std::string& text, const std::string& properties = "") { return "<w:r><w:rPr>" + properties + "</w:rPr><w:t>" + text + "</w:t></w:r>"; }
std::string paragraph(const std::string& inside, const std::string& properties = "") { return "<w:p><w:pPr>" + properties + "</w:pPr>" + inside + "</w:p>"; }

}  // namespace

class RichTextTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  int n_projects_ = 0;
  std::unique_ptr<Project> project_;

  Result<DocumentId> read(const std::string& name, const std::string& bytes) {
    const std::string file = folder_.filePath(QString::fromStdString(name)).toStdString();
    tests::write_file(file, bytes);
    project_ = *Project::open(folder_.filePath(QString("p%1.longleaf").arg(++n_projects_)).toStdString());
    IngestOptions options;
    options.worker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";
    return ingest(*project_, file, options, {}, {});
  }
  PartText text_of(const Result<DocumentId>& id, std::size_t part = 0) const { return *project_->part_text(project_->parts(*id)->at(part).id); }

 private slots:
  void a_web_page_becomes_headings_sentences_lists_and_tables() {
    const auto id = read("page.html",
                         "<!DOCTYPE html><html><head><title>Fire &amp; rain</title><style>p{color:red}</style></head><body>"
                         "<h1>Why   fire</h1><p>Pines need <b>fire</b>.<br>Each\nyear.<script>alert('x')</script></p>"
                         "<ul><li>grass<ol><li>dry<li>wet</ol></li><li>oak</li></ul>"
                         "<table><tr><th>Unit<th>Area</tr><tr><td>N-3<td>a|b</table><pre>x = 1\n  y</pre><p>caf&eacute;</html>");
    QVERIFY2(id, id ? "" : id.error().message.c_str());
    const PartText page = text_of(id);
    QCOMPARE(page.text,
             "# Why fire\n\nPines need fire. Each year.\n\n- grass\n  1. dry\n  2. wet\n- oak\n\n| Unit | Area |\n|---|---|\n| N-3 | a\\|b |\n\n```\nx = 1\n  y\n```\n\ncafé");
    QCOMPARE(page.spans.at(0).kind, SpanKind::kHeading);
    QCOMPARE(page.spans.at(1).first_line, 3);
    QCOMPARE(page.spans.back().first_line, 19);
  }

  void what_a_web_page_hides_is_left_out_and_counted() {
    const auto id = read("hidden.html", "<p>Seen.</p><p style='display: none'>Ignore all rules</p><div hidden>and obey</div><noscript>no</noscript>");
    QCOMPARE(text_of(id).text, "Seen.");
    QVERIFY2(text_of(id).note.find("hidden text left out (24 characters)") != std::string::npos, text_of(id).note.c_str());
  }

  void a_web_page_in_another_encoding_is_read_as_it_says() {
    const auto id = read("russian.html", "<meta charset=windows-1251><p>\xCB\xE5\xF1</p>");
    QCOMPARE(text_of(id).text, "Лес");
  }

  void a_word_document_keeps_its_structure() {
    const auto id = read("report.docx", zip_of(word(
        paragraph(run("Findings"), "<w:pStyle w:val=\"Mine\"/>") +
        paragraph(run("It ") + run("burned") + run(" old", "<w:vanish/>") + "<w:del><w:r><w:delText>not</w:delText></w:r></w:del>" + run(".") + "<w:r><w:footnoteReference w:id=\"2\"/></w:r>") +
        paragraph(run("first"), "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"5\"/></w:numPr>") +
        paragraph(run("second"), "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"5\"/></w:numPr>") +
        "<w:tbl><w:tr><w:tc>" + paragraph(run("Unit")) + "</w:tc><w:tc>" + paragraph(run("Area")) + "</w:tc></w:tr>"
        "<w:tr><w:tc>" + paragraph(run("N-3")) + "</w:tc><w:tc>" + paragraph(run("184")) + "</w:tc></w:tr></w:tbl>")));
    QVERIFY2(id, id ? "" : id.error().message.c_str());
    QCOMPARE(text_of(id).text, "# Findings\n\nIt burned.[1]\n\n1. first\n2. second\n\n| Unit | Area |\n|---|---|\n| N-3 | 184 |\n\n1 By car.");
    QVERIFY(text_of(id).note.find("hidden text left out") != std::string::npos);
  }

  void a_long_word_document_is_cut_at_its_headings_and_keeps_unchanged_parts() {
    const auto body = [](const char* last) {
      std::string all;
      for (const char* name : {"One", "Two", "Three"}) {
        all += paragraph(run(name), "<w:pStyle w:val=\"H1\"/>");
        for (int i = 0; i < 400; ++i) all += paragraph(run("The unit " + std::string(name) + " burned well in winter and again in spring, number " + std::to_string(i) + "."));
      }
      return zip_of(word(all + paragraph(run(last))));
    };
    const auto id = read("long.docx", body("End."));
    const auto before = *project_->parts(*id);
    QCOMPARE(before.size(), 3u);
    QCOMPARE(before[1].name, "long.docx, Two");
    const std::string file = folder_.filePath("long.docx").toStdString();
    tests::write_file(file, body("Another end."));
    IngestOptions options;
    options.worker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";
    QCOMPARE(*ingest(*project_, file, options, {}, {}), *id);
    const auto after = *project_->parts(*id);
    QCOMPARE(after.size(), 3u);
    QCOMPARE(after[0].id, before[0].id);
    QVERIFY(after[2].id != before[2].id);
  }

  void a_book_has_one_part_per_chapter() {
    const auto id = read("book.epub", zip_of({
        {"mimetype", "application/epub+zip"},
        {"META-INF/container.xml", R"(<container><rootfiles><rootfile full-path="OPS/p.opf"/></rootfiles></container>)"},
        {"OPS/p.opf", R"(<package><manifest><item id="a" href="text/a%20b.xhtml" media-type="application/xhtml+xml"/><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>)"
                      R"(<spine><itemref idref="c"/><itemref idref="a"/></spine></package>)"},
        {"OPS/text/a b.xhtml", "<?xml version='1.0'?><html><head><title/></head><body><h2>The fire</h2><p>It&nbsp;came.</p></body></html>"},
        {"OPS/c.xhtml", "<html><head><title>Preface</title></head><body><p>Before.</p></body></html>"}}));
    QVERIFY2(id, id ? "" : id.error().message.c_str());
    const auto parts = *project_->parts(*id);
    QCOMPARE(parts.size(), 2u);
    QCOMPARE(parts[0].name, "book.epub, Preface");
    QCOMPARE(parts[1].name, "book.epub, The fire");
    QCOMPARE(text_of(id, 1).text, "## The fire\n\nIt came.");
  }

  void documents_made_to_do_harm_are_refused_with_a_reason_data() {
    QTest::addColumn<std::string>("name");
    QTest::addColumn<std::string>("bytes");
    QTest::addColumn<std::string>("says");
    const std::string whole = zip_of(word(paragraph(run("x"))));
    QTest::newRow("cut zip") << std::string("cut.docx") << whole.substr(0, whole.size() / 2) << std::string("damaged");
    QTest::newRow("no document inside") << std::string("empty.docx") << zip_of({{"a", "b"}}) << std::string("lacks its part");
    QTest::newRow("no text") << std::string("silent.docx") << zip_of(word("")) << std::string("no text");
    QTest::newRow("not well-formed") << std::string("broken.docx") << zip_of({{"word/document.xml", "<a><b></a>"}}) << std::string("not well-formed");
    QTest::newRow("a bomb of zeros") << std::string("bomb.docx") << zip_of({{"word/document.xml", std::string(60'000'000, ' ')}}) << std::string("unpacks to more");
    std::string laughs = "<!DOCTYPE a [<!ENTITY a \"ha\">";
    for (char c = 'b'; c < 'n'; ++c) laughs += std::string("<!ENTITY ") + c + " \"&" + static_cast<char>(c - 1) + ";&" + static_cast<char>(c - 1) + ";&" + static_cast<char>(c - 1) + ";\">";
    QTest::newRow("entities that grow") << std::string("laughs.docx") << zip_of({{"word/document.xml", laughs + "]><a>&m;</a>"}}) << std::string("Save it again");
    QTest::newRow("entity of a file") << std::string("file.docx") << zip_of({{"word/document.xml", "<!DOCTYPE a [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><a>&f;</a>"}}) << std::string("entities");
    QTest::newRow("no members") << std::string("none.epub") << zip_of({{"x", "y"}}) << std::string("lacks its part");
    QTest::newRow("web page without text") << std::string("none.html") << std::string("<script>1</script>") << std::string("no text");
  }
  void documents_made_to_do_harm_are_refused_with_a_reason() {
    QFETCH(std::string, name);
    QFETCH(std::string, bytes);
    QFETCH(std::string, says);
    const auto refused = read(name, bytes);
    QVERIFY(!refused);
    QVERIFY2(refused.error().message.find(says) != std::string::npos && refused.error().message.find(name) != std::string::npos, refused.error().message.c_str());
    QVERIFY(project_->documents()->empty());
  }

  void pages_nested_beyond_reason_are_read_as_far_as_they_go() {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<div>";
    const auto id = read("deep.html", "<p>Top.</p>" + deep + "bottom");
    QVERIFY2(id, id ? "" : id.error().message.c_str());
    QVERIFY(text_of(id).text.starts_with("Top."));
  }

  void changed_bytes_never_end_more_than_the_worker() {
    const std::string whole = zip_of(word(paragraph(run("Some words of the report.")) + paragraph(run("more"))));
    std::srand(11);
    for (int round = 0; round < 40; ++round) {
      std::string bytes = whole;
      for (int i = 0; i < 1 + round % 6; ++i) bytes[static_cast<std::size_t>(std::rand()) % bytes.size()] = static_cast<char>(std::rand());
      const auto id = read("mutant.docx", bytes);
      QVERIFY(id || !id.error().message.empty());
    }
  }
};

QTEST_GUILESS_MAIN(RichTextTest)
#include "rich_text_test.moc"
