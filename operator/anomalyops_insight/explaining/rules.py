"""Custom rules of detectors: in words, and whether they apply to a value."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

_COMPARISONS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "gt": (">", operator.gt),
    "gte": (">=", operator.ge),
    "lt": ("<", operator.lt),
    "lte": ("<=", operator.le),
}


def rule_words(rule: Mapping[str, Any]) -> str:
    """A rule in words: `skip_result where actual < 0.25 and host is in filter safe`."""
    actions = " and ".join(rule.get("actions") or ["skip_result"])
    conditions = [
        f"{condition['applies_to']} {_COMPARISONS[condition['operator']][0]} {condition['value']:g}"
        for condition in rule.get("conditions", ())
    ]
    for name, scope in rule.get("scope", {}).items():
        inside = "is in" if scope.get("filter_type", "include") == "include" else "is not in"
        conditions.append(f"{name} {inside} filter {scope['filter_id']}")
    return f"{actions} where {' and '.join(conditions)}" if conditions else actions


def applying(
    rules: Iterable[Mapping[str, Any]], *, actual: float, typical: float | None, at: datetime
) -> list[Mapping[str, Any]]:
    """The rules that skip a result for its value and time.

    Rules with a scope are left out: what their filters hold is not known here.
    """
    values = {"actual": actual, "time": at.timestamp()}
    if typical is not None:
        values |= {"typical": typical, "diff_from_typical": abs(actual - typical)}
    return [
        rule
        for rule in rules
        if "skip_result" in (rule.get("actions") or ["skip_result"])
        and not rule.get("scope")
        and rule.get("conditions")
        and all(_holds(condition, values) for condition in rule["conditions"])
    ]


def _holds(condition: Mapping[str, Any], values: Mapping[str, float]) -> bool:
    value = values.get(str(condition["applies_to"]))
    return value is not None and _COMPARISONS[condition["operator"]][1](value, float(condition["value"]))
