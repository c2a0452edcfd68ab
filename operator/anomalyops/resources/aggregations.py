"""The shape that a datafeed's aggregations must have: one histogram over time, with a max of the time inside.

The rules and their order are those of Elasticsearch's datafeed validation; the inner language is its own and is
otherwise passed on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from anomalyops.resources.base import JsonObject
from anomalyops.resources.durations import duration_nanos

_SUB_AGGREGATIONS = ("aggs", "aggregations")
_HISTOGRAMS = ("date_histogram", "histogram")
_CALENDAR = {
    **dict.fromkeys(("second", "1s"), "1s"),
    **dict.fromkeys(("minute", "1m"), "1m"),
    **dict.fromkeys(("hour", "1h"), "1h"),
    **dict.fromkeys(("day", "1d"), "1d"),
    **dict.fromkeys(("week", "1w"), "7d"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """The histogram of a datafeed's aggregations.

    Attributes:
        name: The aggregation's name.
        field: The field with the time.
        interval: The interval in nanoseconds; None where it has no fixed length or only the server can tell.
    """

    name: str
    field: str
    interval: int | None


def find_histogram(aggregations: Mapping[str, Any]) -> Histogram:
    """The one histogram of a datafeed's aggregations, looked for from the top through single aggregations.

    Raises:
        ValueError: There is none, it has siblings, or it lacks the max of its time field.
    """
    if not aggregations:
        raise ValueError("a date_histogram (or histogram) aggregation is required")
    if len(aggregations) > 1:
        names = ", ".join(aggregations)
        raise ValueError(
            "the date_histogram (or histogram) aggregation cannot have sibling aggregations: found "
            f"{names}; nest the others inside it"
        )
    ((name, aggregation),) = aggregations.items()
    if not isinstance(aggregation, Mapping):
        raise ValueError(f"{name} is not an aggregation: write an object")
    inner = _inner(aggregation)
    source = _time_source(aggregation)
    if source is None:
        return find_histogram(inner)
    field = str(source.get("field", ""))
    if not any(_is_max_of(below, field) for below in inner.values()):
        raise ValueError(
            f"the histogram {name} must have a nested max aggregation of its time field '{field}', such as "
            f'{field}: {{max: {{field: "{field}"}}}}'
        )
    return Histogram(name=name, field=field, interval=_interval(source))


def _inner(aggregation: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in _SUB_AGGREGATIONS:
        if isinstance(aggregation.get(key), Mapping):
            return aggregation[key]  # type: ignore[no-any-return] # checked in the line above
    return {}


def _time_source(aggregation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The histogram's body: of a date_histogram or histogram, or of the one in a composite's sources."""
    for kind in _HISTOGRAMS:
        if isinstance(aggregation.get(kind), Mapping):
            return aggregation[kind]  # type: ignore[no-any-return] # checked in the line above
    composite = aggregation.get("composite")
    if not isinstance(composite, Mapping):
        return None
    sources: list[Mapping[str, Any]] = [
        body["date_histogram"]
        for source in composite.get("sources") or []
        if isinstance(source, Mapping)
        for body in source.values()
        if isinstance(body, Mapping) and isinstance(body.get("date_histogram"), Mapping)
    ]
    if len(sources) != 1:
        raise ValueError("a composite aggregation must have exactly one date_histogram source")
    return sources[0]


def _is_max_of(aggregation: object, field: str) -> bool:
    if not isinstance(aggregation, Mapping):
        return False
    body = aggregation.get("max")
    return isinstance(body, Mapping) and body.get("field") == field


def _interval(source: Mapping[str, Any]) -> int | None:
    """Nanoseconds of the histogram's interval; a plain histogram's number is milliseconds."""
    text = source.get("fixed_interval") or source.get("interval")
    calendar = source.get("calendar_interval")
    if isinstance(calendar, str):
        text = _CALENDAR.get(calendar)
    if isinstance(text, int | float):
        return int(text * 1_000_000)
    try:
        return duration_nanos(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _check(aggregations: dict[str, Any]) -> dict[str, Any]:
    # An empty object means the same as none: it is how a value is taken back on the server.
    if aggregations:
        find_histogram(aggregations)
    return aggregations


DatafeedAggregations = Annotated[JsonObject, AfterValidator(_check)]
