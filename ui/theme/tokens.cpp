#include "ui/theme/tokens.h"

#include <QApplication>
#include <QFontDatabase>
#include <QFontInfo>
#include <QPalette>
#include <QToolTip>
#include <QWidget>

#include <algorithm>
#include <cmath>

#include "ui/theme/style.h"

namespace ui {
namespace {

Tokens light_tokens() {
  Tokens t;
  t.paper = QColor(0xFB, 0xFA, 0xF7);
  t.desk = QColor(0xF1, 0xEF, 0xEA);
  t.ink = QColor(0x1E, 0x22, 0x26);
  t.ink_soft = QColor(0x5B, 0x63, 0x6B);
  t.line = QColor(0xDD, 0xD9, 0xD0);
  t.pine = QColor(0x1F, 0x6F, 0x54);
  t.pine_wash = QColor(0xE3, 0xF0, 0xEA);
  t.on_pine = QColor(0xFF, 0xFF, 0xFF);
  t.amber = QColor(0x9A, 0x5B, 0x00);
  t.brick = QColor(0xA8, 0x32, 0x2A);
  t.sky = QColor(0x2B, 0x5F, 0x9E);
  t.mark = QColor(0xFF, 0xE2, 0x8A);
  t.sources = {QColor(0x7F, 0xA6, 0x93), QColor(0x8F, 0xA3, 0xC4), QColor(0xC9, 0xA2, 0x6B), QColor(0xB4, 0x8E, 0xAE),
               QColor(0x8D, 0xB3, 0xBD), QColor(0xC0, 0x93, 0x86), QColor(0xA3, 0xA8, 0x78), QColor(0x9C, 0x97, 0xBE)};
  return t;
}

Tokens dark_tokens() {
  Tokens t;
  t.dark = true;
  t.paper = QColor(0x17, 0x19, 0x1B);
  t.desk = QColor(0x10, 0x12, 0x14);
  t.ink = QColor(0xE6, 0xE3, 0xDC);
  t.ink_soft = QColor(0xA2, 0xA8, 0xAE);
  t.line = QColor(0x2A, 0x2E, 0x32);
  t.pine = QColor(0x5C, 0xC7, 0x9E);
  t.pine_wash = QColor(0x1C, 0x33, 0x2A);
  t.on_pine = QColor(0x0C, 0x1F, 0x18);
  t.amber = QColor(0xF0, 0xB4, 0x5A);
  t.brick = QColor(0xF0, 0x8A, 0x80);
  t.sky = QColor(0x8A, 0xB6, 0xEA);
  t.mark = QColor(0x5E, 0x4E, 0x1A);
  t.sources = {QColor(0x5F, 0x8A, 0x76), QColor(0x6C, 0x82, 0xA8), QColor(0xA8, 0x84, 0x4F), QColor(0x96, 0x70, 0x90),
               QColor(0x6B, 0x96, 0xA1), QColor(0xA2, 0x75, 0x68), QColor(0x86, 0x8B, 0x5B), QColor(0x7E, 0x79, 0xA3)};
  return t;
}

/// Black on white with lines as strong as text: every pair of text and ground is above 7.
Tokens high_contrast_tokens(bool dark) {
  Tokens t = dark ? dark_tokens() : light_tokens();
  t.high_contrast = true;
  t.paper = dark ? QColor(Qt::black) : QColor(Qt::white);
  t.desk = t.paper;
  t.ink = dark ? QColor(Qt::white) : QColor(Qt::black);
  t.ink_soft = t.ink;
  t.line = t.ink;
  t.pine = dark ? QColor(0x7C, 0xF0, 0xC0) : QColor(0x00, 0x4D, 0x35);
  t.pine_wash = dark ? QColor(0x00, 0x3A, 0x28) : QColor(0xC8, 0xEE, 0xDD);
  t.on_pine = dark ? QColor(Qt::black) : QColor(Qt::white);
  t.amber = dark ? QColor(0xFF, 0xD0, 0x80) : QColor(0x6B, 0x3D, 0x00);
  t.brick = dark ? QColor(0xFF, 0xB4, 0xAC) : QColor(0x8A, 0x14, 0x0C);
  t.sky = dark ? QColor(0xB4, 0xD6, 0xFF) : QColor(0x10, 0x3F, 0x7A);
  return t;
}

Tokens current = light_tokens();
bool motion_is_reduced = false;

QPalette palette_of(const Tokens& t) {
  QPalette p;
  p.setColor(QPalette::Window, t.desk);
  p.setColor(QPalette::WindowText, t.ink);
  p.setColor(QPalette::Base, t.paper);
  p.setColor(QPalette::AlternateBase, mix(t.desk, t.paper, 0.5));
  p.setColor(QPalette::Text, t.ink);
  p.setColor(QPalette::PlaceholderText, t.ink_soft);
  p.setColor(QPalette::Button, t.paper);
  p.setColor(QPalette::ButtonText, t.ink);
  p.setColor(QPalette::BrightText, t.brick);
  p.setColor(QPalette::Highlight, t.pine);
  p.setColor(QPalette::HighlightedText, t.on_pine);
  p.setColor(QPalette::Link, t.pine);
  p.setColor(QPalette::LinkVisited, t.pine);
  p.setColor(QPalette::ToolTipBase, t.dark ? t.line : t.ink);
  p.setColor(QPalette::ToolTipText, t.dark ? t.ink : t.paper);
  p.setColor(QPalette::Light, t.paper);
  p.setColor(QPalette::Midlight, mix(t.line, t.paper, 0.5));
  p.setColor(QPalette::Mid, t.line);
  p.setColor(QPalette::Dark, t.line);
  p.setColor(QPalette::Shadow, mix(QColor(Qt::black), t.line, 0.4));
  const QColor faint = mix(t.ink_soft, t.desk, t.high_contrast ? 0.8 : 0.6);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    p.setColor(QPalette::Disabled, role, faint);
  }
  p.setColor(QPalette::Disabled, QPalette::Highlight, t.line);
  p.setColor(QPalette::Disabled, QPalette::HighlightedText, t.ink_soft);
  return p;
}

QFont font_or(const char* family, QFontDatabase::SystemFont fallback, double points) {
  QFont font(QString::fromLatin1(family));
  if (!QFontInfo(font).family().startsWith(QLatin1String(family))) font = QFontDatabase::systemFont(fallback);
  font.setPointSizeF(points);
  return font;
}

double luminance(const QColor& color) {
  const auto linear = [](double c) { return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

}  // namespace

const Tokens& tokens() { return current; }

LightTokens::LightTokens() : before_(current) { current = light_tokens(); }
LightTokens::~LightTokens() { current = before_; }

void apply_theme(QApplication& application, Theme theme, bool system_is_dark) {
  switch (theme) {
    case Theme::kSystem: current = system_is_dark ? dark_tokens() : light_tokens(); break;
    case Theme::kLight: current = light_tokens(); break;
    case Theme::kDark: current = dark_tokens(); break;
    case Theme::kHighContrast: current = high_contrast_tokens(system_is_dark); break;
  }
  if (dynamic_cast<Style*>(application.style()) == nullptr) application.setStyle(new Style);
  application.setFont(body_font());
  application.setPalette(palette_of(current));
  QToolTip::setFont(small_font());
  QToolTip::setPalette(palette_of(current));
}

QFont body_font() { return font_or("Inter", QFontDatabase::GeneralFont, 10.5); }

QFont code_font() {
  QFont font = font_or("JetBrains Mono", QFontDatabase::FixedFont, 9.5);
  font.setStyleHint(QFont::Monospace);
  return font;
}

QFont small_font() {
  QFont font = body_font();
  font.setPointSizeF(9.0);
  return font;
}

QFont strong(QFont font) {
  font.setWeight(QFont::DemiBold);
  return font;
}

void set_text_color(QWidget* widget, const QColor& color) {
  QPalette palette = widget->palette();
  // A label on Base draws with Text, on Window with WindowText.
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) palette.setColor(role, color);
  widget->setPalette(palette);
}

bool reduced_motion() { return motion_is_reduced; }

void set_reduced_motion(bool reduced) {
  static const int usual_flash_ms = QApplication::cursorFlashTime();
  motion_is_reduced = reduced;
  QApplication::setCursorFlashTime(reduced ? 0 : usual_flash_ms);
}

double contrast(const QColor& a, const QColor& b) {
  const double one = luminance(a);
  const double two = luminance(b);
  return (std::max(one, two) + 0.05) / (std::min(one, two) + 0.05);
}

QColor mix(const QColor& top, const QColor& below, double opacity) {
  const auto part = [opacity](int a, int b) { return static_cast<int>(std::lround(a * opacity + b * (1.0 - opacity))); };
  return QColor(part(top.red(), below.red()), part(top.green(), below.green()), part(top.blue(), below.blue()));
}

}  // namespace ui
