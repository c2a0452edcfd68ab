"""Where the server's configuration means something else than the manifest.

Only what the manifest says is compared; what the server fills in, and what other people added beside it, is
not a difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

from anomalyops.plan.core.fields import Field, FieldClass
from anomalyops.plan.core.meaning import JsonObject, JsonValue

_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that differs.

    Attributes:
        path: Where, in server names; detectors by number: `analysis_config.detectors[0].function`.
        key: The first key of the update that carries the field (`detectors[0]` for a detector's).
        field_class: What a change of it needs.
        observed: The server's value, None when absent.
        wanted: The manifest's value.
        model_input: Whether the model learns from other data after the change.
    """

    path: str
    key: str
    field_class: FieldClass
    observed: JsonValue
    wanted: JsonValue
    model_input: bool = False

    def __str__(self) -> str:
        return f"{self.manifest_path} {_shown(self.observed)} -> {_shown(self.wanted)}"

    @property
    def manifest_path(self) -> str:
        """The path as a manifest writes it."""
        head, *rest = self.path.split(".")
        if head == "custom_settings":  # what follows is the user's own key
            return ".".join([to_camel(head), *rest])
        return ".".join(to_camel(part) for part in (head, *rest))


def described(differences: Iterable[Difference]) -> str:
    """The differences in words: `description "a" -> "b", groups ["x"] -> ["y"]`."""
    return ", ".join(str(difference) for difference in differences)


def compared(fields: Iterable[Field], wanted: JsonObject, observed: JsonObject) -> Iterable[Difference]:
    """What the manifest says about these fields and the server has otherwise."""
    for field in fields:
        value = value_at(wanted, field.keys)
        if value is None or field.field_class is FieldClass.NOT_KEPT:
            continue
        current = value_at(observed, field.keys)
        if field.meaning(value) != field.meaning(current):
            key = field.keys[1] if field.keys[0] == "analysis_config" else field.keys[0]
            yield Difference(
                path=field.path,
                key=key,
                field_class=field.field_class,
                observed=current,
                wanted=value,
                model_input=field.model_input,
            )


def value_at(body: JsonValue, keys: tuple[str, ...]) -> JsonValue:
    """The value at a path of keys; None where there is none."""
    for key in keys:
        if not isinstance(body, Mapping):
            return None
        body = body.get(key)
    return body


def _shown(value: JsonValue) -> str:
    if value is None:
        return "(not set)"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    text = text or '""'
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
