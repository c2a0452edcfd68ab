"""What forecasts promise, for series of many levels, spans and seeds."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.accuracy.case import Array, Clock
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.functions import find_function
from anomalyops_engine.models.series.bank import SeriesBank, SeriesForecast, series_parameters

LAW = settings(max_examples=12, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10_000)
SPANS = st.sampled_from([900, 1800, 3600])
LEVELS = st.floats(1e-3, 1e6)
SHAPES = ("level", "walk", "trend", "daily", "weekly", "counts", "mostly zero", "step")
MONDAY = 1_704_067_200
NEVER = np.zeros((0, 4))


def series(shape: str, seed: int, span: int, days: float = 28) -> Array:
    rng, clock = np.random.default_rng(seed), Clock(span, days)
    n = len(clock)
    noise = rng.standard_normal(n)
    match shape:
        case "level":
            return 100 + 5 * noise
        case "walk":
            return 1000 + np.cumsum(noise)
        case "trend":
            return 100 + 200 * np.arange(n) / n + 5 * noise
        case "daily":
            return 100 * clock.wave(0.5) + 5 * noise
        case "weekly":
            return 100 * clock.office() + 5 * noise
        case "counts":
            return rng.poisson(3 * clock.wave(0.8)).astype(float)
        case "mostly zero":
            return np.where(rng.random(n) < 0.7, 0.0, 50 * rng.exponential(1.0, n))
        case _:
            values = 100 + 5 * noise
            values[n // 2 :] += 60
            return values


def learnt(values: Array, span: int, function: str = "mean", *, bank: SeriesBank | None = None) -> SeriesBank:
    found = find_function(function)
    assert found is not None
    if bank is None:
        bank = SeriesBank(
            series_parameters(
                span_s=span,
                side=0,
                discrete=found.function.discrete,
                learning_buckets=found.function.learning_buckets,
                want_bounds=False,
                bounds_from=2.0,
            )
        )
    bank.advance(bank.rows([()]), values[None, :].copy(), first_bucket=MONDAY // span, conditions=NEVER)
    return bank


def ahead(bank: SeriesBank, values: Array, span: int) -> SeriesForecast:
    return bank.forecast(0, first_bucket=MONDAY // span + len(values))


def week(values: Array, span: int, function: str = "mean", days: int = 7) -> Array:
    return ahead(learnt(values, span, function), values, span).extend(days * 86_400 // span)


def function_of(shape: str) -> str:
    return "count" if shape == "counts" else "mean"


@LAW
@given(SEEDS, SPANS, st.sampled_from(SHAPES))
def test_forecasting_changes_no_state_and_no_later_score(seed: int, span: int, shape: str) -> None:
    values = series(shape, seed, span, 21)
    half = len(values) // 2
    bank = learnt(values[:half], span, function_of(shape))
    before = [array.tobytes() for array in bank.state]
    ahead(bank, values[:half], span).extend(500)
    assert [array.tobytes() for array in bank.state] == before


@LAW
@given(SPANS, st.floats(-1e9, 1e9), st.integers(60, 900))
def test_a_constant_goes_on(span: int, constant: float, buckets: int) -> None:
    path = week(np.full(buckets, constant), span)
    assert len(path) == 7 * 86_400 // span
    assert (path[:, 0] == constant).all()
    assert path[:, 1:] == pytest.approx(constant, rel=1e-3)


@LAW
@given(SEEDS, SPANS, st.sampled_from(SHAPES), st.sampled_from([2.0**-30, 2.0**-3, 2.0**40]))
def test_a_scale_scales_the_forecast(seed: int, span: int, shape: str, factor: float) -> None:
    values = series("daily" if shape == "counts" else shape, seed, span)
    path, scaled = week(values, span), week(values * factor, span)
    assert len(path) == len(scaled)
    assert scaled == pytest.approx(path * factor, rel=1e-6, abs=1e-6 * factor)


@LAW
@given(SEEDS, SPANS, st.sampled_from(SHAPES))
def test_bounds_are_ordered_and_grow(seed: int, span: int, shape: str) -> None:
    path = week(series(shape, seed, span), span, function_of(shape), days=28)
    assert (path[:, 1] <= path[:, 0]).all()
    assert (path[:, 0] <= path[:, 2]).all()
    if shape == "counts":
        return  # their bounds follow what is expected
    width, a_day = path[:, 2] - path[:, 1], 86_400 // span
    days = width[: len(width) // a_day * a_day].reshape(-1, a_day).mean(axis=1)
    weeks = days[: len(days) // 7 * 7].reshape(-1, 7).mean(axis=1)
    assert (np.diff(weeks) >= -1e-9 * weeks[1:]).all()
    if shape in {"level", "walk", "trend", "step"}:
        assert (np.diff(days) >= -1e-3 * days[1:]).all()


@LAW
@given(SEEDS, SPANS, st.floats(0.05, 40))
def test_counts_are_never_below_zero(seed: int, span: int, rate: float) -> None:
    rng, clock = np.random.default_rng(seed), Clock(span, 21)
    path = week(rng.poisson(rate * clock.wave(0.9)).astype(float), span, "count")
    assert len(path)
    assert (path >= 0).all()


@LAW
@given(SEEDS, SPANS, st.sampled_from(SHAPES), st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_it_does_not_matter_how_a_forecast_is_cut(seed: int, span: int, shape: str, lengths: list[int]) -> None:
    values = series(shape, seed, span)
    bank = learnt(values, span, function_of(shape))
    whole = ahead(bank, values, span).extend(sum(lengths))
    pieces = ahead(bank, values, span)
    assert np.concatenate([pieces.extend(length) for length in lengths]).tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    ("shape", "span"),
    [
        ("daily", 900),
        ("daily", 3600),
        ("weekly", 900),
        ("weekly", 3600),
        ("counts", 900),
        ("counts", 3600),
    ],
)
def test_a_season_is_forecast_better_than_by_the_last_one(shape: str, span: int) -> None:
    a_week, misses, naive, inside = 7 * 86_400 // span, 0.0, 0.0, []
    for seed in range(4):
        values = series(shape, seed, span, 49)
        path, came = week(values[:-a_week], span, function_of(shape)), values[-a_week:]
        misses += float(np.abs(path[:, 0] - came).mean())
        naive += float(np.abs(values[-2 * a_week : -a_week] - came).mean())
        inside.append((path[:, 1] <= came) & (came <= path[:, 2]))
    assert misses < 0.9 * naive
    assert 0.91 < np.concatenate(inside).mean() < 0.995


@pytest.mark.parametrize("seed", range(4))
def test_a_trend_goes_on_and_fades_and_noise_has_none(seed: int) -> None:
    rising = series("trend", seed, 3600, 56)
    path = week(rising, 3600)
    a_day = 200 / 56
    assert 2.5 * a_day < path[-24:, 0].mean() - path[:24, 0].mean() < 7 * a_day
    level = week(series("level", seed, 3600, 56), 3600)
    assert np.ptp(level[:, 0]) < 2.0


@pytest.mark.parametrize("seed", range(4))
def test_what_wanders_gets_ever_wider_bounds_and_an_end(seed: int) -> None:
    values = series("walk", seed, 3600)
    bank = learnt(values, 3600)
    path = ahead(bank, values, 3600).extend(100_000)
    assert len(path) < 100_000
    width = path[:, 2] - path[:, 1]
    assert (np.diff(width) >= -0.01 * width[1:]).all()  # an hour may be quieter than the one before
    assert width[min(24, len(path) - 1)] > 2 * width[0]
    assert width[-1] <= 1.2 * np.ptp(values)


def test_what_did_not_change_for_weeks_has_no_end() -> None:
    values = series("daily", 1, 3600)
    assert len(ahead(learnt(values, 3600), values, 3600).extend(24 * 365)) == 24 * 365


def test_only_what_was_seen_long_enough_is_established() -> None:
    assert not len(learnt(np.arange(4.0), 3600).established())
    assert len(learnt(np.arange(40.0), 3600).established()) == 1


def test_a_copy_in_files_forecasts_the_same(tmp_path) -> None:
    values = series("weekly", 3, 3600)
    bank = learnt(values, 3600)
    kept = bank.fork(tmp_path)
    copied = bank.fork()
    learnt(values, 3600, bank=bank)
    expected = ahead(copied, values, 3600).extend(50)
    assert ahead(kept, values, 3600).extend(50).tobytes() == expected.tobytes()
    assert ahead(bank, values, 3600).extend(50).tobytes() != expected.tobytes()
