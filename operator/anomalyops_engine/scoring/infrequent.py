"""`exclude_frequent`: results of what is infrequent alone.

A by-value or member that has data in more than a tenth of its partition's buckets is frequent over time; a by-value
that more than a tenth of a population's members show is frequent in the population. What is frequent has no results,
and members of a population are not compared with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.extract import Values
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.kernel.keyed_state import KeyedState
from anomalyops_engine.scoring.chapter import Chapter
from anomalyops_engine.scoring.detection import Anomaly, Detection, LiveSettings
from anomalyops_engine.scoring.memory import Key, Newcomer
from anomalyops_engine.scoring.roster import Roster, pack_rosters, unpack_rosters
from anomalyops_engine.scoring.rules import RuleBook

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

FREQUENT = 0.1
"""Share from which something is frequent."""
FEWEST = 20
"""Buckets, or members, to see before anything is."""


class _Counts(NamedTuple):
    counts: npt.NDArray[np.float64]


class _Counters(KeyedState[_Counts, None]):
    """How often something was seen, by key."""

    def __init__(self) -> None:
        super().__init__(None, room=1)

    def _blank(self, n: int) -> _Counts:
        return _Counts(np.zeros(n))


class Tally:
    """How often each of some things was seen before a bucket.

    Attributes:
        roster: What was seen, and how often.
    """

    def __init__(self) -> None:
        self.roster = Roster(_Counters())

    def before(self, things: list[Key], rows: IntArray, buckets: IntArray, marks: BoolArray, first: int) -> IntArray:
        """Count marks, and note them.

        Args:
            things: The thing of each key.
            rows: (m,) each row's key.
            buckets: (m,) each row's bucket, by position.
            marks: (m,) the rows that count; a thing counts once a bucket unless it has several marks there.
            first: Number of the stretch's first bucket.

        Returns:
            (m,) the marks of each row's thing in earlier buckets.
        """
        appeared = np.full(len(things), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(appeared, rows, buckets)
        thing = self.roster.rows(things, appeared)[rows]
        self.roster.see(thing, first + buckets)
        counts = self.roster.bank.state.counts
        width = int(buckets.max(initial=0)) + 1
        code = thing * width + buckets
        sorted_marks = np.sort(code[marks])
        earlier = np.searchsorted(sorted_marks, code) - np.searchsorted(sorted_marks, thing * width)
        found: IntArray = earlier + counts[thing].astype(np.int64)
        np.add.at(counts, thing[marks], 1.0)
        return found


class InfrequentDetection:
    """A detection without what is frequent."""

    def __init__(self, learning: Detection) -> None:
        self._learning = learning
        self._tallies = {name: Tally() for name in ("by", "over", "buckets", "showing", "members")}
        self._rosters = {name: tally.roster for name, tally in self._tallies.items()}
        self._pairs = Roster(_Counters())
        self._people = Roster(_Counters())
        self._rosters |= {"pairs": self._pairs, "people": self._people}
        self.detector = learning.detector

    def configure(self, detector: ResolvedDetector, live: LiveSettings) -> None:
        """Take over the detector's custom rules and the settings; see `Detection.configure`."""
        self.detector = detector
        self._learning.configure(detector, live)

    def newcomers(self, values: Values, index: int) -> list[Newcomer]:
        """The entities among the values that have no model yet."""
        return self._learning.newcomers(values, index)

    def refused_bytes(self, values: Values, refused: Collection[Key]) -> dict[int, int]:
        """Bytes that the models of refused entities would have taken, by bucket with their data."""
        return self._learning.refused_bytes(values, refused)

    @property
    def rules(self) -> RuleBook:
        """The detector's custom rules."""
        return self._learning.rules

    def shift(self, seconds: int, rule: CustomRule | None) -> None:
        """Change clocks; see `Detection.shift`."""
        self._learning.shift(seconds, rule)

    def prune(self, oldest: int) -> None:
        """Give up the entities whose latest data lie before bucket number `oldest`."""
        self._learning.prune(oldest)
        for name, roster in self._rosters.items():
            if name != "buckets" or self.detector.partition:
                roster.prune(oldest)

    def step(self, values: Values, chapter: Chapter) -> tuple[list[Anomaly], IntArray]:
        """Score and learn the buckets of a chapter; see `Detection.step`."""
        frequent = self._frequent(values, chapter.first_bucket)
        shown = values.where(~frequent) if self.detector.over else values
        found, scored = self._learning.step(shown, chapter)
        rows = np.flatnonzero(frequent)
        hidden = {(int(values.bucket[row]), values.keys[values.key[row]]) for row in rows.tolist()}
        return [anomaly for anomaly in found if (anomaly.bucket, anomaly.key) not in hidden], scored

    def _frequent(self, values: Values, first: int) -> BoolArray:
        """The rows whose by-value or member is frequent."""
        detector, keys = self.detector, values.keys
        splits = 1 if detector.partition else 0
        partition = [key[:splits] for key in keys]
        frequent = np.zeros(len(values.key), dtype=np.bool_)
        lived = self._seen("buckets", partition, values, self._once(partition, values), first)
        if detector.frequent_over:
            member = [(*key[:splits], key[-1]) for key in keys]
            seen = self._seen("over", member, values, self._once(member, values), first)
            frequent |= (lived >= FEWEST) & (seen > FREQUENT * lived)
        if detector.frequent_by:
            by = [key[: splits + 1] for key in keys]
            if detector.over:
                member = [(*key[:splits], key[-1]) for key in keys]
                showing = self._seen("showing", by, values, self._new(self._pairs, keys, values, first), first)
                members = self._seen(
                    "members", partition, values, self._new(self._people, member, values, first), first
                )
                frequent |= (members >= FEWEST) & (showing > FREQUENT * members)
            else:
                seen = self._seen("by", by, values, self._once(by, values), first)
                frequent |= (lived >= FEWEST) & (seen > FREQUENT * lived)
        return frequent

    def _seen(self, tally: str, things: list[Key], values: Values, marks: BoolArray, first: int) -> IntArray:
        return self._tallies[tally].before(things, values.key, values.bucket, marks, first)

    @staticmethod
    def _once(things: list[Key], values: Values) -> BoolArray:
        """One row of each thing and bucket."""
        codes = {thing: code for code, thing in enumerate(dict.fromkeys(things))}
        thing = np.array([codes[name] for name in things], dtype=np.int64)[values.key]
        _, first = np.unique(thing * (int(values.bucket.max(initial=0)) + 1) + values.bucket, return_index=True)
        marks = np.zeros(len(values.key), dtype=np.bool_)
        marks[first] = True
        return marks

    @staticmethod
    def _new(known: Roster, things: list[Key], values: Values, first_bucket: int) -> BoolArray:
        """The first row of each thing that was not known."""
        new = np.array([thing not in known for thing in things], dtype=np.bool_)[values.key]
        rows = known.rows(things, values.first_buckets())[values.key]
        known.see(rows, first_bucket + values.bucket)
        _, first = np.unique(rows, return_index=True)  # rows are in order of time
        marks = np.zeros(len(rows), dtype=np.bool_)
        marks[first] = True
        return marks & new

    @property
    def model_bytes(self) -> int:
        """Bytes of model state."""
        return self._learning.model_bytes + sum(roster.bytes for roster in self._rosters.values())

    def series_keys(self) -> list[tuple[str, ...]]:
        """The split values of all entities."""
        return self._learning.series_keys()

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain values and arrays for a snapshot."""
        plain, arrays = pack_rosters(self._rosters)
        plain["learning"], own = self._learning.pack()
        return plain, arrays | {f"learning.{name}": array for name, array in own.items()}

    def unpack(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `pack` described."""
        unpack_rosters(self._rosters, plain, arrays)
        own = {name.removeprefix("learning."): arrays[name] for name in arrays if name.startswith("learning.")}
        self._learning.unpack(plain["learning"], own)
