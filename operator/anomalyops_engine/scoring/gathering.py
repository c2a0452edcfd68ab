"""Gathering: what one member of a population does in a bucket is one result, with its by-values as causes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from anomalyops_engine.scoring.detection import Anomaly, Influences

_MOST_TOGETHER = 5
"""Rare values of a member that are pooled, at most."""


def gather_members(anomalies: Sequence[Anomaly]) -> list[Anomaly]:
    """The anomalies, those of one member, bucket and detector as one; they have their influences already."""
    members: dict[tuple[object, ...], list[Anomaly]] = {}
    for number, anomaly in enumerate(anomalies):
        detector = anomaly.detector
        member = (detector.index, anomaly.bucket, anomaly.split(detector.partition), anomaly.split(detector.over))
        members.setdefault(member if detector.over else (number,), []).append(anomaly)
    return [found[0] if len(found) == 1 else _one(found) for found in members.values()]


def _one(causes: list[Anomaly]) -> Anomaly:
    causes.sort(key=lambda cause: (-cause.surprise, cause.key))
    influences: Influences = {}
    for cause in causes:
        for name, values in cause.influences.items():
            known = influences.setdefault(name, {})
            for value, share in values.items():
                known[value] = max(share, known.get(value, 0.0))
    together = _together([cause.surprise for cause in causes], causes[0].shown)
    return replace(causes[0], surprise=together, influences=influences, causes=tuple(causes))


def _together(surprises: list[float], shown: int) -> float:
    """Surprise of several of a member's `shown` values, as `normaliser.pooled_surprise`; the first counts whole."""
    best, log_choose = surprises[0], 0.0
    for k, surprise in enumerate(surprises[: min(_MOST_TOGETHER, shown)], start=1):
        log_choose += math.log10((shown - k + 1) / k)
        best = max(best, k * surprise - log_choose)
    return best
