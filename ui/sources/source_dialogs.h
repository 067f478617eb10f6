#pragma once

#include <QDialog>

#include <filesystem>

#include "app/ingest/ingest.h"
#include "ui/background_task.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace ui {

/// Asks in which language pages that are pictures are to be read, or says what is missing for it.
class RecogniseDialog final : public QDialog {
  Q_OBJECT

 public:
  RecogniseDialog(std::int64_t n_pages, std::vector<std::string> languages, QWidget* parent = nullptr);
  app::IngestOptions options() const;
  QComboBox* language() const { return language_; }

 private:
  QComboBox* language_;
};

/// Asks for a folder under git and what its changes are read against.
class ChangesDialog final : public QDialog {
  Q_OBJECT

 public:
  explicit ChangesDialog(const QString& folder, QWidget* parent = nullptr);
  std::filesystem::path folder() const;
  app::IngestOptions options() const;
  QComboBox* since() const { return since_; }
  QPushButton* accept_button() const { return accept_; }

 private:
  void look_at_folder();

  QLineEdit* folder_;
  QComboBox* since_;
  QLabel* state_;
  QPushButton* accept_;
  Tickets looks_;
  BackgroundThread thread_;
};

}  // namespace ui
