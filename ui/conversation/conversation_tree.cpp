#include "ui/conversation/conversation_tree.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>

namespace ui {

int ConversationTree::add(int parent, app::RunId run) {
  const int node = static_cast<int>(nodes_.size());
  nodes_.push_back({run, parent, -1});
  (parent < 0 ? open_root_ : nodes_[static_cast<std::size_t>(parent)].open_child) = node;
  return node;
}

void ConversationTree::remove(int node) {
  const int above = parent(node);
  std::vector<int> place(nodes_.size(), -1);  // where each node goes; -1: away
  ConversationTree kept;
  for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
    const Node& old = nodes_[static_cast<std::size_t>(i)];
    if (i == node || (old.parent >= 0 && place[static_cast<std::size_t>(old.parent)] < 0)) continue;
    place[static_cast<std::size_t>(i)] = static_cast<int>(kept.nodes_.size());
    kept.nodes_.push_back({old.run, old.parent < 0 ? -1 : place[static_cast<std::size_t>(old.parent)], -1});
  }
  const auto moved = [&place](int at) { return at < 0 ? -1 : place[static_cast<std::size_t>(at)]; };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (place[i] >= 0) kept.nodes_[static_cast<std::size_t>(place[i])].open_child = moved(nodes_[i].open_child);
  }
  kept.open_root_ = moved(open_root_);
  const int above_now = moved(above);
  int& open_version = above_now < 0 ? kept.open_root_ : kept.nodes_[static_cast<std::size_t>(above_now)].open_child;
  for (int i = 0; i < static_cast<int>(kept.nodes_.size()) && open_version < 0; ++i) {
    if (kept.parent(i) == above_now) open_version = i;
  }
  *this = std::move(kept);
}

void ConversationTree::clear() {
  nodes_.clear();
  open_root_ = -1;
}

std::vector<int> ConversationTree::branch() const {
  std::vector<int> result;
  for (int node = open_root_; node >= 0; node = nodes_[static_cast<std::size_t>(node)].open_child) result.push_back(node);
  return result;
}

std::vector<int> ConversationTree::versions(int node) const {
  std::vector<int> result;
  for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
    if (parent(i) == parent(node)) result.push_back(i);
  }
  return result;
}

void ConversationTree::step(int node, int step) {
  const std::vector<int> all = versions(node);
  const auto at = std::find(all.begin(), all.end(), node) - all.begin();
  const auto to = std::clamp<std::ptrdiff_t>(at + step, 0, static_cast<std::ptrdiff_t>(all.size()) - 1);
  const int above = parent(node);
  (above < 0 ? open_root_ : nodes_[static_cast<std::size_t>(above)].open_child) = all[static_cast<std::size_t>(to)];
}

bool ConversationTree::open(app::RunId run) {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(), [run](const Node& node) { return node.run == run; });
  if (found == nodes_.end()) return false;
  // Parents stand before their children, so this ends at the start.
  for (int node = static_cast<int>(found - nodes_.begin()); node >= 0; node = parent(node)) {
    const int above = parent(node);
    (above < 0 ? open_root_ : nodes_[static_cast<std::size_t>(above)].open_child) = node;
  }
  return true;
}

QByteArray ConversationTree::to_json() const {
  QJsonArray nodes;
  for (const Node& node : nodes_) nodes.append(QJsonArray{static_cast<qint64>(node.run), node.parent, node.open_child});
  return QJsonDocument(QJsonObject{{QStringLiteral("nodes"), nodes}, {QStringLiteral("open"), open_root_}}).toJson(QJsonDocument::Compact);
}

ConversationTree ConversationTree::from_json(const QByteArray& json) {
  const QJsonObject object = QJsonDocument::fromJson(json).object();
  ConversationTree tree;
  const QJsonArray nodes = object[QStringLiteral("nodes")].toArray();
  const int n = static_cast<int>(nodes.size());
  for (const QJsonValue value : nodes) {
    const QJsonArray fields = value.toArray();
    const int at = static_cast<int>(tree.nodes_.size());
    Node node{fields.at(0).toInteger(), fields.at(1).toInt(-1), fields.at(2).toInt(-1)};
    // A child comes after its parent: anything else could run in a circle.
    if (node.parent >= at || node.parent < -1 || node.open_child >= n || (node.open_child >= 0 && node.open_child <= at)) return {};
    tree.nodes_.push_back(node);
  }
  tree.open_root_ = object[QStringLiteral("open")].toInt(-1);
  if (tree.open_root_ >= n) return {};
  return tree;
}

}  // namespace ui
