"""A population detector over a stretch of buckets: members compared with each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.features.detectors import Detector
from anomalyops_engine.features.extract import Source, detector_values
from anomalyops_engine.models import population
from anomalyops_engine.models.population import PopulationBank, population_parameters
from anomalyops_engine.models.rules import encode_conditions, matches
from anomalyops_engine.scoring.detection import SIDES, Anomaly, PlotSink
from anomalyops_engine.scoring.normaliser import NOTEWORTHY

IntArray = npt.NDArray[np.int64]
_MEMBER_HISTORY = 1_000_000


class PopulationDetection:
    """A detector with an over field: each partition and by value has one collective model of its members."""

    def __init__(self, detector: Detector, *, span_ms: int) -> None:
        self.detector = detector
        self._parameters = population_parameters(
            span_s=max(span_ms // 1000, 1),
            side=SIDES[detector.side],
            discrete=detector.function.discrete,
            learning_buckets=detector.function.learning_buckets,
            bounds_from=NOTEWORTHY,
        )
        self._bank = PopulationBank(self._parameters)
        self._members: dict[tuple[str, ...], None] = {}
        self.apply_rules(detector, want_bounds=False)

    def apply_rules(self, detector: Detector, *, want_bounds: bool) -> None:
        """Take over the detector's custom rules; a population has no model plot."""
        del want_bounds
        self.detector = detector
        self._skip_update = encode_conditions(detector.rules, "skip_model_update")
        self._skip_result = encode_conditions(detector.rules, "skip_result")

    def step(
        self, source: Source, *, first_bucket: int, begin: int, plot: PlotSink | None
    ) -> tuple[list[Anomaly], IntArray]:
        """Score and learn a stretch of buckets; see `detection.Detection.step`."""
        del begin, plot
        values = detector_values(source, self.detector)
        for key in values.keys:
            if len(self._members) < _MEMBER_HISTORY:
                self._members.setdefault(key)
        row_of_key = self._rows(values.keys, values.key, values.bucket)
        rows = row_of_key[values.key]
        order = np.lexsort((values.bucket, rows))
        order = order[np.isfinite(values.value[order])]
        out = self._bank.advance(
            rows[order],
            values.bucket[order],
            values.value[order],
            first_bucket=first_bucket,
            conditions=self._skip_update,
        )
        anomalies = []
        for position in np.flatnonzero(out[:, population.SURPRISE] >= NOTEWORTHY):
            k = order[position]
            detail = out[position]
            actual, typical = float(values.value[k]), float(detail[population.TYPICAL])
            time_s = (first_bucket + float(values.bucket[k])) * self._parameters.span_s
            if matches(self._skip_result, actual, typical, time_s):
                continue
            surprise = float(detail[population.SURPRISE])
            anomalies.append(
                Anomaly(
                    detector=self.detector,
                    bucket=int(values.bucket[k]),
                    key=values.keys[values.key[k]],
                    actual=actual,
                    typical=typical,
                    lower=float(detail[population.LOWER]),
                    upper=float(detail[population.UPPER]),
                    surprise=surprise,
                    single=surprise,
                    multi=0.0,
                    length=1,
                    noisy=False,
                )
            )
        # The members' number is in their surprises already: a bucket counts its populations.
        scored = np.zeros(source.bucket_count, dtype=np.int64)
        pairs = np.unique(np.stack([rows, values.bucket]), axis=1) if len(rows) else np.zeros((2, 0), dtype=np.int64)
        np.add.at(scored, pairs[1], 1)
        return anomalies, scored

    def _rows(self, keys: list[tuple[str, ...]], key: IntArray, bucket: IntArray) -> IntArray:
        """Each key's population; new ones are added in order of appearance."""
        first = np.full(len(keys), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(first, key, bucket)
        splits = [name[: len(self.detector.split_fields)] for name in keys]
        order = sorted(range(len(keys)), key=lambda k: (first[k], splits[k]))
        self._bank.rows([splits[k] for k in order])
        return self._bank.rows(splits)

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        names = sum(sum(map(len, member)) + 64 for member in self._members)
        return len(self._bank) * self._bank.bytes_per_model + names

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values and members seen."""
        return list(self._members)

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = self._bank.pack()
        return {**plain, "members": [list(member) for member in self._members]}, arrays

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        self._bank = PopulationBank(self._parameters).unpack(plain, arrays)
        self._members = dict.fromkeys(tuple(member) for member in plain["members"])
