"""The plot: everything in its place, whatever the values."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.cli.plot import Mark, Series, plot

HOUR = 3600
START = 1_779_926_400  # a midnight


def text_of(rows):
    return ["".join(segment.text for segment in row) for row in rows]


def a_day_with_an_outage():
    times = [START + hour * HOUR for hour in range(49)]
    typical = [12 - 12 * math.cos(hour / 24 * 2 * math.pi) for hour in range(49)]
    actual = [0.0 if hour in (11, 12) else value for hour, value in enumerate(typical)]
    return Series(
        times=times,
        actual=actual,
        lower=[max(value - 5, 0) for value in typical],
        upper=[value + 5 for value in typical],
        anomalies=frozenset({11, 12}),
    )


def test_the_anomaly_is_marked_at_its_time_and_value():
    rows = plot(a_day_with_an_outage(), width=100, height=12)
    lines = text_of(rows)
    marked = [number for number, line in enumerate(lines) if "●" in line]
    assert marked == [11]  # the value is zero: the lowest row
    margin = lines[11].index("┤") + 1
    column = lines[11].index("●") - margin
    assert column == pytest.approx(11 / 48 * (len(lines[12]) - margin), abs=1.5)


def test_axes_are_labelled_with_values_and_times():
    lines = text_of(plot(a_day_with_an_outage(), width=100, height=12))
    assert len(lines) == 14
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ["20", "10", "0"]
    assert lines[-2].lstrip().startswith("└")
    assert "12:00" in lines[-1]
    assert lines[-1].strip().startswith("May 28")


def test_the_band_and_the_actual_values_are_told_apart():
    marks = {segment.mark for row in plot(a_day_with_an_outage(), width=80, height=10) for segment in row}
    assert marks >= {Mark.BAND, Mark.ACTUAL, Mark.ANOMALY, Mark.AXIS}


VALUES = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=60),
    st.integers(1, 160),
    st.integers(1, 20),
    st.integers(60, 86_400 * 30),
)
def test_any_values_fit_the_area(values, width, height, span):
    series = Series(
        times=[START + n * span for n in range(len(values))],
        actual=[a for a, _, _ in values],
        lower=[b for _, b, _ in values],
        upper=[c for _, _, c in values],
        anomalies=frozenset(range(0, len(values), 7)),
        expected=[b for _, b, _ in values] if len(values) % 2 else (),
    )
    lines = text_of(plot(series, width=width, height=height))
    assert len(lines) == height + 2
    assert max(map(len, lines[:-2])) <= max(width, 20)
    assert all(character == "\n" or character.isprintable() for line in lines for character in line)


def test_sequences_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"equal number.*\[1, 2\]"):
        Series(times=[1, 2], actual=[1], lower=[1, 2], upper=[1, 2])


def test_what_is_expected_is_a_line_with_gaps_that_actual_values_hide():
    times = [START + hour * HOUR for hour in range(49)]
    flat = Series(times=times, actual=[None] * 49, lower=[None] * 49, upper=[None] * 49, expected=[5.0] * 49)
    marks = [segment.mark for row in plot(flat, width=100, height=8)[:-2] for segment in row[1:]]
    assert marks.count(Mark.EXPECTED) > 10
    assert Mark.ACTUAL not in marks
    hidden = Series(times=times, actual=[5.0] * 49, lower=[None] * 49, upper=[None] * 49, expected=[5.0] * 49)
    assert Mark.EXPECTED not in {segment.mark for row in plot(hidden, width=100, height=8)[:-2] for segment in row[1:]}
