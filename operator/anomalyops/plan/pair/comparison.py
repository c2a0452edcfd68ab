"""Where a job or a datafeed on the server means something else than its manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from anomalyops.plan.core import meaning
from anomalyops.plan.core.differences import Difference, compared, paths_of, value_at
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.meaning import JsonObject, JsonValue
from anomalyops.plan.pair.detectors import generated_description
from anomalyops.plan.pair.fields import DATAFEED_FIELDS, DETECTOR_FIELDS, JOB_FIELDS
from anomalyops.plan.pair.marker import without_mark

_SPECIAL = frozenset({"custom_settings", "analysis_config.detectors", "analysis_config.categorization_filters"})
_PLAIN = tuple(field for field in JOB_FIELDS if field.path not in _SPECIAL)
_DETECTORS = "analysis_config.detectors"
_DETECTOR_EXTRAS = tuple(field for field in DETECTOR_FIELDS if field.field_class is not FieldClass.IMMUTABLE)


def normal_datafeed(body: JsonObject) -> dict[str, JsonValue]:
    """A datafeed body with the current key names: `aggs` and `indexes` are input-only aliases."""
    aliases = {"aggs": "aggregations", "indexes": "indices"}
    return {aliases.get(key, key): value for key, value in body.items() if value is not None}


def compare_datafeed(wanted: JsonObject, observed: JsonObject, sent: Collection[str] = ()) -> tuple[Difference, ...]:
    """What the server has otherwise than a Datafeed says, or still has though it says so no more.

    Args:
        wanted: The manifest's body.
        observed: The server's datafeed.
        sent: The paths that the manifest gave last.
    """
    ours = normal_datafeed(wanted)
    found = compared(DATAFEED_FIELDS, ours, normal_datafeed(observed), sent)
    return tuple(_chunking_of_aggregations(found, aggregated=bool(ours.get("aggregations"))))


def _chunking_of_aggregations(found: Iterable[Difference], *, aggregated: bool) -> Iterable[Difference]:
    """The span of chunks that the server chose for aggregations when the datafeed was made is made only then."""
    for difference in found:
        removed = difference.path == "chunking_config.mode" and difference.wanted == "auto"
        yield replace(difference, field_class=FieldClass.STAYS) if removed and aggregated else difference


def compare_job(wanted: JsonObject, observed: JsonObject, sent: Collection[str] = ()) -> tuple[Difference, ...]:
    """What the server has otherwise than an AnomalyJob says, or still has though it says so no more.

    Args:
        wanted: The manifest's body.
        observed: The server's job.
        sent: The paths that the manifest gave last.
    """
    return (
        *compared(_PLAIN, wanted, observed, sent),
        *_compared_settings(wanted, observed, sent),
        *_compared_detectors(wanted, observed, sent),
        *_compared_filters(wanted, observed, sent),
    )


def sent_of_job(wanted: JsonObject) -> frozenset[str]:
    """The paths that a job's body gives, for `compare_job` when it gives fewer."""
    settings = (f"custom_settings.{key}" for key in without_mark(wanted.get("custom_settings")))
    detectors = value_at(wanted, ("analysis_config", "detectors")) or []
    extras = (
        f"{_DETECTORS}[{index}].{path}"
        for index, detector in enumerate(detectors)
        for path in paths_of(_DETECTOR_EXTRAS, detector)
    )
    filters = ["analysis_config.categorization_filters"]
    given = [path for path in filters if value_at(wanted, tuple(path.split("."))) is not None]
    return frozenset([*paths_of(_PLAIN, wanted), *settings, *extras, *given])


def sent_of_datafeed(wanted: JsonObject) -> frozenset[str]:
    """The paths that a datafeed's body gives, for `compare_datafeed` when it gives fewer."""
    return frozenset(paths_of(DATAFEED_FIELDS, normal_datafeed(wanted)))


def _compared_settings(wanted: JsonObject, observed: JsonObject, sent: Collection[str]) -> Iterable[Difference]:
    ours, theirs = without_mark(wanted.get("custom_settings")), without_mark(observed.get("custom_settings"))
    gone = [key for key in theirs if key not in ours and f"custom_settings.{key}" in sent]
    for key in (*ours, *gone):
        if theirs.get(key) != ours.get(key):
            yield Difference(
                path=f"custom_settings.{key}",
                key="custom_settings",
                field_class=FieldClass.LIVE,
                observed=theirs.get(key),
                wanted=ours.get(key),
            )


def _compared_detectors(wanted: JsonObject, observed: JsonObject, sent: Collection[str]) -> Iterable[Difference]:
    path = _DETECTORS
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
        yield from _compared_detector(f"{path}[{index}]", index, our, their, sent)


def _compared_detector(
    path: str, index: int, ours: JsonObject, theirs: JsonObject, sent: Collection[str]
) -> Iterable[Difference]:
    for field in DETECTOR_FIELDS:
        value, current = ours.get(field.path), theirs.get(field.path)
        extra = field.field_class is not FieldClass.IMMUTABLE
        unsaid = value is None and extra and f"{path}.{field.path}" not in sent
        if value is None and extra:
            value = field.unset if field.path != "detector_description" else generated_description(ours)
        if not unsaid and field.meaning(value) != field.meaning(current):
            yield Difference(
                path=f"{path}.{field.path}",
                key=f"detectors[{index}]",
                field_class=field.field_class,
                observed=current,
                wanted=value,
            )


def _compared_filters(wanted: JsonObject, observed: JsonObject, sent: Collection[str]) -> Iterable[Difference]:
    """Categorization filters: the server moves them into the analyzer that it makes, where they are fixed."""
    keys = ("analysis_config", "categorization_filters")
    value = value_at(wanted, keys)
    if value is None and ".".join(keys) in sent:
        value = []
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
