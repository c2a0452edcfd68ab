"""Times are read as they are meant, or asked for; half a date is no date."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import read

from anomalyops.loader import LoadError
from anomalyops_reading.timestamps import TimeOptions, detect, named, parse_date, parse_zone

UTC_TIMES = TimeOptions()
BERLIN = TimeOptions(zone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "name", "read_as"),
    [
        ("2024-05-06T07:08:09Z", "iso", "2024-05-06T07:08:09Z"),
        ("2024-05-06 07:08", "iso", "2024-05-06T07:08:00Z"),
        ("2024-05-06 07:08:09.123456789 +02", "iso", "2024-05-06T07:08:09.123456789+02:00"),
        ("2024-05-06T07:08:09,5Z", "iso", "2024-05-06T07:08:09.5Z"),
        ("1714979289", "epoch", 1714979289000),
        ("1714979289.25", "epoch", 1714979289250),
        ("1.714979289e9", "epoch", 1714979289000),
        ("1714979289123", "epoch_ms", 1714979289123),
        ("1714979289123456", "epoch_us", "2024-05-06T07:08:09.123456000Z"),
        ("1714979289123000000", "epoch_ns", 1714979289123),
        ("06/May/2024:07:08:09 +0200", "dd/MMM/yyyy:HH:mm:ss Z", "2024-05-06T07:08:09+02:00"),
        ("2024/05/06 07:08:09.25", "yyyy/MM/dd HH:mm:ss", "2024-05-06T07:08:09.25Z"),
        ("16/05/2024 07:08", "d/M/yyyy H:mm", "2024-05-16T07:08:00Z"),
        ("5/16/24 1:05", "M/d/yy H:mm", "2024-05-16T01:05:00Z"),
        ("5/16/2024 1:05:00 PM", "M/d/yyyy h:mm:ss a", "2024-05-16T13:05:00Z"),
        ("Jan 1 2000", "MMM d yyyy", "2000-01-01T00:00:00Z"),
        ("Mon, 06 May 2024 07:08:09 GMT", "EEE, d MMM yyyy HH:mm:ss Z", "2024-05-06T07:08:09Z"),
        ("Mon May  6 07:08:09 2024", "EEE MMM d HH:mm:ss yyyy", "2024-05-06T07:08:09Z"),
        ("20240506T070809Z", "yyyyMMdd'T'HHmmssZ", "2024-05-06T07:08:09Z"),
        ("2005-06-03-15.42.50.675872", "yyyy-MM-dd-HH.mm.ss", "2005-06-03T15:42:50.675872Z"),
        ("16.05.2024", "d.M.yyyy", "2024-05-16T00:00:00Z"),
    ],
)
def test_known_forms_are_recognised(text, name, read_as):
    found = detect([text], UTC_TIMES, complete=True)
    assert found.name == name
    assert found.convert(text) == read_as


@pytest.mark.parametrize(
    ("pattern", "text", "read_as"),
    [
        ("yyyy/MM/dd HH:mm:ss.SS", "2024/05/06 07:08:09.25", "2024-05-06T07:08:09.25Z"),
        ("%d.%m.%y %H:%M", "06.05.24 07:08", "2024-05-06T07:08:00Z"),
        ("%b %d, %Y %I:%M %p", "May 06, 2024 12:08 AM", "2024-05-06T00:08:00Z"),
        ("yyyy-DDD HH:mm", "2024-366 00:00", "2024-12-31T00:00:00Z"),
        ("'at' HH'h'mm dd.MM.yyyy", "at 07h08 06.05.2024", "2024-05-06T07:08:00Z"),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-05-06T07:08:09.123+0530", "2024-05-06T07:08:09.123+05:30"),
    ],
)
def test_patterns_of_java_and_python(pattern, text, read_as):
    assert named(pattern, UTC_TIMES).convert(text) == read_as


@pytest.mark.parametrize(
    "pattern", ["HH:mm:ss", "MMM d HH:mm:ss", "%H:%M:%S", "%b %d %H:%M:%S", "yyyy HH:mm", "MM.yyyy"]
)
def test_half_a_date_needs_the_other_half(pattern):
    with pytest.raises(LoadError, match="--date"):
        named(pattern, UTC_TIMES)


def test_the_missing_part_is_given_and_years_roll_on(tmp_path):
    clock = named("HH:mm:ss", TimeOptions(date=parse_date("2024-05-06")))
    assert clock.convert("07:08:09") == "2024-05-06T07:08:09Z"
    path = tmp_path / "a.csv"
    moments = [datetime(2023, 11, 1, tzinfo=UTC) + timedelta(days=n) for n in range(500)]
    path.write_text("t,v\n" + "".join(f"{m.strftime('%b %e %H:%M:%S')},1\n" for m in moments))
    found = read(path, time_format="MMM d HH:mm:ss", time=TimeOptions(date=parse_date("2023")))
    assert [document["t"] for document in found.documents] == [m.strftime("%Y-%m-%dT%H:%M:%SZ") for m in moments]


def test_day_and_month(tmp_path):
    early = [f"{day:02}/03/2024" for day in range(1, 13)]
    with pytest.raises(LoadError, match="'01/03/2024' can be read as 'd/M/yyyy' or 'M/d/yyyy'"):
        detect(early, UTC_TIMES, complete=True)
    assert detect(early, TimeOptions(day_first=True), complete=True).convert("01/03/2024") == "2024-03-01T00:00:00Z"
    assert detect(early, TimeOptions(day_first=False), complete=True).convert("01/03/2024") == "2024-01-03T00:00:00Z"
    assert detect([*early, "13/03/2024"], UTC_TIMES, complete=True).name == "d/M/yyyy"
    path = tmp_path / "a.csv"  # only the last of many rows tells
    rows = [f"{1 + n % 12:02}/03/2024 {n // 60 % 24}:{n % 60:02}" for n in range(9_000)]
    path.write_text("t,v\n" + "".join(f"{row},1\n" for row in [*rows, "25/03/2024 00:00"]))
    assert read(path).documents[0]["t"] == "2024-03-01T00:00:00Z"


def test_local_times_follow_the_clock_of_their_zone():
    found = detect(["2024-03-31 01:30:00", "2024-03-31 03:30:00", "2024-10-27 02:30:00"], BERLIN, complete=True)
    assert found.convert("2024-03-31 01:30:00") == "2024-03-31T01:30:00+01:00"
    assert found.convert("2024-03-31 03:30:00") == "2024-03-31T03:30:00+02:00"
    assert found.convert("2024-10-27 02:30:00") == "2024-10-27T02:30:00+02:00"
    assert found.ambiguous == 1
    assert found.convert("2024-03-31 01:30:00Z") == "2024-03-31T01:30:00Z"
    with pytest.raises(LoadError, match="Europe/Berlyn"):
        parse_zone("Europe/Berlyn")


def test_date_and_time_in_two_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Date;Time;v\n31/12/2023;23.00.00;1,5\n01/01/2024;00.00.00;2\n")
    found = read(path, time_field="Date+Time")
    assert found.documents[0] == {
        "timestamp": "2023-12-31T23:00:00Z", "Date": "31/12/2023", "Time": "23.00.00", "v": 1.5,
    }  # fmt: skip
    assert found.notes["timestamp"] == "from Date and Time"
    assert (found.source.found.first, found.source.found.last) == ("31/12/2023 23.00.00", "01/01/2024 00.00.00")
    assert read(path, time_field="when=Date+Time").documents[1]["when"] == "2024-01-01T00:00:00Z"
    with pytest.raises(LoadError, match="time field 'Tim' is not in the file"):
        read(path, time_field="Date+Tim")


@pytest.mark.parametrize("text", ["yesterday", "32/13/2024", "12", "2024-13-01", "24:00"])
def test_what_is_no_time(text):
    with pytest.raises(LoadError, match=f"'{text}' has no known time format; accepted: iso"):
        detect([text], UTC_TIMES, complete=True)


def test_rows_whose_time_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"2024-01-{1 + n % 28:02} 00:00:00,{n}" for n in range(60)]
    rows[7], rows[8], rows[9] = "soon,7", ",8", "2024-02-30 00:00:00,9"
    path.write_text("t,v\n" + "\n".join(rows))
    found = read(path)
    assert [line for line, _ in found.reasons] == [9, 10, 11]
    assert found.reasons[1][1] == "t: no value"


_MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 31))
_PATTERNS = st.sampled_from(
    [
        "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
        "dd/MMM/yyyy:HH:mm:ss.SSSSSS Z",
        "yyyyMMdd HHmmss.SSSSSS",
        "d MMM yyyy hh:mm:ss.SSSSSS a",
        "%Y-%m-%d %H:%M:%S.%f",
        "%a, %d %b %Y %H:%M:%S.%f %z",
        "%j/%Y %I:%M:%S.%f %p",
    ]
)
_JAVA = {
    "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX": "%Y-%m-%dT%H:%M:%S.%f%z",
    "dd/MMM/yyyy:HH:mm:ss.SSSSSS Z": "%d/%b/%Y:%H:%M:%S.%f %z",
    "yyyyMMdd HHmmss.SSSSSS": "%Y%m%d %H%M%S.%f",
    "d MMM yyyy hh:mm:ss.SSSSSS a": "%d %b %Y %I:%M:%S.%f %p",
}


@given(_MOMENTS, _PATTERNS, st.integers(-12, 14))
def test_what_is_written_by_a_pattern_is_read_by_it(moment, pattern, hours):
    written = _JAVA.get(pattern, pattern)
    zoned = "%z" in written
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)) if zoned else UTC)
    found = named(pattern, UTC_TIMES).convert(aware.strftime(written))
    assert datetime.fromisoformat(str(found).replace("Z", "+00:00")) == aware
