#pragma once

#include <QAbstractScrollArea>

#include <memory>
#include <vector>

#include "app/document/page.h"
#include "ui/page/syntax.h"
#include "ui/page/view_marks.h"

namespace ui {

/// A source file to read: line numbers, colours, a marked place, heat in the margin; selection, copy.
/// Draws only the lines that are seen.
class CodeView final : public QAbstractScrollArea {
  Q_OBJECT

 public:
  explicit CodeView(QWidget* parent = nullptr);

  void set_text(std::shared_ptr<const app::PartText> text, const QString& language);
  void clear();
  /// Bytes of the text; scrolls there.
  void mark(std::uint32_t begin, std::uint32_t end);
  void go_to_line(int line);  // 1-based
  int first_visible_line() const;
  int n_lines() const { return static_cast<int>(lines_.size()); }
  void set_heat(std::vector<HeatMark> heat);
  void set_finds(std::vector<std::pair<std::uint32_t, std::uint32_t>> finds);
  QString selected_text() const;
  /// The bytes of what is selected; empty where nothing is.
  std::pair<std::uint32_t, std::uint32_t> selected_bytes() const;
  /// Its lines, 1-based; 0 where nothing is selected.
  std::pair<int, int> selected_lines() const;
  void select_bytes(std::uint32_t begin, std::uint32_t end);
  QString marked_text() const;
  void set_font_step(int step);
  int font_step() const { return font_step_; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;
  void keyPressEvent(QKeyEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Line {
    std::uint32_t begin = 0;  // bytes, without the line break
    std::uint32_t end = 0;
  };
  struct Place {
    int line = -1;
    int column = 0;           // UTF-16 units
    auto operator<=>(const Place&) const = default;
  };

  QString line_text(int line) const;
  int line_of_byte(std::uint32_t byte) const;
  int column_of_byte(int line, std::uint32_t byte) const;
  QFont font_now() const;
  double text_left() const;
  int line_height() const;
  Place place_at(const QPoint& point) const;
  void lay_out();
  void color_up_to(int line);
  void paint_line(QPainter& painter, int line, double top);
  void paint_range(QPainter& painter, int line, double top, Place begin, Place end, const QColor& color) const;
  double x_of(int line, int column) const;
  void show_marks_on_bar();

  std::shared_ptr<const app::PartText> text_;
  std::vector<Line> lines_;
  std::vector<SyntaxState> states_;  // at the start of each line, as far as computed
  Syntax syntax_;
  int longest_ = 0;
  int font_step_ = 0;
  std::uint32_t mark_begin_ = 0;
  std::uint32_t mark_end_ = 0;
  Place select_from_;
  Place select_to_;
  std::vector<HeatMark> heat_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> finds_;
  MarkedScrollBar* bar_;
};

}  // namespace ui
