#pragma once

#include <cstdint>

/// Colours of heat, the same on the screen, in pictures and in both themes.
namespace app {

struct Rgb {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

enum class Theme { kLight, kDark };
enum class HeatScale { kCividis, kMagma };

/// The colour of a value in 0..1. Lightness moves evenly away from the paper, so that more is always
/// more visible; both scales keep their order for colour-blind readers.
Rgb heat_color(double value, HeatScale scale, Theme theme);

/// -1 (only the first run) .. 0 (no difference) .. 1 (only the second run): blue, paper, orange.
Rgb difference_color(double value, Theme theme);

/// Source tint `index` modulo 8, for rulers and meters, in a fixed order.
Rgb source_tint(int index, Theme theme);

/// Where `value` (0..maximum) lies in 0..1 of the scale; `logarithmic` spreads three decades.
double heat_position(double value, double maximum, bool logarithmic);

/// The value at `position` of the scale: the inverse of heat_position.
double heat_value(double position, double maximum, bool logarithmic);

Rgb paper_color(Theme theme);
Rgb ink_color(Theme theme);
Rgb soft_ink_color(Theme theme);
Rgb line_color(Theme theme);

}  // namespace app
