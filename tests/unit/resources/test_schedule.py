"""Schedules: which of their times is the last and the next, whatever the clocks of a zone do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources.schedule import Schedule
from laws import law

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]
CRONS = ["* * * * *", "*/10 * * * *", "0 6 * * *", "30 2 * * *", "0 0 1 * *", "15 3 * * MON#1", "0 */5 * * SUN"]
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
schedules = st.builds(Schedule, st.sampled_from(CRONS), st.sampled_from(ZONES))


@law(examples=200)
@given(schedule=schedules, moment=moments, whole=st.booleans())
def test_no_time_lies_between_the_last_and_the_next(schedule: Schedule, moment: datetime, whole: bool) -> None:
    if whole:
        moment = moment.replace(second=0, microsecond=0)
    last, following = schedule.latest_until(moment), schedule.next_after(moment)
    assert last <= moment < following
    assert schedule.next_after(last) == following
    assert schedule.latest_until(following) == following
    assert schedule.latest_until(following - timedelta(seconds=1)) == last
    assert schedule.latest_until(last) == last


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-29", ["2026-03-29T01:00:00+00:00"]),  # 2:30 does not exist: it comes when clocks are put forward
        ("2026-10-25", ["2026-10-25T00:30:00+00:00"]),  # 2:30 comes twice: it counts once
        ("2026-06-01", ["2026-06-01T00:30:00+00:00"]),
    ],
)
def test_a_time_at_night_comes_once_a_day(day: str, expected: list[str]) -> None:
    schedule = Schedule("30 2 * * *", "Europe/Berlin")
    at, end = datetime.fromisoformat(f"{day}T00:00:00+00:00"), datetime.fromisoformat(f"{day}T20:00:00+00:00")
    found = []
    while (at := schedule.next_after(at)) <= end:
        found.append(at.isoformat())
    assert found == expected
