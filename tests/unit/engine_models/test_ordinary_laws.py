"""What is ordinary stays quiet and what is not is told, for series of many levels, spans and seeds."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.accuracy.case import MONDAY_S, Array, Case, Clock
from benchmarks.accuracy.detectors.learner import details, initial_scores
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.models.series import state as series
from anomalyops_engine.models.series.bank import SeriesBank, series_parameters

CRITICAL = 75.0
LAW = settings(max_examples=12, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10_000)
SPANS = st.sampled_from([900, 1800, 3600])
LEVELS = st.floats(1e-3, 1e6)


def surprises(values: Array, span_s: int, function: str = "mean", *, start_s: int | None = None) -> Array:
    case = Case("", "", span_s, values, function)
    return details([case if start_s is None else case.with_(start_s=start_s)])[0, :, series.SURPRISE]


def scores(values: Array, span_s: int, function: str = "mean", *, start_s: int | None = None) -> Array:
    return initial_scores(surprises(values, span_s, function, start_s=start_s), span_s)


def learnt(values: Array, span_s: int) -> series.SeriesState:
    """What is known of a series of a metric after all of its values."""
    parameters = series_parameters(
        span_s=span_s, side=0, discrete=False, learning_buckets=10, want_bounds=False, bounds_from=2.5
    )
    bank = SeriesBank(parameters)
    rows = bank.rows([("one",)])
    bank.advance(rows, values[None], first_bucket=MONDAY_S // span_s, conditions=np.zeros((0, 4)))
    return bank.state


@LAW
@given(
    SEEDS,
    SPANS,
    LEVELS,
    st.sampled_from([2.0**32, -(2.0**31), 65_535.0, 1e12, 1.7e9, -1e16, 1e300]),
    st.integers(0, 400),
)
def test_one_absurd_value_blinds_nobody(seed: int, span: int, level: float, absurd: float, place: int) -> None:
    rng = np.random.default_rng(seed)
    values = level * (1 + 0.05 * rng.standard_normal(900))
    values[place] = absurd
    values[[600, 700, 850]] = 5 * level
    found = scores(values, span)
    assert (found[[600, 700, 850]] >= CRITICAL).all()
    assert (np.delete(found, [place, 600, 700, 850])[420:] >= CRITICAL).sum() <= 1


@LAW
@given(SEEDS, SPANS, st.integers(0, 23), st.floats(40, 5000))
def test_a_batch_that_comes_every_night_is_expected_and_missed(seed: int, span: int, hour: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    clock = Clock(span, 30)
    runs = np.flatnonzero(clock.daily(hour))
    values = rng.poisson(2, len(clock)).astype(float)
    values[runs] += np.round(size * (1 + 0.05 * rng.standard_normal(len(runs))))
    values[runs[25]] = 2.0
    found = scores(values, span, "count")
    assert found[runs[25]] >= CRITICAL
    ordinary = np.delete(found, runs[25])[clock.at(5) :]
    assert (ordinary >= CRITICAL).sum() <= 1


@LAW
@given(st.integers(1, 60), SPANS, st.integers(300, 600), st.integers(2, 40))
def test_a_heartbeat_that_stops_is_told_within_two_buckets(rate: int, span: int, begin: int, silent: int) -> None:
    values = np.full(700, float(rate))
    values[begin : begin + silent] = 0.0
    found = surprises(values, span, "count")
    loud = initial_scores(found, span) >= CRITICAL
    assert loud[begin : begin + 2].any()
    assert not loud[:begin].any()
    assert found[begin + silent :].max() < found[begin : begin + 2].max()


@LAW
@given(SEEDS, SPANS, st.floats(0.02, 0.6), LEVELS, st.sampled_from(["mean", "sum", "max"]))
def test_what_is_mostly_zero_is_judged_by_its_other_values(
    seed: int, span: int, share: float, level: float, function: str
) -> None:
    rng = np.random.default_rng(seed)
    zero = rng.random(1500) >= share
    values = np.where(zero, 0.0, level * rng.exponential(1.0, 1500))
    found = scores(values, span, function)
    assert (found[zero] < 25.0).all()
    assert (found[300:] >= CRITICAL).sum() <= 4


@LAW
@given(SEEDS, SPANS, st.floats(8, 60), LEVELS)
def test_a_lasting_step_is_one_alarm(seed: int, span: int, size: float, level: float) -> None:
    rng = np.random.default_rng(seed)
    values = 100.0 + rng.standard_normal(1500)
    values[900:] += size
    loud = scores(level * values, span) >= CRITICAL
    assert loud[900:903].any()
    assert loud[900:].sum() <= 8
    assert loud[300:900].sum() <= 1


@LAW
@given(SEEDS, SPANS, st.integers(24, 200))
def test_what_comes_back_after_an_outage_is_no_alarm(seed: int, span: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    values = 500 * (1 + 0.05 * rng.standard_normal(1500))
    values[900 : 900 + length] = 0.0
    loud = scores(values, span, "sum") >= CRITICAL
    assert loud[900:902].any()
    assert not loud[900 + length :].any()


@LAW
@given(SEEDS, SPANS, st.floats(20, 300), st.floats(0.5, 4))
def test_counts_that_come_back_after_an_outage_are_no_alarm(seed: int, span: int, rate: float, days: float) -> None:
    rng = np.random.default_rng(seed)
    clock = Clock(span, 28)
    values = rng.poisson(rate, len(clock)).astype(float)
    begin, end = clock.at(20), clock.at(20 + days)
    values[begin:end] = 0.0
    loud = scores(values, span, "count") >= CRITICAL
    assert loud[begin : begin + 4].any()
    assert loud[end:].sum() <= 1


def _wave_with_an_outage(seed: int, span: int, days: float) -> tuple[Case, int, int]:
    """Six weeks of a daily wave that stands still for some days of its fourth or fifth week."""
    rng = np.random.default_rng(seed)
    clock = Clock(span, 42)
    level = float(rng.choice([0.02, 400.0, 1e6]))
    values = level * clock.wave(float(rng.uniform(0.3, 0.8))) * (1.0 + 0.05 * rng.standard_normal(len(clock)))
    begin = clock.at(float(rng.uniform(22.0, 30.0)))
    end = begin + clock.at(days)
    values[begin:end] = 0.0
    return Case("", "", span, values, "sum"), begin, end


@pytest.mark.parametrize("span", [600, 900])
def test_a_season_that_comes_back_after_an_outage_is_no_alarm(span: int) -> None:
    """An outage of days takes a season's level with it and silences it: every forecaster expects that it goes on."""
    cases = [_wave_with_an_outage(seed, span, days) for seed in range(15) for days in (1.0, 1.5, 2.0)]
    found = details([case for case, _, _ in cases])[:, :, series.SURPRISE]
    told = after = 0
    for (_, begin, end), one in zip(cases, found, strict=True):
        loud = initial_scores(one, span) >= CRITICAL
        told += bool(loud[begin : begin + 4].any())
        after += bool(loud[end : end + 86_400 // span].any())
    assert told >= len(cases) - 2
    assert after <= 2


@pytest.mark.parametrize("span", [600, 900])
def test_what_comes_back_otherwise_after_an_outage_is_told(span: int) -> None:
    cases = [_wave_with_an_outage(seed, span, days) for seed in range(15) for days in (1.0, 2.0)]
    for case, begin, end in cases:
        case.values[end : end + 12] = 4.0 * case.values[:begin].max()
    found = details([case for case, _, _ in cases])[:, :, series.SURPRISE]
    told = [
        (initial_scores(one, span)[end : end + 12] >= CRITICAL).any()
        for (_, _, end), one in zip(cases, found, strict=True)
    ]
    assert sum(told) >= len(cases) - 2


@LAW
@given(SEEDS, st.integers(2, 60), SPANS, st.floats(0.02, 0.05))
def test_a_heartbeat_that_slips_in_a_share_of_its_buckets_is_quiet_until_it_stops(
    seed: int, rate: int, span: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    values = np.full(1300, float(rate))
    slips = np.flatnonzero(rng.random(len(values) - 1) < share)
    values[slips] -= 1.0
    values[slips + 1] += 1.0
    values[1000:1008] = 0.0
    loud = scores(values, span, "count") >= CRITICAL
    assert loud[1000:1004].any()
    assert loud[400:1000].sum() <= 1


@LAW
@given(SEEDS, SPANS, st.lists(st.floats(12, 400), min_size=2, max_size=2, unique=True), st.integers(150, 900))
def test_the_larger_ranks_higher_whatever_the_age(seed: int, span: int, sizes: list[float], first: int) -> None:
    larger = max(sizes)
    if larger < 3 * min(sizes):
        larger = 3 * min(sizes)
    rng = np.random.default_rng(seed)
    values = 1000 + rng.standard_normal(1500)
    values[first] += larger
    values[1300] += min(sizes)
    found = surprises(values, span)
    assert found[first] > found[1300] > 0


@LAW
@given(SEEDS, st.sampled_from([2.0**-30, 2.0**-3, 2.0**40]))
def test_a_scale_changes_no_surprise(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    clock = Clock(3600, 30)
    values = 50 * clock.wave(0.4) + rng.standard_t(4, len(clock))
    values[rng.choice(len(values), 5)] *= 3
    assert surprises(values, 3600) == pytest.approx(surprises(values * factor, 3600), abs=1e-6)


@pytest.mark.parametrize("function", ["mean", "count"])
def test_an_undisturbed_series_is_quiet_from_its_fourth_week(function: str) -> None:
    loud = ordinary = 0
    clock = Clock(900, 70)
    mean = 300 * clock.office()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        values = rng.poisson(mean).astype(float) if function == "count" else mean * rng.lognormal(0, 0.1, len(clock))
        found = scores(values, 900, function)[clock.at(28) :]
        loud, ordinary = loud + int((found >= CRITICAL).sum()), ordinary + len(found)
    assert loud <= ordinary / 2000


@pytest.mark.parametrize("seed", range(3))
def test_the_noise_of_an_hour_is_judged_by_that_hour(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clock = Clock(1800, 42)
    loud = (clock.hour >= 9) & (clock.hour < 17)
    values = 50 + np.where(loud, 8.0, 1.0) * rng.standard_normal(len(clock))
    quiet_hour, loud_hour = clock.at(35, 3), clock.at(38, 12)
    values[quiet_hour], values[loud_hour] = 50 + 14.0, 50 + 20.0
    found = scores(values, 1800)
    assert found[quiet_hour] >= CRITICAL
    assert found[loud_hour] < CRITICAL
    assert (np.delete(found, quiet_hour)[clock.at(10) :] >= CRITICAL).sum() <= 1


@pytest.mark.parametrize("record", [series.SERIES, series.FORECASTER, series.SLOT, series.LEVEL])
def test_the_state_holds_no_bytes_that_mean_nothing(record: np.dtype) -> None:
    """Padding is not copied with the values around it: two equal states would differ in their snapshots."""
    assert record.itemsize == sum(record[name].itemsize for name in record.names)


@LAW
@given(SEEDS, SPANS, LEVELS, st.sampled_from([1.0, 1.5, 3.0]))
def test_a_season_is_told_by_its_own_clock(seed: int, span: int, level: float, weeks: float) -> None:
    """A profile that was seen once knows nothing of clocks: noise between its slots moves none."""
    rng = np.random.default_rng(seed)
    clock = Clock(span, 7 * weeks + 1)
    values = level * (2 + np.sin(2 * np.pi * np.arange(len(clock)) * span / 86_400) + 0.1 * rng.random(len(clock)))
    assert learnt(values, span).series[0]["clock_s"] == 0.0


@LAW
@given(SEEDS, SPANS, LEVELS)
def test_what_began_as_a_constant_learns_how_far_it_goes(seed: int, span: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    values = level * (1 + 0.1 * rng.standard_normal(900))
    values[:20] = level
    state = learnt(values, span).series[0]
    assert state["lowest"] < 0.9 * level < 1.1 * level < state["highest"]
    values[[600, 700, 850]] = 5 * level
    assert (scores(values, span)[[600, 700, 850]] >= CRITICAL).all()


@LAW
@given(SEEDS, st.integers(1, 60), SPANS, st.integers(10, 60))
def test_slips_of_a_heartbeat_become_ordinary(seed: int, rate: int, span: int, apart: int) -> None:
    """After half of the time no more than a quarter of them are critical."""
    rng = np.random.default_rng(seed)
    values = np.full(1500, float(rate))
    slips = np.cumsum(rng.integers(apart // 2, apart * 3 // 2, 1500))
    slips = slips[slips < len(values) - 1]
    values[slips] -= 1.0
    values[slips + 1] += 1.0
    assert (scores(values, span, "count")[750:] >= CRITICAL).sum() <= max((slips >= 750).sum() / 4, 3)


@LAW
@given(SEEDS, st.floats(0.2, 1.0))
def test_counts_of_what_came_are_quiet_where_a_bucket_without_events_has_none(seed: int, rate: float) -> None:
    rng, series_of, span = np.random.default_rng(seed), 40, 900
    counts = rng.poisson(rate, (series_of, 28 * 86_400 // span)).astype(float)
    counts[counts == 0] = np.nan
    counts[:, 2000] = 20.0
    cases = [Case("", "", span, values, "high_non_zero_count") for values in counts]
    found = np.array([initial_scores(one, span) for one in details(cases)[:, :, series.SURPRISE]]) >= CRITICAL
    assert found[:, 2000].mean() >= 0.95
    # 108,000 buckets at most: 1 in 2,000 would be 54.
    assert np.delete(found, 2000, axis=1)[:, 672:].sum() <= 10


def _day_of_plateaus(seed: int) -> tuple[Array, Array, slice, int, int]:
    """A day of a few plateaus, undisturbed and with a flat thirteenth day, on any date of a year."""
    rng = np.random.default_rng(seed)
    span = int(rng.choice([300, 600, 900, 1800]))
    # Days that the calendar sets apart, and days on which clocks are changed somewhere, are among them.
    day = int(rng.integers(0, 365)) if seed % 3 else int(rng.choice([0, 31, 60, 91, 69, 90, 278, 307]))
    noise = float(rng.choice([0.0, 1e-6, 0.02, 0.05]))
    clock = Clock(span, 14)
    changes = np.sort(rng.choice(np.arange(1, 24), 3, replace=False))
    levels = rng.choice([20.0, 50.0, 80.0, 110.0], 4, replace=False)
    levels[3] = levels[0]
    values = levels[np.searchsorted(changes, clock.hour, side="right")]
    values = values + noise * 100.0 * rng.uniform(-1.0, 1.0, len(clock))
    gone = slice(clock.at(12), clock.at(13))
    flat = values.copy()
    flat[gone] = values[gone.start]
    return values, flat, gone, span, (19_723 + day) * 86_400


def test_a_day_of_plateaus_is_expected_and_missed_whatever_its_date() -> None:
    """A special day is no evidence for itself, and noise in a plateau or the rests of what was learnt move no clock."""
    loud, missed = [], []
    for seed in range(60):
        values, flat, gone, span, start_s = _day_of_plateaus(seed)
        found = scores(values, span, start_s=start_s)[4 * 86_400 // span :]
        if (found >= CRITICAL).sum() > 1:
            loud.append(seed)
        if not (scores(flat, span, start_s=start_s)[gone] >= CRITICAL).any():
            missed.append(seed)
    assert len(loud) <= 4
    assert len(missed) <= 2


@LAW
@given(SEEDS, st.sampled_from([300, 900, 3600]), LEVELS, st.integers(12, 60))
def test_spikes_of_what_is_zero_else_become_ordinary(seed: int, span: int, size: float, apart: int) -> None:
    """A profile of the hour that is zero in every slot is no better a law than that of the repeated value."""
    rng = np.random.default_rng(seed)
    values = np.zeros(1500)
    places = np.flatnonzero(rng.random(1500) < 1.0 / apart)
    values[places] = size
    found = scores(values, span)
    assert (found[places[5:]] < CRITICAL).all()


@LAW
@given(SEEDS, SPANS, LEVELS, st.floats(0.0, 0.9), st.integers(7, 10))
def test_a_day_off_changes_no_clocks(seed: int, span: int, level: float, left: float, begin: int) -> None:
    """Where working hours begin an hour later on a day off, or not at all, the next day begins as ever."""
    rng = np.random.default_rng(seed)
    clock = Clock(span, 35)
    hours = clock.hour
    rise = np.clip((hours - begin) / 3.0, 0.0, 1.0) * np.clip((20.0 - hours) / 3.0, 0.0, 1.0)
    values = level * (1.0 + 4.0 * rise) * (1.0 + 0.02 * rng.standard_normal(len(clock)))
    off = slice(clock.at(29), clock.at(30))
    values[off] = level * (1.0 + 4.0 * left * rise[off])
    assert learnt(values[: clock.at(30)], span).series[0]["clock_s"] == 0.0


@LAW
@given(SEEDS, SPANS, st.floats(8.0, 40.0), st.integers(4, 10), st.sampled_from([-1.0, 1.0]))
def test_a_slow_onset_does_not_hide_itself(seed: int, span: int, size: float, buckets: int, sign: float) -> None:
    rng = np.random.default_rng(seed)
    values = 1000.0 + rng.standard_normal(1300)
    values[1200:1240] += sign * size * np.minimum(np.arange(1, 41) / buckets, 1.0)
    found = scores(values, span)
    assert (found[1200 : 1200 + buckets + 2] >= CRITICAL).any()
    assert (found[600:1200] >= CRITICAL).sum() <= 1


@pytest.mark.parametrize("span", [300, 600])
def test_a_weekend_does_not_climb_like_a_working_day(span: int) -> None:
    """Where the week is learnt in half hours, its finer shape is not that of the mean of all days."""
    cases, truths = [], []
    clock = Clock(span, 42)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scale = float(rng.choice([10.0, 300.0, 5000.0]))
        shape = clock.office(night=float(rng.uniform(0.02, 0.3)), weekend=float(rng.uniform(0.0, 0.5)))
        truths.append(20.0 * shape)
        values = scale * (shape + 0.05 * rng.standard_normal(len(clock)))
        cases.append(Case("", "", span, values, "mean"))
    errors = []
    climbs = ((clock.hour >= 6) & (clock.hour < 10)) | ((clock.hour >= 16) & (clock.hour < 20))
    ramps = (clock.weekday >= 5) & climbs & (clock.day >= 35)
    for case, truth, found in zip(cases, truths, details(cases, want_bounds=True), strict=True):
        scale = float(np.median(case.values / np.maximum(truth, 1e-9)))
        errors.append(np.sqrt(np.mean((found[ramps, series.TYPICAL] / scale - truth[ramps]) ** 2)))
    # In standard deviations of the noise; the mean of all days' climb makes 0.8 to 0.9 of it.
    assert np.mean(errors) < 0.6
