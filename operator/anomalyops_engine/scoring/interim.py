"""Interim results: what may be said of a bucket that is not complete."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anomalyops_engine.features.extract import Values
from anomalyops_engine.functions import Later
from anomalyops_engine.scoring.detection import Anomaly
from anomalyops_engine.scoring.results import Result, Results

_Cell = tuple[int, int, tuple[str, ...]]
"""Detector, bucket and key."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far the buckets of a stretch are known.

    Half a bucket has few events: that they are less than usual says nothing before its end, that they are more does.
    A mean of half of the documents has twice the variance of one of all of them. Where such a value strays, the
    stretch is looked at once more with as much of its deviation as is as improbable in a whole bucket: the root of the
    share that is seen.

    Attributes:
        start_ms: Start of the stretch.
        span_ms: Bucket length.
        reach_ms: Up to where its documents are there.
        strayed: Averages that strayed at first sight, with what they were and what was expected.
    """

    start_ms: int
    span_ms: int
    reach_ms: int
    strayed: dict[_Cell, tuple[float | int, float]] = field(default_factory=dict)

    def seen(self, bucket: int) -> float:
        """How much of a bucket's time is known, 0 to 1."""
        return min(max((self.reach_ms - self.start_ms) / self.span_ms - bucket, 0.0), 1.0)

    @property
    def again(self) -> bool:
        """Whether to look once more, what strayed being known."""
        return bool(self.strayed)

    def values(self, index: int, values: Values) -> Values:
        """A detector's values, those that strayed with the share of their deviation that counts."""
        mine = {(bucket, key): cell for (number, bucket, key), cell in self.strayed.items() if number == index}
        if not mine:
            return values
        value, digits = values.value.copy(), None if values.digits is None else values.digits.copy()
        for row in np.flatnonzero(np.isin(values.bucket, [bucket for bucket, _ in mine])).tolist():
            bucket = int(values.bucket[row])
            cell = mine.get((bucket, values.keys[values.key[row]]))
            if cell is not None:
                actual, typical = cell
                value[row] = typical + (actual - typical) * math.sqrt(self.seen(bucket))
                if digits is not None:
                    digits[row] = 0
        return replace(values, value=value, digits=digits)

    def standing(self, anomalies: Sequence[Anomaly]) -> list[Anomaly]:
        """The anomalies that the rest of their bucket does not take away just by coming, with what they are so far."""
        return [anomaly for anomaly in anomalies if self._stands(anomaly)]

    def _stands(self, anomaly: Anomaly) -> bool:
        feature = anomaly.detector.function.feature
        match Later.ANYTHING if feature is None else feature.later:
            case Later.RAISE:
                return anomaly.actual >= anomaly.typical
            case Later.LOWER:
                return anomaly.actual <= anomaly.typical
            case Later.AVERAGE if self.seen(anomaly.bucket) < 1.0:
                cell = (anomaly.detector.index, anomaly.bucket, anomaly.key)
                anomaly.actual, _ = self.strayed.setdefault(cell, (anomaly.actual, anomaly.typical))
        return True


def as_interim(results: Results) -> Results:
    """The results of buckets that are not complete, as documents: marked, and without what only final results bring."""
    for name, frame in results.frames:
        if name != "model_plot":
            results.found.setdefault(name, []).extend(map(Result, frame.ids, frame.documents()))
    results.frames, results.renormalised, results.changes = [], [], []
    for found in results.found.values():
        for result in found:
            result.body["is_interim"] = True
            for influencer in result.body.get("bucket_influencers", ()):
                influencer["is_interim"] = True
    return results
