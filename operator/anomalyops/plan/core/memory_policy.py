"""When a job's memory limit is raised, or its raising recommended: from numbers to a decision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from anomalyops.plan.core.sizing import advised_limit
from anomalyops.plan.core.sizing_policy import SizingRule, larger_size

LIMITED: Final = frozenset({"soft_limit", "hard_limit"})
_STEP: Final = 2**20  # limits are whole mebibytes
_LEAST_GROWTH: Final = 0.25  # of the limit that did not suffice


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


def more_memory(need: MemoryNeed, rule: SizingRule) -> int | None:
    """The higher limit that a job needs which has reached its own, in bytes; None when no higher one is allowed."""
    grown = math.ceil(need.in_force * (1 + _LEAST_GROWTH))
    wanted = advised_limit(max(need.estimate or 0, grown), need.used + need.exceeded)
    return larger_size(wanted, need.in_force, rule, step=_STEP, largest=need.largest)
