"""What is forecast: generated series of one kind each, and the seasonal files of the Numenta Anomaly Benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.accuracy import nab
from benchmarks.accuracy.case import DAY_S, WEEK_S, Array, Case, Clock

HORIZON_DAYS = 7
LEARNT_DAYS = 42
SEASONAL = 0.8
"""A file is seasonal where its value a season ago errs by less than this share of what its median errs."""
ORIGINS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of a file at whose ends a forecast is made."""

Make = Callable[[np.random.Generator, Clock], Array]


@dataclass(frozen=True)
class Task:
    """A series and where it is forecast.

    Attributes:
        case: The series.
        season: Buckets of the season that a naive forecast repeats.
        origins: Buckets from which a forecast is made, of what came before.
        horizon: Buckets of each forecast.
    """

    case: Case
    season: int
    origins: tuple[int, ...]
    horizon: int


def _level(rng: np.random.Generator, clock: Clock) -> Array:
    return 100 + 5 * rng.standard_normal(len(clock))


def _wandering(rng: np.random.Generator, clock: Clock) -> Array:
    return 1000 + np.cumsum(rng.standard_normal(len(clock))) + rng.standard_normal(len(clock))


def _trend(rng: np.random.Generator, clock: Clock) -> Array:
    return 100 + 0.05 * np.arange(len(clock)) + 5 * rng.standard_normal(len(clock))


def _daily(rng: np.random.Generator, clock: Clock) -> Array:
    return 100 * clock.wave(0.5) + 5 * rng.standard_normal(len(clock))


def _weekly(rng: np.random.Generator, clock: Clock) -> Array:
    return 100 * clock.office() + 5 * rng.standard_normal(len(clock))


def _weather(rng: np.random.Generator, clock: Clock) -> Array:
    """A daily wave with departures from it that last a day."""
    departure = np.zeros(len(clock))
    for t in range(1, len(departure)):
        departure[t] = 0.95 * departure[t - 1] + 3 * rng.standard_normal()
    return 100 * clock.wave(0.3) + departure


def _loud_days(rng: np.random.Generator, clock: Clock) -> Array:
    return 100 * clock.wave(0.5) * rng.lognormal(0, 0.3, len(clock))


def _counts(rng: np.random.Generator, clock: Clock) -> Array:
    return rng.poisson(20 * clock.wave(0.6)).astype(float)


def _low_counts(rng: np.random.Generator, clock: Clock) -> Array:
    return rng.poisson(2.0, len(clock)).astype(float)


def _step(rng: np.random.Generator, clock: Clock) -> Array:
    values = 100 + 5 * rng.standard_normal(len(clock))
    values[int(rng.uniform(0.3, 0.7) * len(values)) :] += 80
    return values


def _steps(rng: np.random.Generator, clock: Clock) -> Array:
    jumps = np.where(rng.random(len(clock)) < 1 / 200, 40 * rng.standard_normal(len(clock)), 0.0)
    return 500 + np.cumsum(jumps) + 3 * rng.standard_normal(len(clock))


KINDS: dict[str, tuple[str, int, Make]] = {
    "level": ("mean", DAY_S, _level),
    "wandering": ("mean", DAY_S, _wandering),
    "trend": ("mean", DAY_S, _trend),
    "daily": ("mean", DAY_S, _daily),
    "weekly": ("mean", WEEK_S, _weekly),
    "weather": ("mean", DAY_S, _weather),
    "loud days": ("mean", DAY_S, _loud_days),
    "counts": ("count", DAY_S, _counts),
    "low counts": ("count", DAY_S, _low_counts),
    "one step": ("mean", DAY_S, _step),
    "many steps": ("mean", DAY_S, _steps),
}
"""By name: the detector function, the season in seconds, the generator."""


def generated(kind: str, seeds: int, span_s: int = 3600) -> list[Task]:
    """One task a seed."""
    function, season_s, make = KINDS[kind]
    horizon, number = HORIZON_DAYS * DAY_S // span_s, int.from_bytes(kind.encode(), "big") % 2**31
    tasks = []
    for seed in range(seeds):
        clock = Clock(span_s, LEARNT_DAYS + HORIZON_DAYS)
        values = make(np.random.default_rng([number, seed]), clock)
        case = Case("forecast", kind, span_s, values, function)
        tasks.append(Task(case, season_s // span_s, (len(values) - horizon,), horizon))
    return tasks


def seasonal_files() -> Iterator[Task]:
    """The files with a day or a week in them, forecast for one season from several origins; none without the data."""
    folder = nab.folder()
    for file in nab.read(folder) if folder is not None else ():
        case = file.case
        best, season = np.nanmean(np.abs(case.values - np.nanmedian(case.values))) * SEASONAL, 0
        for season_s in (DAY_S, WEEK_S):
            lag = season_s // case.span_s
            if len(case.values) >= 3 * lag:
                error = float(np.nanmean(np.abs(case.values[lag:] - case.values[:-lag])))
                if error < best:
                    best, season = error, lag
        if season:
            origins = tuple(int(share * len(case.values)) for share in ORIGINS)
            fitting = tuple(origin for origin in origins if 2 * season <= origin <= len(case.values) - season // 2)
            named = case.with_(shape=file.name)
            yield Task(named, season, fitting, season)


def naive_error(values: Sequence[float] | Array, season: int) -> float:
    """Mean absolute error of the value a season ago: the scale of MASE (Hyndman and Koehler 2006)."""
    known = np.asarray(values)
    return float(np.nanmean(np.abs(known[season:] - known[:-season])))
