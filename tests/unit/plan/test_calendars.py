"""Plans for calendars: laws over generated calendars, marks and policies, on a server with Elasticsearch's rules."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stepping import at_once

from anomalyops.plan import (
    AddCalendarJobs,
    Claim,
    CreateJob,
    DeleteJob,
    DesiredCalendar,
    Event,
    Mark,
    ObservedCalendar,
    OpenJob,
    Owner,
    Plan,
    Removal,
    Step,
    keeping_calendars,
    leaves_calendars,
    plan_calendar,
)
from anomalyops.resources import AdoptionPolicy, DeletionPolicy, Reason
from laws import law

OURS = Owner(cluster="c1", namespace="team", name="holidays", uid="u1", kind="AnomalyCalendar")
THEIRS = Owner(cluster="c1", namespace="other", name="holidays", uid="u2", kind="AnomalyCalendar")
NOW = "2026-11-26T12:00:00+00:00"
ALWAYS = Claim(adoption=AdoptionPolicy.ALWAYS, take_over=THEIRS.reference)

jobs = st.frozensets(st.sampled_from(["web", "db", "group", "_all"]), max_size=4)
bodies = st.builds(
    lambda description, start, more: {
        "description": description,
        "start_time": start,
        "end_time": start + 3_600_000,
        **more,
    },
    st.sampled_from(["maintenance", "holiday", "[anomalyops.io {} odd"]),
    st.sampled_from([1_700_000_000_000, 1_700_003_600_000]),
    st.sampled_from([{}, {"skip_result": True}, {"skip_result": False}, {"force_time_shift": 3600}]),
)
different_bodies = st.lists(bodies, max_size=4, unique_by=Event.read).map(tuple)
marks = st.builds(
    lambda mark: {"description": str(mark), "start_time": 0, "end_time": 1000},
    st.builds(
        Mark,
        owner=st.sampled_from([OURS, THEIRS]),
        since=st.sampled_from(["", "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"]),
        retained=st.booleans(),
    ),
)
present = st.builds(
    lambda job_ids, description, events, marks: ObservedCalendar(
        job_ids=job_ids,
        description=description,
        events={f"e{number}": Event.read(body) for number, body in enumerate([*events, *marks])},
        moment=NOW,
    ),
    jobs,
    st.sampled_from(["", "ours", "theirs"]),
    st.lists(bodies, max_size=4),
    st.lists(marks, max_size=2),
)
observations = st.just(ObservedCalendar(moment=NOW)) | present
wishes = st.builds(
    DesiredCalendar,
    calendar_id=st.just("holidays"),
    job_ids=jobs,
    events=different_bodies,
    description=st.sampled_from([None, "ours"]),
    missing_jobs=st.sampled_from([(), ("later",)]),
)
claims = st.builds(
    Claim, adoption=st.sampled_from(AdoptionPolicy), take_over=st.sampled_from(["", THEIRS.reference, "c9/x/y"])
)
removals = st.builds(Removal, id=st.just("holidays"), policy=st.sampled_from(DeletionPolicy))


class RefusedError(Exception):
    """What Elasticsearch would answer with a 4xx."""


@dataclass
class Server:
    """One calendar, with the rules of `_ml/calendars`; it notes which events there were at every moment."""

    calendar: ObservedCalendar
    history: list[frozenset[Event]] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(100))

    def _set(self, **change: Any) -> None:
        self.calendar = replace(self.calendar, **change)
        self.history.append(frozenset(self.calendar.real_events.values()))

    def _there(self) -> frozenset[str]:
        if self.calendar.job_ids is None:
            raise RefusedError("missing")
        return self.calendar.job_ids

    async def create_calendar(self, calendar_id: str, body: Mapping[str, Any]) -> None:
        if self.calendar.job_ids is not None:
            raise RefusedError("exists")
        self._set(job_ids=frozenset(body["job_ids"]), description=body.get("description", ""))

    async def delete_calendar(self, calendar_id: str) -> None:
        self._set(job_ids=None, description="", events={})

    async def add_calendar_jobs(self, calendar_id: str, job_ids: Sequence[str]) -> None:
        self._set(job_ids=self._there() | set(job_ids))

    async def remove_calendar_jobs(self, calendar_id: str, job_ids: Sequence[str]) -> None:
        if not set(job_ids) <= self._there():
            raise RefusedError("not present")
        self._set(job_ids=self._there() - set(job_ids))

    async def post_events(self, calendar_id: str, events: Sequence[Mapping[str, Any]]) -> None:
        self._there()
        if not events:
            raise RefusedError("At least 1 event is required")
        new = {f"e{next(self._ids)}": Event.read(body) for body in events}
        self._set(events={**self.calendar.events, **new})

    async def delete_events(self, calendar_id: str, event_ids: Sequence[str]) -> None:
        self._there()
        self._set(events={name: event for name, event in self.calendar.events.items() if name not in event_ids})


def carry_out(steps: Sequence[Step], server: Server) -> None:
    for step in steps:
        at_once(step.send(server))  # type: ignore[arg-type]


def as_wanted(calendar: ObservedCalendar, wanted: DesiredCalendar) -> bool:
    events = sorted(calendar.real_events.values())
    return calendar.job_ids == wanted.job_ids and events == sorted(map(Event.read, wanted.events))


@law(examples=100)
@given(wanted=wishes, seen=observations, claim=claims)
def test_after_one_plan_the_calendar_is_as_wanted_or_untouched(
    wanted: DesiredCalendar, seen: ObservedCalendar, claim: Claim
) -> None:
    server = Server(seen)
    found = plan_calendar(OURS, wanted, seen, claim)
    carry_out(found.steps, server)
    again = plan_calendar(OURS, wanted, server.calendar, claim)
    assert again.steps == ()
    if any(obstacle.reason in {Reason.NOT_OWNED, Reason.ALREADY_EXISTS} for obstacle in found.obstacles):
        assert server.calendar == seen
        return
    assert as_wanted(server.calendar, wanted)
    (mark,) = server.calendar.marks.values()
    assert mark.belongs_to(OURS)
    assert not mark.retained
    waits = [obstacle for obstacle in again.obstacles if obstacle.reason is Reason.WAITING_FOR_JOB]
    assert bool(waits) == bool(wanted.missing_jobs)


@law(examples=100)
@given(wanted=wishes, seen=observations)
def test_no_event_that_stays_is_away_for_a_moment(wanted: DesiredCalendar, seen: ObservedCalendar) -> None:
    server = Server(seen)
    carry_out(plan_calendar(OURS, wanted, seen, ALWAYS).steps, server)
    stays = frozenset(seen.real_events.values()) & frozenset(map(Event.read, wanted.events))
    assert all(stays <= moment for moment in server.history)
    # An event that changes is there in one of its forms: what is new is posted before anything old goes.
    if seen.real_events and wanted.events:
        assert all(server.history)


@law(examples=100)
@given(wanted=wishes, seen=observations, cut=st.integers(0, 4))
def test_a_plan_that_is_cut_off_anywhere_is_finished_by_the_next(
    wanted: DesiredCalendar, seen: ObservedCalendar, cut: int
) -> None:
    server = Server(seen)
    claim = Claim(adoption=AdoptionPolicy.NEVER)  # what it made itself it may go on with all the same
    if seen.job_ids is not None:
        claim = ALWAYS
    carry_out(plan_calendar(OURS, wanted, seen, claim).steps[:cut], server)
    carry_out(plan_calendar(OURS, wanted, server.calendar, claim).steps, server)
    assert as_wanted(server.calendar, wanted)
    assert plan_calendar(OURS, wanted, server.calendar, claim).empty


@law(examples=100)
@given(wanted=wishes, seen=present, claim=claims)
def test_nothing_is_taken_from_its_owner_or_lost_without_leave(
    wanted: DesiredCalendar, seen: ObservedCalendar, claim: Claim
) -> None:
    found = plan_calendar(OURS, wanted, seen, claim)
    mark = seen.mark
    if mark is not None and not mark.belongs_to(OURS) and not mark.retained and claim.take_over != THEIRS.reference:
        assert [obstacle.reason for obstacle in found.obstacles] == [Reason.NOT_OWNED]
        assert found.empty
    if mark is None and claim.adoption is AdoptionPolicy.IF_MATCHES and not found.empty:
        assert seen.job_ids is not None
        assert seen.job_ids <= wanted.job_ids
        assert set(seen.real_events.values()) <= set(map(Event.read, wanted.events))


@law(examples=100)
@given(removed=removals, seen=observations)
def test_a_deletion_does_what_its_policy_says_to_its_own_calendar_alone(
    removed: Removal, seen: ObservedCalendar
) -> None:
    server = Server(seen)
    carry_out(plan_calendar(OURS, removed, seen, ALWAYS).steps, server)
    left = server.calendar
    assert plan_calendar(OURS, removed, left, ALWAYS).empty
    if seen.mark is None or not seen.mark.belongs_to(OURS):
        assert left == seen
        return
    if removed.policy is DeletionPolicy.DELETE:
        assert left.job_ids is None
        return
    assert (left.job_ids, left.real_events) == (seen.job_ids, seen.real_events)
    retained = [mark.retained for mark in left.marks.values()]
    assert retained == ([True] if removed.policy is DeletionPolicy.RETAIN else [])


@law(examples=100)
@given(wanted=wishes, seen=observations)
def test_what_was_retained_is_taken_up_again(wanted: DesiredCalendar, seen: ObservedCalendar) -> None:
    server = Server(seen)
    carry_out(plan_calendar(OURS, wanted, seen, ALWAYS).steps, server)
    retain = Removal(id="holidays", policy=DeletionPolicy.RETAIN)
    carry_out(plan_calendar(OURS, retain, server.calendar, ALWAYS).steps, server)
    again = plan_calendar(OURS, wanted, server.calendar, Claim(adoption=AdoptionPolicy.IF_MATCHES))
    assert not any(obstacle.reason is Reason.ALREADY_EXISTS for obstacle in again.obstacles)
    carry_out(again.steps, server)
    assert as_wanted(server.calendar, wanted)


def test_a_description_is_for_ever_and_hinders_nothing_else() -> None:
    event = {"description": "holiday", "start_time": 1_700_000_000_000, "end_time": 1_700_000_001_000}
    wanted = DesiredCalendar(calendar_id="holidays", job_ids=frozenset(), events=(event,), description="new")
    seen = ObservedCalendar(job_ids=frozenset(), description="old", moment=NOW)
    found = plan_calendar(OURS, wanted, seen, Claim(adoption=AdoptionPolicy.IF_MATCHES))
    assert [obstacle.reason for obstacle in found.obstacles] == [Reason.IMMUTABLE_FIELD_CHANGED]
    assert found.steps[0].reason == "holiday (2023-11-14 22:13), it is taken over"


def test_a_job_that_is_created_anew_is_put_back_before_it_is_opened() -> None:
    steps = (
        DeleteJob(job_id="web", reason="why"),
        CreateJob(job_id="web", body={}, reason="why"),
        OpenJob(job_id="web", reason="why"),
    )
    assert leaves_calendars(Plan(steps=steps))
    assert not leaves_calendars(Plan(steps=steps[1:]))
    found = keeping_calendars(Plan(steps=steps), {"holidays": ["web", "db"], "others": ["db", "_all"]})
    assert [step.verb for step in found.steps] == [
        "delete job",
        "create job",
        "add jobs to calendar",
        "open job",
    ]
    added = found.steps[2]
    assert isinstance(added, AddCalendarJobs)
    assert (added.calendar_id, added.job_ids) == ("holidays", ("web",))
