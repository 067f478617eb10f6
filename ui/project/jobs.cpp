#include "ui/project/jobs.h"

#include <algorithm>

#include "ui/sources/source_model.h"

namespace ui {
namespace {

constexpr std::size_t kMostJobsListed = 60;

}  // namespace

QString duration_text(double seconds) {
  if (seconds < 10) return Jobs::tr("%1 s").arg(seconds, 0, 'f', 1);
  if (seconds < 90) return Jobs::tr("%1 s").arg(qRound(seconds));
  return Jobs::tr("%1 min").arg(qRound(seconds / 60));
}

int Jobs::begin(const QString& title, std::function<void()> cancel) {
  if (jobs_.size() >= kMostJobsListed && jobs_.front().state != State::kRunning) {
    beginRemoveRows({}, 0, 0);
    jobs_.erase(jobs_.begin());
    endRemoveRows();
  }
  const int row = static_cast<int>(jobs_.size());
  beginInsertRows({}, row, row);
  Job job;
  job.id = next_++;
  job.title = title;
  job.cancel = std::move(cancel);
  job.clock.start();
  jobs_.push_back(std::move(job));
  endInsertRows();
  emit changed();
  return jobs_.back().id;
}

int Jobs::row_of(int job) const {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), [job](const Job& j) { return j.id == job; });
  return found == jobs_.end() ? -1 : static_cast<int>(found - jobs_.begin());
}

void Jobs::announce(int row) {
  emit dataChanged(index(row), index(row));
  emit changed();
}

void Jobs::progress(int job, const QString& what, qint64 done, qint64 total, const QString& detail) {
  const int row = row_of(job);
  if (row < 0) return;
  jobs_[row].what = what;
  jobs_[row].done = done;
  jobs_[row].total = total;
  jobs_[row].detail = detail;
  announce(row);
}

void Jobs::finish(int job, const QString& error) {
  const int row = row_of(job);
  if (row < 0) return;
  Job& j = jobs_[row];
  if (j.state == State::kRunning) j.state = error.isEmpty() ? State::kDone : State::kFailed;
  j.error = error;
  j.cancel = nullptr;
  announce(row);
}

void Jobs::cancel(int job) {
  const int row = row_of(job);
  if (row < 0 || jobs_[row].state != State::kRunning || jobs_[row].cancel == nullptr) return;
  const auto cancel = std::exchange(jobs_[row].cancel, nullptr);
  jobs_[row].state = State::kCancelled;
  announce(row);
  cancel();
}

void Jobs::set_again(int job, std::function<void()> again) {
  const int row = row_of(job);
  if (row >= 0) jobs_[row].again = std::move(again);
}

void Jobs::run_again(int job) {
  const int row = row_of(job);
  if (row < 0 || !index(row).data(kAgainRole).toBool()) return;
  const auto again = std::move(jobs_[row].again);
  beginRemoveRows({}, row, row);
  jobs_.erase(jobs_.begin() + row);
  endRemoveRows();
  again();
  emit changed();
}

int Jobs::n_running() const {
  return static_cast<int>(std::count_if(jobs_.begin(), jobs_.end(), [](const Job& j) { return j.state == State::kRunning; }));
}

QModelIndex Jobs::foremost() const {
  QModelIndex newest;
  for (int row = 0; row < static_cast<int>(jobs_.size()); ++row) {
    if (jobs_[row].state != State::kRunning) continue;
    if (jobs_[row].total > 0) return index(row);
    newest = index(row);
  }
  return newest;
}

QString Jobs::summary() const {
  const QModelIndex shown = foremost();
  if (!shown.isValid()) return {};
  const Job& job = jobs_[static_cast<std::size_t>(shown.row())];
  QString text = job.title;
  if (job.total > 0) text += QStringLiteral("  ") + tr("%1 of %2").arg(grouped(job.done), grouped(job.total));
  const int more = n_running() - 1;
  return more > 0 ? tr("%1, and %n more", nullptr, more).arg(text) : text;
}

int Jobs::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(jobs_.size()); }

QVariant Jobs::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Job& job = jobs_[static_cast<std::size_t>(index.row())];
  const double fraction = job.total > 0 ? std::min(1.0, static_cast<double>(job.done) / static_cast<double>(job.total)) : 0.0;
  switch (role) {
    case Qt::DisplayRole:
    case Qt::AccessibleTextRole: return job.title;
    case kWhatRole:
      if (job.state == State::kFailed) return job.error;
      if (job.state == State::kCancelled) return tr("cancelled");
      if (job.state == State::kDone) return tr("done");
      if (!job.detail.isEmpty()) return job.detail;
      return job.total > 0 ? tr("%1 of %2").arg(grouped(job.done), grouped(job.total)) : job.what;
    case kFractionRole: return fraction;
    case kStateRole: return static_cast<int>(job.state);
    case kIdRole: return job.id;
    case kAgainRole: return job.again != nullptr && (job.state == State::kCancelled || job.state == State::kFailed);
    case kTimeLeftRole: {
      if (job.state != State::kRunning || fraction < 0.02 || !job.detail.isEmpty()) return QString();
      const double taken = static_cast<double>(job.clock.elapsed()) / 1000.0;
      return tr("%1 left").arg(duration_text(taken / fraction - taken));
    }
    default: return {};
  }
}

}  // namespace ui
