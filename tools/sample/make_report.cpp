// Makes resources/sample/tolliver-creek.pdf from the Markdown files in report/. See README.md.
#include <QDir>
#include <QFile>
#include <QFontDatabase>
#include <QGuiApplication>
#include <QPainter>
#include <QPdfWriter>
#include <QRegularExpression>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextTable>
#include <QAbstractTextDocumentLayout>
#include <cstdio>

namespace {

constexpr int kDotsPerInch = 300;
constexpr double kDotsPerPoint = kDotsPerInch / 72.0;
constexpr double kUnitsPerPoint = 96 / 72.0;  // margins in a text document; Qt scales them to the device itself
const QString kTitle = "Eleven Years of Fire";

QTextCharFormat text_format(double points, int weight = QFont::Normal, const QString& family = "Noto Serif") {
  QFont font(family);
  font.setPointSizeF(points);
  font.setWeight(static_cast<QFont::Weight>(weight));
  // Any letter spacing turns ligatures off: an "fi" that is one glyph is lost when the text is read back.
  font.setLetterSpacing(QFont::PercentageSpacing, 100.05);
  QTextCharFormat format;
  format.setFont(font);
  return format;
}

QTextBlockFormat block_format(double before, double after, double line_height = 135) {
  QTextBlockFormat format;
  format.setTopMargin(before * kUnitsPerPoint);
  format.setBottomMargin(after * kUnitsPerPoint);
  format.setLineHeight(line_height, QTextBlockFormat::ProportionalHeight);
  return format;
}

class Report {
 public:
  explicit Report(QPdfWriter& writer) : cursor_(&document_) {
    document_.documentLayout()->setPaintDevice(&writer);
    document_.setDocumentMargin(0);
  }

  void title_page() {
    cursor_.setBlockFormat(block_format(150, 12));
    cursor_.insertText(kTitle, text_format(30, QFont::Bold, "Inter"));
    add_block("Restoring longleaf pine savanna at Tolliver Creek Preserve, 2014 to 2024", block_format(0, 60), text_format(15, QFont::Normal, "Inter"));
    add_block("Marguerite Oyelaran, Dell Hutchins, Ines Farrow, Kofi Adjei, Carla Benavides and Tomasz Wirth", block_format(0, 6), text_format(11));
    add_block("Report of the fire management programme to the board of the Tolliver Creek Land Trust, March 2025", block_format(0, 200), text_format(11));
    add_block("The preserve, the trust and the people in this report are invented. It was written as a sample for the program Longleaf and may be used freely.", block_format(0, 0), text_format(9));
  }

  void add_file(const QString& path) {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) qFatal("cannot read %s", qPrintable(path));
    const QStringList lines = QString::fromUtf8(file.readAll()).split('\n');
    for (qsizetype i = 0; i < lines.size(); ++i) {
      const QString line = lines[i].trimmed();
      if (line.startsWith("# ")) chapter(line.mid(2));
      else if (line.startsWith("## ")) section(line.mid(3));
      else if (line.startsWith("|")) i = table(lines, i);
      else if (!line.isEmpty()) paragraph(line);
    }
  }

  void print(QPdfWriter& writer) {
    const QRectF page(0, 0, writer.width(), writer.height());
    document_.setPageSize(page.size());
    keep_headings_with_text(page.height());
    QPainter painter(&writer);
    for (int i = 0; i < document_.pageCount(); ++i) {
      if (i > 0) writer.newPage();
      painter.save();
      // Without this a line of the next page shows at the foot of this one.
      painter.setClipRect(page);
      painter.translate(0, -page.height() * i);
      document_.drawContents(&painter, page.translated(0, page.height() * i));
      painter.restore();
      if (i > 0) margins(painter, page, i + 1);
    }
    std::printf("%d pages\n", document_.pageCount());
  }

 private:
  void add_block(const QString& text, const QTextBlockFormat& block, const QTextCharFormat& format) {
    cursor_.insertBlock(block, format);
    // "**Word.** what it means": the only mark that the report uses inside a paragraph.
    QTextCharFormat bold = format;
    bold.setFontWeight(QFont::Bold);
    const QStringList pieces = text.split("**");
    for (qsizetype i = 0; i < pieces.size(); ++i) cursor_.insertText(pieces[i], i % 2 == 1 ? bold : format);
  }

  void chapter(const QString& name) {
    const bool is_numbered = name != "Summary" && !name.startsWith("Appendix");
    QTextBlockFormat format = block_format(0, 14, 110);
    format.setPageBreakPolicy(QTextFormat::PageBreak_AlwaysBefore);
    format.setHeadingLevel(1);
    add_block(is_numbered ? QString("%1 %2").arg(++n_chapters_).arg(name) : name, format, text_format(20, QFont::Bold, "Inter"));
    n_sections_ = is_numbered ? 0 : -1;
  }

  void section(const QString& name) {
    QTextBlockFormat format = block_format(12, 5, 110);
    format.setHeadingLevel(2);
    format.setPageBreakPolicy(QTextFormat::PageBreak_Auto);
    const QString text = n_sections_ < 0 ? name : QString("%1.%2 %3").arg(n_chapters_).arg(++n_sections_).arg(name);
    add_block(text, format, text_format(13, QFont::DemiBold, "Inter"));
  }

  void paragraph(const QString& text) {
    const bool is_caption = text.startsWith("Table ") && text.indexOf(". ") < 9;
    if (is_caption) add_block(text, block_format(4, 14), text_format(9.5, QFont::Normal, "Inter"));
    else add_block(text, block_format(0, 7), text_format(11));
  }

  /// Moves a heading that would stand alone at the foot of a page to the next one.
  void keep_headings_with_text(double page_height) {
    const auto page_of = [&](const QTextBlock& block) {
      return static_cast<int>(document_.documentLayout()->blockBoundingRect(block).top() / page_height);
    };
    for (QTextBlock block = document_.begin(); block.isValid(); block = block.next()) {
      if (block.blockFormat().headingLevel() != 2 || !block.next().isValid() || page_of(block) == page_of(block.next())) continue;
      QTextBlockFormat format = block.blockFormat();
      format.setPageBreakPolicy(QTextFormat::PageBreak_AlwaysBefore);
      QTextCursor(block).setBlockFormat(format);
    }
  }

  static QStringList cells(const QString& line) {
    QStringList out = line.trimmed().split('|');
    out.removeFirst();
    out.removeLast();
    for (QString& cell : out) cell = cell.trimmed();
    return out;
  }

  qsizetype table(const QStringList& lines, qsizetype first) {
    qsizetype end = first;
    while (end < lines.size() && lines[end].startsWith("|")) ++end;
    const QStringList head = cells(lines[first]);
    const int n_rows = static_cast<int>(end - first) - 1;  // the line of dashes is none
    QTextTableFormat format;
    format.setCellPadding(3 * kUnitsPerPoint);
    format.setCellSpacing(0);
    format.setBorder(0.5 * kUnitsPerPoint);
    format.setBorderCollapse(true);
    format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
    format.setBorderBrush(QColor(150, 150, 150));
    format.setHeaderRowCount(1);
    format.setTopMargin(6 * kUnitsPerPoint);
    format.setWidth(QTextLength(QTextLength::PercentageLength, 100));
    QTextTable* grid = cursor_.insertTable(n_rows, static_cast<int>(head.size()), format);
    const double points = head.size() > 9 ? 7.0 : 9.0;
    for (int row = 0; row < n_rows; ++row) {
      const QStringList texts = row == 0 ? head : cells(lines[first + row + 1]);
      for (int column = 0; column < head.size(); ++column) {
        QTextCursor at = grid->cellAt(row, column).firstCursorPosition();
        at.setBlockFormat(block_format(0, 0, 115));
        at.insertText(column < texts.size() ? texts[column] : QString(), text_format(points, row == 0 ? QFont::DemiBold : QFont::Normal, "Inter"));
      }
    }
    cursor_.movePosition(QTextCursor::End);
    return end - 1;
  }

  void margins(QPainter& painter, const QRectF& page, int number) const {
    painter.save();
    painter.setFont(text_format(8.5, QFont::Normal, "Inter").font());
    painter.setPen(QColor(90, 90, 90));
    const QRectF head(0, -40 * kDotsPerPoint, page.width(), 14 * kDotsPerPoint);
    painter.drawText(head, Qt::AlignLeft, kTitle + ": Tolliver Creek Preserve");
    const QRectF foot(0, page.height() + 24 * kDotsPerPoint, page.width(), 14 * kDotsPerPoint);
    painter.drawText(foot, Qt::AlignHCenter, QString::number(number));
    painter.restore();
  }

  QTextDocument document_;
  QTextCursor cursor_;
  int n_chapters_ = 0;
  int n_sections_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QGuiApplication application(argc, argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_report REPORT_FOLDER OUT.pdf\n");
    return 2;
  }
  QPdfWriter writer(QString::fromLocal8Bit(argv[2]));
  writer.setResolution(kDotsPerInch);
  writer.setPageSize(QPageSize(QPageSize::A4));
  writer.setPageMargins(QMarginsF(68, 74, 68, 66), QPageLayout::Point);
  writer.setTitle(kTitle);
  writer.setCreator("Longleaf sample");
  Report report(writer);
  report.title_page();
  const QDir folder(QString::fromLocal8Bit(argv[1]));
  for (const QString& name : folder.entryList({"*.md"}, QDir::Files, QDir::Name)) report.add_file(folder.filePath(name));
  report.print(writer);
  return 0;
}
