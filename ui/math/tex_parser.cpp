#include "ui/math/tex_parser.h"

#include <QStringList>

#include <algorithm>

#include "ui/math/tex_symbols.h"

namespace ui {
namespace {

constexpr int kLongest = 4000;
constexpr int kDeepest = 40;

using Kind = MathNode::Kind;

/// A recursive descent over the characters; any false leads out with nothing.
class Parser {
 public:
  explicit Parser(const QString& tex) : tex_(tex) {}

  bool parse(MathNode& row) { return read_row(row, {}) && at_ == tex_.size(); }

 private:
  using Shape = MathNode::Shape;

  bool ended() const { return at_ >= tex_.size(); }
  QChar here() const { return tex_[at_]; }
  void skip_blanks() {
    while (!ended() && here().isSpace()) ++at_;
  }

  /// The command at this place without its backslash, or nothing; does not move.
  QString command() const {
    if (ended() || here() != QLatin1Char('\\') || at_ + 1 >= tex_.size()) return {};
    qsizetype end = at_ + 1;
    while (end < tex_.size() && tex_[end].isLetter() && tex_[end].unicode() < 128) ++end;
    return end == at_ + 1 ? QString(tex_[end]) : tex_.mid(at_ + 1, end - at_ - 1);
  }

  /// Up to the end of the text, a closing brace, `stop` (a command), or & and \\ in a table.
  bool read_row(MathNode& row, const QString& stop) {
    if (++depth_ > kDeepest) return false;
    row.kind = Kind::kRow;
    for (skip_blanks(); !ended(); skip_blanks()) {
      const QString name = command();
      if (here() == QLatin1Char('}') || here() == QLatin1Char('&') || name == QLatin1String("\\")) break;
      if (!name.isEmpty() && (name == stop || name == QLatin1String("end") || name == QLatin1String("right"))) break;
      MathNode node;
      if (!read_atom(node) || !read_scripts(node)) return false;
      row.children.push_back(std::move(node));
    }
    --depth_;
    return true;
  }

  bool read_scripts(MathNode& base) {
    MathNode below, above;
    bool any = false;
    for (skip_blanks(); !ended() && (here() == QLatin1Char('_') || here() == QLatin1Char('^') || here() == QLatin1Char('\'')); skip_blanks()) {
      any = true;
      if (here() == QLatin1Char('\'')) {
        ++at_;
        above.children.push_back(symbol(QStringLiteral("′"), Shape::kUpright));
        continue;
      }
      MathNode& script = here() == QLatin1Char('_') ? below : above;
      ++at_;
      MathNode node;
      if (!read_argument(node)) return false;
      script.children.push_back(std::move(node));
    }
    if (!any) return true;
    MathNode scripts;
    scripts.kind = Kind::kScripts;
    scripts.is_large = base.is_large;
    scripts.children = {std::move(base), std::move(below), std::move(above)};
    base = std::move(scripts);
    return true;
  }

  /// A group in braces, or the one thing that stands there.
  bool read_argument(MathNode& node) {
    skip_blanks();
    if (ended() || depth_ >= kDeepest) return false;
    if (here() != QLatin1Char('{')) {
      ++depth_;
      const bool read = read_atom(node);
      --depth_;
      return read;
    }
    ++at_;
    if (!read_row(node, {}) || ended() || here() != QLatin1Char('}')) return false;
    ++at_;
    return true;
  }

  /// What stands in braces, as it is: names and words.
  bool read_words(QString& words) {
    skip_blanks();
    if (ended() || here() != QLatin1Char('{')) return false;
    const auto end = tex_.indexOf(QLatin1Char('}'), at_);
    if (end < 0) return false;
    words = tex_.mid(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return !words.contains(QLatin1Char('\\')) && !words.contains(QLatin1Char('{'));
  }

  MathNode symbol(const QString& text, Shape shape) const {
    MathNode node;
    node.kind = Kind::kSymbol;
    node.text = text;
    node.shape = shape_ == Shape::kItalic ? shape : shape_;
    return node;
  }

  bool read_atom(MathNode& node) {
    const QChar c = here();
    if (c == QLatin1Char('{')) return read_argument(node);
    if (c == QLatin1Char('\\')) return read_command(node);
    if (c == QLatin1Char('^') || c == QLatin1Char('_')) {
      node.kind = Kind::kRow;  // scripts of nothing: ^{14}C
      return true;
    }
    if (c == QLatin1Char('~')) {
      ++at_;
      node.kind = Kind::kSpace;
      node.width = 0.3;
      return true;
    }
    if (c.isDigit()) {
      const auto begin = at_;
      while (!ended() && (here().isDigit() || ((here() == QLatin1Char('.') || here() == QLatin1Char(',')) && at_ + 1 < tex_.size() && tex_[at_ + 1].isDigit()))) ++at_;
      node = symbol(tex_.mid(begin, at_ - begin), Shape::kUpright);
      return true;
    }
    const int length = c.isHighSurrogate() && at_ + 1 < tex_.size() ? 2 : 1;
    node = symbol(tex_.mid(at_, length), c.isLetter() && c.unicode() < 0x370 ? Shape::kItalic : Shape::kUpright);
    at_ += length;
    if (c == QLatin1Char('-')) node.text = QStringLiteral("−");
    if (c == QLatin1Char('*')) node.text = QStringLiteral("∗");
    node.is_operator = QStringLiteral("+-=<>*≤≥≠≈×⋅→∈").contains(c);
    return true;
  }

  bool read_command(MathNode& node) {
    const QString name = command();
    if (name.isEmpty()) return false;
    at_ += name.size() + 1;
    if (const auto sign = tex_symbol(name)) {
      node = symbol(sign->text, sign->upright ? Shape::kUpright : Shape::kItalic);
      node.is_operator = sign->is_operator;
      node.is_large = sign->is_large;
      return true;
    }
    if (is_function_name(name)) {
      node.kind = Kind::kWords;
      node.text = name == QLatin1String("bmod") ? QStringLiteral("mod") : name;
      node.is_large = takes_limits(name);
      return true;
    }
    if (read_space(name, node) || skipped(name, node)) return true;
    if (const QString sign = accent_sign(name); !sign.isEmpty()) {
      node.kind = Kind::kAccent;
      node.text = sign;
      return read_arguments(node, 1);
    }
    if (name == QLatin1String("frac") || name == QLatin1String("dfrac") || name == QLatin1String("tfrac") || name == QLatin1String("binom")) {
      node.kind = Kind::kFraction;
      if (!read_arguments(node, 2)) return false;
      if (name == QLatin1String("binom")) {
        node.text = name;
        node = fence(QStringLiteral("("), QStringLiteral(")"), std::move(node));
      }
      return true;
    }
    if (name == QLatin1String("sqrt")) return read_root(node);
    if (name == QLatin1String("left")) return read_fence(node);
    if (name == QLatin1String("begin")) return read_table(node);
    return read_font(name, node);
  }

  bool read_space(const QString& name, MathNode& node) {
    const double width = name == QLatin1String("quad")    ? 1.0
                         : name == QLatin1String("qquad") ? 2.0
                         : name == QLatin1String(",")     ? 0.17
                         : name == QLatin1String(":") || name == QLatin1String(">") ? 0.22
                         : name == QLatin1String(";")     ? 0.28
                         : name == QLatin1String(" ")     ? 0.3
                         : name == QLatin1String("!")     ? -0.17
                                                          : 0;
    if (width == 0) return false;
    node.kind = Kind::kSpace;
    node.width = width;
    return true;
  }

  /// Commands about size alone: we choose sizes by ourselves.
  bool skipped(const QString& name, MathNode& node) {
    static const QStringList names{"displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "middle"};
    if (!names.contains(name)) return false;
    node.kind = Kind::kRow;
    return true;
  }

  bool read_arguments(MathNode& node, int n) {
    for (int i = 0; i < n; ++i) {
      MathNode child;
      if (!read_argument(child)) return false;
      node.children.push_back(std::move(child));
    }
    return true;
  }

  bool read_root(MathNode& node) {
    node.kind = Kind::kRoot;
    MathNode degree;
    skip_blanks();
    if (!ended() && here() == QLatin1Char('[')) {
      const auto end = tex_.indexOf(QLatin1Char(']'), at_);
      if (end < 0) return false;
      Parser inner(tex_.mid(at_ + 1, end - at_ - 1));
      inner.depth_ = depth_ + 1;
      if (!inner.parse(degree)) return false;
      at_ = end + 1;
    }
    if (!read_arguments(node, 1)) return false;
    if (!degree.children.empty()) node.children.push_back(std::move(degree));
    return true;
  }

  static MathNode fence(const QString& open, const QString& close, MathNode body) {
    MathNode node;
    node.kind = Kind::kFence;
    node.text = open;
    node.closing = close;
    node.children.push_back(std::move(body));
    return node;
  }

  bool read_delimiter(QString& sign) {
    skip_blanks();
    if (ended()) return false;
    if (const QString name = command(); !name.isEmpty()) {
      const auto known = tex_symbol(name);
      if (!known) return false;
      at_ += name.size() + 1;
      sign = known->text;
      return true;
    }
    sign = QString(here());
    ++at_;
    return QStringLiteral("()[]|/.<>").contains(sign);
  }

  bool read_fence(MathNode& node) {
    QString open, close;
    MathNode body;
    if (!read_delimiter(open) || !read_row(body, QStringLiteral("right")) || command() != QLatin1String("right")) return false;
    at_ += 6;
    if (!read_delimiter(close)) return false;
    node = fence(open, close, std::move(body));
    return true;
  }

  bool read_table(MathNode& node) {
    QString name;
    if (!read_words(name)) return false;
    static const QStringList plain{"matrix", "aligned", "align", "align*", "split", "gathered", "equation", "equation*"};
    static const QStringList fenced{"pmatrix", "(", ")", "bmatrix", "[", "]", "vmatrix", "|", "|", "Bmatrix", "{", "}", "cases", "{", "."};
    const auto at = fenced.indexOf(name);
    if (at < 0 ? !plain.contains(name) : at % 3 != 0) return false;
    MathNode table;
    table.kind = Kind::kTable;
    table.aligned = name.startsWith(QLatin1String("align")) || name == QLatin1String("split");
    std::vector<std::vector<MathNode>> rows(1);
    for (;;) {
      MathNode cell;
      if (!read_row(cell, {})) return false;
      rows.back().push_back(std::move(cell));
      if (ended()) return false;
      if (here() == QLatin1Char('&')) {
        ++at_;
      } else if (command() == QLatin1String("\\")) {
        at_ += 2;
        rows.emplace_back();
      } else {
        break;
      }
    }
    if (command() != QLatin1String("end")) return false;
    at_ += 4;
    QString end;
    if (!read_words(end) || end != name) return false;
    if (rows.back().size() == 1 && rows.back().front().children.empty()) rows.pop_back();
    for (const auto& row : rows) table.n_columns = std::max(table.n_columns, static_cast<int>(row.size()));
    for (auto& row : rows) {
      row.resize(static_cast<std::size_t>(table.n_columns));
      for (MathNode& cell : row) table.children.push_back(std::move(cell));
    }
    node = at < 0 ? std::move(table) : fence(fenced[at + 1], fenced[at + 2], std::move(table));
    if (name == QLatin1String("cases")) node.children.front().aligned = false;
    return table.n_columns >= 0;
  }

  bool read_font(const QString& name, MathNode& node) {
    static const QStringList words{"text", "textrm", "textbf", "textit", "mathrm", "operatorname", "mathsf", "mathtt", "mbox"};
    if (words.contains(name)) {
      node.kind = Kind::kWords;
      node.shape = name == QLatin1String("textbf") ? Shape::kBold : name == QLatin1String("textit") ? Shape::kItalic : Shape::kUpright;
      return read_words(node.text);
    }
    if (name == QLatin1String("mathbb")) {
      QString letters;
      if (!read_words(letters)) return false;
      QString struck;
      for (const QChar c : letters) struck += double_struck(c);
      node = symbol(struck, Shape::kUpright);
      return true;
    }
    const bool bold = name == QLatin1String("mathbf") || name == QLatin1String("boldsymbol") || name == QLatin1String("bm");
    if (!bold && name != QLatin1String("mathcal") && name != QLatin1String("mathit")) return false;
    const Shape before = shape_;
    if (bold) shape_ = Shape::kBold;
    const bool read = read_argument(node);
    shape_ = before;
    return read;
  }

  QString tex_;
  qsizetype at_ = 0;
  int depth_ = 0;
  Shape shape_ = Shape::kItalic;
};

}  // namespace

std::optional<MathNode> parse_tex(const QString& tex) {
  if (tex.size() > kLongest) return std::nullopt;
  MathNode row;
  if (!Parser(tex.trimmed()).parse(row) || row.children.empty()) return std::nullopt;
  return row;
}

}  // namespace ui
