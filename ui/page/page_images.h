#pragma once

#include <QHash>
#include <QImage>
#include <QObject>

#include <filesystem>
#include <memory>

#include "app/document/page_pictures.h"
#include "ui/background_task.h"

namespace ui {

/// Pictures of the pages of one PDF: drawn in the background, newest wish first, kept up to a bound
/// in bytes. The window's thread only ever looks into the cache.
class PageImages final : public QObject {
  Q_OBJECT

 public:
  explicit PageImages(QObject* parent = nullptr);
  ~PageImages() override;

  void set_document(const std::filesystem::path& pdf, const std::filesystem::path& worker);
  void clear();

  /// The best picture there is now: of this width, or another one to scale meanwhile; null when none.
  QImage picture(int page, int width_px) const;
  /// Asks for a picture of this width (device pixels) of a page `width_pt` wide. `ready` follows.
  void want(int page, int width_px, double width_pt);
  /// Nothing that waits is wanted any more: the reader has scrolled on.
  void forget_wishes() { wishes_.drop_all(); asked_.clear(); }
  /// Why this page has no picture; empty when it may still come.
  QString failure(int page) const { return failures_.value(page); }

 signals:
  void ready(int page);

 private:
  struct Entry {
    QImage image;
    int asked_px = 0;  // the width that was asked for: the page's own may differ from the one it was reckoned with
    std::uint64_t used = 0;
  };

  void keep(int page, QImage image, int asked_px);

  std::shared_ptr<app::PagePictures> pictures_;
  mutable QHash<int, Entry> cache_;
  QHash<int, int> asked_;  // page -> width on its way
  QHash<int, QString> failures_;
  mutable std::uint64_t clock_ = 0;
  qint64 bytes_ = 0;
  Tickets wishes_;
  Ticket wish_;
  Tickets documents_;
  Ticket document_;
  BackgroundThread thread_;
};

}  // namespace ui
