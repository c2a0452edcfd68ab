"""Laws of query delay policies: when a delay is raised, to what, and never down."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan.core.delay_policy import SECOND, DelayNeed, longer_delay
from anomalyops.plan.core.sizing import advised_delay, delay_for, latency
from anomalyops.plan.core.sizing_policy import SizingRule
from anomalyops.resources import SizingPolicy

SECONDS = st.floats(-100, 20_000, allow_nan=False)
DELAYS = st.integers(0, 7200).map(lambda seconds: seconds * SECOND)
NEEDS = st.builds(
    DelayNeed,
    in_force=st.integers(0, 7_200_000),
    latency=st.lists(SECONDS, max_size=60).map(latency),
    missed=st.booleans(),
)


@st.composite
def rules(draw: st.DrawFn) -> SizingRule:
    least, most = sorted(draw(st.tuples(DELAYS, DELAYS)))
    return SizingRule(
        mode=SizingPolicy.AUTO,
        least=draw(st.sampled_from([None, least])),
        most=draw(st.sampled_from([None, most])),
    )


@given(NEEDS, rules())
def test_a_longer_delay_is_longer_in_whole_seconds_and_within_bounds(need: DelayNeed, rule: SizingRule) -> None:
    delay = longer_delay(need, rule)
    if delay is None:
        return
    assert delay % SECOND == 0
    assert delay > need.in_force
    assert rule.most is None or delay <= rule.most
    if delay != rule.most:
        assert delay >= (rule.least or 0)


@given(NEEDS)
def test_who_waits_for_95_of_100_waits_no_longer_unless_some_were_missed(need: DelayNeed) -> None:
    """And who does not is told to; the figure is that of `anomalyops estimate`."""
    delay, late = longer_delay(need, SizingRule()), need.latency
    if late is None:
        assert (delay is not None) == need.missed
    elif not need.missed:
        assert (delay is not None) == (late.p95 * SECOND > need.in_force)
        assert delay in {None, advised_delay(late) * SECOND}
    else:
        assert delay in {None, delay_for(late.p99) * SECOND}
        assert delay is not None or need.in_force >= late.p99 * SECOND


@given(NEEDS, rules())
def test_with_the_same_documents_one_raise_is_enough(need: DelayNeed, rule: SizingRule) -> None:
    delay = longer_delay(need, rule)
    if delay is not None:
        assert longer_delay(replace(need, in_force=delay, missed=False), rule) is None


@given(st.lists(SECONDS, min_size=1, max_size=60), st.floats(1, 7200))
def test_documents_that_no_allowed_delay_waits_for_say_nothing(seconds: list[float], most: float) -> None:
    """A load of last year's data does not make a datafeed wait for a year."""
    within = [one for one in seconds if one <= most]
    assert latency(seconds, most) == latency(within)
    assert latency([*within, *[most + 1e7] * 100], most) == latency(within)
