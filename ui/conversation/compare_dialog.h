#pragma once

#include <QDialog>

#include <vector>

#include "app/project/project.h"
#include "app/question/citations.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QScrollArea;

namespace ui {

class AnswerText;

/// Two runs side by side: settings, figures, answer, and which sources only one of them cites.
class CompareDialog final : public QDialog {
  Q_OBJECT

 public:
  /// `runs`, newest first, hold at least one run; the two chosen ones stand at the left and at the right.
  CompareDialog(std::vector<app::Run> runs, app::RunId left, app::RunId right, QWidget* parent = nullptr);

  /// The rows of figures as the columns show them.
  QString figures(int side) const;
  QString only_here(int side) const;
  AnswerText* answer(int side) const { return sides_[side].answer; }
  QScrollArea* area(int side) const { return sides_[side].area; }

 signals:
  void citation_activated(const app::Citation& citation);

 private:
  struct Side {
    QComboBox* choice = nullptr;
    QLabel* figures = nullptr;
    AnswerText* answer = nullptr;
    QLabel* only_here = nullptr;
    QScrollArea* area = nullptr;
    std::vector<app::Citation> citations;
  };

  QWidget* make_side(int side);
  void show_side(int side);
  void show_difference();
  void follow(int side);

  std::vector<app::Run> runs_;
  Side sides_[2];
  QCheckBox* together_;
  bool following_ = false;
};

}  // namespace ui
