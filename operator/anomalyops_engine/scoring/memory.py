"""The memory limit of a job: which entities are still given a model, which old ones are given up, and what was refused.

Everything here depends on the data and the numbers of the buckets alone, not on how time was cut into stretches, so a
job that was stopped and restored admits, refuses and forgets exactly what one that ran through does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SOFT_SHARE = 0.6
"""Share of the limit from which the status is soft_limit and old entities are given up earlier."""
_HALF_WINDOWS = {"ok": 2, "soft_limit": 1, "hard_limit": 0.5}
_CHECKS_A_WINDOW = 10
_FEWEST_BUCKETS = 20

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Newcomer:
    """An entity that has no model yet.

    Attributes:
        bucket: Position of the first bucket with its data.
        detection: Index of its detector.
        key: Its split values.
        cost: Bytes that its model takes.
        modelled: Whether it has a model of its own; members of a population are only remembered by name.
    """

    bucket: int
    detection: int
    key: Key
    cost: int
    modelled: bool = True


class MemoryBudget:
    """How much of a job's `model_memory_limit` its models take.

    Attributes:
        limit: Bytes that the models may take.
        peak: The most they ever took.
        failures: Buckets in which an entity had to be left out.
        missing: Bytes that the entities of the last such bucket would have taken; 0 when all are modelled.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.peak = 0
        self.failures = 0
        self.missing = 0

    def status(self, used: int) -> str:
        """`memory_status` of a job whose models take `used` bytes."""
        if self.missing or used > self.limit:
            return "hard_limit"
        return "soft_limit" if used > SOFT_SHARE * self.limit else "ok"

    def change_limit(self, limit: int) -> None:
        """Take over another limit; entities that were refused get another chance."""
        if limit != self.limit:
            self.limit, self.missing = limit, 0

    def window(self, used: int, prune_buckets: int) -> int:
        """Buckets without data after which an entity is given up: fewer the scarcer memory is."""
        return max(int(prune_buckets * _HALF_WINDOWS[self.status(used)] / 2), min(_FEWEST_BUCKETS, prune_buckets))

    def admit(self, newcomers: Iterable[Newcomer], used: int) -> set[tuple[int, Key]]:
        """Decide, in order of appearance, which newcomers get a model.

        Args:
            newcomers: All of a stretch.
            used: Bytes that models take before it.

        Returns:
            The refused ones, as (detection, key).
        """
        waiting = list(newcomers)
        if used + sum(newcomer.cost for newcomer in waiting) <= self.limit:
            self.peak = max(self.peak, used + sum(newcomer.cost for newcomer in waiting))
            return set()
        refused = set()
        for newcomer in sorted(waiting):
            if used + newcomer.cost <= self.limit:
                used += newcomer.cost
            else:
                refused.add((newcomer.detection, newcomer.key))
        self.peak = max(self.peak, used)
        return refused

    def note_refusals(self, costs: Mapping[int, int]) -> None:
        """Count the buckets of a stretch in which entities were left out.

        Args:
            costs: By bucket: bytes that the entities left out would have taken.
        """
        self.failures += len(costs)
        if costs:
            self.missing = costs[max(costs)]

    def note_use(self, used: int) -> None:
        """Remember the most bytes that models ever took."""
        self.peak = max(self.peak, used)

    def settle(self) -> None:
        """Old entities were given up: those refused get another chance."""
        self.missing = 0

    def pack(self) -> dict[str, Any]:
        """Plain values for `unpack`."""
        return {"limit": self.limit, "peak": self.peak, "failures": self.failures, "missing": self.missing}

    def unpack(self, plain: Mapping[str, Any]) -> None:
        """Take over what `pack` described, under this budget's own limit."""
        limit, self.limit = self.limit, plain["limit"]
        self.peak, self.failures, self.missing = plain["peak"], plain["failures"], plain["missing"]
        self.change_limit(limit)


def check_every(prune_buckets: int) -> int:
    """Buckets from one search for entities to give up to the next."""
    return max(prune_buckets // _CHECKS_A_WINDOW, _FEWEST_BUCKETS)
