#pragma once

#include <QListView>

namespace ui {

class Jobs;

/// What goes on in the background, with progress, time left and Cancel (Delete or the button's place);
/// a job that was cancelled or failed can be gone on with (Return or the button's place).
class JobsPanel final : public QListView {
  Q_OBJECT

 public:
  explicit JobsPanel(Jobs& jobs, QWidget* parent = nullptr);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  bool viewportEvent(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  Jobs& jobs_;
};

}  // namespace ui
