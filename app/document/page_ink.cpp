#include "app/document/page_ink.h"

#include <Gfx.h>
#include <GfxFont.h>
#include <GfxState.h>
#include <PDFDoc.h>
#include <TextOutputDev.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "app/document/text_clean.h"

namespace app {
namespace {

constexpr std::size_t kMaxWordsPerPage = 200'000;
constexpr std::size_t kMaxRulings = 20'000;
constexpr std::size_t kMaxFills = 512;
constexpr std::size_t kMaxCovers = 256;
constexpr std::size_t kMaxHiddenBytes = 20'000;
constexpr double kTinyPoints = 1.5;
constexpr double kThinPoints = 2.5;       // a filled box this thin is a line
constexpr double kMinRuling = 6.0;        // points
constexpr double kSameColour = 0.06;      // in each of red, green and blue
constexpr double kFaint = 0.06;           // opacity
constexpr double kPictureShare = 0.2;     // of the page: below, it is a logo
constexpr double kScanShare = 0.4;        // of the page that a picture covers

struct Colour {
  double red = 1, green = 1, blue = 1;
  bool is_near(const Colour& other) const {
    return std::abs(red - other.red) < kSameColour && std::abs(green - other.green) < kSameColour && std::abs(blue - other.blue) < kSameColour;
  }
};

Colour fill_colour(const GfxState* state) {
  GfxRGB rgb;
  state->getFillRGB(&rgb);
  return {colToDbl(rgb.r), colToDbl(rgb.g), colToDbl(rgb.b)};
}

bool contains(const Rect& box, double x, double y) { return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom; }

Rect clip_of(const GfxState* state) {
  Rect clip;
  state->getClipBBox(&clip.left, &clip.top, &clip.right, &clip.bottom);
  return clip;
}

/// A filled box, and how many bytes of text had been drawn before it.
struct Cover {
  Rect box;
  int at = 0;
};

/// Poppler's own gathering of words, in the order of drawing, behind a look at what can be seen.
class InkDevice final : public TextOutputDev {
 public:
  /// `pictures`: where a picture or shading lies below the text, if that is known.
  InkDevice(PageInk& ink, GlyphShapes* shapes, std::vector<Rect> pictures, bool keep_invisible)
      : TextOutputDev(nullptr, /*physLayout=*/false, /*fixedPitch=*/0, /*rawOrder=*/true, /*append=*/false), ink_(ink), shapes_(shapes), pictures_(std::move(pictures)), keep_invisible_(keep_invisible) {}

  void drawChar(GfxState* state, double x, double y, double dx, double dy, double originX, double originY, CharCode code, int nBytes, const Unicode* u, int uLen) override {
    Unicode found = 0;
    // Zero characters, or the character zero: the PDF does not say what this glyph means.
    if (shapes_ && (uLen == 0 || !u || (uLen == 1 && u[0] == 0)) && state->getFont() && (found = static_cast<Unicode>(shapes_->character_of(state->getFont(), code))) != 0) {
      u = &found;
      uLen = 1;
    }
    const bool blank = uLen == 0 || !u || (uLen == 1 && (u[0] <= 0x20 || u[0] == 0xA0));
    if (blank || !is_hidden(state, x, y, dx, dy)) {
      n_drawn_ += nBytes;
      TextOutputDev::drawChar(state, x, y, dx, dy, originX, originY, code, nBytes, u, uLen);
      if (blank) hide(U" ");
      return;
    }
    double left = 0, base = 0, right = 0, end = 0;
    state->transform(x, y, &left, &base);
    state->transform(x + dx, y + dy, &right, &end);
    const double em = std::max(state->getTransformedFontSize(), 0.1);
    if (std::abs(left - hidden_right_) > 0.15 * em || std::abs(base - hidden_base_) > 0.15 * em) hide(U" ");
    hidden_right_ = right;
    hidden_base_ = end;
    for (int i = 0; i < uLen; ++i) {
      const auto code = static_cast<char32_t>(u[i]);
      hide({&code, 1});
    }
  }

  void saveState(GfxState* state) override {
    TextOutputDev::saveState(state);
    saved_.push_back(odd_clip_);
  }
  void restoreState(GfxState* state) override {
    TextOutputDev::restoreState(state);
    stale_ = true;
    if (saved_.empty()) return;
    odd_clip_ = saved_.back();
    saved_.pop_back();
  }
  // Behind these a box may be drawn in part only.
  void clip(GfxState* state) override { odd_clip_ = odd_clip_ || !is_box(state->getPath()); }
  void eoClip(GfxState* state) override { clip(state); }
  void clipToStrokePath(GfxState*) override { odd_clip_ = true; }
  void setSoftMask(GfxState*, const double*, bool, Function*, GfxColor*) override { odd_clip_ = true; }

  /// What may lie over text that was drawn before it.
  const std::vector<Cover>& covers() const { return covers_; }
  void hide_covered(const std::string& word) {
    hide(U" ");
    std::string& hidden = ink_.hidden.text;
    if (hidden.size() < kMaxHiddenBytes) hidden += word;
  }
  void updateFillColor(GfxState*) override { stale_ = true; }
  void updateFillColorSpace(GfxState*) override { stale_ = true; }
  void updateFillOpacity(GfxState*) override { stale_ = true; }

  void stroke(GfxState* state) override { add_path(state, /*filled=*/false); }
  void fill(GfxState* state) override { add_path(state, /*filled=*/true); }
  void eoFill(GfxState* state) override { add_path(state, /*filled=*/true); }

 private:
  void hide(std::u32string_view text) {
    std::string& hidden = ink_.hidden.text;
    if (hidden.size() >= kMaxHiddenBytes || (text == U" " && (hidden.empty() || hidden.back() == ' '))) return;
    for (const char32_t code : text) append_code_point(hidden, code);
  }

  bool is_hidden(const GfxState* state, double x, double y, double dx, double dy) {
    HiddenText& hidden = ink_.hidden;
    if (stale_) refresh(state);
    if ((state->getRender() & 3) == 3 || faint_) {
      hidden.n_invisible += !keep_invisible_;
      return !keep_invisible_;
    }
    double left = 0, base = 0, right = 0, end = 0;
    state->transform(x, y, &left, &base);
    state->transform(x + dx, y + dy, &right, &end);
    const double size = state->getTransformedFontSize();
    const double middle_x = (left + right) / 2, middle_y = (base + end) / 2;
    const Rect clip = clip_of(state);
    const double slack = std::clamp(0.5 * size, 1.0, 20.0);
    if (middle_x < clip.left - slack || middle_x > clip.right + slack || middle_y < clip.top - slack || middle_y > clip.bottom + slack) return ++hidden.n_outside;
    const bool drawn_by_itself = state->getFont() && state->getFont()->getType() == fontType3;  // its size says nothing
    if (!drawn_by_itself && size < kTinyPoints) return ++hidden.n_tiny;
    if (pattern_ || drawn_by_itself || (state->getRender() & 3) == 1) return false;
    // Above the base line, where the letter's body is.
    const bool level = std::abs(right - left) >= std::abs(end - base);
    if (!colour_.is_near(background(middle_x, level ? middle_y - 0.3 * size : middle_y))) return false;
    return ++hidden.n_same_colour;
  }

  void refresh(const GfxState* state) {
    stale_ = false;
    pattern_ = const_cast<GfxState*>(state)->getFillColorSpace()->getMode() == csPattern;
    if (!pattern_) colour_ = fill_colour(state);
    faint_ = state->getFillOpacity() < kFaint;
  }

  /// What the text is drawn on; a colour no text has where that is a picture.
  Colour background(double x, double y) const {
    for (auto fill = fills_.rbegin(); fill != fills_.rend(); ++fill) {
      if (contains(fill->first, x, y)) return fill->second;
    }
    for (const Rect& picture : pictures_) {
      if (contains(picture, x, y)) return {-1, -1, -1};
    }
    return {};
  }

  void add_path(const GfxState* state, bool filled) {
    const GfxPath* path = state->getPath();
    for (int i = 0; i < path->getNumSubpaths(); ++i) {
      if (filled) {
        add_filled(state, *path->getSubpath(i));
      } else {
        add_stroked(state, *path->getSubpath(i));
      }
    }
  }

  void add_stroked(const GfxState* state, const GfxSubpath& path) {
    double x0 = 0, y0 = 0;
    state->transform(path.getX(0), path.getY(0), &x0, &y0);
    for (int i = 1; i < path.getNumPoints() && ink_.rulings.size() < kMaxRulings; ++i) {
      double x1 = 0, y1 = 0;
      state->transform(path.getX(i), path.getY(i), &x1, &y1);
      if (!path.getCurve(i)) add_ruling({std::min(x0, x1), std::min(y0, y1), std::max(x0, x1), std::max(y0, y1)});
      x0 = x1;
      y0 = y1;
    }
  }

  void add_filled(const GfxState* state, const GfxSubpath& path) {
    if (path.getNumPoints() < 4 || path.getNumPoints() > 64) return;
    Rect box{1e9, 1e9, -1e9, -1e9};
    for (int i = 0; i < path.getNumPoints(); ++i) {
      double x = 0, y = 0;
      state->transform(path.getX(i), path.getY(i), &x, &y);
      box.add({x, y, x, y});
    }
    if (!std::isfinite(box.width() + box.height())) return;
    if (std::min(box.width(), box.height()) < kThinPoints) return add_ruling(box);
    if (path.getNumPoints() > 5 || fills_.size() >= kMaxFills || state->getFillOpacity() < 0.5) return;
    const bool pattern = const_cast<GfxState*>(state)->getFillColorSpace()->getMode() == csPattern;
    const Rect clip = clip_of(state);
    box = {std::max(box.left, clip.left), std::max(box.top, clip.top), std::min(box.right, clip.right), std::min(box.bottom, clip.bottom)};
    if (box.width() > 0 && box.height() > 0 && !pattern) add_cover(state, box);
    if (box.width() > 0 && box.height() > 0) fills_.emplace_back(box, pattern ? Colour{-1, -1, -1} : fill_colour(state));
  }

  static bool is_box(const GfxPath* path) {
    if (path->getNumSubpaths() != 1) return false;
    const GfxSubpath& only = *path->getSubpath(0);
    if (only.getNumPoints() < 4 || only.getNumPoints() > 5) return false;
    for (int i = 1; i < only.getNumPoints(); ++i) {
      if (only.getCurve(i) || (std::abs(only.getX(i) - only.getX(i - 1)) > 0.01 && std::abs(only.getY(i) - only.getY(i - 1)) > 0.01)) return false;
    }
    return true;
  }

  /// `box`: of a path that was filled just now.
  void add_cover(const GfxState* state, const Rect& box) {
    const double* turn = state->getCTM();
    const bool level = (turn[1] == 0 && turn[2] == 0) || (turn[0] == 0 && turn[3] == 0);
    const bool solid = state->getFillOpacity() > 0.99 && state->getBlendMode() == gfxBlendNormal && !odd_clip_;
    if (n_drawn_ > 0 && covers_.size() < kMaxCovers && level && solid && is_box(state->getPath())) covers_.push_back({box, n_drawn_});
  }

  void add_ruling(const Rect& box) {
    const double thickness = std::min(box.width(), box.height()), length = std::max(box.width(), box.height());
    if (!(thickness < kThinPoints && length > kMinRuling && length < 1e5) || ink_.rulings.size() >= kMaxRulings) return;
    ink_.rulings.push_back(box);
  }

  PageInk& ink_;
  GlyphShapes* shapes_;  // null: fonts are not to be looked at
  std::vector<Rect> pictures_;
  std::vector<std::pair<Rect, Colour>> fills_;
  std::vector<Cover> covers_;
  int n_drawn_ = 0;  // bytes of text, as Poppler counts the places of characters
  bool odd_clip_ = false;
  std::vector<bool> saved_;
  bool keep_invisible_;
  bool stale_ = true;
  bool pattern_ = false;
  bool faint_ = false;
  double hidden_right_ = 0, hidden_base_ = 0;  // where the last hidden character ended
  Colour colour_;
};

/// Where pictures and shadings lie on a page.
class PictureFinder final : public OutputDev {
 public:
  bool upsideDown() override { return true; }
  bool useDrawChar() override { return true; }
  bool interpretType3Chars() override { return false; }
  bool useShadedFills(int type) override { return type >= 1 && type <= 3; }
  bool functionShadedFill(GfxState* state, GfxFunctionShading*) override { return add_clip(state); }
  bool axialShadedFill(GfxState* state, GfxAxialShading*, double, double) override { return add_clip(state); }
  bool radialShadedFill(GfxState* state, GfxRadialShading*, double, double) override { return add_clip(state); }
  void drawImage(GfxState* state, Object* ref, Stream* str, int width, int height, GfxImageColorMap* map, bool interpolate, const int* mask, bool is_inline) override {
    add(state);
    OutputDev::drawImage(state, ref, str, width, height, map, interpolate, mask, is_inline);
  }
  void drawImageMask(GfxState* state, Object* ref, Stream* str, int width, int height, bool invert, bool interpolate, bool is_inline) override {
    add(state);
    OutputDev::drawImageMask(state, ref, str, width, height, invert, interpolate, is_inline);
  }
  void drawMaskedImage(GfxState* state, Object*, Stream*, int, int, GfxImageColorMap*, bool, Stream*, int, int, bool, bool) override { add(state); }
  void drawSoftMaskedImage(GfxState* state, Object*, Stream*, int, int, GfxImageColorMap*, bool, Stream*, int, int, GfxImageColorMap*, bool) override { add(state); }

  std::vector<Rect> pictures;

 private:
  bool add_clip(const GfxState* state) {
    pictures.push_back(clip_of(state));
    return true;
  }
  void add(const GfxState* state) {
    if (pictures.size() >= kMaxFills) return;
    Rect box{1e9, 1e9, -1e9, -1e9};
    for (const auto& [x, y] : {std::pair(0.0, 0.0), std::pair(1.0, 0.0), std::pair(0.0, 1.0), std::pair(1.0, 1.0)}) {
      double device_x = 0, device_y = 0;
      state->transform(x, y, &device_x, &device_y);
      box.add({device_x, device_y, device_x, device_y});
    }
    pictures.push_back(box);
  }
};

void display(PDFDoc& document, int page, OutputDev& device) {
  document.displayPage(&device, page, 72, 72, /*rotate=*/0, /*useMediaBox=*/false, /*crop=*/true, /*printing=*/false);
}

/// The fonts of one page, numbered as they come.
class FontNumbers {
 public:
  explicit FontNumbers(std::vector<RawFont>& fonts) : fonts_(fonts) {}
  std::int16_t number_of(const TextFontInfo* font) {
    if (font == last_) return last_number_;
    const auto [known, is_new] = numbers_.try_emplace(font, static_cast<std::int16_t>(std::min<std::size_t>(fonts_.size(), INT16_MAX - 1)));
    if (is_new && fonts_.size() < INT16_MAX) {
      RawFont raw = font_of(font->getFontName() ? font->getFontName()->toStr() : "");
      raw.fixed_width = raw.fixed_width || font->isFixedWidth();
      fonts_.push_back(std::move(raw));
    }
    last_ = font;
    return last_number_ = known->second;
  }

 private:
  std::vector<RawFont>& fonts_;
  std::unordered_map<const TextFontInfo*, std::int16_t> numbers_;
  const TextFontInfo* last_ = nullptr;
  std::int16_t last_number_ = -1;
};

std::string text_of(const TextWord& word) {
  std::string text;
  for (int i = 0; i < word.getLength(); ++i) append_code_point(text, static_cast<char32_t>(*word.getChar(i)));
  return text;
}

/// Letters set wide apart (R E P O R T) are one word: single letters in a row, each as far from the
/// last as the others, with no space between them.
class SpacedLetters {
 public:
  /// Whether `word`, drawn right after `last`, goes on with the letters of it.
  bool joins(const RawWord& last, const RawWord& word, bool contiguous, int n_letters) {
    const double gap = word.box.left - last.box.right;
    const bool same_line = last.rotation == 0 && word.rotation == 0 && std::abs(last.box.middle() - word.box.middle()) < 0.1 * word.font_size && last.font == word.font;
    const bool fits = contiguous && n_letters == 1 && same_line && gap > 0 && gap < 0.6 * word.font_size;
    if (!fits || (n_joined_ > 0 && std::abs(gap - gap_) > 0.25 * gap_ + 0.3)) {
      n_joined_ = 0;
      return false;
    }
    gap_ = gap;
    ++n_joined_;
    return true;
  }
  void begin() { n_joined_ = 0; }

 private:
  double gap_ = 0;
  int n_joined_ = 0;
};

/// Bold that is made by drawing twice, and shadows: the same word nearly where it stands already.
class Duplicates {
 public:
  bool seen(const RawWord& word) {
    auto& places = places_[word.text];
    for (const auto& [x, y] : places) {
      if (std::abs(x - word.box.left) < 0.1 * word.font_size && std::abs(y - word.box.top) < 0.2 * word.font_size) return true;
    }
    if (places.size() < 64) places.emplace_back(word.box.left, word.box.top);
    return false;
  }

 private:
  std::unordered_map<std::string, std::vector<std::pair<double, double>>> places_;
};

bool is_next_on_line(const RawWord& last, const RawWord& word) {
  const double gap = word.box.left - last.box.right;
  return word.rotation == 0 && std::abs(last.box.middle() - word.box.middle()) < 0.2 * word.font_size && gap > 0.1 * word.font_size && gap < 2 * word.font_size;
}

bool is_covered(const RawWord& word, int end, const std::vector<Cover>& covers) {
  const double middle_y = word.box.middle();
  const double slack = 0.15 * word.box.width();
  return std::any_of(covers.begin(), covers.end(), [&](const Cover& cover) {
    return end <= cover.at && contains(cover.box, word.box.left + slack, middle_y) && contains(cover.box, word.box.right - slack, middle_y);
  });
}

void take_words(InkDevice& device, PageInk& ink, bool with_fonts) {
  const auto list = device.makeWordList();
  FontNumbers numbers(ink.fonts);
  SpacedLetters spaced;
  Duplicates duplicates;
  int end_of_last = -1, n_gaps = 0, n_written = 0;
  bool last_is_letter = false;
  ink.words.reserve(static_cast<std::size_t>(list->getLength()));
  for (int i = 0; i < list->getLength(); ++i) {
    if (ink.words.size() >= kMaxWordsPerPage) {
      ink.cut = true;
      return;
    }
    const TextWord& source = *list->get(i);
    RawWord word;
    ink.n_characters += source.getLength();
    word.text = clean_word(text_of(source), ink.n_odd);
    source.getBBox(&word.box.left, &word.box.top, &word.box.right, &word.box.bottom);
    if (word.text.empty() || word.text == " " || !std::isfinite(word.box.left + word.box.top + word.box.right + word.box.bottom)) continue;
    word.rotation = static_cast<std::int8_t>(source.getRotation() & 3);
    const double size = source.getFontSize();
    word.font_size = std::isfinite(size) && size > 0 && size < 2000 ? size : word.rotation % 2 ? word.box.width() : word.box.height();
    if (with_fonts) word.font = numbers.number_of(source.getFontInfo(0));
    const bool contiguous = source.getCharPos() == end_of_last;
    if (!ink.words.empty() && !contiguous) ink.words.back().space_after = true;
    if (!ink.words.empty() && is_next_on_line(ink.words.back(), word)) {
      ++n_gaps;
      n_written += !contiguous;
    }
    end_of_last = source.getCharPos() + source.getCharLen();
    if (!device.covers().empty() && is_covered(word, end_of_last, device.covers())) {
      ink.hidden.n_covered += source.getLength();
      device.hide_covered(word.text);
      continue;
    }
    if (duplicates.seen(word)) continue;
    if (last_is_letter && spaced.joins(ink.words.back(), word, contiguous, source.getLength())) {
      ink.words.back().text += word.text;
      ink.words.back().box.add(word.box);
      continue;
    }
    spaced.begin();
    last_is_letter = source.getLength() == 1;
    ink.words.push_back(std::move(word));
  }
  ink.has_written_spaces = n_gaps > 10 && n_written * 10 >= n_gaps * 7;
}

double covered_share(const std::vector<Rect>& pictures, double page_area) {
  double covered = 0;
  for (const Rect& picture : pictures) covered += std::abs(picture.width() * picture.height());
  return page_area > 0 ? covered / page_area : 0;
}

}  // namespace

RawFont font_of(const std::string& name) {
  RawFont font{name, false, false, false};
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower.size() > 7 && lower[6] == '+') lower.erase(0, 7);
  const auto has = [&](const char* part) { return lower.find(part) != std::string::npos; };
  // Computer Modern names its bold faces CMBX and CMB, Times of TeX ends in -Medi.
  font.bold = has("bold") || has("black") || has("heavy") || has("cmbx") || has("semibold") || has("-medi") || has("-demi") || lower.ends_with("-bd");
  font.italic = has("italic") || has("oblique") || has("cmti");
  font.fixed_width = has("mono") || has("courier") || has("cmtt") || has("consol") || has("typewriter") || has("menlo") || has("nimbusmon") || has("fixed");
  return font;
}

PageInk read_ink(PDFDoc& document, GlyphShapes& shapes, int page, bool with_fonts) {
  const auto read = [&](std::vector<Rect> pictures, bool keep_invisible) {
    PageInk ink;
    InkDevice device(ink, with_fonts ? &shapes : nullptr, std::move(pictures), keep_invisible);
    display(document, page, device);
    take_words(device, ink, with_fonts);
    return ink;
  };
  PageInk ink = read({}, /*keep_invisible=*/false);
  if (ink.hidden.n_invisible == 0 && ink.hidden.n_same_colour == 0 && !ink.words.empty()) return ink;
  PictureFinder finder;
  display(document, page, finder);
  if (finder.pictures.empty()) return ink;
  const double area = document.getPageCropWidth(page) * document.getPageCropHeight(page);
  if (ink.words.empty() && ink.hidden.n_characters() == 0) {
    ink.is_picture = covered_share(finder.pictures, area) > kPictureShare;
    return ink;
  }
  const bool is_scan = ink.hidden.n_invisible > 9 * ink.n_characters && covered_share(finder.pictures, area) > kScanShare;
  ink = read(finder.pictures, is_scan);
  ink.is_scan = is_scan;
  return ink;
}

}  // namespace app
