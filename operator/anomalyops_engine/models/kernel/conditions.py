"""Custom rule conditions as numbers, so that the learners can apply `skip_model_update` while they learn."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import CustomRule
from anomalyops_engine.models.kernel.compiling import kernel

APPLIES_TO = {"actual": 0, "typical": 1, "diff_from_typical": 2, "time": 3}
OPERATORS = {"lt": 0, "lte": 1, "gt": 2, "gte": 3}

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ALWAYS: FloatArray = np.array([[0.0, APPLIES_TO["time"], OPERATORS["gte"], -np.inf]])
"""Conditions that always hold."""


def encode_conditions(rules: Sequence[CustomRule], action: str) -> FloatArray:
    """The conditions of the rules with an action: rows of (rule, applies_to, operator, value).

    A rule without conditions applies at any time.
    """
    rows = [
        (number, APPLIES_TO["time"], OPERATORS["gte"], -np.inf)
        if condition is None
        else (number, APPLIES_TO[condition.applies_to], OPERATORS[condition.operator], condition.value)
        for number, rule in enumerate(rule for rule in rules if action in rule.actions)
        for condition in rule.conditions or (None,)
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def encode_kinds(kinds: Sequence[FloatArray]) -> tuple[FloatArray, IntArray]:
    """The conditions of several kinds of entities as one: all rows, and where those of each kind begin and end."""
    return np.concatenate(kinds), np.cumsum([0, *map(len, kinds)]).astype(np.int64)


@kernel
def matches(conditions: FloatArray, actual: float, typical: float, time_s: float) -> bool:
    """Whether all conditions of any rule hold.

    Args:
        conditions: From `encode_conditions`.
        actual: The bucket's value.
        typical: The model's expectation.
        time_s: Bucket start, epoch seconds.
    """
    k = 0
    while k < conditions.shape[0]:
        rule = conditions[k, 0]
        holds = True
        while k < conditions.shape[0] and conditions[k, 0] == rule:
            value = actual
            if conditions[k, 1] == 1:
                value = typical
            elif conditions[k, 1] == 2:
                value = abs(actual - typical)
            elif conditions[k, 1] == 3:
                value = time_s
            limit, operator = conditions[k, 3], conditions[k, 2]
            holds = holds and (
                (operator == 0 and value < limit)
                or (operator == 1 and value <= limit)
                or (operator == 2 and value > limit)
                or (operator == 3 and value >= limit)
            )
            k += 1
        if holds:
            return True
    return False


@kernel
def matches_kind(
    conditions: FloatArray, ends: IntArray, kind: int, actual: float, typical: float, time_s: float
) -> bool:
    """Whether all conditions of any rule hold that is for entities of a kind.

    Args:
        conditions: From `encode_kinds`.
        ends: The same.
        kind: The kind.
        actual: The bucket's value.
        typical: The model's expectation.
        time_s: Bucket start, epoch seconds.
    """
    return matches(conditions[ends[kind] : ends[kind + 1]], actual, typical, time_s)
