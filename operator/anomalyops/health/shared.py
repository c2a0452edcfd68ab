"""The status of one server object that holds no model and does not run: it is there as the manifest says, or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from anomalyops.health.conditions import History, Verdict, fine, working
from anomalyops.health.connection import unreachable_conditions
from anomalyops.health.failures import Failure, PlanState
from anomalyops.health.progress import at_work, licence_findings, refused, synced
from anomalyops.plan import Subject
from anomalyops.resources import BY_NAME, Reason, SharedResource, SharedStatus

T = TypeVar("T", bound=SharedStatus)


def shared_status(
    resource: SharedResource,
    facts: Mapping[str, Any],
    state: PlanState,
    now: datetime,
    *,
    found: str,
) -> SharedStatus:
    """The status that a resource shall have after a look at its object.

    Args:
        resource: The resource with its present status.
        facts: The fields of the status that are this kind's own.
        state: What the reconcile came to.
        now: The time of the look.
        found: What the server has, in words; empty when there is no such object.
    """
    subject = Subject(BY_NAME[resource.KIND].server_object)
    last = resource.status or _empty(resource)
    generation = resource.metadata.generation
    history = History(previous=last.conditions, generation=generation, now=now)
    findings = [
        *_verdict(resource, subject, state, history, found).findings(),
        *licence_findings(state.failure_of(subject)),
        synced(history, subject, state, exists=bool(found)),
    ]
    changed = {
        "observed_generation": generation,
        "conditions": history.conditions(findings),
        "last_sync_time": now.replace(microsecond=0) if state.executed else last.last_sync_time,
    }
    return last.model_copy(update={**facts, **changed})


def unreachable_shared(resource: SharedResource, failure: Failure, now: datetime) -> SharedStatus:
    """The status of an object that cannot be looked at: what is known stays, `Ready` becomes Unknown."""
    last = resource.status or _empty(resource)
    history = History(previous=last.conditions, generation=last.observed_generation, now=now)
    name = f"{BY_NAME[resource.KIND].server_object} {resource.server_id}"
    return last.model_copy(update={"conditions": unreachable_conditions(history, failure, resource, name)})


def _empty(resource: SharedResource) -> SharedStatus:
    kind = BY_NAME[resource.KIND]
    status = kind.status.model_validate({f"{kind.server_object}_id": resource.server_id})
    assert isinstance(status, SharedStatus)  # noqa: S101 - the models say so
    return status


def _verdict(resource: SharedResource, subject: Subject, state: PlanState, history: History, found: str) -> Verdict:
    if resource.deletion_requested is not None:
        policy = resource.spec.deletion_policy.value
        return at_work(history, subject, state) or working(
            Reason.DELETING, f"being deleted with spec.deletionPolicy: {policy}"
        )
    if (no := refused(history, subject, state)) is not None:
        return no
    if (busy := at_work(history, subject, state)) is not None:
        return busy
    if not found:
        return working(Reason.PENDING, f"{subject.value} {resource.server_id} does not exist yet")
    return fine(Reason.READY, f"{subject.value} {resource.server_id} has {found}")
