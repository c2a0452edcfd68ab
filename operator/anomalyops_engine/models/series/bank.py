"""All series of one detector: their names, their state, and their way through the learner."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.models.series import learner as series
from anomalyops_engine.models.series.learner import SeriesParameters, SeriesState

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def series_parameters(
    *, span_s: int, side: int, discrete: bool, learning_buckets: int, want_bounds: bool, bounds_from: float
) -> SeriesParameters:
    """The learner's parameters for a bucket span.

    Memories are set in days where the data's rhythm is the day, within limits in buckets, so that very short and
    very long spans still average over enough values.
    """
    a_day = 86_400 / span_s
    day_slots = int(min(max(math.ceil(a_day), 1), 288))
    week_slots = int(min(max(math.ceil(7 * a_day), 1), 336))
    return SeriesParameters(
        span_s=float(span_s),
        side=side,
        discrete=discrete,
        learning=max(learning_buckets, math.ceil(7200 / span_s)),
        day_slots=day_slots,
        week_slots=week_slots,
        slow=float(np.clip(2 * a_day, 50, 400)),
        offset=float(np.clip(4 * a_day, 24, 600)),
        day_memory=24.0 * max(a_day / day_slots, 1.0),
        week_memory=8.0 * max(7 * a_day / week_slots, 1.0),
        spread_memory=float(np.clip(14 * a_day, 300, 2000)),
        evidence_decay=1.0 - 1.0 / float(np.clip(7 * a_day, 100, 1000)),
        shift_run=int(np.clip(1.5 * a_day, 16, 48)),
        want_bounds=want_bounds,
        bounds_from=bounds_from,
    )


class SeriesBank(KeyedState[SeriesState, SeriesParameters]):
    """The series of one detector, by their split values."""

    def __init__(self, parameters: SeriesParameters) -> None:
        super().__init__(parameters, room=4)

    def _blank(self, n: int) -> SeriesState:
        p = self.parameters
        experts = np.zeros((n, series.EXPERTS, series.EXPERT_COLUMNS))
        experts[:, :, series.MULTI_SPREAD] = 1.0
        if p.discrete:
            # Counts are Poisson until they have shown otherwise.
            experts[:, :2, series.SPREAD] = 1.0
            experts[:, :2, series.SPREAD_N] = 10.0
        return SeriesState(
            series=np.zeros((n, series.SERIES_COLUMNS)),
            experts=experts,
            day=np.zeros((n, p.day_slots)),
            day_n=np.zeros((n, p.day_slots), dtype=np.float32),
            day_ratio=np.ones((n, 2, p.day_slots), dtype=np.float32),
            week=np.zeros((n, p.week_slots)),
            week_n=np.zeros((n, p.week_slots), dtype=np.float32),
            ring=np.zeros((n, series.EXPERTS, series.WINDOW, 2)),
            histories=np.tile(history.prior(), (n, series.EXPERTS, 2, 1, 1)),
        )

    def advance(self, rows: IntArray, values: FloatArray, *, first_bucket: int, conditions: FloatArray) -> FloatArray:
        """Score and learn a block of buckets.

        Args:
            rows: (n,) series positions.
            values: (n, buckets); NaN where a series has no value.
            first_bucket: Number of the first bucket (its start over the bucket span).
            conditions: When not to learn (`rules.encode_conditions`).

        Returns:
            (n, buckets, series.DETAIL_COLUMNS) details; surprise 0 where nothing was scored.
        """
        details = np.zeros((*values.shape, series.DETAIL_COLUMNS))
        series.advance(self.state, self.parameters, rows, values, first_bucket, conditions, details)
        return details
