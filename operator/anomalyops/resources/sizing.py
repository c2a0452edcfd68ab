"""What the operator does about a size that does not suffice: the shape that all such policies share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.durations import Duration
from anomalyops.resources.policies import SizingPolicy
from anomalyops.resources.rules import Rule


class Sizing(SpecModel):
    """What is done about a size that does not suffice. Its bounds, `min` and `max`, are of the size's own type."""

    policy: SizingPolicy = Field(description="What is done.")
    cool_down: Annotated[str, Duration(minimum="10m")] = Field(
        default="1h",
        json_schema_extra={"default": None},  # the API server writes none
        description="With Auto, the least time between two raises; 1h when absent.",
    )


def bounds_in_order(measure: Callable[[Any], int]) -> Rule:
    """That `min` is not larger than `max`, where both are given; they have units, which CEL would have to read.

    Args:
        measure: The number that a bound stands for.
    """
    return Rule(
        message="min is larger than max: lower it, or raise max",
        holds=lambda sizing: sizing.min is None or sizing.max is None or measure(sizing.min) <= measure(sizing.max),
        field="min",
    )
