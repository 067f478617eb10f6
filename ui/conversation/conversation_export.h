#pragma once

#include <QString>

#include <string>
#include <vector>

#include "app/project/project.h"
#include "app/question/citations.h"

namespace ui {

struct ExportedTurn {
  app::Run run;                            // thinking, model and figures; question and answer at least
  std::vector<app::Citation> citations;
};

/// A conversation as a document: each question with its answer, numbered notes in the place of anchors,
/// and for each note the source with what was found there. Texts of model and documents are data.
std::string conversation_to_markdown(const QString& title, const std::vector<ExportedTurn>& turns);
std::string conversation_to_html(const QString& title, const std::vector<ExportedTurn>& turns);
/// As PDF, always in the colours of the light theme. Main thread. The error names the file.
app::Result<void> conversation_to_pdf(const QString& title, const std::vector<ExportedTurn>& turns, const QString& file);

/// The right one of these by the file's ending (.md, .html, .pdf), written whole or not at all.
app::Result<void> export_conversation(const QString& title, const std::vector<ExportedTurn>& turns, const QString& file);

}  // namespace ui
