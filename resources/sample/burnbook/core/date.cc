#include "core/date.h"

#include <cstdio>

namespace burnbook {
namespace {

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  static const int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

int days_before_year(int year) {
  int days = 0;
  for (int y = 1970; y < year; ++y) days += is_leap(y) ? 366 : 365;
  return days;
}

struct Civil { int year, month, day; };

Civil civil(Date date) {
  int days = date.days;
  int year = 1970;
  while (days >= (is_leap(year) ? 366 : 365)) days -= is_leap(year++) ? 366 : 365;
  int month = 1;
  while (days >= days_in_month(year, month)) days -= days_in_month(year, month++);
  return {year, month, days + 1};
}

}  // namespace

std::optional<Date> parse_date(const std::string& text) {
  int year = 0, month = 0, day = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%c", &year, &month, &day, &rest) != 3) return std::nullopt;
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return std::nullopt;
  int days = days_before_year(year);
  for (int m = 1; m < month; ++m) days += days_in_month(year, m);
  return Date{days + day - 1};
}

std::string format_date(Date date) {
  const Civil c = civil(date);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", c.year, c.month, c.day);
  return text;
}

int year_of(Date date) { return civil(date).year; }
int month_of(Date date) { return civil(date).month; }

bool in_growing_season(Date date) {
  const int month = month_of(date);
  return month >= 4 && month <= 9;
}

}  // namespace burnbook
