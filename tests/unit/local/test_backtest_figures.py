"""Alarms and bucket spans of a run over the past."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.local.backtest_figures import SPANS, advised_span, alarms_of

SPAN = 300


@given(st.lists(st.integers(min_value=0, max_value=200), unique=True).map(sorted), st.integers(60, 7200))
def test_alarms_are_all_buckets_in_order_and_never_touch(starts, span):
    buckets = [(1000 * span * n, float(n)) for n in starts]
    alarms = alarms_of(buckets, span)
    inside = [n for n in starts if any(a.start.timestamp() <= n * span < a.end.timestamp() for a in alarms)]
    assert inside == starts
    for one, other in pairwise(alarms):
        assert (other.start - one.end).total_seconds() > span  # one quiet bucket does not part them, two do
    assert all(a.score == max(n for n in starts if a.start.timestamp() <= n * span < a.end.timestamp()) for a in alarms)


@given(
    every=st.sampled_from([300, 3600, 43_200]),
    documents=st.integers(1, 60),
    series=st.integers(1, 20),
    counting=st.booleans(),
)
def test_an_advised_span_is_the_shortest_that_is_filled(every, documents, series, counting):
    counts = {n * every: documents for n in range(20 * 86_400 // every)}
    wanted = 10 if counting else 3
    enough = [span for span in SPANS if span % every == 0 and (span // every) * documents / series >= wanted]
    assert advised_span(counts, 300, series=series, counting=counting) == (min(enough) if enough else None)


def test_no_documents_ask_for_no_span():
    assert advised_span({}, 300, series=1, counting=True) is None
    assert advised_span({0: 1, 86_400 * 30: 1}, 300, series=1, counting=True) is None
