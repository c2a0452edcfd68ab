"""All entities of one detector of points: their names and their state."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.models.points.learner import (
    COLUMNS,
    PLACES,
    RECORD_COLUMNS,
    PointsParameters,
    PointsState,
    X,
    Y,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""
FINEST_KM, WIDEST_KM = 5.0, 150.0
"""A town, a region."""
FINEST_S, WIDEST_S = 600.0, 5400.0
"""Ten minutes; an hour and a half."""
ROUNDS = 3.0
"""Times that the circle is gone round before anything is told: a place seen once or twice has no width yet."""


def globe(span_s: float) -> PointsParameters:
    """The learner's parameters for places on the globe."""
    return PointsParameters(span_s, FINEST_KM / EARTH_KM, WIDEST_KM / EARTH_KM, 0.0, 0.0)


def circle(span_s: float, length_s: float) -> PointsParameters:
    """The learner's parameters for times of a day or week, of a length in seconds."""
    finest = max(FINEST_S, span_s / 4.0)
    turn = 2.0 * math.pi / length_s
    return PointsParameters(span_s, finest * turn, max(WIDEST_S, finest) * turn, length_s, ROUNDS * length_s)


def directions(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """(m, 3) unit vectors of points on the globe, given in degrees."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def turns(seconds: FloatArray, length_s: float) -> FloatArray:
    """(m, 3) unit vectors, in the plane of the equator, of times on a circle."""
    return directions(np.zeros(len(seconds)), seconds / length_s * 360.0)


def coordinates(direction: FloatArray) -> tuple[float, float]:
    """Latitude and longitude of a unit vector, degrees."""
    x, y, z = direction.tolist()
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


class PointsBank(KeyedState[PointsState, PointsParameters]):
    """The entities of one detector, by their split values; members of a population share one."""

    def __init__(self, parameters: PointsParameters) -> None:
        super().__init__(parameters, room=1)

    def _blank(self, n: int) -> PointsState:
        return PointsState(np.zeros((n, RECORD_COLUMNS)), np.zeros((n, PLACES, COLUMNS)))

    def shift(self, rows: IntArray, seconds: int, length_s: float) -> None:
        """Change the clock by which the usual times of some entities are told.

        Args:
            rows: (n,) positions of entities.
            seconds: By how much; less than zero where clocks go back: what came at noon will come later.
            length_s: Length of the circle that the times are on.
        """
        turn = 2.0 * math.pi * (seconds % length_s) / length_s
        x, y = self.state.places[rows, :, X], self.state.places[rows, :, Y]
        self.state.places[rows, :, X] = x * math.cos(turn) + y * math.sin(turn)
        self.state.places[rows, :, Y] = y * math.cos(turn) - x * math.sin(turn)
