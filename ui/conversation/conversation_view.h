#pragma once

#include <QScrollArea>

#include <vector>

#include "ui/conversation/turn_view.h"

class QToolButton;
class QVBoxLayout;

namespace ui {

/// The turns of a conversation, one below the other, in a column of at most 78 characters. It follows
/// new text only while the reader is at the end.
class ConversationView final : public QScrollArea {
  Q_OBJECT

 public:
  explicit ConversationView(QWidget* parent = nullptr);

  TurnView* add_turn();
  void clear();
  /// Drops this turn and all after it.
  void remove_from(int index);
  int n_turns() const { return static_cast<int>(turns_.size()); }
  TurnView* turn(int index) const { return turns_[static_cast<std::size_t>(index)]; }
  TurnView* last_turn() const { return turns_.empty() ? nullptr : turns_.back(); }
  void scroll_to_end();
  /// What an empty conversation shows instead of turns.
  void set_empty_widget(QWidget* widget);

 signals:
  void turn_added(TurnView* turn);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void follow();
  void place_chip();
  void lay_out();

  QWidget* column_;
  QVBoxLayout* layout_;
  QWidget* empty_ = nullptr;
  QToolButton* new_text_;
  std::vector<TurnView*> turns_;
  bool at_end_ = true;
};

}  // namespace ui
