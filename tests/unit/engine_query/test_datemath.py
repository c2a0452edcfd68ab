"""Dates, formats and date math."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryParsingError
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import DateParseError
from anomalyops_engine.store.dates import (
    UnknownDateFormatError,
    detect_format,
    format_millis,
    parse_date,
    parsers,
    zone,
)
from anomalyops_engine.store.gregorian import civil_date, day_number, month_of, start_of_month
from laws import law

NOW = 1_709_210_096_789  # 2024-02-29T12:34:56.789Z, a Thursday


def millis(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("expression", "down", "up"),
    [
        ("now", "2024-02-29T12:34:56.789Z", None),
        ("now-1h", "2024-02-29T11:34:56.789Z", None),
        ("now-1d/d", "2024-02-28T00:00:00Z", "2024-02-28T23:59:59.999Z"),
        ("now/w", "2024-02-26T00:00:00Z", "2024-03-03T23:59:59.999Z"),
        ("now/M", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z"),
        ("now/y+1M", "2024-02-01T00:00:00Z", "2025-01-31T23:59:59.999Z"),
        ("now+1y", "2025-02-28T12:34:56.789Z", None),
        ("2024-01-31||+1M/d", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999Z"),
        ("2024-01-31", "2024-01-31T00:00:00Z", "2024-01-31T23:59:59.999Z"),
        ("2024-01", "2024-01-01T00:00:00Z", "2024-01-01T23:59:59.999Z"),
        ("2024-01-31T10", "2024-01-31T10:00:00Z", "2024-01-31T10:59:59.999Z"),
        ("2024-01-31T10:00:00+02:00", "2024-01-31T08:00:00Z", "2024-01-31T08:00:00.999Z"),
        (1_700_000_000_000, "2023-11-14T22:13:20Z", None),
        ("1700000000000", "2023-11-14T22:13:20Z", None),
    ],
)
def test_date_math_rounds_down_or_up(expression, down, up):
    assert resolve_date(expression, now_ms=NOW) == millis(down)
    assert resolve_date(expression, now_ms=NOW, round_up=True) == millis(up or down)


@pytest.mark.parametrize("expression", ["yesterday", "2024-13-01", "2024-02-30", "||+1d", True])
def test_what_is_no_date_is_refused_with_the_value(expression):
    with pytest.raises(DateParseError, match="failed to parse date field"):
        resolve_date(expression, now_ms=NOW)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("now-", "truncated date math [-]"),
        ("now-1x", "unit [x] not supported for date math [-1x]"),
        ("now/", "truncated date math [/]"),
        ("now*2", "operator not supported for date math [*2]"),
    ],
)
def test_what_is_no_date_math_is_named(expression, reason):
    with pytest.raises(DateParseError) as refused:
        resolve_date(expression, now_ms=NOW)
    assert refused.value.reason == reason


def test_a_time_zone_moves_dates_without_one_and_rounding():
    berlin = zone("Europe/Berlin")
    assert resolve_date("2024-06-01", tz=berlin) == millis("2024-05-31T22:00:00Z")
    assert resolve_date("now/d", tz=zone("-05:00"), now_ms=NOW) == millis("2024-02-29T05:00:00Z")
    with pytest.raises(ValueError, match="Unknown time-zone ID: Mars"):
        zone("Mars")


@pytest.mark.parametrize(
    ("value", "formats", "expected"),
    [
        ("2014-07-01 00:30:00", "yyyy-MM-dd HH:mm:ss", "2014-07-01T00:30:00Z"),
        ("01/07/2014 05:06", "dd/MM/yyyy HH:mm", "2014-07-01T05:06:00Z"),
        ("2014-07-01T00:30:00.123+0200", "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2014-06-30T22:30:00.123Z"),
        (1404174600, "epoch_second", "2014-07-01T00:30:00Z"),
        ("1404174600.5", "epoch_second", "2014-07-01T00:30:00.500Z"),
        (1404174600000, "yyyy-MM-dd||epoch_millis", "2014-07-01T00:30:00Z"),
        ("2014-07-01T00:30:00.123456789Z", "strict_date_optional_time", "2014-07-01T00:30:00.123Z"),
        ("1969-12-31T23:59:59.999Z", "strict_date_optional_time", "1969-12-31T23:59:59.999Z"),
        ("20140701", "basic_date", "2014-07-01T00:00:00Z"),
    ],
)
def test_formats_read_what_they_say(value, formats, expected):
    assert parse_date(value, formats) == millis(expected)


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "+10000-01-01T00:00:00.000Z"),
        (2**63 - 1, "+292278994-08-17T07:12:55.807Z"),
        (-(2**63), "-292275055-05-16T16:47:04.192Z"),
        (-62_135_596_800_001, "0000-12-31T23:59:59.999Z"),
    ],
)
def test_moments_beyond_the_dates_of_python_have_a_text(millis, text):
    assert format_millis(millis) == text


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1e300, "1" * 400, "9" * 5000])
def test_moments_beyond_64_bits_are_refused(value):
    with pytest.raises(QueryParsingError, match="failed to parse date field"):
        resolve_date(value)


@pytest.mark.parametrize("expression", ["now+9999y", "now-99999999999999d", "2024-01-01||+8000y/M", "9999-12-31||+1d"])
def test_date_math_that_leaves_the_calendar_is_refused(expression):
    with pytest.raises(QueryParsingError, match=r"within the years 1 to 9999"):
        resolve_date(expression, now_ms=NOW)


@law(examples=100)
@given(st.integers(-(2**63), 2**63 - 1))
def test_every_month_of_64_bits_begins_before_its_moments_and_ends_after_them(moment):
    month = month_of(moment)
    assert start_of_month(month) <= moment < start_of_month(month + 1)


@law(examples=100)
@given(st.datetimes(timezones=st.just(UTC)))
def test_months_are_those_of_the_calendar(moment):
    day = (moment - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert civil_date(day) == (moment.year, moment.month, moment.day)
    assert day_number(moment.year, moment.month, moment.day) == day


@pytest.mark.parametrize("formats", ["yyyy-QQQQQQ", "never_heard_of", "dd]", "{yyyy}"])
def test_an_unknown_format_is_refused(formats):
    with pytest.raises(UnknownDateFormatError):
        parsers(formats)


@pytest.mark.parametrize(
    ("text", "is_date"),
    [
        ("2024-01-01", True),
        ("2024-01-01T00:00:00Z", True),
        ("2024/01/01 10:00:00", True),
        ("2024-01", True),
        ("2024", False),
        ("20240101", False),
        ("2024-13-45", False),
        ("10.0.0.1", False),
        ("2024-01-01 10:00:00", False),
        ("hello", False),
    ],
)
def test_dynamic_mapping_takes_only_dates_for_dates(text, is_date):
    assert (detect_format(text) is not None) is is_date


@law(examples=100)
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.sampled_from(["", "yyyy-MM-dd'T'HH:mm:ss.SSSX"]))
def test_what_is_formatted_is_read_back(moment, pattern):
    value = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    formats = pattern or "strict_date_optional_time"
    assert parse_date(format_millis(value, formats), formats) == value
