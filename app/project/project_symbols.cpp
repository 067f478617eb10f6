#include "app/project/sqlite_project.h"

namespace app {

Result<std::vector<Symbol>> SqliteProject::symbols(PartId part) const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT name, kind, scope, first_line, last_line FROM symbols WHERE part=?1 ORDER BY first_line, rowid"));
  rows.with(part);
  std::vector<Symbol> symbols;
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return symbols;
    symbols.push_back({rows.text(0), rows.text(1), rows.text(2), static_cast<std::int32_t>(rows.integer(3)), static_cast<std::int32_t>(rows.integer(4))});
  }
}

Result<void> SqliteProject::set_symbols(const std::vector<std::pair<PartId, std::vector<Symbol>>>& symbols) {
  return write([&]() -> Result<void> {
    for (const auto& [part, found] : symbols) {
      TRY_ASSIGN(auto forget, database_->prepare("DELETE FROM symbols WHERE part=?1"));
      TRY(forget.with(part).run());
      TRY_ASSIGN(auto mark, database_->prepare("UPDATE parts SET has_symbols=1 WHERE id=?1"));
      TRY(mark.with(part).run());
      for (const Symbol& symbol : found) {
        TRY_ASSIGN(auto define, database_->prepare("INSERT INTO symbols(part, name, kind, scope, first_line, last_line) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"));
        TRY(define.with(part, symbol.name, symbol.kind, symbol.scope, symbol.first_line, symbol.last_line).run());
      }
    }
    return {};
  });
}

Result<std::vector<SymbolHit>> SqliteProject::find_symbols(std::string_view name, int max_hits) const {
  std::vector<SymbolHit> hits;
  if (name.empty()) return hits;
  TRY_ASSIGN(auto rows, database_->prepare(
      "SELECT parts.id, document, parts.name, symbols.name, symbols.kind, scope, first_line, last_line "
      "FROM symbols JOIN parts ON parts.id=part JOIN documents ON documents.id=document "
      "WHERE symbols.name>=?1 COLLATE NOCASE AND symbols.name<?1 || char(1114111) COLLATE NOCASE AND gone=0 AND removed=0 "
      "ORDER BY length(symbols.name), symbols.name, parts.name, first_line LIMIT ?2"));
  rows.with(name, max_hits);
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return hits;
    hits.push_back({rows.integer(0), rows.integer(1), rows.text(2),
                    {rows.text(3), rows.text(4), rows.text(5), static_cast<std::int32_t>(rows.integer(6)), static_cast<std::int32_t>(rows.integer(7))}});
  }
}

}  // namespace app
