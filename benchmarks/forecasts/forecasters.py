"""Who forecasts: the engine, the value a season ago, and two well-known methods of statsforecast."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from benchmarks.accuracy.case import DAY_S, WEEK_S, Array
from benchmarks.forecasts.series import Task

from anomalyops_engine.functions import find_function
from anomalyops_engine.models.series.bank import SeriesBank, series_parameters
from anomalyops_engine.scoring.normaliser import NOTEWORTHY


class Forecaster(Protocol):
    """Forecasts a task from each of its origins."""

    name: str

    def paths(self, task: Task) -> Iterator[Array]:
        """For each origin: (buckets, 3) expected value, lower and upper 95 % bound; short where it gives up."""


class Engine:
    """The learner of series, fed bucket by bucket up to each origin."""

    name = "engine"

    def paths(self, task: Task) -> Iterator[Array]:
        """See `Forecaster.paths`."""
        case = task.case
        named = find_function(case.function)
        assert named is not None
        bank = SeriesBank(
            series_parameters(
                span_s=case.span_s,
                side=0,
                discrete=named.function.discrete,
                learning_buckets=named.function.learning_buckets,
                want_bounds=False,
                bounds_from=NOTEWORTHY,
            )
        )
        rows, first, done = bank.rows([()]), case.start_s // case.span_s, 0
        for origin in task.origins:
            values = case.values[None, done:origin].copy()
            bank.advance(rows, values, first_bucket=first + done, conditions=np.zeros((0, 4)))
            yield bank.forecast(0, first_bucket=first + origin).extend(task.horizon)
            done = origin


class SeasonalNaive:
    """The value a season ago, with bounds from how it erred in the past."""

    name = "seasonal naive"

    def paths(self, task: Task) -> Iterator[Array]:
        """See `Forecaster.paths`."""
        for origin in task.origins:
            known = _filled(task.case.values[:origin])
            errors = known[task.season :] - known[: -task.season]
            place = np.arange(task.horizon)
            mean = known[origin - task.season + place % task.season]
            half = 1.96 * np.std(errors) * np.sqrt(1 + place // task.season)
            yield np.stack([mean, mean - half, mean + half], axis=1)


class Statsforecast:
    """A model of statsforecast, fitted anew at each origin."""

    def __init__(self, name: str, make: Callable[[list[int]], object]) -> None:
        self.name = name
        self._make = make

    def paths(self, task: Task) -> Iterator[Array]:
        """See `Forecaster.paths`."""
        a_day, a_week = DAY_S // task.case.span_s, WEEK_S // task.case.span_s
        for origin in task.origins:
            known = _filled(task.case.values[:origin])
            seasons = [a_day] if task.season == a_day or origin < 2 * a_week else [a_day, a_week]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = self._make(seasons).forecast(y=known, h=task.horizon, level=[95])  # type: ignore[attr-defined]
            yield np.stack([found["mean"], found["lo-95"], found["hi-95"]], axis=1)


def rivals() -> list[Forecaster]:
    """The models of statsforecast; none where the package is not installed."""
    try:
        from statsforecast.models import MSTL, AutoETS  # noqa: PLC0415 - an optional package
    except ImportError:
        return []
    return [
        Statsforecast("MSTL", lambda seasons: MSTL(season_length=seasons, trend_forecaster=AutoETS(model="ZZN"))),
        Statsforecast("AutoETS", lambda seasons: AutoETS(season_length=seasons[0])),
    ]


def _filled(values: Array) -> Array:
    """The values, those that are missing from their neighbours."""
    known = np.isfinite(values)
    return np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])
