"""Where the server's configuration means something else than the manifest.

Only what the manifest says, or said last, is compared; what the server fills in, and what other people added beside
it, is not a difference.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

from anomalyops.plan.core.fields import STAYS, Field, FieldClass
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
        return f"{self.manifest_path} {shown(self.observed)} -> {shown(self.wanted)}"

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


def compared(
    fields: Iterable[Field], wanted: JsonObject, observed: JsonObject, sent: Collection[str] = ()
) -> Iterable[Difference]:
    """What the server has otherwise than the manifest says, or still has though the manifest says it no more.

    Args:
        fields: The fields to compare.
        wanted: The manifest's body.
        observed: The server's configuration.
        sent: The paths that the manifest gave last; of what it never gave, the server's value stays.
    """
    for field in fields:
        value = value_at(wanted, field.keys)
        if field.field_class is FieldClass.NOT_KEPT or (value is None and field.path not in sent):
            continue
        current = value_at(observed, field.keys)
        stays = value is None and field.unset is STAYS
        goal = None if stays else field.unset if value is None else value
        if field.meaning(goal) != field.meaning(current):
            key = field.keys[1] if field.keys[0] == "analysis_config" else field.keys[0]
            yield Difference(
                path=field.path,
                key=key,
                field_class=FieldClass.STAYS if stays else field.field_class,
                observed=current,
                wanted=goal,
                model_input=field.model_input,
            )


def paths_of(fields: Iterable[Field], body: JsonObject) -> Iterable[str]:
    """The paths of the fields that a manifest's body gives."""
    return (field.path for field in fields if value_at(body, field.keys) is not None)


def value_at(body: JsonValue, keys: tuple[str, ...]) -> JsonValue:
    """The value at a path of keys; None where there is none."""
    for key in keys:
        if not isinstance(body, Mapping):
            return None
        body = body.get(key)
    return body


def shown(value: JsonValue) -> str:
    """A value in words, cut where it is long."""
    if value is None:
        return "(not set)"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    text = text or '""'
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
