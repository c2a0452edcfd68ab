"""A time series with its model bounds as text: braille dots, labelled axes, anomalies marked.

Pure: values in, rows of marked text out. Every character cell has 2 by 4 dots (U+2800 to U+28FF), so a plot of
100 by 12 characters resolves 200 by 48 points. The band between the bounds is a stipple, the actual value a
line over it, and an anomaly a full circle, so that the picture can be read without colours too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

_BRAILLE: Final = 0x2800
# Bit of each dot in a braille cell, by row (top first) and column.
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_ANOMALY: Final = "●"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TICK_STEPS: Final = (
    *(n * _MINUTE for n in (1, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 14, 30, 60, 90, 180, 365)),
)
_TICK_WIDTH: Final = 14  # characters between two labels of the time axis


class Mark(IntEnum):
    """What a piece of text shows; where several fall on one cell, the highest is shown."""

    NOTHING = 0
    BAND = 1
    EXPECTED = 2
    ACTUAL = 3
    ANOMALY = 4
    AXIS = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """Text of one kind."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values at equal steps of time; all sequences have the same length.

    Attributes:
        times: Seconds since the epoch, ascending.
        actual: What was measured; None where there was nothing.
        lower: Lower model bound; None where there is no model.
        upper: Upper model bound.
        anomalies: Positions of the anomalous values.
        expected: What is expected, None where nothing is; empty where it is not shown.
    """

    times: Sequence[float]
    actual: Sequence[float | None]
    lower: Sequence[float | None]
    upper: Sequence[float | None]
    anomalies: frozenset[int] = frozenset()
    expected: Sequence[float | None] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.times), len(self.actual), len(self.lower), len(self.upper)}
        if self.expected:
            lengths.add(len(self.expected))
        if len(lengths) != 1 or not self.times:
            raise ValueError(f"a series needs values of equal number and at least one, got {sorted(lengths)}")


def plot(series: Series, *, width: int, height: int) -> list[list[Segment]]:
    """The plot as rows of segments, top first.

    Args:
        series: What to show.
        width: Characters altogether, labels included; at least 20 are used.
        height: Characters of the area between the axes; two rows come below it.
    """
    scale = _value_scale(series, height)
    labels = [_value_label(value) for value in scale.ticks]
    margin = max(len(label) for label in labels)
    area = _Area(columns=max(width, 20) - margin - 2, rows=height)
    _draw(area, series, scale)
    by_row = {
        area.rows - 1 - scale.row(value, area.rows): label for value, label in zip(scale.ticks, labels, strict=True)
    }
    rows = []
    for number in range(area.rows):
        label = by_row.get(number)
        axis = f"{label or '':>{margin}} {'┤' if label else '│'}"
        rows.append([Segment(axis, Mark.AXIS), *area.segments(number)])
    return [*rows, *_time_axis(series.times, area.columns, margin)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """The range of the value axis and its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float, steps: int) -> int:
        """The step (0 is lowest) of a value, out of `steps`."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(round(share * (steps - 1)), 0), steps - 1)

    def row(self, value: float, rows: int) -> int:
        return self.at(value, rows * 4) // 4


class _Area:
    """The dots between the axes, and what each cell shows."""

    def __init__(self, *, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.width = columns * 2
        self.height = rows * 4
        self._dots = {mark: self._blank() for mark in (Mark.BAND, Mark.EXPECTED, Mark.ACTUAL)}
        self._anomalies: set[tuple[int, int]] = set()

    def _blank(self) -> list[list[int]]:
        return [[0] * self.columns for _ in range(self.rows)]

    def dot(self, x: int, y: int, mark: Mark) -> None:
        """Sets a dot; y is counted from the bottom."""
        if 0 <= x < self.width and 0 <= y < self.height:
            top = self.height - 1 - y
            self._dots[mark][top // 4][x // 2] |= _DOTS[top % 4][x % 2]

    def anomaly(self, x: int, y: int) -> None:
        """Marks the cell of a dot."""
        self._anomalies.add(((self.height - 1 - y) // 4, x // 2))

    def line(self, start: tuple[int, int], end: tuple[int, int], mark: Mark) -> None:
        """A line: of actual values, or one with gaps of expected ones."""
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            share = step / steps
            x = round(start[0] + (end[0] - start[0]) * share)
            if mark is Mark.ACTUAL or x % 4 < 2:
                self.dot(x, round(start[1] + (end[1] - start[1]) * share), mark)

    def segments(self, row: int) -> list[Segment]:
        """One row of the area, neighbours of one kind together."""
        result: list[Segment] = []
        for column in range(self.columns):
            text, mark = self._cell(row, column)
            if result and result[-1].mark is mark:
                result[-1] = Segment(result[-1].text + text, mark)
            else:
                result.append(Segment(text, mark))
        return result

    def _cell(self, row: int, column: int) -> tuple[str, Mark]:
        if (row, column) in self._anomalies:
            return _ANOMALY, Mark.ANOMALY
        for mark in (Mark.ACTUAL, Mark.EXPECTED, Mark.BAND):
            dots = self._dots[mark][row][column]
            if dots:
                return chr(_BRAILLE | dots), mark
        return " ", Mark.NOTHING


def _draw(area: _Area, series: Series, scale: _Scale) -> None:
    last = len(series.times) - 1
    columns = [round(index / last * (area.width - 1)) if last else area.width // 2 for index in range(last + 1)]
    _draw_band(area, series, scale, columns)
    for mark, values in ((Mark.EXPECTED, series.expected), (Mark.ACTUAL, series.actual)):
        previous: tuple[int, int] | None = None
        for index, value in enumerate(values):
            if value is None:
                previous = None
                continue
            point = (columns[index], scale.at(value, area.height))
            area.line(previous or point, point, mark)
            previous = point
            if mark is Mark.ACTUAL and index in series.anomalies:
                area.anomaly(*point)


def _draw_band(area: _Area, series: Series, scale: _Scale, columns: Sequence[int]) -> None:
    bounds = list(zip(series.lower, series.upper, strict=True))
    for index, (low, high) in enumerate(bounds):
        if low is None or high is None:
            continue
        next_low, next_high = bounds[index + 1] if index + 1 < len(bounds) else (low, high)
        if next_low is None or next_high is None:
            next_low, next_high = low, high
        start = columns[index]
        end = columns[index + 1] if index + 1 < len(columns) else start + 1
        for x in range(start, end):
            share = (x - start) / (end - start)
            bottom = scale.at(low + (next_low - low) * share, area.height)
            top = scale.at(high + (next_high - high) * share, area.height)
            for y in range(bottom, top + 1):
                if (x + 2 * y) % 4 == 0 or y in (bottom, top):
                    area.dot(x, y, Mark.BAND)


def _value_scale(series: Series, rows: int) -> _Scale:
    """Nice round ticks that span everything that is shown."""
    values = [v for part in (series.actual, series.lower, series.upper, series.expected) for v in part if v is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low >= 0 and low <= high / 2:
        low = 0.0  # rates are easier to read from zero
    # Below 1e-290 a step between ticks would lose its digits as a subnormal number.
    if high - low <= max(max(abs(low), abs(high)) * 1e-9, 1e-290):
        low, high = low - 1.0, high + 1.0
    step = _nice_step((high - low) / max(rows // 3, 1))
    ticks = tuple(number * step for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))
    return _Scale(low, high, ticks or (low,))


def _nice_step(least: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0) if factor * power >= least * (1 - 1e-9))


def _value_label(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 10:
            return f"{value / size:.4g}{letter}"
    return f"{value + 0.0:.4g}"


def _time_axis(times: Sequence[float], columns: int, margin: int) -> list[list[Segment]]:
    """The rule and the labels of the time axis, labels in UTC at round times."""
    rule, labels = ["─"] * columns, [" "] * columns
    span = times[-1] - times[0]
    least = span * _TICK_WIDTH / columns
    step = next((step for step in _TICK_STEPS if step >= least), _TICK_STEPS[-1])
    tick = math.ceil(times[0] / step) * step
    free = 0
    while tick <= times[-1]:
        column = round((tick - times[0]) / span * (columns - 1)) if span else 0
        text = _time_label(tick, step)
        start = min(max(column - len(text) // 2, 0), columns - len(text))
        if start >= free:
            rule[column] = "┴"
            labels[start : start + len(text)] = text
            free = start + len(text) + 1
        tick += step
    return [
        [Segment(" " * (margin + 1) + "└" + "".join(rule), Mark.AXIS)],
        [Segment((" " * (margin + 2) + "".join(labels)).rstrip(), Mark.AXIS)],
    ]


def _time_label(seconds: float, step: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    if step >= _DAY:
        return f"{moment:%b %d}" if step < 365 * _DAY else f"{moment:%b %Y}"
    return f"{moment:%b %d}" if moment.hour == 0 and moment.minute == 0 else f"{moment:%H:%M}"
