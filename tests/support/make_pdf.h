#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

enum class PdfFont { kRoman, kBold, kItalic, kMono };

/// Writes small PDFs by hand, so that tests know every coordinate. Points, origin top left, like app.
/// Text is Latin-1 in the standard fonts, which every reader brings.
class PdfMaker {
 public:
  explicit PdfMaker(double width = 595, double height = 842) : width_(width), height_(height) {}

  void new_page(int rotation = 0);
  /// `y` is the base line.
  void text(double x, double y, double size, std::string_view latin1, PdfFont font = PdfFont::kRoman);
  /// Text that is there and cannot be seen (render mode 3).
  void hidden_text(double x, double y, double size, std::string_view latin1);
  void white_text(double x, double y, double size, std::string_view latin1);
  /// Text of any grey on a filled box of any grey; 0 is black.
  void grey_text(double x, double y, double size, double grey, std::string_view latin1);
  void fill(double x, double y, double width, double height, double grey);
  /// A picture of grey pixels, rows from the top; without any, of one.
  void picture(double x, double y, double width, double height, int n_across = 1, int n_down = 1, std::string_view grey = "\x60");
  void line(double x0, double y0, double x1, double y1);
  /// Text turned by 90 degrees, reading upwards.
  void upward_text(double x, double y, double size, std::string_view latin1);
  /// A paragraph broken into lines of about `n_letters`; returns the y after it.
  double paragraph(double x, double y, double size, int n_letters, std::string_view latin1, PdfFont font = PdfFont::kRoman, double leading = 1.25);
  void outline(std::string_view title, int page);
  void title(std::string_view title) { title_ = title; }

  std::string bytes() const;
  /// Needs `password` to be opened (40-bit RC4, standard handler revision 2).
  std::string encrypted(std::string_view password) const;

 private:
  struct Page {
    int rotation = 0;
    std::string content;
  };
  std::string build(std::string_view password) const;
  void put(double x, double y, double size, std::string_view latin1, PdfFont font, const char* before, const char* matrix);

  double width_, height_;
  std::vector<Page> pages_;
  std::vector<std::pair<std::string, int>> outline_;
  std::string title_;
};

/// Writes `bytes` to `path`.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace tests
