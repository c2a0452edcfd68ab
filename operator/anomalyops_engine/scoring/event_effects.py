"""What scheduled events and clock changes do on the way through a step."""

from __future__ import annotations

import copy
import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.scoring.detection import Detection
from anomalyops_engine.scoring.schedule import SKIP_RESULT, SKIP_UPDATE
from anomalyops_engine.scoring.step import Step

BoolArray = npt.NDArray[np.bool_]


class EventEffects:
    """The buckets of a step out of which nothing is made, or from which nothing is learnt, and when clocks change.

    A bucket that is neither scored nor learnt is left out, as if it had not been. One that is scored without being
    learnt (a result is wanted, or a model plot) is scored on a copy of the models, so that they cannot be touched.

    Attributes:
        silent: (buckets,) whether no record is made.
    """

    def __init__(self, step: Step, detections: Sequence[Detection], *, plotted: bool) -> None:
        flags = step.marks.flags(step.bucket_count)
        held = (flags & SKIP_UPDATE) > 0
        self.silent: BoolArray = (flags & SKIP_RESULT) > 0
        self._watched: BoolArray = held & (~self.silent | plotted)
        self._unseen: BoolArray = held & ~self._watched
        self._changes: dict[int, list[tuple[Detection, int, CustomRule | None]]] = {}
        for position, seconds in step.marks.shifts:
            self._changes.setdefault(position, []).extend((detection, seconds, None) for detection in detections)
        for detection in detections:
            self._add_rules(step, detection)
        edges = np.flatnonzero(np.diff(self._watched)) + 1
        self._cuts = sorted({*edges.tolist(), *self._changes})

    def _add_rules(self, step: Step, detection: Detection) -> None:
        for change in detection.rules.clock_changes:
            bucket = math.ceil(change.at_s * 1000 / step.span_ms)
            holds = bucket * step.span_ms / 1000 < change.until_s
            if holds and step.since_bucket <= bucket < step.first_bucket + step.bucket_count:
                position = max(bucket - step.first_bucket, 0)
                self._changes.setdefault(position, []).append((detection, change.shift_s, change.rule))

    def cut(self, left: int, right: int) -> int:
        """Where a part of the step that begins at `left` has to end, `right` at the latest."""
        following = bisect_right(self._cuts, left)
        return min(self._cuts[following], right) if following < len(self._cuts) else right

    def change_clocks(self, position: int) -> None:
        """Change the clocks that are to be changed at the beginning of a bucket."""
        for detection, seconds, rule in self._changes.get(position, ()):
            detection.shift(seconds, rule)

    def learns(self, position: int) -> bool:
        """Whether the part that begins at a bucket is learnt."""
        return not self._watched[position]

    def unseen(self, left: int, right: int) -> BoolArray | None:
        """Which buckets of a part are left out; None for none."""
        mine = self._unseen[left:right]
        return mine if mine.any() else None


def copy_of(detection: Detection) -> Detection:
    """A detection that knows the same and shares nothing that it changes."""
    return copy.deepcopy(detection, {id(detection.detector): detection.detector})
