"""Rules between fields: one table that drives the CRD's CEL rules and the models' own validation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken rule: where (camelCase, relative to the model), what was found, what to write instead."""

    field: str
    value: Any
    message: str


class RuleViolation(ValueError):  # noqa: N818 - it is the broken rules, which pydantic turns into its error
    """One or more broken rules of one model."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(violation.message for violation in violations))
        self.violations = violations


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the fields of one object must fulfil together.

    Attributes:
        message: What is wrong and what to write instead. `{fieldName}` stands for the value of a field, which
            must be present whenever the rule is broken.
        holds: The check on the model.
        cel: The same check on the manifest, where `self` is the object; empty where CEL cannot see it.
        field: The camelCase name of the field that is to blame; empty for the object itself.
    """

    message: str
    holds: Callable[[Any], bool]
    cel: str = ""
    field: str = ""

    def violation(self, model: BaseModel) -> Violation:
        """What to report when `model` breaks this rule."""
        values = {info.alias or name: getattr(model, name) for name, info in type(model).model_fields.items()}
        message = _PLACEHOLDER.sub(lambda found: str(values[found.group(1)]), self.message)
        return Violation(field=self.field, value=values.get(self.field), message=message)

    def kubernetes(self) -> dict[str, Any]:
        """An entry of `x-kubernetes-validations`."""
        entry: dict[str, Any] = {"rule": self.cel, "message": _PLACEHOLDER.sub(r"\1", self.message)}
        if _PLACEHOLDER.search(self.message):
            entry["messageExpression"] = _message_expression(self.message)
        if self.field:
            entry["fieldPath"] = f".{self.field}"
        return entry


def _message_expression(template: str) -> str:
    """The CEL expression that fills in the placeholders of a message."""
    parts = []
    for index, part in enumerate(_PLACEHOLDER.split(template)):
        if index % 2:
            parts.append(f"self.{_cel_name(part)}")
        elif part:
            parts.append(cel_string(part))
    return " + ".join(parts)


# Field names that are words of CEL are escaped in rules.
FUNCTION = "__function__"


def _cel_name(field: str) -> str:
    """The name that CEL rules use for a field."""
    return FUNCTION if field == "function" else field


def exactly_one(*fields: str) -> Rule:
    """The rule that exactly one of these (camelCase) fields is written."""
    names = f"{', '.join(fields[:-1])} and {fields[-1]}"

    def holds(model: BaseModel) -> bool:
        written = [
            name
            for name, info in type(model).model_fields.items()
            if info.alias in fields and getattr(model, name) is not None
        ]
        return len(written) == 1

    present = ", ".join(f"has(self.{field})" for field in fields)
    return Rule(
        message=f"write exactly one of {names}",
        holds=holds,
        cel=f"[{present}].exists_one(present, present)",
    )


def cel_string(text: str) -> str:
    """`text` as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def cel_list(values: list[str] | tuple[str, ...]) -> str:
    """`values` as a CEL list literal of strings."""
    return "[" + ", ".join(cel_string(value) for value in values) + "]"
