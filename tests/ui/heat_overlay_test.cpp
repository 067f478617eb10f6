#include "ui/trace/heat_overlay.h"

#include <QImage>
#include <QTest>

namespace {

QImage paint(const app::PageHeat& heat) {
  QImage image(200, 100, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  ui::paint_page_heat(painter, QRectF(0, 0, 200, 100), heat, 1.0, {});
  return image;
}

app::PageHeat one_line() {
  app::PageHeat heat;
  heat.in_prompt = true;
  heat.sparse = true;
  heat.maximum = 1;
  heat.boxes = {{{0.1f, 0.4f, 0.2f, 0.5f}, 1.0}, {{0.22f, 0.4f, 0.3f, 0.5f}, 0.5}, {{0.5f, 0.4f, 0.6f, 0.5f}, 0.0}};
  return heat;
}

}  // namespace

class HeatOverlayTest : public QObject {
  Q_OBJECT

 private slots:
  void tints_selected_words_and_the_blank_between_them();
  void leaves_words_alone_that_were_not_selected();
  void paints_nothing_when_nothing_was_sparse();
  void says_what_colours_cannot();
  void a_heavier_line_has_a_longer_bar();
};

void HeatOverlayTest::tints_selected_words_and_the_blank_between_them() {
  const QImage image = paint(one_line());
  QVERIFY(image.pixelColor(30, 45).lightness() < 200);
  QVERIFY(image.pixelColor(42, 45) != QColor(Qt::white));
  QVERIFY(image.pixelColor(30, 45).lightness() < image.pixelColor(50, 45).lightness());
}

void HeatOverlayTest::leaves_words_alone_that_were_not_selected() {
  const QImage image = paint(one_line());
  QCOMPARE(image.pixelColor(110, 45), QColor(Qt::white));
  QCOMPARE(image.pixelColor(30, 80), QColor(Qt::white));
}

void HeatOverlayTest::paints_nothing_when_nothing_was_sparse() {
  app::PageHeat heat = one_line();
  heat.sparse = false;
  QCOMPARE(paint(heat).pixelColor(30, 45), QColor(Qt::white));
}

void HeatOverlayTest::says_what_colours_cannot() {
  app::PageHeat heat = one_line();
  QVERIFY(ui::heat_note(heat).isEmpty());
  heat.confidence = 0.2;
  QVERIFY(ui::heat_note(heat).contains(QStringLiteral("little certainty")));
  heat.maximum = 0;
  QCOMPARE(ui::heat_note(heat), QStringLiteral("Not consulted."));
  heat.sparse = false;
  QVERIFY(ui::heat_note(heat).startsWith(QStringLiteral("Dense")));
  heat.in_prompt = false;
  QVERIFY(ui::heat_note(heat).startsWith(QStringLiteral("Not in the prompt")));
}

void HeatOverlayTest::a_heavier_line_has_a_longer_bar() {
  QImage image(20, 30, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  ui::paint_line_heat(painter, QRectF(0, 0, 20, 10), 1.0, 1.0, {});
  ui::paint_line_heat(painter, QRectF(0, 10, 20, 10), 0.01, 1.0, {});
  painter.end();
  QVERIFY(image.pixelColor(18, 5) != QColor(Qt::white));
  QCOMPARE(image.pixelColor(18, 15), QColor(Qt::white));
  QVERIFY(image.pixelColor(2, 15) != QColor(Qt::white));
  QCOMPARE(image.pixelColor(2, 25), QColor(Qt::white));
}

QTEST_MAIN(HeatOverlayTest)
#include "heat_overlay_test.moc"
