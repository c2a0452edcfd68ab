"""What a configuration value means: one canonical form for all texts that the server treats alike.

Every function here maps a JSON value of a manifest or of a server's answer to a value that compares equal
exactly when the meaning is equal. `None` stands for "as if it were not set". Values that cannot be read are
returned as they are: the server is the judge of what is valid, and an unreadable value equals itself.

Sources: `_ml` contract, "normalise before compare" and the field tables of jobs and datafeeds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from anomalyops.plan.core.aggregation_meaning import computed
from anomalyops.plan.core.query_meaning import selected
from anomalyops.resources import MEBIBYTE, canonical_function, parse_duration, parse_memory, parse_time

JsonValue = Any  # a parsed JSON value: text, number, list, object, None
JsonObject = Mapping[str, Any]
Meaning = Callable[[JsonValue], JsonValue]

_ALL_WILDCARDS = ("closed", "hidden", "open")


def as_given(value: JsonValue) -> JsonValue:
    """The value itself; empty text, lists and objects mean "not set"."""
    return None if value in ("", [], {}) else value


def flag(value: JsonValue) -> JsonValue:
    """A switch that is off when it is not set."""
    return value or None


def flag_on(value: JsonValue) -> bool:
    """A switch that is on when it is not set."""
    return value is not False


def duration(value: JsonValue) -> JsonValue:
    """Milliseconds: `60m` is `1h`; nothing is the same as a duration of zero."""
    try:
        return parse_duration(value) or None
    except (TypeError, ValueError):
        return value


def memory(value: JsonValue) -> JsonValue:
    """Whole mebibytes, rounded down as the server does: `1gb`, `1024mb` and `1024` are one."""
    try:
        return parse_memory(value) // MEBIBYTE
    except (AttributeError, TypeError, ValueError):
        return value


def moment(value: JsonValue) -> JsonValue:
    """Milliseconds since 1970: `1420070400`, `1420070400000` and `2015-01-01T00:00:00Z` are one."""
    if value is None:
        return None
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        return value


def unordered(value: JsonValue) -> JsonValue:
    """A list whose order and repetitions say nothing; one text is a list of one, as in `indices`."""
    if not value:
        return None
    items = value.split(",") if isinstance(value, str) else value
    return tuple(sorted({str(item).strip() for item in items}))


def function_name(value: JsonValue) -> JsonValue:
    """The full name of a detector function: `avg` is `mean`, `high_nzc` is `high_non_zero_count`."""
    return canonical_function(value.lower()) if isinstance(value, str) else value


def exclude_frequent(value: JsonValue) -> JsonValue:
    """`all`, `by` or `over`; `none` is the same as not set."""
    name = value.lower() if isinstance(value, str) else value
    return None if name == "none" else name


def results_index(value: JsonValue) -> JsonValue:
    """The name without the prefix that the server puts before every name but `shared`."""
    name = value.removeprefix("custom-") if isinstance(value, str) else value
    return "shared" if name is None else name


def rules(value: JsonValue) -> JsonValue:
    """Custom rules with the server's defaults. Rules are joined by or, conditions by and: order says nothing."""
    if not value:
        return None
    return _sorted_texts(_rule(rule) for rule in value)


def _rule(rule: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    scope = {name: {"filter_type": "include", **filters} for name, filters in (rule.get("scope") or {}).items()}
    conditions = [
        {**condition, "value": float(condition["value"])} if "value" in condition else dict(condition)
        for condition in rule.get("conditions") or ()
    ]
    return {
        "actions": sorted(rule.get("actions") or ["skip_result"]),
        "scope": scope,
        "conditions": _sorted_texts(conditions),
    }


def _sorted_texts(values: Iterable[JsonValue]) -> tuple[str, ...]:
    return tuple(sorted(json.dumps(value, sort_keys=True) for value in values))


def query(value: JsonValue) -> JsonValue:
    """What a query selects, whatever its words; nothing is `match_all`."""
    return selected(value or None)


def aggregations(value: JsonValue) -> JsonValue:
    """What aggregations compute, whatever their words."""
    return computed(value)


def script_fields(value: JsonValue) -> JsonValue:
    """Script fields with what the server adds: `ignore_failure: false`, `lang: painless`."""
    if not value:
        return None
    return {name: _script_field(field) for name, field in value.items()}


def _script_field(field: JsonValue) -> JsonValue:
    if not isinstance(field, Mapping):
        return field
    script = field.get("script")
    if isinstance(script, str):
        script = {"source": script}
    if isinstance(script, Mapping) and "id" not in script:
        script = {"lang": "painless", **script}
    return {"ignore_failure": False, **field, "script": script}


def expand_wildcards(value: JsonValue) -> JsonValue:
    """The kinds of indices in a fixed order: `all` is each of them, `none` is nothing."""
    names = set(unordered(value) or ())
    if "all" in names:
        return _ALL_WILDCARDS
    return tuple(sorted(names - {"none"}))


def empty_searches(value: JsonValue) -> JsonValue:
    """A number of searches; -1 takes the limit away."""
    return None if value == -1 else value
