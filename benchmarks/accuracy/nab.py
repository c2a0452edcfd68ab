"""The labelled series of the Numenta Anomaly Benchmark, and its published scoring rules.

The series are not part of this repository: they are read from `../shared/data/nab` beside it.

Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", 2015.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.accuracy.case import Array, Case

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "nab"
ELSEWHERE = Path(__file__).resolve().parents[4] / "shared" / "data" / "nab"
"""Where the data lie beside a work tree that is one folder deeper."""
THRESHOLDS = np.arange(1.0, 100.5, 0.5)
PROBATION = 0.15
"""Share of a file's rows that is not scored, of at most 5,000 rows."""


@dataclass(frozen=True)
class Profile:
    """Weights of what a detector does.

    Attributes:
        name: The profile's name.
        miss: Cost of a missed window.
        false: Cost of a false detection.
    """

    name: str
    miss: float
    false: float


PROFILES = (Profile("standard", 1.0, 0.11), Profile("low FP", 1.0, 0.22), Profile("low FN", 2.0, 0.11))


@dataclass(frozen=True)
class File:
    """One labelled file.

    Attributes:
        name: Its folder and name.
        case: Its series, in buckets of the sampling interval.
        rows: (n,) bucket of each row.
        windows: First and last row of each labelled window.
    """

    name: str
    case: Case
    rows: npt.NDArray[np.int64]
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Rows at the start that are not scored."""
        return math.floor(PROBATION * min(len(self.rows), 5000))

    def outside(self) -> npt.NDArray[np.bool_]:
        """Rows behind the probation that lie in no window."""
        mask = np.ones(len(self.rows), dtype=np.bool_)
        mask[: self.probation] = False
        for begin, end in self.windows:
            mask[begin : end + 1] = False
        return mask


def folder() -> Path | None:
    """The folder of the data, where it is there."""
    return next((path for path in (FOLDER, ELSEWHERE) if path.is_dir()), None)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def read(path: Path) -> list[File]:
    """All files of a folder with `windows.json`."""
    labels = json.loads((path / "windows.json").read_text(encoding="utf-8"))
    return [_file(path / name, name, windows) for name, windows in sorted(labels.items())]


def _file(path: Path, name: str, labels: Sequence[tuple[str, str]]) -> File:
    with path.open(encoding="utf-8", newline="") as lines:
        table = [(_seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)]
    time = np.array([second for second, _ in table])
    value = np.array([number for _, number in table])
    span = int(np.median(np.diff(time)))
    start = int(time.min() // span * span)
    rows = ((time - start) // span).astype(np.int64)
    counts = np.bincount(rows)
    values = np.where(counts > 0, np.bincount(rows, value) / np.maximum(counts, 1), np.nan)
    windows = tuple(
        (int(np.searchsorted(time, _seconds(begin))), int(np.searchsorted(time, _seconds(end), side="right")) - 1)
        for begin, end in labels
    )
    return File(name, Case("nab", name, span, values, start_s=start), rows, windows)


def scaled_sigmoid(position: float | Array) -> Array:
    """The worth of a detection by its place: 1 far before a window's end, 0 there, -1 far behind."""
    return 2.0 / (1.0 + np.exp(5.0 * np.asarray(position, dtype=np.float64))) - 1.0


@dataclass(frozen=True)
class _Worth:
    """What each row's detection is worth in a file, whatever the threshold."""

    windows: tuple[tuple[int, int], ...]
    places: Array
    false: Array


def _worth(rows: int, windows: Sequence[tuple[int, int]]) -> _Worth:
    """Worth of the rows: inside windows by their place in them, outside by the distance from the one before."""
    places, false = np.zeros(rows), np.full(rows, -1.0)
    for begin, end in windows:
        length = end - begin + 1
        inside = np.arange(begin, end + 1)
        places[inside] = scaled_sigmoid(-(end - inside + 1) / length) / scaled_sigmoid(-1.0)
        false[inside] = 0.0
        behind = np.arange(end + 1, rows)
        distance = (behind - end) / max(length - 1, 1)
        false[behind] = np.where(distance > 3.0, -1.0, scaled_sigmoid(distance))
    for begin, end in windows:
        false[begin : end + 1] = 0.0
    return _Worth(tuple(windows), places, false)


def file_score(
    scores: Array, windows: Sequence[tuple[int, int]], probation: int, threshold: float, profile: Profile
) -> float:
    """The raw score of one file: hits by their earliness, less misses and false detections."""
    worth = _worth(len(scores), windows)
    detected = scores >= threshold
    detected[:probation] = False
    total = profile.false * float(worth.false[detected].sum())
    for begin, end in windows:
        hits = np.flatnonzero(detected[begin : end + 1])
        total += float(worth.places[begin + hits[0]]) if len(hits) else -profile.miss
    return total


def benchmark_score(files: Sequence[File], scores: Sequence[Array], threshold: float, profile: Profile) -> float:
    """The benchmark's score: 0 for a detector that says nothing, 100 for one that finds all at once and no more."""
    raw = sum(
        file_score(score, file.windows, file.probation, threshold, profile)
        for file, score in zip(files, scores, strict=True)
    )
    return _of_raw(raw, files, profile)


def _raw_scores(files: Sequence[File], scores: Sequence[Array], profile: Profile) -> Array:
    """The raw score of each file at each threshold of THRESHOLDS, (files, thresholds)."""
    return np.array(
        [
            [file_score(score, file.windows, file.probation, at, profile) for at in THRESHOLDS]
            for file, score in zip(files, scores, strict=True)
        ]
    )


def _of_raw(raw: float, files: Sequence[File], profile: Profile) -> float:
    windows = sum(len(file.windows) for file in files)
    return 100.0 * (raw + profile.miss * windows) / (windows * (1.0 + profile.miss))


def best_score(files: Sequence[File], scores: Sequence[Array], profile: Profile) -> tuple[float, float]:
    """The highest benchmark score of all thresholds, and the threshold."""
    raw = _raw_scores(files, scores, profile).sum(axis=0)
    at = int(raw.argmax())
    return _of_raw(raw[at], files, profile), float(THRESHOLDS[at])


def nested_score(
    files: Sequence[File], scores: Sequence[Array], profile: Profile, *, by_group: bool = False
) -> tuple[float, float, float]:
    """The benchmark's score where no file is judged at a threshold that it helped to choose.

    Args:
        files: The files.
        scores: Each file's scores.
        profile: The weights.
        by_group: Whether all files of a folder are left out together: series of one source are alike.

    Returns:
        The score, and the lowest and highest of the thresholds that were chosen.
    """
    raw = _raw_scores(files, scores, profile)
    names = [file.name.partition("/")[0] if by_group else file.name for file in files]
    total, chosen = 0.0, []
    for name in dict.fromkeys(names):
        left_out = np.array([mine == name for mine in names])
        at = int(raw[~left_out].sum(axis=0).argmax())
        total += float(raw[left_out, at].sum())
        chosen.append(float(THRESHOLDS[at]))
    return _of_raw(total, files, profile), min(chosen), max(chosen)


def by_row(file: File, scores: Array) -> Array:
    """Scores of the rows, from those of their buckets."""
    return scores[file.rows]
