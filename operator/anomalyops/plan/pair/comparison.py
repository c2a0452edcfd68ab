"""Where a job or a datafeed on the server means something else than its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anomalyops.plan.core import meaning
from anomalyops.plan.core.differences import Difference, compared, value_at
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject, JsonValue
from anomalyops.plan.pair.fields import DATAFEED_FIELDS, DETECTOR_FIELDS, JOB_FIELDS

MARKER_KEY = "anomalyops"  # the operator's own key in a job's custom_settings


def normal_datafeed(body: JsonObject) -> dict[str, JsonValue]:
    """A datafeed body with the current key names: `aggs` and `indexes` are input-only aliases."""
    aliases = {"aggs": "aggregations", "indexes": "indices"}
    return {aliases.get(key, key): value for key, value in body.items() if value is not None}


def compare_datafeed(wanted: JsonObject, observed: JsonObject) -> tuple[Difference, ...]:
    """What the manifest says about a datafeed and the server has otherwise."""
    return tuple(compared(DATAFEED_FIELDS, normal_datafeed(wanted), normal_datafeed(observed)))


def compare_job(wanted: JsonObject, observed: JsonObject) -> tuple[Difference, ...]:
    """What the manifest says about a job and the server has otherwise."""
    special = {"custom_settings", "analysis_config.detectors", "analysis_config.categorization_filters"}
    plain = [field for field in JOB_FIELDS if field.path not in special]
    return (
        *compared(plain, wanted, observed),
        *_compared_settings(wanted, observed),
        *_compared_detectors(wanted, observed),
        *_compared_filters(wanted, observed),
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
    ours = value_at(wanted, ("analysis_config", "detectors"))
    theirs = value_at(observed, ("analysis_config", "detectors")) or []
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
    value = value_at(wanted, keys)
    if value is None:
        return
    current = value_at(observed, keys)
    kept = current is not None or value_at(observed, ("analysis_config", "categorization_analyzer")) is None
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
