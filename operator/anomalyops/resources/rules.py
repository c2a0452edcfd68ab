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
        cel: The same check on the manifest, where `self` is the object. Empty where CEL cannot see the values.
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
            parts.append(f"string(self.{part})")
        elif part:
            parts.append(cel_string(part))
    return " + ".join(parts)


def cel_string(text: str) -> str:
    """`text` as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def cel_list(values: list[str] | tuple[str, ...]) -> str:
    """`values` as a CEL list literal of strings."""
    return "[" + ", ".join(cel_string(value) for value in values) + "]"
