"""Buckets of time in zones whose clocks change: as Elasticsearch has them, and the same in the database as here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import sql
from anomalyops_engine.query.aggregations.date_buckets import calendar_interval, fixed_interval
from anomalyops_engine.query.aggregations.zoned_buckets import ZonedBuckets
from anomalyops_engine.query.expr import Column, Literal, Select, call
from anomalyops_engine.store import scratch
from anomalyops_engine.store.dates import format_millis
from anomalyops_engine.store.dates.transitions import periods
from anomalyops_engine.store.dates.zones import offset_at, zone
from laws import law

ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca"),
    *("Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "Asia/Beirut", "Africa/Cairo", "America/Havana"),
    *("Asia/Gaza", "Asia/Kolkata", "Europe/London"),
)
INTERVALS = (
    *(calendar_interval(unit) for unit in ("minute", "hour", "day", "week", "month", "quarter", "year")),
    *(fixed_interval(text) for text in ("30m", "45m", "1h", "3h", "5h", "1d", "7d")),
)
HOUR = 3_600_000


def millis(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def keys_in_the_database(buckets: ZonedBuckets, moments: list[int]) -> list[int]:
    rows = Select((call("unnest", Literal(tuple(moments), "BIGINT[]")).named("moment"),))
    with scratch() as connection:
        return [key for (key,) in sql.fetch(connection, Select((buckets.key_of(Column("moment")).named("key"),), rows))]


@pytest.mark.parametrize(
    ("zone", "interval", "offset", "keys"),
    [
        (
            "Europe/Berlin",
            calendar_interval("day"),
            0,
            {
                "2024-03-30T22:59": "2024-03-30T00:00:00.000+01:00",
                "2024-03-30T23:00": "2024-03-31T00:00:00.000+01:00",
                "2024-03-31T21:59": "2024-03-31T00:00:00.000+01:00",
                "2024-03-31T22:00": "2024-04-01T00:00:00.000+02:00",
            },
        ),
        (
            "Europe/Berlin",
            calendar_interval("hour"),
            0,
            {
                "2024-10-27T00:30": "2024-10-27T02:00:00.000+02:00",
                "2024-10-27T01:30": "2024-10-27T02:00:00.000+01:00",
            },
        ),
        (
            "Europe/Berlin",
            fixed_interval("3h"),
            0,
            {
                "2024-03-31T00:30": "2024-03-31T00:00:00.000+01:00",
                "2024-03-31T01:30": "2024-03-31T03:00:00.000+02:00",
                "2024-10-27T00:30": "2024-10-27T00:00:00.000+02:00",
                "2024-10-27T01:30": "2024-10-27T00:00:00.000+02:00",
            },
        ),
        (
            "Europe/Berlin",
            calendar_interval("month"),
            0,
            {
                "2024-03-31T21:59": "2024-03-01T00:00:00.000+01:00",
                "2024-03-31T22:00": "2024-04-01T00:00:00.000+02:00",
                "2024-10-31T22:30": "2024-10-01T00:00:00.000+02:00",
                "2024-10-31T23:00": "2024-11-01T00:00:00.000+01:00",
            },
        ),
        ("Europe/Berlin", calendar_interval("year"), 0, {"2024-07-01T00:00": "2024-01-01T00:00:00.000+01:00"}),
        (
            "America/New_York",
            calendar_interval("week"),
            0,
            {
                "2024-03-11T03:59": "2024-03-04T00:00:00.000-05:00",
                "2024-03-11T04:00": "2024-03-11T00:00:00.000-04:00",
            },
        ),
        # No midnight, or two of them.
        ("Asia/Beirut", calendar_interval("day"), 0, {"2022-03-26T22:00": "2022-03-27T01:00:00.000+03:00"}),
        (
            "America/Havana",
            calendar_interval("day"),
            0,
            {
                "2024-11-03T04:30": "2024-11-03T00:00:00.000-04:00",
                "2024-11-03T05:30": "2024-11-03T00:00:00.000-04:00",
            },
        ),
        # The beginning of a bucket is left out by the clocks.
        ("Asia/Gaza", fixed_interval("1d"), 0, {"1999-04-15T22:00": "1999-04-16T01:00:00.000+03:00"}),
        ("Europe/London", fixed_interval("45m"), 0, {"1990-03-25T01:05": "1990-03-25T02:00:00.000+01:00"}),
        (
            "Australia/Lord_Howe",
            calendar_interval("hour"),
            0,
            {
                "2024-10-05T15:31": "2024-10-06T01:00:00.000+10:30",
                "2024-04-06T15:01": "2024-04-07T01:00:00.000+11:00",
            },
        ),
        ("Asia/Kathmandu", calendar_interval("hour"), 0, {"1985-12-31T18:31": "1985-12-31T23:00:00.000+05:30"}),
        ("America/Havana", fixed_interval("3h"), -HOUR // 2, {"2002-04-07T05:20": "2002-04-06T23:30:00.000-05:00"}),
        # A day that never was.
        ("Pacific/Apia", calendar_interval("day"), 0, {"2011-12-30T10:00": "2011-12-31T00:00:00.000+14:00"}),
    ],
)
def test_buckets_begin_where_elasticsearch_has_them_begin(zone, interval, offset, keys):
    buckets = ZonedBuckets(interval, offset, ZoneInfo(zone))
    moments = list(map(millis, keys))
    shown = [format_millis(buckets.floor(moment), "strict_date_time", ZoneInfo(zone)) for moment in moments]
    assert shown == list(keys.values())
    assert keys_in_the_database(buckets, moments) == list(map(buckets.floor, moments))


def test_the_database_knows_every_zone_as_the_rules_do():
    days = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=9 * n) for n in range(68 * 365 // 9)]
    moments = [int(day.timestamp()) * 1_000_000 for day in days]
    with scratch() as connection:
        for name in sorted(available_timezones() - {"localtime", "posixrules"}):
            clocks = connection.execute(
                "SELECT epoch_us(timezone(?, make_timestamptz(us))) - us FROM (SELECT unnest(?::BIGINT[]) AS us)",
                [name, moments],
            ).fetchall()
            ahead = [microseconds // 1_000_000 for (microseconds,) in clocks]
            assert ahead == [offset_at(zone(name), us // 1_000_000) for us in moments], name


@st.composite
def cases(draw):
    tz = ZoneInfo(draw(st.sampled_from(ZONES)))
    buckets = ZonedBuckets(draw(st.sampled_from(INTERVALS)), draw(st.sampled_from([0, 0, HOUR, -HOUR // 2])), tz)
    changes = [
        period.start for period in periods(tz) if period.start is not None and 0 < period.start < millis("2037-01-01")
    ]
    change = draw(st.sampled_from(changes or [0]))
    spans = st.integers(-3 * HOUR, 3 * HOUR) | st.integers(-400 * 24 * HOUR, 400 * 24 * HOUR)
    return buckets, sorted(change + draw(spans) for _ in range(6))


@law(examples=60)
@given(case=cases())
def test_the_database_and_the_rules_agree_and_buckets_cover_all_of_time(case):
    buckets, moments = case
    floors = list(map(buckets.floor, moments))
    assert keys_in_the_database(buckets, moments) == floors
    assert floors == sorted(floors)
    for moment, floor in zip(moments, floors, strict=True):
        assert floor <= moment
        assert buckets.floor(floor) == floor
        following = buckets.following(floor)
        assert following > moment
        assert buckets.floor(following) == following
        assert buckets.floor(following - 1) == floor


@pytest.mark.parametrize("year", [1, 1800, 2099, 2500, 9999, 200_000])
def test_moments_far_away_have_a_bucket_too(year):
    moment = (year - 1970) * 31_556_952_000
    buckets = ZonedBuckets(calendar_interval("day"), 0, ZoneInfo("Europe/Berlin"))
    (key,) = keys_in_the_database(buckets, [moment])
    assert 0 <= moment - key < 25 * HOUR


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("offset", [0, HOUR, -(2**60)])
def test_moments_that_have_no_bucket_in_64_bits_have_none(interval, offset):
    buckets = ZonedBuckets(interval, offset, ZoneInfo("America/New_York"))
    assert keys_in_the_database(buckets, [2**63 - 1, -(2**63)]) == [None, None]
