#include "ui/theme/fonts.h"

#include <QImage>
#include <QPainter>

#include "ui/theme/tokens.h"

namespace ui {

void load_fonts() {
  QImage image(16, 16, QImage::Format_RGB32);
  QPainter painter(&image);
  // Latin, a thin space, signs of formulas and chips, Han, Hebrew, Arabic.
  const QString signs = QStringLiteral("aé1\u2009→≈∑漢אع");
  for (const QFont& font : {body_font(), strong(body_font()), small_font(), strong(small_font()), code_font()}) {
    painter.setFont(font);
    painter.drawText(0, 12, signs);
  }
}

}  // namespace ui
