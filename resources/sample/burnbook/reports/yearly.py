"""Prints the table of years: burns, growing-season burns, hectares."""
import sys

from reports.tables import in_growing_season, parse_day, read_table


def yearly(burns):
    years = {}
    for burn in burns:
        day = parse_day(burn["date"])
        count, growing, hectares = years.get(day.year, (0, 0, 0.0))
        years[day.year] = (count + 1, growing + in_growing_season(day), hectares + float(burn["area_ha"]))
    return dict(sorted(years.items()))


def as_markdown(years):
    lines = ["| Year | Burns | Growing season | Area (ha) |", "|---|---|---|---|"]
    for year, (count, growing, hectares) in years.items():
        lines.append(f"| {year} | {count} | {growing} | {hectares:,.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown(yearly(read_table(sys.argv[1]))))
