#pragma once

#include <QAbstractListModel>
#include <QElapsedTimer>
#include <QString>

#include <functional>
#include <vector>

namespace ui {

/// What goes on in the background: reading files, counting, loading a model, runs. Main thread.
class Jobs final : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role { kWhatRole = Qt::UserRole, kFractionRole, kStateRole, kTimeLeftRole, kIdRole, kAgainRole };
  enum class State { kRunning, kDone, kFailed, kCancelled };

  using QAbstractListModel::QAbstractListModel;

  /// `cancel` is called at most once, here; empty: the job cannot be cancelled.
  int begin(const QString& title, std::function<void()> cancel);
  /// `detail`: a line that says how far it is, with its own time left; empty: made from the numbers.
  void progress(int job, const QString& what, qint64 done, qint64 total, const QString& detail = {});
  /// Lets a job that was cancelled or failed be begun anew; `again` is called at most once, here.
  void set_again(int job, std::function<void()> again);
  void run_again(int job);
  void finish(int job, const QString& error);
  void cancel(int job);
  int n_running() const;
  /// The running job for the status line: one that is under way before one that waits; none: invalid.
  QModelIndex foremost() const;
  /// Of that job; empty when nothing runs.
  QString summary() const;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;

 signals:
  void changed();

 private:
  struct Job {
    int id = 0;
    QString title;
    QString what;
    QString detail;
    qint64 done = 0;
    qint64 total = 0;
    QElapsedTimer clock;
    State state = State::kRunning;
    QString error;
    std::function<void()> cancel;
    std::function<void()> again;
  };
  int row_of(int job) const;
  void announce(int row);

  std::vector<Job> jobs_;  // oldest first
  int next_ = 1;
};

/// "12 s", "3 min", for time left and time taken.
QString duration_text(double seconds);

}  // namespace ui
