#include <QHelpEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QToolTip>
#include <QTreeView>

#include <algorithm>

#include "ui/project/ingest_text.h"
#include "ui/project/project_session.h"
#include "ui/sources/hit_delegate.h"
#include "ui/sources/source_model.h"
#include "ui/sources/sources_panel.h"

/// What the panel of the sources finds: names, definitions and places in the texts, and what a file
/// under the pointer defines.
namespace ui {
namespace {

constexpr int kMostHits = 60;
constexpr int kMostSymbols = 12;
constexpr std::size_t kMostSymbolsInTip = 14;
constexpr std::int64_t kFewMatches = 300;  // that many are shown unfolded

/// The byte where this line (1-based) begins; the text's length past its end.
std::size_t start_of_line(const std::string& text, int line) {
  std::size_t at = 0;
  for (int n = 1; n < line && at < text.size(); ++n) at = std::min(text.find('\n', at), text.size() - 1) + 1;
  return at;
}

}  // namespace

void SourcesPanel::search_for(const QString& words) {
  model_.set_filter(words);
  if (model_.filtered() && model_.n_matches() <= kFewMatches) tree_->expandAll();
  searches_.drop_all();
  if (words.trimmed().size() < 2) {
    hits_title_->hide();
    hits_->hide();
    return;
  }
  const Ticket ticket = searches_.next();
  session_.with_project(
      this,
      [text = words.trimmed().toStdString()](app::Project& project) -> app::Result<Found> {
        Found found;
        TRY_ASSIGN(found.symbols, project.find_symbols(text, kMostSymbols));
        TRY_ASSIGN(found.places, project.search(text, kMostHits));
        return found;
      },
      [this, ticket](app::Result<Found> found) {
        if (ticket.is_current()) show_hits(found ? *found : Found());
      },
      Turn::kFirst);
}

void SourcesPanel::show_hits(const Found& found) {
  hits_->clear();
  for (const app::SymbolHit& hit : found.symbols) {
    const QString what = QString::fromStdString(hit.symbol.scope.empty() ? hit.symbol.name : hit.symbol.scope + "::" + hit.symbol.name);
    auto* item = new QListWidgetItem(tr("%1 %2, %3:%4").arg(QString::fromStdString(hit.symbol.kind), what, QString::fromStdString(hit.part_name)).arg(hit.symbol.first_line));
    item->setData(HitDelegate::kPartRole, static_cast<qint64>(hit.part));
    item->setData(HitDelegate::kFirstLineRole, hit.symbol.first_line);
    item->setData(HitDelegate::kLastLineRole, hit.symbol.last_line);
    item->setToolTip(plain_tip(item->text()));
    hits_->addItem(item);
  }
  for (const app::SearchHit& hit : found.places) {
    auto* item = new QListWidgetItem(session_.part_title(hit.part));
    const ShownSnippet snippet = shown_snippet(hit.snippet, hit.marks);
    QVariantList marks;
    for (const int mark : snippet.marks) marks << mark;
    item->setData(HitDelegate::kPartRole, static_cast<qint64>(hit.part));
    item->setData(HitDelegate::kSnippetRole, snippet.text);
    item->setData(HitDelegate::kMarksRole, marks);
    item->setData(Qt::AccessibleTextRole, item->text() + QStringLiteral(": ") + snippet.text);
    item->setToolTip(plain_tip(item->text() + QLatin1Char('\n') + snippet.text));
    hits_->addItem(item);
  }
  const int n = static_cast<int>(found.places.size());
  QString title = n == 0 ? tr("Nowhere in the texts") : n >= kMostHits ? tr("The best %1 places in the texts").arg(n) : tr("%n place(s) in the texts", nullptr, n);
  if (!found.symbols.empty()) title = tr("%n definition(s)", nullptr, static_cast<int>(found.symbols.size())) + QStringLiteral(", ") + title.toLower();
  hits_title_->setText(title);
  hits_title_->show();
  hits_->setVisible(hits_->count() > 0);
}

void SourcesPanel::open_hit(const QListWidgetItem& item) {
  const app::PartId part = item.data(HitDelegate::kPartRole).toLongLong();
  const int first_line = item.data(HitDelegate::kFirstLineRole).toInt();
  if (first_line == 0) {
    emit hit_activated(part, search_->text());
    return;
  }
  const int last_line = item.data(HitDelegate::kLastLineRole).toInt();
  session_.part_text(part, this, [this, part, first_line, last_line](const std::shared_ptr<const app::PartText>& text) {
    const std::size_t begin = start_of_line(text->text, first_line);
    const std::size_t end = start_of_line(text->text, std::max(first_line, last_line) + 1);
    emit place_activated(part, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end));
  });
}

bool SourcesPanel::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QFrame::eventFilter(watched, event);
  const auto* help = static_cast<QHelpEvent*>(event);
  show_tip(tree_->indexAt(help->pos()), help->globalPos());
  return true;
}

void SourcesPanel::show_tip(const QModelIndex& index, const QPoint& at) {
  const Ticket ticket = tips_.next();
  const QString tip = index.data(Qt::ToolTipRole).toString();
  QToolTip::showText(at, tip, tree_);
  const app::Part* part = session_.part(index.data(SourceModel::kPartRole).toLongLong());
  if (part == nullptr || part->language.empty()) return;
  // What the file defines follows when the database has said it.
  session_.with_project(
      this, [id = part->id](app::Project& project) { return project.symbols(id); },
      [this, ticket, tip, at](app::Result<std::vector<app::Symbol>> symbols) {
        if (!ticket.is_current() || !symbols || symbols->empty() || !QToolTip::isVisible()) return;
        QStringList lines;
        for (const app::Symbol& symbol : *symbols) {
          if (static_cast<std::size_t>(lines.size()) == kMostSymbolsInTip) {
            lines << tr("and %1 more").arg(symbols->size() - kMostSymbolsInTip);
            break;
          }
          lines << QString::fromStdString(symbol.kind + " " + symbol.name) + tr(", line %1").arg(symbol.first_line);
        }
        QToolTip::showText(at, plain_tip(tip + QStringLiteral("\n\n") + lines.join(QLatin1Char('\n'))), tree_);
      },
      Turn::kFirst);
}

}  // namespace ui
