#pragma once

#include <QFrame>

#include <vector>

#include "app/heatmap/evidence.h"
#include "app/question/citations.h"
#include "ui/conversation/ask_controller.h"
#include "ui/conversation/markdown_writer.h"

class QHBoxLayout;
class QLabel;
class QToolButton;

namespace ui {

class AnswerText;
class ThinkingPart;

/// One question with what came of it: bubble, thinking, answer, figures and what can be done with it.
class TurnView final : public QFrame {
  Q_OBJECT

 public:
  explicit TurnView(QWidget* parent = nullptr);

  void show_run(const RunView& run);
  void show_saved(const app::Run& run, std::vector<app::Citation> citations);
  /// While it streams: where the anchors lie; their labels as far as they are known.
  void set_citations(std::vector<app::Citation> citations);
  /// The second mark of each citation, same order; empty takes it away.
  void set_evidence(std::vector<app::CitationEvidence> evidence);
  void set_run_id(app::RunId id) { run_id_ = id; }
  app::RunId run_id() const { return run_id_; }
  const std::vector<app::Citation>& citations() const { return citations_; }
  QString question() const;
  std::string answer() const;
  AnswerText* answer_text() const { return answer_; }
  ThinkingPart* thinking_part() const { return thinking_; }
  /// "1 of 2" with arrows, when the question was asked again; 0 hides it.
  void set_branch(int index, int count);

 signals:
  void citation_clicked(const app::Citation& citation);
  void citation_hovered(const app::Citation* citation, const QPoint& global);
  void answer_byte_clicked(std::uint32_t byte);
  void link_clicked(const QString& address);
  void edit_requested();
  void again_requested();
  void continue_requested();
  void prompt_requested();
  void map_requested();
  void remove_requested();
  void branch_requested(int step);
  void resized();

 private:
  QToolButton* add_action(QHBoxLayout* row, const QString& icon_name, const QString& text, void (TurnView::*signal)());
  void show_answer(const std::string& text);
  void show_figures(const QString& text);
  void tint();
  void changeEvent(QEvent* event) override;

  QLabel* question_;
  ThinkingPart* thinking_;
  AnswerText* answer_;
  QLabel* error_;
  QFrame* foot_;
  QLabel* figures_;
  QToolButton* continue_ = nullptr;
  QFrame* branch_;
  QLabel* branch_label_;
  std::string answer_bytes_;
  std::vector<app::Citation> citations_;
  std::vector<app::CitationEvidence> evidence_;
  app::RunId run_id_ = 0;
};

/// What was found out about a citation.
ChipMark mark_of(const app::Citation& citation);

/// "report.pdf, p. 14" as a chip with its mark, for each citation; the first of a pair is hidden.
std::vector<Chip> chips_of(const std::vector<app::Citation>& citations, const std::vector<app::CitationEvidence>& evidence = {});

}  // namespace ui
