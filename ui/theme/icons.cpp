#include "ui/theme/icons.h"

#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

QColor color_of(QIcon::Mode mode, QIcon::State state) {
  if (mode == QIcon::Disabled) return mix(tokens().ink_soft, tokens().desk, 0.5);
  if (state == QIcon::On || mode == QIcon::Active) return tokens().ink;
  return tokens().ink_soft;
}

/// Draws the SVG anew at the size and in the colour that is asked for: a theme change needs no new icons.
class TintedIcon final : public QIconEngine {
 public:
  explicit TintedIcon(QString name) : name_(std::move(name)) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State state) override {
    const double ratio = painter->device()->devicePixelRatioF();
    const int size = std::min(rect.width(), rect.height());
    const QPixmap picture = icon_pixmap(name_, color_of(mode, state), size, ratio);
    painter->drawPixmap(rect.x() + (rect.width() - size) / 2, rect.y() + (rect.height() - size) / 2, picture);
  }

  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    return scaledPixmap(size, mode, state, 1.0);
  }

  QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state, qreal) override {
    QPixmap picture = icon_pixmap(name_, color_of(mode, state), std::min(size.width(), size.height()), 1.0);
    return picture;
  }

  QIconEngine* clone() const override { return new TintedIcon(*this); }
  QString key() const override { return QStringLiteral("longleaf"); }

 private:
  QString name_;
};

}  // namespace

QIcon icon(const QString& name) { return QIcon(new TintedIcon(name)); }

QPixmap icon_pixmap(const QString& name, const QColor& color, int size, double device_pixel_ratio) {
  const QString key = QStringLiteral("ll:%1:%2:%3:%4").arg(name, color.name(), QString::number(size), QString::number(device_pixel_ratio));
  QPixmap picture;
  if (QPixmapCache::find(key, &picture)) return picture;
  QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
  if (!file.open(QIODevice::ReadOnly)) return {};
  QByteArray svg = file.readAll();
  svg.replace("currentColor", color.name().toLatin1());
  QSvgRenderer renderer(svg);
  picture = QPixmap(QSize(size, size) * device_pixel_ratio);
  picture.fill(Qt::transparent);
  QPainter painter(&picture);
  renderer.render(&painter);
  painter.end();
  picture.setDevicePixelRatio(device_pixel_ratio);
  QPixmapCache::insert(key, picture);
  return picture;
}

}  // namespace ui
