"""All populations of one detector: their names, their state, and their way through the learner."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.models.population.learner import (
    COLUMNS,
    HUGE,
    OUTPUTS,
    SPREAD,
    PopulationParameters,
    PopulationState,
    advance,
)
from anomalyops_engine.models.population.members import COLUMNS as COLUMNS_OF_MEMBERS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def population_parameters(
    *, span_s: int, side: int, discrete: bool, learning_buckets: int, bounds_from: float
) -> PopulationParameters:
    """The learner's parameters for a bucket span."""
    a_day = 86_400 / span_s
    day_slots = int(min(max(math.ceil(a_day), 1), 288))
    return PopulationParameters(
        span_s=float(span_s),
        side=side,
        discrete=discrete,
        learning=max(learning_buckets, math.ceil(7200 / span_s)),
        day_slots=day_slots,
        memory=float(np.clip(2 * a_day, 50, 400)),
        day_memory=14.0 * max(a_day / day_slots, 1.0),
        bounds_from=bounds_from,
    )


class MemberState(NamedTuple):
    """State of all members of a detector: (n, members.COLUMNS)."""

    habits: FloatArray


class MemberBank(KeyedState[MemberState, None]):
    """The members of all populations of one detector, by their split values and name."""

    def __init__(self) -> None:
        super().__init__(None, room=1)

    def _blank(self, n: int) -> MemberState:
        return MemberState(np.zeros((n, COLUMNS_OF_MEMBERS)))


class PopulationBank(KeyedState[PopulationState, PopulationParameters]):
    """The populations of one detector, by their split values."""

    def __init__(self, parameters: PopulationParameters) -> None:
        super().__init__(parameters, room=1)

    def _blank(self, n: int) -> PopulationState:
        p = self.parameters
        scalars = np.zeros((n, COLUMNS))
        if p.discrete:
            scalars[:, SPREAD] = 1.0
        return PopulationState(
            scalars=scalars,
            day=np.zeros((n, p.day_slots)),
            day_n=np.zeros((n, p.day_slots), dtype=np.float32),
            histories=np.tile(history.prior(), (n, 1, 1)),
            own_histories=np.tile(history.prior(), (n, 1, 1)),
        )

    def shift(self, rows: IntArray, seconds: int) -> None:
        """Change the clock by which the day's profile of some populations is told, to whole slots of it.

        Args:
            rows: (n,) positions of populations.
            seconds: By how much; less than zero where clocks go back.
        """
        slots = -round(seconds * self.parameters.day_slots / 86_400)
        for profile in (self.state.day, self.state.day_n):
            profile[rows] = np.roll(profile[rows], slots, axis=1)

    def advance(
        self,
        rows: IntArray,
        buckets: IntArray,
        values: FloatArray,
        *,
        first_bucket: int,
        conditions: FloatArray,
        ends: IntArray,
        kinds: IntArray,
        members: MemberBank,
        names: IntArray,
    ) -> FloatArray:
        """Score and learn members' values, sorted by population, then bucket; see `learner.advance`.

        Args:
            rows: (m,) each value's population.
            buckets: (m,) each value's bucket, by position.
            values: (m,) values, finite.
            first_bucket: Number of the first bucket: its start over the bucket span.
            conditions: By kind of member: when not to learn (`conditions.encode_kinds`).
            ends: The same.
            kinds: (m,) each value's kind.
            members: What is known of members; changed in place.
            names: (m,) each value's member; -1 for one that is not remembered.

        Returns:
            (m, OUTPUTS); surprise 0 where nothing was scored.
        """
        out = np.zeros((len(values), OUTPUTS))
        advance(
            self.state,
            self.parameters,
            rows,
            buckets,
            np.clip(values, -HUGE, HUGE),
            first_bucket,
            conditions,
            ends,
            kinds,
            members.state.habits,
            names,
            out,
        )
        return out
