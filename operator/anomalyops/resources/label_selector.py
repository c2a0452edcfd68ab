"""Choosing objects by their labels, as Kubernetes does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.rules import Rule

_Key = Annotated[str, Field(min_length=1, max_length=317)]
_Value = Annotated[str, Field(max_length=63)]


class SelectorOperator(StrEnum):
    """What a label is asked."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


_WITH_VALUES = (SelectorOperator.IN, SelectorOperator.NOT_IN)


class LabelRequirement(SpecModel):
    """What one label must be."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="In and NotIn need values, Exists and DoesNotExist have none: add or remove values",
            holds=lambda one: bool(one.values) == (one.operator in _WITH_VALUES),
            cel="(has(self.values) && size(self.values) > 0) == (self.operator in ['In', 'NotIn'])",
            field="values",
        ),
    )

    key: _Key = Field(description="The label.")
    operator: SelectorOperator = Field(description="What it is asked.")
    values: list[_Value] | None = Field(default=None, max_length=64, description="The values of In and NotIn.")

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels fulfils it."""
        value = labels.get(self.key)
        match self.operator:
            case SelectorOperator.IN:
                return value is not None and value in (self.values or ())
            case SelectorOperator.NOT_IN:
                return value is None or value not in (self.values or ())
            case SelectorOperator.EXISTS:
                return value is not None
            case SelectorOperator.DOES_NOT_EXIST:
                return value is None


class LabelSelector(SpecModel):
    """What the labels of an object must be; all of it. An empty one chooses every object of the namespace."""

    match_labels: dict[str, _Value] | None = Field(
        default=None, max_length=64, description="Labels and the values that they must have."
    )
    match_expressions: list[LabelRequirement] | None = Field(
        default=None, max_length=64, description="What else labels must be."
    )

    def chooses(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is chosen."""
        equal = all(labels.get(key) == value for key, value in (self.match_labels or {}).items())
        return equal and all(one.holds(labels) for one in self.match_expressions or ())
