"""A population detector over a stretch of buckets: members compared with each other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.extract import Values, reproducible
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.kernel.conditions import matches
from anomalyops_engine.models.population import learner as population
from anomalyops_engine.models.population.bank import MemberBank, PopulationBank, population_parameters
from anomalyops_engine.scoring.chapter import Chapter
from anomalyops_engine.scoring.detection import SIDES, Anomaly, LiveSettings
from anomalyops_engine.scoring.memory import Key, Newcomer
from anomalyops_engine.scoring.normaliser import NOTEWORTHY
from anomalyops_engine.scoring.roster import Roster, pack_rosters, unpack_rosters
from anomalyops_engine.scoring.rules import RuleBook

IntArray = npt.NDArray[np.int64]


class PopulationDetection:
    """A detector with an over field: each partition and by value has one collective model of its members."""

    def __init__(self, detector: ResolvedDetector, live: LiveSettings, *, span_ms: int) -> None:
        self._parameters = population_parameters(
            span_s=max(span_ms // 1000, 1),
            side=SIDES[detector.side],
            discrete=detector.function.discrete,
            learning_buckets=detector.function.learning_buckets,
            bounds_from=NOTEWORTHY,
        )
        self._bank = PopulationBank(self._parameters)
        self._habits = MemberBank()
        self._members = Roster(self._habits)
        self._last_data = np.zeros(0, dtype=np.int64)
        self.configure(detector, live)

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules."""
        self.detector = detector
        self.rules = RuleBook(detector, live.filters)

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The populations among the values that have no model yet, and the members not seen before."""
        first = values.first_buckets()
        populations: dict[Key, int] = {}
        found = []
        for position, key in enumerate(values.keys):
            bucket, split = int(first[position]), self._split(key)
            if split and split not in self._bank:
                populations[split] = min(bucket, populations.get(split, bucket))
            if key not in self._members:
                found.append(Newcomer(bucket, index, key, self._members.cost(key), modelled=False))
        cost = self._bank.bytes_per_model
        return found + [Newcomer(bucket, index, split, cost) for split, bucket in populations.items()]

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that the refused populations would have taken, by bucket with their data."""
        splits = [self._split(key) for key in values.keys]
        number = {split: position for position, split in enumerate(dict.fromkeys(splits))}
        refused_rows = np.array([split in refused for split in splits], dtype=np.bool_)[values.key]
        population = np.array([number[split] for split in splits], dtype=np.int64)[values.key]
        pairs = np.unique(np.stack([values.bucket, population])[:, refused_rows], axis=1)
        buckets, counts = np.unique(pairs[0], return_counts=True)
        cost = self._bank.bytes_per_model
        return {int(bucket): int(count) * cost for bucket, count in zip(buckets, counts, strict=True)}

    def prune(self, oldest: int) -> None:
        """Give up the members, and the populations, whose latest data lie before bucket number `oldest`."""
        self._members.prune(oldest)
        if not self.detector.split_fields:
            return
        kept = np.flatnonzero(self._last_data >= oldest)
        if len(kept) < len(self._bank):
            self._bank.keep(kept)
            self._last_data = self._last_data[kept]

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change the clocks of populations; see `detection.Detection.shift`.

        A rule whose scope is on members says nothing of a population: where it has a scope on the over field, the
        populations of members in it are the ones.
        """
        inside = {
            self._split(key) for key in self._members.bank.keys if rule is None or self.rules.holds_for(rule, key)
        }
        rows = [row for row, split in enumerate(self._bank.keys) if split in inside]
        self._bank.shift(np.array(rows, dtype=np.int64), seconds)

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter; see `detection.Detection.step`."""
        first_bucket, buckets, refused = chapter.first_bucket, chapter.buckets, chapter.refused
        # Members whose population is refused are remembered all the same: room was given to them.
        names = self._members.admitted(values.keys, values.first_buckets(), refused)[values.key]
        self._members.see(names, first_bucket + values.bucket)
        if refused:
            modelled = np.array([self._split(key) not in refused for key in values.keys], dtype=np.bool_)[values.key]
            values, names = values.where(modelled), names[modelled]
        row_of_key = self._rows(values.keys, values.key, values.bucket)
        rows = row_of_key[values.key]
        self._last_data = np.concatenate(
            [self._last_data, np.zeros(len(self._bank) - len(self._last_data), dtype=np.int64)]
        )
        np.maximum.at(self._last_data, rows, first_bucket + values.bucket)
        order = np.argsort(rows, kind="stable")  # within a population they are in order of time
        order = order[np.isfinite(values.value[order])]
        kinds = self.rules.kinds_of(values.keys)[values.key[order]]
        conditions, ends = self.rules.skip_updates(learns=chapter.learns)
        out = self._bank.advance(
            rows[order],
            values.bucket[order],
            reproducible(values.value[order]),
            first_bucket=first_bucket,
            conditions=conditions,
            ends=ends,
            kinds=kinds,
            members=self._habits,
            names=names[order],
        )
        anomalies = []
        for position in np.flatnonzero(out[:, population.SURPRISE] >= NOTEWORTHY):
            k = order[position]
            detail = out[position]
            actual, typical = float(values.value[k]), float(detail[population.TYPICAL])
            time_s = (first_bucket + float(values.bucket[k])) * self._parameters.span_s
            if matches(self.rules.kinds[kinds[position]].skip_result, actual, typical, time_s):
                continue
            surprise = float(detail[population.SURPRISE])
            anomalies.append(
                Anomaly(
                    detector=self.detector,
                    bucket=int(values.bucket[k]),
                    key=values.keys[values.key[k]],
                    actual=values.exact(int(k)),
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
        scored = np.zeros(buckets, dtype=np.int64)
        np.add.at(scored, np.unique(rows * buckets + values.bucket) % max(buckets, 1), 1)
        return anomalies, scored

    def _rows(self, keys: list[tuple[str, ...]], key: IntArray, bucket: IntArray) -> IntArray:
        """Each key's population; new ones are added in order of appearance."""
        first = np.full(len(keys), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(first, key, bucket)
        splits = [self._split(key) for key in keys]
        order = sorted(range(len(keys)), key=lambda k: (first[k], splits[k]))
        self._bank.rows([splits[k] for k in order])
        return self._bank.rows(splits)

    def _split(self, key: Key) -> Key:
        """The split values of a member's population."""
        return key[: len(self.detector.split_fields)]

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        # The one of an unsplit detector is always given room, so it takes it from the beginning.
        populations = max(len(self._bank), 0 if self.detector.split_fields else 1)
        return populations * self._bank.bytes_per_model + self._members.bytes

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values and members seen."""
        return list(self._members.bank.keys)

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = self._bank.pack()
        members, own = pack_rosters({"members": self._members})
        return {**plain, **members}, {**arrays, **own, "last_data": self._last_data}

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        self._bank = PopulationBank(self._parameters).unpack(plain, arrays)
        self._last_data = arrays["last_data"].astype(np.int64)
        unpack_rosters({"members": self._members}, plain, arrays)
