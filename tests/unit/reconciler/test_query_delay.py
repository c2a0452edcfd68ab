"""When a look at how late documents come is due: seldom, on news, and before a raise that may be made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.plan import DatafeedState, ObservedDatafeed
from anomalyops.plan.core.sizing_policy import SizingRule
from anomalyops.reconciler.query_delay import MEASURED_EVERY, FeedDelay
from anomalyops.resources import DelayedData, SizingPolicy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = st.integers(0, 4 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds))
REPORTS = st.builds(DelayedData, missing_documents=st.just(7), observed_at=BEFORE, latest_bucket=st.none() | BEFORE)
FEEDS = st.builds(ObservedDatafeed, config=st.just({"query_delay": "60s"}), state=st.sampled_from(list(DatafeedState)))
FOUND = st.builds(
    FeedDelay,
    rule=st.builds(SizingRule, mode=st.sampled_from(list(SizingPolicy)), cool_down=st.floats(600, 1e5)),
    raised=st.none() | BEFORE,
    recommended=st.none() | st.integers(1, 10**7),
    bounded=st.booleans(),
    measured=st.none() | BEFORE,
    missed=st.none() | REPORTS,
)


@given(FOUND, FEEDS, st.booleans())
def test_only_a_running_datafeed_of_a_policy_without_an_end_is_looked_at(
    delay: FeedDelay, feed: ObservedDatafeed, undisturbed: bool
) -> None:
    asked = delay.rule.mode is not SizingPolicy.FIXED and not delay.bounded
    runs = feed.state is DatafeedState.STARTED
    if delay.is_due(feed, NOW, undisturbed=undisturbed):
        assert runs
        assert asked
    elif runs and asked:
        assert delay.measured is not None
        assert NOW - delay.measured < MEASURED_EVERY


@given(FOUND, FEEDS)
def test_a_look_that_was_just_taken_is_not_taken_again_without_a_raise_in_sight(
    delay: FeedDelay, feed: ObservedDatafeed
) -> None:
    """Otherwise every pass of the observer would search the index."""
    since = None if delay.measured is None else (NOW - delay.measured).total_seconds()
    if since is None or since >= min(delay.rule.cool_down, MEASURED_EVERY.total_seconds()):
        return
    due = delay.is_due(feed, NOW, undisturbed=False)
    assert not due or (delay.recommended is not None and delay.may_raise(NOW))
    assert not delay.is_due(feed, NOW, undisturbed=True), "outside of the maintenance window nothing can be raised"


@given(FOUND)
def test_a_report_of_buckets_from_before_a_raise_says_nothing_about_it(delay: FeedDelay) -> None:
    if delay.misses:
        assert delay.missed is not None
        bucket = delay.missed.latest_bucket or delay.missed.observed_at
        assert delay.raised is None or (bucket is not None and bucket > delay.raised)
