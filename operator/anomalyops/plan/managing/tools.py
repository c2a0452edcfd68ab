"""The managing tools: by name, and from what is asked and what is there to a plan, or to a patch of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from anomalyops.plan.core.plans import Obstacle, Plan
from anomalyops.plan.core.steps import Step, Subject
from anomalyops.plan.managing import parameters as asked
from anomalyops.plan.managing.patches import Patch, feed_patch, job_patch, new_manifest
from anomalyops.plan.managing.seen import Seen
from anomalyops.plan.pair.steps import (
    CloseJob,
    CreateDatafeed,
    CreateJob,
    OpenJob,
    StartDatafeed,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
)
from anomalyops.plan.requests.revert_steps import RevertJob
from anomalyops.plan.shared.calendar_steps import AddCalendarJobs, CreateCalendar, PostEvents
from anomalyops.resources import Reason, format_memory, parse_duration, parse_memory

EMPTY_MODEL = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """What a managing tool would do.

    Attributes:
        plan: Its steps, and what is in the way.
        patches: What to commit instead, where a manifest owns what would be changed; then there are no steps.
        notes: What should be known.
    """

    plan: Plan = field(default_factory=Plan)
    patches: tuple[Patch, ...] = ()
    notes: tuple[str, ...] = ()


P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ManagingTool(Generic[P]):
    """A tool that changes something.

    Attributes:
        name: As the operations guide names it.
        category: Of the guide's tables.
        when: One sentence: when to use it.
        parameters: The type of its parameters.
        example: Parameters of a typical use.
        plan: From parameters and what is there to what is to be done.
    """

    name: str
    category: str
    when: str
    parameters: type[P]
    example: Mapping[str, Any]
    plan: Callable[[P, Seen], Managed]


def managing_tools() -> tuple[ManagingTool[Any], ...]:
    """All of them, in the order of the guide."""
    return _TOOLS


def _stands(reason: Reason, message: str, subject: Subject = Subject.JOB, *, waiting: bool = False) -> Managed:
    return Managed(plan=Plan(obstacles=(Obstacle(reason=reason, message=message, subject=subject, waiting=waiting),)))


def _no_job(job_id: str) -> Managed:
    return _stands(Reason.REJECTED, f"there is no job {job_id}")


def _no_feed(job_id: str) -> Managed:
    return _stands(Reason.REJECTED, f"job {job_id} has no datafeed: ad_create_datafeed makes one", Subject.DATAFEED)


# -- creating ---------------------------------------------------------------------------------------------------------


def _create_job(wanted: asked.NewJob, seen: Seen) -> Managed:
    if seen.job is not None:
        by = f", managed by {seen.owner}" if seen.owner is not None else ""
        return _stands(Reason.ALREADY_EXISTS, f"job {wanted.job_id} exists already{by}: choose another job_id")
    if seen.refused:
        return _stands(Reason.REJECTED, seen.refused)
    step = CreateJob(job_id=wanted.job_id, body=wanted.body(), reason="the server has no such job")
    return Managed(plan=Plan(steps=(step,), unchecked=seen.unchecked))


def _create_datafeed(wanted: asked.NewDatafeed, seen: Seen) -> Managed:
    if seen.job is None:
        return _stands(Reason.REJECTED, f"there is no job {wanted.job_id}: ad_create_job comes first")
    if seen.feed is not None:
        message = f"job {wanted.job_id} has the datafeed {seen.feed_id} already: a job has one"
        return _stands(Reason.ALREADY_EXISTS, message, Subject.DATAFEED)
    if seen.feed_of:
        message = f"datafeed id {wanted.feed_id} is that of the datafeed of job {seen.feed_of}: choose another"
        return _stands(Reason.CONFLICT, message, Subject.DATAFEED)
    if seen.refused:
        return _stands(Reason.REJECTED, seen.refused, Subject.DATAFEED)
    if seen.owner is not None:
        spec: dict[str, Any] = {"jobRef": {"name": seen.owner.name}, "datafeedId": wanted.feed_id, "state": "Stopped"}
        spec |= {_camel(name): value for name, value in wanted.body().items() if name != "job_id"}
        return Managed(patches=(new_manifest(seen.owner, "Datafeed", seen.owner.name, spec),))
    step = CreateDatafeed(datafeed_id=wanted.feed_id, body=wanted.body(), reason="the job has no datafeed")
    return Managed(plan=Plan(steps=(step,), unchecked=seen.unchecked))


# -- running ----------------------------------------------------------------------------------------------------------


def _open_job(wanted: asked.OpenedJob, seen: Seen) -> Managed:
    if seen.job is None:
        return _no_job(wanted.job_id)
    if seen.open:
        return Managed(notes=(f"job {wanted.job_id} is open already",))
    if seen.owner is not None:
        return Managed(patches=(job_patch(seen.owner, {"state": "Opened"}),))
    return Managed(plan=Plan(steps=tuple(_opening(wanted.job_id, seen, "it is asked for"))))


def _opening(job_id: str, seen: Seen, why: str) -> list[Step]:
    steps: list[Step] = []
    if seen.failed:
        steps.append(CloseJob(job_id=job_id, force=True, reason="it has failed, and cannot be opened before"))
    if not seen.open:
        steps.append(OpenJob(job_id=job_id, reason=why))
    return steps


def _run_datafeed(wanted: asked.RunDatafeed, seen: Seen) -> Managed:
    if seen.job is None:
        return _no_job(wanted.job_id)
    if seen.feed is None:
        return _no_feed(wanted.job_id)
    if seen.running == (wanted.action == "_start"):
        state = "runs" if seen.running else "is stopped"
        return Managed(notes=(f"datafeed {seen.feed_id} {state} already",))
    if seen.owner is not None:
        times = {name: value for name in ("start", "end") if (value := getattr(wanted, name)) is not None}
        state = "Started" if wanted.action == "_start" else "Stopped"
        return Managed(patches=(feed_patch(seen.owner, {"state": state, **times}),))
    steps: list[Step]
    if wanted.action == "_stop":
        steps = [StopDatafeed(datafeed_id=seen.feed_id, force=wanted.force, reason="it is asked for")]
        notes = ("it runs towards an end: the server closes its job when it is stopped",) if seen.bounded else ()
        return Managed(plan=Plan(steps=tuple(steps)), notes=notes)
    steps = _opening(wanted.job_id, seen, "a datafeed cannot be started on a closed job")
    span = f", {_between(wanted)}" if wanted.start or wanted.end else ""
    reason = f"it is asked for{span}"
    steps.append(StartDatafeed(datafeed_id=seen.feed_id, start=wanted.start, end=wanted.end, reason=reason))
    return Managed(plan=Plan(steps=tuple(steps)))


def _between(wanted: asked.RunDatafeed) -> str:
    """Which data it is to read, in words."""
    begin = f"from {wanted.start} on" if wanted.start else "from where it stopped on"
    return f"{begin}, up to {wanted.end}" if wanted.end else begin


# -- changing ---------------------------------------------------------------------------------------------------------


def _memory_limit(wanted: asked.MemoryLimit, seen: Seen) -> Managed:
    return _changed(wanted.job_id, seen, limit=wanted.model_memory_limit)


def _query_delay(wanted: asked.QueryDelay, seen: Seen) -> Managed:
    if seen.feed is None and seen.job is not None:
        return _no_feed(wanted.job_id)
    full = seen.size.get("memory_status") == "hard_limit"
    if full and wanted.model_memory_limit is None:
        message = (
            f"job {wanted.job_id} is at its memory limit and skips documents, whatever its query delay: memory comes"
            " first. Give model_memory_limit too (ad_estimate_memory_requirement says how much), or call"
            " ad_update_model_memory_limit"
        )
        return _stands(Reason.MEMORY_HARD_LIMIT, message)
    return _changed(wanted.job_id, seen, limit=wanted.model_memory_limit, feed={"query_delay": wanted.query_delay})


def _delayed_data_check(wanted: asked.DelayedDataCheck, seen: Seen) -> Managed:
    if seen.feed is None and seen.job is not None:
        return _no_feed(wanted.job_id)
    return _changed(wanted.job_id, seen, feed={"delayed_data_check_config": wanted.body()})


def _changed(job_id: str, seen: Seen, *, limit: str | None = None, feed: Mapping[str, Any] | None = None) -> Managed:
    """The lifecycle of a change: stop, close, update with memory first, open, start."""
    if seen.job is None:
        return _no_job(job_id)
    notes, new_limit = [], limit
    if limit is not None and _same_memory(seen.job, limit):
        notes.append(f"the memory limit of job {job_id} is {limit} already")
        new_limit = None
    changes = {
        name: value for name, value in (feed or {}).items() if not _same(name, (seen.feed or {}).get(name), value)
    }
    notes += [f"{name} of datafeed {seen.feed_id} is so already" for name in (feed or {}) if name not in changes]
    if new_limit is None and not changes:
        return Managed(notes=tuple(notes))
    if seen.owner is not None:
        patches = (
            [] if new_limit is None else [job_patch(seen.owner, {"analysisLimits": {"modelMemoryLimit": new_limit}})]
        )
        if changes:
            patches.append(feed_patch(seen.owner, {_camel(name): _camels(value) for name, value in changes.items()}))
        return Managed(patches=tuple(patches), notes=tuple(notes))
    if new_limit is not None and (below := _below_usage(job_id, seen, new_limit)) is not None:
        return below
    if seen.bounded:
        return _running_to_an_end(seen)
    updates: list[Step] = []
    if new_limit is not None:
        body = {"analysis_limits": {"model_memory_limit": new_limit}}
        updates.append(UpdateJob(job_id=job_id, body=body, reason=f"the memory limit becomes {new_limit}"))
    if changes:
        said = ", ".join(f"{name} becomes {value}" for name, value in changes.items())
        updates.append(UpdateDatafeed(datafeed_id=seen.feed_id, body=changes, reason=said))
    steps = _around(job_id, seen, updates, closed=new_limit is not None)
    return Managed(plan=Plan(steps=steps), notes=tuple(notes))


def _around(job_id: str, seen: Seen, updates: list[Step], *, closed: bool) -> tuple[Step, ...]:
    """Updates with the steps around them that make them possible, and those that bring back what ran."""
    steps: list[Step] = []
    if seen.running:
        steps.append(StopDatafeed(datafeed_id=seen.feed_id, reason="nothing changes while it runs"))
    closes = closed and (seen.open or seen.failed)
    if closes:
        steps.append(CloseJob(job_id=job_id, force=seen.failed, reason="it changes on a closed job only"))
    steps += updates
    if closes:
        steps.append(OpenJob(job_id=job_id, reason="it was open" if seen.open else "it had failed"))
    if seen.running:
        steps.append(StartDatafeed(datafeed_id=seen.feed_id, reason="it goes on where it stopped"))
    return tuple(steps)


def _below_usage(job_id: str, seen: Seen, limit: str) -> Managed | None:
    used = int(seen.size.get("model_bytes") or 0)
    if parse_memory(limit) >= used:
        return None
    message = f"the model of job {job_id} uses {format_memory(-(-used // 2**20) * 2**20)} already, {limit} is less"
    return _stands(Reason.MEMORY_BELOW_USAGE, message)


def _running_to_an_end(seen: Seen) -> Managed:
    message = (
        f"datafeed {seen.feed_id} runs towards an end that only who started it knows: the change waits until it has"
        " stopped; ad_manage_datafeed with action _stop ends it now"
    )
    return _stands(Reason.LOOKBACK_RUNNING, message, Subject.DATAFEED, waiting=True)


def _revert(wanted: asked.Reverted, seen: Seen) -> Managed:
    if seen.job is None:
        return _no_job(wanted.job_id)
    if wanted.snapshot_id not in (*seen.snapshots, EMPTY_MODEL):
        there = ", ".join(seen.snapshots[:8]) or "none"
        return _stands(
            Reason.SNAPSHOT_NOT_FOUND, f"job {wanted.job_id} has no model snapshot {wanted.snapshot_id}; it has {there}"
        )
    if seen.owner is not None:
        spec = {
            "jobRef": {"name": seen.owner.name},
            "snapshotId": wanted.snapshot_id,
            "deleteInterveningResults": wanted.delete_intervening_results,
        }
        name = f"{seen.owner.name}-to-{wanted.snapshot_id}"
        return Managed(patches=(new_manifest(seen.owner, "ModelSnapshotRevert", name, spec),))
    if seen.bounded:
        return _running_to_an_end(seen)
    step = RevertJob(
        job_id=wanted.job_id,
        snapshot_id=wanted.snapshot_id,
        delete_intervening_results=wanted.delete_intervening_results,
        reason=f"the model goes back to snapshot {wanted.snapshot_id}",
    )
    return Managed(plan=Plan(steps=_around(wanted.job_id, seen, [step], closed=True)))


def _create_event(wanted: asked.NewEvent, seen: Seen) -> Managed:
    calendar, event = seen.calendar, wanted.event()
    if calendar is not None and calendar.owner is not None:
        times = {"start": wanted.start_time, "end": wanted.end_time}
        manifest = new_manifest(
            calendar.owner,
            "AnomalyCalendar",
            calendar.owner.name,
            {"events": [{"description": wanted.description, **times}]},
        )
        return Managed(patches=(Patch(where=str(calendar.owner), manifest=manifest.manifest),))
    steps: list[Step] = []
    name, reason = wanted.calendar_id, "the server has no such calendar"
    if calendar is None:
        steps.append(CreateCalendar(calendar_id=name, body={"job_ids": list(wanted.job_ids)}, reason=reason))
    elif missing := tuple(job for job in wanted.job_ids if job not in calendar.job_ids):
        steps.append(AddCalendarJobs(calendar_id=name, job_ids=missing, reason="the event is for them too"))
    steps.append(PostEvents(calendar_id=name, events=(event,), reason=f"{wanted.description}: it is asked for"))
    jobs = wanted.job_ids or (() if calendar is None else calendar.job_ids)
    notes = () if jobs else (f"calendar {name} names no jobs: the event has no effect until it does (job_ids)",)
    return Managed(plan=Plan(steps=tuple(steps)), notes=notes)


# -- values -----------------------------------------------------------------------------------------------------------


def _same_memory(job: Mapping[str, Any], limit: str) -> bool:
    now = (job.get("analysis_limits") or {}).get("model_memory_limit")
    return now is not None and parse_memory(now) == parse_memory(limit)


def _same(name: str, now: Any, wanted: Any) -> bool:
    if name == "query_delay" and isinstance(now, str):
        return parse_duration(now) == parse_duration(wanted)
    return bool(now == wanted)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _camels(value: Any) -> Any:
    return {_camel(name): inner for name, inner in value.items()} if isinstance(value, Mapping) else value


_DETECTORS = [{"function": "high_count", "by_field_name": "host"}]
_TOOLS: tuple[ManagingTool[Any], ...] = (
    ManagingTool(
        "ad_create_job", "Model and lifecycle", "To create a job; first of four steps: datafeed, open, start follow.",
        asked.NewJob, {"job_id": "web-rate", "detectors": _DETECTORS}, _create_job,
    ),
    ManagingTool(
        "ad_create_datafeed", "Model and lifecycle", "To give a job its data: after the job, before it is opened.",
        asked.NewDatafeed, {"job_id": "web-rate", "indices": "logs-*"}, _create_datafeed,
    ),
    ManagingTool(
        "ad_open_job", "Model and lifecycle", "To open a job, before its datafeed is started.",
        asked.OpenedJob, {"job_id": "web-rate"}, _open_job,
    ),
    ManagingTool(
        "ad_manage_datafeed", "Model and lifecycle", "To start or stop a datafeed; a closed job is opened before.",
        asked.RunDatafeed, {"job_id": "web-rate", "action": "_start"}, _run_datafeed,
    ),
    ManagingTool(
        "ad_update_model_memory_limit", "Model and lifecycle", "When a model is at its limit: before anything else.",
        asked.MemoryLimit, {"job_id": "web-rate", "model_memory_limit": "512mb"}, _memory_limit,
    ),
    ManagingTool(
        "ad_update_datafeed_query_delay", "Model and lifecycle", "When documents come too late for the datafeed.",
        asked.QueryDelay, {"job_id": "web-rate", "query_delay": "180s"}, _query_delay,
    ),
    ManagingTool(
        "ad_update_delayed_data_check_config", "Model and lifecycle", "To look further back for late documents.",
        asked.DelayedDataCheck, {"job_id": "web-rate", "check_window": "4h"}, _delayed_data_check,
    ),
    ManagingTool(
        "ad_revert_model_snapshot", "Model and lifecycle", "To recover from a bad period without losing the model.",
        asked.Reverted, {"job_id": "web-rate", "snapshot_id": "1795672800"}, _revert,
    ),
    ManagingTool(
        "ad_create_calendar_event", "Calendars", "To have jobs pass over a time that is out of the ordinary.",
        asked.NewEvent,
        {"calendar_id": "maintenance", "description": "upgrade", "start_time": "2026-12-01T20:00:00Z",
         "end_time": "2026-12-01T22:00:00Z", "job_ids": "web-rate"},
        _create_event,
    ),
)  # fmt: skip
