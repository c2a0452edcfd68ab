"""A detector of points, times or places, over a stretch of buckets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.extract import Values, reproducible
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.kernel import alarms
from anomalyops_engine.models.kernel.conditions import matches
from anomalyops_engine.models.points import learner
from anomalyops_engine.models.points.bank import PointsBank, circle, coordinates, directions, globe, turns
from anomalyops_engine.scoring.chapter import Chapter
from anomalyops_engine.scoring.detection import Anomaly, LiveSettings
from anomalyops_engine.scoring.memory import Key, Newcomer
from anomalyops_engine.scoring.normaliser import NOTEWORTHY
from anomalyops_engine.scoring.roster import Roster, member_codes, members_present, pack_rosters, unpack_rosters
from anomalyops_engine.scoring.rules import RuleBook

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class PointsDetection:
    """Entities with usual times or places; the members of a population share them."""

    def __init__(self, detector: ResolvedDetector, live: LiveSettings, *, span_ms: int) -> None:
        span_s = float(max(span_ms // 1000, 1))
        self._circle_s = detector.function.circle_s
        self._parameters = circle(span_s, self._circle_s) if self._circle_s else globe(span_s)
        self._bank = PointsBank(self._parameters)
        self._entities = Roster(self._bank)
        self._rosters = {"entities": self._entities}
        self._alarms = alarms.blank()
        self.configure(detector, live)

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules."""
        self.detector = detector
        self._width = len(detector.split_fields)
        self.rules = RuleBook(detector, live.filters)

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The entities among the values that have no model yet; the one of an unsplit detector always gets one."""
        first: dict[Key, int] = {}
        for key, bucket in zip(values.keys, values.first_buckets().tolist(), strict=True):
            entity = key[: self._width]
            if entity and entity not in self._entities:
                first[entity] = min(bucket, first.get(entity, bucket))
        return [Newcomer(bucket, index, key, self._entities.cost(key)) for key, bucket in first.items()]

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that the models of refused entities would have taken, by bucket with their data."""
        entities = [values.keys[k][: self._width] for k in values.key.tolist()]
        found: dict[int, int] = {}
        for bucket, entity in dict.fromkeys(zip(values.bucket.tolist(), entities, strict=True)):
            if entity in refused:
                found[bucket] = found.get(bucket, 0) + self._entities.cost(entity)
        return found

    def prune(self, oldest: int) -> None:
        """Give up the entities whose latest data lie before bucket number `oldest`."""
        if self._width:
            self._entities.prune(oldest)

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change the clocks of times of the day or week; see `detection.Detection.shift`."""
        if not self._circle_s:
            return
        keys = self._entities.bank.keys
        rows = [row for row, key in enumerate(keys) if rule is None or self.rules.holds_for(rule, key)]
        self._bank.shift(np.array(rows, dtype=np.int64), seconds, self._circle_s)

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter; see `detection.Detection.step`."""
        first_bucket, buckets, refused = chapter.first_bucket, chapter.buckets, chapter.refused
        if refused:
            values = values.without({key for key in values.keys if key[: self._width] in refused})
        points, shown = self._points(values)
        rows = self._entities.rows([key[: self._width] for key in values.keys], values.first_buckets())[values.key]
        self._entities.see(rows, first_bucket + values.bucket)
        order = np.argsort(rows, kind="stable")  # of an entity, they are in order of time
        order = order[np.isfinite(points[order, 0])]
        group = (rows * buckets + values.bucket)[order]
        members = np.ones(len(order))
        if self.detector.over and len(order):
            members = members_present(group, member_codes(values.keys)[values.key[order]])
        kinds = self.rules.kinds_of(values.keys)[values.key]
        out = np.zeros((len(order), learner.OUTPUTS))
        learner.advance(
            self._entities.bank.state.records,
            self._entities.bank.state.places,
            self._parameters,
            rows[order],
            first_bucket + values.bucket[order],
            points[order],
            shown[order],
            members,
            *self.rules.skip_updates(learns=chapter.learns),
            kinds[order],
            out,
        )
        at = values.bucket[order]
        alarms.temper(self._alarms, np.argsort(at, kind="stable"), at, out[:, learner.SURPRISE])
        scored = np.zeros(buckets, dtype=np.int64)
        np.add.at(scored, np.unique(group) % max(buckets, 1), 1)
        return self._noteworthy(values, order, out, first_bucket), scored

    def _points(self, values: Values) -> tuple[FloatArray, FloatArray]:
        """Each row's direction, and what it shows of it: seconds, or the latitude."""
        # Means come from the database in any order of their documents.
        if self._circle_s:
            seconds = reproducible(values.value % self._circle_s)
            return turns(seconds, self._circle_s), seconds
        latitude, longitude = reproducible(values.value), reproducible(values.others["longitude"])
        return directions(latitude, longitude), latitude

    def _noteworthy(self, values: Values, order: IntArray, out: FloatArray, first_bucket: int) -> list[Anomaly]:
        """The most surprising row of each bucket and key."""
        found: dict[tuple[int, int], Anomaly] = {}
        for place in np.flatnonzero(out[:, learner.SURPRISE] >= NOTEWORTHY).tolist():
            row = int(order[place])
            at = (int(values.bucket[row]), int(values.key[row]))
            if at in found and found[at].surprise >= out[place, learner.SURPRISE]:
                continue
            anomaly = self._anomaly(values, row, out[place])
            time_s = (first_bucket + at[0]) * self._parameters.span_s
            rules = self.rules.conditions_of(anomaly.key)
            if not matches(rules.skip_result, anomaly.actual, anomaly.typical, time_s):
                found[at] = anomaly
        return list(found.values())

    def _anomaly(self, values: Values, row: int, detail: FloatArray) -> Anomaly:
        surprise = float(detail[learner.SURPRISE])
        typical = coordinates(detail[learner.TYPICAL_X : learner.TYPICAL_Z + 1])
        same = (values.bucket == values.bucket[row]) & (values.key == values.key[row])
        anomaly = Anomaly(
            detector=self.detector,
            bucket=int(values.bucket[row]),
            key=values.keys[values.key[row]],
            actual=float(values.value[row]),
            typical=typical[0],
            lower=None,
            upper=None,
            surprise=surprise,
            single=surprise,
            multi=0.0,
            length=1,
            noisy=False,
            events=float(values.others["events"][same].sum()),
        )
        if self._circle_s:
            anomaly.actual %= self._circle_s
            anomaly.typical = typical[1] % 360.0 / 360.0 * self._circle_s
        else:
            anomaly.point = ((float(values.value[row]), float(values.others["longitude"][row])), typical)
        return anomaly

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        return self._entities.bytes if self._width else self._entities.bytes_of_one_at_least

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values of all entities."""
        return list(self._entities.bank.keys)

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = pack_rosters(self._rosters)
        return plain, {**arrays, "alarms": self._alarms}

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        unpack_rosters(self._rosters, plain, arrays)
        self._alarms = arrays["alarms"].astype(np.float64)
