"""All partitions, values and members of one detector of rare values: their names, and their way through the learner."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.models.rare.learner import (
    EVENTS_SEEN,
    LOG_EVENTS,
    PARTITION_COLUMNS,
    THING_COLUMNS,
    RareState,
    ThingState,
)

FloatArray = npt.NDArray[np.float64]
PRIOR_EVENTS = 10.0
"""Appearances that the usual number of events starts with, of a tail that falls with the square."""


class Partitions(KeyedState[RareState, None]):
    """Partitions by their value; the empty key without a partition field."""

    def __init__(self) -> None:
        super().__init__(None, room=1)

    def _blank(self, n: int) -> RareState:
        partitions = np.zeros((n, PARTITION_COLUMNS))
        partitions[:, EVENTS_SEEN] = PRIOR_EVENTS
        partitions[:, LOG_EVENTS] = 0.5 * PRIOR_EVENTS
        return RareState(partitions)


class Things(KeyedState[ThingState, None]):
    """Values by partition and by field, or pairs by partition, by and over field."""

    def __init__(self) -> None:
        super().__init__(None, room=1)

    def _blank(self, n: int) -> ThingState:
        return ThingState(np.zeros((n, THING_COLUMNS)))
