#pragma once

#include <QMenu>

#include <vector>

#include "app/question/prompt_templates.h"

namespace ui {

class ProjectSession;

/// The project's prompt templates by group, the editor for them, and the list of questions.
class TemplatesMenu final : public QMenu {
  Q_OBJECT

 public:
  explicit TemplatesMenu(ProjectSession& session, QWidget* parent = nullptr);
  const std::vector<app::PromptTemplate>& templates() const { return templates_; }
  void edit_templates();
  void list_questions();
  /// Stores a set in the project.
  void save(const std::vector<app::PromptTemplate>& templates);

 signals:
  void chosen(const app::PromptTemplate& one);
  void questions_listed(const QStringList& questions);
  void failed(const QString& message);

 private:
  void load();
  void fill();

  ProjectSession& session_;
  std::vector<app::PromptTemplate> templates_;
};

}  // namespace ui
