#pragma once

#include <QString>

#include <optional>

namespace ui {

struct TexSymbol {
  QString text;
  bool is_operator = false;
  bool is_large = false;
  bool upright = false;
};

/// The sign of a command without its backslash: "alpha", "leq", "sum". Nothing when there is none.
std::optional<TexSymbol> tex_symbol(const QString& command);
/// Names that stand upright as they are: "log", "max", "sin".
bool is_function_name(const QString& command);
/// Functions whose scripts stand below and above them in display: "lim", "max".
bool takes_limits(const QString& command);
/// The combining sign of an accent: "hat", "vec". Empty when there is none.
QString accent_sign(const QString& command);
/// A letter in double strokes, as of the real numbers; the letter itself where there is none.
QString double_struck(QChar letter);

}  // namespace ui
