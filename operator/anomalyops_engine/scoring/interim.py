"""Interim results: what may be said of a bucket that is not complete."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.scoring.detection import Anomaly
from anomalyops_engine.scoring.results import Result, Results

# What further documents of a bucket can only raise, and what they can only lower.
_GROWING: Final = frozenset({"count", "non_zero_count", "distinct_count", "sum", "non_null_sum", "info_content", "max"})
_FALLING: Final = frozenset({"min"})


def is_final_so_far(anomaly: Anomaly) -> bool:
    """Whether the rest of its bucket cannot take an anomaly away just by coming.

    Half a bucket has few events: that they are less than usual says nothing before its end, that they are more does.
    """
    name = anomaly.detector.function.name
    if name in _GROWING:
        return anomaly.actual > anomaly.typical
    return anomaly.actual < anomaly.typical if name in _FALLING else True


def as_interim(results: Results) -> Results:
    """The results of buckets that are not complete, as documents: marked, and without what only final results bring."""
    for name, frame in results.frames:
        if name != "model_plot":
            results.found.setdefault(name, []).extend(map(Result, frame.ids, frame.documents()))
    results.frames, results.renormalised = [], []
    for found in results.found.values():
        for result in found:
            result.body["is_interim"] = True
            for influencer in result.body.get("bucket_influencers", ()):
                influencer["is_interim"] = True
    return results
