"""The learner of points on a circle or the globe: usual places, and what lies off them.

An entity has up to PLACES places, each a mean direction with a spread and a count (an online mixture; Fisher 1953 for
means of directions). A point near a place is a visit to it, as surprising as that place is rare; a point far from all
is as surprising as that is among this entity's points (`kernel.rarity`), and the more the further it is. Times of the
day or week are points of a circle, in the plane of the equator, so that midnight is no edge.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import rarity
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.conditions import matches_kind

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PLACES = 64
X, Y, Z, COUNT, SQUARE, FIRST, LAST = range(7)
"""Columns of a place: mean direction, points, mean square of their distance (radians), first and last bucket."""
COLUMNS = 7
SINCE_S = rarity.COLUMNS
"""Column of records behind those of `rarity`: start of the first bucket with a point, epoch seconds."""
FAR = rarity.COLUMNS + 1
"""Column of records: mean distance of points far from all places from the edge of the nearest, in its deviations."""
FAR_COUNT = rarity.COLUMNS + 2
"""Column of records: points behind that."""
RECORD_COLUMNS = rarity.COLUMNS + 3
SURPRISE, TYPICAL_X, TYPICAL_Y, TYPICAL_Z, KNOWN = range(5)
"""Columns of the output; KNOWN is how often the place was visited before, 0 for a point far from all."""
OUTPUTS = 5
NEAR = 3.0
"""Standard deviations up to which a point is at a place."""
EDGE = 2.0
"""Widest spreads from which a point is at no place: a law that is even over a range ends at 1.7 of its deviations."""
STEEP = 1.25 / (2.0 * math.log(10.0))
"""Surprise of a distance, in squares of standard deviations: a little more than that of a normal law in the plane,
since the times and places of people have edges."""
USUALLY_FAR = 1.0
"""How far a point lies beyond the edge where nothing is known of such points; weighs as much as USUAL of them."""
MOST_FOR_DISTANCE = 3.0
"""Surprise that a distance adds at most to that of being far from all."""
VOUCHED = 50.0
"""Buckets with points that vouch for a surprise of 1 by distance."""
SETTLED = 200.0
"""Points that a place's mean and spread remember."""
USUAL = 3.0
"""Visits that make a place one to compare with."""


class PointsState(NamedTuple):
    """State of the entities of a detector.

    Attributes:
        records: (n, RECORD_COLUMNS).
        places: (n, PLACES, COLUMNS); those with COUNT 0 are free.
    """

    records: FloatArray
    places: FloatArray


class PointsParameters(NamedTuple):
    """What the learner needs to know of a detector.

    Attributes:
        span_s: Bucket length, seconds.
        finest: Spread that any place has at least, radians.
        widest: Spread that none exceeds, radians: what is usual everywhere has many places.
        settle_s: Time before it counts what is new: until the circle was gone round once, all is.
        silent_s: Time before anything is told.
    """

    span_s: float
    finest: float
    widest: float
    settle_s: float
    silent_s: float


@kernel
def _distance(place: FloatArray, x: float, y: float, z: float) -> float:
    """The angle between two directions, exact for small ones too."""
    square = (place[X] - x) ** 2 + (place[Y] - y) ** 2 + (place[Z] - z) ** 2
    return float(2.0 * math.asin(min(0.5 * math.sqrt(square), 1.0)))


@kernel
def _spread(place: FloatArray, p: PointsParameters) -> float:
    """Standard deviation of a place's points, wider while there are few."""
    return float(math.sqrt((p.finest * p.finest + place[SQUARE]) * (1.0 + 3.0 / max(place[COUNT], 1.0))))


@kernel
def _is_at(place: FloatArray, p: PointsParameters, deviation: float) -> bool:
    """Whether a point is at a place: within its spread, and not beyond the edge of what is as wide as can be."""
    return bool(deviation <= NEAR and deviation * _spread(place, p) <= EDGE * p.widest)


@kernel
def _edge(place: FloatArray, p: PointsParameters) -> float:
    """Standard deviations at which a place ends."""
    return float(min(NEAR, EDGE * p.widest / _spread(place, p)))


@kernel
def _beyond(record: FloatArray, excess: float) -> float:
    """Surprise that a point far from all places lies as far out, among such points.

    What lies beyond a threshold is about exponential (Pickands 1975), with the mean that this entity's had.
    """
    n = record[FAR_COUNT]
    mean = (USUAL * USUALLY_FAR + n * record[FAR]) / (USUAL + n)
    most = min(record[rarity.BUCKETS] / VOUCHED, MOST_FOR_DISTANCE)
    return float(min(max(excess, 0.0) / (mean * math.log(10.0)), most))


@kernel
def _note_beyond(record: FloatArray, excess: float) -> None:
    """Learn how far out a point lies; one value at most doubles the mean."""
    n = record[FAR_COUNT]
    mean = (USUAL * USUALLY_FAR + n * record[FAR]) / (USUAL + n)
    record[FAR] += (min(excess, (n + USUAL) * mean) - record[FAR]) / (n + 1.0)
    record[FAR_COUNT] = min(n + 1.0, SETTLED)


@kernel
def _nearest(places: FloatArray, p: PointsParameters, x: float, y: float, z: float) -> tuple[int, float]:
    """The place that a point is nearest to in its standard deviations, and how many; -1 when there is none."""
    best, least = -1, np.inf
    for k in range(PLACES):
        if places[k, COUNT] > 0.0:
            deviation = _distance(places[k], x, y, z) / _spread(places[k], p)
            if deviation < least:
                best, least = k, deviation
    return best, least


@kernel
def _usual(places: FloatArray, x: float, y: float, z: float) -> int:
    """The nearest place of those visited more than now and then."""
    best, least = 0, np.inf
    for k in range(PLACES):
        distance = _distance(places[k], x, y, z)
        # Where nothing is usual yet, what is there must do.
        distance += 0.0 if places[k, COUNT] >= USUAL else 10.0 if places[k, COUNT] > 0.0 else 100.0
        if distance < least:
            best, least = k, distance
    return best


@kernel
def _judge(
    record: FloatArray, places: FloatArray, p: PointsParameters, point: FloatArray, members: float, out: FloatArray
) -> int:
    """Score a point; the class of where it is."""
    x, y, z = point[0], point[1], point[2]
    now = record[rarity.BUCKETS]
    at, deviation = _nearest(places, p, x, y, z)
    out[TYPICAL_X], out[TYPICAL_Y], out[TYPICAL_Z] = x, y, z
    if at < 0:
        return 0
    usual = places[_usual(places, x, y, z)]
    out[TYPICAL_X], out[TYPICAL_Y], out[TYPICAL_Z] = usual[X], usual[Y], usual[Z]
    if _is_at(places[at], p, deviation):
        count = rarity.seen_lately(places[at, COUNT], places[at, LAST], now)
        of = rarity.kind(count)
        out[KNOWN] = count
        rate = rarity.own_rate(count, places[at, FIRST], now)
        # A young place has not shown yet how wide it is.
        away = _distance(usual, x, y, z) / _spread(usual, p)
        out[SURPRISE] = min(rarity.surprise(record, of, rate, members, rarity.DECISIVE), STEEP * away * away)
        return of
    excess = deviation - _edge(places[at], p)
    seldom = rarity.surprise(record, 0, 0.0, members, rarity.DECISIVE)
    out[SURPRISE] = min(seldom + _beyond(record, excess) if seldom > 0.0 else 0.0, STEEP * deviation * deviation)
    _note_beyond(record, excess)
    return 0


@kernel
def _turn(place: FloatArray, x: float, y: float, z: float, rate: float) -> None:
    """Move a place's mean direction towards a point."""
    place[X] += rate * (x - place[X])
    place[Y] += rate * (y - place[Y])
    place[Z] += rate * (z - place[Z])
    length = math.sqrt(place[X] ** 2 + place[Y] ** 2 + place[Z] ** 2)
    if length < 1e-9:
        place[X], place[Y], place[Z] = x, y, z
        return
    place[X], place[Y], place[Z] = place[X] / length, place[Y] / length, place[Z] / length


@kernel
def _merge(places: FloatArray, left: int, right: int) -> None:
    """Make one place of two."""
    one, other = places[left], places[right]
    total = one[COUNT] + other[COUNT]
    share = other[COUNT] / total
    apart = _distance(one, other[X], other[Y], other[Z])
    one[SQUARE] = (1.0 - share) * one[SQUARE] + share * other[SQUARE] + share * (1.0 - share) * apart * apart
    _turn(one, other[X], other[Y], other[Z], share)
    one[COUNT] = total
    one[FIRST] = min(one[FIRST], other[FIRST])
    one[LAST] = max(one[LAST], other[LAST])
    other[:] = 0.0


@kernel
def _tidy(places: FloatArray, p: PointsParameters, at: int) -> None:
    """Join a place with another one that it cannot be told from, if they fit into one."""
    for k in range(PLACES):
        if k == at or places[k, COUNT] == 0.0:
            continue
        apart = _distance(places[at], places[k, X], places[k, Y], places[k, Z])
        share = places[k, COUNT] / (places[k, COUNT] + places[at, COUNT])
        square = (1.0 - share) * places[at, SQUARE] + share * places[k, SQUARE] + share * (1.0 - share) * apart * apart
        # Two normal laws have one peak when they are no more than two deviations apart (Behboodian 1970).
        if apart < _spread(places[at], p) + _spread(places[k], p) and square <= p.widest * p.widest:
            _merge(places, min(at, k), max(at, k))
            return


@kernel
def _room(places: FloatArray, now: float) -> int:
    """A free place; the one that is remembered least gives way."""
    least, weight = 0, np.inf
    for k in range(PLACES):
        remembered = 0.0
        if places[k, COUNT] > 0.0:
            remembered = rarity.seen_lately(places[k, COUNT], places[k, LAST], now)
        if remembered < weight:
            least, weight = k, remembered
    return least


@kernel
def _learn(places: FloatArray, p: PointsParameters, point: FloatArray, now: float) -> None:
    """Let an entity learn a point."""
    x, y, z = point[0], point[1], point[2]
    at, deviation = _nearest(places, p, x, y, z)
    if at < 0 or not _is_at(places[at], p, deviation):
        at = _room(places, now)
        places[at] = 0.0
        places[at, X], places[at, Y], places[at, Z] = x, y, z
        places[at, COUNT], places[at, FIRST], places[at, LAST] = 1.0, now, now
    else:
        place = places[at]
        count = rarity.seen_lately(place[COUNT], place[LAST], now) + 1.0
        rate = 1.0 / min(count, SETTLED)
        distance = _distance(place, x, y, z)
        place[SQUARE] += rate * (distance * distance - place[SQUARE])
        place[SQUARE] = min(place[SQUARE], p.widest * p.widest)
        _turn(place, x, y, z, rate)
        place[COUNT], place[LAST] = count, now
    _tidy(places, p, at)


@kernel
def advance(
    records: FloatArray,
    places: FloatArray,
    p: PointsParameters,
    rows: IntArray,
    buckets: IntArray,
    points: FloatArray,
    shown: FloatArray,
    members: FloatArray,
    conditions: FloatArray,
    ends: IntArray,
    kinds: IntArray,
    out: FloatArray,
) -> None:
    """Score and learn a stretch of points.

    Args:
        records: State of all entities, changed in place.
        places: The same.
        p: PointsParameters.
        rows: (m,) each point's entity; points are sorted by entity, then bucket.
        buckets: (m,) number of each one's bucket: its start over the bucket span.
        points: (m, 3) directions, of length 1.
        shown: (m,) what conditions of rules call a point's actual value.
        members: (m,) members that its entity has in its bucket; 1 without a population.
        conditions: Conditions under which a point is not learnt (`conditions.encode_kinds`).
        ends: The same.
        kinds: (m,) each one's kind.
        out: (m, OUTPUTS), output.
    """
    appeared = np.zeros(rarity.CLASSES)
    begin = 0
    while begin < rows.shape[0]:
        end = begin + 1
        while end < rows.shape[0] and rows[end] == rows[begin] and buckets[end] == buckets[begin]:
            end += 1
        record, mine = records[rows[begin]], places[rows[begin]]
        appeared[:] = 0.0
        loudest = 0.0
        if record[rarity.BUCKETS] == 0.0:
            record[SINCE_S] = buckets[begin] * p.span_s
        age_s = buckets[begin] * p.span_s - record[SINCE_S]
        for k in range(begin, end):
            of = _judge(record, mine, p, points[k], members[begin], out[k])
            if age_s >= p.settle_s:
                appeared[of] += 1.0
            if age_s < p.silent_s:
                out[k, SURPRISE] = 0.0
            loudest = max(loudest, out[k, SURPRISE])
        now = record[rarity.BUCKETS]
        for k in range(begin, end):
            if not matches_kind(conditions, ends, kinds[k], shown[k], shown[k], buckets[k] * p.span_s):
                _learn(mine, p, points[k], now)
        rarity.note(record, appeared, members[begin], loudest)
        begin = end
