#include "core/csv.h"

#include <fstream>
#include <sstream>

namespace burnbook {
namespace {

// Splits one line. A doubled quote inside a quoted cell stands for one quote.
bool split_line(const std::string& line, std::vector<std::string>& cells) {
  cells.assign(1, "");
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back().push_back('"');
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back().push_back(c);
    }
  }
  return !quoted;
}

}  // namespace

Table parse_csv(const std::string& text) {
  Table table;
  std::istringstream lines(text);
  std::string line;
  std::vector<std::string> cells;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    if (!split_line(line, cells)) {
      table.error = "line " + std::to_string(number) + ": a quoted cell does not end";
      return table;
    }
    if (table.columns.empty()) {
      table.columns = cells;
      continue;
    }
    if (cells.size() != table.columns.size()) {
      table.error = "line " + std::to_string(number) + ": " + std::to_string(cells.size()) + " cells, " +
                    std::to_string(table.columns.size()) + " columns";
      return table;
    }
    Row row;
    for (std::size_t i = 0; i < cells.size(); ++i) row[table.columns[i]] = cells[i];
    table.rows.push_back(row);
  }
  return table;
}

Table read_csv(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    Table table;
    table.error = path + " cannot be opened";
    return table;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return parse_csv(text.str());
}

}  // namespace burnbook
