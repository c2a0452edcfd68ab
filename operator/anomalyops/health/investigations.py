"""The status of an Investigation: what it waits for, what it found, and why it could not be made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anomalyops.health.conditions import History, Verdict, fine, stuck, working
from anomalyops.health.failures import Failure
from anomalyops.plan.investigations import expiry
from anomalyops.resources import Investigation, InvestigationStatus, Reason, ReportReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an investigation came to.

    Attributes:
        summary: In a sentence; why there is nothing where nothing was found.
        report: The whole, as Markdown.
        root_cause: The entity that is the most likely cause; None where nothing was found.
        root_cause_field: The field that names it.
        fault_class: The kind of fault.
        severity: The band of the worst bucket.
        likelihood: How sure the cause is, 0 to 1.
        runner_up: The second most likely cause.
        onset: When the cause began.
        jobs: How many jobs are affected.
    """

    summary: str
    report: str
    root_cause: str | None = None
    root_cause_field: str | None = None
    fault_class: str | None = None
    severity: str | None = None
    likelihood: float | None = None
    runner_up: str | None = None
    onset: datetime | None = None
    jobs: int | None = None


def waiting_investigation(one: Investigation, until: datetime, now: datetime) -> InvestigationStatus:
    """Its window is not over yet."""
    message = f"the window ends at {until.strftime('%Y-%m-%dT%H:%M:%SZ')}; the investigation begins then"
    return _with(one, {"state": "Waiting"}, working(Reason.WAITING_FOR_WINDOW_END, message), now)


def running_investigation(one: Investigation, now: datetime) -> InvestigationStatus:
    """It is under way; when it was begun first stays."""
    begun = one.status.start_time if one.status is not None else None
    changes = {"state": "Running", "start_time": begun or now}
    return _with(one, changes, working(Reason.INVESTIGATING, "the investigation is under way"), now)


def finished_investigation(
    one: Investigation, findings: Findings, report: ReportReference | None, now: datetime, *, not_kept: str = ""
) -> InvestigationStatus:
    """It has come to an end.

    Args:
        one: The Investigation with its present status.
        findings: What was found.
        report: Where the whole report is; None where it could not be kept.
        now: The time.
        not_kept: Why it could not be kept.
    """
    reason = Reason.NOTHING_FOUND if findings.root_cause is None else Reason.INVESTIGATED
    message = findings.summary + (f"; the report could not be kept: {not_kept}" if not_kept else "")
    changes = {
        "state": "Finished",
        "completion_time": now,
        "expires": expiry(one, now),
        "root_cause": findings.root_cause,
        "root_cause_field": findings.root_cause_field,
        "fault_class": findings.fault_class,
        "severity": findings.severity,
        "likelihood": None if findings.likelihood is None else round(100 * findings.likelihood),
        "runner_up": findings.runner_up,
        "onset": findings.onset,
        "jobs": findings.jobs,
        "summary": findings.summary[:4096],
        "report": report,
    }
    return _with(one, changes, fine(reason, message), now)


def failed_investigation(one: Investigation, message: str, now: datetime) -> InvestigationStatus:
    """It cannot be made: trying again would not help."""
    changes = {"state": "Failed", "completion_time": now, "expires": expiry(one, now)}
    return _with(one, changes, stuck(Reason.INVESTIGATION_FAILED, message), now)


def hindered_investigation(one: Investigation, failure: Failure, now: datetime) -> InvestigationStatus:
    """Its server cannot be used, or has not answered; it is tried again."""
    make = stuck if failure.needs_a_person else working
    return _with(one, {"state": "Waiting"}, make(failure.reason, str(failure)), now)


def kept_investigation(one: Investigation) -> InvestigationStatus:
    """It has finished: only how long it is kept may have changed."""
    last = one.status or InvestigationStatus()
    expires = None if last.completion_time is None else expiry(one, last.completion_time)
    generation = one.metadata.generation
    conditions = [each.model_copy(update={"observed_generation": generation}) for each in last.conditions]
    return last.model_copy(update={"expires": expires, "observed_generation": generation, "conditions": conditions})


def _with(one: Investigation, changes: dict[str, Any], verdict: Verdict, now: datetime) -> InvestigationStatus:
    last = one.status or InvestigationStatus()
    generation = one.metadata.generation
    conditions = History(previous=last.conditions, generation=generation, now=now).conditions(verdict.findings())
    whole = {"window": one.window, "conditions": conditions, "observed_generation": generation} | changes
    return InvestigationStatus.model_validate(last.model_copy(update=whole).model_dump())
