#pragma once

#include <QColor>
#include <QSet>
#include <QString>
#include <QStringList>

#include <vector>

/// Colours for source code, good enough to read by: keywords, strings, comments, numbers. One line at
/// a time, so that a view colours only what it shows.
namespace ui {

enum class SyntaxKind { kKeyword, kString, kComment, kNumber };

struct SyntaxSpan {
  int begin = 0;
  int length = 0;
  SyntaxKind kind = SyntaxKind::kKeyword;
};

/// What the end of a line hands to the next one.
struct SyntaxState {
  bool in_comment = false;
  QString in_string;  // the closing quotes that are waited for, empty when none
  bool operator==(const SyntaxState&) const = default;
};

class Syntax {
 public:
  /// By the project's or a code fence's name ("C++", "python", "rs"); unknown names colour strings and numbers only.
  static Syntax of_language(const QString& name);
  std::vector<SyntaxSpan> spans(const QString& line, SyntaxState& state) const;

 private:
  QSet<QString> keywords_;
  QStringList line_comments_;
  QString comment_open_;
  QString comment_close_;
  QString quotes_ = QStringLiteral("\"'");
  bool triple_quotes_ = false;
  bool any_case_ = false;
};

QColor syntax_color(SyntaxKind kind);

}  // namespace ui
