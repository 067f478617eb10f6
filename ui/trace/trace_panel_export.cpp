#include <QFileDialog>
#include <QMenu>
#include <QSaveFile>

#include "ui/trace/background_future.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/heat_theme.h"
#include "ui/trace/map_controls.h"
#include "ui/trace/selection_map.h"
#include "ui/trace/table_window.h"
#include "ui/trace/trace_panel.h"

namespace ui {

namespace {

/// Empty when `path` was written, else what went wrong.
QString write_picture(const app::RunTrace& run, app::TracePicture picture, const app::MapImageOptions& options, const QString& path) {
  const app::Figure figure = app::trace_figure(run, picture, options);
  std::string bytes;
  if (path.endsWith(QStringLiteral(".svg"), Qt::CaseInsensitive)) {
    bytes = app::figure_to_svg(figure);
  } else {
    auto png = app::figure_to_png(figure, /*scale=*/2.0);
    if (!png) return QString::fromStdString(png.error().message);
    bytes = std::move(*png);
  }
  QSaveFile file(path);
  const bool written = file.open(QIODevice::WriteOnly) && file.write(bytes.data(), static_cast<qint64>(bytes.size())) >= 0 && file.commit();
  return written ? QString() : TracePanel::tr("%1 could not be written: is there room, and may you write there?").arg(path);
}

}  // namespace

void TracePanel::make_export_menu() {
  QMenu* menu = controls_->export_menu();
  const auto entry = [this, menu](const QString& text, app::TracePicture picture) {
    menu->addAction(text, this, [this, picture] { choose_file(picture); });
  };
  entry(tr("Picture of the map\u2026"), app::TracePicture::kMap);
  entry(tr("Picture of prompt and answer\u2026"), app::TracePicture::kRun);
  entry(tr("Picture of all layers\u2026"), app::TracePicture::kLayers);
  entry(tr("Picture of the measures\u2026"), app::TracePicture::kMeasures);
  menu->addSeparator();
  menu->addAction(tr("Tables\u2026"), this, [this] { show_tables().show(); });
  connect(&export_, &QFutureWatcherBase::finished, this, [this] {
    if (export_.future().resultCount() == 0) return;
    emit exported(export_.property("path").toString(), export_.result());
  });
}

void TracePanel::choose_file(app::TracePicture picture) {
  if (run_ == nullptr) return;
  auto* dialog = new QFileDialog(this, tr("Export a picture"), QString(), tr("Picture (*.png);;Drawing (*.svg)"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("png"));
  connect(dialog, &QFileDialog::filterSelected, dialog, [dialog](const QString& filter) {
    dialog->setDefaultSuffix(filter.contains(QStringLiteral("svg")) ? QStringLiteral("svg") : QStringLiteral("png"));
  });
  connect(dialog, &QFileDialog::fileSelected, this, [this, picture](const QString& path) { export_picture(picture, path); });
  dialog->open();
}

void TracePanel::export_picture(app::TracePicture picture, const QString& path) {
  if (run_ == nullptr) return;
  app::MapImageOptions options;
  options.matrix = map_->options();
  options.scope = consulted_->scope();
  options.logarithmic = controls_->logarithmic();
  options.theme = theme_of(palette());
  options.scale = map_->scale();
  options.compared = map_->compared();
  export_.setProperty("path", path);
  export_.setFuture(run_in_pool([run = run_, picture, options, path] { return write_picture(*run, picture, options, path); }));
}

TableWindow& TracePanel::show_tables() {
  if (tables_ == nullptr) tables_ = new TableWindow(this);
  app::TableOptions options;
  options.matrix = map_->options();
  options.scope = consulted_->scope();
  options.compared = map_->compared();
  tables_->show_run(run_, options);
  return *tables_;
}

}  // namespace ui
