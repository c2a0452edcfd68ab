"""Messages are heard once each, whatever the clocks say, and at rest nothing is sent again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.elastic import MlMessage
from anomalyops.reconciler.hearing import Hearing

START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = int(START.timestamp() * 1000)
HOUR = 3_600_000


def message(number: int, at: int, level: str = "warning", job: str = "web") -> MlMessage:
    return MlMessage(id=f"i/{number}", job_id=job, timestamp=at, level=level, text=str(number))


@given(
    offset=st.integers(-2 * HOUR, 2 * HOUR),
    # When each message is written, and how long it takes to be found, in milliseconds.
    written=st.lists(st.tuples(st.integers(0, HOUR), st.integers(0, 100_000)), max_size=30),
    pauses=st.lists(st.integers(1_000, 600_000), min_size=1, max_size=30),
)
def test_every_message_is_sent_once_and_none_is_missed(offset, written, pauses):
    """`offset` is how far the server's clock is ahead of ours."""
    hearing, sent = Hearing(), Counter()
    messages = [(message(number, FIRST + at + offset), at + delay) for number, (at, delay) in enumerate(written)]
    elapsed = 0
    for pause in [*pauses, 2 * HOUR, 200_000, 1_000]:
        elapsed += pause
        now = START + timedelta(milliseconds=elapsed)
        since = hearing.since() or 0
        known = hearing.known(since)
        found = [one for one, visible in messages if visible <= elapsed and one.timestamp >= since]
        found = sorted((one for one in found if one.id not in known), key=lambda one: one.timestamp)
        sent.update(one.id for one in found)
        hearing.take_in(found, begun=now, ended=now)
    assert sent == Counter(one.id for one, _ in messages)
    assert found == []  # at rest
    assert known == []


def test_a_job_that_is_started_again_and_again_keeps_its_warning():
    hearing = Hearing()
    news = [message(number, FIRST + number, "info") for number in range(1, 100)]
    hearing.take_in([message(0, FIRST), *news], begun=START, ended=START)
    assert "0" in {one.text for one in hearing.messages()}
    assert "99" in {one.text for one in hearing.messages()}
    hearing.forget_before(FIRST + 1)
    assert "0" not in {one.text for one in hearing.messages()}
    hearing.forget_before(FIRST + 1000)
    assert list(hearing.messages()) == []
