"""The formats that Elasticsearch has names for (its documentation, "Built in date formats").

A name is made of a date, a separator and a time. With `strict_` every number has its full width; without it numbers
may be shorter.
"""

from __future__ import annotations

from anomalyops_engine.store.dates.elements import Element, Fraction, Literal, Number, Optional, Zone

Elements = tuple[Element, ...]

_REGION = r"[A-Za-z][A-Za-z0-9~/._+-]*"
_OFFSETS = r"Z|[+-]\d\d(?::?\d\d)?"
_ANY_ZONE = Zone(rf"[+-]\d\d(?::?\d\d(?::?\d\d)?)?|{_REGION}")
_COMPACT_ZONE = Zone(_ANY_ZONE.form, "compact")
_OFFSET_ONLY = Zone(_OFFSETS)


def _literal(text: str) -> Elements:
    return (Literal(text),)


def _optional(*elements: Element) -> Elements:
    return (Optional(elements),)


def _numbers(first: Number, *rest: tuple[str, Number]) -> Elements:
    """Return numbers with the text that stands between them."""
    out: list[Element] = [first]
    for separator, number in rest:
        out += [Literal(separator), number] if separator else [number]
    return tuple(out)


def _width(part: str, *, strict: bool) -> Number:
    return Number(part, 2 if strict else 1, 2)


def _year(*, strict: bool, part: str = "year", widest: int = 9) -> Number:
    return Number(part, 4, widest, sign="+") if strict else Number(part, 1, widest, sign="-")


def _lenient_month(year: Number) -> Elements:
    return year, Literal("-"), Number("month", 1, 19)


def _dates(*, strict: bool) -> dict[str, Elements]:
    """Return the elements of dates by name."""
    year, month, day = _year(strict=strict), _width("month", strict=strict), _width("day", strict=strict)
    week_year, weekday = _year(strict=strict, part="week_year"), Number("weekday", 1, 1)
    week = _width("week", strict=strict)
    full_week_year = _year(strict=True, part="week_year")
    return {
        "date": _numbers(year, ("-", month), ("-", day))
        if strict
        else (year, *_optional(Literal("-"), month, *_optional(Literal("-"), day))),
        "ordinal_date": _numbers(Number("year", 4, 9, sign="+"), ("-", Number("day_of_year", 3 if strict else 1, 3))),
        "week_date": _numbers(full_week_year, ("-W", week), ("-", weekday)),
        "basic_date": _numbers(Number("year", 4, 4, sign="+"), ("", Number("month", 2, 2)), ("", Number("day", 2, 2))),
        "basic_ordinal_date": _numbers(Number("year", 4, 4, sign="+"), ("", Number("day_of_year", 3, 3))),
        "basic_week_date": _numbers(
            Number("week_year", 4, 4, sign="+") if strict else week_year, ("W", week), ("", weekday)
        ),
    }


def _clock(*, strict: bool, basic: bool = False) -> Elements:
    colon = "" if basic else ":"
    hour, minute, second = (_width(part, strict=strict or basic) for part in ("hour", "minute", "second"))
    return _numbers(hour, (colon, minute), (colon, second))


def _fraction(*, low: int = 1, high: int = 9, written: int = 3) -> Elements:
    return (Fraction(low, high, ".", written),)


def _optional_time(*, strict: bool, written: int, whole_seconds: bool) -> Elements:
    """Return year, and the rest down to fractions and zone as far as it is there."""
    hour, minute, second = (_width(part, strict=strict) for part in ("hour", "minute", "second"))
    fraction = Optional((Fraction(1, 9, ".,", written),))
    zone = _optional(_ANY_ZONE)
    if whole_seconds:
        time: Elements = (hour, Literal(":"), minute, Literal(":"), second, fraction, *zone)
    else:
        time = (hour, *_optional(Literal(":"), minute, *_optional(Literal(":"), second, fraction)), *zone)
    year, month, day = (
        _year(strict=strict, widest=4 if strict else 9),
        *(_width(part, strict=strict) for part in ("month", "day")),
    )
    return (
        year,
        *_optional(Literal("-"), month, *_optional(Literal("-"), day, *_optional(Literal("T"), *_optional(*time)))),
    )


def _lenient_date_times(dates: dict[str, Elements]) -> dict[str, Elements]:
    """Return the forms without `strict_` that take more than theirs: seconds may lack."""
    hour, minute, second = (_width(part, strict=False) for part in ("hour", "minute", "second"))
    start = (*dates["date"], Literal("T"), hour, Literal(":"), minute)
    return {
        "date_time": (*start, *_optional(Literal(":"), second, *_fraction()), _OFFSET_ONLY),
        "date_time_no_millis": (*start, *_optional(Literal(":"), second), *_optional(_ANY_ZONE)),
    }


def _times(*, strict: bool) -> dict[str, Elements]:
    """Return the elements of times of day by name."""
    clock, basic = _clock(strict=strict), _clock(strict=True, basic=True)
    zone: Elements = (_ANY_ZONE,)
    millis = _fraction() if strict else _fraction(high=3)
    return {
        "hour": clock[:1],
        "hour_minute": clock[:3],
        "hour_minute_second": clock,
        "hour_minute_second_fraction": (*clock, *_fraction()),
        "hour_minute_second_millis": (*clock, *millis),
        "time": (*clock, *_fraction(), *zone),
        "time_no_millis": (*clock, *zone),
        "t_time": (Literal("T"), *clock, *_fraction(), *zone),
        "t_time_no_millis": (Literal("T"), *clock, *zone),
        "basic_time": (*basic, *_fraction(), *zone),
        "basic_time_no_millis": (*basic, *zone),
        "basic_t_time": (Literal("T"), *basic, *_fraction(), *zone),
        "basic_t_time_no_millis": (Literal("T"), *basic, *zone),
    }


def _family(*, strict: bool) -> dict[str, Elements]:
    dates, times = _dates(strict=strict), _times(strict=strict)
    week_year, week = _year(strict=strict, part="week_year"), _width("week", strict=strict)
    year = _year(strict=strict, widest=4 if strict else 9)
    out = dates | times
    for clock in (
        "hour",
        "hour_minute",
        "hour_minute_second",
        "hour_minute_second_fraction",
        "hour_minute_second_millis",
    ):
        out[f"date_{clock}"] = (*dates["date"], Literal("T"), *times[clock])
    for date in ("ordinal_date", "week_date", "basic_date", "basic_ordinal_date", "basic_week_date"):
        basic = "basic_" if date.startswith("basic_") else ""
        zone: Elements = (_COMPACT_ZONE,) if date == "basic_week_date" else (_ANY_ZONE,)
        out[f"{date}_time"] = (*dates[date], *times[f"{basic}t_time"][:-1], *zone)
        out[f"{date}_time_no_millis"] = (*dates[date], *times[f"{basic}t_time_no_millis"][:-1], *zone)
    out |= {
        "year": (year,),
        "year_month": (year, Literal("-"), _width("month", strict=strict)) if strict else _lenient_month(year),
        "year_month_day": dates["date"] if strict else (*_lenient_month(year), Literal("-"), Number("day", 1, 19)),
        "weekyear": (week_year,),
        "weekyear_week": (week_year, Literal("-W"), week if strict else Number("week", 1, 19)),
        "weekyear_week_day": dates["week_date"],
        "date_optional_time": _optional_time(strict=strict, written=3, whole_seconds=False),
    }
    if strict:
        zone = (_ANY_ZONE,)
        moment: Elements = (*dates["date"], Literal("T"), *times["hour_minute_second"])
        out["date_time"] = (*moment, Optional((Fraction(1, 9, ".", 9),)), *zone)
        out["date_time_no_millis"] = (*moment, *zone)
        out["ordinal_date_time"] = (
            *dates["ordinal_date"],
            Literal("T"),
            *times["hour_minute"],
            Optional((Literal(":"), Number("second", 2, 2), Fraction(1, 9, ".", 9))),
            *zone,
        )
    else:
        out |= _lenient_date_times(dates)
        hour, minute, second = (_width(part, strict=False) for part in ("hour", "minute", "second"))
        out["ordinal_date_time"] = (
            *dates["ordinal_date"],
            Literal("T"),
            hour,
            Literal(":"),
            minute,
            Optional((Literal(":"), second, Fraction(1, 9, ".", 9))),
            _ANY_ZONE,
        )
    return out


def _all() -> dict[str, tuple[Elements, Elements]]:
    """Return what each name reads and what it writes: numbers are written in their full width."""
    strict, lenient = _family(strict=True), _family(strict=False)
    optional_nanos = _optional_time(strict=True, written=9, whole_seconds=True)
    out = {name: (elements, _written(name, elements, strict)) for name, elements in lenient.items()}
    # Of the basic formats only those with weeks have a strict form.
    out |= {
        f"strict_{name}": (elements, elements)
        for name, elements in strict.items()
        if not name.startswith("basic_") or "week" in name
    }
    out["iso8601"] = (strict["date_optional_time"], strict["date_optional_time"])
    out["strict_date_optional_time_nanos"] = (optional_nanos, optional_nanos)
    return out


def _written(name: str, lenient: Elements, strict: dict[str, Elements]) -> Elements:
    if name in {"year", "weekyear"}:
        return lenient
    if name == "date_time":
        return (*strict["date_hour_minute_second"], *_fraction(), _ANY_ZONE)
    return strict[name]


NAMED = _all()
