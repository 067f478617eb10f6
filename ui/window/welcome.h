#pragma once

#include <QFrame>
#include <QStringList>

class QVBoxLayout;

namespace ui {

/// What an empty project shows: three things to do and the projects of the last days, nothing else.
class Welcome final : public QFrame {
  Q_OBJECT

 public:
  explicit Welcome(QWidget* parent = nullptr);
  void set_recent(const QStringList& paths);
  /// With sources there is only a question to ask.
  void set_has_sources(bool has_sources, const QStringList& examples);

 signals:
  void add_files_requested();
  void add_folder_requested();
  void sample_requested();
  void project_requested(const QString& path);
  void example_requested(const QString& question);

 private:
  void rebuild();

  QVBoxLayout* layout_;
  QStringList recent_;
  QStringList examples_;
  bool has_sources_ = false;
};

}  // namespace ui
