"""The status of a job set: how many of its jobs are ready, and what keeps the others from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from anomalyops.health.conditions import History, Verdict, fine, stuck, working
from anomalyops.health.failures import Failure
from anomalyops.plan.job_sets import SetPlan
from anomalyops.resources import AnomalyJobSet, AnomalyJobSetStatus, Reason

_TOLD: Final = 5  # names that a message has


def job_set_status(
    job_set: AnomalyJobSet, values: int, plan: SetPlan, now: datetime, *, refused: Sequence[str] = ()
) -> AnomalyJobSetStatus:
    """The status of a set whose values are known.

    Args:
        job_set: The set with its present status.
        values: How many values there are.
        plan: What there is and what is still to be done.
        now: The time.
        refused: What the API server has not accepted, in words.
    """
    ready = values - len(plan.waiting) - len(plan.conflicts) - len(plan.problems)
    counts = {"values": values, "ready": ready, "readiness": f"{ready}/{values}", "retained": len(plan.retained)}
    return _with(job_set, counts, _verdict(plan, ready, values, refused), now)


def job_set_trouble(
    job_set: AnomalyJobSet, failure: Failure | None, message: str, now: datetime
) -> AnomalyJobSetStatus:
    """The status of a set whose values are not known, or too many: everything stays as it is.

    Args:
        job_set: The set with its present status.
        failure: Why they could not be asked for; None when there are too many or none.
        message: What is wrong.
        now: The time.
    """
    if failure is None:
        return _with(job_set, {}, stuck(Reason.VALUES_REFUSED, message), now)
    make = stuck if failure.needs_a_person else working
    return _with(job_set, {}, make(failure.reason, message), now)


def _verdict(plan: SetPlan, ready: int, values: int, refused: Sequence[str]) -> Verdict:
    if refused:
        return stuck(Reason.REJECTED, f"the API server refuses {_some(refused)}")
    if plan.problems:
        return stuck(Reason.INVALID_SPEC, f"what the template gives is refused for {_some(plan.problems)}")
    if plan.conflicts:
        message = f"objects of these names are there and do not belong to the set: {_some(plan.conflicts)}"
        return stuck(Reason.CONFLICT, message)
    kept = f"; {len(plan.retained)} of values that are there no more are kept" if plan.retained else ""
    if plan.waiting:
        return working(Reason.UPDATING, f"{ready} of {values} are ready{kept}; not yet: {_some(plan.waiting)}")
    return fine(Reason.READY, f"{ready} of {values} are ready{kept}")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" and {more} more" if more > 0 else "")


def _with(job_set: AnomalyJobSet, counts: dict[str, object], verdict: Verdict, now: datetime) -> AnomalyJobSetStatus:
    last = job_set.status or AnomalyJobSetStatus()
    generation = job_set.metadata.generation
    history = History(previous=last.conditions, generation=generation, now=now)
    conditions = history.conditions(verdict.findings())
    return last.model_copy(update={**counts, "conditions": conditions, "observed_generation": generation})
