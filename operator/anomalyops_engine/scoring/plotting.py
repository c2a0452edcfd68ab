"""Model plot: the bounds of every bucket and series that the job wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.series import state as series
from anomalyops_engine.scoring.documents import series_digest, split_fields
from anomalyops_engine.scoring.step import Step
from anomalyops_engine.store import Frame

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some buckets of one series; values are NaN where it has none."""

    key: tuple[str, ...]
    positions: IntArray
    values: FloatArray
    bounds: FloatArray


class ModelPlot:
    """Collects the bounds of a step's series."""

    def __init__(self, step: Step) -> None:
        self._step = step
        plot = step.job.model_plot_config
        self._terms = frozenset() if plot is None else plot.term_values
        self._parts: dict[tuple[int, str], list[_Part]] = {}
        self._detectors: dict[tuple[int, str], ResolvedDetector] = {}

    def add(
        self, detector: ResolvedDetector, key: tuple[str, ...], *, first: int, values: FloatArray, details: FloatArray
    ) -> None:
        """Add buckets of a series.

        Args:
            detector: The series' detector.
            key: Its split values.
            first: Position in the step of the first of the buckets.
            values: (buckets,) its values; NaN where it has none.
            details: (buckets, series.DETAIL_COLUMNS) what the learner says of them.
        """
        if self._terms and not self._terms & set(key):
            return
        shown = np.flatnonzero(details[:, series.UPPER] > details[:, series.LOWER])
        if len(shown):
            bounds = details[shown][:, [series.LOWER, series.UPPER, series.TYPICAL]]
            # A detector that is made of several plots each of them.
            plotted = (detector.index, detector.function.name if detector.is_part else "")
            self._parts.setdefault(plotted, []).append(_Part(key, first + shown, values[shown], bounds))
            self._detectors[plotted] = detector

    def frames(self) -> Iterator[Frame]:
        """The documents, detector by detector, those with and those without a value apart."""
        for plotted, parts in sorted(self._parts.items()):
            lengths = [len(part.positions) for part in parts]
            series_of = np.repeat(np.arange(len(parts)), lengths)
            positions = np.concatenate([part.positions for part in parts])
            values = np.concatenate([part.values for part in parts])
            bounds = np.concatenate([part.bounds for part in parts])
            has_value = ~np.isnan(values)
            keys = [part.key for part in parts]
            for chosen in (np.flatnonzero(has_value), np.flatnonzero(~has_value)):
                if len(chosen):
                    rows = [keys[number] for number in series_of[chosen].tolist()]
                    yield self._frame(self._detectors[plotted], rows, positions[chosen], values[chosen], bounds[chosen])

    def _frame(
        self,
        detector: ResolvedDetector,
        keys: list[tuple[str, ...]],
        positions: IntArray,
        values: FloatArray,
        bounds: FloatArray,
    ) -> Frame:
        step, times = self._step, self._step.times(positions)
        before, after = step.id_parts("model_plot")
        part = f"{detector.function.name}_" if detector.is_part else ""
        tails = {key: f"{after}_{detector.index}_{part}{series_digest(key)}" for key in set(keys)}
        ids = [f"{before}{time}{tails[key]}" for time, key in zip(times.tolist(), keys, strict=True)]
        splits = split_fields(detector, keys[0])
        columns = [name for name in splits if name.endswith("_value")]
        actual = {} if np.isnan(values[0]) else {"actual": values}
        return Frame(
            ids,
            {
                **step.stamp(0).head("model_plot"),
                "timestamp": times,
                "detector_index": detector.index,
                "model_feature": detector.function.model_feature(detector.side),
                "model_lower": bounds[:, 0],
                "model_upper": bounds[:, 1],
                "model_median": bounds[:, 2],
                **actual,
                **splits,
                **{name: [key[place] for key in keys] for place, name in enumerate(columns)},
            },
        )
