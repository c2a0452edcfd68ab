"""The plan for a calendar: what is new comes first, what is old goes last, so that no event is away in between.

The server has no call that changes a calendar or an event. Jobs are added and removed, events are posted and deleted,
and the mark is an event of its own, long before any data, because a description is for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from anomalyops.plan.core.differences import shown
from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.plans import Obstacle, Plan
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.steps import Step, Subject
from anomalyops.plan.shared.calendar_steps import (
    AddCalendarJobs,
    CreateCalendar,
    DeleteCalendar,
    DeleteEvents,
    PostEvents,
    RemoveCalendarJobs,
)
from anomalyops.plan.shared.calendar_values import MARK_TIMES, DesiredCalendar, Event, ObservedCalendar
from anomalyops.plan.shared.claims import Claim, whose
from anomalyops.plan.shared.mark import Mark
from anomalyops.plan.shared.words import in_words
from anomalyops.resources import DeletionPolicy, Reason


def plan_calendar(owner: Owner, wanted: DesiredCalendar | Removal, observed: ObservedCalendar, claim: Claim) -> Plan:
    """What is to be done about one calendar.

    Args:
        owner: The resource.
        wanted: What it asks for.
        observed: What the server has.
        claim: What it allows about a calendar that it did not make.
    """
    if isinstance(wanted, Removal):
        return Plan(steps=tuple(_removal(owner, wanted, observed)))
    target, mark = wanted.calendar_id, observed.mark
    ownership = whose(Subject.CALENDAR, target, mark, owner, exists=observed.job_ids is not None)
    if not _is_half_made(wanted, observed):
        refused = claim.obstacle(Subject.CALENDAR, target, mark, owner, _lost(wanted, observed))
        if refused is not None and observed.job_ids is not None:
            return Plan(obstacles=(refused,), ownership=ownership)
    if wanted.problems:  # half of its events are not what is asked for
        message = f"nothing is changed meanwhile: {'; '.join(wanted.problems)}"
        unknown = Obstacle(reason=Reason.INVALID_SPEC, message=message, subject=Subject.CALENDAR)
        return Plan(obstacles=(unknown,), ownership=ownership)
    return Plan(
        steps=tuple(_steps(owner, wanted, observed)),
        obstacles=tuple(_obstacles(wanted, observed)),
        ownership=ownership,
    )


def _steps(owner: Owner, wanted: DesiredCalendar, observed: ObservedCalendar) -> Iterator[Step]:
    target = wanted.calendar_id
    if observed.job_ids is None:
        body = {"job_ids": sorted(wanted.job_ids)}
        described = body | ({"description": wanted.description} if wanted.description else {})
        yield CreateCalendar(calendar_id=target, body=described, reason="it does not exist")
    there = observed.job_ids if observed.job_ids is not None else wanted.job_ids
    posted, old = _changes_of_events(wanted, observed)
    mark = _mark(owner, observed)
    kept = [name for name, known in observed.marks.items() if known == mark][:1]
    if posted or not kept:
        reasons = [in_words(str(event) for event in posted.values())] if posted else []
        marks = [] if kept else [{**MARK_TIMES, "description": str(mark)}]
        if not kept and observed.job_ids is not None:
            reasons.append("it is taken over" if not _is_ours(owner, observed.mark) else "the mark is renewed")
        events = (*(wanted.events[number] for number in posted), *marks)
        yield PostEvents(calendar_id=target, events=events, reason=", ".join(reasons) or "the mark")
    if added := sorted(wanted.job_ids - there):
        yield AddCalendarJobs(calendar_id=target, job_ids=tuple(added), reason=in_words(added))
    if removed := sorted(there - wanted.job_ids):
        yield RemoveCalendarJobs(calendar_id=target, job_ids=tuple(removed), reason=in_words(removed))
    strays = [name for name in observed.marks if name not in kept]
    if old or strays:
        reason = in_words(str(event) for event in old.values()) if old else "marks of before"
        yield DeleteEvents(calendar_id=target, event_ids=(*sorted(old), *sorted(strays)), reason=reason)


def _changes_of_events(
    wanted: DesiredCalendar, observed: ObservedCalendar
) -> tuple[dict[int, Event], dict[str, Event]]:
    """The wanted events, by number, that are not there, and those that are there, by id, and not wanted (or twice)."""
    missing = Counter(Event.read(body) for body in wanted.events)
    old = {}
    for name, event in sorted(observed.real_events.items()):
        if missing[event] > 0:
            missing[event] -= 1
        else:
            old[name] = event
    posted = {}
    for number, body in enumerate(wanted.events):
        event = Event.read(body)
        if missing[event] > 0:
            missing[event] -= 1
            posted[number] = event
    return posted, old


def _is_half_made(wanted: DesiredCalendar, observed: ObservedCalendar) -> bool:
    """Whether it is what the creation of this calendar leaves when it is cut off before its events are posted."""
    return (
        not observed.events
        and observed.job_ids == wanted.job_ids
        and observed.description == (wanted.description or "")
    )


def _lost(wanted: DesiredCalendar, observed: ObservedCalendar) -> str:
    """What of an existing calendar the manifest would take away, in words."""
    given = {Event.read(body) for body in wanted.events}
    lost = [event for event in observed.real_events.values() if event not in given]
    jobs = (observed.job_ids or frozenset()) - wanted.job_ids
    parts = [f"jobs {in_words(jobs)}"] if jobs else []
    parts += [f"events {in_words(str(event) for event in lost)}"] if lost else []
    return ", ".join(parts)


def _obstacles(wanted: DesiredCalendar, observed: ObservedCalendar) -> Iterator[Obstacle]:
    different = observed.job_ids is not None and wanted.description not in {None, observed.description}
    if different:
        message = (
            f"the server cannot change the description of calendar {wanted.calendar_id} "
            f"({shown(observed.description)} -> {shown(wanted.description)}); all else is done. Write the old one, or "
            "delete the calendar on the server: it is then made anew, with its events"
        )
        yield Obstacle(reason=Reason.IMMUTABLE_FIELD_CHANGED, message=message, subject=Subject.CALENDAR)
    if wanted.missing_jobs:
        message = f"AnomalyJobs of spec.jobRefs that are not there yet: {in_words(wanted.missing_jobs)}"
        yield Obstacle(reason=Reason.WAITING_FOR_JOB, message=message, subject=Subject.CALENDAR, waiting=True)


def _mark(owner: Owner, observed: ObservedCalendar) -> Mark:
    stored = observed.mark
    if stored is None or not _is_ours(owner, stored):
        return Mark(owner=owner, since=observed.moment)
    return Mark(owner=owner, since=stored.since)


def _is_ours(owner: Owner, mark: Mark | None) -> bool:
    return mark is not None and mark.belongs_to(owner) and not mark.retained


def _removal(owner: Owner, removed: Removal, observed: ObservedCalendar) -> Iterable[Step]:
    mark, target = observed.mark, removed.id
    if observed.job_ids is None or mark is None or not mark.belongs_to(owner):
        return
    reason = f"the resource is being deleted (spec.deletionPolicy: {removed.policy.value})"
    if removed.policy is DeletionPolicy.DELETE:
        yield DeleteCalendar(calendar_id=target, reason=reason)
        return
    kept: list[str] = []
    if removed.policy is DeletionPolicy.RETAIN:
        left = replace(mark, retained=True, since=max(mark.since, observed.moment))
        kept = [name for name, known in observed.marks.items() if known.retained and known.belongs_to(owner)][:1]
        if not kept:
            event = {**MARK_TIMES, "description": str(left)}
            yield PostEvents(calendar_id=target, events=(event,), reason=reason)
    if strays := sorted(name for name in observed.marks if name not in kept):
        yield DeleteEvents(calendar_id=target, event_ids=tuple(strays), reason=reason)
