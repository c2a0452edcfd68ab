"""A detector of rare values over a stretch of buckets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.extract import Values
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.kernel import alarms
from anomalyops_engine.models.kernel.conditions import matches
from anomalyops_engine.models.rare import learner
from anomalyops_engine.models.rare.bank import Partitions, Things
from anomalyops_engine.scoring.chapter import Chapter
from anomalyops_engine.scoring.detection import Anomaly, LiveSettings
from anomalyops_engine.scoring.memory import Key, Newcomer
from anomalyops_engine.scoring.normaliser import NOTEWORTHY
from anomalyops_engine.scoring.roster import (
    Roster,
    member_codes,
    members_present,
    pack_rosters,
    rows_of_members,
    unpack_rosters,
)
from anomalyops_engine.scoring.rules import RuleBook

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class RareDetection:
    """By-values that are rare in time or, with an over field, in the population."""

    def __init__(self, detector: ResolvedDetector, live: LiveSettings, *, span_ms: int) -> None:
        self._span_s = max(span_ms // 1000, 1)
        self._partitions = Roster(Partitions())
        self._values = Roster(Things())
        self._pairs = Roster(Things())
        self._rosters = {"partitions": self._partitions, "values": self._values, "pairs": self._pairs}
        self._alarms = alarms.blank()
        self.configure(detector, live)

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules."""
        self.detector = detector
        self._width = len(detector.split_fields)
        self.rules = RuleBook(detector, live.filters)

    @property
    def _levels(self) -> list[tuple[Roster, int]]:
        """What a key has a model in, and of how many of its parts; not the one partition of an unsplit detector."""
        levels = [(self._partitions, 1)] if self.detector.partition else []
        levels.append((self._values, self._width))
        return [*levels, (self._pairs, self._width + 1)] if self.detector.over else levels

    def _is_refused(self, key: Key, refused: Collection[Key]) -> bool:
        return any(key[:width] in refused for _, width in self._levels)

    def _missing(self, key: Key) -> int:
        """Bytes that remembering a key would take."""
        return sum(roster.cost(key[:width]) for roster, width in self._levels if key[:width] not in roster)

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The partitions, values, and pairs of value and member not seen before."""
        found: dict[Key, Newcomer] = {}
        for key, bucket in zip(values.keys, values.first_buckets().tolist(), strict=True):
            for roster, width in self._levels:
                part = key[:width]
                if part not in roster and (part not in found or bucket < found[part].bucket):
                    cost, modelled = roster.cost(part), roster is not self._pairs
                    found[part] = Newcomer(bucket, index, part, cost, modelled=modelled)
        return list(found.values())

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that remembering the refused ones would have taken, by bucket with their data."""
        cost = np.array(
            [self._missing(key) if self._is_refused(key, refused) else 0 for key in values.keys], dtype=np.int64
        )
        found: dict[int, int] = {}
        for bucket, size in zip(values.bucket.tolist(), cost[values.key].tolist(), strict=True):
            if size:
                found[bucket] = found.get(bucket, 0) + size
        return found

    def prune(self, oldest: int) -> None:
        """Give up what had no data since bucket number `oldest`."""
        self._values.prune(oldest)
        self._pairs.prune(oldest)
        if self.detector.partition:
            self._partitions.prune(oldest)

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change no clock: nothing is told by one here; see `detection.Detection.shift`."""

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter; see `detection.Detection.step`."""
        first_bucket, buckets, refused = chapter.first_bucket, chapter.buckets, chapter.refused
        rows = self._rows(values, first_bucket + values.bucket, refused)
        if refused:
            # What a refused level has below or above it is remembered all the same: room was given to it.
            modelled = np.all(rows[:, : 3 if self.detector.over else 2] >= 0, axis=1)
            values, rows = values.where(modelled), rows[modelled]
        number = first_bucket + values.bucket
        order = np.argsort(rows[:, 0], kind="stable")  # within a partition they are in order of time
        group = (rows[:, 0] * buckets + values.bucket)[order]
        members, shown = np.ones(len(order)), np.zeros(len(order), dtype=np.int64)
        if self.detector.over and len(order):
            member = member_codes(values.keys)[values.key[order]]
            members, shown = members_present(group, member), rows_of_members(group, member)
        kinds = self.rules.kinds_of(values.keys)[values.key]
        out = np.zeros((len(order), learner.OUTPUTS))
        learner.advance(
            self._partitions.bank.state.partitions,
            self._values.bank.state.things,
            self._pairs.bank.state.things,
            rows[order],
            number[order],
            values.value[order],
            members,
            self.detector.function.weighs_events,
            *self.rules.skip_updates(learns=chapter.learns),
            kinds[order],
            float(self._span_s),
            out,
        )
        at = values.bucket[order]
        alarms.temper(self._alarms, np.argsort(at, kind="stable"), at, out[:, learner.SURPRISE])
        anomalies = [
            anomaly
            for place in np.flatnonzero(out[:, learner.SURPRISE] >= NOTEWORTHY).tolist()
            if (anomaly := self._anomaly(values, int(order[place]), out[place], number, int(shown[place]))) is not None
        ]
        scored = np.zeros(buckets, dtype=np.int64)
        np.add.at(scored, np.unique(group) % max(buckets, 1), 1)
        return anomalies, scored

    def _rows(self, values: Values, number: IntArray, refused: Collection[Key]) -> IntArray:
        """(m, 3) the partition, value and pair of each row of values; -1 for what is refused, and without pairs."""
        first, keys = values.first_buckets(), values.keys
        splits = 1 if self.detector.partition else 0
        found = np.full((len(values.key), 3), -1, dtype=np.int64)
        wanted = [(self._partitions, splits), (self._values, self._width)]
        if self.detector.over:
            wanted.append((self._pairs, self._width + 1))
        for column, (roster, width) in enumerate(wanted):
            found[:, column] = roster.admitted([key[:width] for key in keys], first, refused)[values.key]
            roster.see(found[:, column], number)
        return found

    def _anomaly(self, values: Values, place: int, detail: FloatArray, number: IntArray, shown: int) -> Anomaly | None:
        surprise, typical = float(detail[learner.SURPRISE]), float(detail[learner.TYPICAL])
        events = float(values.value[place])
        actual = events if self.detector.function.weighs_events else 1.0
        rules = self.rules.conditions_of(values.keys[values.key[place]])
        if matches(rules.skip_result, actual, typical, float(number[place]) * self._span_s):
            return None
        return Anomaly(
            detector=self.detector,
            bucket=int(values.bucket[place]),
            key=values.keys[values.key[place]],
            actual=actual,
            typical=typical,
            lower=None,
            upper=None,
            surprise=surprise,
            single=surprise,
            multi=0.0,
            length=1,
            noisy=False,
            events=events,
            first=bool(detail[learner.KNOWN] == 0.0),
            relative=float(detail[learner.RELATIVE]),
            shown=shown,
        )

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        partitions = self._partitions.bytes if self.detector.partition else self._partitions.bytes_of_one_at_least
        return partitions + self._values.bytes + self._pairs.bytes

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values seen."""
        return list(self._levels[-1][0].bank.keys)

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = pack_rosters(self._rosters)
        return plain, {**arrays, "alarms": self._alarms}

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        unpack_rosters(self._rosters, plain, arrays)
        self._alarms = arrays["alarms"].astype(np.float64)
