"""Custom rules of a detector, applied to its series: which rules hold for whom, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.kernel.conditions import ALWAYS, encode_conditions, encode_kinds
from anomalyops_engine.scoring.memory import Key

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Filters = Mapping[str, "ItemSet"]
"""The filters that a job's rules refer to, by id."""


class ItemSet:
    """The values that a filter list names; `*` at the beginning or end of an item stands for any text."""

    def __init__(self, items: Iterable[str]) -> None:
        self._exact: set[str] = set()
        starts, ends, parts = [], [], []
        for item in items:
            match item.startswith("*"), item.endswith("*"):
                case True, True:
                    parts.append(item[1:-1])
                case True, False:
                    ends.append(item[1:])
                case False, True:
                    starts.append(item[:-1])
                case _:
                    self._exact.add(item)
        self._starts, self._ends, self._parts = tuple(starts), tuple(ends), tuple(parts)

    def __contains__(self, value: str) -> bool:
        return (
            value in self._exact
            or value.startswith(self._starts)
            or value.endswith(self._ends)
            or any(part in value for part in self._parts)
        )


NOTHING: Final = ItemSet(())
NO_FILTERS: Final[Filters] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a series' results and learning are skipped, as numbers (`conditions.encode_conditions`)."""

    skip_result: FloatArray
    skip_update: FloatArray


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A rule that changes clocks once, when its time comes.

    Attributes:
        at_s: From when on, epoch seconds; the first bucket that starts then or later is the one.
        until_s: No bucket that starts then or later is the one.
        shift_s: By how much, seconds.
        rule: The rule, whose scope says for whom.
    """

    at_s: float
    until_s: float
    shift_s: int
    rule: CustomRule


class RuleBook:
    """The rules of one detector.

    Series for which the same rules hold are of one kind; there are few kinds, however many series.

    Attributes:
        kinds: The conditions of each kind.
        clock_changes: The rules that change clocks.
    """

    def __init__(self, detector: ResolvedDetector, filters: Filters) -> None:
        self._rules = detector.rules
        self._names = (*detector.split_fields, *([detector.over] if detector.over else []))
        self._filters = filters
        self._scoped = [rule for rule in self._rules if rule.scope]
        self._known: dict[tuple[bool, ...], int] = {}
        self.kinds: list[Conditions] = []
        self.clock_changes = list(_clock_changes(self._rules))
        self._kind(tuple(False for _ in self._scoped))

    def __deepcopy__(self, _: object) -> RuleBook:
        return self

    def skip_updates(self, *, learns: bool = True) -> tuple[FloatArray, IntArray]:
        """When not to learn, of all kinds (`conditions.encode_kinds`); always where nothing is learnt."""
        return encode_kinds([one.skip_update if learns else ALWAYS for one in self.kinds])

    def kinds_of(self, keys: Sequence[Key]) -> IntArray:
        """The kind of each series or member, by its split values."""
        if not self._scoped:
            return np.zeros(len(keys), dtype=np.int64)
        found = (self._kind(tuple(self.holds_for(rule, key) for rule in self._scoped)) for key in keys)
        return np.fromiter(found, dtype=np.int64, count=len(keys))

    def conditions_of(self, key: Key) -> Conditions:
        """The conditions of a series or member."""
        return self.kinds[int(self.kinds_of([key])[0])]

    def holds_for(self, rule: CustomRule, key: Key) -> bool:
        """Whether a series is in the scope of a rule."""
        values = dict(zip(self._names, key, strict=False))
        for name, reference in (rule.scope or {}).items():
            listed = values.get(name, "") in self._filters.get(reference.filter_id, NOTHING)
            if listed != (reference.filter_type == "include"):
                return False
        return True

    def _kind(self, holding: tuple[bool, ...]) -> int:
        if holding not in self._known:
            left_out = {id(rule) for rule, holds in zip(self._scoped, holding, strict=True) if not holds}
            rules = [rule for rule in self._rules if id(rule) not in left_out]
            self._known[holding] = len(self.kinds)
            self.kinds.append(
                Conditions(encode_conditions(rules, "skip_result"), encode_conditions(rules, "skip_model_update"))
            )
        return self._known[holding]


def _clock_changes(rules: Iterable[CustomRule]) -> Iterable[ClockChange]:
    for rule in rules:
        if rule.time_shift_s is not None:
            begin, end = rule.times_s()
            if begin < end:
                yield ClockChange(begin, end, rule.time_shift_s, rule)
