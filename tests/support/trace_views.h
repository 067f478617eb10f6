#pragma once

#include <QFile>
#include <QFileInfo>
#include <QPalette>
#include <QString>
#include <QWidget>

#include "tests/support/synthetic_trace.h"

/// What the tests of the views of selections share.
namespace views {

inline std::shared_ptr<const app::RunTrace> small_run() {
  synthetic::TraceSize size;
  size.n_prompt_tokens = 16384;
  size.n_layers = 8;
  size.top_k = 512;
  size.n_generated = 120;
  size.n_thinking = 40;
  return synthetic::make_run(size, 3, 12);
}

inline QPalette theme(bool dark) {
  QPalette palette;
  palette.setColor(QPalette::Base, dark ? QColor(0x17191B) : QColor(0xFBFAF7));
  palette.setColor(QPalette::Window, dark ? QColor(0x101214) : QColor(0xF1EFEA));
  palette.setColor(QPalette::Text, dark ? QColor(0xE6E3DC) : QColor(0x1E2226));
  palette.setColor(QPalette::WindowText, palette.color(QPalette::Text));
  palette.setColor(QPalette::ButtonText, palette.color(QPalette::Text));
  palette.setColor(QPalette::Button, palette.color(QPalette::Window));
  palette.setColor(QPalette::Highlight, dark ? QColor(0x5CC79E) : QColor(0x1F6F54));
  palette.setColor(QPalette::HighlightedText, dark ? QColor(0x101214) : QColor(0xFBFAF7));
  return palette;
}

/// Pictures to look at, when a folder for them is named.
inline void keep(QWidget& widget, const QString& name) {
  const QString folder = qEnvironmentVariable("LONGLEAF_PICTURES");
  if (!folder.isEmpty()) widget.grab().save(folder + QLatin1Char('/') + name + QStringLiteral(".png"));
}

inline void keep_file(const QString& path) {
  const QString folder = qEnvironmentVariable("LONGLEAF_PICTURES");
  if (!folder.isEmpty()) QFile::copy(path, folder + QStringLiteral("/figure_") + QFileInfo(path).fileName());
}

}  // namespace views
