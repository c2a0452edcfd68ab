"""The calendars of a job that is deleted and created anew: the server takes a deleted job out of all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from anomalyops.plan.core.plans import Plan
from anomalyops.plan.core.steps import Step
from anomalyops.plan.pair.steps import CreateJob, DeleteJob
from anomalyops.plan.shared.calendar_steps import AddCalendarJobs


def leaves_calendars(found: Plan) -> bool:
    """Whether a plan deletes a job and creates it anew."""
    deleted = {step.job_id for step in found.steps if isinstance(step, DeleteJob)}
    return any(isinstance(step, CreateJob) and step.job_id in deleted for step in found.steps)


def keeping_calendars(found: Plan, calendars: Mapping[str, Collection[str]]) -> Plan:
    """The plan with the job put back into its calendars before it is opened, so that no bucket misses their events.

    Args:
        found: A plan that deletes a job and creates it anew.
        calendars: The jobs and groups of each calendar, before the plan.
    """
    return replace(found, steps=tuple(_steps(found, calendars)))


def _steps(found: Plan, calendars: Mapping[str, Collection[str]]) -> Iterator[Step]:
    deleted: set[str] = set()
    for step in found.steps:
        yield step
        if isinstance(step, DeleteJob):
            deleted.add(step.job_id)
        elif isinstance(step, CreateJob) and step.job_id in deleted:
            for name in sorted(name for name, members in calendars.items() if step.job_id in members):
                reason = f"job {step.job_id} was in it before it was created anew"
                yield AddCalendarJobs(calendar_id=name, job_ids=(step.job_id,), reason=reason)
