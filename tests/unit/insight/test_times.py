"""Moments and spans as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.query.rows import milliseconds, time_of
from anomalyops_insight.times import read_moment, seconds_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("now-90m", NOW - timedelta(minutes=90)),
        ("now - 2w", NOW - timedelta(weeks=2)),
        ("now+1h", NOW + timedelta(hours=1)),
        ("2026-01-10", datetime(2026, 1, 10, tzinfo=UTC)),
        ("2026-01-10T10:00:00+02:00", datetime(2026, 1, 10, 8, tzinfo=UTC)),
        ("2026-01-10T10:00:00.123Z", datetime(2026, 1, 10, 10, 0, 0, 123000, tzinfo=UTC)),
    ],
)
def test_moments(text, moment):
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "now*1h", "now-1y", "2026-13-01", 7, None])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="expected an ISO 8601 time"):
        read_moment(text, NOW)


@given(
    text=st.one_of(
        st.from_regex(r"now ?[+-] ?[0-9]{1,9}[smhdw]", fullmatch=True),
        st.datetimes().map(lambda moment: moment.isoformat()),
        st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
        st.text(max_size=12),
    )
)
def test_every_text_is_a_moment_with_room_around_it_or_is_refused_in_words(text):
    try:
        moment = read_moment(text, NOW)
    except ValueError as error:
        assert str(error).startswith("expected ")  # noqa: PT017 - either is right, and each has its law
        return
    assert (moment - timedelta(weeks=5)).year > 1899
    assert (moment + timedelta(weeks=5)).year < 2201


@given(moment=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_times_of_servers_come_back(moment):
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert time_of(milliseconds(moment)) == moment
    assert time_of(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")) == moment
    assert time_of(moment.isoformat(timespec="milliseconds").replace("+00:00", "000123Z")) == moment


def test_spans():
    assert [seconds_of(text) for text in ("90s", "15m", "1h", "1d", "1w")] == [90, 900, 3600, 86_400, 604_800]
    for text in ("0m", "1", "h", "-1h", "1y"):
        with pytest.raises(ValueError, match="expected a span"):
            seconds_of(text)
