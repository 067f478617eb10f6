#pragma once

#include <QMessageBox>

#include <vector>

#include "app/settings/session_mark.h"

namespace ui {

/// Tells that the program did not end by itself the last time, what that means for the user's work, and shows the
/// report. Nothing is sent; the user keeps the reports or deletes them.
class CrashNotice final : public QMessageBox {
  Q_OBJECT

 public:
  /// `reports`, newest first, hold at least one.
  CrashNotice(std::vector<app::CrashReport> reports, QWidget* parent = nullptr);

 private:
  std::vector<app::CrashReport> reports_;
};

}  // namespace ui
