"""Result documents, in the shape that the results API and the results indices have."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.scoring.detection import Anomaly
from anomalyops_engine.scoring.step import Document, Stamp, Step
from anomalyops_engine.store import Frame

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


_MOST_CAUSES = 10


def series_digest(key: tuple[str, ...]) -> str:
    """A short name of a series for document ids; different keys have different ones, whatever their values hold."""
    return blake2b("\0".join(key).encode(), digest_size=9).hexdigest() if key else ""


def probability(surprise: float) -> float:
    """The probability of a surprise."""
    return float(10.0 ** -min(surprise, 307.0))


def bucket_document(stamp: Stamp, events: int) -> Document:
    """A bucket, before anything is found in it."""
    return stamp.head("bucket") | {
        "anomaly_score": 0.0,
        "initial_anomaly_score": 0.0,
        "event_count": events,
        "processing_time_ms": 0,
        "bucket_influencers": [],
    }


def quiet_buckets(step: Step, positions: IntArray, events: IntArray) -> Frame:
    """The buckets at some positions, in which nothing is found."""
    times = step.times(positions)
    before, after = step.id_parts("bucket")
    ids = [f"{before}{time}{after}" for time in times.tolist()]
    return Frame(ids, {**bucket_document(step.stamp(0), 0), "timestamp": times, "event_count": events[positions]})


def record_document(stamp: Stamp, anomaly: Anomaly, score: float) -> Document:
    """A record.

    `multi_bucket_impact` is -5 for purely single-bucket to +5 for purely multi-bucket anomalies; a step of T means that
    the multi-bucket probability is 1000^(T/5) times smaller.
    """
    detector = anomaly.detector
    document = stamp.head("record") | {
        "detector_index": detector.index,
        "function": detector.name,
        "function_description": detector.function.description,
        "probability": probability(anomaly.surprise),
        "multi_bucket_impact": float(np.clip(5.0 / 3.0 * (anomaly.multi - anomaly.single), -5.0, 5.0)),
        "record_score": score,
        "initial_record_score": score,
    }
    if detector.field_name:
        document["field_name"] = detector.field_name
    document |= split_fields(detector, anomaly.key)
    if detector.is_population:
        document["causes"] = [_cause(cause) for cause in (anomaly.causes or (anomaly,))[:_MOST_CAUSES]]
        document.pop("by_field_value", None)
    else:
        document |= _actual_and_typical(anomaly)
    document["anomaly_score_explanation"] = _explanation(anomaly)
    influences = _influencer_list(anomaly)
    if influences:
        document["influencers"] = influences
    return document | copies(document, influences)


def split_fields(detector: ResolvedDetector, key: tuple[str, ...]) -> Document:
    """`partition_field_name`, `partition_field_value` and the like of a series."""
    names = [
        (kind, name)
        for kind, name in (("partition", detector.partition), ("by", detector.by), ("over", detector.over))
        if name is not None
    ]
    document: Document = {}
    for (kind, name), value in zip(names, key, strict=False):
        document |= {f"{kind}_field_name": name, f"{kind}_field_value": value}
    return document


def copies(document: Mapping[str, Any], influences: list[Document]) -> Document:
    """The analysis fields of a record as top-level lists, so that results can be searched by them."""
    found: dict[str, list[str]] = {}
    for kind in ("partition", "by", "over"):
        name = document.get(f"{kind}_field_name")
        value = document.get(f"{kind}_field_value")
        if name and value is not None:
            found[name] = [value]
    for entry in influences:
        values = found.setdefault(entry["influencer_field_name"], [])
        values += [value for value in entry["influencer_field_values"] if value not in values]
    return {name: values for name, values in found.items() if name not in document}


def _influencer_list(anomaly: Anomaly) -> list[Document]:
    return [
        {"influencer_field_name": name, "influencer_field_values": list(values)}
        for name, values in anomaly.influences.items()
        if values
    ]


def _cause(anomaly: Anomaly) -> Document:
    detector = anomaly.detector
    cause: Document = {
        "probability": probability(anomaly.surprise),
        "function": detector.name,
        "function_description": detector.function.description,
        **_actual_and_typical(anomaly),
    }
    if detector.field_name:
        cause["field_name"] = detector.field_name
    cause |= split_fields(detector, anomaly.key)
    influences = _influencer_list(anomaly)
    if influences:
        cause["influencers"] = influences
    return cause


def _actual_and_typical(anomaly: Anomaly) -> Document:
    """`actual` and `typical`; of points on the globe latitude and longitude, and both as points."""
    if anomaly.point is None:
        return {"actual": [anomaly.actual], "typical": [anomaly.typical]}
    actual, typical = anomaly.point
    points = {"actual_point": _point(actual), "typical_point": _point(typical)}
    return {"actual": list(actual), "typical": list(typical), "geo_results": points}


def _point(place: tuple[float, float]) -> str:
    """A point as the mapping of results reads it."""
    return ",".join(format(coordinate, ".12f") for coordinate in place)


def _explanation(anomaly: Anomaly) -> Document:
    """Why the score is what it is; impacts grow with minus log10 of the respective probability."""
    explanation: Document = {
        "anomaly_type": "spike" if anomaly.actual >= anomaly.typical else "dip",
        "anomaly_length": anomaly.length,
        "single_bucket_impact": int(anomaly.single),
        "multi_bucket_impact": int(anomaly.multi),
        "lower_confidence_bound": anomaly.lower,
        "typical_value": anomaly.typical,
        "upper_confidence_bound": anomaly.upper,
        "high_variance_penalty": anomaly.noisy,
        "by_field_first_occurrence": anomaly.first,
        "by_field_relative_rarity": anomaly.relative,
    }
    if anomaly.lower is None:
        del explanation["anomaly_type"], explanation["lower_confidence_bound"], explanation["upper_confidence_bound"]
    return {name: value for name, value in explanation.items() if value or name.endswith(("bound", "value"))}


def influencer_document(stamp: Stamp, name: str, value: str, surprise: float, score: float) -> Document:
    """An influencer."""
    document = stamp.head("influencer") | {
        "influencer_field_name": name,
        "influencer_field_value": value,
        "influencer_score": score,
        "initial_influencer_score": score,
        "probability": probability(surprise),
    }
    return document if name in document else document | {name: value}


def bucket_influencer(stamp: Stamp, name: str, surprise: float, score: float) -> Document:
    """An entry of a bucket's `bucket_influencers`."""
    return stamp.head("bucket_influencer") | {
        "influencer_field_name": name,
        "anomaly_score": score,
        "initial_anomaly_score": score,
        "raw_anomaly_score": surprise,
        "probability": probability(surprise),
    }
