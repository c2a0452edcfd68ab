"""A size of a pair as its manifest's policy has it: what the memory limit and the query delay have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anomalyops.plan.core.sizing_policy import SizingRule, cooled_down
from anomalyops.resources import SizingPolicy, parse_duration
from anomalyops.resources.sizing import Sizing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """What a manifest says about a size, and what its status remembers.

    Attributes:
        rule: The policy.
        raised: When the size was last seen to have been raised; None for never.
        recommended: The size that was recommended last; None for none.
    """

    rule: SizingRule
    raised: datetime | None = None
    recommended: int | None = None

    def may_raise(self, now: datetime) -> bool:
        """Whether the size may be raised now."""
        since = None if self.raised is None else (now - self.raised).total_seconds()
        return self.rule.mode is SizingPolicy.AUTO and cooled_down(since, self.rule)


def rule_of(sizing: Sizing, least: Any, most: Any, measure: Callable[[Any], int]) -> SizingRule:
    """The policy of a manifest.

    Args:
        sizing: What the manifest says.
        least: Its smallest size, as the manifest writes it; None for any.
        most: Its largest size, likewise.
        measure: The number that such a size stands for.
    """
    return SizingRule(
        mode=sizing.policy,
        least=None if least is None else measure(least),
        most=None if most is None else measure(most),
        cool_down=parse_duration(sizing.cool_down) / 1000,
    )
