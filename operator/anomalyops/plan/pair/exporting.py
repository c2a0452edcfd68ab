"""From what a server has to the least that a manifest must say: the reverse of planning.

The tables of fields decide: a value that means the same as what the server would fill in is left out. What is said is
what `compare_job` and `compare_datafeed` would look at, so that a plan for it finds nothing to change, and what a
server without the job would need to make the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops.plan.core import meaning
from anomalyops.plan.core.differences import value_at
from anomalyops.plan.core.fields import STAYS, Field, FieldClass
from anomalyops.plan.core.meaning import JsonObject, JsonValue
from anomalyops.plan.core.snapshots import learnt_until
from anomalyops.plan.pair.detectors import generated_description
from anomalyops.plan.pair.fields import (
    DATAFEED_FIELDS,
    DETECTOR_FIELDS,
    FEED_FILLED_IN,
    JOB_FIELDS,
    JOB_FILLED_IN,
)
from anomalyops.plan.pair.marker import without_mark
from anomalyops.resources import DEFAULT_BUCKET_SPAN
from anomalyops.resources.aggregations import find_histogram

_DETECTORS, _ANALYZER = "analysis_config.detectors", "analysis_config.categorization_analyzer"
_SETTINGS, _RESULTS_INDEX, _SCRIPTS = "custom_settings", "results_index_name", "script_fields"
# Said even where they are the server's own: who reads the manifest must know them to know what the scores are of.
_ALWAYS = frozenset({"analysis_config.bucket_span", "data_description.time_field"})
# Objects that the server takes only with this key in them.
_REQUIRED = {"model_plot_config": "enabled", "delayed_data_check_config": "enabled", "chunking_config": "mode"}

_PRUNE_WINDOW_DAYS, _PRUNE_WINDOW_SPANS = 30, 20  # the greater of the two is the server's own
_DAY_MS = 86_400_000
_AGGREGATED_CHUNK = 1000  # intervals of the histogram
_DRAWN_DELAYS = range(60_000, 120_000)  # ms; the server draws one by the job's id

_LONGEST_DESCRIPTION = 1024
# As the server's process and its records of closing and persisting describe them.
_OWN_DESCRIPTION = re.compile(r"(State persisted due to|Periodic background persist at|empty snapshot)")

_FIRST_LINES = ("first_line_with_letters", "first_non_blank_line")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
_STOP_WORDS = {*_DAYS, *_MONTHS, *(name[:3] for name in (*_DAYS, *_MONTHS)), "GMT", "UTC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A job or datafeed of a server as a manifest would say it.

    Attributes:
        body: A create body in server names.
        unknown: The paths of what the server has beside it and no manifest can say.
    """

    body: dict[str, Any]
    unknown: tuple[str, ...]


def export_job(config: JsonObject) -> Exported:
    """What a manifest must say of a job; the mark of an owner is not part of it.

    Args:
        config: The server's configuration, as GET gives it.
    """
    said = _said(JOB_FIELDS, config, _job_defaults(config))
    _rewrite(said, _DETECTORS, lambda detectors: [_detector(detector) for detector in detectors])
    _rewrite(said, _SETTINGS, without_mark)
    _rewrite(said, _RESULTS_INDEX, lambda name: str(name).removeprefix("custom-"))
    analyzer = value_at(config, tuple(_ANALYZER.split(".")))
    filters = _filters_of_own_analyzer(analyzer)
    if filters is not None:
        del said[_ANALYZER]
        if filters:
            said["analysis_config.categorization_filters"] = filters
    unknown = [*_unknown(JOB_FIELDS, config, JOB_FILLED_IN), *_unknown_of_detectors(config)]
    return Exported(body=_nested(said, config), unknown=tuple(unknown))


def export_datafeed(config: JsonObject) -> Exported:
    """What a manifest must say of a datafeed, without the job that it belongs to.

    Args:
        config: The server's configuration, as GET gives it. The rights that it holds are left out.
    """
    said = _said(DATAFEED_FIELDS, config, _datafeed_defaults(config))
    _rewrite(said, _SCRIPTS, lambda fields: {name: _script_field(field) for name, field in fields.items()})
    unknown = _unknown(DATAFEED_FIELDS, config, (*FEED_FILLED_IN, "job_id"))
    return Exported(body=_nested(said, config), unknown=tuple(unknown))


def export_retained(snapshots: Sequence[JsonObject]) -> list[dict[str, Any]]:
    """What a manifest must say of a job's model snapshots: those that are retained, the newest first.

    A description that the server wrote itself is not part of it.
    """
    kept = sorted((one for one in snapshots if one.get("retain")), key=learnt_until, reverse=True)
    return [_retained(str(one["snapshot_id"]), str(one.get("description") or "")) for one in kept]


def _retained(snapshot_id: str, description: str) -> dict[str, Any]:
    said = description.strip() and len(description) <= _LONGEST_DESCRIPTION and not _OWN_DESCRIPTION.match(description)
    return {"snapshot_id": snapshot_id} | ({"description": description} if said else {})


def filters_named(config: JsonObject) -> frozenset[str]:
    """The filter lists that the rules of a job name."""
    detectors = value_at(config, ("analysis_config", "detectors")) or []
    return frozenset(
        str(scope["filter_id"])
        for detector in detectors
        for rule in detector.get("custom_rules") or ()
        for scope in (rule.get("scope") or {}).values()
    )


# -- what differs from what the server would fill in -----------------------------------------------------------------


def _said(fields: Iterable[Field], config: JsonObject, defaults: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The values by path that mean something else than the server's own."""
    said: dict[str, JsonValue] = {}
    for field in fields:
        value = value_at(config, field.keys)
        if value is None or field.field_class is FieldClass.NOT_KEPT:
            continue
        own = defaults.get(field.path, None if field.unset is STAYS else field.unset)
        if field.path in _ALWAYS or field.meaning(value) != field.meaning(own):
            said[field.path] = value
    return said


def _job_defaults(config: JsonObject) -> dict[str, JsonValue]:
    span = meaning.duration(value_at(config, ("analysis_config", "bucket_span")) or DEFAULT_BUCKET_SPAN)
    window = max(_PRUNE_WINDOW_DAYS * _DAY_MS, _PRUNE_WINDOW_SPANS * span if isinstance(span, int) else 0)
    return {
        "analysis_config.model_prune_window": f"{window}ms",
        "model_plot_config.annotations_enabled": value_at(config, ("model_plot_config", "enabled")),
    }


def _datafeed_defaults(config: JsonObject) -> dict[str, JsonValue]:
    delay = config.get("query_delay")
    defaults = {"query_delay": delay if _is_drawn(delay) else "none"}  # none at all is one, and not the server's own
    if aggregations := config.get("aggregations"):
        interval = _interval(aggregations)
        if interval is None:
            return defaults | {"chunking_config.mode": None}
        defaults |= {"chunking_config.mode": "manual"}
        defaults |= {"chunking_config.time_span": f"{_AGGREGATED_CHUNK * interval}ms"}
    return defaults


def _is_drawn(delay: JsonValue) -> bool:
    """Whether a query delay looks like the server's own draw: between one and two minutes, and no whole second."""
    found = meaning.duration(delay)
    return isinstance(found, int) and found in _DRAWN_DELAYS and found % 1000 != 0


def _interval(aggregations: JsonObject) -> int | None:
    """Milliseconds of the histogram of aggregations; None where nothing can be said of it."""
    try:
        found = find_histogram(aggregations).interval
    except ValueError:
        return None
    return None if found is None else found // 1_000_000


def _detector(detector: JsonObject) -> dict[str, JsonValue]:
    said = _said(DETECTOR_FIELDS, detector, {"detector_description": generated_description(detector)})
    _rewrite(said, "custom_rules", lambda rules: [_rule(rule) for rule in rules])
    return said


def _rule(rule: JsonObject) -> dict[str, JsonValue]:
    said = _without(_without(rule, scope={}), conditions=[])
    if said.get("actions") == ["skip_result"]:
        del said["actions"]
    if scope := said.get("scope"):
        said["scope"] = {name: _without(filters, filter_type="include") for name, filters in scope.items()}
    return said


def _script_field(field: JsonObject) -> dict[str, JsonValue]:
    said = _without(field, ignore_failure=False)
    if isinstance(script := said.get("script"), Mapping):
        said["script"] = _without(script, lang="painless")
    return said


def _without(value: JsonObject, **own: JsonValue) -> dict[str, JsonValue]:
    return {key: part for key, part in value.items() if key not in own or part != own[key]}


def _filters_of_own_analyzer(analyzer: JsonValue) -> list[str] | None:
    """The categorization filters that the server made an analyzer of; None for one that somebody wrote."""
    if not isinstance(analyzer, Mapping) or analyzer.get("tokenizer") != "ml_standard":
        return None
    first, *patterns = analyzer.get("char_filter") or [None]
    if first not in _FIRST_LINES or not all(map(_is_plain_pattern, patterns)):
        return None
    if not all(map(_is_own_filter, analyzer.get("filter") or [])):
        return None
    return [part["pattern"] for part in patterns]


def _is_plain_pattern(part: JsonValue) -> bool:
    if not isinstance(part, Mapping) or part.get("type") != "pattern_replace" or part.get("replacement", "") != "":
        return False
    return set(part) <= {"type", "pattern", "replacement"} and "pattern" in part


def _is_own_filter(part: JsonValue) -> bool:
    if not isinstance(part, Mapping):
        return False
    if part.get("type") == "limit":  # later versions of the server
        return {key: str(value) for key, value in part.items()} == {"type": "limit", "max_token_count": "100"}
    return set(part) == {"type", "stopwords"} and part["type"] == "stop" and set(part["stopwords"]) == _STOP_WORDS


# -- from paths to a body --------------------------------------------------------------------------------------------


def _rewrite(said: dict[str, JsonValue], path: str, change: Any) -> None:
    """Changes a value where it is said; one that is empty then is said no more."""
    if path in said:
        value = change(said.pop(path))
        if value not in ({}, []):
            said[path] = value


def _nested(said: Mapping[str, JsonValue], config: JsonObject) -> dict[str, JsonValue]:
    body: dict[str, Any] = {}
    for path, value in said.items():
        *outer, last = path.split(".")
        inner = body
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    for outer_key, key in _REQUIRED.items():
        if outer_key in body:
            body[outer_key].setdefault(key, value_at(config, (outer_key, key)) or False)
    return body


def _unknown(fields: Iterable[Field], config: JsonObject, filled_in: Iterable[str]) -> Iterator[str]:
    """The paths of values that no field of a table covers and that the server did not fill in by itself."""
    paths = {field.path for field in fields}
    objects = {path[:end] for path in paths for end, sign in enumerate(path) if sign == "."}
    known = paths | set(filled_in)

    def walk(value: JsonObject, before: str) -> Iterator[str]:
        for key, below in value.items():
            path = f"{before}{key}"
            if path in objects and isinstance(below, Mapping):
                yield from walk(below, f"{path}.")
            elif path not in known and below is not None:
                yield path

    return walk(config, "")


def _unknown_of_detectors(config: JsonObject) -> Iterator[str]:
    for index, detector in enumerate(value_at(config, ("analysis_config", "detectors")) or []):
        for path in _unknown(DETECTOR_FIELDS, detector, ("detector_index",)):
            yield f"{_DETECTORS}[{index}].{path}"
