#pragma once

#include <optional>
#include <string>

namespace burnbook {

// A day of the calendar, counted from 1970-01-01.
struct Date {
  int days = 0;
  friend bool operator==(Date a, Date b) { return a.days == b.days; }
  friend bool operator<(Date a, Date b) { return a.days < b.days; }
};

// Reads "2024-04-03". Nothing for a day that does not exist.
std::optional<Date> parse_date(const std::string& text);
std::string format_date(Date date);
int year_of(Date date);
int month_of(Date date);

// The growing season runs from the first of April to the end of September.
bool in_growing_season(Date date);

}  // namespace burnbook
