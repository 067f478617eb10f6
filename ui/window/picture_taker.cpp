#include "ui/window/picture_taker.h"

#include <QAction>
#include <QApplication>
#include <QPixmap>

#include <utility>

#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/conversation_view.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

namespace ui {
namespace {

constexpr int kLookEveryMs = 100;
constexpr int kMostLooks = 6000;  // ten minutes
constexpr int kQuietLooks = 8;    // nothing has happened for that long: the window is done drawing

}  // namespace

PictureTaker::PictureTaker(MainWindow& window, const QString& question, const QString& command, const QString& file)
    : window_(window), question_(question), command_(command), file_(file) {
  timer_.setInterval(kLookEveryMs);
  connect(&timer_, &QTimer::timeout, this, &PictureTaker::look);
  timer_.start();
}

void PictureTaker::look() {
  Workspace& workspace = window_.workspace();
  if (++n_looks_ > kMostLooks) {
    end(tr("The picture was not taken: nothing came to an end within ten minutes."));
    return;
  }
  const bool busy = workspace.asker().loading() || workspace.asker().running() || workspace.jobs().n_running() > 0;
  n_quiet_ = busy ? 0 : n_quiet_ + 1;
  if (n_quiet_ < kQuietLooks) return;
  n_quiet_ = 0;
  if (step_ == Step::kLoading && !question_.isEmpty()) {
    const QString obstacle = workspace.obstacle();
    if (!obstacle.isEmpty()) {
      end(obstacle);
      return;
    }
    step_ = Step::kAsking;
    window_.ask(question_ == QLatin1String("sample") ? window_.sample_questions().value(0) : question_);
    return;
  }
  if (step_ == Step::kAsking) {
    step_ = Step::kSettling;
    const ConversationView* view = window_.conversation().view();
    if (view->n_turns() == 0) return;
    for (const app::Citation& citation : view->last_turn()->citations()) {
      if (!citation.in_prompt) continue;
      emit window_.conversation().citation_activated(citation);
      if (window_.layout_now() == Layout::kInspect) window_.set_layout(Layout::kInspect);
      break;
    }
    return;
  }
  if (!command_.isEmpty()) {
    const QString command = std::exchange(command_, {});
    for (QAction* action : window_.commands()) {
      if (action->objectName() != command) continue;
      // In an event of its own: it comes back only when its dialog is closed, and this timer has to go on.
      QTimer::singleShot(0, action, &QAction::trigger);
      return;
    }
    end(tr("There is no command %1.").arg(command));
    return;
  }
  // A dialog that a command opened is the picture.
  QWidget* shown = QApplication::activeModalWidget();
  end((shown != nullptr ? shown : static_cast<QWidget*>(&window_))->grab().save(file_) ? QString() : tr("%1 could not be written.").arg(file_));
}

void PictureTaker::end(const QString& failure) {
  timer_.stop();
  failure_ = failure;
  if (QWidget* dialog = QApplication::activeModalWidget()) dialog->close();
  QApplication::exit(failure.isEmpty() ? 0 : 1);
}

}  // namespace ui
