#pragma once

#include <QHash>
#include <QKeySequence>
#include <QList>
#include <QWidget>

class QAction;
class QKeySequenceEdit;
class QLabel;
class QLineEdit;
class QPushButton;
class QTreeWidget;

namespace ui {

class Settings;

/// The text of a command without its mnemonic and dots, as lists show it.
QString plain_text_of(const QAction& action);

/// Gives the commands the keys that the user chose; those never changed keep their default.
void apply_shortcuts(const QList<QAction*>& commands, const Settings& settings);

/// All commands with their keys; the keys of the chosen one can be changed. Two commands never share keys:
/// the one that had them is named, and gives them up only when asked to.
class ShortcutsPage final : public QWidget {
  Q_OBJECT

 public:
  ShortcutsPage(const QList<QAction*>& commands, QWidget* parent = nullptr);

  void choose(const QString& command);
  /// Gives the chosen command these keys; with `take` also where another has them. False: another has them.
  bool set_keys(const QKeySequence& keys, bool take);
  QKeySequence keys_of(const QString& command) const { return keys_.value(command); }
  /// Writes what differs from the defaults.
  void save(Settings& settings) const;

 private:
  void fill();
  void show_current();
  QString current() const;
  QAction* action_of(const QString& command) const;
  QString owner_of(const QKeySequence& keys, const QString& except) const;

  QList<QAction*> commands_;
  QHash<QString, QKeySequence> keys_;
  QLineEdit* filter_;
  QTreeWidget* list_;
  QKeySequenceEdit* edit_;
  QPushButton* take_;
  QPushButton* reset_;
  QLabel* conflict_;
};

}  // namespace ui
