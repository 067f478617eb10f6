// How well pages are read, on PDFs whose truth is known: run it to see the scores.
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <random>

#include "app/ingest/ingest.h"
#include "tests/support/make_pdf.h"

using namespace app;

namespace {

struct Truth {
  SpanKind kind;
  std::string text;
  int level = 0;  // headings: what it should be; 0: not asked
};

/// A PDF and what a person reads in it, in order.
struct Sample {
  tests::PdfMaker pdf;
  std::vector<Truth> truth;
  std::mt19937 random{7};

  std::string sentence(int n_words) {
    static const char* kWords[] = {"harbour", "tariff", "committee", "network", "report", "indexer", "valley", "engine", "lantern", "winter", "market", "river",
                                   "meadow", "signal", "method", "result", "account", "voltage", "column", "sample", "measure", "the", "of", "and", "with"};
    std::string text;
    for (int i = 0; i < n_words; ++i) text += (i ? " " : "") + std::string(kWords[random() % 25]);
    text[0] = static_cast<char>(std::toupper(text[0]));
    return text + ".";
  }

  double heading(double x, double y, double size, const std::string& text, int level = 0) {
    pdf.text(x, y, size, text, tests::PdfFont::kBold);
    truth.push_back({SpanKind::kHeading, text, level});
    return y + 2 * size;
  }

  double paragraph(double x, double y, int n_sentences, int n_letters) {
    std::string text;
    for (int i = 0; i < n_sentences; ++i) {
      truth.push_back({SpanKind::kSentence, sentence(8 + static_cast<int>(random() % 9)), 0});
      text += (i ? " " : "") + truth.back().text;
    }
    return pdf.paragraph(x, y, 10, n_letters, text) + 8;
  }

  double table(double x, double y, int n_rows, const std::vector<std::string>& names, double width) {
    for (int row = 0; row < n_rows; ++row, y += 15) {
      std::string line = "|";
      for (std::size_t column = 0; column < names.size(); ++column) {
        const std::string cell = row == 0 ? names[column] : column == 0 ? "Item " + std::to_string(row) : std::to_string(random() % 9000 + 100);
        pdf.text(x + width * static_cast<double>(column), y, 10, cell);
        line += " " + cell + " |";
      }
      truth.push_back({SpanKind::kTableRow, line, 0});
    }
    return y + 15;
  }

  /// Drawn with lines; the text of a cell may need two lines of print.
  double ruled_table(double x, double y, int n_rows, int n_columns, double width) {
    const double top = y, height = 30;
    for (int row = 0; row < n_rows; ++row, y += height) {
      std::string line = "|";
      for (int column = 0; column < n_columns; ++column) {
        const std::string first = sentence(2), second = column == 1 ? sentence(2) : "";
        pdf.text(x + width * column + 4, y + 12, 9, first);
        if (!second.empty()) pdf.text(x + width * column + 4, y + 23, 9, second);
        line += " " + first + (second.empty() ? "" : " " + second) + " |";
      }
      truth.push_back({SpanKind::kTableRow, line, 0});
    }
    for (int row = 0; row <= n_rows; ++row) pdf.line(x, top + height * row, x + width * n_columns, top + height * row);
    for (int column = 0; column <= n_columns; ++column) pdf.line(x + width * column, top, x + width * column, y);
    return y + 15;
  }
};

Sample one_column() {
  Sample sample;
  double y = sample.heading(72, 80, 20, "Annual report of the harbour");
  for (int section = 1; section <= 4; ++section) {
    y = sample.heading(72, y + 6, 13, std::to_string(section) + " Section about lanterns");
    for (int i = 0; i < 2; ++i) y = sample.paragraph(72, y, 4, 85);
  }
  return sample;
}

Sample two_columns() {
  Sample sample;
  sample.heading(150, 70, 18, "Sparse attention in two columns");
  double y = sample.paragraph(72, 110, 3, 92);
  const double top = y + 10;
  for (const double x : {72.0, 315.0}) {
    y = sample.heading(x, top, 12, x < 100 ? "1 Method" : "2 Results");
    for (int i = 0; i < 5; ++i) y = sample.paragraph(x, y, 3, 44);
  }
  return sample;
}

Sample three_columns() {
  Sample sample;
  sample.heading(72, 70, 20, "The winter market");
  for (const double x : {50.0, 220.0, 390.0}) {
    double y = 110;
    for (int i = 0; i < 5; ++i) y = sample.paragraph(x, y, 3, 30);
  }
  return sample;
}

Sample tables() {
  Sample sample;
  double y = sample.paragraph(72, 80, 3, 85);
  y = sample.table(72, y + 10, 6, {"Name", "Income", "Costs", "Result"}, 110);
  y = sample.paragraph(72, y + 10, 3, 85);
  sample.table(72, y + 10, 9, {"Station", "Voltage", "Current"}, 150);
  return sample;
}

Sample notes_and_lists() {
  Sample sample;
  double y = sample.heading(72, 80, 16, "Lists and notes");
  y = sample.paragraph(72, y, 3, 85);
  for (int i = 0; i < 3; ++i) {
    const std::string item = "- " + sample.sentence(7);
    sample.pdf.text(80, y, 10, item);
    sample.truth.push_back({SpanKind::kListItem, item, 0});
    y += 14;
  }
  const std::string caption = "Figure 1: " + sample.sentence(6);
  sample.pdf.text(72, y + 20, 9, caption);
  sample.truth.push_back({SpanKind::kCaption, caption, 0});
  sample.paragraph(72, y + 60, 5, 85);
  const std::string note = "1 " + sample.sentence(9);
  sample.pdf.text(72, 760, 7.5, note);
  sample.truth.push_back({SpanKind::kFootnote, note, 0});
  return sample;
}

Sample ruled_tables() {
  Sample sample;
  double y = sample.paragraph(72, 80, 3, 85);
  y = sample.ruled_table(72, y + 10, 5, 3, 130);
  y = sample.paragraph(72, y + 10, 3, 85);
  sample.ruled_table(72, y + 10, 4, 4, 110);
  return sample;
}

Sample heading_levels() {
  Sample sample;
  double y = sample.heading(72, 80, 20, "Report of the harbour board", 1);
  y = sample.paragraph(72, y, 2, 85);
  for (const char* number : {"1", "2"}) {
    y = sample.heading(72, y + 6, 15, number + std::string(" Chapter about lanterns"), 1);
    y = sample.paragraph(72, y, 2, 85);
    y = sample.heading(72, y + 6, 12.5, number + std::string(".1 Section about tariffs"), 2);
    y = sample.paragraph(72, y, 2, 85);
    y = sample.heading(72, y + 6, 10, number + std::string(".1.1 Detail about signals"), 3);
    y = sample.paragraph(72, y, 2, 85);
  }
  y = sample.heading(72, y + 6, 14, "What follows", 2);
  sample.paragraph(72, y, 2, 85);
  return sample;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

struct Scores {
  double found = 0;   // of the true pieces: read exactly, with the right kind
  double levels = 1;  // of the headings found: at the right level
  double order = 0;   // of neighbours in the truth: also in this order as read
};

}  // namespace

class ReadingQualityTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;

  Scores score(const Sample& sample, const std::string& name) {
    const std::string file = folder_.filePath(QString::fromStdString(name)).toStdString();
    tests::write_file(file + ".pdf", sample.pdf.bytes());
    auto project = *Project::open(file + ".longleaf");
    IngestOptions options;
    options.worker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";
    const auto id = ingest(*project, file + ".pdf", options, {}, {});
    const PartText page = *project->part_text(project->parts(*id)->at(0).id);
    std::vector<int> places;
    int n_found = 0, n_ordered = 0, n_levels = 0, n_right_levels = 0;
    for (const Truth& truth : sample.truth) {
      const auto span = std::find_if(page.spans.begin(), page.spans.end(), [&](const Span& each) {
        return each.kind == truth.kind && first_line(page.text.substr(each.begin, each.end - each.begin)) == truth.text;
      });
      if (span == page.spans.end()) continue;
      places.push_back(static_cast<int>(span - page.spans.begin()));
      ++n_found;
      n_levels += truth.level > 0;
      n_right_levels += truth.level > 0 && span->level == truth.level;
    }
    for (std::size_t i = 1; i < places.size(); ++i) n_ordered += places[i] > places[i - 1];
    Scores scores{n_found / static_cast<double>(sample.truth.size()), n_levels > 0 ? n_right_levels / static_cast<double>(n_levels) : 1, places.size() < 2 ? 0 : n_ordered / static_cast<double>(places.size() - 1)};
    qInfo("%-16s found %.3f  levels %.3f  order %.3f  (%zu pieces)", name.c_str(), scores.found, scores.levels, scores.order, sample.truth.size());
    return scores;
  }

 private slots:
  void pages_are_read_as_a_person_reads_them_data() {
    QTest::addColumn<int>("sample");
    const char* kNames[] = {"one column", "two columns", "three columns", "tables", "notes and lists", "ruled tables", "heading levels"};
    for (int i = 0; i < 7; ++i) QTest::newRow(kNames[i]) << i;
  }
  void pages_are_read_as_a_person_reads_them() {
    QFETCH(int, sample);
    Sample (*const kSamples[])() = {one_column, two_columns, three_columns, tables, notes_and_lists, ruled_tables, heading_levels};
    const Scores scores = score(kSamples[sample](), QTest::currentDataTag());
    QVERIFY2(scores.found >= 0.9, "pieces were lost, cut or taken for something else");
    QVERIFY2(scores.levels >= 0.9, "headings have the wrong level");
    QVERIFY2(scores.order >= 0.95, "pieces were read in the wrong order");
  }

  void the_sample_report_keeps_its_tables_and_the_signs_that_its_fonts_do_not_name() {
    auto project = *Project::open(folder_.filePath("sample.longleaf").toStdString());
    IngestOptions options;
    options.worker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";
    const auto id = ingest(*project, LONGLEAF_SOURCE_DIR "/resources/sample/tolliver-creek.pdf", options, {}, {});
    QVERIFY(id);
    QVERIFY2(project->documents()->at(0).note.empty(), project->documents()->at(0).note.c_str());
    std::string all;
    const auto parts = *project->parts(*id);
    for (const Part& part : parts) all += project->part_text(part.id)->text + "\n";
    for (const char* line : {"| N-3 | North Ridge | 184 | grass and litter | 5 | 20 June 2024 |", "| 2014 | 7 | 1 | 412 | 9 | 58.9 | 611 |", "5.2 2014: beginnings",
                             "| Year | Burns | Growing-season burns | Area (ha) | Burn days lost | Mean size (ha) | Cost per hectare ($) |",
                             "| Sandhill | 8 | 1,236 | coarse sand | sparse grass, oak litter | 48 % | 93 % |"}) {
      QVERIFY2(all.find(line) != std::string::npos, line);
    }
  }
};

QTEST_GUILESS_MAIN(ReadingQualityTest)
#include "reading_quality_test.moc"
