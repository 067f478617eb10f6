#include "ui/sources/drop_cost.h"

#include <QCoreApplication>
#include <QFile>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "app/document/source_tree.h"
#include "app/ingest/ingest.h"
#include "ui/sources/source_model.h"

namespace ui {
namespace {

constexpr std::int64_t kBytesPerToken = 4;
constexpr std::int64_t kTokensPerPage = 650;             // a full page of prose
constexpr qint64 kMostOfPdf = qint64{32} << 20;          // bytes

/// Page objects that stand in the file without compression.
std::int64_t count_pages(const std::filesystem::path& pdf) {
  QFile file(QString::fromStdString(pdf.string()));
  if (!file.open(QIODevice::ReadOnly)) return 0;
  const QByteArray bytes = file.read(kMostOfPdf);
  const std::string_view text(bytes.constData(), static_cast<std::size_t>(bytes.size()));
  std::int64_t n_pages = 0;
  for (std::size_t at = text.find("/Type"); at != std::string_view::npos; at = text.find("/Type", at + 5)) {
    const std::size_t name = text.find_first_not_of(" \r\n", at + 5);
    if (name == std::string_view::npos || text.compare(name, 5, "/Page") != 0) continue;
    n_pages += name + 5 >= text.size() || text[name + 5] != 's' ? 1 : 0;
  }
  return n_pages;
}

void add_file(DropCost& cost, const std::filesystem::path& path) {
  ++cost.n_files;
  if (path.extension() == ".pdf" || path.extension() == ".PDF") {
    const std::int64_t n_pages = count_pages(path);
    cost.n_pages += n_pages;
    cost.n_unknown += n_pages == 0 ? 1 : 0;
    cost.tokens += n_pages * kTokensPerPage;
    return;
  }
  std::error_code fault;
  const auto size = std::filesystem::file_size(path, fault);
  if (!fault) cost.tokens += static_cast<std::int64_t>(size) / kBytesPerToken;
}

}  // namespace

DropCost cost_of_paths(const std::vector<std::filesystem::path>& paths, std::stop_token stop) {
  DropCost cost;
  for (const std::filesystem::path& path : paths) {
    if (stop.stop_requested()) break;
    std::error_code fault;
    if (!std::filesystem::is_directory(path, fault)) {
      add_file(cost, path);
      continue;
    }
    const auto tree = app::SourceTree::open(path);
    const auto listing = tree ? tree->list(app::IngestOptions().max_file_bytes, {}, stop) : app::Result<app::TreeListing>(tree.error());
    if (!listing) {
      cost.complete = false;
      continue;
    }
    cost.n_files += static_cast<std::int64_t>(listing->files.size());
    for (const app::TreeFile& file : listing->files) cost.tokens += file.n_bytes / kBytesPerToken;
  }
  cost.complete &= !stop.stop_requested();
  return cost;
}

QString drop_cost_text(const DropCost& cost) {
  const auto say = [](const char* text, int n = -1) { return QCoreApplication::translate("ui::DropCost", text, nullptr, n); };
  QString text = cost.n_files == 1 ? say("1 file") : say("%1 files").arg(grouped(cost.n_files));
  if (cost.n_pages > 0) text += QStringLiteral(", ") + (cost.n_pages == 1 ? say("1 page") : say("%1 pages").arg(grouped(cost.n_pages)));
  if (cost.tokens > 0) text += QStringLiteral(", ") + say("about %1 tokens").arg(grouped((cost.tokens + 50) / 100 * 100));
  if (cost.n_unknown > 0) text += QStringLiteral(", ") + say("PDFs are counted when they are read");
  if (!cost.complete) text += QStringLiteral(", ") + say("and more that could not be looked at");
  return text;
}

}  // namespace ui
