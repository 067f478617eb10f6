#pragma once

#include <QByteArray>
#include <QString>

#include <string>
#include <vector>

#include "app/project/project.h"
#include "app/question/citations.h"

namespace ui {

/// A picture below an answer.
struct ExportedFigure {
  enum class Size { kWide, kPage };  // as wide as the text, or a page beside others
  QString caption;                   // data: never markup
  QByteArray png;
  Size size = Size::kWide;
};

struct ExportedTurn {
  app::Run run;                            // thinking, model and figures; question and answer at least
  std::vector<app::Citation> citations;
  std::vector<ExportedFigure> figures = {};  // see export_figures.h
};

/// A conversation as a document: each question with its answer, numbered notes in the place of anchors,
/// and for each note the source with what was found there. Texts of model and documents are data.
/// Markdown names its figures as files in `figure_folder`; HTML holds them.
std::string conversation_to_markdown(const QString& title, const std::vector<ExportedTurn>& turns, const QString& figure_folder = {});
std::string conversation_to_html(const QString& title, const std::vector<ExportedTurn>& turns);
/// As PDF, always in the colours of the light theme. Main thread. The error names the file.
app::Result<void> conversation_to_pdf(const QString& title, const std::vector<ExportedTurn>& turns, const QString& file);

/// The right one of these by the file's ending (.md, .html, .pdf), written whole or not at all. Figures of
/// Markdown go into a folder beside it, "answer figures" for answer.md.
app::Result<void> export_conversation(const QString& title, const std::vector<ExportedTurn>& turns, const QString& file);

}  // namespace ui
