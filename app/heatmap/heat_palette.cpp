#include "app/heatmap/heat_palette.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace app {

namespace {

constexpr double kDecades = 3.0;

using Stops = std::array<Rgb, 10>;

// Ten even steps of the cividis and magma scales, dark to light.
constexpr Stops kCividis{{{0, 32, 77}, {0, 51, 111}, {57, 72, 107}, {87, 92, 109}, {112, 113, 115},
                          {138, 135, 121}, {166, 157, 117}, {196, 181, 108}, {228, 207, 91}, {255, 234, 70}}};
constexpr Stops kMagma{{{0, 0, 4}, {24, 15, 62}, {69, 16, 119}, {114, 31, 129}, {159, 47, 127},
                        {205, 64, 113}, {241, 96, 93}, {253, 149, 103}, {254, 202, 141}, {252, 253, 191}}};

constexpr std::array<Rgb, 8> kTintsLight{{{110, 147, 170}, {178, 140, 96}, {131, 158, 116}, {158, 126, 160},
                                          {189, 123, 117}, {100, 156, 151}, {164, 156, 92}, {137, 137, 150}}};
constexpr std::array<Rgb, 8> kTintsDark{{{92, 130, 154}, {160, 124, 82}, {114, 141, 99}, {141, 110, 143},
                                         {168, 106, 101}, {84, 138, 133}, {146, 138, 77}, {121, 121, 134}}};

std::uint8_t mix(std::uint8_t a, std::uint8_t b, double share) {
  return static_cast<std::uint8_t>(std::lround(a + (b - a) * share));
}

Rgb mix(Rgb a, Rgb b, double share) {
  return {mix(a.red, b.red, share), mix(a.green, b.green, share), mix(a.blue, b.blue, share)};
}

Rgb along(const Stops& stops, double position) {
  const double at = std::clamp(position, 0.0, 1.0) * (stops.size() - 1);
  const auto lower = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  return mix(stops[lower], stops[lower + 1], at - static_cast<double>(lower));
}

}  // namespace

Rgb heat_color(double value, HeatScale scale, Theme theme) {
  const Stops& stops = scale == HeatScale::kCividis ? kCividis : kMagma;
  value = std::clamp(value, 0.0, 1.0);
  // On light paper the scale runs from light to dark, on dark paper from dark to light. Its faint end is
  // kept off the paper's own lightness, so that little is still more than nothing.
  if (theme == Theme::kDark) return along(stops, 0.2 + 0.8 * value);
  const Rgb color = along(stops, 0.92 * (1.0 - value));
  return mix(paper_color(theme), color, 0.45 + 0.55 * std::min(1.0, value * 2.0));
}

Rgb difference_color(double value, Theme theme) {
  const Rgb less = theme == Theme::kLight ? Rgb{43, 95, 158} : Rgb{138, 182, 234};
  const Rgb more = theme == Theme::kLight ? Rgb{186, 92, 10} : Rgb{244, 160, 80};
  const double strength = std::min(1.0, std::abs(value));
  return mix(paper_color(theme), value < 0 ? less : more, strength);
}

Rgb source_tint(int index, Theme theme) {
  const auto slot = static_cast<std::size_t>(((index % 8) + 8) % 8);
  return theme == Theme::kLight ? kTintsLight[slot] : kTintsDark[slot];
}

double heat_position(double value, double maximum, bool logarithmic) {
  if (!(value > 0) || !(maximum > 0)) return 0;
  const double share = std::min(1.0, value / maximum);
  return logarithmic ? std::clamp(1.0 + std::log10(share) / kDecades, 0.0, 1.0) : share;
}

double heat_value(double position, double maximum, bool logarithmic) {
  return logarithmic ? maximum * std::pow(10.0, (position - 1.0) * kDecades) : maximum * position;
}

Rgb paper_color(Theme theme) { return theme == Theme::kLight ? Rgb{0xFB, 0xFA, 0xF7} : Rgb{0x17, 0x19, 0x1B}; }
Rgb ink_color(Theme theme) { return theme == Theme::kLight ? Rgb{0x1E, 0x22, 0x26} : Rgb{0xE6, 0xE3, 0xDC}; }
Rgb soft_ink_color(Theme theme) { return theme == Theme::kLight ? Rgb{0x5B, 0x63, 0x6B} : Rgb{0xA2, 0xA8, 0xAE}; }
Rgb line_color(Theme theme) { return theme == Theme::kLight ? Rgb{0xDD, 0xD9, 0xD0} : Rgb{0x2A, 0x2E, 0x32}; }

}  // namespace app
