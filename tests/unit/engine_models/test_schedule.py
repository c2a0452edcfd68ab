"""Schedules and scopes say what their definitions say, however many events and items there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.scoring import Event, ItemSet, Schedule
from anomalyops_engine.scoring.schedule import SKIP_RESULT, SKIP_UPDATE, Marks

SPAN = 1000

events = st.lists(
    st.builds(
        lambda start, length, name, result, update, shift: Event(
            description=name,
            start_ms=start,
            end_ms=start + length,
            skip_result=result,
            skip_update=update,
            shift_s=shift,
        ),
        st.integers(0, 40_000),
        st.integers(1, 20_000),
        st.sampled_from("abc"),
        st.booleans(),
        st.booleans(),
        st.sampled_from([0, 0, 3600, -60]),
    ),
    max_size=8,
)


def touching(found: list[Event], bucket: int) -> list[Event]:
    return [one for one in found if one.start_ms < (bucket + 1) * SPAN and one.end_ms > bucket * SPAN]


@given(events, st.integers(0, 45), st.integers(0, 20), st.integers(0, 10))
def test_marks_say_what_the_events_say_of_each_bucket(found: list[Event], first: int, buckets: int, gap: int) -> None:
    since = max(first - gap, 0)
    marks = Schedule(found, SPAN).marks(first, buckets, since_bucket=since)
    flags = marks.flags(buckets)
    for position in range(buckets):
        mine = touching(found, first + position)
        assert bool(flags[position] & SKIP_RESULT) == any(one.skip_result for one in mine)
        assert bool(flags[position] & SKIP_UPDATE) == any(one.skip_update for one in mine)
        assert set(marks.names.get(position, ())) == {one.description for one in mine}
        assert len(marks.names.get(position, ())) == len({one.description for one in mine})
    shifts = [
        (max(one.start_ms // SPAN - first, 0), one.shift_s)
        for one in found
        if one.shift_s and since <= one.start_ms // SPAN < first + buckets
    ]
    assert sorted(marks.shifts) == sorted(shifts)
    again = Marks.unpack(marks.pack())
    assert (again.runs, again.shifts) == (marks.runs, marks.shifts)


@given(events, st.integers(1, 60))
def test_each_change_of_clocks_comes_once_wherever_time_is_cut(found: list[Event], size: int) -> None:
    schedule = Schedule(found, SPAN)
    whole = [(position, shift) for position, shift in schedule.marks(0, 60, since_bucket=0).shifts]
    cut = [
        (first + position, shift)
        for first in range(0, 60, size)
        for position, shift in schedule.marks(first, min(size, 60 - first), since_bucket=first).shifts
    ]
    assert sorted(cut) == sorted(whole)


@given(st.integers(-(2**63), 2**63 - 2), st.integers(1, 2**63))
def test_any_time_of_64_bits_is_an_event(start: int, length: int) -> None:
    event = Event(description="x", start_ms=start, end_ms=min(start + length, 2**63 - 1))
    Schedule([event], 300_000).marks(5_000_000, 100, since_bucket=5_000_000).flags(100)


def test_of_thousands_of_events_a_step_looks_at_those_that_are_near() -> None:
    hour, day = 3_600_000, 86_400_000
    nights = [Event(description=f"night {n}", start_ms=n * day, end_ms=n * day + hour) for n in range(20_000)]
    schedule = Schedule(nights, 300_000)
    for bucket in (19_000 * 288 - 1, 19_000 * 288, 19_000 * 288 + 100):
        begin, end = schedule.near(bucket, bucket + 1)
        assert end - begin <= 1


texts = st.text("ab*", max_size=4)


@given(st.lists(texts, max_size=6), st.text("ab*", max_size=6))
def test_items_name_values_as_they_are_or_by_their_ends(items: list[str], value: str) -> None:
    def named(item: str) -> bool:
        starred = item.startswith("*"), item.endswith("*")
        body = item[starred[0] : len(item) - starred[1]] if item != "*" else ""
        if all(starred):
            return body in value
        if starred[0]:
            return value.endswith(body)
        return value.startswith(body) if starred[1] else value == item

    assert (value in ItemSet(items)) == any(named(item) for item in items)
