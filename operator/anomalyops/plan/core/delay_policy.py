"""When a datafeed's query delay is raised, or its raising recommended: from how late documents came to a decision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from anomalyops.plan.core.sizing import Latency, advised_delay, delay_for
from anomalyops.plan.core.sizing_policy import SizingRule, larger_size

SECOND: Final = 1000  # delays are milliseconds here, and whole seconds where they are set
_LEAST_GROWTH: Final = 0.25  # of a delay that did not suffice, where documents do not say when they were ingested
_LEAST_GROWTH_MS: Final = 10 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayNeed:
    """What is known of a datafeed's documents.

    Attributes:
        in_force: The query delay, in milliseconds.
        latency: How late documents came; None where they do not say when they were ingested.
        missed: Whether the server reported documents that came after their bucket was read, with this delay.
    """

    in_force: int
    latency: Latency | None = None
    missed: bool = False


def longer_delay(need: DelayNeed, rule: SizingRule) -> int | None:
    """The longer query delay that a datafeed needs, in milliseconds; None when the present one is to stay.

    It waits for 95 of 100 documents. Where the server reports that some were missed all the same, it waits for 99 of
    100; where nothing says how late they come, a quarter longer than what did not suffice.
    """
    wanted = _wanted(need)
    return None if wanted is None else larger_size(wanted, need.in_force, rule, step=SECOND)


def _wanted(need: DelayNeed) -> int | None:
    late = need.latency
    if late is None:
        if not need.missed:
            return None
        return math.ceil((need.in_force + max(_LEAST_GROWTH_MS, _LEAST_GROWTH * need.in_force)) / SECOND) * SECOND
    if need.missed:
        return delay_for(late.p99) * SECOND
    return advised_delay(late) * SECOND if late.p95 * SECOND > need.in_force else None
