"""Dates as Elasticsearch reads and writes them; its answers in the tables are those of Elasticsearch 9.2.0."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anomalyops_engine.store.dates import (
    UnknownDateFormatError,
    UnsupportedDateFormatError,
    check_formats,
    detect_format,
    format_millis,
    format_nanos,
    parse_date,
    parse_nanos,
    zone,
)
from anomalyops_engine.store.dates.named import NAMED
from anomalyops_engine.store.dates.zones import offset_at

MOMENT = 1_715_000_767_123_456_789  # 2024-05-06T13:06:07.123456789Z, a Monday

# The text of that moment, by format.
WRITTEN = {
    "basic_date": "20240506",
    "basic_date_time": "20240506T130607.123Z",
    "basic_ordinal_date_time_no_millis": "2024127T130607Z",
    "basic_t_time": "T130607.123Z",
    "basic_week_date": "2024W191",
    "date_hour_minute": "2024-05-06T13:06",
    "date_hour_minute_second_millis": "2024-05-06T13:06:07.123",
    "date_optional_time": "2024-05-06T13:06:07.123Z",
    "epoch_millis": "1715000767123.456789",
    "epoch_second": "1715000767.123456789",
    "hour_minute_second_fraction": "13:06:07.123",
    "iso8601": "2024-05-06T13:06:07.123Z",
    "ordinal_date_time": "2024-127T13:06:07.123456789Z",
    "strict_date_hour_minute_second_fraction": "2024-05-06T13:06:07.123",
    "strict_date_optional_time": "2024-05-06T13:06:07.123Z",
    "strict_date_optional_time_nanos": "2024-05-06T13:06:07.123456789Z",
    "strict_date_time": "2024-05-06T13:06:07.123456789Z",
    "strict_date_time_no_millis": "2024-05-06T13:06:07Z",
    "strict_week_date": "2024-W19-1",
    "strict_weekyear_week": "2024-W19",
    "strict_year_month": "2024-05",
    "time_no_millis": "13:06:07Z",
    "year": "2024",
    "EEE, dd MMM yyyy HH:mm:ss Z": "Mon, 06 May 2024 13:06:07 +0000",
    "EEEE MMMM d, yy": "Monday May 6, 24",
    "YYYY-'W'ww": "2024-W19",
    "dd/MMM/yyyy:HH:mm:ss Z": "06/May/2024:13:06:07 +0000",
    "h:mm a": "1:06 PM",
    "yyyy-DDD": "2024-127",
    "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX": "2024-05-06T13:06:07.123456Z",
    "yyyy''MM QQQ": "2024'05 Q2",
    "yyyyMMddHHmmssSSS": "20240506130607123",
    "A n k K": "47167123 123456789 13 1",
}
READ = [
    ("strict_date_optional_time", "2024-05-06T13:06:07,5+0130", "2024-05-06T11:36:07.500Z"),
    ("strict_date_optional_time", "-0001-01-01", "-0001-01-01T00:00:00.000Z"),
    ("strict_date_optional_time", "2024-05-06T13:06:07Europe/Berlin", "2024-05-06T11:06:07.000Z"),
    ("date_optional_time", "2024-5-6T1:2:3", "2024-05-06T01:02:03.000Z"),
    ("strict_date", "+12345-05-06", "+12345-05-06T00:00:00.000Z"),
    ("week_date", "2020-W53-7", "2021-01-03T00:00:00.000Z"),
    ("YYYY", "2024", "2024-01-01T00:00:00.000Z"),
    ("HH:mm", "13:06", "1970-01-01T13:06:00.000Z"),
    ("MMM d HH:mm:ss", "Nov 5 01:02:03", "1970-11-05T01:02:03.000Z"),
    ("yy", "99", "2099-01-01T00:00:00.000Z"),
    ("d/M/y", "6/5/12345", "+12345-05-06T00:00:00.000Z"),
    ("yyyy-MM-dd HH:mm:ss[.SSS]", "2024-05-06 13:06:07", "2024-05-06T13:06:07.000Z"),
    ("yyyy-MM-dd kk", "2024-05-06 24", "2024-05-06T00:00:00.000Z"),
    ("yyyy-MM-dd KK a", "2024-05-06 11 PM", "2024-05-06T23:00:00.000Z"),
    ("yyyy-MM-dd HH:mm:ss z", "2024-05-06 13:06:07 CET", "2024-05-06T12:06:07.000Z"),
    ("yyyy-MM-dd HH:mm:ss OOOO", "2024-05-06 13:06:07 GMT+02:00", "2024-05-06T11:06:07.000Z"),
    ("yyyyMMdd", "12340506", "1234-05-06T00:00:00.000Z"),
    ("epoch_second", "1.5", "1970-01-01T00:00:01.500Z"),
    ("epoch_millis", "9223372036854775807", "+292278994-08-17T07:12:55.807Z"),
    ("epoch_second||yyyy", "2024", "1970-01-01T00:33:44.000Z"),
]
REFUSED = [
    ("strict_date_optional_time", "2024-5-06"),
    ("strict_date_optional_time", "2024-02-30"),
    ("strict_date_optional_time", "+12345-01-01"),
    ("strict_date_optional_time", "2024-05-06T13:06:07 Z"),
    ("yyyy-MM-dd", "2023-02-29"),
    ("yyyy-MM-dd", "-0001-01-01"),
    ("yyyy-MM-dd", "12345-01-01"),
    ("dd/MMM/yyyy:HH:mm:ss Z", "06/may/2024:13:06:07 +0000"),
    ("dd/MMM/yyyy:HH:mm:ss Z", "06/May/2024:13:06:07 Z"),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2024-05-06 13:06:07.1"),
    ("week_date", "2024-W53-1"),
    ("ordinal_date", "2023-366"),
    ("hour", "24"),
    ("strict_date_time", "2024-05-06T13:06:07.1234567890Z"),
    ("strict_date_optional_time", "2024-05-06T13:06:07+19:00"),
    ("epoch_millis", "1e3"),
    ("epoch_millis", "1.1234567"),
    ("epoch_millis", "+5"),
    ("epoch_millis", "9223372036854775808"),
    ("epoch_second", "9223372036854775807"),
    ("strict_date_optional_time", "\uff12\uff10\uff12\uff14-05-06"),
]
# The last moment that a text without smaller units means, as upper bounds take it.
ROUNDED_UP = [
    ("yyyy", "2024", "2024-01-01T23:59:59.999Z"),
    ("yyyy-MM-dd HH:mm", "2024-05-06 13:06", "2024-05-06T13:06:59.999Z"),
    ("yyyy-MM-dd HH:mm:ss", "2024-05-06 13:06:07", "2024-05-06T13:06:07.999Z"),
    ("strict_date_optional_time", "2024-05", "2024-05-01T23:59:59.999Z"),
    ("strict_date_optional_time", "2024-05-06T13:06:07Z", "2024-05-06T13:06:07.999Z"),
    ("strict_date_optional_time", "2024-05-06T13:06:07.1Z", "2024-05-06T13:06:07.100Z"),
    ("epoch_second", "1715000767", "2024-05-06T13:06:07.999Z"),
    ("week_date", "2024-W19-1", "2024-05-06T23:59:59.999Z"),
]


@pytest.mark.parametrize(("formats", "text"), WRITTEN.items())
def test_a_moment_is_written_as_elasticsearch_writes_it(formats, text):
    assert format_nanos(MOMENT, formats) == text


@pytest.mark.parametrize(("formats", "text", "moment"), READ)
def test_a_text_is_read_as_elasticsearch_reads_it(formats, text, moment):
    assert format_millis(parse_date(text, formats)) == moment


@pytest.mark.parametrize(("formats", "text"), REFUSED)
def test_a_text_that_does_not_fit_is_refused_with_the_format(formats, text):
    with pytest.raises(ValueError, match=r"failed to parse date field \[.*\] with format \["):
        parse_date(text, formats)


@pytest.mark.parametrize(("formats", "text", "moment"), ROUNDED_UP)
def test_upper_bounds_take_the_last_moment_of_what_a_text_names(formats, text, moment):
    assert format_millis(parse_date(text, formats, round_up=True)) == moment


@pytest.mark.parametrize(
    "formats", ["QQQQQQQ", "nonsense", "", "yyyy-MM-dd]", "{yyyy}", "yyyy'", "ddd", "--", "yyyy||"]
)
def test_what_is_no_format_is_refused(formats):
    with pytest.raises(UnknownDateFormatError, match=r"Invalid format|No date pattern"):
        check_formats(formats)


@pytest.mark.parametrize("formats", ["yyyy-MM-dd B", "ppH", "yyyy-MM F"])
def test_what_elasticsearch_has_and_this_engine_has_not_is_told_apart(formats):
    with pytest.raises(UnsupportedDateFormatError, match="not supported by this engine"):
        check_formats(formats)


def test_clocks_that_change_show_no_time_of_their_zone_twice_or_never():
    berlin = zone("Europe/Berlin")
    assert (
        format_millis(parse_date("2024-03-31 02:30:00", "yyyy-MM-dd HH:mm:ss", tz=berlin)) == "2024-03-31T01:30:00.000Z"
    )
    assert (
        format_millis(parse_date("2024-10-27 02:30:00", "yyyy-MM-dd HH:mm:ss", tz=berlin)) == "2024-10-27T00:30:00.000Z"
    )
    assert format_millis(1_715_000_767_123, "strict_date_time", berlin) == "2024-05-06T15:06:07.123+02:00"


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("2024-01-01", "strict_date_optional_time||epoch_millis"),
        ("2024/01/01", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"),
        ("2024-01-01T00:00:00+01:00", "strict_date_optional_time||epoch_millis"),
        ("2024", None),
        ("2024-13-01", None),
        ("hello world", None),
        ("1715000767123", None),
    ],
)
def test_strings_that_dynamic_mapping_takes_for_dates(text, formats):
    assert detect_format(text) == formats


def test_dynamic_formats_of_a_mapping_are_the_ones_tried():
    assert detect_format("06.05.2024", ("dd.MM.yyyy",)) == "dd.MM.yyyy"
    assert detect_format("2024-05-06", ("dd.MM.yyyy",)) is None


# --- laws ---

# Parts of patterns that name a moment to the second together, in any order and with any text between.
_DATES = ["yyyy-MM-dd", "uuuu-MM-dd", "d.M.uuuu", "yyyyMMdd", "uuuu-DDD", "dd/MMM/yyyy", "MMMM d uuuu", "YYYY-'W'ww-e"]
_TIMES = ["HH:mm:ss", "HHmmss", "H.m.s", "hh:mm:ss a", "kk:mm:ss", "KK-mm-ss a"]
_FRACTIONS = ["", ".SSS", ".SSSSSS", ",SSSSSSSSS", "[.SSSSSSSSS]"]
_ZONES = ["", "XXX", " Z", "xx", " VV", "XXXXX", " OOOO"]
_SEPARATORS = [" ", "'T'", "'at'", " '' ", ":", "_"]

patterns = st.tuples(*(st.sampled_from(part) for part in (_DATES, _SEPARATORS, _TIMES, _FRACTIONS, _ZONES)))
zones = st.sampled_from(["UTC", "+05:30", "-03:00", "Europe/Berlin", "America/New_York"])


@settings(max_examples=300, deadline=None)
@given(patterns, st.integers(-62_135_510_400, 253_402_214_400), st.integers(0, 999_999_999), zones)
def test_what_a_pattern_writes_it_reads_again(parts, second, nano, zone_name):
    pattern = "".join(parts)
    tz = zone(zone_name)
    text = format_nanos(second * 10**9 + nano, pattern, tz)
    assume(offset_at(tz, second) % 60 == 0)  # local mean time: not all patterns write its seconds
    kept = nano - nano % 10 ** (9 - parts[3].count("S"))
    read = parse_nanos(text, pattern, tz=tz)
    if read != second * 10**9 + kept:
        # An hour that clocks show twice.
        assert read // 10**9 in {second - 3600, second + 3600}
        assert format_nanos(read, pattern, tz) == text


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(NAMED)), st.integers(-62_135_510_400, 253_402_214_400), st.integers(0, 999_999_999))
def test_what_a_named_format_writes_it_reads_again(name, second, nano):
    text = format_nanos(second * 10**9 + nano, name)
    assert format_nanos(parse_nanos(text, name), name) == text


@settings(max_examples=200, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_every_moment_of_64_bits_has_a_text_that_is_read_again(millis):
    text = format_millis(millis, "uuuu-MM-dd'T'HH:mm:ss.SSSX")
    assert parse_date(text, "uuuu-MM-dd'T'HH:mm:ss.SSSX") == millis
    assert format_millis(millis) == text
    assert parse_date(format_millis(millis, "epoch_millis"), "epoch_millis") == millis


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=12) | st.text(alphabet="yMdHmsSaEXZzVO'[]{}-: .|pQGkBw", max_size=14), st.text(max_size=20))
def test_any_text_as_a_format_is_a_format_or_an_error(formats, text):
    try:
        check_formats(formats)
    except UnknownDateFormatError:
        return
    for value in (text, 5, 1.5, -(2**70), True, None, [1]):
        try:
            parse_date(value, formats)
        except ValueError:
            continue
    assert isinstance(format_millis(2**63 - 1, formats), str)
    assert isinstance(format_millis(-(2**63), formats, UTC), str)
