"""How far a pair is: ready, at work or in need of a person, and how much of a lookback is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from anomalyops.plan import Observed
from anomalyops.reconciler import Pair
from anomalyops.resources import (
    AnomalyJobStatus,
    AnyResource,
    Condition,
    ConditionStatus,
    ConditionType,
    DatafeedStatus,
    find_condition,
    parse_time,
)


class Verdict(StrEnum):
    """How a pair stands."""

    READY = "ready"
    WORKING = "working"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a pair is.

    Attributes:
        pair: With the present statuses.
        verdict: Whether there is anything left to wait for.
        message: What it waits for or what is wrong, in words; empty when ready.
        processed: Records that the job has analysed.
        reached: Time of the latest record that it has analysed.
        fraction: Of the lookback, 0 to 1; None when its range is not known (yet).
    """

    pair: Pair
    verdict: Verdict
    message: str = ""
    processed: int = 0
    reached: datetime | None = None
    fraction: float | None = None


def with_statuses(pair: Pair, job: AnomalyJobStatus | None, datafeed: DatafeedStatus | None) -> Pair:
    """The pair with these statuses; None keeps what is there."""
    return Pair(
        job=pair.job.model_copy(update={"status": job}) if pair.job is not None and job is not None else pair.job,
        datafeed=pair.datafeed.model_copy(update={"status": datafeed})
        if pair.datafeed is not None and datafeed is not None
        else pair.datafeed,
    )


def measure(pair: Pair, observed: Observed | None) -> Progress:
    """How far the pair is, from its statuses and the server's counters."""
    verdict, message = verdict_of(pair)
    counts = _data_counts(observed)
    reached = _time(counts.get("latest_record_timestamp"))
    return Progress(
        pair=pair,
        verdict=verdict,
        message=message,
        processed=int(counts.get("processed_record_count", 0)),
        reached=reached,
        fraction=_fraction(pair, counts, reached),
    )


def verdict_of(pair: Pair) -> tuple[Verdict, str]:
    """Whether the pair is ready, and if not why not. A stuck resource decides, then one that is at work."""
    if pair.job is None:
        return Verdict.STUCK, f"Datafeed: AnomalyJob {pair.job_name!r} is not in the files"
    return verdict_of_resources(pair.resources)


def verdict_of_resources(resources: Iterable[AnyResource]) -> tuple[Verdict, str]:
    """Whether resources that belong together are ready, and if not why not."""
    messages = {Verdict.STUCK: "", Verdict.WORKING: ""}
    for resource in resources:
        ready = condition(resource, ConditionType.READY)
        stalled = condition(resource, ConditionType.STALLED)
        if stalled is not None and stalled.status is ConditionStatus.TRUE:
            messages[Verdict.STUCK] = messages[Verdict.STUCK] or _words(resource, stalled)
        elif ready is None or ready.status is not ConditionStatus.TRUE:
            messages[Verdict.WORKING] = _words(resource, ready)
    for verdict, message in messages.items():
        if message:
            return verdict, message
    return Verdict.READY, ""


def condition(resource: AnyResource, kind: ConditionType) -> Condition | None:
    """The condition of that type in the resource's status."""
    return find_condition(resource.status.conditions, kind) if resource.status is not None else None


def _words(resource: AnyResource, found: Condition | None) -> str:
    if found is None:
        return f"{resource.kind}: not looked at yet"
    return f"{resource.kind}: {found.reason}: {found.message}" if found.message else f"{resource.kind}: {found.reason}"


def _data_counts(observed: Observed | None) -> Mapping[str, Any]:
    if observed is None or observed.job is None:
        return {}
    counts: Mapping[str, Any] = observed.job.stats.get("data_counts", {})
    return counts


def _fraction(pair: Pair, counts: Mapping[str, Any], reached: datetime | None) -> float | None:
    spec = pair.datafeed.spec if pair.datafeed is not None else None
    end = _point(spec.end) if spec is not None else None
    start = _point(spec.start) if spec is not None else None
    start = start or _time(counts.get("earliest_record_timestamp"))
    if end is None or start is None or reached is None or end <= start:
        return None
    return min(max((reached - start) / (end - start), 0.0), 1.0)


def _point(text: str | None) -> datetime | None:
    """A time of a manifest; None for `now`, which only the server knows."""
    return None if text is None or text == "now" else _time(parse_time(text))


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
