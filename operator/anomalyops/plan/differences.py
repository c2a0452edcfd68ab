"""Where the server's configuration means something else than the manifest.

Only what the manifest says is compared; what the server fills in, and what other people added beside it, is
not a difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

from anomalyops.plan import meaning
from anomalyops.plan.fields import DATAFEED_FIELDS, DETECTOR_FIELDS, JOB_FIELDS, Field, FieldClass
from anomalyops.plan.meaning import JsonValue
from anomalyops.plan.values import JsonObject

MARKER_KEY = "anomalyops"  # the operator's own key in a job's custom_settings
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


def normal_datafeed(body: JsonObject) -> dict[str, JsonValue]:
    """A datafeed body with the current key names: `aggs` and `indexes` are input-only aliases."""
    aliases = {"aggs": "aggregations", "indexes": "indices"}
    return {aliases.get(key, key): value for key, value in body.items() if value is not None}


def compare_datafeed(wanted: JsonObject, observed: JsonObject) -> tuple[Difference, ...]:
    """What the manifest says about a datafeed and the server has otherwise."""
    return tuple(_compared(DATAFEED_FIELDS, normal_datafeed(wanted), normal_datafeed(observed)))


def compare_job(wanted: JsonObject, observed: JsonObject) -> tuple[Difference, ...]:
    """What the manifest says about a job and the server has otherwise."""
    special = {"custom_settings", "analysis_config.detectors", "analysis_config.categorization_filters"}
    plain = [field for field in JOB_FIELDS if field.path not in special]
    return (
        *_compared(plain, wanted, observed),
        *_compared_settings(wanted, observed),
        *_compared_detectors(wanted, observed),
        *_compared_filters(wanted, observed),
    )


def _compared(fields: Iterable[Field], wanted: JsonObject, observed: JsonObject) -> Iterable[Difference]:
    for field in fields:
        value = _lookup(wanted, field.keys)
        if value is None or field.field_class is FieldClass.NOT_KEPT:
            continue
        current = _lookup(observed, field.keys)
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


def _compared_settings(wanted: JsonObject, observed: JsonObject) -> Iterable[Difference]:
    current = observed.get("custom_settings") or {}
    for key, value in (wanted.get("custom_settings") or {}).items():
        if key != MARKER_KEY and current.get(key) != value:
            yield Difference(
                path=f"custom_settings.{key}",
                key="custom_settings",
                field_class=FieldClass.LIVE,
                observed=current.get(key),
                wanted=value,
            )


def _compared_detectors(wanted: JsonObject, observed: JsonObject) -> Iterable[Difference]:
    path = "analysis_config.detectors"
    ours = _lookup(wanted, ("analysis_config", "detectors"))
    theirs = _lookup(observed, ("analysis_config", "detectors")) or []
    if ours is None:
        return
    if len(ours) != len(theirs):
        yield Difference(
            path=path,
            key="detectors",
            field_class=FieldClass.IMMUTABLE,
            observed=f"{len(theirs)} of them",
            wanted=f"{len(ours)} of them",
        )
        return
    for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        yield from _compared_detector(f"{path}[{index}]", index, our, their)


def _compared_detector(path: str, index: int, ours: JsonObject, theirs: JsonObject) -> Iterable[Difference]:
    for field in DETECTOR_FIELDS:
        value, current = ours.get(field.path), theirs.get(field.path)
        unsaid = value is None and field.field_class is not FieldClass.IMMUTABLE
        if not unsaid and field.meaning(value) != field.meaning(current):
            yield Difference(
                path=f"{path}.{field.path}",
                key=f"detectors[{index}]",
                field_class=field.field_class,
                observed=current,
                wanted=value,
            )


def _compared_filters(wanted: JsonObject, observed: JsonObject) -> Iterable[Difference]:
    """Categorization filters: the server moves them into the analyzer that it makes, where they are fixed."""
    keys = ("analysis_config", "categorization_filters")
    value = _lookup(wanted, keys)
    if value is None:
        return
    current = _lookup(observed, keys)
    kept = current is not None or _lookup(observed, ("analysis_config", "categorization_analyzer")) is None
    if not kept:
        current = _filters_in_analyzer(observed["analysis_config"]["categorization_analyzer"])
    if meaning.as_given(value) != meaning.as_given(current):
        yield Difference(
            path=".".join(keys),
            key="categorization_filters",
            field_class=FieldClass.LIVE if kept else FieldClass.IMMUTABLE,
            observed=current,
            wanted=value,
        )


def _filters_in_analyzer(analyzer: JsonValue) -> list[str]:
    filters = analyzer.get("char_filter", ()) if isinstance(analyzer, Mapping) else ()
    return [
        part["pattern"]
        for part in filters
        if isinstance(part, Mapping) and part.get("type") == "pattern_replace" and "pattern" in part
    ]


def _lookup(body: JsonValue, keys: tuple[str, ...]) -> JsonValue:
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
