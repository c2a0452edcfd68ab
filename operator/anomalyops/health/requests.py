"""The status of what is done once at a request: how it stands, after kstatus."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

from anomalyops.health.conditions import History, Verdict, fine, stuck, unwell, working
from anomalyops.health.connection import unreachable_conditions
from anomalyops.health.failures import Failure
from anomalyops.health.notices import Notice
from anomalyops.health.progress import licence_findings
from anomalyops.plan import Standing, Tone
from anomalyops.resources import BY_NAME, AnomalyJob, ConditionType, Datafeed, Reason, RequestResource, ResourceStatus

T = TypeVar("T", bound=ResourceStatus)

_VERDICTS: Final = {Tone.FINE: fine, Tone.WORKING: working, Tone.UNWELL: unwell, Tone.STUCK: stuck}


def request_status(resource: RequestResource, status: T, standing: Standing, now: datetime) -> T:
    """The status of a request with the conditions that say how it stands.

    Args:
        resource: The resource, whose present status is carried on.
        status: What is known of its course.
        standing: How it stands.
        now: The time.
    """
    return _with(resource, status, _VERDICTS[standing.tone](standing.reason, standing.message), None, now)


def failed_request(resource: RequestResource, status: T, failure: Failure, now: datetime) -> T:
    """The status of a request when a call has failed: it is tried again, or a person has to act."""
    if failure.needs_a_person:
        return _with(resource, status, stuck(failure.reason, str(failure)), failure, now)
    return _with(resource, status, working(failure.reason, f"{failure}; it is tried again"), failure, now)


def unreachable_request(resource: RequestResource, failure: Failure, now: datetime) -> ResourceStatus:
    """The status of a request whose server cannot be looked at: what is known stays, `Ready` becomes Unknown."""
    kind = BY_NAME[resource.KIND]
    last: Any = resource.status or kind.status()
    history = History(previous=last.conditions, generation=last.observed_generation, now=now)
    name = f"{kind.server_object} {resource.server_id}"
    found: ResourceStatus = last.model_copy(
        update={"conditions": unreachable_conditions(history, failure, resource, name)}
    )
    return found


def told_of(resource: RequestResource, standing: Standing) -> Notice:
    """The Event about something that came to its end."""
    grave = standing.tone in {Tone.STUCK, Tone.UNWELL}
    return Notice(
        kind=resource.KIND,
        name=resource.name,
        type="Warning" if grave else "Normal",
        reason=standing.reason,
        message=standing.message,
    )


def _with(resource: RequestResource, status: T, verdict: Verdict, failure: Failure | None, now: datetime) -> T:
    previous = resource.status.conditions if resource.status is not None else []
    generation = resource.metadata.generation
    history = History(previous=previous, generation=generation, now=now)
    conditions = history.conditions([*verdict.findings(), *licence_findings(failure)])
    return status.model_copy(update={"conditions": conditions, "observed_generation": generation})


def held_status(resource: AnomalyJob | Datafeed, message: str, now: datetime) -> ResourceStatus:
    """The status of a job or datafeed that is left to a request: not ready, and on its way."""
    last: Any = resource.status or BY_NAME[resource.KIND].status()
    history = History(previous=last.conditions, generation=last.observed_generation, now=now)
    kept = [one for one in last.conditions if one.type == ConditionType.SYNCED]
    findings = working(Reason.OPERATION_RUNNING, message).findings()
    found: ResourceStatus = last.model_copy(update={"conditions": history.conditions([*findings, *kept])})
    return found
