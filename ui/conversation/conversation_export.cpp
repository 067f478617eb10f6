#include "ui/conversation/conversation_export.h"

#include <QAbstractTextDocumentLayout>
#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QImage>
#include <QPageLayout>
#include <QPageSize>
#include <QPdfWriter>
#include <QSaveFile>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <QUrl>

#include <algorithm>

#include "app/document/markup.h"
#include "ui/conversation/answer_objects.h"
#include "ui/conversation/html_writer.h"
#include "ui/conversation/markdown_writer.h"
#include "ui/conversation/math_object.h"
#include "ui/conversation/turn_view.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kPdfDotsPerInch = 1200;
constexpr double kPdfMarginMm = 20;
constexpr double kWideFigure = 600;  // pixels of a screen: 642 are as wide as the text
constexpr double kPageFigure = 300;

QString say(const char* text) { return QCoreApplication::translate("ui::ConversationExport", text); }

/// The notes of one answer: equal sources with equal checks stand once.
struct Notes {
  std::vector<const app::Citation*> list;
  std::vector<int> of_citation;  // 0: none, since it only opens a quotation

  explicit Notes(const std::vector<app::Citation>& citations) {
    for (const app::Citation& citation : citations) {
      if (citation.opens) {
        of_citation.push_back(0);
        continue;
      }
      const auto same = std::find_if(list.begin(), list.end(), [&](const app::Citation* one) {
        return one->label == citation.label && one->check == citation.check && one->quote == citation.quote;
      });
      of_citation.push_back(static_cast<int>(same - list.begin()) + 1);
      if (same == list.end()) list.push_back(&citation);
    }
  }
};

QString note_text(const app::Citation& citation) {
  if (!citation.in_prompt) return say("no such passage was in the prompt");
  QString text = QString::fromStdString(citation.label) + QStringLiteral(" (");
  switch (citation.check) {
    case app::QuoteCheck::kVerified: text += say("verified"); break;
    case app::QuoteCheck::kNear: text += say("nearly the same words"); break;
    case app::QuoteCheck::kNotFound: text += say("the words were not found there"); break;
    case app::QuoteCheck::kNoQuote: text += say("no words quoted"); break;
  }
  text += QLatin1Char(')');
  if (!citation.quote.empty()) text += QStringLiteral(": “") + QString::fromStdString(citation.quote).simplified() + QStringLiteral("”");
  return text;
}

QString facts(const app::Run& run) {
  QStringList parts;
  if (!run.asked_at.empty()) parts << QString::fromStdString(run.asked_at);
  if (!run.model.empty()) parts << QString::fromStdString(run.model);
  if (run.n_prompt_tokens > 0) parts << say("%1 prompt tokens, %2 written").arg(run.n_prompt_tokens).arg(run.n_generated_tokens);
  if (run.end == "cancelled") parts << say("stopped");
  if (run.end == "length") parts << say("ended at the length limit");
  return parts.join(QStringLiteral(" · "));
}

std::string one_line(const std::string& text) { return QString::fromStdString(text).simplified().toStdString(); }

/// In Markdown a line of somebody else's text must not become a heading, a list or a note.
std::string plain_in_markdown(const QString& text) {
  std::string out;
  for (const char c : text.toStdString()) {
    if (std::string_view("\\`*_[]<>#|").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

/// The name of a figure's file: "2-1.png" is the first one of the second answer.
QString figure_name(std::size_t turn, std::size_t figure) { return QStringLiteral("%1-%2.png").arg(turn + 1).arg(figure + 1); }

std::string answer_with_footnotes(const ExportedTurn& turn, const Notes& notes, std::size_t number) {
  std::string out;
  std::size_t at = 0;
  const std::string& answer = turn.run.answer;
  for (std::size_t i = 0; i < turn.citations.size(); ++i) {
    const app::Citation& citation = turn.citations[i];
    if (citation.begin < at || citation.end > answer.size()) continue;
    out.append(answer, at, citation.begin - at);
    at = citation.end;
    if (notes.of_citation[i] > 0) out += "[^" + std::to_string(number) + "-" + std::to_string(notes.of_citation[i]) + "]";
  }
  return out + answer.substr(at);
}

/// Lays a conversation out in a document, as the window shows it but on white.
class DocumentBuilder {
 public:
  explicit DocumentBuilder(QTextDocument& document) : cursor_(&document) {}

  void line(const QString& text, const QFont& font, const QColor& color, double above, double below) {
    QTextBlockFormat block;
    block.setTopMargin(above);
    block.setBottomMargin(below);
    QTextCharFormat format;
    format.setFont(font);
    format.setForeground(color);
    if (cursor_.position() == 0) cursor_.setBlockFormat(block);
    else cursor_.insertBlock(block, format);
    cursor_.setBlockCharFormat(format);
    cursor_.insertText(text, format);
  }

  void turn(const ExportedTurn& turn) {
    const Tokens& t = tokens();
    QFont question = strong(body_font());
    question.setPointSizeF(13);
    line(QString::fromStdString(turn.run.question).simplified(), question, t.ink, 18, 6);
    const std::vector<Chip> chips = chips_of(turn.citations);
    cursor_.insertBlock({}, {});
    MarkdownWriter(cursor_, chips).write(turn.run.answer, 0, nullptr);
    cursor_.movePosition(QTextCursor::End);
    const Notes notes(turn.citations);
    if (!notes.list.empty()) line(say("Sources"), strong(small_font()), t.ink_soft, 10, 2);
    for (std::size_t i = 0; i < notes.list.size(); ++i) {
      line(QStringLiteral("%1. %2").arg(i + 1).arg(note_text(*notes.list[i])), small_font(), t.ink_soft, 1, 1);
    }
    if (const QString said = facts(turn.run); !said.isEmpty()) line(said, small_font(), t.ink_soft, 6, 0);
    for (const ExportedFigure& one : turn.figures) figure(one);
  }

  void figure(const ExportedFigure& one) {
    const QImage image = QImage::fromData(one.png, "PNG");
    if (image.isNull()) return;
    const QUrl name(QStringLiteral("figure:%1").arg(++n_figures_));
    cursor_.document()->addResource(QTextDocument::ImageResource, name, image);
    QTextImageFormat format;
    format.setName(name.toString());
    format.setWidth(one.size == ExportedFigure::Size::kWide ? kWideFigure : kPageFigure);
    format.setHeight(format.width() * image.height() / image.width());
    // Picture and caption stay on one page.
    QTextBlockFormat block;
    block.setTopMargin(12);
    block.setNonBreakableLines(true);
    cursor_.insertBlock(block, {});
    cursor_.insertImage(format);
    cursor_.insertText(QString(QChar::LineSeparator));
    QTextCharFormat caption;
    caption.setFont(small_font());
    caption.setForeground(tokens().ink_soft);
    cursor_.insertText(one.caption, caption);
  }

 private:
  QTextCursor cursor_;
  int n_figures_ = 0;
};

}  // namespace

std::string conversation_to_markdown(const QString& title, const std::vector<ExportedTurn>& turns, const QString& figure_folder) {
  std::string out = "# " + plain_in_markdown(title) + "\n";
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Notes notes(turns[i].citations);
    out += "\n## " + plain_in_markdown(QString::fromStdString(one_line(turns[i].run.question))) + "\n\n";
    out += answer_with_footnotes(turns[i], notes, i + 1) + "\n\n";
    for (std::size_t n = 0; n < notes.list.size(); ++n) {
      out += "[^" + std::to_string(i + 1) + "-" + std::to_string(n + 1) + "]: " + plain_in_markdown(note_text(*notes.list[n])) + "\n";
    }
    for (std::size_t n = 0; n < turns[i].figures.size(); ++n) {
      const std::string place = (figure_folder.isEmpty() ? QString() : QString::fromLatin1(QUrl::toPercentEncoding(figure_folder)) + QLatin1Char('/')).toStdString();
      out += "\n![" + plain_in_markdown(turns[i].figures[n].caption) + "](" + place + figure_name(i, n).toStdString() + ")\n";
    }
    if (const QString said = facts(turns[i].run); !said.isEmpty()) out += "\n" + plain_in_markdown(said) + "\n";
  }
  return out;
}

std::string conversation_to_html(const QString& title, const std::vector<ExportedTurn>& turns) {
  const std::string name = app::escape_markup(title.toStdString());
  std::string out =
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n<title>" + name +
      "</title>\n<style>\nbody{max-width:44em;margin:2em auto;padding:0 1em;font-family:Inter,sans-serif;line-height:1.5;color:#1e2226;background:#fbfaf7}\n"
      "pre,code{font-family:'JetBrains Mono',monospace;font-size:.92em}pre{background:#f1efea;padding:.8em;overflow:auto}\n"
      "table{border-collapse:collapse}td,th{border:1px solid #ddd9d0;padding:.3em .6em}sup a{text-decoration:none;color:#1f6f54}\n"
      "figure{margin:1.2em 0}figure img{max-width:100%}figure.page img{width:24em}figcaption{color:#5b636b;font-size:.88em}\n"
      ".notes,.facts,details{color:#5b636b;font-size:.88em}details div{white-space:pre-wrap}\n</style></head><body>\n<h1>" + name + "</h1>\n";
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const ExportedTurn& turn = turns[i];
    const Notes notes(turn.citations);
    const std::string prefix = "n" + std::to_string(i + 1);
    out += "<h2>" + app::escape_markup(one_line(turn.run.question)) + "</h2>\n";
    out += markdown_to_html(turn.run.answer, chips_of(turn.citations), notes.of_citation, prefix);
    if (!notes.list.empty()) out += "<ol class=\"notes\">\n";
    for (std::size_t n = 0; n < notes.list.size(); ++n) {
      out += "<li id=\"" + prefix + "-" + std::to_string(n + 1) + "\">" + app::escape_markup(note_text(*notes.list[n]).toStdString()) + "</li>\n";
    }
    if (!notes.list.empty()) out += "</ol>\n";
    if (!turn.run.thinking.empty()) {
      out += "<details><summary>" + app::escape_markup(say("Thinking").toStdString()) + "</summary><div>" + app::escape_markup(turn.run.thinking) + "</div></details>\n";
    }
    for (const ExportedFigure& figure : turn.figures) {
      const std::string caption = app::escape_markup(figure.caption.toStdString());
      out += std::string("<figure") + (figure.size == ExportedFigure::Size::kPage ? " class=\"page\"" : "") + "><img alt=\"" + caption + "\" src=\"data:image/png;base64," +
             figure.png.toBase64().toStdString() + "\"><figcaption>" + caption + "</figcaption></figure>\n";
    }
    out += "<p class=\"facts\">" + app::escape_markup(facts(turn.run).toStdString()) + "</p>\n";
  }
  return out + "</body></html>\n";
}

app::Result<void> conversation_to_pdf(const QString& title, const std::vector<ExportedTurn>& turns, const QString& file) {
  const LightTokens on_paper;
  QTextDocument document;
  document.setUndoRedoEnabled(false);
  document.setDefaultFont(body_font());
  document.setIndentWidth(kListIndent);
  document.documentLayout()->registerHandler(kChipObject, new ChipPainter(&document));
  document.documentLayout()->registerHandler(kMathObject, new MathPainter(&document));
  DocumentBuilder builder(document);
  QFont head = strong(body_font());
  head.setPointSizeF(18);
  builder.line(title, head, tokens().ink, 0, 4);
  for (const ExportedTurn& turn : turns) builder.turn(turn);

  QSaveFile out(file);
  if (!out.open(QIODevice::WriteOnly)) {
    return app::Error{app::ErrorCode::kIo, say("%1 could not be written: %2").arg(file, out.errorString()).toStdString()};
  }
  {
    QPdfWriter writer(&out);
    writer.setResolution(kPdfDotsPerInch);
    writer.setPageSize(QPageSize(QPageSize::A4));
    writer.setPageMargins(QMarginsF(kPdfMarginMm, kPdfMarginMm, kPdfMarginMm, kPdfMarginMm), QPageLayout::Millimeter);
    writer.setTitle(title);
    writer.setCreator(QStringLiteral("Longleaf"));
    document.print(&writer);
  }
  if (!out.commit()) return app::Error{app::ErrorCode::kIo, say("%1 could not be written: %2").arg(file, out.errorString()).toStdString()};
  return {};
}

namespace {

app::Result<void> write_figures(const std::vector<ExportedTurn>& turns, const QString& folder) {
  for (std::size_t i = 0; i < turns.size(); ++i) {
    for (std::size_t n = 0; n < turns[i].figures.size(); ++n) {
      QDir().mkpath(folder);
      QSaveFile out(folder + QLatin1Char('/') + figure_name(i, n));
      const QByteArray& png = turns[i].figures[n].png;
      if (!out.open(QIODevice::WriteOnly) || out.write(png) != png.size() || !out.commit()) {
        return app::Error{app::ErrorCode::kIo, say("%1 could not be written: %2").arg(out.fileName(), out.errorString()).toStdString()};
      }
    }
  }
  return {};
}

}  // namespace

app::Result<void> export_conversation(const QString& title, const std::vector<ExportedTurn>& turns, const QString& file) {
  if (file.endsWith(QLatin1String(".pdf"), Qt::CaseInsensitive)) return conversation_to_pdf(title, turns, file);
  const bool html = file.endsWith(QLatin1String(".html"), Qt::CaseInsensitive) || file.endsWith(QLatin1String(".htm"), Qt::CaseInsensitive);
  const QString figures = QFileInfo(file).completeBaseName() + QStringLiteral(" figures");
  if (!html) TRY(write_figures(turns, QFileInfo(file).absolutePath() + QLatin1Char('/') + figures));
  const std::string text = html ? conversation_to_html(title, turns) : conversation_to_markdown(title, turns, figures);
  QSaveFile out(file);
  const auto size = static_cast<qint64>(text.size());
  if (!out.open(QIODevice::WriteOnly) || out.write(text.data(), size) != size || !out.commit()) {
    return app::Error{app::ErrorCode::kIo, say("%1 could not be written: %2").arg(file, out.errorString()).toStdString()};
  }
  return {};
}

}  // namespace ui
