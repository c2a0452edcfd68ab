"""Rules of a datafeed's aggregations, alone (`DatafeedConfig`) and with its job (`DatafeedJobValidator`)."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.config.job import Job
from anomalyops_engine.config.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Duration, duration_ms
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import bad_request

_HISTOGRAMS: Final = ("date_histogram", "histogram")
_CALENDAR_MS: Final = {
    **dict.fromkeys(("second", "1s"), SECOND_MS),
    **dict.fromkeys(("minute", "1m"), MINUTE_MS),
    **dict.fromkeys(("hour", "1h"), HOUR_MS),
    **dict.fromkeys(("day", "1d"), DAY_MS),
    **dict.fromkeys(("week", "1w"), 7 * DAY_MS),
}


def children(aggregation: JsonObject) -> JsonObject:
    """Return the sub-aggregations of one aggregation."""
    found = aggregation.get("aggregations", aggregation.get("aggs"))
    return found if isinstance(found, dict) else {}


def _is_histogram(aggregation: object) -> bool:
    return isinstance(aggregation, dict) and any(kind in aggregation for kind in _HISTOGRAMS)


def _histogram_source(name: str, composite: JsonObject) -> JsonObject:
    dated = [
        (key, source["date_histogram"])
        for entry in composite.get("sources", [])
        for key, source in entry.items()
        if "date_histogram" in source
    ]
    if len(dated) != 1:
        raise bad_request(f"Composite aggregation [{name}] must have exactly one date_histogram source")
    key, histogram = dated[0]
    if histogram.get("missing_bucket"):
        raise bad_request(
            f"Composite aggregation [{name}] date_histogram [{key}] source does not support missing_buckets"
        )
    if histogram.get("order", "asc") != "asc":
        raise bad_request(
            f"Composite aggregation [{name}] date_histogram [{key}] source must be sorted in ascending order"
        )
    return dict(histogram)


def _find(aggregations: JsonObject, *, top: bool = True) -> tuple[JsonObject, JsonObject]:
    """Return the histogram's settings and the aggregation that holds it."""
    if not aggregations or not all(isinstance(value, dict) for value in aggregations.values()):
        raise bad_request("A date_histogram (or histogram) aggregation is required")
    histograms = [name for name, value in aggregations.items() if _is_histogram(value)]
    composites = [name for name, value in aggregations.items() if "composite" in value]
    if composites:
        name = composites[0]
        if not top or len(aggregations) != 1:
            raise bad_request(
                f"Composite aggregation [{name}] must be the only composite agg and should be the only top "
                "level aggregation"
            )
        return _histogram_source(name, aggregations[name]["composite"]), aggregations[name]
    if histograms:
        if len(aggregations) != 1:
            raise bad_request("The date_histogram (or histogram) aggregation cannot have sibling aggregations")
        holder = aggregations[histograms[0]]
        kind = next(kind for kind in _HISTOGRAMS if kind in holder)
        return dict(holder[kind]), holder
    if len(aggregations) != 1:
        raise bad_request("A date_histogram (or histogram) aggregation is required")
    return _find(children(next(iter(aggregations.values()))), top=False)


def _count_histograms(aggregations: JsonObject) -> int:
    return sum(
        int(_is_histogram(value)) + _count_histograms(children(value))
        for value in aggregations.values()
        if isinstance(value, dict)
    )


def interval_ms(histogram: JsonObject) -> int:
    """Return the interval of a histogram in milliseconds.

    Raises:
        MlError: 400 when there is none, or when it is a calendar interval of varying length.
    """
    value = histogram.get("fixed_interval", histogram.get("calendar_interval", histogram.get("interval")))
    if isinstance(value, (int, float)):
        milliseconds = int(value)
    elif isinstance(value, str) and value in _CALENDAR_MS:
        milliseconds = _CALENDAR_MS[value]
    elif isinstance(value, str):
        if "calendar_interval" in histogram:
            raise bad_request(
                f"When specifying a date_histogram calendar interval [{value}], ML does not accept intervals "
                "longer than a week because of variable lengths of periods greater than a week"
            )
        milliseconds = duration_ms(value, "fixed_interval")
    else:
        milliseconds = 0
    if milliseconds <= 0:
        raise bad_request("Aggregation interval must be greater than 0")
    return milliseconds


def check_shape(aggregations: JsonObject) -> int:
    """Check the aggregations alone and return the histogram's interval in milliseconds.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    histogram, holder = _find(aggregations)
    if _count_histograms(children(holder)):
        raise bad_request("Aggregations can only have 1 date_histogram or histogram aggregation")
    if histogram.get("time_zone") not in (None, "UTC", "Z", "+00:00"):
        raise bad_request("ML requires date_histogram.time_zone to be UTC")
    time_field = histogram.get("field")
    nested_max = any(
        isinstance(value, dict) and value.get("max", {}).get("field") == time_field
        for value in children(holder).values()
    )
    if not nested_max:
        raise bad_request(f"Date histogram must have nested max aggregation for time_field [{time_field}]")
    return interval_ms(histogram)


def check_against_job(aggregations: JsonObject, frequency: Duration | None, job: Job) -> None:
    """Check a datafeed's aggregations and frequency against its job.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    config = job.analysis_config
    if not config.summary_count_field_name:
        raise bad_request(
            "A job configured with a datafeed with aggregations must set summary_count_field_name; "
            "use doc_count or suitable alternative"
        )
    histogram, _ = _find(aggregations)
    if histogram.get("field") != job.time_field:
        raise bad_request(f"Missing max aggregation for time_field [{job.time_field}]")
    interval = check_shape(aggregations)
    span = config.bucket_span
    shown = histogram.get("fixed_interval", histogram.get("calendar_interval", f"{interval}ms"))
    if interval > span.ms:
        raise bad_request(f"Aggregation interval [{shown}] must be less than or equal to the bucket_span [{span}]")
    if span.ms % interval:
        raise bad_request(f"Aggregation interval [{shown}] must be a divisor of the bucket_span [{span}]")
    if frequency is not None and frequency.ms % interval:
        raise bad_request(f"Datafeed frequency [{frequency}] must be a multiple of the aggregation interval [{shown}]")
