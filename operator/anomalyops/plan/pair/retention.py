"""Model snapshots that a job retains: kept by the server for ever, and let go when they are declared no more.

Whoever retained a snapshot lets it go. What the operator retains it notes in the mark before it does, and strikes out
after it has let go; a snapshot that was retained already when it was declared is nobody's to let go but theirs. So a
plan that is cut off anywhere leaves no snapshot retained that nobody knows of, and takes none from anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.snapshots import learnt_until, listed, newest_before, time_text
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.changes import latest_record
from anomalyops.plan.pair.marker import read_marker
from anomalyops.plan.pair.steps import UpdateSnapshot
from anomalyops.plan.pair.values import Desired, DesiredJob, ObservedJob, SnapshotChoice
from anomalyops.resources import Reason

_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What becomes of the snapshots of a job.

    Attributes:
        retain: The calls that retain or describe snapshots.
        release: Those that let go.
        noted: The ids in the mark while this is under way; None leaves what is there.
        kept: Those when it is done; None leaves what is there.
        obstacles: What is declared and is not there.
        held: Declared snapshots that are there, by which a loss of them is refused.
    """

    retain: tuple[UpdateSnapshot, ...] = ()
    release: tuple[UpdateSnapshot, ...] = ()
    noted: frozenset[str] | None = None
    kept: frozenset[str] | None = None
    obstacles: tuple[Obstacle, ...] = ()
    held: tuple[str, ...] = ()


LOST: Final = Retention(noted=_NOTHING, kept=_NOTHING)
"""The job forgets all that it has learnt, its snapshots too."""


def retains_snapshots(desired: Desired, config: JsonObject) -> bool:
    """Whether a plan for a job has to know its snapshots: the manifest retains some, or did, as the mark says."""
    if not isinstance(desired.job, DesiredJob) or desired.job.snapshots is None:
        return False
    return bool(desired.job.snapshots) or has_retained(config)


def has_retained(config: JsonObject) -> bool:
    """Whether the mark of a job says that the operator retains snapshots of it."""
    marker = read_marker(config)
    return marker is not None and bool(marker.snapshots)


def retention(wanted: DesiredJob, job: ObservedJob, marked: frozenset[str]) -> Retention:
    """What is to be done about the snapshots of a job.

    Args:
        wanted: The manifest's job; what cannot be read asks for nothing, and gives nothing up.
        job: The server's, with its snapshots where they were asked for.
        marked: The ids of those that the operator retained.
    """
    if wanted.snapshots is None or job.snapshots is None:
        return Retention()
    there = {str(one["snapshot_id"]): one for one in job.snapshots}
    chosen = chosen_snapshots(wanted.snapshots, job.snapshots)
    declared: dict[str, str | None] = {}
    for choice, snapshot in chosen:
        if snapshot is not None:
            name = str(snapshot["snapshot_id"])
            declared[name] = declared.get(name) or choice.description
    taken = frozenset(name for name in declared if not there[name].get("retain"))
    freed = sorted(name for name in marked - declared.keys() if there.get(name, {}).get("retain"))
    return Retention(
        retain=tuple(
            UpdateSnapshot(job_id=wanted.job_id, snapshot_id=name, body=body, reason=_why(name, body))
            for name, said in declared.items()
            if (body := _changes(there[name], said))
        ),
        release=tuple(
            UpdateSnapshot(job_id=wanted.job_id, snapshot_id=name, body={"retain": False}, reason=_why_not(name))
            for name in freed
        ),
        noted=marked | taken,
        kept=(marked & declared.keys()) | taken,
        obstacles=tuple(
            found
            for choice, snapshot in chosen
            if snapshot is None and (found := _missing(wanted.job_id, choice, job)) is not None
        ),
        held=tuple(declared),
    )


def missing_at_first(wanted: DesiredJob) -> tuple[Obstacle, ...]:
    """What a job that is created now cannot have: snapshots that its manifest names."""
    named = [choice for choice in wanted.snapshots or () if choice.snapshot_id is not None]
    return tuple(_not_there(wanted.job_id, f"snapshot {choice.snapshot_id}", ()) for choice in named)


def chosen_snapshots(
    choices: Sequence[SnapshotChoice], snapshots: Sequence[JsonObject]
) -> list[tuple[SnapshotChoice, JsonObject | None]]:
    """What each choice means among the snapshots of a job; None where there is no such one."""
    there = {str(one["snapshot_id"]): one for one in snapshots}
    return [
        (
            one,
            newest_before(snapshots, one.before) if one.before is not None else there.get(one.snapshot_id or ""),
        )
        for one in choices
    ]


def would_lose(job_id: str, held: Sequence[str]) -> Obstacle:
    """Why a job that retains snapshots is neither reset nor created anew."""
    message = (
        f"job {job_id} is neither reset nor created anew, because it would lose its model snapshots "
        f"{', '.join(held)}, which spec.retainedSnapshots retains: take them out of it first, or undo the change"
    )
    return Obstacle(reason=Reason.SNAPSHOTS_RETAINED, message=message, subject=Subject.JOB)


def _changes(snapshot: JsonObject, description: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {} if snapshot.get("retain") else {"retain": True}
    if description is not None and description != snapshot.get("description"):
        body["description"] = description
    return body


def _why(name: str, body: Mapping[str, Any]) -> str:
    if "retain" in body:
        return f"spec.retainedSnapshots retains model snapshot {name}"
    return f"spec.retainedSnapshots describes model snapshot {name}"


def _why_not(name: str) -> str:
    return f"spec.retainedSnapshots has model snapshot {name} no more"


def _missing(job_id: str, choice: SnapshotChoice, job: ObservedJob) -> Obstacle | None:
    """That a snapshot is not there; None where it will come while the job reads on."""
    snapshots = job.snapshots or ()
    if choice.before is None:
        return _not_there(job_id, f"snapshot {choice.snapshot_id}", snapshots)
    if latest_record(job) < choice.before:
        return None
    return _not_there(job_id, f"snapshot from before {time_text(choice.before)}", snapshots)


def _not_there(job_id: str, what: str, snapshots: Sequence[JsonObject]) -> Obstacle:
    newest = sorted(snapshots, key=learnt_until, reverse=True)
    message = (
        f"job {job_id} has no {what}, which spec.retainedSnapshots asks for; there are: {listed(newest)}. What is gone "
        "does not come back: take it out of spec.retainedSnapshots"
    )
    return Obstacle(reason=Reason.SNAPSHOT_NOT_FOUND, message=message, subject=Subject.JOB)
