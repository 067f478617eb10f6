#pragma once

#include <QByteArray>

#include <cstdint>
#include <vector>

#include "app/project/project.h"

namespace ui {

/// A conversation whose questions were edited or asked again is a tree of runs; one branch is open.
class ConversationTree {
 public:
  /// Adds a run below `parent` (-1: at the start) and opens it. Returns its node.
  int add(int parent, app::RunId run);
  /// Takes a run out with all that was asked below it; another version of it is opened where there is one.
  void remove(int node);
  void clear();
  bool empty() const { return nodes_.empty(); }
  /// The open branch from the start, as nodes.
  std::vector<int> branch() const;
  app::RunId run(int node) const { return nodes_[static_cast<std::size_t>(node)].run; }
  int parent(int node) const { return nodes_[static_cast<std::size_t>(node)].parent; }
  /// The versions that stand at this node's place, itself included, oldest first.
  std::vector<int> versions(int node) const;
  /// Opens the version `step` places further; keeps what was open below it.
  void step(int node, int step);
  /// Opens the branch that leads to this run and goes on behind it; false where the tree does not hold it.
  bool open(app::RunId run);

  QByteArray to_json() const;
  /// Leaves the tree empty when the text is no tree.
  static ConversationTree from_json(const QByteArray& json);

 private:
  struct Node {
    app::RunId run = 0;
    int parent = -1;
    int open_child = -1;
  };
  std::vector<Node> nodes_;
  int open_root_ = -1;
};

}  // namespace ui
