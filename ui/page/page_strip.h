#pragma once

#include <QAbstractListModel>
#include <QFrame>
#include <QHash>

#include <vector>

#include "app/project/project.h"
#include "ui/background_task.h"
#include "ui/page/page_images.h"

class QLabel;
class QListView;
class QStackedWidget;
class QTabBar;
class QTreeWidget;

namespace ui {

class ProjectSession;

/// A heading of a document and where its text stands.
struct OutlineItem {
  QString title;
  int level = 1;
  app::PartId part = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// The headings of these parts in reading order, at most `most`. Any thread.
std::vector<OutlineItem> outline_of(const app::Project& project, const std::vector<app::PartId>& parts, std::size_t most, std::stop_token stop);

/// Beside the pages: small pictures of all of them, or the document's headings. Pictures are drawn only
/// for what is seen.
class PageStrip final : public QFrame {
  Q_OBJECT

 public:
  explicit PageStrip(ProjectSession& session, QWidget* parent = nullptr);

  /// The document whose strip this is; does nothing when it is there already.
  void set_document(const app::Document& document, const std::vector<app::Part>& pages, const std::filesystem::path& worker);
  void clear();
  /// The page that is read, from 0.
  void set_current(int index);
  QListView* thumbnails() const { return thumbnails_; }
  QTreeWidget* outline() const { return outline_; }
  void show_outline();

 signals:
  void page_chosen(int index);
  void heading_chosen(app::PartId part, std::uint32_t begin, std::uint32_t end);

 private:
  void load_outline();
  void fill_outline(const std::vector<OutlineItem>& items);
  void showEvent(QShowEvent* event) override;

  ProjectSession& session_;
  PageImages images_;
  app::DocumentId document_ = 0;
  std::vector<app::PartId> parts_;
  bool outline_loaded_ = false;
  QTabBar* tabs_;
  QStackedWidget* stack_;
  QListView* thumbnails_;
  QAbstractListModel* pages_;
  QTreeWidget* outline_;
  QLabel* no_headings_;
  Tickets loads_;
  BackgroundThread thread_;
};

}  // namespace ui
