#pragma once

#include <QTextBrowser>

#include <vector>

#include "ui/conversation/answer_objects.h"
#include "ui/conversation/markdown_writer.h"

namespace ui {

/// An answer: Markdown that grows while it streams, with chips and formulas. As tall as its text, so
/// that the conversation around it scrolls. Only the last open block is written anew when text comes.
class AnswerText final : public QTextBrowser {
  Q_OBJECT

 public:
  explicit AnswerText(QWidget* parent = nullptr);

  /// The whole text so far, and the chips in it. What is drawn already and has not changed stays.
  void show_markdown(const std::string& markdown, std::vector<Chip> chips);
  /// Writes everything anew: after a change of theme or of the chips.
  void redraw();

  const std::string& markdown() const { return markdown_; }
  /// The byte of the answer under a place of the document; -1 where no text is.
  std::int64_t byte_at(int position) const;
  /// Shows which bytes are the chosen token's; an empty range none.
  void mark_bytes(std::uint32_t begin, std::uint32_t end);

  QSize sizeHint() const override;
  bool hasHeightForWidth() const override { return false; }

 signals:
  void chip_clicked(int index);
  void chip_hovered(int index, const QPoint& global);  // -1: none
  void link_clicked(const QString& address);
  void text_clicked(std::uint32_t byte);
  void height_changed();

 protected:
  QMimeData* createMimeDataFromSelection() const override;
  QVariant loadResource(int type, const QUrl& name) override;
  void doSetSource(const QUrl& name, QTextDocument::ResourceType type) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  void write_from(std::size_t byte);
  void fit_height();
  int chip_at(const QPoint& point) const;
  void follow(const QString& href);

  std::string markdown_;
  std::vector<Chip> chips_;
  std::size_t stable_ = 0;       // bytes that stay as they are drawn
  int stable_position_ = 0;      // where they end in the document
  std::vector<TextRun> runs_;
  std::size_t stable_runs_ = 0;
  QPoint pressed_;
  int hovered_ = -1;
};

}  // namespace ui
