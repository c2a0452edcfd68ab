"""How often the series learner cries wolf, whether its bounds hold, and whether it finds what is planted.

`python -m benchmarks.engine_calibration [SEEDS]` prints one row for each kind of noise and season: the share of
buckets, after the first 300, with a critical (>= 75) and a major (>= 50) score; the share of values inside the 95 %
bounds; the share of planted spikes, each as rare as six standard deviations of a normal variable, that score 75 and 50.
Nothing is asserted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.series import state as series
from anomalyops_engine.models.series.bank import SeriesBank, series_parameters
from anomalyops_engine.scoring.normaliser import NOTEWORTHY, absolute_score

Array = npt.NDArray[np.float64]
BUCKETS = 4000
LEARNING = 300
PLANT_EVERY = 500
MONDAY = 473_352  # hours since the epoch of 2024-01-01T00:00:00Z


@dataclass(frozen=True)
class Family:
    """A kind of series: how it is drawn around a season, and the value six sigmas above it."""

    name: str
    discrete: bool
    draw: Callable[[np.random.Generator, Array], Array]
    spike: Callable[[Array], Array] | None


def _upper_poisson(mean: Array) -> Array:
    """The smallest count that a Poisson variable exceeds as rarely as a normal one exceeds six sigmas (1e-9)."""
    found = np.zeros_like(mean)
    for k, m in enumerate(mean.ravel()):
        probability, total, x = np.exp(-m), 0.0, 0
        while 1.0 - total > 1e-9 and x < 2000:
            total += probability
            x += 1
            probability *= m / x
        found.ravel()[k] = x
    return found


def families() -> Iterator[Family]:
    """The kinds of noise, around a mean shape of 1."""
    yield Family("normal", discrete=False, draw=lambda g, s: g.normal(100 * s, 5), spike=lambda s: 100 * s + 30)
    yield Family(
        "log-normal",
        discrete=False,
        draw=lambda g, s: 100 * s * g.lognormal(0, 0.5, s.shape),
        spike=lambda s: 100 * s * np.exp(3.0),
    )
    yield Family("Student t3", discrete=False, draw=lambda g, s: 100 * s + 5 * g.standard_t(3, s.shape), spike=None)
    for mean in (0.5, 5.0, 200.0):
        yield Family(
            f"Poisson {mean:g}",
            discrete=True,
            draw=lambda g, s, m=mean: g.poisson(m * s).astype(float),
            spike=lambda s, m=mean: _upper_poisson(m * s),
        )
    yield Family(
        "neg. binomial 20",
        discrete=True,
        draw=lambda g, s: g.negative_binomial(4, 4 / (4 + 20 * s)).astype(float),
        spike=None,
    )


def seasons() -> dict[str, Array]:
    """Mean shapes over the buckets (hours)."""
    hour = np.arange(BUCKETS)
    day = 1 + 0.6 * np.sin(2 * np.pi * hour / 24)
    week = np.where(hour // 24 % 7 >= 5, 0.6, 1.0)
    return {"none": np.ones(BUCKETS), "daily": day, "weekly": day * week}


def _run(values: Array, *, discrete: bool) -> Array:
    parameters = series_parameters(
        span_s=3600, side=0, discrete=discrete, learning_buckets=8, want_bounds=True, bounds_from=NOTEWORTHY
    )
    bank = SeriesBank(parameters)
    rows = bank.rows([(str(k),) for k in range(len(values))])
    return bank.advance(rows, values, first_bucket=MONDAY, conditions=np.zeros((0, 4)))


def _scores(details: Array) -> Array:
    return np.vectorize(absolute_score)(details[..., series.SURPRISE])


def measure(family: Family, shape: Array, seeds: int) -> tuple[float, ...]:
    """Rates of one kind: critical, major, inside bounds, spikes found at 75 and at 50 (NaN without spikes)."""
    values = family.draw(np.random.default_rng(1), np.tile(shape, (seeds, 1)))
    details = _run(values, discrete=family.discrete)
    scores = _scores(details[:, LEARNING:])
    inside = (values >= details[..., series.LOWER]) & (values <= details[..., series.UPPER])
    found = (float("nan"), float("nan"))
    if family.spike is not None:
        places = np.arange(PLANT_EVERY, BUCKETS, PLANT_EVERY)
        planted = values.copy()
        planted[:, places] = family.spike(shape[places])
        hits = _scores(_run(planted, discrete=family.discrete)[:, places])
        found = float((hits >= 75).mean()), float((hits >= 50).mean())
    return float((scores >= 75).mean()), float((scores >= 50).mean()), float(inside[:, LEARNING:].mean()), *found


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print(f"{seeds} seeds x {BUCKETS} hourly buckets")
    print(f"{'noise':<18}{'season':<8}{'>= 75':>9}{'>= 50':>9}{'in 95 %':>9}{'found 75':>10}{'found 50':>10}")
    for family in families():
        for name, shape in seasons().items():
            critical, major, inside, at75, at50 = measure(family, shape, seeds)
            print(
                f"{family.name:<18}{name:<8}{critical:>9.5f}{major:>9.5f}{inside:>9.3f}{at75:>10.2f}{at50:>10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
