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
  enum Role { kWhatRole = Qt::UserRole, kFractionRole, kStateRole, kTimeLeftRole, kIdRole };
  enum class State { kRunning, kDone, kFailed, kCancelled };

  using QAbstractListModel::QAbstractListModel;

  /// `cancel` is called at most once, here; empty: the job cannot be cancelled.
  int begin(const QString& title, std::function<void()> cancel);
  void progress(int job, const QString& what, qint64 done, qint64 total);
  void finish(int job, const QString& error);
  void cancel(int job);
  int n_running() const;
  /// Of the newest running job, for the status line; empty when nothing runs.
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
    qint64 done = 0;
    qint64 total = 0;
    QElapsedTimer clock;
    State state = State::kRunning;
    QString error;
    std::function<void()> cancel;
  };
  int row_of(int job) const;
  void announce(int row);

  std::vector<Job> jobs_;  // oldest first
  int next_ = 1;
};

/// "12 s", "3 min", for time left and time taken.
QString duration_text(double seconds);

}  // namespace ui
