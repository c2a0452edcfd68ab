"""Months of the Gregorian calendar over all of time, where Python's dates end in the year 9999.

After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil, civil_from_days).
"""

from __future__ import annotations

_DAY_MS = 86_400_000


def month_of(millis: int) -> int:
    """Return the number of a moment's month, counted from January of the year 0; epoch milliseconds in UTC."""
    year, month, _ = civil_date(millis // _DAY_MS)
    return year * 12 + month - 1


def start_of_month(number: int) -> int:
    """Return the first moment of a month, epoch milliseconds; the months are counted as by `month_of`."""
    year, month = divmod(number, 12)
    return day_number(year, month + 1, 1) * _DAY_MS


def civil_date(day: int) -> tuple[int, int, int]:
    """Return (year, month, day of month) of a day, counted from 1970-01-01."""
    era, day_of_era = divmod(day + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def day_number(year: int, month: int, day: int) -> int:
    """Return the number of a day, counted from 1970-01-01."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468
