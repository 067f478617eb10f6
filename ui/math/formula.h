#pragma once

#include <QColor>
#include <QPainter>
#include <QString>

#include <memory>
#include <optional>

#include "ui/math/formula_layout.h"

namespace ui {

/// A formula that can be drawn, as vectors, at any scale.
class Formula {
 public:
  /// Nothing when the TeX is not understood. Formulas drawn lately are kept.
  static std::shared_ptr<const Formula> of(const QString& tex, bool display, double pixels);

  double width() const { return box_.width; }
  double ascent() const { return box_.ascent; }
  double descent() const { return box_.descent; }
  /// With its baseline beginning at `at`.
  void draw(QPainter& painter, const QPointF& at, const QColor& color) const;

 private:
  MathBox box_;
};

}  // namespace ui
