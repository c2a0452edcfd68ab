"""Which series leads which, over generated pairs whose lag is known."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_insight.investigating.lag import lag

STEP = timedelta(seconds=15)
STEPS = 160


def shift(chance: random.Random, begins: int, lasts: int, effect: float, lost: float = 0.0) -> list[float | None]:
    """Noise, and an incident in it."""
    values = [100 + 7 * (chance.gauss(0, 1) + effect * (begins <= n < begins + lasts)) for n in range(STEPS)]
    return [None if chance.random() < lost else value for value in values]


pairs = {
    "seed": st.integers(0, 10**6),
    "begins": st.integers(60, 80),
    "lasts": st.integers(20, 60),
    "behind": st.integers(-30, 30),
    "lost": st.floats(0, 0.3),
    "turned": st.booleans(),
}


@settings(max_examples=40)
@given(**pairs)
def test_the_sign_is_right_and_the_lag_close(seed, begins, lasts, behind, lost, turned):
    chance = random.Random(seed)
    effect = chance.uniform(6, 20)
    first = shift(chance, begins, lasts, effect, lost)
    second = shift(chance, begins + behind, lasts, -effect if turned else effect, lost)
    found = lag(first, second, STEP, most=40)
    assert found is not None
    assert abs(found.behind / STEP - behind) <= 3
    if abs(behind) > 3:
        assert (found.behind > timedelta()) == (behind > 0)
    assert found.low - 2 * STEP <= behind * STEP <= found.high + 2 * STEP
    assert (found.correlation < 0) == turned
    assert 0 <= found.confidence <= 1


@settings(max_examples=40)
@given(**pairs)
def test_it_does_not_matter_which_of_the_two_is_asked_about_first(seed, begins, lasts, behind, lost, turned):
    chance = random.Random(seed)
    first, second = shift(chance, begins, lasts, 5, lost), shift(chance, begins + behind, lasts, 5, lost)
    there, back = lag(first, second, STEP, most=40), lag(second, first, STEP, most=40)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert back.behind == -there.behind
        assert back.correlation == pytest.approx(there.correlation)
        assert back.confidence == pytest.approx(there.confidence)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 1000), level=st.floats(-1000, 1000))
def test_units_do_not_matter(seed, scale, level):
    chance = random.Random(seed)
    first, second = shift(chance, 70, 40, 6), shift(chance, 77, 40, 6)
    other = [None if value is None else level + scale * value for value in second]
    one, two = lag(first, second, STEP, most=40), lag(first, other, STEP, most=40)
    assert one is not None
    assert two is not None
    assert two.behind == one.behind
    assert two.confidence == pytest.approx(one.confidence, abs=1e-6)


def test_strangers_have_no_lag():
    made = [random.Random(seed) for seed in range(100)]
    found = [lag(shift(one, 0, 0, 0), shift(one, 0, 0, 0), STEP, most=40) for one in made]
    assert sum(one is not None for one in found) <= 8


def test_walks_that_drift_apart_have_no_sure_lag():
    """Two random walks correlate highly somewhere; what is left of them is not independent either."""

    def walk(chance):
        at, values = 0.0, []
        for _ in range(STEPS):
            at += chance.gauss(0, 1)
            values.append(at)
        return values

    found = [lag(walk(one), walk(one), STEP, most=40) for one in map(random.Random, range(60))]
    assert sum(one is not None and one.confidence > 0.9 for one in found) <= 12


def test_confidence_is_how_often_the_sign_is_right():
    """Of weak incidents, too: of those with more than 90 %, nine of ten are right."""
    sure = right = held = known = 0
    for seed in range(150):
        chance = random.Random(seed)
        behind = chance.choice((-30, -12, -6, -3, -1, 0, 1, 3, 6, 12, 30))
        effect, begins, lasts = chance.choice((1.5, 2.0, 4.0)), chance.randint(60, 80), chance.randint(20, 60)
        found = lag(shift(chance, begins, lasts, effect), shift(chance, begins + behind, lasts, effect), STEP, most=40)
        if found is None:
            continue
        known += 1
        held += found.low <= behind * STEP <= found.high
        if found.confidence > 0.9:
            sure += 1
            right += (found.behind > timedelta()) == (behind > 0) and (found.behind < timedelta()) == (behind < 0)
    assert known >= 100
    assert held / known >= 0.8
    assert sure >= 50
    assert right / sure >= 0.9


@pytest.mark.parametrize("values", [[], [1.0], [None] * 50, [1.0] * 50])
def test_what_never_changes_or_is_not_there_has_no_lag(values):
    assert lag(values, list(values), STEP, most=10) is None
