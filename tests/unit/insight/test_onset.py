"""When something began inside a bucket, over generated series whose beginning is known."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_insight.investigating.onset import Series, estimate

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE, BUCKET, AFTER = 120, 20, 20  # steps


def series(chance: random.Random, kind: str, step: timedelta, begins: float, lasts: float, effect: float) -> Series:
    """Noise around a level that is another one from `begins` on; the effect is in spreads of a step."""
    values: list[float | None] = []
    weights: list[float] = []
    for n in range(BEFORE + BUCKET + AFTER):
        share = max(0.0, min(n + 1, begins + lasts) - max(n, begins))
        if kind == "mean":
            documents = chance.randint(1, 5)
            values.append(100 + 10 * effect * share + chance.gauss(0, 10) / math.sqrt(documents))
            weights.append(documents)
        else:
            expected = 20 + math.sqrt(20) * effect * share
            values.append(float(sum(chance.random() < expected / 400 for _ in range(400))))
            weights.append(1.0)
    return Series(BEGIN, step, tuple(values), tuple(weights), counts=kind == "count")


planted = {
    "seed": st.integers(0, 10**6),
    "kind": st.sampled_from(("mean", "count")),
    "seconds": st.sampled_from((1, 3, 15, 45, 180)),
    "begins": st.floats(0, BUCKET - 1.5),
    "lasts": st.floats(4, 40),
}


@given(**planted, effect=st.floats(8, 40))
def test_an_onset_lies_in_its_bucket_and_close_to_where_it_was_planted(seed, kind, seconds, begins, lasts, effect):
    step = timedelta(seconds=seconds)
    earliest, latest = BEGIN + BEFORE * step, BEGIN + (BEFORE + BUCKET) * step
    found = estimate(series(random.Random(seed), kind, step, BEFORE + begins, lasts, effect), earliest, latest)
    assert found is not None
    assert earliest <= found.low <= found.at <= found.high <= latest
    assert abs((found.at - earliest) / step - begins) <= 2


@pytest.mark.parametrize("kind", ["mean", "count"])
def test_where_nothing_changes_no_onset_is_made_up(kind):
    step = timedelta(seconds=15)
    earliest, latest = BEGIN + BEFORE * step, BEGIN + (BEFORE + BUCKET) * step
    made = [series(random.Random(seed), kind, step, 0, 0, 0) for seed in range(200)]
    assert sum(estimate(one, earliest, latest) is not None for one in made) <= 10


@pytest.mark.parametrize("effect", [1.5, 3.0])
@pytest.mark.parametrize("kind", ["mean", "count"])
def test_intervals_hold_the_true_onset_about_as_often_as_they_say(kind, effect):
    """Nine of ten; but for the step that the beginning lies in."""
    step = timedelta(seconds=15)
    earliest, latest = BEGIN + BEFORE * step, BEGIN + (BEFORE + BUCKET) * step
    hits = known = 0
    for seed in range(200):
        chance = random.Random(seed)
        begins = BEFORE + chance.uniform(0, BUCKET - 1)
        found = estimate(series(chance, kind, step, begins, 60, effect), earliest, latest)
        if found is not None:
            known += 1
            hits += found.low - step <= BEGIN + begins * step <= found.high + step
    assert known >= 150
    assert hits / known >= 0.85


@given(seed=st.integers(0, 10**6), lost=st.floats(0, 0.7))
def test_steps_without_documents_say_nothing(seed, lost):
    """What is left tells as much as it can: the onset lies between the last old value and the first new one."""
    chance = random.Random(seed)
    step = timedelta(seconds=15)
    whole = series(chance, "mean", step, BEFORE + 7, 60, 30)
    kept = [chance.random() >= lost or n < 12 for n in range(len(whole.values))]
    thinned = Series(
        BEGIN, step,
        tuple(v if k else None for v, k in zip(whole.values, kept, strict=True)),
        tuple(w if k else 0.0 for w, k in zip(whole.weights, kept, strict=True)),
    )  # fmt: skip
    found = estimate(thinned, BEGIN + BEFORE * step, BEGIN + (BEFORE + BUCKET) * step)
    news = [n for n in range(BEFORE + 7, len(kept)) if kept[n]]
    if news and news[0] < BEFORE + BUCKET and len(news) >= 3:
        assert found is not None
        olds = [n for n in range(BEFORE, BEFORE + 7) if kept[n]]
        low = (olds[-1] if olds else BEFORE) - 1
        assert low <= (found.at - BEGIN) / step <= news[0] + 1.5


def test_too_little_is_known_of_what_is_normal():
    short = Series(BEGIN, timedelta(seconds=1), (1.0,) * 9 + (50.0,) * 9, (1.0,) * 18)
    assert estimate(short, BEGIN + timedelta(seconds=9), BEGIN + timedelta(seconds=18)) is None


def test_what_never_changed_before_changes_at_once():
    still = Series(BEGIN, timedelta(seconds=1), (1.0,) * 20 + (1.0, 1.0, 2.0, 2.0), (1.0,) * 24)
    found = estimate(still, BEGIN + timedelta(seconds=20), BEGIN + timedelta(seconds=24))
    assert found is not None
    assert abs((found.at - BEGIN).total_seconds() - 22.5) <= 0.5
