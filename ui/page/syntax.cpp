#include "ui/page/syntax.h"

#include "ui/theme/tokens.h"

namespace ui {
namespace {

QSet<QString> words(const char* text) {
  const QStringList list = QString::fromLatin1(text).split(QLatin1Char(' '), Qt::SkipEmptyParts);
  return {list.begin(), list.end()};
}

constexpr char kCFamily[] =
    "alignas alignof asm auto bool break case catch char class concept const consteval constexpr constinit const_cast continue co_await "
    "co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int long mutable namespace new noexcept nullptr operator private protected public register reinterpret_cast requires return short signed "
    "sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename union unsigned "
    "using virtual void volatile wchar_t while override final";
constexpr char kPython[] =
    "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda "
    "nonlocal not or pass raise return try while with yield match case self";
constexpr char kJava[] =
    "abstract any as async await boolean break byte case catch char class const continue debugger default delete do double else enum export "
    "extends false final finally float for from function get if implements import in instanceof int interface let long native new null number "
    "of package private protected public readonly return set short static string super switch synchronized this throw throws transient true "
    "try type typeof undefined var void volatile while with yield fun val when object record sealed";
constexpr char kRust[] =
    "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self "
    "Self static struct super trait true type unsafe use where while bool char f32 f64 i8 i16 i32 i64 isize str u8 u16 u32 u64 usize";
constexpr char kGo[] =
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct "
    "switch type var true false nil string int int64 int32 uint64 uint32 byte rune error bool float64";
constexpr char kShell[] = "if then else elif fi for in do done while until case esac function return local export readonly set unset exit trap shift source";
constexpr char kSql[] =
    "select from where insert into values update set delete create table index view trigger drop alter add primary key foreign references not "
    "null unique check default and or in is like between exists join left right inner outer on group by order having limit offset union all "
    "distinct as case when then else end begin commit rollback pragma integer text real blob";
constexpr char kCMake[] =
    "if else elseif endif foreach endforeach while endwhile function endfunction macro endmacro set option include project add_library "
    "add_executable target_link_libraries target_include_directories find_package install message return list string file";

bool is_word(QChar c) { return c.isLetterOrNumber() || c == QLatin1Char('_'); }

}  // namespace

Syntax Syntax::of_language(const QString& name) {
  const QString n = name.toLower().trimmed();
  Syntax s;
  const auto comments = [&s](const char* line, const char* open, const char* close) {
    s.line_comments_ = QString::fromLatin1(line).split(QLatin1Char(' '), Qt::SkipEmptyParts);
    s.comment_open_ = QString::fromLatin1(open);
    s.comment_close_ = QString::fromLatin1(close);
  };
  static const QSet<QString> c_names{"c", "c++", "cpp", "cc", "h", "hpp", "cuda", "cu", "objective-c", "glsl", "hlsl"};
  static const QSet<QString> java_names{"java", "javascript", "js", "typescript", "ts", "tsx", "jsx", "kotlin", "kt", "c#", "csharp", "cs", "swift", "scala", "dart", "php"};
  if (c_names.contains(n)) { s.keywords_ = words(kCFamily); comments("//", "/*", "*/"); }
  else if (java_names.contains(n)) { s.keywords_ = words(kJava); comments("//", "/*", "*/"); s.quotes_ += QLatin1Char('`'); }
  else if (n == "rust" || n == "rs") { s.keywords_ = words(kRust); comments("//", "/*", "*/"); s.quotes_ = QStringLiteral("\""); }
  else if (n == "go" || n == "golang") { s.keywords_ = words(kGo); comments("//", "/*", "*/"); s.quotes_ += QLatin1Char('`'); }
  else if (n == "python" || n == "py") { s.keywords_ = words(kPython); comments("#", "", ""); s.triple_quotes_ = true; }
  else if (n == "shell" || n == "bash" || n == "sh") { s.keywords_ = words(kShell); comments("#", "", ""); }
  else if (n == "sql") { s.keywords_ = words(kSql); comments("--", "/*", "*/"); s.any_case_ = true; }
  else if (n == "cmake") { s.keywords_ = words(kCMake); comments("#", "", ""); s.any_case_ = true; }
  else if (n == "yaml" || n == "yml" || n == "toml" || n == "ruby" || n == "perl" || n == "make" || n == "makefile" || n == "dockerfile") { comments("#", "", ""); }
  else if (n == "html" || n == "xml" || n == "svg") { comments("", "<!--", "-->"); }
  else if (n == "css" || n == "scss") { comments("", "/*", "*/"); }
  else if (n == "lua" || n == "haskell") { comments("--", "", ""); }
  else if (n != "json") { s.quotes_.clear(); }
  return s;
}

std::vector<SyntaxSpan> Syntax::spans(const QString& line, SyntaxState& state) const {
  std::vector<SyntaxSpan> result;
  const int size = static_cast<int>(line.size());
  int at = 0;
  const auto to_close = [&](const QString& close, int from, SyntaxKind kind, int begin) {
    const auto end = line.indexOf(close, from);
    const int stop = end < 0 ? size : static_cast<int>(end + close.size());
    result.push_back({begin, stop - begin, kind});
    at = stop;
    return end >= 0;
  };
  if (state.in_comment) state.in_comment = !to_close(comment_close_, 0, SyntaxKind::kComment, 0);
  if (!state.in_string.isEmpty() && to_close(state.in_string, 0, SyntaxKind::kString, 0)) state.in_string.clear();
  while (at < size) {
    const QChar c = line[at];
    const QStringView rest = QStringView(line).mid(at);
    bool line_comment = false;
    for (const QString& mark : line_comments_) line_comment |= rest.startsWith(mark);
    if (line_comment) {
      result.push_back({at, size - at, SyntaxKind::kComment});
      break;
    }
    if (!comment_open_.isEmpty() && rest.startsWith(comment_open_)) {
      state.in_comment = !to_close(comment_close_, at + static_cast<int>(comment_open_.size()), SyntaxKind::kComment, at);
      continue;
    }
    if (triple_quotes_ && (rest.startsWith(QLatin1String("\"\"\"")) || rest.startsWith(QLatin1String("'''")))) {
      const QString close = rest.left(3).toString();
      if (!to_close(close, at + 3, SyntaxKind::kString, at)) state.in_string = close;
      continue;
    }
    if (quotes_.contains(c)) {
      int end = at + 1;
      while (end < size && line[end] != c) end += line[end] == QLatin1Char('\\') ? 2 : 1;
      end = std::min(end + 1, size);
      result.push_back({at, end - at, SyntaxKind::kString});
      at = end;
      continue;
    }
    if (is_word(c)) {
      int end = at + 1;
      while (end < size && (is_word(line[end]) || (c.isDigit() && line[end] == QLatin1Char('.')))) ++end;
      const QString word = line.mid(at, end - at);
      if (c.isDigit()) result.push_back({at, end - at, SyntaxKind::kNumber});
      else if (keywords_.contains(any_case_ ? word.toLower() : word)) result.push_back({at, end - at, SyntaxKind::kKeyword});
      at = end;
      continue;
    }
    ++at;
  }
  return result;
}

QColor syntax_color(SyntaxKind kind) {
  const Tokens& t = tokens();
  switch (kind) {
    case SyntaxKind::kKeyword: return t.sky;
    case SyntaxKind::kString: return t.pine;
    case SyntaxKind::kComment: return t.ink_soft;
    case SyntaxKind::kNumber: return t.amber;
  }
  return t.ink;
}

}  // namespace ui
