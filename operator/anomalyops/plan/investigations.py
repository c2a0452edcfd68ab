"""When an Investigation begins and ends, and which episodes of a job's anomalies one begins for. Pure.

An episode is a run of buckets whose score, when it was found, reached `minScore`, in which no pause is as long as
`coolDown`. It is computed from the server's results alone, whatever was seen before, and the score that a bucket was
found with never changes: so any look, by any process, finds the same episodes, and gives them the same names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from anomalyops.resources import (
    API_VERSION,
    EPISODE_ANNOTATION,
    TRIGGER_LABEL,
    AnomalyJob,
    Investigation,
    InvestigationTrigger,
    parse_duration,
)

REACH: Final = timedelta(days=1)
"""How long ago an episode may have begun that one is made for: an operator that was away for a night is forgiven."""

_READABLE: Final = 40  # characters of a name that come from the job's


class Phase(StrEnum):
    """What an Investigation is to do now."""

    WAIT = "wait"  # until its window is over
    RUN = "run"
    KEEP = "keep"  # it has finished
    DELETE = "delete"  # it was kept long enough


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be done, and when it changes by itself.

    Attributes:
        phase: What.
        until: When another phase begins; None for never.
    """

    phase: Phase
    until: datetime | None = None


def next_move(one: Investigation, now: datetime) -> Move:
    """What an Investigation is to do."""
    done = one.status.completion_time if one.status is not None else None
    if done is not None:
        expires = expiry(one, done)
        if expires is None:
            return Move(Phase.KEEP)
        return Move(Phase.KEEP, expires) if now < expires else Move(Phase.DELETE)
    end = one.window.end
    return Move(Phase.WAIT, end) if now < end else Move(Phase.RUN)


def expiry(one: Investigation, completed: datetime) -> datetime | None:
    """When a finished one is deleted; None for never."""
    kept = one.spec.ttl_after_finished
    return None if kept is None else completed + _length(kept)


def episodes(buckets: Iterable[datetime], trigger: InvestigationTrigger, *, now: datetime) -> list[datetime]:
    """The beginnings of the episodes of the last day, the earliest first.

    Args:
        buckets: The starts of the buckets of one job that reach its `minScore`, as far back as `horizon`.
        trigger: What separates episodes.
        now: The time.
    """
    pause, begin = _length(trigger.cool_down), now - REACH
    found: list[datetime] = []
    before: datetime | None = None
    for at in sorted(set(buckets)):
        if at >= begin and (before is None or at - before >= pause):
            found.append(at)
        before = at
    return found


def horizon(trigger: InvestigationTrigger, now: datetime) -> datetime:
    """How far back buckets must be known, so that it is known of each of the last day whether it begins an episode."""
    return now - REACH - _length(trigger.cool_down)


def last_episode(job: AnomalyJob) -> datetime | None:
    """When the last episode began that was seen to; None where none was, or where the note cannot be read."""
    try:
        noted = datetime.fromisoformat(job.metadata.annotations.get(EPISODE_ANNOTATION, ""))
    except ValueError:
        return None
    return noted if noted.tzinfo is not None else noted.replace(tzinfo=UTC)


def unseen(job: AnomalyJob, beginnings: Iterable[datetime]) -> list[datetime]:
    """The beginnings after the last episode that was seen to."""
    last = last_episode(job)
    return [at for at in beginnings if last is None or at > last]


def investigation_of(
    job: AnomalyJob, trigger: InvestigationTrigger, begin: datetime, span: timedelta
) -> dict[str, Any]:
    """The manifest of the Investigation of an episode; always the same for the same episode.

    Args:
        job: The job.
        trigger: Its trigger.
        begin: The start of the episode's first bucket.
        span: The job's bucket span.
    """
    spec: dict[str, Any] = {
        "start": _text(begin - _length(trigger.before)),
        "end": _text(begin + span + _length(trigger.after)),
    }
    spec |= {name: value for name, value in trigger.manifest().items() if name in {"jobs", "jobSelector"}}
    spec["ttlAfterFinished"] = trigger.ttl_after_finished
    if job.spec.connection_ref is not None:
        spec["connectionRef"] = job.spec.connection_ref.manifest()
    metadata = {
        "name": episode_name(job.name, begin),
        "namespace": job.namespace,
        "labels": {TRIGGER_LABEL: job.name[:63].rstrip(".-")},
    }
    return {"apiVersion": API_VERSION, "kind": Investigation.KIND, "metadata": metadata, "spec": spec}


def episode_name(job: str, begin: datetime) -> str:
    """A name that tells job and time apart from any other, and is at most 63 characters long."""
    moment = begin.astimezone(UTC)
    plain = job if len(job) <= _READABLE else f"{job[:31]}-{hashlib.sha256(job.encode()).hexdigest()[:8]}"
    return f"{plain.replace('.', '-')}-{moment:%Y%m%d-%H%M%S}"


def covers(one: Investigation, manifest: Mapping[str, Any], begin: datetime) -> bool:
    """Whether an episode is part of what some job triggered: it begins in that window, and the same jobs are meant.

    Args:
        one: The Investigation.
        manifest: What would be made.
        begin: The start of the episode's first bucket.
    """
    asked = one.spec.manifest()
    same = all(asked.get(name) == manifest["spec"].get(name) for name in ("jobs", "jobSelector", "connectionRef"))
    return TRIGGER_LABEL in one.metadata.labels and same and one.window.start <= begin < one.window.end


def _length(duration: str) -> timedelta:
    return timedelta(milliseconds=parse_duration(duration))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
