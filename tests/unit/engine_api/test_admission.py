"""How many searches may work: never none, never more for more writes, and all of them come to an end."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.admission import MOST_SEARCHES, Busy, searches
from laws import law

_PROCESSORS = st.integers(1, 64)
_SOME = st.integers(0, 40)


@law(examples=200)
@given(processors=_PROCESSORS, long=_SOME, writes=_SOME)
def test_a_search_that_takes_no_time_may_always_begin_while_there_are_threads(processors, long, writes):
    allowed = searches(Busy(processors, long, writes))
    assert 1 <= allowed <= MOST_SEARCHES
    assert allowed > long or allowed == MOST_SEARCHES


@law(examples=200)
@given(processors=_PROCESSORS, long=_SOME, writes=_SOME, more=_SOME)
def test_more_to_write_never_lets_more_searches_in_and_searches_that_stay_never_keep_others_out(
    processors, long, writes, more
):
    assert searches(Busy(processors, long, writes + more)) <= searches(Busy(processors, long, writes))
    assert searches(Busy(processors, long, writes)) <= searches(Busy(processors, long + more, writes))


@law(examples=200)
@given(processors=_PROCESSORS, long=_SOME)
def test_beside_writes_there_is_a_search_for_each_processor_and_otherwise_twice_that_at_most(processors, long):
    room = MOST_SEARCHES - long
    beside, alone = searches(Busy(processors, 0, 1)), searches(Busy(processors, 0, 0))
    assert beside == min(processors, MOST_SEARCHES)
    assert 2 * beside >= alone
    if room > 0:
        assert searches(Busy(processors, long, 1)) - long >= min(1, room)


@law(examples=100)
@given(
    processors=st.integers(1, 8),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=40),
    writes=st.lists(st.integers(0, 3), max_size=60),
)
def test_whatever_is_written_meanwhile_searches_end_in_the_order_in_which_they_came_in(processors, lengths, writes):
    """Ten ticks are the patience; writes come at every tick, and stay for one."""
    patience, waiting, working, begun = 10, deque(enumerate(lengths)), {}, []
    for tick in range(sum(lengths) + len(lengths) + 1):
        long = sum(age >= patience for age, _ in working.values())
        now = writes[tick % len(writes)] if writes else 0
        while waiting and len(working) < searches(Busy(processors, long, now)):
            number, length = waiting.popleft()
            working[number] = (0, length)
            begun.append(number)
        assert working or not waiting
        working = {n: (age + 1, length) for n, (age, length) in working.items() if age + 1 < length}
    assert begun == list(range(len(lengths)))
    assert not working
