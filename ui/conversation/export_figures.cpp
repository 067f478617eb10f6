#include "ui/conversation/export_figures.h"

#include <QBuffer>
#include <QImage>
#include <QPainter>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "app/document/page_pictures.h"
#include "app/heatmap/map_image.h"
#include "ui/page/view_marks.h"

namespace ui {
namespace {

constexpr double kMapWidth = 720;    // points
constexpr double kMapHeight = 560;
constexpr double kMapScale = 2.0;    // pixels per point
constexpr double kPageDotsPerInch = 110;
constexpr std::size_t kMostPages = 6;  // of one answer
const QColor kMark(0xFF, 0xE2, 0x7A);

QByteArray png_of(const QImage& image) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  return image.save(&buffer, "PNG") ? bytes : QByteArray();
}

void add_map(const app::Project& project, ExportedTurn& turn) {
  const auto trace = turn.run.id == 0 ? app::Result<std::shared_ptr<const app::RunTrace>>(app::Error{app::ErrorCode::kNotFound, {}}) : app::load_run_trace(project, turn.run.id);
  if (!trace) return;
  app::MapImageOptions options;
  options.width = kMapWidth;
  options.height = kMapHeight;
  const auto png = app::figure_to_png(app::run_figure(**trace, options), kMapScale);
  if (!png) return;
  turn.figures.push_back({QString::fromStdString(app::map_caption(**trace, options.matrix)), QByteArray::fromStdString(*png), ExportedFigure::Size::kWide});
}

/// One page with all its citations marked.
class PageDrawer {
 public:
  PageDrawer(const app::Project& project, const std::filesystem::path& worker) : project_(project), worker_(worker) {
    const auto documents = project.documents();
    for (const app::Document& document : documents ? *documents : std::vector<app::Document>()) {
      if (document.kind != app::DocumentKind::kPdf) continue;
      const auto parts = project.parts(document.id);
      for (const app::Part& part : parts ? *parts : std::vector<app::Part>()) places_[part.id] = {document, part.ordinal};
    }
  }

  QByteArray draw(app::PartId id, const std::vector<app::Citation>& citations, std::stop_token stop) {
    const auto place = places_.find(id);
    const auto text = project_.part_text(id);
    if (place == places_.end() || !text) return {};
    const auto& [document, page_number] = place->second;
    auto& pictures = pictures_[document.id];
    if (pictures == nullptr) pictures = std::make_unique<app::PagePictures>(document.path, worker_);
    const auto picture = pictures->draw(page_number, kPageDotsPerInch, stop);
    if (!picture) return {};
    QImage page = QImage(picture->rgba.data(), picture->width, picture->height, picture->width * 4, QImage::Format_RGBA8888).convertToFormat(QImage::Format_RGB32);
    QPainter painter(&page);
    painter.setCompositionMode(QPainter::CompositionMode_Multiply);
    for (const app::Citation& citation : citations) {
      if (citation.part != id || !citation.in_prompt) continue;
      for (const QRectF& box : boxes_of_bytes(*text, citation.source_begin, citation.source_end)) {
        painter.fillRect(QRectF(box.left() * page.width(), box.top() * page.height(), box.width() * page.width(), box.height() * page.height()), kMark);
      }
    }
    painter.setCompositionMode(QPainter::CompositionMode_SourceOver);
    painter.setPen(QColor(0xC8, 0xC4, 0xBA));
    painter.drawRect(page.rect().adjusted(0, 0, -1, -1));
    painter.end();
    return png_of(page);
  }

 private:
  const app::Project& project_;
  const std::filesystem::path& worker_;
  std::map<app::PartId, std::pair<app::Document, std::int32_t>> places_;  // pages of PDFs: document and number
  std::map<app::DocumentId, std::unique_ptr<app::PagePictures>> pictures_;
};

}  // namespace

void add_figures(const app::Project& project, const std::filesystem::path& worker, std::vector<ExportedTurn>& turns, std::stop_token stop) {
  PageDrawer pages(project, worker);
  for (ExportedTurn& turn : turns) {
    if (stop.stop_requested()) return;
    std::vector<app::PartId> seen;
    for (const app::Citation& citation : turn.citations) {
      if (!citation.in_prompt || citation.opens || seen.size() >= kMostPages || std::find(seen.begin(), seen.end(), citation.part) != seen.end()) continue;
      seen.push_back(citation.part);
      QByteArray png = pages.draw(citation.part, turn.citations, stop);
      if (!png.isEmpty()) turn.figures.push_back({QString::fromStdString(citation.label), std::move(png), ExportedFigure::Size::kPage});
    }
    add_map(project, turn);
  }
}

}  // namespace ui
