"""Laws of memory policies: when a limit is raised, to what, and never down."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from anomalyops.plan.core.memory_policy import MemoryNeed, more_memory
from anomalyops.plan.core.sizing_policy import SizingRule, cooled_down, size_to_keep
from anomalyops.resources import MEBIBYTE, SizingPolicy

LIMITS = st.integers(1, 2**16).map(lambda mebibytes: mebibytes * MEBIBYTE)
NEEDS = st.builds(
    MemoryNeed,
    in_force=LIMITS,
    used=st.integers(0, 2**36),
    exceeded=st.integers(0, 2**34),
    estimate=st.none() | st.integers(0, 2**36),
    largest=st.none() | LIMITS,
)


@st.composite
def rules(draw: st.DrawFn, *modes: SizingPolicy) -> SizingRule:
    bounds = sorted(draw(st.tuples(LIMITS, LIMITS)))
    return SizingRule(
        mode=draw(st.sampled_from(modes or tuple(SizingPolicy))),
        least=draw(st.sampled_from([None, bounds[0]])),
        most=draw(st.sampled_from([None, bounds[1]])),
        cool_down=draw(st.floats(600, 1e6)),
    )


@given(NEEDS, rules())
def test_more_is_more_and_within_what_is_allowed(need: MemoryNeed, rule: SizingRule) -> None:
    limit = more_memory(need, rule)
    allowed = [bound for bound in (rule.most, need.largest) if bound is not None]
    if limit is None:
        assert any(bound <= need.in_force for bound in allowed), "only a bound keeps a job from what it needs"
        return
    assert limit % MEBIBYTE == 0
    assert limit > need.in_force
    assert all(limit <= bound for bound in allowed)
    if limit not in allowed:
        assert limit >= need.in_force * 1.25
        assert limit >= max(need.estimate or 0, need.used + need.exceeded, rule.least or 0)


@given(NEEDS, rules(), st.integers(1, 2**16))
def test_raising_again_and_again_suffices_or_ends_at_a_bound(need: MemoryNeed, rule: SizingRule, truly: int) -> None:
    """A job that needs more than was known gets it in few raises, each a quarter at least."""
    wanted = truly * MEBIBYTE
    for _ in range(60):
        if need.in_force >= wanted:
            return
        limit = more_memory(need, rule)
        if limit is None:
            assert need.in_force >= min(bound for bound in (rule.most, need.largest) if bound is not None)
            return
        need = replace(need, in_force=limit)
    raise AssertionError(f"no end: {need}")


@given(st.none() | LIMITS, st.none() | LIMITS, rules())
def test_a_limit_that_was_raised_stays_and_bounds_hold(
    given_: int | None, in_force: int | None, rule: SizingRule
) -> None:
    kept = size_to_keep(given_, in_force, rule)
    if rule.mode is not SizingPolicy.AUTO:
        assert kept == given_, "only Auto has a will of its own"
        return
    if kept is None:
        assert given_ is in_force is rule.least is None
        return
    assert rule.most is None or kept <= rule.most
    for least in (given_, in_force, rule.least):
        assert least is None or kept >= least or kept == rule.most
    assert size_to_keep(given_, kept, rule) == kept, "what is there is not drift"


@given(NEEDS, st.none() | LIMITS, rules(SizingPolicy.AUTO))
def test_what_was_raised_is_what_is_kept(need: MemoryNeed, given_: int | None, rule: SizingRule) -> None:
    limit = more_memory(need, rule)
    assume(limit is not None)
    kept = size_to_keep(given_, limit, rule)
    assert kept is not None
    assert kept >= need.in_force


@given(st.floats(0, 1e7), rules())
def test_there_is_one_raise_a_cool_down(seconds: float, rule: SizingRule) -> None:
    assert cooled_down(None, rule)
    assert cooled_down(seconds, rule) == (seconds >= rule.cool_down)
