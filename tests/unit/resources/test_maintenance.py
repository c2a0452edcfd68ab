"""When a maintenance window is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from anomalyops.resources.maintenance import MaintenanceWindow

SATURDAY_NIGHT = MaintenanceWindow(schedule="0 2 * * SAT", duration="2h", time_zone="Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-28T00:59:59", False),  # Berlin is an hour ahead in winter
        ("2026-11-28T01:00:00", True),
        ("2026-11-28T02:59:59", True),
        ("2026-11-28T03:00:00", False),
        ("2026-07-04T00:00:00", True),  # two in summer
        ("2026-07-04T02:00:00", False),
        ("2026-11-27T01:30:00", False),
    ],
)
def test_a_window_is_open_for_its_duration_in_its_time_zone(now: str, is_open: bool) -> None:
    assert SATURDAY_NIGHT.is_open(at(now)) is is_open


def test_it_says_when_it_opens_next() -> None:
    assert SATURDAY_NIGHT.opens(at("2026-11-26T12:00:00")) == at("2026-11-28T01:00:00")


schedules = st.sampled_from(
    ["0 2 * * SAT", "*/30 * * * *", "15 4 1 * *", "0 0 * * MON-FRI", "30 2 * * *", "59 23 * * *"]
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda found: found.replace(tzinfo=UTC))


@given(schedules, zones, st.integers(10, 3000), moments)
def test_a_window_opens_when_it_says_and_stays_open_for_its_duration(
    schedule: str, zone: str, minutes: int, now: datetime
) -> None:
    window = MaintenanceWindow(schedule=schedule, duration=f"{minutes}m", time_zone=zone)
    opens = window.opens(now)
    assert opens > now
    assert window.is_open(opens)
    assert window.is_open(opens + timedelta(minutes=minutes) - timedelta(seconds=1))
    if not window.is_open(now):
        assert not window.is_open(now + (opens - now) / 2), "it is shut until it opens"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("schedule", "0 2 30 2 *", "no time that ever comes|no cron schedule"),
        ("schedule", "0 25 * * *", "no cron schedule"),
        ("schedule", "@daily", "no cron schedule"),
        ("schedule", "0 0 2 * * SAT", "no cron schedule"),
        ("time_zone", "Mars/Olympus", "no time zone"),
        ("time_zone", "../etc", "time zone"),
        ("duration", "5m", "at least 10m"),
    ],
)
def test_what_is_no_window_is_refused_by_name(field: str, value: str, said: str) -> None:
    given_ = {"schedule": "0 2 * * SAT", "duration": "2h", field: value}
    with pytest.raises(ValidationError, match=said):
        MaintenanceWindow(**given_)
