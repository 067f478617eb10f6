#include "ui/runs/run_list.h"

#include <QDateTime>

#include <algorithm>

#include "app/question/citations.h"
#include "ui/sources/source_model.h"

namespace ui {
namespace {

/// A number for a column of numbers; a dash where there is none.
QString figure(double value, int decimals) { return value > 0 ? QString::number(value, 'f', decimals) : QStringLiteral("–"); }

QString rate(double tokens_per_second) { return tokens_per_second >= 1 ? grouped(static_cast<std::int64_t>(tokens_per_second + 0.5)) : QStringLiteral("–"); }

}  // namespace

RunList::RunList(std::vector<app::Run> runs, QObject* parent) : QAbstractTableModel(parent), runs_(std::move(runs)) {
  rows_.reserve(runs_.size());
  for (const app::Run& run : runs_) {
    Row row{run, QStringLiteral("–"), 0, 0};
    if (const auto facts = app::run_facts(run); facts && !facts->selection_mode.empty()) {
      row.selection = QString::fromStdString(facts->selection_mode);
      if (facts->top_k > 0) row.selection += tr(", top %1").arg(grouped(facts->top_k));
    }
    if (const auto citations = app::citations_from_json(run.citations_json)) {
      for (const app::Citation& one : *citations) {
        if (one.opens) continue;
        ++row.n_citations;
        if (one.check == app::QuoteCheck::kVerified) ++row.n_verified;
      }
    }
    rows_.push_back(row);
  }
}

int RunList::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }

int RunList::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant RunList::sort_key(const Row& row, int column) const {
  switch (column) {
    case kNumber: return static_cast<qlonglong>(row.run.id);
    case kPrompt: return static_cast<qlonglong>(row.run.n_prompt_tokens);
    case kFirstToken: return row.run.prefill_seconds;
    case kReading: return app::prefill_rate(row.run);
    case kWriting: return app::decode_rate(row.run);
    case kAsked: return QString::fromStdString(row.run.asked_at);
    case kQuestion: return QString::fromStdString(row.run.question);
    case kSelection: return row.selection;
    default: return row.n_verified;
  }
}

QVariant RunList::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Row& row = rows_[static_cast<std::size_t>(index.row())];
  if (role == kSortRole) return sort_key(row, index.column());
  if (role == Qt::ToolTipRole) return index.column() == kQuestion ? QString::fromStdString(row.run.question) : QVariant();
  if (role == Qt::TextAlignmentRole) {
    const bool number = index.column() == kNumber || (index.column() >= kPrompt);
    return QVariant::fromValue(Qt::Alignment((number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter));
  }
  if (role != Qt::DisplayRole) return {};
  switch (index.column()) {
    case kNumber: return QString::number(row.run.id);
    case kAsked: return asked_text(row.run);
    case kQuestion: return QString::fromStdString(row.run.question).simplified();
    case kSelection: return row.selection;
    case kPrompt: return grouped(row.run.n_prompt_tokens);
    case kFirstToken: return figure(row.run.prefill_seconds, 1);
    case kReading: return rate(app::prefill_rate(row.run));
    case kWriting: return rate(app::decode_rate(row.run));
    default: return row.n_citations == 0 ? QStringLiteral("–") : tr("%1 of %2").arg(row.n_verified).arg(row.n_citations);
  }
}

QVariant RunList::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) return QVariant::fromValue(Qt::Alignment((section == kNumber || section >= kPrompt ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter));
  if (role == Qt::ToolTipRole) {
    if (section == kPrompt) return tr("Tokens of the prompt");
    if (section == kCitations) return tr("Citations whose words stand in the source, of all");
    if (section == kFirstToken) return tr("Seconds until the first token of the answer");
    if (section == kReading) return tr("Tokens per second of the prompt that were not read before");
    if (section == kWriting) return tr("Tokens per second of thinking and answer");
    return {};
  }
  if (role != Qt::DisplayRole) return {};
  const QString names[] = {tr("Run"), tr("Asked"), tr("Question"), tr("Selection"), tr("Prompt"), tr("First, s"), tr("Read/s"), tr("Write/s"), tr("Verified")};
  return names[section];
}

RunListFilter::RunListFilter(RunList& list, QObject* parent) : QSortFilterProxyModel(parent), list_(list) {
  setSourceModel(&list);
  setSortRole(RunList::kSortRole);
}

void RunListFilter::set_words(const QString& words) {
  filter_ = app::RunFilter(words.toStdString());
  invalidateFilter();
}

bool RunListFilter::filterAcceptsRow(int row, const QModelIndex&) const { return filter_.matches(list_.at(row)); }

QString asked_text(const app::Run& run) {
  const QDateTime time = QDateTime::fromString(QString::fromStdString(run.asked_at), Qt::ISODate);
  return time.isValid() ? time.toLocalTime().toString(QStringLiteral("yyyy-MM-dd HH:mm")) : QString::fromStdString(run.asked_at);
}

QString end_text(const app::Run& run) {
  if (run.end == "end") return RunList::tr("by itself");
  if (run.end == "length") return RunList::tr("reserve used up");
  if (run.end == "cancelled") return RunList::tr("stopped");
  if (run.end == "interrupted") return RunList::tr("program ended");
  return QString::fromStdString(run.end);
}

}  // namespace ui
