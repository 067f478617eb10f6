#pragma once

#include <QFrame>

#include <vector>

#include "app/question/citations.h"

class QLabel;
class QTreeWidget;
class QTreeWidgetItem;

namespace ui {

class ProjectSession;

/// All sources of one answer: under each document the places that the answer cites, with what was found
/// there. Resting on one shows the place, choosing it opens it.
class CitedPanel final : public QFrame {
  Q_OBJECT

 public:
  explicit CitedPanel(ProjectSession& session, QWidget* parent = nullptr);
  void set_citations(std::vector<app::Citation> citations);
  QTreeWidget* list() const { return list_; }

 signals:
  void citation_activated(const app::Citation& citation);
  void citation_hovered(const app::Citation* citation, const QPoint& global);  // null: none

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void fill();
  const app::Citation* citation_of(const QTreeWidgetItem* item) const;

  ProjectSession& session_;
  std::vector<app::Citation> citations_;
  QTreeWidget* list_;
  QLabel* summary_;
};

}  // namespace ui
