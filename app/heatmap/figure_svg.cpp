#include <algorithm>
#include <cstdio>

#include "app/document/markup.h"
#include "app/heatmap/figure.h"
#include "app/heatmap/png_writer.h"

namespace app {

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string color(Rgb rgb) {
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", rgb.red, rgb.green, rgb.blue);
  return text;
}

std::string base64(const std::string& bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    const std::size_t n = bytes.size() - i;
    out += kAlphabet[group >> 18 & 63];
    out += kAlphabet[group >> 12 & 63];
    out += n > 1 ? kAlphabet[group >> 6 & 63] : '=';
    out += n > 2 ? kAlphabet[group & 63] : '=';
  }
  return out;
}

std::string place(double x, double y, double width, double height) {
  return "x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" + number(height) + "\"";
}

void add_rect(const FigureRect& rect, std::string& out) {
  if (!rect.hatched) {
    out += "<rect " + place(rect.x, rect.y, rect.width, rect.height) + " fill=\"" + color(rect.color) + "\"/>\n";
    return;
  }
  // Lines of its own instead of a pattern: some programs paint patterns as pictures.
  out += "<g stroke=\"" + color(rect.color) + "\" stroke-width=\"0.8\">\n";
  for (double at = 4; at < rect.width + rect.height; at += 4) {
    const double left = std::max(0.0, at - rect.height);
    const double right = std::min(at, rect.width);
    out += "<line x1=\"" + number(rect.x + left) + "\" y1=\"" + number(rect.y + at - left) + "\" x2=\"" +
           number(rect.x + right) + "\" y2=\"" + number(rect.y + at - right) + "\"/>\n";
  }
  out += "</g>\n";
}

const char* anchor(FigureText::Anchor anchor) {
  switch (anchor) {
    case FigureText::Anchor::kMiddle: return "middle";
    case FigureText::Anchor::kEnd: return "end";
    case FigureText::Anchor::kStart: break;
  }
  return "start";
}

}  // namespace

std::string figure_to_svg(const Figure& figure) {
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + number(figure.width) +
                    "\" height=\"" + number(figure.height) + "\" viewBox=\"0 0 " + number(figure.width) + " " +
                    number(figure.height) + "\" font-family=\"Inter, Noto Sans, sans-serif\">\n";
  out += "<title>" + escape_markup(figure.title) + "</title>\n<desc>" + escape_markup(figure.description) + "</desc>\n";
  add_rect({0, 0, figure.width, figure.height, figure.background, false}, out);
  for (const FigureRect& rect : figure.rects) add_rect(rect, out);
  for (const FigurePicture& picture : figure.pictures) {
    const auto png = encode_png(picture.n_columns, picture.n_rows, picture.cells);
    out += "<image " + place(picture.x, picture.y, picture.width, picture.height) +
           " preserveAspectRatio=\"none\" image-rendering=\"pixelated\" href=\"data:image/png;base64," +
           (png ? base64(*png) : std::string()) + "\"/>\n";
  }
  for (const FigureRect& rect : figure.marks) add_rect(rect, out);
  for (const FigureText& text : figure.texts) {
    out += "<text x=\"" + number(text.x) + "\" y=\"" + number(text.y) + "\" font-size=\"" + number(text.size) +
           "\" fill=\"" + color(text.color) + "\" text-anchor=\"" + anchor(text.anchor) + "\">" + escape_markup(text.text) +
           "</text>\n";
  }
  return out + "</svg>\n";
}

}  // namespace app
