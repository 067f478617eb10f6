#pragma once

#include <QString>

#include <memory>
#include <optional>
#include <vector>

namespace ui {

/// A formula as a tree. What a node means stands at its kind.
struct MathNode {
  enum class Kind {
    kRow,        // children side by side
    kSymbol,     // text: one letter, number or sign
    kWords,      // text, upright, with its blanks: \text, \operatorname, sin
    kSpace,      // width: in em
    kFraction,   // children: above, below; text "binom" leaves the line out
    kRoot,       // children: body, and the degree where there is one
    kScripts,    // children: base, below, above (an empty row where there is none)
    kFence,      // children: body; text and closing: the signs, "." for none
    kAccent,     // children: body; text: the sign above, "_" for a line below, "-" for a line above
    kTable,      // children: cells row by row; n_columns
  };
  enum class Shape { kItalic, kUpright, kBold };

  Kind kind = Kind::kRow;
  Shape shape = Shape::kItalic;
  QString text;
  QString closing;
  double width = 0;
  int n_columns = 0;
  bool is_operator = false;  // blanks around it: +, =, <
  bool is_large = false;     // sum, product, integral: larger in display, with limits
  bool aligned = false;      // kTable: columns to the right and left of an & in turn
  std::vector<MathNode> children;
};

/// Reads the part of TeX that answers of models use: letters, Greek, signs, scripts, fractions, roots,
/// fences, accents, matrices and cases. Nothing when it meets anything else, when it is longer than
/// 4,000 characters or nested deeper than 40: the caller shows the source then. Defines and runs nothing.
std::optional<MathNode> parse_tex(const QString& tex);

}  // namespace ui
