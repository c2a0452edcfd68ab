"""Synced, Reconciling and Stalled: how far the manifest has been carried out. The same for jobs and datafeeds."""

from __future__ import annotations

from collections.abc import Iterator

from anomalyops.health.conditions import Finding, History, Verdict, holds, stuck, working
from anomalyops.health.failures import Failure, PlanState
from anomalyops.plan import Effect, Step, Subject
from anomalyops.resources import Condition, ConditionStatus, ConditionType, Reason

_OF_CONFIGURATION = (
    Reason.IMMUTABLE_FIELD_CHANGED,
    Reason.FIELD_STAYS,
    Reason.MEMORY_BELOW_USAGE,
    Reason.SNAPSHOT_NOT_FOUND,
    Reason.SNAPSHOTS_RETAINED,
    Reason.NOT_OWNED,
    Reason.ALREADY_EXISTS,
    Reason.CONFLICT,
    Reason.REJECTED,
    Reason.FORBIDDEN,
)
_WAITS_FOUND_BY_COMPARING = (
    Reason.WAITING_FOR_WINDOW,
    Reason.WAITING_FOR_JOB,
    Reason.WAITING_FOR_FILTER,
    Reason.UPGRADE_MODE,
)
_FULFILLED_CONFIG = (Reason.CLOSED, Reason.NO_DATA)  # obstacles to the run state, not to the configuration


def synced(history: History, subject: Subject, state: PlanState, *, exists: bool) -> Finding | Condition:
    """Whether the server's configuration equals the manifest."""
    last = history.find(ConditionType.SYNCED)
    failure, obstacle, waiting = (
        state.failure_of(subject),
        state.blocking(subject),
        state.waiting(subject),
    )
    configuring = [step for step in state.pending_of(subject) if step.effect is not Effect.RUNS]
    if failure is not None and _refused_configuration(failure) and (configuring or not exists):
        return _unsynced(failure.reason, str(failure))
    if obstacle is not None and obstacle.reason not in _FULFILLED_CONFIG:
        return _unsynced(obstacle.reason, obstacle.message)
    if waiting is not None and waiting.reason is Reason.WAITING_FOR_WINDOW and waiting.subject is subject:
        return _unsynced(waiting.reason, waiting.message)
    if not exists:
        if waiting is not None:
            return _unsynced(waiting.reason, waiting.message)
        if not state.compared and last is not None and last.reason in {*_OF_CONFIGURATION, *_WAITS_FOUND_BY_COMPARING}:
            return last
        return _unsynced(Reason.UPDATING, f"the server has no such {subject.value} yet")
    if configuring:
        was_equal = last is not None and last.status is ConditionStatus.TRUE
        drifted = was_equal and last is not None and last.observed_generation == history.generation
        return _unsynced(Reason.DRIFTED if drifted else Reason.UPDATING, in_words(configuring))
    if not state.compared or waiting is not None:
        pending = Finding(
            ConditionType.SYNCED, ConditionStatus.UNKNOWN, Reason.PENDING, "configurations were not compared yet"
        )
        return last or pending
    message = f"the server's {subject.value} has what the manifest says"
    return Finding(ConditionType.SYNCED, ConditionStatus.TRUE, Reason.SYNCED, message)


def _refused_configuration(failure: Failure) -> bool:
    """Whether it was not merely opening or starting that the server refused."""
    return failure.needs_a_person and (failure.step is None or failure.step.effect is not Effect.RUNS)


def refused(history: History, subject: Subject, state: PlanState) -> Verdict | None:
    """The verdict when a person has to act before the manifest can be carried out.

    A look that did not compare configurations finds no such obstacles; what was refused of this generation of the
    manifest then stays refused.
    """
    failure, obstacle = state.failure_of(subject), state.blocking(subject)
    if failure is not None and failure.needs_a_person:
        return stuck(failure.reason, str(failure))
    if obstacle is not None:
        return stuck(obstacle.reason, obstacle.message)
    held = history.find(ConditionType.STALLED)
    if state.compared or held is None or held.observed_generation != history.generation:
        return None
    return stuck(Reason(held.reason), held.message) if held.reason in _OF_CONFIGURATION else None


def at_work(history: History, subject: Subject, state: PlanState) -> Verdict | None:
    """The verdict while the operator is at work or waits, apart from the server's own state changes.

    A look that did not compare configurations finds neither what waits for a maintenance window, nor whose a job is,
    nor which filters there are, nor about upgrade mode; what waits for that still does.
    """
    waiting, pending, failure = state.waiting(subject), state.pending_of(subject), state.failure
    if failure is not None and not failure.needs_a_person and (pending or failure.concerns(subject)):
        return working(failure.reason, f"{failure}; it is tried again")
    if waiting is not None:
        return working(waiting.reason, waiting.message)
    if pending:
        return working(Reason.UPDATING, in_words(pending))
    held = history.find(ConditionType.RECONCILING)
    if state.compared or held is None or held.observed_generation != history.generation:
        return None
    return working(Reason(held.reason), held.message) if held.reason in _WAITS_FOUND_BY_COMPARING else None


def not_compared(verdict: Verdict, history: History, generation: int, state: PlanState) -> list[Finding]:
    """The findings of a verdict, which must not pass for one on a generation that was not compared with the server.

    Args:
        verdict: What the server's states say.
        history: Whose generation is the one that was compared last.
        generation: The generation of the manifest.
        state: Whether configurations were compared now.
    """
    if state.compared or history.generation == generation:
        return verdict.findings()
    message = f"generation {generation} of the manifest was not compared with the server yet"
    if history.generation is None and verdict.ready.status is ConditionStatus.TRUE:
        return working(Reason.PENDING, message).findings()
    waits = [] if verdict.stuck or verdict.working else [holds(ConditionType.RECONCILING, Reason.PENDING, message)]
    return [*verdict.findings(), *waits]


def licence_findings(failure: Failure | None) -> Iterator[Finding]:
    """LicenseInvalid, while the server refuses for that."""
    if failure is not None and failure.licence:
        yield holds(ConditionType.LICENSE_INVALID, failure.reason, failure.message)


def in_words(steps: list[Step] | tuple[Step, ...]) -> str:
    """Steps as a sentence: `to do: close job (...), update job (...)`."""
    return "to do: " + ", ".join(f"{step.verb} ({step.reason})" for step in steps)


def _unsynced(reason: Reason, message: str) -> Finding:
    return Finding(ConditionType.SYNCED, ConditionStatus.FALSE, reason, message)
