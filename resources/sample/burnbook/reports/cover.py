"""Mean cover of a plant on the permanent plots, with missing plots filled by the mean of their stratum."""
import statistics


def fill_missing(plots):
    """`plots` is a list of (stratum, cover or None). A stratum without any value raises an error."""
    filled = []
    for stratum, cover in plots:
        if cover is not None:
            filled.append((stratum, cover))
            continue
        known = [c for s, c in plots if s == stratum and c is not None]
        if not known:
            raise ValueError(f"no plot of {stratum} was recorded")
        filled.append((stratum, statistics.fmean(known)))
    return filled


def mean_cover(plots):
    return statistics.fmean(cover for _, cover in fill_missing(plots))


def cover_by_stratum(plots):
    strata = sorted({stratum for stratum, _ in plots})
    return {s: statistics.fmean(c for t, c in fill_missing(plots) if t == s) for s in strata}
