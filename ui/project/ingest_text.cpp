#include "ui/project/ingest_text.h"

#include <QCoreApplication>
#include <QTextDocument>

#include "ui/project/jobs.h"
#include "ui/sources/source_model.h"

namespace ui {

QString ingest_text(const app::IngestProgress& progress) {
  const bool pages = progress.unit == app::IngestUnit::kPages;
  const QString done = grouped(progress.n_done);
  const QString total = grouped(progress.n_total);
  QString text = progress.n_total > 0 ? (pages ? Jobs::tr("%1 of %2 pages") : Jobs::tr("%1 of %2 files")).arg(done, total)
                                      : (pages ? Jobs::tr("%1 pages") : Jobs::tr("%1 files")).arg(done);
  if (!progress.stage.empty()) text = QString::fromStdString(progress.stage) + QStringLiteral(": ") + text;
  if (progress.n_bytes > 0) text += QStringLiteral(", ") + Jobs::tr("%1 MB").arg(static_cast<double>(progress.n_bytes) / 1e6, 0, 'f', 1);
  if (progress.per_second > 0) {
    const QString rate = QString::number(progress.per_second, 'f', progress.per_second < 10 ? 1 : 0);
    text += QStringLiteral(", ") + (pages ? Jobs::tr("%1 pages/s") : Jobs::tr("%1 files/s")).arg(rate);
  }
  if (progress.seconds_left >= 0 && progress.n_done < progress.n_total) text += QStringLiteral(", ") + Jobs::tr("%1 left").arg(duration_text(progress.seconds_left));
  return text;
}

QString plain_tip(const QString& text) {
  return Qt::mightBeRichText(text) ? QStringLiteral("<p style='white-space:pre-wrap'>%1</p>").arg(text.toHtmlEscaped()) : text;
}

}  // namespace ui
