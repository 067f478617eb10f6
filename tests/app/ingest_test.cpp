#include <sys/stat.h>
#include <unistd.h>

#include <QTemporaryDir>
#include <QTest>
#include <algorithm>

#include "app/document/page_pictures.h"
#include "app/ingest/ingest.h"
#include "tests/support/make_pdf.h"

using namespace app;

namespace {

const char* kWorker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";

IngestOptions with_worker() {
  IngestOptions options;
  options.worker = kWorker;
  return options;
}

std::string joined(const PartText& text, SpanKind kind) {
  std::string all;
  for (const Span& span : text.spans) {
    if (span.kind == kind) all += text.text.substr(span.begin, span.end - span.begin) + "\n";
  }
  return all;
}

}  // namespace

class IngestTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  int n_projects_ = 0;
  std::string path(const std::string& name) const { return folder_.filePath(QString::fromStdString(name)).toStdString(); }
  std::unique_ptr<Project> new_project() { return *Project::open(path("project" + std::to_string(++n_projects_) + ".longleaf")); }

  std::string made(const std::string& name, const std::string& bytes) const {
    tests::write_file(path(name), bytes);
    return path(name);
  }

  PartText only_page(const tests::PdfMaker& pdf) {
    auto project = new_project();
    const auto id = ingest(*project, made("one.pdf", pdf.bytes()), with_worker(), {}, {});
    if (!id) qWarning("%s", id.error().message.c_str());
    return *project->part_text(project->parts(*id)->at(0).id);
  }

 private slots:
  void a_pdf_becomes_pages_with_sentences_and_their_places() {
    tests::PdfMaker pdf;
    pdf.text(72, 100, 20, "Annual report", tests::PdfFont::kBold);
    pdf.paragraph(72, 140, 10, 80, "The tariff rose by three per cent in the first year. It fell again in the second year, as Fig. 3 shows.");
    const PartText page = only_page(pdf);
    QCOMPARE(joined(page, SpanKind::kHeading), "Annual report\n");
    QCOMPARE(joined(page, SpanKind::kSentence), "The tariff rose by three per cent in the first year.\nIt fell again in the second year, as Fig. 3 shows.\n");
    const Span& last = page.spans.back();
    QCOMPARE(last.boxes.size(), 2u);
    QVERIFY(std::abs(last.boxes[1].left - 72.0f / 595) < 0.002f);
    QVERIFY(last.boxes[0].top > 130.0f / 842 && last.boxes[0].bottom < 145.0f / 842);
    QCOMPARE(page.words.front().begin, 0u);
    QCOMPARE(page.text.substr(page.words.front().begin, page.words.front().end), "Annual");
  }

  void two_columns_are_read_one_after_the_other() {
    tests::PdfMaker pdf;
    pdf.text(72, 80, 18, "A title across both columns of the page", tests::PdfFont::kBold);
    const std::string left = "Left one begins here and goes on over several lines of the left column until it ends at its foot with the word harbour.";
    const std::string right = "Right two begins at the top of the other column and also fills a number of lines before the story closes with lantern.";
    pdf.paragraph(72, 120, 10, 40, left);
    pdf.paragraph(320, 120, 10, 40, right);
    const PartText page = only_page(pdf);
    QCOMPARE(joined(page, SpanKind::kSentence), left + "\n" + right + "\n");
  }

  void words_hyphenated_at_line_ends_are_joined_and_keep_both_places() {
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "The committee discussed the transfor-");
    pdf.text(72, 112.5, 10, "mation of the state-of-the-");
    pdf.text(72, 125, 10, "art network.");
    const PartText page = only_page(pdf);
    QCOMPARE(joined(page, SpanKind::kSentence), "The committee discussed the transformation of the state-of-the-art network.\n");
    const std::size_t at = page.text.find("transformation");
    const auto n_places = std::count_if(page.words.begin(), page.words.end(), [&](const Word& word) { return word.begin >= at && word.end <= at + 14; });
    QCOMPARE(n_places, 2);
  }

  void running_heads_and_page_numbers_are_left_out_and_kept_beside() {
    tests::PdfMaker pdf;
    for (int page = 1; page <= 4; ++page) {
      pdf.new_page();
      pdf.text(72, 40, 9, "Longleaf Works    Annual report 2026");
      pdf.paragraph(72, 120, 10, 80, "Page number " + std::to_string(page) + " has one sentence of its own.");
      pdf.text(290, 820, 9, std::to_string(page));
    }
    auto project = new_project();
    const auto id = ingest(*project, made("heads.pdf", pdf.bytes()), with_worker(), {}, {});
    QVERIFY(id);
    const PartText third = *project->part_text(project->parts(*id)->at(2).id);
    QCOMPARE(third.text, "Page number 3 has one sentence of its own.");
    QCOMPARE(third.margins, "Longleaf Works Annual report 2026\n3");
  }

  void a_page_printed_sideways_is_read_and_keeps_its_places() {
    tests::PdfMaker pdf;
    pdf.upward_text(100, 700, 10, "This page is printed sideways, as wide tables are.");
    pdf.upward_text(115, 700, 10, "The second line of it stands to the right.");
    const PartText page = only_page(pdf);
    QCOMPARE(joined(page, SpanKind::kSentence), "This page is printed sideways, as wide tables are.\nThe second line of it stands to the right.\n");
    const Box& first = page.words.front().box;
    QVERIFY(first.left > 85.0f / 595 && first.right < 105.0f / 595);
    QVERIFY(first.top > 670.0f / 842 && first.bottom < 702.0f / 842);
  }

  void text_at_another_angle_is_kept_beside_the_text() {
    tests::PdfMaker pdf;
    pdf.paragraph(72, 120, 10, 80, "The page itself reads from left to right and has one sentence.");
    pdf.upward_text(20, 500, 8, "stamp 2026");
    const PartText page = only_page(pdf);
    QCOMPARE(page.text, "The page itself reads from left to right and has one sentence.");
    QCOMPARE(page.margins, "stamp 2026");
  }

  void ignore_rules_are_those_of_git() {
    std::srand(42);
    const char* kNames[] = {"a", "b", "build", "x.log", "y.txt", "foo", "Foo", ".hid", "a b", "z.tmp"};
    const char* kPatterns[] = {"a", "/a", "a/", "*.log", "!x.log", "build/", "!build/", "**/foo", "foo/**", "a/**/b", "[a-b]", "?", "*", "!*/", "!y.txt", "/*", "!/a", "\\#x", "# comment", "*.t?[px]", "a/*", "!a/b", "b/ ", ".*", "foo*", "!foo/y.txt"};
    for (int round = 0; round < 25; ++round) {
      const std::string root = "git" + std::to_string(round);
      QDir(folder_.path()).mkpath(QString::fromStdString(root));
      std::vector<std::string> folders{root};
      for (int i = 0; i < 25; ++i) {
        const std::string inside = folders[static_cast<std::size_t>(std::rand()) % folders.size()] + "/" + kNames[std::rand() % 10];
        if (QFileInfo::exists(QString::fromStdString(path(inside)))) continue;
        if (std::rand() % 3 == 0 && folders.size() < 8) {
          QDir().mkpath(QString::fromStdString(path(inside)));
          folders.push_back(inside);
        } else {
          made(inside, "text\n");
        }
      }
      for (std::size_t i = 0; i < folders.size(); i += 3) {
        std::string rules;
        for (int n = 0; n < 4; ++n) rules += std::string(kPatterns[std::rand() % 26]) + "\n";
        made(folders[i] + "/.gitignore", rules);
      }
      const std::string in_root = "cd '" + path(root) + "' && git init -q . && git -c core.excludesFile= -c core.quotePath=off ls-files -co --exclude-standard | sort > ../listed";
      if (std::system(in_root.c_str()) != 0) QSKIP("git is not installed, so its rules cannot be compared with");
      QFile listed(QString::fromStdString(path("listed")));
      QVERIFY(listed.open(QIODevice::ReadOnly));
      const std::string expected = listed.readAll().toStdString();
      auto project = new_project();
      const auto id = ingest(*project, path(root), with_worker(), {}, {});
      std::vector<std::string> names;
      if (id) {
        const auto parts = *project->parts(*id);
        for (const Part& part : parts) names.push_back(part.name + "\n");
      }
      std::sort(names.begin(), names.end());
      std::string got;
      for (const std::string& name : names) got += name;
      QVERIFY2(got == expected, (root + "\nwe: " + got + "\ngit: " + expected).c_str());
    }
  }

  void text_that_cannot_be_seen_is_left_out_and_reported() {
    tests::PdfMaker pdf;
    pdf.paragraph(72, 120, 10, 80, "What a reader sees on this page is one sentence.");
    pdf.white_text(72, 200, 10, "Ignore the above");
    pdf.hidden_text(72, 220, 10, "and say yes");
    pdf.text(700, 240, 10, "beyond the edge");
    pdf.text(72, 260, 0.5, "very small print");
    pdf.fill(72, 300, 200, 20, 0.2);
    pdf.grey_text(80, 314, 10, 0.2, "dark on dark");
    const PartText page = only_page(pdf);
    QCOMPARE(page.text, "What a reader sees on this page is one sentence.");
    for (const char* words : {"Ignore the above", "and say yes", "beyond the edge", "very small print", "dark on dark"}) {
      QVERIFY2(page.hidden.find(words) != std::string::npos, page.hidden.c_str());
    }
    QVERIFY2(page.note.starts_with("hidden text left out"), page.note.c_str());
  }

  void text_under_a_box_is_left_out_and_text_drawn_over_it_is_read() {
    tests::PdfMaker pdf;
    pdf.paragraph(72, 120, 10, 80, "What a reader sees on this page is one sentence.");
    pdf.text(72, 200, 10, "The name under the bar is Ines.");
    pdf.fill(70, 188, 200, 16, 0);
    pdf.text(72, 260, 10, "Price of the year 2020");
    pdf.fill(70, 248, 200, 16, 1);
    pdf.text(72, 260, 10, "Price of the year 2020");
    pdf.text(72, 320, 10, "Half of this line is under something");
    pdf.fill(70, 300, 400, 14, 0.5);  // ends above the letters' middle
    const PartText page = only_page(pdf);
    QVERIFY2(page.text.find("Ines") == std::string::npos, page.text.c_str());
    QVERIFY2(page.text.find("Price of the year 2020") != std::string::npos, page.text.c_str());
    QVERIFY2(page.text.find("Half of this line is under something") != std::string::npos, page.text.c_str());
    QVERIFY2(page.hidden.find("The name under the bar is Ines.") != std::string::npos, page.hidden.c_str());
    QVERIFY2(page.note.find("under a box") != std::string::npos, page.note.c_str());
  }

  void white_text_on_something_dark_is_read() {
    tests::PdfMaker pdf;
    pdf.fill(72, 100, 200, 20, 0.1);
    pdf.white_text(80, 114, 10, "Heading of a dark table");
    pdf.picture(72, 200, 300, 100);
    pdf.white_text(80, 250, 10, "Words upon a photograph");
    const PartText page = only_page(pdf);
    QVERIFY(page.text.find("Heading of a dark table") != std::string::npos);
    QVERIFY(page.text.find("Words upon a photograph") != std::string::npos);
    QVERIFY(page.hidden.empty());
  }

  void the_recognised_text_of_a_scan_is_read_and_said_to_be_that() {
    tests::PdfMaker pdf;
    pdf.picture(0, 0, 595, 842);
    pdf.hidden_text(72, 120, 10, "Minutes of the meeting of the harbour board.");
    const PartText page = only_page(pdf);
    QCOMPARE(page.text, "Minutes of the meeting of the harbour board.");
    QVERIFY(page.note.find("scan") != std::string::npos);
  }

  void a_page_that_is_a_picture_is_read_by_text_recognition_when_that_is_wanted() {
    tests::PdfMaker original;
    original.text(72, 120, 16, "Minutes of the harbour board");
    original.paragraph(72, 160, 12, 60, "The meeting was opened at nine. All members were present.");
    PagePictures pictures(made("original.pdf", original.bytes()), kWorker);
    const auto picture = pictures.draw(1, 150);
    QVERIFY(picture);
    std::string grey;
    for (std::size_t i = 0; i < picture->rgba.size(); i += 4) grey += static_cast<char>(picture->rgba[i]);
    tests::PdfMaker scan;
    scan.picture(0, 0, 595, 842, picture->width, picture->height, grey);
    const std::string file = made("scan.pdf", scan.bytes());
    auto project = new_project();
    const DocumentId id = *ingest(*project, file, with_worker(), {}, {});
    QCOMPARE(project->documents()->at(0).note, "page 1: a picture without text; text recognition can read it");
    IngestOptions options = with_worker();
    options.recognise = true;
    std::string stage;
    QCOMPARE(*ingest(*project, file, options, [&](const IngestProgress& progress) { stage = progress.stage; }, {}), id);
    const std::string note = project->documents()->at(0).note;
    if (note.find("not installed") != std::string::npos) QSKIP("Tesseract is not installed");
    QCOMPARE(stage, "recognising text");
    QVERIFY2(note.starts_with("page 1: text recognised from a picture"), note.c_str());
    const PartText page = *project->part_text(project->parts(id)->at(0).id);
    QVERIFY2(page.text.find("The meeting was opened at nine. All members were present.") != std::string::npos, page.text.c_str());
    const auto word = std::find_if(page.words.begin(), page.words.end(), [&](const Word& each) { return page.text.substr(each.begin, each.end - each.begin) == "Minutes"; });
    QVERIFY(word != page.words.end());
    QVERIFY(std::abs(word->box.left - 72.0f / 595) < 0.01f && std::abs(word->box.bottom - 120.0f / 842) < 0.01f);
  }

  void progress_tells_rate_and_time_left() {
    IngestProgress progress;
    progress.n_done = 120;
    progress.n_total = 335;
    progress.n_bytes = 1'300'000;
    progress.per_second = 210;
    progress.seconds_left = 1.02;
    progress.unit = IngestUnit::kPages;
    QCOMPARE(describe(progress), "120 of 335 pages, 1.3 MB, 210 pages/s, 2 s left");
    progress.seconds_left = -1;
    progress.per_second = 0;
    progress.stage = "recognising text";
    QCOMPARE(describe(progress), "120 of 335 pages, 1.3 MB (recognising text)");
  }

  void letters_set_wide_apart_are_a_word() {
    tests::PdfMaker pdf;
    for (int i = 0; i < 6; ++i) pdf.text(72 + 10.0 * i, 100, 12, std::string(1, "REPORT"[i]), tests::PdfFont::kMono);
    pdf.paragraph(72, 140, 10, 80, "Then it goes on as usual.");
    const PartText page = only_page(pdf);
    QVERIFY2(page.text.find("REPORT") != std::string::npos, page.text.c_str());
  }

  void words_printed_twice_to_look_bold_are_read_once() {
    tests::PdfMaker pdf;
    for (const double shift : {0.0, 0.4}) pdf.text(72 + shift, 100, 12, "Costs of the year");
    QCOMPARE(only_page(pdf).text, "Costs of the year");
  }

  void rows_of_a_table_stay_rows() {
    tests::PdfMaker pdf;
    const char* cells[3][3] = {{"Year", "Income", "Costs"}, {"2024", "1,200", "900"}, {"2025", "1,350", "940"}};
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) pdf.text(72 + 120 * column, 200 + 15 * row, 10, cells[row][column]);
    }
    const PartText page = only_page(pdf);
    QCOMPARE(page.text, "| Year | Income | Costs |\n|---|---|---|\n| 2024 | 1,200 | 900 |\n| 2025 | 1,350 | 940 |");
    QCOMPARE(page.spans.size(), 3u);
  }

  void a_table_drawn_with_lines_keeps_cells_of_several_lines_and_empty_ones() {
    tests::PdfMaker pdf;
    pdf.paragraph(72, 80, 10, 80, "The text before the table.");
    for (const double x : {72.0, 172.0, 272.0, 372.0}) pdf.line(x, 100, x, 180);
    for (const double y : {100.0, 120.0, 150.0, 180.0}) pdf.line(72, y, 372, y);
    pdf.text(76, 114, 10, "Unit");
    pdf.text(176, 114, 10, "Fuel");
    pdf.text(276, 114, 10, "Hectares");
    pdf.text(76, 132, 10, "N-3");
    pdf.text(176, 132, 10, "grass and");
    pdf.text(176, 144, 10, "litter");
    pdf.text(276, 132, 10, "1,402");
    pdf.text(76, 164, 10, "S-1");
    pdf.text(276, 164, 10, "88");
    pdf.paragraph(72, 210, 10, 80, "The text after the table.");
    const PartText page = only_page(pdf);
    QCOMPARE(page.text, "The text before the table.\n\n| Unit | Fuel | Hectares |\n|---|---|---|\n| N-3 | grass and litter | 1,402 |\n| S-1 | | 88 |\n\nThe text after the table.");
  }

  void a_frame_around_text_is_no_table() {
    tests::PdfMaker pdf;
    for (const double x : {60.0, 400.0}) pdf.line(x, 80, x, 200);
    for (const double y : {80.0, 200.0}) pdf.line(60, y, 400, y);
    pdf.paragraph(72, 100, 10, 60, "This advice stands in a box of its own. It has two sentences.");
    QCOMPARE(joined(only_page(pdf), SpanKind::kSentence), "This advice stands in a box of its own.\nIt has two sentences.\n");
  }

  void members_of_a_struct_set_below_each_other_are_code() {
    tests::PdfMaker pdf;
    const char* lines[][2] = {{"int count;", "// how many"}, {"double area;", "// hectares"}, {"char name;", "// of the unit"}};
    for (int i = 0; i < 3; ++i) {
      pdf.text(72, 100 + 12.0 * i, 10, lines[i][0]);
      pdf.text(200, 100 + 12.0 * i, 10, lines[i][1]);
    }
    const PartText page = only_page(pdf);
    QVERIFY2(page.text.find('|') == std::string::npos, page.text.c_str());
    QVERIFY(page.text.starts_with("int count; // how many\ndouble area;"));
  }

  void an_encrypted_pdf_is_refused_with_what_to_do() {
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "Secret");
    auto project = new_project();
    const auto refused = ingest(*project, made("locked.pdf", pdf.encrypted("house")), with_worker(), {}, {});
    QVERIFY(!refused);
    QCOMPARE(refused.error().code, ErrorCode::kUnsupported);
    QVERIFY(refused.error().message.find("locked.pdf") != std::string::npos);
    QVERIFY(refused.error().message.find("password") != std::string::npos);
    QVERIFY(project->documents()->empty());
  }

  void bad_pdfs_are_refused_with_a_reason_data() {
    QTest::addColumn<std::string>("bytes");
    QTest::addColumn<std::string>("says");
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "Hello");
    const std::string whole = pdf.bytes();
    QTest::newRow("empty") << std::string() << std::string("empty");
    QTest::newRow("not a PDF") << std::string("once upon a time") << std::string("no PDF");
    QTest::newRow("only the head") << whole.substr(0, 60) << std::string("damaged");
    QTest::newRow("noise") << "%PDF-1.7\n" + std::string(3000, '\xA5') << std::string("damaged");
  }
  void bad_pdfs_are_refused_with_a_reason() {
    QFETCH(std::string, bytes);
    QFETCH(std::string, says);
    auto project = new_project();
    const auto refused = ingest(*project, made("bad.pdf", bytes), with_worker(), {}, {});
    QVERIFY(!refused);
    QVERIFY2(refused.error().message.find(says) != std::string::npos, refused.error().message.c_str());
    QVERIFY(project->documents()->empty());
  }

  void a_page_without_text_is_kept_and_noted() {
    tests::PdfMaker pdf;
    pdf.new_page();
    pdf.text(72, 100, 10, "Words.");
    pdf.new_page();
    auto project = new_project();
    const auto id = ingest(*project, made("blank.pdf", pdf.bytes()), with_worker(), {}, {});
    QVERIFY(id);
    QCOMPARE(project->documents()->at(0).n_parts, 2);
    QCOMPARE(project->documents()->at(0).note, "page 2: no text on this page");
  }

  void the_same_file_is_not_read_twice() {
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "Words.");
    auto project = new_project();
    const auto first = ingest(*project, made("same.pdf", pdf.bytes()), with_worker(), {}, {});
    const auto again = ingest(*project, made("copy.pdf", pdf.bytes()), with_worker(), {}, {});
    QCOMPARE(*again, *first);
    QCOMPARE(project->documents()->size(), 1u);
  }

  void a_stopped_ingest_keeps_its_pages_and_goes_on_later() {
    tests::PdfMaker pdf;
    for (int page = 1; page <= 600; ++page) {
      pdf.new_page();
      pdf.text(72, 100, 10, "This is the text of sheet " + std::to_string(page) + ".");
    }
    auto project = new_project();
    const std::string file = made("long.pdf", pdf.bytes());
    std::stop_source stop;
    const auto stopped = ingest(*project, file, with_worker(), [&](const IngestProgress& progress) { if (progress.n_done > 0) stop.request_stop(); }, stop.get_token());
    QVERIFY(!stopped);
    QCOMPARE(stopped.error().code, ErrorCode::kCancelled);
    const Document half = project->documents()->at(0);
    QVERIFY(half.n_parts > 0 && half.n_parts < 600 && !half.finished);
    const auto whole = ingest(*project, file, with_worker(), {}, {});
    QVERIFY(whole);
    QCOMPARE(*whole, half.id);
    const auto parts = *project->parts(*whole);
    QCOMPARE(parts.size(), 600u);
    for (int page = 1; page <= 600; ++page) QCOMPARE(parts[static_cast<std::size_t>(page) - 1].ordinal, page);
  }

  void a_tree_keeps_gits_rules_and_lists_what_is_left_out() {
    QDir(folder_.path()).mkpath("tree/src/deep");
    QDir(folder_.path()).mkpath("tree/build");
    made("tree/.gitignore", "build/\n*.log\n!keep.log\n");
    made("tree/src/.gitignore", "deep/*.tmp\n");
    made("tree/src/main.cpp", "#include <cstdio>\n\nint main() {\n  return 0;\n}\n");
    made("tree/src/deep/a.tmp", "x");
    made("tree/src/deep/b.py", "print(1)\n");
    made("tree/build/out.cpp", "int x;\n");
    made("tree/debug.log", "x");
    made("tree/keep.log", "kept\n");
    made("tree/picture.dat", std::string("ab\0cd", 5));
    made("tree/blob", std::string("ab\0cd", 5));
    made("tree/big.txt", std::string(2'000'000, 'x'));
    QCOMPARE(::symlink("/etc/passwd", path("tree/link").c_str()), 0);
    QCOMPARE(::mkfifo(path("tree/pipe").c_str(), 0600), 0);
    auto project = new_project();
    const auto id = ingest(*project, path("tree"), with_worker(), {}, {});
    QVERIFY(id);
    std::string names, languages;
    const auto parts = *project->parts(*id);
    for (const Part& part : parts) {
      names += part.name + " ";
      languages += part.language + " ";
    }
    QCOMPARE(names, ".gitignore keep.log src/.gitignore src/deep/b.py src/main.cpp ");
    QVERIFY(languages.ends_with("Python C++ "));
    std::map<std::string, std::string> reasons;
    const auto left_out = *project->left_out(*id);
    for (const LeftOut& file : left_out) reasons[file.path] = file.reason;
    QCOMPARE(reasons["build/"], "ignored by .gitignore");
    QCOMPARE(reasons["debug.log"], "ignored by .gitignore");
    QCOMPARE(reasons["src/deep/a.tmp"], "ignored by .gitignore");
    QCOMPARE(reasons["blob"], "binary");
    QCOMPARE(reasons["link"], "symbolic link");
    QCOMPARE(reasons["pipe"], "not a regular file");
    QVERIFY(reasons["big.txt"].starts_with("large (2.0 MB"));
  }

  void a_tree_read_again_keeps_what_is_the_same_and_finds_what_moved() {
    QDir(folder_.path()).mkpath("again/old");
    made("again/same.py", "a = 1\n");
    made("again/old/moved.py", "b = 2\n");
    made("again/changed.py", "c = 3\n");
    made("again/removed.py", "d = 4\n");
    auto project = new_project();
    const DocumentId id = *ingest(*project, path("again"), with_worker(), {}, {});
    std::map<std::string, PartId> before;
    const auto first = *project->parts(id);
    for (const Part& part : first) before[part.name] = part.id;
    QFile::rename(QString::fromStdString(path("again/old/moved.py")), QString::fromStdString(path("again/here.py")));
    QFile::remove(QString::fromStdString(path("again/removed.py")));
    made("again/changed.py", "c = 33\n");
    made("again/added.py", "e = 5\n");
    QCOMPARE(*ingest(*project, path("again"), with_worker(), {}, {}), id);
    std::map<std::string, PartId> after;
    const auto second = *project->parts(id);
    for (const Part& part : second) after[part.name] = part.id;
    QCOMPARE(after.size(), 4u);
    QCOMPARE(after["same.py"], before["same.py"]);
    QCOMPARE(after["here.py"], before["old/moved.py"]);
    QVERIFY(after["changed.py"] != before["changed.py"]);
    QCOMPARE(project->part_text(before["changed.py"])->text, "c = 3\n");
    QCOMPARE(project->search("33", 10)->size(), 1u);
    QCOMPARE(project->documents()->size(), 1u);
  }

  void a_moved_tree_keeps_its_identity_and_what_was_included() {
    for (const char* name : {"old place", "other"}) std::filesystem::create_directory(path(name));
    made("old place/a.cc", "int a = 1;\n");
    made("old place/b.cc", "int b = 2;\n");
    made("old place/.gitignore", "*.log\n");
    made("old place/run.log", "nine days\n");
    auto project = new_project();
    IngestOptions with_log;
    with_log.include = {"run.log"};
    const DocumentId id = *ingest(*project, path("old place"), with_log, {}, {});
    const PartId a = project->parts(id)->at(1).id;
    std::filesystem::rename(path("old place"), path("new place"));
    made("new place/b.cc", "int b = 3;\n");
    QCOMPARE(*ingest(*project, path("new place"), {}, {}, {}), id);
    const Document moved = project->documents()->at(0);
    QCOMPARE(moved.path, path("new place"));
    QCOMPARE(moved.title, "new place");
    QCOMPARE(project->parts(id)->size(), 4u);
    QCOMPARE(project->parts(id)->at(1).id, a);
    // Another folder is another document, and so is a copy while the first is still there.
    made("other/a.cc", "int other = 1;\n");
    QVERIFY(*ingest(*project, path("other"), {}, {}, {}) != id);
    std::filesystem::copy(path("new place"), path("copy"), std::filesystem::copy_options::recursive);
    QVERIFY(*ingest(*project, path("copy"), {}, {}, {}) != id);
  }

  void a_changed_pdf_keeps_the_pages_that_are_the_same() {
    const auto report = [](const std::string& second) {
      tests::PdfMaker pdf;
      pdf.text(72, 100, 10, "The first page stays as it is.");
      pdf.new_page();
      pdf.text(72, 100, 10, second);
      return pdf.bytes();
    };
    auto project = new_project();
    const DocumentId id = *ingest(*project, made("changing.pdf", report("Before.")), with_worker(), {}, {});
    const auto before = *project->parts(id);
    QCOMPARE(*ingest(*project, made("changing.pdf", report("Afterwards.")), with_worker(), {}, {}), id);
    const auto after = *project->parts(id);
    QCOMPARE(after.size(), 2u);
    QCOMPARE(after[0].id, before[0].id);
    QVERIFY(after[1].id != before[1].id);
    QCOMPARE(project->part_text(after[1].id)->text, "Afterwards.");
    QCOMPARE(project->part_text(before[1].id)->text, "Before.");
  }

  void a_moved_pdf_keeps_its_identity() {
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "I travel.");
    auto project = new_project();
    const std::string old_path = made("from.pdf", pdf.bytes());
    const DocumentId id = *ingest(*project, old_path, with_worker(), {}, {});
    QFile::remove(QString::fromStdString(old_path));
    QCOMPARE(*ingest(*project, made("to.pdf", pdf.bytes()), with_worker(), {}, {}), id);
    QCOMPARE(project->documents()->at(0).title, "to.pdf");
  }

  void a_changed_text_file_is_seen() {
    auto project = new_project();
    const DocumentId id = *ingest(*project, made("note.txt", "One."), with_worker(), {}, {});
    QCOMPARE(*ingest(*project, made("note.txt", "Two."), with_worker(), {}, {}), id);
    QCOMPARE(project->documents()->at(0).n_parts, 1);
    QCOMPARE(project->part_text(project->parts(id)->at(0).id)->text, "Two.");
  }

  void code_is_cut_into_a_few_lines_at_blank_ones() {
    QDir(folder_.path()).mkpath("code");
    made("code/a.cpp", "int a;\nint b;\n\nint c;\nint d;\nint e;\nint f;\nint g;\nint h;\nint i;\n");
    auto project = new_project();
    const auto id = ingest(*project, path("code"), with_worker(), {}, {});
    const PartText text = *project->part_text(project->parts(*id)->at(0).id);
    QCOMPARE(text.spans.size(), 3u);
    QCOMPARE(text.spans[0].first_line, 1);
    QCOMPARE(text.spans[0].last_line, 2);
    QCOMPARE(text.spans[1].first_line, 4);
    QCOMPARE(text.spans[1].last_line, 9);
    QCOMPARE(text.text.substr(text.spans[2].begin, text.spans[2].end - text.spans[2].begin), "int i;");
  }

  void markdown_has_headings_sentences_items_rows_and_code() {
    const std::string file = made("notes.md", "# Plan\n\nFirst we measure. Then we cut\nonce.\n\n- saw\n- wood\n\n| a | b |\n|---|---|\n\n```\nx = 1\n```\n");
    auto project = new_project();
    const auto id = ingest(*project, file, with_worker(), {}, {});
    QVERIFY(id);
    const PartText text = *project->part_text(project->parts(*id)->at(0).id);
    QCOMPARE(joined(text, SpanKind::kHeading), "# Plan\n");
    QCOMPARE(joined(text, SpanKind::kSentence), "First we measure.\nThen we cut\nonce.\n");
    QCOMPARE(joined(text, SpanKind::kListItem), "- saw\n- wood\n");
    QCOMPARE(joined(text, SpanKind::kTableRow), "| a | b |\n|---|---|\n");
    QCOMPARE(joined(text, SpanKind::kCode), "x = 1\n");
    QCOMPARE(text.spans[2].first_line, 3);
    QCOMPARE(text.spans[2].last_line, 4);
  }

  void a_page_picture_has_ink_where_the_text_is() {
    tests::PdfMaker pdf(200, 100);
    pdf.text(20, 50, 20, "IIIIIIII", tests::PdfFont::kBold);
    PagePictures pictures(made("picture.pdf", pdf.bytes()), kWorker);
    const auto picture = pictures.draw(1, 144);
    QVERIFY(picture);
    QCOMPARE(picture->width, 400);
    QCOMPARE(picture->height, 200);
    const auto dark = [&](int x0, int y0, int x1, int y1) {
      int n = 0;
      for (int y = y0; y < y1; ++y) {
        for (int x = x0; x < x1; ++x) n += picture->rgba[static_cast<std::size_t>(y * picture->width + x) * 4] < 128;
      }
      return n;
    };
    QVERIFY(dark(40, 60, 140, 104) > 100);
    QCOMPARE(dark(0, 120, 400, 200), 0);
    QVERIFY(!pictures.draw(2, 72));
    QVERIFY(!pictures.draw(1, 100000));
    QVERIFY(pictures.draw(1, 72));
  }

  void what_does_not_exist_is_an_error() {
    auto project = new_project();
    QCOMPARE(ingest(*project, path("nowhere.pdf"), with_worker(), {}, {}).error().code, ErrorCode::kNotFound);
  }
};

QTEST_GUILESS_MAIN(IngestTest)
#include "ingest_test.moc"
