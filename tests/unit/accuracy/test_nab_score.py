"""The scorer of the labelled public series, against cases computed by hand from the published rules."""

from __future__ import annotations

import math

import numpy as np
import pytest
from benchmarks.accuracy import nab
from benchmarks.accuracy.case import Case

STANDARD, LOW_FP, LOW_FN = nab.PROFILES


def sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1


def a_file(rows: int, windows: tuple[tuple[int, int], ...]) -> nab.File:
    return nab.File("", Case("", "", 300, np.zeros(rows)), np.arange(rows), windows)


def detections(rows: int, *places: int) -> np.ndarray:
    scores = np.zeros(rows)
    scores[list(places)] = 90.0
    return scores


def test_one_window_hit_late_one_missed_and_two_false_detections() -> None:
    """Probation ends at row 150; windows of 10 rows."""
    file = a_file(1000, ((300, 309), (600, 609)))
    scores = detections(1000, 10, 200, 305, 307, 312)
    hit = sigmoid(-5 / 10) / sigmoid(-1)
    behind = sigmoid(3 / 9)
    raw = hit - 1 + 0.11 * (-1 + behind)
    assert nab.file_score(scores, file.windows, file.probation, 75.0, STANDARD) == pytest.approx(raw)
    assert nab.benchmark_score([file], [scores], 75.0, STANDARD) == pytest.approx(100 * (raw + 2) / 4)
    low_fn = hit - 2 + 0.11 * (-1 + behind)
    assert nab.benchmark_score([file], [scores], 75.0, LOW_FN) == pytest.approx(100 * (low_fn + 4) / 6)
    assert nab.benchmark_score([file], [scores], 95.0, LOW_FP) == 0.0


def test_a_perfect_detector_has_100_and_a_silent_one_0() -> None:
    files = [a_file(2000, ((500, 599),)), a_file(2000, ())]
    perfect = [detections(2000, 500), np.zeros(2000)]
    silent = [np.zeros(2000), np.zeros(2000)]
    for profile in nab.PROFILES:
        assert nab.benchmark_score(files, perfect, 75.0, profile) == pytest.approx(100.0)
        assert nab.best_score(files, perfect, profile)[0] == pytest.approx(100.0)
        assert nab.benchmark_score(files, silent, 75.0, profile) == 0.0


def test_the_public_series_have_their_windows() -> None:
    folder = nab.folder()
    if folder is None:
        pytest.skip("the labelled public series are not beside the repository")
    files = nab.read(folder)
    assert len(files) == 31
    assert sum(len(file.windows) for file in files) == 57
    for file in files:
        assert all(file.probation <= begin <= end < len(file.rows) for begin, end in file.windows)


def a_named_file(name: str, *places: int) -> tuple[nab.File, np.ndarray]:
    """A window at 500 to 509 that one score of 60 hits, and scores of 40 elsewhere."""
    file = nab.File(name, Case("", name, 300, np.zeros(1000)), np.arange(1000), ((500, 509),))
    scores = np.zeros(1000)
    scores[500] = 60.0
    scores[list(places)] = 40.0
    return file, scores


def test_nested_figures_are_judged_at_what_the_others_choose() -> None:
    quiet, quiet_scores = a_named_file("a/quiet")
    other, other_scores = a_named_file("a/other")
    loud, loud_scores = a_named_file("b/loud", *range(200, 300))
    files, scores = [quiet, other, loud], [quiet_scores, other_scores, loud_scores]
    best, at = nab.best_score(files, scores, STANDARD)
    assert best == pytest.approx(100.0)
    assert 40.0 < at <= 60.0
    # The quiet ones alone choose the lowest threshold, at which the loud one is loud.
    nested, low, high = nab.nested_score(files, scores, STANDARD)
    assert low == 1.0
    assert high == at
    assert nested == pytest.approx(nab.benchmark_score([loud], [loud_scores], 1.0, STANDARD) / 3 + 200 / 3)
    assert nab.nested_score(files, scores, STANDARD, by_group=True)[0] == pytest.approx(nested)
