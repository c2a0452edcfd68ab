"""Renormalisation: what is small beside something worse is dimmed, without rewriting everything each time."""

from __future__ import annotations

import pytest

from anomalyops_engine.scoring.normaliser import Entry, Normaliser, score

DAY_MS = 86_400_000


def remembered(normaliser: Normaliser, surprises: list[float]) -> list[float]:
    """Scores the surprises as one result a day; answers the initial scores."""
    initial = []
    for day, surprise in enumerate(surprises):
        now = day * DAY_MS
        initial.append(normaliser.initial("record", surprise, now))
        normaliser.remember("record", Entry(f"day-{day}", "record_score", now, surprise, initial[-1]))
    return initial


def test_a_worse_anomaly_dims_earlier_ones_inside_the_window() -> None:
    """What lies before the window keeps its score."""
    normaliser = Normaliser(window_ms=2 * DAY_MS)
    initial = remembered(normaliser, [6.0, 6.0, 6.0, 40.0])
    dimmed = {entry.document_id: entry.score for entry in normaliser.dimmed(4 * DAY_MS)}
    assert set(dimmed) == {"day-1", "day-2"}
    assert dimmed["day-1"] == pytest.approx(score(6.0, 40.0))
    assert dimmed["day-1"] < initial[1]


def test_ever_larger_anomalies_do_not_rewrite_all_results_each_time() -> None:
    """The number of rewrites does not grow with the number of new maxima, and scores stay within a share of exact."""
    normaliser = Normaliser(window_ms=10_000 * DAY_MS)
    surprises = [6.0 + step * 0.05 for step in range(400)]
    stored: dict[str, float] = {}
    rewrites = 0
    for day, surprise in enumerate(surprises):
        now = day * DAY_MS
        first = normaliser.initial("record", surprise, now)
        normaliser.remember("record", Entry(f"day-{day}", "record_score", now, surprise, first))
        stored[f"day-{day}"] = first
        changed = normaliser.dimmed(now + DAY_MS)
        rewrites += bool(changed)
        stored |= {entry.document_id: entry.score for entry in changed}
    assert rewrites < 40
    for day, surprise in enumerate(surprises):
        exact = score(surprise, surprises[-1])
        assert exact - 1e-9 <= stored[f"day-{day}"] <= exact * 1.015


def test_a_restored_normaliser_goes_on_where_it_was() -> None:
    """A restart neither repeats nor forgets a dimming."""
    surprises = [6.0, 12.0, 7.0, 7.1, 12.1, 30.0]
    whole = Normaliser(window_ms=100 * DAY_MS)
    remembered(whole, surprises)
    cut = Normaliser(window_ms=100 * DAY_MS)
    remembered(cut, surprises[:3])
    resumed = Normaliser.unpack(cut.window_ms, cut.pack())
    for day, surprise in enumerate(surprises[3:], start=3):
        first = resumed.initial("record", surprise, day * DAY_MS)
        resumed.remember("record", Entry(f"day-{day}", "record_score", day * DAY_MS, surprise, first))
    assert resumed.pack() == whole.pack()
