"""What aggregations compute, in one canonical form.

`aggs` is `aggregations`, an interval is its length, a parameter at its default says nothing, and a filter means what
its query selects. A parameter that is not known here means what its text says.

Source: aggregations reference (defaults of the parameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from anomalyops.plan.core.query_meaning import same_value, selected
from anomalyops.resources import parse_duration

_CHILDREN: Final = ("aggs", "aggregations")
_CALENDAR: Final = {
    "1m": "minute",
    "1h": "hour",
    "1d": "day",
    "1w": "week",
    "1M": "month",
    "1q": "quarter",
    "1y": "year",
}
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "date_histogram": {"min_doc_count": 0, "keyed": False, "offset": 0, "order": [{"_key": "asc"}], "time_zone": "UTC"},
    "histogram": {"min_doc_count": 0, "keyed": False, "offset": 0, "order": [{"_key": "asc"}]},
    "terms": {
        "size": 10,
        "min_doc_count": 1,
        "shard_min_doc_count": 0,
        "show_term_doc_count_error": False,
        "order": [{"_count": "desc"}],
    },
    "filters": {"other_bucket": False, "keyed": True},
    "composite": {"size": 10},
    "cardinality": {"precision_threshold": 3000},
    "percentiles": {"keyed": True},
}
_SOURCE: Final[dict[str, Any]] = {"order": "asc", "missing_bucket": False, "offset": 0, "time_zone": "UTC"}


def computed(aggregations: Any) -> Any:
    """The canonical form of named aggregations; None where there are none."""
    if not isinstance(aggregations, Mapping):
        return None if aggregations in ("", []) else aggregations
    return {name: _aggregation(body) for name, body in aggregations.items()} or None


def _aggregation(body: Any) -> Any:
    if not isinstance(body, Mapping):
        return body
    found: dict[str, Any] = {}
    for key, value in body.items():
        if key in _CHILDREN:
            if (children := computed(value)) is not None:
                found["aggregations"] = children
        elif key != "meta" or value:
            found[key] = _parameters(key, value)
    return found


def _parameters(kind: str, body: Any) -> Any:
    if kind == "filter":
        return selected(body)
    if not isinstance(body, Mapping):
        return body
    said = {key: _value(kind, key, value) for key, value in body.items() if value is not None}
    defaults = _DEFAULTS.get(kind, {})
    return {key: value for key, value in said.items() if key not in defaults or not same_value(value, defaults[key])}


def _value(kind: str, key: str, value: Any) -> Any:
    match key:
        case "fixed_interval" | "offset" if isinstance(value, str):
            return _milliseconds(value)
        case "calendar_interval":
            return _CALENDAR.get(value, value)
        case "script":
            return _script(value)
        case "order" if kind != "composite":
            return _order(kind, value)
        case "filters" if kind == "filters":
            return _filters(value)
        case "sources" if kind == "composite" and isinstance(value, list):
            return [_source(source) for source in value]
        case _:
            return value


def _milliseconds(value: str) -> Any:
    sign = -1 if value.startswith("-") else 1
    try:
        return sign * parse_duration(value.lstrip("+-"))
    except (TypeError, ValueError):
        return value


def _script(value: Any) -> Any:
    script = {"source": value} if isinstance(value, str) else value
    if isinstance(script, Mapping) and "id" not in script:
        return {"lang": "painless", **script}
    return script


def _order(kind: str, value: Any) -> Any:
    """An order as a list; ties of terms are broken by key, said or not."""
    listed = value if isinstance(value, list) else [value]
    return listed[:-1] if kind == "terms" and len(listed) > 1 and listed[-1] == {"_key": "asc"} else listed


def _filters(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: selected(query) for name, query in value.items()}
    return [selected(query) for query in value] if isinstance(value, list) else value


def _source(source: Any) -> Any:
    """One source of a composite: a name, a type and its parameters."""
    if not isinstance(source, Mapping):
        return source
    return {
        name: {
            kind: {
                key: value
                for key, value in _parameters("composite", parameters).items()
                if key not in _SOURCE or not same_value(value, _SOURCE[key])
            }
            if isinstance(parameters, Mapping)
            else parameters
            for kind, parameters in body.items()
        }
        if isinstance(body, Mapping)
        else body
        for name, body in source.items()
    }
