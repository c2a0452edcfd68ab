"""Calendars with events that come again: what is planned as the days pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import (
    Claim,
    DeleteEvents,
    DesiredCalendar,
    Event,
    Mark,
    ObservedCalendar,
    Owner,
    PostEvents,
    expanded,
    plan_calendar,
)
from anomalyops.resources import AdoptionPolicy, AnomalyCalendar, ManifestError, Reason
from laws import law

OWNER = Owner(cluster="c1", namespace="team", name="shared", uid="u1", kind="AnomalyCalendar")
CLAIM = Claim(adoption=AdoptionPolicy.IF_MATCHES, take_over="")
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
MARK = {"description": str(Mark(owner=OWNER, since="2026-01-01T00:00:00+00:00")), "start_time": 0, "end_time": 1000}
DAY_MS = 86_400_000


def spec(**fields):
    value = {"apiVersion": "anomalyops.io/v1alpha1", "kind": "AnomalyCalendar", "metadata": {"name": "shared"}}
    return AnomalyCalendar.from_object({**value, "spec": fields}).spec


def recurring(rrule="FREQ=DAILY", start="2026-01-01T02:00", duration="2h", **more):
    return {"description": "backup", "start": start, "duration": duration, "rrule": rrule, **more}


def wanted(calendar, now):
    found = expanded(calendar, now)
    return DesiredCalendar(
        calendar_id="shared", job_ids=frozenset({"web"}), events=found.events, problems=found.problems
    )


def observed(events):
    known = [*events, MARK]
    return ObservedCalendar(
        job_ids=frozenset({"web"}), events={f"e{n}": Event.read(body) for n, body in enumerate(known)}, moment="m"
    )


@law(examples=100)
@given(
    calendar=st.builds(
        spec,
        recurringEvents=st.lists(
            st.builds(
                recurring,
                rrule=st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,SU", "FREQ=MONTHLY;BYMONTHDAY=-1"]),
                start=st.sampled_from(["2026-01-01T02:00", "2026-03-09", "2026-03-12T23:30"]),
                duration=st.sampled_from(["2h", "1d", "30m"]),
            ),
            min_size=1,
            max_size=3,
        ),
        timeZone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland"]),
        expandAhead=st.sampled_from(["1d", "20d"]),
        keepPast=st.sampled_from(["0", "7d"]),
    ),
    passed=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_as_days_pass_only_what_enters_or_leaves_the_window_changes(calendar, passed):
    before, after = expanded(calendar, NOW), expanded(calendar, NOW + passed)
    plan = plan_calendar(OWNER, wanted(calendar, NOW + passed), observed(before.events), CLAIM)
    posted = [Event.read(body) for step in plan.steps if isinstance(step, PostEvents) for body in step.events]
    deleted = [name for step in plan.steps if isinstance(step, DeleteEvents) for name in step.event_ids]
    old, new = ({Event.read(body) for body in found.events} for found in (before, after))
    assert set(posted) == new - old
    assert len(posted) == len(set(posted))
    assert {Event.read(before.events[int(name[1:])]) for name in deleted} == old - new
    begin = int((NOW + passed).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    assert all(event.end <= begin for event in old - new), "only what is over leaves"
    settled = plan_calendar(OWNER, wanted(calendar, NOW + passed), observed(after.events), CLAIM)
    assert settled.empty


@law(examples=30)
@given(first=st.integers(0, 86_399), second=st.integers(0, 86_399))
def test_within_a_day_it_is_the_same(first, second):
    calendar = spec(recurringEvents=[recurring()], daylightSavingTimeZone="Europe/Berlin")
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    moments = (midnight + timedelta(seconds=seconds) for seconds in (first, second))
    assert len({expanded(calendar, moment).events[0]["start_time"] for moment in moments}) == 1


def test_clock_changes_move_the_models_and_skip_nothing():
    calendar = spec(daylightSavingTimeZone="Europe/Berlin", expandAhead="300d", keepPast="0")
    found = [Event.read(body) for body in expanded(calendar, NOW).events]
    assert [(datetime.fromtimestamp(one.start / 1000, UTC), one.force_time_shift) for one in found] == [
        (datetime(2026, 3, 29, 1, tzinfo=UTC), 3600),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), -3600),
    ]
    assert not any(one.skip_result or one.skip_model_update for one in found)


def test_effects_and_written_events_stand_beside_each_other():
    calendar = spec(
        events=[{"description": "once", "start": "2026-03-11", "end": "2026-03-12"}],
        recurringEvents=[recurring("FREQ=DAILY;COUNT=1", start="2026-03-20", skipResult=False)],
        ics=[{"inline": ICS, "skipModelUpdate": False}],
    )
    found = {body["description"]: body for body in expanded(calendar, NOW).events}
    assert set(found) == {"once", "backup", "inventory"}
    assert found["backup"]["skip_result"] is False
    assert found["inventory"] == {
        "description": "inventory",
        "start_time": 1_774_000_800_000,
        "end_time": 1_774_008_000_000,
        "skip_model_update": False,
    }


ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:1
SUMMARY:inventory
DTSTART:20260320T100000Z
DURATION:PT2H
END:VEVENT
END:VCALENDAR
"""


def test_too_many_events_are_said_and_nothing_is_deleted():
    calendar = spec(
        recurringEvents=[recurring("FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9", duration="10m")], expandAhead="300d"
    )
    asked = wanted(calendar, NOW)
    (problem,) = asked.problems
    assert "at most 2,000 fit" in problem
    there = {"description": "backup", "start_time": 5 * DAY_MS, "end_time": 6 * DAY_MS}
    plan = plan_calendar(OWNER, asked, observed([there]), CLAIM)
    assert not any(isinstance(step, DeleteEvents) for step in plan.steps)
    assert [obstacle.reason for obstacle in plan.obstacles] == [Reason.INVALID_SPEC]
    known = replace(asked, problems=())
    assert any(isinstance(step, DeleteEvents) for step in plan_calendar(OWNER, known, observed([there]), CLAIM).steps)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"recurringEvents": [recurring("FREQ=NEVER")]}, "needs FREQ"),
        ({"recurringEvents": [recurring(start="2026-01-01T02:00Z")]}, "start"),
        ({"recurringEvents": [recurring(duration="0")]}, "duration"),
        ({"recurringEvents": [{**recurring(), "description": "[anomalyops.io x"}]}, "must not begin with"),
        ({"timeZone": "Europe/Atlantis"}, "is not a time zone"),
        ({"daylightSavingTimeZone": "CEST+2"}, "is not a time zone"),
        ({"ics": [{"inline": "hello"}]}, "VEVENT|iCalendar"),
        ({"expandAhead": "0"}, "expandAhead"),
    ],
)
def test_what_cannot_be_written_out_is_refused_with_the_field(fields, says):
    with pytest.raises(ManifestError, match=says):
        spec(**fields)
