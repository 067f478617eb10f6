#pragma once

#include <QFrame>
#include <QTimer>

#include <memory>

#include "app/question/citations.h"
#include "ui/page/page_images.h"

namespace ui {

class ProjectSession;

/// What appears while the pointer rests on a chip: the page around the cited words with these marked,
/// or the lines of a file, and what was found there.
class CitationPreview final : public QFrame {
  Q_OBJECT

 public:
  explicit CitationPreview(ProjectSession& session, QWidget* parent = nullptr);

  /// Shows it beside `global` after a moment.
  void show_citation(const app::Citation& citation, const QString& check, const QPoint& global);
  void dismiss();
  /// The words that it shows of a file; for pages their picture stands there.
  QString excerpt() const { return excerpt_; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void load();
  void adopt(std::shared_ptr<const app::PartText> text);
  void place();

  ProjectSession& session_;
  PageImages images_;
  app::DocumentId images_of_ = 0;
  QTimer delay_;
  app::Citation citation_;
  QString check_;
  QString excerpt_;
  int excerpt_line_ = 0;  // number of its first line; 0: none
  QPoint at_;
  std::shared_ptr<const app::PartText> text_;
  bool is_page_ = false;
  int page_ = 0;  // from 1
  std::uint64_t wanted_ = 0;
};

}  // namespace ui
