"""Recurring events: the same as a computation that knows nothing of rules, and clocks as the time zone has them."""

from __future__ import annotations

import calendar as months
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.resources.ics import IcsError, read_ics
from anomalyops.resources.recurrence import (
    Recurrence,
    RecurrenceError,
    checked_rule,
    clock_changes,
    local_time,
    time_zone,
)
from laws import law

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo")
HOUR = 3_600_000


def ms(text, zone="UTC"):
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@st.composite
def rules(draw):
    """A rule, as a text and as a question to each day: (text, day -> whether an event begins then)."""
    start = datetime(2025, 1, 1) + timedelta(days=draw(st.integers(0, 700)), hours=draw(st.integers(0, 23)))
    every = draw(st.integers(1, 4))
    text = f"INTERVAL={every}"
    weekdays = draw(st.sets(st.integers(0, 6), min_size=1))
    named = ",".join(DAYS[day] for day in sorted(weekdays))
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "MONTHLY-LAST", "YEARLY"]))
    monday = start.date() - timedelta(days=start.weekday())
    if frequency == "DAILY":
        return start, f"FREQ=DAILY;{text}", lambda day: (day - start.date()).days % every == 0
    if frequency == "WEEKLY":
        return (
            start,
            f"FREQ=WEEKLY;{text};BYDAY={named}",
            lambda day: (day - monday).days // 7 % every == 0 and day.weekday() in weekdays,
        )
    if frequency == "MONTHLY":
        number = draw(st.integers(1, 31))
        return (
            start,
            f"FREQ=MONTHLY;{text};BYMONTHDAY={number}",
            lambda day: _months(start, day) % every == 0 and day.day == number,
        )
    if frequency == "MONTHLY-LAST":
        weekday = min(weekdays)
        return (
            start,
            f"FREQ=MONTHLY;{text};BYDAY=-1{DAYS[weekday]}",
            lambda day: (
                _months(start, day) % every == 0
                and day.weekday() == weekday
                and day.day + 7 > months.monthrange(day.year, day.month)[1]
            ),
        )
    month = draw(st.integers(1, 12))
    return (
        start,
        f"FREQ=YEARLY;{text};BYMONTH={month};BYMONTHDAY=5",
        lambda day: (day.year - start.year) % every == 0 and (day.month, day.day) == (month, 5),
    )


def _months(start, day):
    return (day.year - start.year) * 12 + day.month - start.month


@law(examples=150)
@given(
    made=rules(),
    zone=st.sampled_from(ZONES),
    ends=st.sampled_from(["", "COUNT", "UNTIL"]),
    count=st.integers(1, 30),
    days=st.integers(0, 2),
    seconds=st.sampled_from([0, 1800, 90_000]),
    window=st.tuples(st.integers(-30, 900), st.integers(1, 200)),
    excluded=st.sets(st.integers(0, 9), max_size=3),
)
def test_the_expansion_is_what_asking_each_day_gives(made, zone, ends, count, days, seconds, window, excluded):
    start, rule, begins = made
    if (days, seconds) == (0, 0):
        days = 1
    first = start.date()
    hits = [first + timedelta(days=n) for n in range(1600) if begins(first + timedelta(days=n))]
    until = first + timedelta(days=300)
    if ends == "COUNT":
        rule, hits = f"{rule};COUNT={count}", hits[:count]
    elif ends == "UNTIL":
        rule, hits = f"{rule};UNTIL={until:%Y%m%d}", [day for day in hits if day <= until]
    starts = [datetime.combine(day, start.time()) for day in hits]
    out = tuple(starts[n] for n in excluded if n < len(starts))
    clock = ZoneInfo(zone)
    begin = ms("2025-01-01") + window[0] * 24 * HOUR
    end = begin + window[1] * 24 * HOUR
    expected = []
    for one in starts:
        at = one.replace(tzinfo=clock).astimezone(UTC)
        over = (one + timedelta(days=days)).replace(tzinfo=clock).astimezone(UTC) + timedelta(seconds=seconds)
        low, high = round(at.timestamp() * 1000), round(over.timestamp() * 1000)
        if one not in out and low < end and high > begin:
            expected.append((low, high))
    recurrence = Recurrence(start=start, zone=clock, days=days, seconds=seconds, rule=checked_rule(rule), excluded=out)
    assert recurrence.between(begin, end, most=5000) == sorted(expected)


@law(examples=60)
@given(zone=st.sampled_from(ZONES), year=st.integers(2015, 2035))
def test_clock_changes_are_where_the_offset_changes(zone, year):
    begin, end = ms(f"{year}-01-01"), ms(f"{year + 1}-01-01")
    clock = ZoneInfo(zone)

    def offset(moment):
        return round(datetime.fromtimestamp(moment / 1000, clock).utcoffset().total_seconds())

    changes = list(clock_changes(clock, begin, end))
    for moment, seconds in changes:
        assert offset(moment) - offset(moment - 1000) == seconds
    by_hour = [h for h in range(begin, end, HOUR // 2) if offset(h) != offset(h - HOUR // 2)]
    assert [moment for moment, _ in changes] == by_hour, "all of these zones change at half hours"


def test_an_event_keeps_its_hour_when_the_clock_changes():
    nightly = Recurrence(
        start=datetime(2026, 3, 28, 2, 30), zone=ZoneInfo("Europe/Berlin"), seconds=3600, rule="FREQ=DAILY;COUNT=3"
    )
    found = nightly.between(0, ms("2027-01-01"), most=10)
    begins = [f"{datetime.fromtimestamp(start / 1000, UTC):%d %H:%M}" for start, _ in found]
    assert begins == ["28 01:30", "29 01:30", "30 00:30"], "02:30 is left out on the 29th: it is 03:30 there"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "is not a recurrence rule"),
        ("every monday", "is not a recurrence rule"),
        ("BYDAY=MO", "needs FREQ"),
        ("FREQ=SECONDLY", "needs FREQ, which is one of DAILY"),
        ("FREQ=HOURLY", "needs FREQ, which is one of DAILY"),
        ("FREQ=DAILY;FREQ=DAILY", "has FREQ twice"),
        ("FREQ=DAILY;BYEASTER=0", "has BYEASTER, which no rule has"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be a number from 1"),
        ("FREQ=DAILY;COUNT=-1", "COUNT must be a number from 1"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20260101", "COUNT and UNTIL"),
        ("FREQ=DAILY;UNTIL=20260231", "write UNTIL as"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY has numbers with FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY cannot be used with FREQ=WEEKLY"),
        ("FREQ=DAILY;BYDAY=XX", "is not a recurrence rule"),
        ("FREQ=DAILY;BYHOUR=99", "is not a recurrence rule"),
    ],
)
def test_rules_that_cannot_be_followed_say_why(rule, says):
    with pytest.raises(RecurrenceError, match=says):
        checked_rule(rule)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31;COUNT=3",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
    ],
)
def test_a_rule_that_never_holds_ends(rule):
    never = Recurrence(start=datetime(2021, 1, 1), zone=UTC, days=1, rule=checked_rule(rule))
    assert never.between(ms("2026-01-01"), ms("2027-01-01"), most=10) == []


@pytest.mark.timeout(20)
def test_a_rule_of_too_many_events_is_refused():
    seconds = ",".join(map(str, range(60)))
    hours = ",".join(map(str, range(24)))
    many = f"FREQ=DAILY;BYHOUR={hours};BYMINUTE={seconds};BYSECOND={seconds}"
    busy = Recurrence(start=datetime(2026, 1, 1), zone=UTC, seconds=1, rule=checked_rule(many))
    with pytest.raises(RecurrenceError, match="too many events"):
        busy.between(ms("2026-06-01"), ms("2026-06-02"), most=10)


FILE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:1
SUMMARY:Backup
DTSTART;TZID=Europe/Berlin:20260105T020000
DTEND;TZID=Europe/Berlin:20260105T040000
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/Berlin:20260112T020000
END:VEVENT
BEGIN:VEVENT
UID:1
RECURRENCE-ID;TZID=Europe/Berlin:20260119T020000
SUMMARY:Backup (late)
DTSTART:20260119T050000Z
DURATION:PT1H
END:VEVENT
BEGIN:VEVENT
UID:1
RECURRENCE-ID;TZID=Europe/Berlin:20260126T020000
SUMMARY:Backup
STATUS:CANCELLED
DTSTART;TZID=Europe/Berlin:20260126T020000
DURATION:PT2H
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Holiday
DTSTART;VALUE=DATE:20260106
RDATE;VALUE=DATE:20260501
END:VEVENT
END:VCALENDAR
"""


def test_a_file_is_read_with_its_series_exceptions_and_days():
    events = read_ics(FILE, "Europe/Berlin")
    window = ms("2026-01-01"), ms("2027-01-01")
    found = sorted(
        (start, end, event.summary) for event in events for start, end in event.recurrence.between(*window, most=100)
    )
    # The second of the series is excluded; the third is moved, the fourth cancelled.
    assert found == [
        (ms("2026-01-05T02:00", "Europe/Berlin"), ms("2026-01-05T04:00", "Europe/Berlin"), "Backup"),
        (ms("2026-01-06", "Europe/Berlin"), ms("2026-01-07", "Europe/Berlin"), "Holiday"),
        (ms("2026-01-19T05:00"), ms("2026-01-19T06:00"), "Backup (late)"),
        (ms("2026-05-01", "Europe/Berlin"), ms("2026-05-02", "Europe/Berlin"), "Holiday"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (FILE, "hello", "not an iCalendar|no VEVENT"),
        (FILE, "BEGIN:VCALENDAR\nEND:VCALENDAR\n", "no VEVENT"),
        ("DURATION:PT1H\n", "", "does not end after it begins"),
        ("DTEND;TZID=Europe/Berlin:20260105T040000", "DTEND;TZID=Europe/Berlin:20260104T040000", "does not end after"),
        ("FREQ=WEEKLY;COUNT=4", "FREQ=MINUTELY", "event Backup: RRULE"),
        ("SUMMARY:Holiday\n", "", "SUMMARY is missing"),
        ("DTSTART;VALUE=DATE:20260106", "DTSTART;VALUE=DATE:tomorrow", "DTSTART"),
        ("RDATE;VALUE=DATE:20260501", "RDATE;VALUE=PERIOD:20260501T000000Z/PT1H", "periods"),
        ("RDATE;VALUE=DATE:20260501", "EXRULE:FREQ=DAILY", "EXRULE"),
        (
            "RECURRENCE-ID;TZID=Europe/Berlin:20260119",
            "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260119",
            "RANGE",
        ),
    ],
)
def test_what_a_file_has_and_cannot_be_followed_is_named(old, new, says):
    assert old in FILE
    with pytest.raises(IcsError, match=says):
        read_ics(FILE.replace(old, new, 1), "UTC")


@law(examples=200)
@given(
    cut=st.tuples(st.integers(0, len(FILE)), st.integers(0, len(FILE))),
    instead=st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(["\n", "RRULE:", "99999999", ";X=", ":"]),
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(cut, instead):
    text = FILE[: min(cut)] + instead + FILE[max(cut) :]
    try:
        for event in read_ics(text, "UTC"):
            event.recurrence.between(ms("2026-01-01"), ms("2026-03-01"), most=100_000)
    except ValueError:
        pass


def test_times_and_zones_have_one_form():
    assert local_time("2026-12-24") == datetime(2026, 12, 24)
    assert time_zone("Europe/Berlin").key == "Europe/Berlin"
    for text in ("2026-02-30", "24.12.2026", "2026-12-24T18:00Z", "now"):
        with pytest.raises(ValueError, match="is not a local time"):
            local_time(text)
    for text in ("Mars/Base", "../../etc/passwd", "", "Europe"):
        with pytest.raises(ValueError, match="is not a time zone"):
            time_zone(text)
