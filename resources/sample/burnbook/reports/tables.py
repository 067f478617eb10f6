"""Reads the tables of the burn book."""
import csv
import datetime


def read_table(path):
    """Rows as dictionaries; lines that begin with # are comments."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def parse_day(text):
    """A date from 2024-04-03. The error names the text, since the log has thousands of them."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write it like 2024-04-03") from None


def in_growing_season(day):
    return 4 <= day.month <= 9
