"""Seasons that pay off rarely: a batch in one bucket a day, a weekly report, the ends of months."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from benchmarks.accuracy.case import Array, Case, Clock, Incident, Kind, Shape


def _daily_batch(rng: np.random.Generator, span: int, *, noise: float, base: float = 1.5, size: float = 200.0) -> Case:
    """A few events in every bucket and a batch at 03:00; one run is missing, one is tripled."""
    clock = Clock(span, 42)
    batch = clock.daily(3)
    values = rng.poisson(base, len(clock)).astype(float)
    values[batch] += np.round(size * (1 + noise * rng.standard_normal(batch.sum())))
    runs = np.flatnonzero(batch)
    values[runs[33]] = rng.poisson(base)
    values[runs[38]] = 3 * size
    found = tuple(Incident(int(run), int(run) + 1, 1) for run in (runs[33], runs[38]))
    return Case("", "", span, values, "count", found, learnt=clock.at(3))


def _weekly_report(rng: np.random.Generator, span: int) -> Case:
    """A gauge that triples in one bucket a week."""
    clock = Clock(span, 84)
    values = rng.normal(100, 4, len(clock))
    report = clock.daily(6) & (clock.weekday == 0)
    runs = np.flatnonzero(report)
    values[runs] = rng.normal(300, 8, len(runs))
    values[runs[8]] = rng.normal(100, 4)
    values[runs[10]] = 600
    found = tuple(Incident(int(run), int(run) + 1, 1) for run in (runs[8], runs[10]))
    return Case("", "", span, values, "mean", found, learnt=clock.at(21))


def _dates(clock: Clock) -> list[date]:
    return [datetime.fromtimestamp(int(second), UTC).date() for second in clock.time_s]


def _last_working_day(day: date) -> bool:
    """Whether no later day of its month is a working day."""
    later = (day + timedelta(days=k) for k in range(1, 7))
    return day.weekday() < 5 and not any(d.month == day.month and d.weekday() < 5 for d in later)


def _month_end(rng: np.random.Generator, span: int) -> Case:
    """Revenue a day that doubles on the last day of a month, with as much on an ordinary day."""
    clock = Clock(span, 760)
    last = np.array([(day + timedelta(days=1)).day == 1 for day in _dates(clock)])
    values = (1000 + 120 * (clock.weekday < 5)) * (1 + 0.04 * rng.standard_normal(len(clock)))
    values[last] *= 2.0
    odd = int(rng.integers(520, 530))
    values[odd] *= 2.0
    return Case("", "", span, values, "sum", (Incident(odd, odd + 1, 1),), learnt=clock.at(160))


def _quarter_end(rng: np.random.Generator, span: int) -> Case:
    """Bookings a day that triple on the last working day of a quarter and quadruple at the end of the year."""
    clock = Clock(span, 1600)
    values = 500 * np.where(clock.weekday < 5, 1.0, 0.4) * (1 + 0.05 * rng.standard_normal(len(clock)))
    for k, day in enumerate(_dates(clock)):
        if day.month % 3 == 0 and _last_working_day(day):
            values[k] *= 4.0 if day.month == 12 else 3.0
    return Case("", "", span, values, "sum", (), learnt=clock.at(760))


def _hourly_cron(rng: np.random.Generator, span: int) -> Case:
    """A job at minute 17 of every hour, in short buckets; one run is missing."""
    clock = Clock(span, 6)
    runs = np.flatnonzero(clock.time_s % 3600 // span == 17 * 60 // span)
    values = rng.normal(20, 2, len(clock))
    values[runs] = rng.normal(80, 3, len(runs))
    gone = int(runs[110])
    values[gone] = 20
    return Case("", "", span, values, "mean", (Incident(gone, gone + 1, 1),), learnt=clock.at(1))


def _two_windows(rng: np.random.Generator, span: int) -> Case:
    """A nightly backup of three hours and a noon export on working days, beside a daily wave."""
    clock = Clock(span, 56)
    values = 300 * clock.wave(0.3) * (1 + 0.03 * rng.standard_normal(len(clock)))
    backup = (clock.hour >= 1) & (clock.hour < 4)
    values[backup] += rng.normal(900, 30, backup.sum())
    export = clock.daily(12) & (clock.weekday < 5)
    values[export] += rng.normal(500, 25, export.sum())
    night = backup & (clock.day == 45)
    values[night] -= 900
    begin = int(np.flatnonzero(night)[0])
    return Case("", "", span, values, "mean", (Incident(begin, begin + int(night.sum()), 2),), learnt=clock.at(22))


def _every(hours: float, value: Array, clock: Clock, size: Array) -> None:
    step = round(hours * 3600 / clock.span_s)
    value[step // 2 :: step] += size[: len(value[step // 2 :: step])]


def _four_hourly(rng: np.random.Generator, span: int) -> Case:
    """A sync every four hours whose work varies, over a quiet counter; two runs in a row are missing."""
    clock = Clock(span, 35)
    values = rng.poisson(4, len(clock)).astype(float)
    runs = rng.gamma(25, 6, len(clock)).round()
    _every(4, values, clock, runs)
    step = round(4 * 3600 / span)
    first = step // 2 + 150 * step
    values[[first, first + step]] = rng.poisson(4, 2)
    return Case("", "", span, values, "count", (Incident(first, first + step + 1, step + 1),), learnt=clock.at(5))


KIND = Kind(
    "rare seasons",
    (
        Shape("daily batch", lambda rng, span: _daily_batch(rng, span, noise=0.0), (900, 3600)),
        Shape("daily batch, 10 % noise", lambda rng, span: _daily_batch(rng, span, noise=0.1), (900, 3600)),
        Shape("weekly report", _weekly_report, (900, 3600)),
        Shape("month end", _month_end, (86_400,)),
        Shape("hourly cron", _hourly_cron, (60, 300)),
        Shape("quarter end", _quarter_end, (86_400,), apart=True),
        Shape("two windows", _two_windows, (1800, 3600), apart=True),
        Shape("every four hours", _four_hourly, (600, 1800), apart=True),
        Shape(
            "rare batch in a loud count",
            lambda rng, span: _daily_batch(rng, span, noise=0.2, base=30.0, size=400.0),
            (600, 1800),
            apart=True,
        ),
    ),
)
