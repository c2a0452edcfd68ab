"""A detector that is made of several: each learns a column of its own, and the most surprising one speaks."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.extract import Values
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.series.bank import SeriesBank
from anomalyops_engine.scoring.chapter import Chapter
from anomalyops_engine.scoring.detection import Anomaly, Detection, Forecastable, LiveSettings
from anomalyops_engine.scoring.memory import Key, Newcomer
from anomalyops_engine.scoring.normaliser import NOTEWORTHY
from anomalyops_engine.scoring.rules import RuleBook

IntArray = npt.NDArray[np.int64]


class CombinedDetection:
    """Detections of the same series and documents, as one."""

    def __init__(self, detector: ResolvedDetector, parts: Sequence[Detection], live: LiveSettings) -> None:
        self._parts = parts
        # Whichever of them it is: their probabilities may each be as small by chance (Bonferroni).
        self._chances = math.log10(len(parts))
        self.configure(detector, live)

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules and the settings; see `Detection.configure`."""
        self.detector = detector
        for part, resolved in zip(self._parts, detector.parts, strict=True):
            part.configure(resolved, live)

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The entities among the values that have no models yet; they get all of them or none."""
        found = self._parts[0].newcomers(values, index)
        return [replace(newcomer, cost=newcomer.cost * len(self._parts)) for newcomer in found]

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that the models of refused entities would have taken, by bucket with their data."""
        found = self._parts[0].refused_bytes(values, refused)
        return {bucket: cost * len(self._parts) for bucket, cost in found.items()}

    @property
    def rules(self) -> RuleBook:
        """The detector's custom rules, which all parts have."""
        return self._parts[0].rules

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change the clocks of all parts; see `Detection.shift`."""
        for part in self._parts:
            part.shift(seconds, rule)

    def prune(self, oldest: int) -> None:
        """Give up the entities whose latest data lie before bucket number `oldest`."""
        for part in self._parts:
            part.prune(oldest)

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter; see `Detection.step`."""
        found: list[Anomaly] = []
        scored = np.zeros(chapter.buckets, dtype=np.int64)
        for part in self._parts:
            mine, scored = part.step(values.column(part.detector.function.name), chapter)
            found += mine
        return self._strongest(found), scored

    def _strongest(self, found: Sequence[Anomaly]) -> list[Anomaly]:
        """The most surprising part of each bucket and entity; the first of them where several are."""
        strongest: dict[tuple[int, Key], Anomaly] = {}
        for anomaly in found:
            place = (anomaly.bucket, anomaly.key)
            if place not in strongest or anomaly.surprise > strongest[place].surprise:
                strongest[place] = anomaly
        for anomaly in strongest.values():
            anomaly.surprise -= self._chances
        return [anomaly for anomaly in strongest.values() if anomaly.surprise >= NOTEWORTHY]

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        return sum(part.model_bytes for part in self._parts)

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values of all entities."""
        return self._parts[0].series_keys()

    def forecastable(self) -> list[tuple[ResolvedDetector, SeriesBank]]:
        """The series of all parts."""
        return [series for part in self._parts if isinstance(part, Forecastable) for series in part.forecastable()]

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain: dict[str, Any] = {}
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, part in self._named():
            plain[name], own = part.pack()
            arrays |= {f"{name}.{array}": content for array, content in own.items()}
        return plain, arrays

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        for name, part in self._named():
            prefix = f"{name}."
            own = {array.removeprefix(prefix): arrays[array] for array in arrays if array.startswith(prefix)}
            part.unpack(plain[name], own)

    def _named(self) -> list[tuple[str, Detection]]:
        return [(part.detector.function.name, part) for part in self._parts]
