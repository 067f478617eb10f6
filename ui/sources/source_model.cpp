#include "ui/sources/source_model.h"

#include <algorithm>

#include "ui/project/ingest_text.h"

namespace ui {
namespace {

constexpr double kBytesPerToken = 4.0;  // English prose and code lie between 3.5 and 4.5
constexpr double kOutlineShare = 0.2;    // until it is counted
constexpr std::int64_t kTokensOfName = 12;
constexpr int kNotYet = -2;             // nothing below was looked at

std::int64_t estimate(std::int64_t n_bytes, app::Detail detail) {
  if (detail == app::Detail::kName) return kTokensOfName;
  const double share = detail == app::Detail::kOutline ? kOutlineShare : 1.0;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(share * static_cast<double>(n_bytes) / kBytesPerToken));
}

QString name_of(const app::Part& part, app::DocumentKind kind) {
  const QString name = QString::fromStdString(part.name);
  if (kind == app::DocumentKind::kPdf) return SourceModel::tr("Page %1").arg(name.isEmpty() ? QString::number(part.ordinal) : name);
  return name.section(QLatin1Char('/'), -1);
}

}  // namespace

QString grouped(std::int64_t number) {
  QString digits = QString::number(number);
  for (auto at = digits.size() - 3; at > (number < 0 ? 1 : 0); at -= 3) digits.insert(at, QChar(0x2009));
  return digits;
}

SourceModel::SourceModel(QObject* parent) : QAbstractItemModel(parent) { nodes_.emplace_back(); }

int SourceModel::add_node(int parent, Kind kind, const QString& name) {
  const int id = static_cast<int>(nodes_.size());
  Node node;
  node.kind = kind;
  node.name = name;
  node.folded = name.toLower();
  node.parent = parent;
  node.document = nodes_[parent].document;
  node.document_kind = nodes_[parent].document_kind;
  nodes_.push_back(std::move(node));
  nodes_[parent].children.push_back(id);
  return id;
}

int SourceModel::folder_of(int document, const QString& path, QHash<QString, int>& folders) {
  if (path.isEmpty()) return document;
  if (const auto found = folders.constFind(path); found != folders.constEnd()) return *found;
  const auto slash = path.lastIndexOf(QLatin1Char('/'));
  const int above = folder_of(document, slash < 0 ? QString() : path.left(slash), folders);
  const int node = add_node(above, Kind::kFolder, path.mid(slash + 1));
  folders.insert(path, node);
  return node;
}

void SourceModel::set_documents(const std::vector<app::Document>& documents, const Parts& parts) {
  QSet<qint64> known;
  QSet<qint64> ticked_before;
  for (const Node& node : nodes_) {
    if (node.part == 0) continue;
    known.insert(node.part);
    if (node.n_ticked > 0) ticked_before.insert(node.part);
  }
  documents_ = documents;
  parts_ = parts;
  build(known, ticked_before);
  emit ticks_changed();
}

std::vector<app::Document> SourceModel::in_order() const {
  std::vector<app::Document> sorted = documents_;
  const auto place = [this](app::DocumentId id) { return std::find(order_.begin(), order_.end(), id) - order_.begin(); };
  // New ones go behind: what was read before stays the prompt's beginning.
  std::stable_sort(sorted.begin(), sorted.end(), [&](const app::Document& a, const app::Document& b) { return place(a.id) < place(b.id); });
  return sorted;
}

void SourceModel::build(const QSet<qint64>& known, const QSet<qint64>& ticked) {
  beginResetModel();
  nodes_.clear();
  nodes_.emplace_back();
  node_of_part_.clear();
  for (const app::Document& document : in_order()) {
    const int top = add_node(0, Kind::kDocument, QString::fromStdString(document.title));
    nodes_[top].document = document.id;
    nodes_[top].document_kind = document.kind;
    nodes_[top].note = QString::fromStdString(document.note);
    const auto found = parts_.find(document.id);
    if (found == parts_.end()) continue;
    QHash<QString, int> folders;
    for (const app::Part& part : found->second) {
      const QString path = QString::fromStdString(part.name);
      const auto slash = path.lastIndexOf(QLatin1Char('/'));
      const bool in_folder = document.kind == app::DocumentKind::kCodeTree && slash > 0;
      const int above = in_folder ? folder_of(top, path.left(slash), folders) : top;
      const int id = add_node(above, Kind::kPart, name_of(part, document.kind));
      nodes_[id].part = part.id;
      nodes_[id].place = static_cast<int>(&part - found->second.data());
      nodes_[id].n_bytes = part.n_bytes;
      nodes_[id].note = part.note.empty() && part.confidence < app::kDoubtfulPage ? tr("The text is doubtful") : QString::fromStdString(part.note);
      nodes_[id].detail = static_cast<int>(detail(part.id));
      nodes_[id].tokens = exact_.value(part.id, estimate(part.n_bytes, detail(part.id)));
      nodes_[id].n_inexact = exact_.contains(part.id) ? 0 : 1;
      nodes_[id].n_ticked = !known.contains(part.id) || ticked.contains(part.id) ? 1 : 0;
      node_of_part_.insert(part.id, id);
    }
  }
  sum_up();
  n_matches_ = 0;
  show_matching(0, filter_.isEmpty());
  endResetModel();
}

SourceState SourceModel::state() const {
  SourceState state;
  state.ticked = ticked();
  state.detail = details();
  state.passages = passages_;
  for (const int id : nodes_[0].children) state.order.push_back(nodes_[id].document);
  return state;
}

void SourceModel::restore(const SourceState& state) {
  order_ = state.order;
  detail_.clear();
  for (const auto& [part, how] : state.detail) detail_.insert(part, how);
  for (const auto& [part, chosen] : passages_) exact_.remove(part);
  for (const auto& [part, chosen] : state.passages) exact_.remove(part);
  passages_ = state.passages;
  for (const Node& node : nodes_) {
    if (node.part != 0 && node.detail != static_cast<int>(detail(node.part))) exact_.remove(node.part);
  }
  QSet<qint64> known;
  for (const Node& node : nodes_) {
    if (node.part != 0) known.insert(node.part);
  }
  build(known, QSet<qint64>(state.ticked.begin(), state.ticked.end()));
  emit ticks_changed();
  emit details_changed();
}

void SourceModel::choose_passages(const std::map<app::PartId, app::Passages>& chosen) {
  SourceState after = state();
  const SourceState before = after;
  for (const auto& [part, passages] : chosen) {
    if (passages.empty()) after.passages.erase(part);
    else after.passages[part] = passages;
    if (std::find(after.ticked.begin(), after.ticked.end(), part) == after.ticked.end()) after.ticked.push_back(part);
  }
  restore(after);
  emit changed_by_user(tr("Choose passages"), before, state());
}

void SourceModel::set_detail(const QModelIndex& index, app::Detail detail) {
  const SourceState before = state();
  for (const app::PartId part : parts_below(index)) {
    Node& node = nodes_[node_of_part_.value(part)];
    const bool was_cut = passages_.erase(part) > 0;
    if (node.detail == static_cast<int>(detail) && !was_cut) continue;
    if (detail == app::Detail::kFull) detail_.remove(part);
    else detail_.insert(part, detail);
    exact_.remove(part);
    node.detail = static_cast<int>(detail);
    node.n_inexact = 1;
    node.tokens = estimate(node.n_bytes, detail);
  }
  sum_up();
  announce_all();
  emit ticks_changed();
  emit details_changed();
  emit changed_by_user(tr("Shorten sources"), before, state());
}

std::map<app::PartId, app::Detail> SourceModel::details() const {
  std::map<app::PartId, app::Detail> result;
  for (auto it = detail_.begin(); it != detail_.end(); ++it) result[it.key()] = it.value();
  return result;
}

void SourceModel::move_document(app::DocumentId document, int step) {
  const SourceState before = state();
  SourceState after = before;
  const auto at = std::find(after.order.begin(), after.order.end(), document) - after.order.begin();
  const auto to = std::clamp<std::ptrdiff_t>(at + step, 0, static_cast<std::ptrdiff_t>(after.order.size()) - 1);
  if (at >= static_cast<std::ptrdiff_t>(after.order.size()) || at == to) return;
  after.order.erase(after.order.begin() + at);
  after.order.insert(after.order.begin() + to, document);
  restore(after);
  emit changed_by_user(tr("Order sources"), before, state());
}

void SourceModel::sum_up() {
  for (Node& node : nodes_) {
    if (node.kind == Kind::kPart) {
      node.n_parts = 1;
      node.ticked_tokens = node.n_ticked > 0 ? node.tokens : 0;
      continue;
    }
    node.n_parts = node.n_ticked = node.n_inexact = node.tokens = node.ticked_tokens = 0;
    node.detail = kNotYet;
  }
  // Children follow their parents in the vector, so that one pass from the end adds everything up.
  for (std::size_t i = nodes_.size(); i-- > 1;) {
    Node& above = nodes_[static_cast<std::size_t>(nodes_[i].parent)];
    above.n_parts += nodes_[i].n_parts;
    above.n_ticked += nodes_[i].n_ticked;
    above.n_inexact += nodes_[i].n_inexact;
    above.tokens += nodes_[i].tokens;
    above.ticked_tokens += nodes_[i].ticked_tokens;
    above.heat = std::max(above.heat, nodes_[i].heat);
    above.detail = above.detail == kNotYet || above.detail == nodes_[i].detail ? nodes_[i].detail : -1;
  }
}

bool SourceModel::show_matching(int id, bool parent_matches) {
  const bool matches = parent_matches || (id != 0 && nodes_[id].folded.contains(filter_));
  nodes_[id].shown.clear();
  for (const int child : nodes_[id].children) {
    if (!show_matching(child, matches)) continue;
    nodes_[child].row = static_cast<int>(nodes_[id].shown.size());
    nodes_[id].shown.push_back(child);
  }
  if (matches && !filter_.isEmpty() && nodes_[id].kind == Kind::kPart) ++n_matches_;
  return matches || !nodes_[id].shown.empty();
}

void SourceModel::set_filter(const QString& text) {
  const QString folded = text.trimmed().toLower();
  if (folded == filter_) return;
  beginResetModel();
  filter_ = folded;
  n_matches_ = 0;
  show_matching(0, filter_.isEmpty());
  endResetModel();
}

void SourceModel::set_tokens(app::PartId part, std::int64_t tokens) { set_tokens({{part, tokens}}); }

void SourceModel::set_tokens(const std::vector<std::pair<app::PartId, std::int64_t>>& counts) {
  for (const auto& [part, tokens] : counts) {
    exact_.insert(part, tokens);
    const auto found = node_of_part_.constFind(part);
    if (found == node_of_part_.constEnd()) continue;
    const Node& leaf = nodes_[*found];
    const std::int64_t more = tokens - leaf.tokens;
    const std::int64_t less_inexact = leaf.n_inexact;
    const bool ticked = leaf.n_ticked > 0;
    for (int id = *found; id >= 0; id = nodes_[id].parent) {
      nodes_[id].tokens += more;
      if (ticked) nodes_[id].ticked_tokens += more;
      nodes_[id].n_inexact -= less_inexact;
    }
  }
  announce_all();
  emit tokens_changed();
}

void SourceModel::forget_tokens() {
  exact_.clear();
  for (Node& node : nodes_) node.n_inexact = node.kind == Kind::kPart ? 1 : 0;
  sum_up();
  announce_all();
  emit tokens_changed();
}

void SourceModel::set_heat(const QHash<qint64, double>& heat) {
  for (Node& node : nodes_) node.heat = node.part != 0 ? heat.value(node.part, 0.0) : 0.0;
  sum_up();
  announce_all();
}

void SourceModel::announce_all() {
  // One range per shown level would be many signals; the view repaints only what it shows.
  const auto announce_children = [this](const auto& self, int id) -> void {
    const auto& shown = nodes_[id].shown;
    if (shown.empty()) return;
    emit dataChanged(index_of_node(shown.front()), index_of_node(shown.back(), kColumns - 1));
    for (const int child : shown) {
      if (!nodes_[child].shown.empty()) self(self, child);
    }
  };
  announce_children(announce_children, 0);
}

void SourceModel::announce(int id) {
  for (int at = id; at > 0; at = nodes_[at].parent) emit dataChanged(index_of_node(at), index_of_node(at, kColumns - 1));
  const auto below = [this](const auto& self, int node) -> void {
    const auto& shown = nodes_[node].shown;
    if (shown.empty()) return;
    emit dataChanged(index_of_node(shown.front()), index_of_node(shown.back(), kColumns - 1));
    for (const int child : shown) self(self, child);
  };
  below(below, id);
}

std::vector<app::PartId> SourceModel::ticked() const {
  std::vector<app::PartId> result;
  const auto walk = [&](const auto& self, int id) -> void {
    if (nodes_[id].part != 0 && nodes_[id].n_ticked > 0) result.push_back(nodes_[id].part);
    for (const int child : nodes_[id].children) self(self, child);
  };
  walk(walk, 0);
  return result;
}

std::vector<app::PartId> SourceModel::all_parts() const {
  std::vector<app::PartId> result;
  for (const Node& node : nodes_) {
    if (node.part != 0) result.push_back(node.part);
  }
  return result;
}

void SourceModel::set_ticked(const std::vector<app::PartId>& parts) {
  const QSet<qint64> wanted(parts.begin(), parts.end());
  for (Node& node : nodes_) {
    if (node.part != 0) node.n_ticked = wanted.contains(node.part) ? 1 : 0;
  }
  sum_up();
  announce_all();
  emit ticks_changed();
}

void SourceModel::tick_below(int id, bool ticked) {
  if (nodes_[id].part != 0) nodes_[id].n_ticked = ticked ? 1 : 0;
  // With a filter on, a tick means what the reader sees.
  for (const int child : nodes_[id].shown) tick_below(child, ticked);
}

QModelIndex SourceModel::index_of(app::PartId part) const {
  const auto found = node_of_part_.constFind(part);
  return found == node_of_part_.constEnd() ? QModelIndex() : index_of_node(*found);
}

QModelIndex SourceModel::index_of_document(app::DocumentId document) const {
  for (const int child : nodes_[0].shown) {
    if (nodes_[child].document == document) return index_of_node(child);
  }
  return {};
}

std::vector<app::PartId> SourceModel::parts_below(const QModelIndex& index) const {
  std::vector<app::PartId> result;
  const auto walk = [&](const auto& self, int id) -> void {
    if (nodes_[id].part != 0) result.push_back(nodes_[id].part);
    for (const int child : nodes_[id].children) self(self, child);
  };
  walk(walk, index.isValid() ? static_cast<int>(index.internalId()) : 0);
  return result;
}

std::vector<SourceModel::Weight> SourceModel::weights() const {
  std::vector<Weight> result;
  for (const int id : nodes_[0].children) {
    const Node& node = nodes_[id];
    result.push_back({node.document, node.name, node.ticked_tokens, node.n_ticked, node.n_inexact == 0});
  }
  return result;
}

const SourceModel::Node& SourceModel::node_of(const QModelIndex& index) const {
  return nodes_[index.isValid() ? static_cast<std::size_t>(index.internalId()) : 0];
}

QModelIndex SourceModel::index_of_node(int id, int column) const {
  if (id <= 0) return {};
  const Node& above = nodes_[nodes_[id].parent];
  const int row = nodes_[id].row;
  if (row >= static_cast<int>(above.shown.size()) || above.shown[row] != id) return {};
  return createIndex(row, column, static_cast<quintptr>(id));
}

QModelIndex SourceModel::index(int row, int column, const QModelIndex& parent) const {
  const Node& above = node_of(parent);
  if (row < 0 || column < 0 || column >= kColumns || row >= static_cast<int>(above.shown.size())) return {};
  return createIndex(row, column, static_cast<quintptr>(above.shown[row]));
}

QModelIndex SourceModel::parent(const QModelIndex& index) const {
  if (!index.isValid()) return {};
  return index_of_node(node_of(index).parent);
}

int SourceModel::rowCount(const QModelIndex& parent) const {
  return parent.column() > 0 ? 0 : static_cast<int>(node_of(parent).shown.size());
}

int SourceModel::columnCount(const QModelIndex&) const { return kColumns; }

QString SourceModel::token_text(const Node& node) const {
  if (node.n_inexact > 0) return QChar(0x2248) + grouped((node.tokens + 5) / 10 * 10);
  return grouped(node.tokens);
}

QString SourceModel::tip_of(const Node& node) const {
  QStringList lines;
  const app::Part* part = node.place >= 0 ? &parts_.at(node.document)[static_cast<std::size_t>(node.place)] : nullptr;
  const bool is_file = part != nullptr && node.document_kind == app::DocumentKind::kCodeTree;
  lines << (is_file ? QString::fromStdString(part->name) : node.name);
  if (part != nullptr && !part->language.empty()) lines << QString::fromStdString(part->language);
  lines << (node.n_inexact > 0 ? tr("about %1 tokens, not counted yet") : tr("%1 tokens")).arg(grouped(node.tokens));
  if (node.n_parts > 1) lines << tr("%1 of %2 chosen").arg(grouped(node.n_ticked), grouped(node.n_parts));
  if (part != nullptr && !part->last_change.empty()) lines << tr("Last changed: %1").arg(QString::fromStdString(part->last_change));
  if (part != nullptr && part->confidence < app::kDoubtfulPage) lines << tr("Certainty of the reading: %1 %").arg(qRound(100 * part->confidence));
  if (node.kind == Kind::kDocument) {
    const auto document = std::find_if(documents_.begin(), documents_.end(), [&](const app::Document& each) { return each.id == node.document; });
    if (document != documents_.end()) {
      lines << QString::fromStdString(document->path);
      if (!document->revision.empty()) lines << QString::fromStdString(document->revision);
      if (!document->finished) lines << tr("Not read to its end: %1 of %2").arg(grouped(document->n_parts), grouped(document->n_expected_parts));
    }
  }
  if (!node.note.isEmpty()) lines << node.note;
  lines.removeAll(QString());
  return lines.join(QLatin1Char('\n'));
}

QVariant SourceModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Node& node = node_of(index);
  switch (role) {
    case Qt::DisplayRole: return index.column() == kTokens ? token_text(node) : node.name;
    case Qt::CheckStateRole:
      if (index.column() != kName) return {};
      return node.n_ticked == 0 ? Qt::Unchecked : node.n_ticked == node.n_parts ? Qt::Checked : Qt::PartiallyChecked;
    case Qt::TextAlignmentRole: return index.column() == kTokens ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
    case Qt::ToolTipRole: return plain_tip(tip_of(node));
    case Qt::AccessibleTextRole:
      return index.column() == kTokens ? tr("%1 tokens").arg(token_text(node)) : node.name;
    case kDocumentRole: return static_cast<qint64>(node.document);
    case kPartRole: return static_cast<qint64>(node.part);
    case kTokensRole: return static_cast<qint64>(node.tokens);
    case kExactRole: return node.n_inexact == 0;
    case kHeatRole: return node.heat;
    case kNoteRole: return node.note;
    case kKindRole: return node.kind == Kind::kFolder ? QStringLiteral("folder")
                         : node.document_kind == app::DocumentKind::kPdf ? (node.kind == Kind::kDocument ? QStringLiteral("pdf") : QStringLiteral("page"))
                         : node.kind == Kind::kDocument && node.document_kind == app::DocumentKind::kCodeTree ? QStringLiteral("tree")
                                                                                                           : QStringLiteral("code");
    case kDetailRole: return node.detail;
    case kPassagesRole: return node.part != 0 && passages_.contains(node.part);
    case kTintRole: return node.kind == Kind::kDocument ? node.row : -1;
    default: return {};
  }
}

bool SourceModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (!index.isValid() || role != Qt::CheckStateRole) return false;
  const SourceState before = state();
  const int id = static_cast<int>(index.internalId());
  tick_below(id, value.toInt() != Qt::Unchecked);
  sum_up();
  announce(id);
  emit ticks_changed();
  emit changed_by_user(tr("Choose sources"), before, state());
  return true;
}

Qt::ItemFlags SourceModel::flags(const QModelIndex& index) const {
  if (!index.isValid()) return Qt::NoItemFlags;
  Qt::ItemFlags flags = Qt::ItemIsEnabled | Qt::ItemIsSelectable;
  if (index.column() == kName) flags |= Qt::ItemIsUserCheckable;
  return flags;
}

QVariant SourceModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  return section == kName ? tr("Source") : tr("Tokens");
}

}  // namespace ui
