#pragma once

#include <QColor>
#include <QFont>

#include <array>

class QApplication;
class QWidget;

/// The colours, fonts and measures of the window, by meaning. Widgets ask `tokens()` whenever they
/// paint and repaint on QEvent::PaletteChange, so that a change of theme needs no restart.
namespace ui {

enum class Theme { kSystem, kLight, kDark, kHighContrast };

struct Tokens {
  bool dark = false;
  bool high_contrast = false;
  QColor paper;      // documents, answers
  QColor desk;       // the window behind the panels
  QColor ink;        // text
  QColor ink_soft;   // secondary text
  QColor line;       // separators, 1 px
  QColor pine;       // the one accent: focus, links, primary button, progress
  QColor pine_wash;  // selected row, question bubble
  QColor on_pine;    // text on pine
  QColor amber;      // warnings, over budget
  QColor brick;      // errors, high severity
  QColor sky;        // thinking
  QColor mark;       // behind cited or found words
  std::array<QColor, 8> sources;  // tints of sources in a fixed order: meter and rulers

  const QColor& source(std::size_t index) const { return sources[index % sources.size()]; }
};

/// The tokens of the theme in force. Main thread.
const Tokens& tokens();

/// Sets palette, style and fonts of the program. kSystem is resolved by `system_is_dark`.
void apply_theme(QApplication& application, Theme theme, bool system_is_dark);

/// While it lives, tokens() are the light theme's: for what is drawn on paper. No event loop may run meanwhile.
class LightTokens {
 public:
  LightTokens();
  ~LightTokens();
  LightTokens(const LightTokens&) = delete;
  LightTokens& operator=(const LightTokens&) = delete;

 private:
  Tokens before_;
};

/// Body text: Inter 10.5 pt, or the system's font where Inter is missing.
QFont body_font();
/// Code and numbers in columns: JetBrains Mono 9.5 pt.
QFont code_font();
/// Smaller text of chips, rows and captions: 9 pt.
QFont small_font();
/// The one emphasis there is.
QFont strong(QFont font);

constexpr int kGrid = 8;
constexpr int kTight = 4;         // inside chips and rows
constexpr int kGroupGap = 12;     // between groups
constexpr int kPanelMargin = 16;  // around panels
constexpr int kRadius = 6;
constexpr int kChipRadius = 4;
constexpr int kRowHeight = 28;

/// Gives a widget's text this colour, whatever ground it inherits.
void set_text_color(QWidget* widget, const QColor& color);

/// Whether anything may move by itself: the thinking line, docks, the text cursor. Main thread.
bool reduced_motion();
void set_reduced_motion(bool reduced);

/// Contrast of two colours as WCAG 2 defines it, 1..21.
double contrast(const QColor& a, const QColor& b);
/// `top` laid over `below` with this opacity, as one opaque colour.
QColor mix(const QColor& top, const QColor& below, double opacity);

}  // namespace ui
