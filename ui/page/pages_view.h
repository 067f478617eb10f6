#pragma once

#include <QAbstractScrollArea>
#include <QHash>

#include <functional>
#include <memory>
#include <vector>

#include "app/project/project.h"
#include "ui/page/page_images.h"
#include "ui/page/view_marks.h"

namespace ui {

/// The pages of a PDF, one below the other, scrolled without steps. Words can be selected and copied,
/// a place can be marked, heat can lie over it. Pictures and texts come from the background.
class PagesView final : public QAbstractScrollArea {
  Q_OBJECT

 public:
  using TextSource = std::function<void(app::PartId, std::function<void(std::shared_ptr<const app::PartText>)>)>;

  explicit PagesView(QWidget* parent = nullptr);

  void set_text_source(TextSource source) { text_source_ = std::move(source); }
  void set_document(const app::Document& document, const std::vector<app::Part>& pages, const std::filesystem::path& worker);
  void clear();
  app::DocumentId document() const { return document_; }

  /// Scrolls to a page and marks bytes of its text; no range marks nothing.
  void go_to(app::PartId page, std::uint32_t begin = 0, std::uint32_t end = 0);
  void go_to_page(int index);
  int current_page() const;
  int n_pages() const { return static_cast<int>(pages_.size()); }

  /// 1 = one point is one pixel; 0 fits the width.
  void set_zoom(double zoom);
  double zoom() const;
  bool fits_width() const { return zoom_ <= 0; }
  void zoom_by(double factor);

  void set_heat(const QHash<qint64, std::vector<HeatMark>>& heat);
  /// Places found by a search: page -> byte ranges, shown on the pages and on the scroll bar.
  void set_finds(const QHash<qint64, std::vector<std::pair<std::uint32_t, std::uint32_t>>>& finds);
  QString selected_text() const;
  struct Range {
    app::PartId part = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  /// What is selected, page by page.
  std::vector<Range> selected_ranges() const;
  void select(const Range& range);
  app::PartId part_at_page(int index) const { return pages_.empty() ? 0 : pages_[static_cast<std::size_t>(index)].part; }

  double scroll_position() const;          // in pages, for the session
  void set_scroll_position(double pages);

 signals:
  void page_changed(int index);
  void zoom_changed();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Page {
    app::PartId part = 0;
    QString label;
    double width_pt = 612;
    double height_pt = 792;
    bool known_size = false;
    double top = 0;            // pixels in the whole column
    std::shared_ptr<const app::PartText> text;
  };
  struct Place {
    int page = -1;
    std::uint32_t byte = 0;
  };

  void lay_out();
  double scale() const;
  QRectF page_rect(int index) const;       // in the viewport
  std::pair<int, int> visible_pages() const;
  void load_text(int index);
  void adopt_text(int index, std::shared_ptr<const app::PartText> text);
  void paint_page(QPainter& painter, int index);
  void paint_boxes(QPainter& painter, const QRectF& page, const std::vector<QRectF>& boxes, const QColor& color) const;
  void scroll_to_mark();
  void show_marks_on_bar();
  Place place_at(const QPoint& point) const;

  app::DocumentId document_ = 0;
  std::vector<Page> pages_;
  QHash<qint64, int> index_of_part_;
  PageImages images_;
  TextSource text_source_;
  MarkedScrollBar* bar_;
  double zoom_ = 0;
  double column_height_ = 0;
  double widest_pt_ = 612;
  int last_page_ = -1;
  int marked_page_ = -1;
  std::uint32_t mark_begin_ = 0;
  std::uint32_t mark_end_ = 0;
  bool scroll_when_text_comes_ = false;
  Place select_from_;
  Place select_to_;
  bool selecting_ = false;
  QHash<qint64, std::vector<HeatMark>> heat_;
  QHash<qint64, std::vector<std::pair<std::uint32_t, std::uint32_t>>> finds_;
};

}  // namespace ui
