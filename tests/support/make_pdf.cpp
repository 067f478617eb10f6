#include "tests/support/make_pdf.h"

#include <QCryptographicHash>
#include <array>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <utility>

namespace tests {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '(' || c == ')' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string hex(std::string_view bytes) {
  std::string text = "<";
  for (const char c : bytes) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned char>(c));
    text += pair;
  }
  return text + ">";
}

std::string rc4(std::string_view key, std::string_view data) {
  std::array<unsigned char, 256> state;
  std::iota(state.begin(), state.end(), static_cast<unsigned char>(0));
  unsigned j = 0;
  for (unsigned i = 0; i < 256; ++i) {
    j = (j + state[i] + static_cast<unsigned char>(key[i % key.size()])) & 255;
    std::swap(state[i], state[j]);
  }
  std::string result;
  unsigned i = 0;
  j = 0;
  for (const char c : data) {
    i = (i + 1) & 255;
    j = (j + state[i]) & 255;
    std::swap(state[i], state[j]);
    result += static_cast<char>(static_cast<unsigned char>(c) ^ state[(state[i] + state[j]) & 255]);
  }
  return result;
}

std::string md5(const std::string& data) { return QCryptographicHash::hash(QByteArray::fromStdString(data), QCryptographicHash::Md5).toStdString(); }

std::string padded(std::string_view password) {
  static constexpr unsigned char kPadding[] = {0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08,
                                               0x2E, 0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A};
  return (std::string(password) + std::string(reinterpret_cast<const char*>(kPadding), 32)).substr(0, 32);
}

constexpr const char* kFonts[] = {"Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Courier"};
const std::string kFileId = "0123456789abcdef";

}  // namespace

void PdfMaker::new_page(int rotation) { pages_.push_back({rotation, ""}); }

void PdfMaker::put(double x, double y, double size, std::string_view latin1, PdfFont font, const char* before, const char* matrix) {
  if (pages_.empty()) new_page();
  pages_.back().content += std::string("BT ") + before + "/F" + std::to_string(static_cast<int>(font)) + " " + number(size) + " Tf " + matrix + " " +
                           number(x) + " " + number(height_ - y) + " Tm (" + escaped(latin1) + ") Tj ET\n";
}

void PdfMaker::text(double x, double y, double size, std::string_view latin1, PdfFont font) { put(x, y, size, latin1, font, "0 g 0 Tr ", "1 0 0 1"); }
void PdfMaker::hidden_text(double x, double y, double size, std::string_view latin1) { put(x, y, size, latin1, PdfFont::kRoman, "0 g 3 Tr ", "1 0 0 1"); }
void PdfMaker::white_text(double x, double y, double size, std::string_view latin1) { put(x, y, size, latin1, PdfFont::kRoman, "1 g 0 Tr ", "1 0 0 1"); }
void PdfMaker::upward_text(double x, double y, double size, std::string_view latin1) { put(x, y, size, latin1, PdfFont::kRoman, "0 g 0 Tr ", "0 1 -1 0"); }

void PdfMaker::grey_text(double x, double y, double size, double grey, std::string_view latin1) { put(x, y, size, latin1, PdfFont::kRoman, (number(grey) + " g 0 Tr ").c_str(), "1 0 0 1"); }

void PdfMaker::fill(double x, double y, double width, double height, double grey) {
  if (pages_.empty()) new_page();
  pages_.back().content += number(grey) + " g " + number(x) + " " + number(height_ - y - height) + " " + number(width) + " " + number(height) + " re f\n";
}

void PdfMaker::picture(double x, double y, double width, double height, int n_across, int n_down, std::string_view grey) {
  if (pages_.empty()) new_page();
  pages_.back().content += "q " + number(width) + " 0 0 " + number(height) + " " + number(x) + " " + number(height_ - y - height) + " cm BI /W " + std::to_string(n_across) + " /H " + std::to_string(n_down) + " /CS /G /BPC 8 ID " + std::string(grey) + "\nEI Q\n";
}

void PdfMaker::line(double x0, double y0, double x1, double y1) {
  if (pages_.empty()) new_page();
  pages_.back().content += number(x0) + " " + number(height_ - y0) + " m " + number(x1) + " " + number(height_ - y1) + " l S\n";
}

double PdfMaker::paragraph(double x, double y, double size, int n_letters, std::string_view latin1, PdfFont font, double leading) {
  std::string line;
  for (std::size_t at = 0; at < latin1.size();) {
    const std::size_t end = std::min(latin1.find(' ', at), latin1.size());
    const std::string_view word = latin1.substr(at, end - at);
    if (!line.empty() && static_cast<int>(line.size() + 1 + word.size()) > n_letters) {
      text(x, y, size, line, font);
      y += size * leading;
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
    at = end + 1;
  }
  if (!line.empty()) text(x, y, size, line, font);
  return y + size * leading;
}

void PdfMaker::outline(std::string_view title, int page) { outline_.emplace_back(title, page); }

std::string PdfMaker::bytes() const { return build(""); }
std::string PdfMaker::encrypted(std::string_view password) const { return build(password); }

std::string PdfMaker::build(std::string_view password) const {
  // Objects: 1 catalog, 2 pages, 3..6 fonts, 7 info, 8 outline, then two per page, outline entries, encryption.
  const std::size_t n_pages = pages_.size(), first_page = 9, first_entry = first_page + 2 * n_pages, encryption = first_entry + outline_.size();
  std::string key, owner, user;
  const std::int32_t rights = -4;
  if (!password.empty()) {
    owner = rc4(md5(padded(password)).substr(0, 5), padded(password));
    std::string seed = padded(password) + owner;
    for (int shift = 0; shift < 32; shift += 8) seed += static_cast<char>((static_cast<std::uint32_t>(rights) >> shift) & 255);
    key = md5(seed + kFileId).substr(0, 5);
    user = rc4(key, padded(""));
  }
  const auto sealed = [&](std::size_t object, std::string_view data) {
    if (key.empty()) return std::string(data);
    const std::string salt{static_cast<char>(object & 255), static_cast<char>(object >> 8 & 255), 0, 0, 0};
    return rc4(md5(key + salt).substr(0, 10), data);
  };
  const auto reference = [](std::size_t object) { return std::to_string(object) + " 0 R"; };

  std::vector<std::string> objects(encryption);
  objects[0] = "";
  objects[1] = "<</Type/Catalog/Pages 2 0 R" + (outline_.empty() ? std::string() : "/Outlines 8 0 R") + ">>";
  std::string kids;
  for (std::size_t i = 0; i < n_pages; ++i) kids += reference(first_page + 2 * i) + " ";
  objects[2] = "<</Type/Pages/Count " + std::to_string(n_pages) + "/Kids[" + kids + "]>>";
  for (std::size_t i = 0; i < 4; ++i) objects[3 + i] = std::string("<</Type/Font/Subtype/Type1/Encoding/WinAnsiEncoding/BaseFont/") + kFonts[i] + ">>";
  objects[7] = "<</Title " + hex(sealed(7, title_)) + ">>";
  objects[8] = outline_.empty() ? "<<>>" : "<</First " + reference(first_entry) + "/Last " + reference(first_entry + outline_.size() - 1) + "/Count " + std::to_string(outline_.size()) + ">>";
  for (std::size_t i = 0; i < n_pages; ++i) {
    objects[first_page + 2 * i] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 " + number(width_) + " " + number(height_) + "]/Rotate " + std::to_string(pages_[i].rotation) +
                                  "/Resources<</Font<</F0 3 0 R/F1 4 0 R/F2 5 0 R/F3 6 0 R>>>>/Contents " + reference(first_page + 2 * i + 1) + ">>";
    const std::string content = sealed(first_page + 2 * i + 1, pages_[i].content);
    objects[first_page + 2 * i + 1] = "<</Length " + std::to_string(content.size()) + ">>stream\n" + content + "\nendstream";
  }
  for (std::size_t i = 0; i < outline_.size(); ++i) {
    std::string entry = "<</Title " + hex(sealed(first_entry + i, outline_[i].first)) + "/Parent 8 0 R/Dest[" +
                        reference(first_page + 2 * static_cast<std::size_t>(outline_[i].second - 1)) + "/Fit]";
    if (i > 0) entry += "/Prev " + reference(first_entry + i - 1);
    if (i + 1 < outline_.size()) entry += "/Next " + reference(first_entry + i + 1);
    objects[first_entry + i] = entry + ">>";
  }
  if (!key.empty()) objects.push_back("<</Filter/Standard/V 1/R 2/O " + hex(owner) + "/U " + hex(user) + "/P " + std::to_string(rights) + ">>");

  std::string file = "%PDF-1.4\n";
  std::vector<std::size_t> offsets;
  for (std::size_t i = 1; i < objects.size(); ++i) {
    offsets.push_back(file.size());
    file += std::to_string(i) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::size_t table = file.size();
  file += "xref\n0 " + std::to_string(objects.size()) + "\n0000000000 65535 f \n";
  for (const std::size_t offset : offsets) {
    char entry[24];
    std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", offset);
    file += entry;
  }
  file += "trailer\n<</Size " + std::to_string(objects.size()) + "/Root 1 0 R/Info 7 0 R/ID[" + hex(kFileId) + hex(kFileId) + "]";
  if (!key.empty()) file += "/Encrypt " + reference(encryption);
  file += ">>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
  return file;
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace tests
