"""One detector over a stretch of buckets: values from the database through the learner to surprising buckets."""

# ruff: noqa: PLR0917 - private steps of one computation

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.extract import Values, reproducible
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.functions import EmptyBuckets, Side
from anomalyops_engine.models.kernel.conditions import ALWAYS, matches
from anomalyops_engine.models.series import state as series
from anomalyops_engine.models.series.bank import SeriesBank, series_parameters
from anomalyops_engine.scoring.chapter import Chapter
from anomalyops_engine.scoring.memory import Key, Newcomer
from anomalyops_engine.scoring.normaliser import NOTEWORTHY
from anomalyops_engine.scoring.parallel import CORES, SERIES
from anomalyops_engine.scoring.rules import Conditions, Filters, RuleBook

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

SIDES = {Side.LOW: -1, Side.BOTH: 0, Side.HIGH: 1}
_BLOCK_CELLS = 400_000
_BLOCK_BUCKETS = 20_000
# Fewer are not worth another thread.
_FEWEST_CELLS = 4_000


Influences = dict[str, dict[str, float]]
"""By influencer field: value to how much of a deviation it explains, 0 to 1."""


@dataclass(slots=True, kw_only=True)
class Anomaly:
    """A surprising bucket of one series or population member.

    Attributes:
        detector: The detector.
        bucket: Position of the bucket in the stretch.
        key: Split values: partition, by and over, as far as the detector has them.
        actual: The bucket's value, to the last digit.
        typical: The model's expectation.
        lower: Lower 95 % bound; None where there are no bounds.
        upper: Upper 95 % bound.
        surprise: Minus log10 of the probability.
        single: The same, of this bucket alone.
        multi: The same, of the last 12 buckets.
        length: Surprising buckets in a row, this one included.
        noisy: Whether this time of day is one of clearly larger variance.
        influences: What is behind it.
        events: What its documents come to where that is not the actual value; influencers explain a share of it.
        point: The actual and the typical point on the globe: latitude, longitude.
        first: Whether a value is rare because it was never there before.
        relative: How many times rarer a rare value is than the others.
        shown: Values that the member of a population showed in the bucket, of which this is one; 0 where only the
            most surprising one counts.
        causes: The anomalies of a population's member that are one result.
    """

    detector: ResolvedDetector
    bucket: int
    key: tuple[str, ...]
    actual: float | int
    typical: float
    lower: float | None
    upper: float | None
    surprise: float
    single: float
    multi: float
    length: int
    noisy: bool
    influences: Influences = field(default_factory=dict)
    events: float | None = None
    point: tuple[tuple[float, float], tuple[float, float]] | None = None
    first: bool = False
    relative: float = 0.0
    shown: int = 0
    causes: tuple[Anomaly, ...] = ()

    def split(self, name: str | None) -> str | None:
        """The value of a split field of the detector."""
        detector = self.detector
        names = [*detector.split_fields, *([detector.over] if detector.over else [])]
        return self.key[names.index(name)] if name in names else None


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What a job may change for all of its detectors while it runs.

    Attributes:
        want_bounds: Whether model plot is on.
        prune_buckets: Buckets without data after which a series counts as ended.
        filters: The filters that custom rules refer to.
    """

    want_bounds: bool
    prune_buckets: int
    filters: Filters = field(default_factory=dict)


class Detection(Protocol):
    """One detector and everything it has learnt."""

    detector: ResolvedDetector

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The entities among the values that have no model yet; `index` is the detector's."""

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter.

        Args:
            values: The chapter's values.
            chapter: The buckets, and what holds in them.

        Returns:
            The noteworthy buckets, and how many series were scored in each bucket.
        """

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that the models of refused entities would have taken, by bucket with their data."""

    def prune(self, oldest: int) -> None:
        """Give up the entities whose latest data lie before bucket number `oldest`."""

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values of all series."""

    @property
    def rules(self) -> RuleBook:
        """The detector's custom rules."""

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change the clocks by which seasons are told, of the series in a rule's scope; None for all of them."""

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules and the settings, also between two stretches."""

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""


@runtime_checkable
class Forecastable(Protocol):
    """A detection with series that may be forecast."""

    def forecastable(self) -> list[tuple[ResolvedDetector, SeriesBank]]:
        """The series that can be, by detector or part of it."""


@dataclass(slots=True)
class _Block:
    """What came of some series of a detector: anomalies, series scored in each bucket, what model plot shows."""

    rows: IntArray
    scored: IntArray
    anomalies: list[Anomaly] = field(default_factory=list)
    plots: list[tuple[int, FloatArray, FloatArray]] = field(default_factory=list)


class SeriesDetection:
    """A detector whose series are learnt one by one, each from its own past."""

    def __init__(self, detector: ResolvedDetector, live: LiveSettings, *, span_ms: int) -> None:
        self._parameters = series_parameters(
            span_s=max(span_ms // 1000, 1),
            side=SIDES[detector.side],
            discrete=detector.function.discrete,
            least=detector.function.least,
            learning_buckets=detector.function.learning_buckets,
            want_bounds=live.want_bounds,
            bounds_from=NOTEWORTHY,
        )
        self._bank = SeriesBank(self._parameters)
        self._last_data = np.zeros(0, dtype=np.int64)
        self.configure(detector, live)

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules and the settings; see `Detection.configure`."""
        self.detector = detector
        self._prune_buckets = live.prune_buckets
        self._parameters = self._parameters._replace(want_bounds=live.want_bounds)
        self._bank.parameters = self._parameters
        self.rules = RuleBook(detector, live.filters)
        self._kinds = np.zeros(0, dtype=np.int64)

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The series among the values that have no model yet; the one series of an unsplit detector always gets one."""
        if not self.detector.split_fields:
            return []
        first = values.first_buckets()
        cost = self._bytes_per_series
        return [
            Newcomer(int(first[position]), index, key, cost)
            for position, key in enumerate(values.keys)
            if key not in self._bank
        ]

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that the refused series would have taken, by bucket with their data."""
        out = np.array([key in refused for key in values.keys], dtype=np.bool_)
        buckets, counts = np.unique(values.bucket[out[values.key]], return_counts=True)
        return {int(bucket): int(count) * self._bytes_per_series for bucket, count in zip(buckets, counts, strict=True)}

    def prune(self, oldest: int) -> None:
        """Give up the series whose latest data lie before bucket number `oldest`."""
        if not self.detector.split_fields:
            return
        kept = np.flatnonzero(self._last_data >= oldest)
        if len(kept) < len(self._bank):
            self._bank.keep(kept)
            self._last_data = self._last_data[kept]
            self._kinds = self._kinds[kept[kept < len(self._kinds)]]

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change the clocks of series; see `Detection.shift`."""
        rows = [row for row, key in enumerate(self._bank.keys) if rule is None or self.rules.holds_for(rule, key)]
        self._bank.shift(np.array(rows, dtype=np.int64), seconds)

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter; see `Detection.step`."""
        first_bucket, buckets, plot = chapter.first_bucket, chapter.buckets, chapter.plot
        if chapter.refused:
            values = values.without(chapter.refused)
        rows, since = self._place(values, first_bucket, chapter.begin, buckets)
        span = min(buckets, _BLOCK_BUCKETS)
        block = max(min(_BLOCK_CELLS // max(span, 1), math.ceil(len(rows) / CORES)), _FEWEST_CELLS // max(span, 1), 1)
        self._kinds = np.concatenate([self._kinds, self.rules.kinds_of(self._bank.keys[len(self._kinds) :])])
        alike = [(kind, rows[self._kinds[rows] == kind]) for kind in np.unique(self._kinds[rows]).tolist()]
        tasks = [
            partial(self._block, values, mine[start : start + block], since, chapter, self.rules.kinds[kind])
            for kind, mine in alike
            for start in range(0, len(mine), block)
        ]
        anomalies: list[Anomaly] = []
        scored = np.zeros(buckets, dtype=np.int64)
        for done in SERIES.run(tasks):
            anomalies += done.anomalies
            scored += done.scored
            if plot is None:
                continue
            for left, matrix, details in done.plots:
                for k, row in enumerate(done.rows):
                    plot(self.detector, self._bank.keys[row], left, matrix[k], details[k])
        return anomalies, scored

    def _block(
        self, values: Values, rows: IntArray, since: IntArray, chapter: Chapter, conditions: Conditions
    ) -> _Block:
        """Score and learn some series for which the same rules hold, on their way through all buckets."""
        first_bucket, buckets = chapter.first_bucket, chapter.buckets
        done = _Block(rows, np.zeros(buckets, dtype=np.int64))
        skip_update = conditions.skip_update if chapter.learns else ALWAYS
        for left in range(0, buckets, _BLOCK_BUCKETS):
            right = min(left + _BLOCK_BUCKETS, buckets)
            matrix = self._matrix(values, rows, since, first_bucket, left, right)
            if chapter.unseen is not None:
                matrix[:, chapter.unseen[left:right]] = np.nan
            details = self._bank.advance(
                rows, reproducible(matrix), first_bucket=first_bucket + left, conditions=skip_update
            )
            if chapter.changes is not None:
                chapter.changes(self.detector, [self._bank.keys[row] for row in rows], left, details)
            done.scored[left:right] += np.isfinite(matrix).sum(axis=0)
            done.anomalies += self._noteworthy(
                values, rows, matrix, details, first_bucket, left, conditions.skip_result
            )
            if chapter.plot is not None:
                done.plots.append((left, matrix, details))
        return done

    def _place(self, values: Values, first_bucket: int, begin: int, buckets: int) -> tuple[IntArray, IntArray]:
        """Series that take part, and the position since which each one has values; notes when each had data last.

        New series are added in order of appearance, so that the order does not depend on how time is cut.
        """
        zero = self.detector.function.empty is EmptyBuckets.ZERO
        first = np.full(len(values.keys), buckets, dtype=np.int64)
        np.minimum.at(first, values.key, values.bucket)
        known = len(self._bank)
        if not self.detector.split_fields and known == 0 and (zero or values.keys):
            self._bank.rows([()])
        order = sorted(range(len(values.keys)), key=lambda k: (first[k], values.keys[k]))
        self._bank.rows([values.keys[k] for k in order])
        rows_of_keys = self._bank.rows(values.keys)
        since = np.zeros(len(self._bank), dtype=np.int64)
        since[known:] = buckets
        np.minimum.at(since, rows_of_keys[rows_of_keys >= known], first[rows_of_keys >= known])
        if not self.detector.split_fields and known == 0 and len(self._bank):
            since[0] = begin if zero else 0
        last = np.full(len(self._bank), first_bucket + begin, dtype=np.int64)
        last[: len(self._last_data)] = self._last_data
        self._last_known = last.copy()
        np.maximum.at(last, rows_of_keys[values.key], first_bucket + values.bucket)
        self._last_data = last
        self._row_of_value = rows_of_keys[values.key]
        rows = np.arange(len(self._bank)) if zero else np.unique(rows_of_keys)
        return rows.astype(np.int64), since

    def _matrix(
        self,
        values: Values,
        block: IntArray,
        since: IntArray,
        first_bucket: int,
        left: int,
        right: int,
    ) -> FloatArray:
        """(series, buckets) values of a block, with zeros where an empty bucket means zero."""
        matrix = np.full((len(block), right - left), np.nan)
        position = np.arange(left, right)
        if self.detector.function.empty is EmptyBuckets.ZERO:
            alive = position[None, :] >= since[block][:, None]
            matrix[alive] = 0.0
        slot = np.full(len(self._bank), -1, dtype=np.int64)
        slot[block] = np.arange(len(block))
        mine = (slot[self._row_of_value] >= 0) & (values.bucket >= left) & (values.bucket < right)
        matrix[slot[self._row_of_value[mine]], values.bucket[mine] - left] = values.value[mine]
        if self.detector.function.empty is EmptyBuckets.ZERO:
            self._silence(matrix, values, block, slot, mine, first_bucket, left)
        return matrix

    def _silence(
        self,
        matrix: FloatArray,
        values: Values,
        block: IntArray,
        slot: IntArray,
        mine: npt.NDArray[np.bool_],
        first_bucket: int,
        left: int,
    ) -> None:
        """Take the zeros away from series that have had no data for the prune window."""
        if not self.detector.split_fields:
            return
        last = np.full(matrix.shape, -1, dtype=np.int64)
        last[:, 0] = self._last_known[block] - first_bucket - left
        data = slot[self._row_of_value[mine]], values.bucket[mine] - left
        last[data] = np.maximum(last[data], data[1])
        before = (slot[self._row_of_value] >= 0) & (values.bucket < left)
        np.maximum.at(last[:, 0], slot[self._row_of_value[before]], values.bucket[before] - left)
        held = np.maximum.accumulate(np.where(last == -1, np.iinfo(np.int64).min, last), axis=1)
        age = np.arange(matrix.shape[1])[None, :] - held
        matrix[(age > self._prune_buckets) & (matrix == 0.0)] = np.nan

    def _noteworthy(
        self,
        values: Values,
        rows: IntArray,
        matrix: FloatArray,
        details: FloatArray,
        first_bucket: int,
        left: int,
        skip_result: FloatArray,
    ) -> list[Anomaly]:
        found = []
        for k, b in np.argwhere(details[:, :, series.SURPRISE] >= NOTEWORTHY):
            detail = details[k, b]
            actual = float(matrix[k, b])
            time_s = (first_bucket + left + b) * self._parameters.span_s
            if matches(skip_result, actual, float(detail[series.TYPICAL]), float(time_s)):
                continue
            found.append(
                Anomaly(
                    detector=self.detector,
                    bucket=int(left + b),
                    key=self._bank.keys[rows[k]],
                    actual=self._exact(values, int(rows[k]), int(left + b), actual),
                    typical=float(detail[series.TYPICAL]),
                    lower=float(detail[series.LOWER]),
                    upper=float(detail[series.UPPER]),
                    surprise=float(detail[series.SURPRISE]),
                    single=float(detail[series.SINGLE]),
                    multi=float(detail[series.MULTI]),
                    length=int(detail[series.ANOMALY_LENGTH]),
                    noisy=bool(detail[series.SPREAD_RATIO] > 2.0),
                )
            )
        return found

    def _exact(self, values: Values, row: int, bucket: int, actual: float) -> float | int:
        """The value of a series in a bucket, to the last digit."""
        if values.digits is None:
            return actual
        places = np.flatnonzero((self._row_of_value == row) & (values.bucket == bucket))
        return values.exact(int(places[0])) if len(places) else actual

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        return len(self._bank) * self._bytes_per_series

    @property
    def _bytes_per_series(self) -> int:
        return self._bank.bytes_per_model + self._last_data.itemsize

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values of all series."""
        return list(self._bank.keys)

    def forecastable(self) -> list[tuple[ResolvedDetector, SeriesBank]]:
        """The series, when the detector's function allows to forecast them."""
        return [(self.detector, self._bank)] if self.detector.function.forecast else []

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = self._bank.pack()
        return plain, {**arrays, "last_data": self._last_data}

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        self._bank = SeriesBank(self._parameters).unpack(plain, arrays)
        self._last_data = arrays["last_data"].astype(np.int64)
        self._kinds = np.zeros(0, dtype=np.int64)
