"""What changes in a model is told once, when it changed, and nothing is told of noise."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.accuracy.case import MONDAY_S, Array
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anomalyops_engine.models.series import state as series
from anomalyops_engine.models.series.bank import SeriesBank, series_parameters

DAY_S = 86_400
DAYS = 35
LAW = settings(max_examples=15, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10_000)
SPANS = st.sampled_from([900, 1800, 3600])
LEVELS = st.floats(1e-3, 1e6)


def times(span_s: int, days: int = DAYS) -> Array:
    return np.arange(days * DAY_S // span_s) * float(span_s)


def told(values: Array, span_s: int, cuts: tuple[int, ...] = ()) -> list[tuple[int, int, float, int]]:
    """The changes of a series that is learnt in parts: bucket, column, amount, and values that showed it."""
    parameters = series_parameters(
        span_s=span_s, side=0, discrete=False, learning_buckets=10, want_bounds=False, bounds_from=2.5
    )
    bank = SeriesBank(parameters)
    rows = bank.rows([("one",)])
    found = []
    for left, right in zip((0, *cuts), (*cuts, len(values)), strict=True):
        first = MONDAY_S // span_s + left
        details = bank.advance(rows, values[None, left:right], first_bucket=first, conditions=np.zeros((0, 4)))[0]
        for column in (series.NEW_SEASON, series.LEVEL_SHIFT, series.TIME_SHIFT):
            found += [
                (left + int(b), column, float(details[b, column]), int(details[b, series.SHIFT_RUN]))
                for b in np.flatnonzero(details[:, column])
            ]
    return sorted(found)


def columns(found: list[tuple[int, int, float, int]]) -> list[int]:
    return [column for _, column, _, _ in found]


@LAW
@given(SEEDS, SPANS, LEVELS, st.floats(1e-3, 0.3))
def test_nothing_is_told_of_noise(seed: int, span: int, level: float, width: float) -> None:
    rng = np.random.default_rng(seed)
    assert told(level * (1 + width * rng.standard_normal(len(times(span)))), span) == []


@LAW
@given(SEEDS, SPANS, LEVELS, st.floats(0.05, 0.5), st.floats(0, DAY_S))
def test_a_day_is_found_once_and_within_a_week(seed: int, span: int, level: float, depth: float, phase: float) -> None:
    t, rng = times(span), np.random.default_rng(seed)
    noise = 0.2 * depth * rng.standard_normal(len(t))
    found = told(level * (1 + depth * np.sin(2 * np.pi * (t + phase) / DAY_S) + noise), span)
    assert columns(found) == [series.NEW_SEASON]
    bucket, _, period, _ = found[0]
    assert period == DAY_S
    assert bucket * span <= 9 * DAY_S


@pytest.mark.parametrize("span", [900, 3600])
def test_a_batch_of_one_bucket_a_day_is_a_season(span: int) -> None:
    t = times(span)
    values = 10 + np.random.default_rng(3).standard_normal(len(t))
    values[t % DAY_S == 3 * 3600] += 100
    ((bucket, column, period, _),) = told(values, span)
    assert (column, period) == (series.NEW_SEASON, DAY_S)
    assert 4 * DAY_S <= bucket * span <= 8 * DAY_S


@LAW
@given(SEEDS, SPANS, LEVELS, st.floats(20, 100), st.sampled_from([-1, 1]), st.integers(10, 25), st.booleans())
@example(145, 1800, 1.0, 20.0, -1, 10, True)  # one value in the run of a level lies farther from it than most
@example(5855, 1800, 1.0, 75.3, 1, 21, False)  # the same, of a level that is far away
@example(8975, 3600, 1.0, 46.6, 1, 19, True)  # a run that began again was taken for a way back
def test_a_level_shift_that_no_season_explains_is_told_once_with_its_size_and_its_beginning(
    seed: int, span: int, level: float, size: float, sign: int, day: int, daily: bool
) -> None:
    t, rng = times(span), np.random.default_rng(seed)
    width = 0.01
    season = 5 * width * np.sin(2 * np.pi * t / DAY_S) if daily else 0.0
    step = sign * size * width * (t >= day * DAY_S)
    found = told(level * (1 + season + step + width * rng.standard_normal(len(t))), span)
    shifts = [change for change in found if change[1] == series.LEVEL_SHIFT]
    assert len(shifts) == 1
    bucket, _, amount, run = shifts[0]
    assert amount == pytest.approx(sign * size * width * level, rel=0.25)
    assert abs((bucket - run + 1) * span - day * DAY_S) <= 2 * span
    assert bucket * span <= (day + 2) * DAY_S


def test_a_level_that_comes_and_goes_is_told_until_it_is_a_habit() -> None:
    t = times(3600, days=60)
    away = (t // (5.37 * DAY_S)).astype(int) % 2 == 1
    found = told(100 + 40 * away + 2 * np.random.default_rng(1).standard_normal(len(t)), 3600)
    amounts = [round(amount, -1) for _, column, amount, _ in found if column == series.LEVEL_SHIFT]
    assert amounts == [40, -40, 40]


@pytest.mark.parametrize("sign", [-1, 1])
def test_clocks_that_were_changed_are_told(sign: int) -> None:
    t = times(3600, days=60)
    hour = ((t + sign * 3600 * (t > 40 * DAY_S)) // 3600 % 24).astype(int)
    profile = 100 + 60 * ((hour > 8) & (hour < 18)) + 20 * (hour == 12)
    found = told(profile + np.random.default_rng(2).standard_normal(len(t)), 3600)
    shifts = [(bucket, amount) for bucket, column, amount, _ in found if column == series.TIME_SHIFT]
    assert [amount for _, amount in shifts] == [sign * 3600.0]
    assert 40 * 24 < shifts[0][0] < 60 * 24


@LAW
@given(SEEDS, st.lists(st.integers(1, DAYS * 24 - 1), max_size=6, unique=True).map(sorted))
def test_it_does_not_matter_where_the_buckets_are_split(seed: int, cuts: list[int]) -> None:
    t, rng = times(3600), np.random.default_rng(seed)
    values = 100 + 10 * np.sin(2 * np.pi * t / DAY_S) + 60 * (t >= 20 * DAY_S) + rng.standard_normal(len(t))
    assert told(values, 3600, tuple(cuts)) == told(values, 3600)
