#pragma once

#include <QDialog>

#include <functional>

#include "ui/settings/settings.h"

class QAction;
class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QListWidget;
class QSpinBox;
class QStackedWidget;

namespace ui {

class ShortcutsPage;

/// What can be set: model and device, sampling and selection, appearance, keys. Nothing changes before
/// it is accepted; accepting writes to the settings, and the window takes it from there.
class SettingsDialog final : public QDialog {
  Q_OBJECT

 public:
  enum Page { kModel, kAnswers, kAppearance, kKeys };

  SettingsDialog(Settings& settings, const QList<QAction*>& commands, QWidget* parent = nullptr);

  void show_page(Page page);
  ShortcutsPage& shortcuts() { return *shortcuts_; }
  /// After accepting: whether the model has to be loaded anew for what was chosen.
  bool model_changed() const { return model_changed_; }
  void accept() override;

 private:
  QFormLayout* add_page(const QString& title, const QString& icon_name);
  void make_model_page();
  void make_answers_page();
  void make_appearance_page();
  void choose_model();
  void show_model();
  engine::LocalEngineOptions engine_options() const;
  app::Question question() const;
  template <typename Widget>
  Widget* row(QFormLayout* form, const QString& title, Widget* widget, const QString& help = {});

  Settings& settings_;
  std::filesystem::path model_;
  bool model_changed_ = false;
  QListWidget* sections_;
  QStackedWidget* pages_;
  QLabel* model_name_;
  QComboBox* device_;
  QSpinBox* threads_;
  QSpinBox* context_;
  QCheckBox* keep_read_;
  QCheckBox* own_sampling_;
  QDoubleSpinBox* temperature_;
  QDoubleSpinBox* top_p_;
  QSpinBox* seed_;
  QSpinBox* reserve_;
  QSpinBox* max_thinking_;
  QCheckBox* mask_secrets_;
  QComboBox* selection_;
  QSpinBox* top_k_;
  QCheckBox* keep_;
  QComboBox* trace_;
  QComboBox* theme_;
  QCheckBox* reduced_motion_;
  QLineEdit* editor_;
  ShortcutsPage* shortcuts_;
};

}  // namespace ui
