#include "ui/window/crash_notice.h"

#include <QApplication>
#include <QClipboard>
#include <QPushButton>

namespace ui {

CrashNotice::CrashNotice(std::vector<app::CrashReport> reports, QWidget* parent) : QMessageBox(parent), reports_(std::move(reports)) {
  setWindowTitle(tr("Longleaf"));
  setIcon(QMessageBox::Information);
  setTextFormat(Qt::PlainText);
  setText(tr("Longleaf did not end by itself the last time."));
  const app::CrashReport& newest = reports_.front();
  setInformativeText((newest.says_where ? tr("A fault in the program ended it.") : tr("It was ended from outside, or the machine went down.")) + QLatin1Char(' ') +
                     tr("Everything that was saved is there; an answer that was being written is kept as far as it had come.\n\n"
                        "The report holds the program's log and no text of documents. It stays on this machine."));
  setDetailedText(QString::fromStdString(newest.text));
  QPushButton* copy = addButton(tr("Copy the report"), QMessageBox::ActionRole);
  // A message box closes on every button; this one leaves it open.
  copy->disconnect();
  connect(copy, &QPushButton::clicked, this, [text = newest.text] { QApplication::clipboard()->setText(QString::fromStdString(text)); });
  QPushButton* keep = addButton(tr("Keep the report"), QMessageBox::RejectRole);
  keep->setToolTip(QString::fromStdString(newest.file.parent_path().string()));
  QPushButton* close = addButton(tr("Delete and go on"), QMessageBox::AcceptRole);
  setDefaultButton(close);
  setEscapeButton(keep);
  connect(close, &QPushButton::clicked, this, [this] { app::forget_reports(reports_); });
  connect(keep, &QPushButton::clicked, this, [this] { app::keep_reports(reports_); });
}

}  // namespace ui
