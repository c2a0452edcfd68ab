"""Interim results: what may be said of a bucket that is not complete."""

from __future__ import annotations

from anomalyops_engine.functions import Later
from anomalyops_engine.scoring.detection import Anomaly
from anomalyops_engine.scoring.results import Result, Results


def is_final_so_far(anomaly: Anomaly) -> bool:
    """Whether the rest of its bucket cannot take an anomaly away just by coming.

    Half a bucket has few events: that they are less than usual says nothing before its end, that they are more does.
    """
    feature = anomaly.detector.function.feature
    match Later.ANYTHING if feature is None else feature.later:
        case Later.RAISE:
            return anomaly.actual >= anomaly.typical
        case Later.LOWER:
            return anomaly.actual <= anomaly.typical
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
