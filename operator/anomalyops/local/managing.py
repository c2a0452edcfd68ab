"""The managing tools over a server: look, plan, act, and bring back what ran where it ends in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from anomalyops.elastic import Gateway, GatewayError, NotFound, Rejected, Unsupported
from anomalyops.local.errors import LocalError
from anomalyops.plan import ObservedCalendar, Step, export_job
from anomalyops.plan.managing import Asked, Managed, ManagingTool, Seen, SeenCalendar, managing_tools, restoring
from anomalyops.plan.managing.parameters import NewDatafeed, NewEvent, NewJob, Reverted
from anomalyops.plan.shared.calendar_values import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a managing tool would do, and what it has seen.

    Attributes:
        seen: The server as it is.
        managed: What is to be done.
    """

    seen: Seen
    managed: Managed


def find(name: str) -> ManagingTool[Any] | None:
    """The managing tool of a name; None for none."""
    return next((tool for tool in managing_tools() if tool.name == name), None)


def read(tool: ManagingTool[Any], values: Mapping[str, Any]) -> BaseModel:
    """A tool's parameters from plain values.

    Raises:
        LocalError: One is unknown, missing or not acceptable.
    """
    try:
        made: BaseModel = tool.parameters.model_validate(dict(values))
    except ValidationError as error:
        raise LocalError(f"{tool.name}: " + "; ".join(_problem(tool, one) for one in error.errors())) from None
    return made


def _problem(tool: ManagingTool[Any], problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{name}: there is no such parameter; there are {', '.join(tool.parameters.model_fields)}"
    if problem["type"] == "missing":
        return f"{name}: is needed"
    message = str(problem["msg"]).removeprefix("Value error, ")
    found = "" if "found" in message else f", found {problem['input']!r}"
    return f"{name}: {message}{found}" if name else message


async def look(gateway: Gateway, tool: ManagingTool[Any], wanted: BaseModel) -> Looked:
    """What a tool would do; nothing is changed.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    seen = await _seen(gateway, wanted)
    return Looked(seen=seen, managed=tool.plan(wanted, seen))


async def perform(
    gateway: Gateway, wanted: BaseModel, looked: Looked, told: Callable[[Step], None]
) -> tuple[Step, ...]:
    """Takes the steps; where one fails, what ran before is brought back.

    Args:
        gateway: The server.
        wanted: What was asked for.
        looked: What is to be done.
        told: Hears of every step before it is taken, also of those that lead back.

    Raises:
        LocalError: A step failed; the message says what was done, and what runs again.
    """
    done: list[Step] = []
    for step in looked.managed.plan.steps:
        told(step)
        try:
            await step.send(gateway)
        except GatewayError as error:
            back = await _brought_back(gateway, wanted, looked.seen, told)
            raise LocalError(_ended(step, error, done, back)) from error
        except asyncio.CancelledError:
            await _brought_back(gateway, wanted, looked.seen, told)
            raise
        done.append(step)
    return tuple(done)


async def _brought_back(gateway: Gateway, wanted: BaseModel, before: Seen, told: Callable[[Step], None]) -> str:
    """The run state from before, in words."""
    try:
        steps = restoring(before, await _seen_job(gateway, wanted)) if isinstance(wanted, Asked) else ()
        for step in steps:
            told(step)
            await step.send(gateway)
    except GatewayError as error:
        return f"what ran before could not be brought back: {error}"
    if not steps:
        return "what runs is as it was before"
    return "brought back what ran before: " + ", ".join(f"{step.verb} {step.target}" for step in steps)


def _ended(step: Step, error: GatewayError, done: list[Step], back: str) -> str:
    before = ", ".join(f"{one.verb} {one.target}" for one in done) or "nothing"
    return f"{step.verb} {step.target} failed: {error}; done before: {before}; {back}"


async def _seen(gateway: Gateway, wanted: BaseModel) -> Seen:
    if isinstance(wanted, NewEvent):
        return Seen(calendar=await _calendar(gateway, wanted.calendar_id))
    seen = await _seen_job(gateway, wanted)
    if isinstance(wanted, Reverted) and seen.job is not None:
        found = await gateway.snapshots_of(wanted.job_id)
        return replace(seen, snapshots=tuple(str(one["snapshot_id"]) for one in found))
    if isinstance(wanted, NewJob) and seen.job is None:
        return await _tried(seen, gateway.trial.job({"job_id": wanted.job_id, **wanted.body()}))
    if isinstance(wanted, NewDatafeed) and seen.job is not None and seen.feed is None and not seen.feed_of:
        feed = {name: value for name, value in wanted.body().items() if name != "job_id"}
        return await _tried(seen, gateway.trial.datafeed(feed, export_job(seen.job).body))
    return seen


async def _seen_job(gateway: Gateway, wanted: BaseModel) -> Seen:
    if not isinstance(wanted, Asked):
        return Seen()
    expected = wanted.feed_id if isinstance(wanted, NewDatafeed) else None
    pair = await gateway.pair(wanted.job_id, expected)
    return Seen(
        job=pair.job,
        job_stats=pair.job_stats,
        feed=pair.datafeed,
        feed_stats=pair.datafeed_stats,
        feed_of="" if pair.other_job is None else str(pair.other_job["job_id"]),
    )


async def _tried(seen: Seen, trial: Any) -> Seen:
    """With what the server says against a configuration that it has not got yet."""
    try:
        await trial
    except (Rejected, NotFound) as error:
        return replace(seen, refused=error.reason)
    except Unsupported as error:
        return replace(seen, unchecked=(f"{error.call}: {error.reason}",))
    return seen


async def _calendar(gateway: Gateway, calendar_id: str) -> SeenCalendar | None:
    config, events = await asyncio.gather(gateway.calendar(calendar_id), gateway.events_of(calendar_id))
    if config is None:
        return None
    observed = ObservedCalendar(
        job_ids=frozenset(map(str, config.get("job_ids") or ())),
        events={str(event["event_id"]): Event.read(event) for event in events},
    )
    mark = observed.mark
    owner = None if mark is None or mark.retained else mark.owner
    return SeenCalendar(job_ids=tuple(sorted(observed.job_ids or ())), owner=owner)
