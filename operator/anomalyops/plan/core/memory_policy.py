"""When a job's memory limit is raised, or its raising recommended: from numbers to a decision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from anomalyops.plan.core.sizing import advised_limit
from anomalyops.resources import SizingPolicy

LIMITED: Final = frozenset({"soft_limit", "hard_limit"})
_STEP: Final = 2**20  # limits are whole mebibytes
_LEAST_GROWTH: Final = 0.25  # of the limit that did not suffice


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRule:
    """What a manifest says about a job's memory.

    Attributes:
        mode: What is done.
        least: The smallest limit that is set, in bytes; None for any.
        most: The largest limit that is set or recommended, in bytes; None for any that the server accepts.
        cool_down: Seconds between two raises.
    """

    mode: SizingPolicy = SizingPolicy.FIXED
    least: int | None = None
    most: int | None = None
    cool_down: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """What is known of a job that has reached its limit, in bytes.

    Attributes:
        in_force: The limit.
        used: What the model uses.
        exceeded: What it would have needed beyond the limit, as far as the server counted.
        estimate: What the server estimates from the number of values in the data; None where it was not asked.
        largest: The largest limit that the server accepts; None for any.
    """

    in_force: int
    used: int = 0
    exceeded: int = 0
    estimate: int | None = None
    largest: int | None = None


def limit_to_keep(given: int | None, in_force: int | None, rule: MemoryRule) -> int | None:
    """The limit that a job is to have, in bytes; None where neither manifest nor rule says one.

    With `Auto` a limit that is higher than the manifest's was raised for a reason and stays, within the rule's bounds.

    Args:
        given: The manifest's limit.
        in_force: The server's; None for a job that does not exist.
        rule: What the manifest says about memory.
    """
    if rule.mode is not SizingPolicy.AUTO:
        return given
    known = [limit for limit in (given, in_force, rule.least) if limit is not None]
    if not known:
        return None
    return max(known) if rule.most is None else min(max(known), rule.most)


def more_memory(need: MemoryNeed, rule: MemoryRule) -> int | None:
    """The higher limit that a job needs which has reached its own, in bytes; None when no higher one is allowed."""
    grown = math.ceil(need.in_force * (1 + _LEAST_GROWTH))
    wanted = max(advised_limit(max(need.estimate or 0, grown), need.used + need.exceeded), rule.least or 0)
    allowed = [limit for limit in (rule.most, need.largest) if limit is not None]
    limit = min([wanted, *allowed]) // _STEP * _STEP
    return limit if limit > need.in_force else None


def cooled_down(seconds: float | None, rule: MemoryRule) -> bool:
    """Whether the limit may be raised again, `seconds` after it was raised last (None: never)."""
    return seconds is None or seconds >= rule.cool_down
