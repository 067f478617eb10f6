#pragma once

#include <map>
#include <string>
#include <vector>

namespace burnbook {

// One line of a table: column name -> cell.
using Row = std::map<std::string, std::string>;

struct Table {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::string error;  // empty when the table was read; else the line and what is wrong with it
};

// Reads comma separated text whose first line names the columns. Cells may be in double quotes.
Table parse_csv(const std::string& text);
Table read_csv(const std::string& path);

}  // namespace burnbook
