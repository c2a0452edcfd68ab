"""How much memory a job needs, and how long its datafeed must wait for late documents: figures into advice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_NOT_FIELDS: Final = frozenset({"mlcategory"})  # values of these are found by the job and not in the documents
_ROOM: Final = 0.25  # of a delay, for documents that come later than those that were looked at
_LEAST_ROOM_S: Final = 10
_STEP: Final = 2**20  # limits are whole mebibytes


@dataclass(frozen=True, slots=True)
class FieldRoles:
    """The fields of a job by what their number of values means for its memory.

    Attributes:
        splitting: by, over and partition fields: each value over all time has a model.
        influencing: Other influencers: the values within one bucket are held.
    """

    splitting: tuple[str, ...]
    influencing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long after their time documents were ingested, in seconds.

    Attributes:
        p50, p95, p99: Percentiles over the documents looked at.
        documents: How many these were.
    """

    p50: float
    p95: float
    p99: float
    documents: int


def field_roles(analysis: Mapping[str, Any]) -> FieldRoles:
    """The fields of an `analysis_config` of which the number of values is to be known."""
    detectors = analysis.get("detectors") or []
    names = ("by_field_name", "over_field_name", "partition_field_name")
    splitting = dict.fromkeys(detector[name] for detector in detectors for name in names if detector.get(name))
    influencing = dict.fromkeys(name for name in analysis.get("influencers") or [] if name not in splitting)
    return FieldRoles(
        tuple(name for name in splitting if name not in _NOT_FIELDS),
        tuple(name for name in influencing if name not in _NOT_FIELDS),
    )


def latency(seconds: Sequence[float], most: float = math.inf) -> Latency | None:
    """The percentiles of latencies; None where there are none. Documents from the future count as in time.

    Args:
        seconds: From the time of each document to its ingestion.
        most: The longest that may be waited; what came later (a load of old data, an outage of what ships them) says
            nothing about it.
    """
    ordered = sorted(max(0.0, value) for value in seconds if value <= most)
    if not ordered:
        return None

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    return Latency(p50=at(0.5), p95=at(0.95), p99=at(0.99), documents=len(ordered))


def advised_delay(found: Latency) -> int:
    """The query delay, in whole seconds, by which 95 of 100 documents are there, with a quarter of it to spare."""
    return delay_for(found.p95)


def delay_for(seconds: float) -> int:
    """The query delay, in whole seconds, that waits for documents which come so late, with a quarter to spare."""
    return math.ceil(seconds + max(_LEAST_ROOM_S, _ROOM * seconds))


def advised_limit(estimate: int, used: int | None) -> int:
    """The memory limit, in bytes, for a job.

    Args:
        estimate: What the server estimates that it needs.
        used: What it uses now, where it exists: a limit below is refused, and one at it is reached at once.
    """
    least = max(estimate, 0 if used is None else math.ceil(used * (1 + _ROOM)))
    return math.ceil(least / _STEP) * _STEP
