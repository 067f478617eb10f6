#include <algorithm>
#include <vector>

#include "app/project/sqlite_project.h"

namespace app {
namespace {

// Marks around matches in snippets: control characters, which ingested text never has.
constexpr char kMarkBegin = '\x02';
constexpr char kMarkEnd = '\x03';

bool is_separator(unsigned char byte) { return byte < 0x80 && !std::isalnum(byte); }

/// The user's words as an FTS5 expression in which nothing is an operator: every word a quoted
/// string, "a phrase" kept together, the last unquoted word also as the beginning of one.
std::string expression_for(std::string_view words) {
  std::vector<std::string> phrases;
  bool quoted = false, last_is_open = false;
  std::string phrase;
  const auto finish = [&](bool open) {
    if (std::any_of(phrase.begin(), phrase.end(), [](unsigned char byte) { return !is_separator(byte); })) {
      phrases.push_back('"' + phrase + '"');
      last_is_open = open;
    }
    phrase.clear();
  };
  for (const char c : words) {
    if (c == '"') {
      finish(false);
      quoted = !quoted;
    } else if (!quoted && std::isspace(static_cast<unsigned char>(c))) {
      finish(true);
    } else if (c != '\0') {
      phrase += c;
    }
  }
  finish(!quoted);
  std::string expression;
  for (const std::string& each : phrases) expression += (expression.empty() ? "" : " AND ") + each;
  if (last_is_open && !words.empty() && !std::isspace(static_cast<unsigned char>(words.back()))) expression += '*';
  return expression;
}

SearchHit with_marks(std::string_view marked, SearchHit hit) {
  for (const char c : marked) {
    const auto at = static_cast<std::uint32_t>(hit.snippet.size());
    if (c == kMarkBegin) {
      hit.marks.emplace_back(at, at);
    } else if (c == kMarkEnd) {
      if (!hit.marks.empty()) hit.marks.back().second = at;
    } else {
      hit.snippet += c == '\n' || c == '\t' ? ' ' : c;
    }
  }
  return hit;
}

/// Han, kana and Hangul are written without spaces: the index sees whole lines as one word, so that
/// only looking through the text finds a part of one.
bool has_unspaced_script(std::string_view words) {
  for (std::size_t i = 0; i + 2 < words.size(); ++i) {
    const auto byte = static_cast<unsigned char>(words[i]);
    if (byte >= 0xE3 && byte <= 0xED) return true;
    if (byte >= 0xF0 && i + 3 < words.size()) return true;
  }
  return false;
}

SearchHit hit_of(const Statement& row) {
  SearchHit hit;
  hit.part = row.integer(0);
  hit.document = row.integer(1);
  hit.ordinal = static_cast<std::int32_t>(row.integer(2));
  hit.part_name = row.text(3);
  hit.document_title = row.text(4);
  return hit;
}

}  // namespace

Result<std::vector<SearchHit>> SqliteProject::search(std::string_view words, int max_hits) const {
  std::vector<SearchHit> hits;
  if (has_unspaced_script(words)) {
    TRY_ASSIGN(auto rows, database_->prepare(
        "SELECT parts.id, document, ordinal, name, title, "
        "substr(text, max(1, instr(text, ?1)-40), min(instr(text, ?1)-1, 40)) || char(2) || ?1 || char(3) || "
        "substr(text, instr(text, ?1)+length(?1), 60) "
        "FROM part_texts JOIN parts ON parts.id=part JOIN documents ON documents.id=document "
        "WHERE instr(text, ?1)>0 AND gone=0 AND removed=0 ORDER BY document, ordinal LIMIT ?2"));
    rows.with(words, max_hits);
    for (;;) {
      TRY_ASSIGN(const bool row, rows.step());
      if (!row) return hits;
      hits.push_back(with_marks(rows.bytes(5), hit_of(rows)));
    }
  }
  const std::string expression = expression_for(words);
  if (expression.empty()) return hits;
  TRY_ASSIGN(auto rows, database_->prepare(
      "SELECT parts.id, document, ordinal, name, title, snippet(search, 0, char(2), char(3), '…', 24) "
      "FROM search JOIN parts ON parts.id=search.rowid JOIN documents ON documents.id=document "
      "WHERE search MATCH ?1 AND gone=0 AND removed=0 ORDER BY rank LIMIT ?2"));
  rows.with(expression, max_hits);
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return hits;
    hits.push_back(with_marks(rows.bytes(5), hit_of(rows)));
  }
}

}  // namespace app
