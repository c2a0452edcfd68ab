"""All series of one detector: their names, their state, and their way through the learner."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.models.series import calendar, forecasting, learner
from anomalyops_engine.models.series.state import (
    ATOM,
    DETAIL_COLUMNS,
    FORECASTER,
    FORECASTERS,
    HORIZON,
    HORIZONS,
    KNOWN,
    LEVEL,
    RANKS,
    SERIES,
    SLOT,
    SPECIAL_DAYS,
    SPECIAL_SLOTS,
    WINDOW,
    YOUNG,
    FloatArray,
    IntArray,
    SeriesParameters,
    SeriesState,
)


def series_parameters(
    *,
    span_s: int,
    side: int,
    discrete: bool,
    least: float = 0.0,
    learning_buckets: int,
    want_bounds: bool,
    bounds_from: float,
) -> SeriesParameters:
    """The learner's parameters for a bucket span.

    Memories are set in days where the data's rhythm is the day, within limits in buckets, so that very short and
    very long spans still average over enough values.
    """
    a_day = 86_400 / span_s
    # In longer buckets the profile of the day holds that of the hour.
    hour_slots = int(min(3600 // span_s, 60)) if span_s <= 300 else 0
    day_slots = int(min(max(math.ceil(a_day), 1), 288))
    # A week of quarters of an hour; shorter buckets share half hours, and have the finer detail of the day's profile.
    week_slots = int(min(max(math.ceil(7 * a_day), 1), 672 if span_s >= 900 else 336))
    return SeriesParameters(
        span_s=float(span_s),
        side=side,
        discrete=discrete,
        least=least,
        learning=max(learning_buckets, math.ceil(7200 / span_s)),
        hour_slots=hour_slots,
        day_slots=day_slots,
        week_slots=week_slots,
        slow=float(np.clip(2 * a_day, 50, 400)),
        offset=float(np.clip(4 * a_day, 24, 600)),
        hour_memory=48.0,
        day_memory=24.0 * max(a_day / day_slots, 1.0),
        week_memory=8.0 * max(7 * a_day / week_slots, 1.0),
        spread_memory=float(np.clip(14 * a_day, 300, 2000)),
        evidence_decay=1.0 - 1.0 / float(np.clip(7 * a_day, 100, 1000)),
        alarm_memory=float(np.clip(28 * a_day, 1000, 8000)),
        want_bounds=want_bounds,
        bounds_from=bounds_from,
    )


class SeriesBank(KeyedState[SeriesState, SeriesParameters]):
    """The series of one detector, by their split values."""

    def __init__(self, parameters: SeriesParameters) -> None:
        super().__init__(parameters, room=4)

    def _blank(self, n: int) -> SeriesState:
        p = self.parameters
        forecasters = np.zeros((n, FORECASTERS), dtype=FORECASTER)
        forecasters["multi_spread"] = 1.0
        return SeriesState(
            series=np.zeros(n, dtype=SERIES),
            forecasters=forecasters,
            slots=np.zeros((n, p.hour_slots + p.day_slots + p.week_slots), dtype=SLOT),
            ratios=np.ones((n, 2, p.day_slots), dtype=np.float32),
            special=np.zeros((n, SPECIAL_DAYS, SPECIAL_SLOTS), dtype=SLOT),
            levels=np.zeros((n, KNOWN), dtype=LEVEL),
            ring=np.zeros((n, FORECASTERS, WINDOW, 2)),
            histories=np.tile(history.prior(), (n, FORECASTERS, 2, 1, 1)),
            alarms=np.zeros((n, RANKS), dtype=np.float32),
            young=np.zeros((n, YOUNG, 2)),
            horizons=np.zeros((n, ATOM, HORIZONS), dtype=HORIZON),
        )

    def shift(self, rows: IntArray, seconds: int) -> None:
        """Change the clocks by which the seasons of some series are told.

        Args:
            rows: (n,) series positions.
            seconds: By how much; less than zero where clocks go back: what came at noon will come later.
        """
        series = self.state.series
        series["clock_s"][rows] += math.fmod(seconds, 604_800)  # every season is a part of a week
        series["clock_early"][rows] = series["clock_late"][rows] = 0.0

    def advance(self, rows: IntArray, values: FloatArray, *, first_bucket: int, conditions: FloatArray) -> FloatArray:
        """Score and learn a block of buckets.

        Args:
            rows: (n,) series positions.
            values: (n, buckets); NaN where a series has no value.
            first_bucket: Number of the first bucket (its start over the bucket span).
            conditions: When not to learn (`conditions.encode_conditions`).

        Returns:
            (n, buckets, DETAIL_COLUMNS) details; surprise 0 where nothing was scored.
        """
        details = np.zeros((*values.shape, DETAIL_COLUMNS))
        said = calendar.of_buckets(first_bucket, values.shape[1], self.parameters.span_s)
        learner.advance(self.state, self.parameters, rows, values, first_bucket, said, conditions, details)
        return details

    def fork(self, folder: Path | None = None) -> SeriesBank:
        """The same series, with a state of their own: in memory, or in files of a folder."""
        copy = SeriesBank(self.parameters)
        copy.keys, copy._index = list(self.keys), dict(self._index)
        n = len(self.keys)
        if folder is None:
            copy.state = SeriesState._make(array[:n].copy() for array in self.state)
            return copy
        arrays = []
        for name, array in self.state._asdict().items():
            kept = np.lib.format.open_memmap(
                folder / f"{name}.npy", mode="w+", dtype=array.dtype, shape=(max(n, 1), *array.shape[1:])
            )
            kept[:n] = array[:n]
            arrays.append(np.asarray(kept))
        copy.state = SeriesState._make(arrays)
        return copy

    def established(self) -> IntArray:
        """Positions of the series of which enough was seen to forecast them."""
        seen = self.state.series["seen"][: len(self.keys)]
        return np.flatnonzero(seen >= self.parameters.learning).astype(np.int64)

    def forecast(self, row: int, *, first_bucket: int) -> SeriesForecast:
        """A forecast of a series from a bucket on: the one behind the last that was learnt."""
        return SeriesForecast(self, row, first_bucket)


@dataclass(slots=True)
class SeriesForecast:
    """A forecast of one series, as far as it is asked for.

    Attributes:
        bank: The series; their state is read alone.
        row: The position of the series.
        first_bucket: Number of the first bucket: its start over the bucket span.
        done: Buckets that were forecast.
        ended: Whether it went on no farther, because its bounds would be wider than all values that the series has had.
    """

    bank: SeriesBank
    row: int
    first_bucket: int
    done: int = 0
    ended: bool = False
    _error: FloatArray = field(default_factory=lambda: np.zeros(3))

    def extend(self, buckets: int) -> FloatArray:
        """The next buckets, fewer where it ends: (buckets, 3) expected value, lower and upper 95 % bound."""
        state, p = self.bank.state, self.bank.parameters
        path = np.zeros((0 if self.ended else buckets, 3))
        said = calendar.of_buckets(self.first_bucket + self.done, len(path), p.span_s)
        made = forecasting.forecast_series(state, p, self.row, self.first_bucket, self.done, said, self._error, path)
        self.done += made
        self.ended = made < buckets
        return path[:made]
