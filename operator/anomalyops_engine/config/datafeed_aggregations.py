"""Which aggregations a datafeed may have: `DatafeedConfig.validateAggregations` and `DatafeedJobValidator`.

Only their shape is judged here; the options of each aggregation are read by those who search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.config.job import Job
from anomalyops_engine.config.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Duration
from anomalyops_engine.json_types import Json, JsonObject
from anomalyops_engine.refusals import bad_request, illegal_argument

_CHILDREN: Final = ("aggregations", "aggs")
_CALENDAR_MS: Final = {
    **dict.fromkeys(("second", "1s"), SECOND_MS),
    **dict.fromkeys(("minute", "1m"), MINUTE_MS),
    **dict.fromkeys(("hour", "1h"), HOUR_MS),
    **dict.fromkeys(("day", "1d"), DAY_MS),
    **dict.fromkeys(("week", "1w"), 7 * DAY_MS),
}
_REQUIRED: Final = "A date_histogram (or histogram) aggregation is required"
_ALONE: Final = "must be the only composite agg and should be the only top level aggregation"


@dataclass(frozen=True, slots=True)
class Histogram:
    """The aggregation that cuts a datafeed's time into buckets.

    Attributes:
        name: its name.
        kind: `date_histogram`, `histogram` or `composite`.
        options: the options of the histogram itself, or of the composite's source that is one.
        children: the aggregations within its buckets.
    """

    name: str
    kind: str
    options: JsonObject
    children: JsonObject

    @property
    def interval_ms(self) -> int:
        """Its interval in milliseconds.

        Raises:
            MlError: 400 when it is none of a fixed length, or not in UTC.
        """
        if self.kind == "histogram":
            return _whole_ms(self.options.get("interval"))
        if self.options.get("time_zone") not in {None, "UTC", "Z", "+00:00", "Etc/UTC", "GMT"}:
            raise bad_request("ML requires date_histogram.time_zone to be UTC")
        calendar, fixed = self.options.get("calendar_interval"), self.options.get("fixed_interval")
        if calendar is not None:
            if calendar not in _CALENDAR_MS:
                raise bad_request(
                    f"When specifying a date_histogram calendar interval [{calendar}], ML does not accept intervals "
                    "longer than a week because of variable lengths of periods greater than a week"
                )
            return _CALENDAR_MS[calendar]
        if not isinstance(fixed, str):
            raise illegal_argument("Must specify an interval for date_histogram")
        return Duration.read(fixed, "fixed_interval").ms


def _whole_ms(interval: Json) -> int:
    try:
        return int(float(interval))
    except (TypeError, ValueError, OverflowError):
        raise illegal_argument(f"[interval] must be a number, got [{interval}]") from None


def histogram_of(aggregations: JsonObject) -> Histogram:
    """Return the histogram of a datafeed's aggregations, wherever it stands.

    Raises:
        MlError: 400 when there is none, or one beside others.
    """
    if not aggregations:
        raise bad_request(_REQUIRED)
    if len(aggregations) != 1:
        raise bad_request("The date_histogram (or histogram) aggregation cannot have sibling aggregations")
    ((name, aggregation),) = aggregations.items()
    if not isinstance(aggregation, dict):
        raise bad_request(_REQUIRED)
    found = _as_histogram(name, aggregation)
    return histogram_of(_children(aggregation)) if found is None else found


def check_shape(aggregations: JsonObject) -> None:
    """Refuse aggregations that a datafeed cannot have.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    for name, aggregation in aggregations.items():
        if isinstance(aggregation, dict) and "composite" in aggregation:
            if len(aggregations) != 1:
                raise bad_request(f"Composite aggregation [{name}] {_ALONE}")
            _check_sources(name, aggregation["composite"])
    histogram = histogram_of(aggregations)
    below = list(_below(histogram.children))
    if any(_as_histogram(name, aggregation) is not None for name, aggregation in below):
        raise bad_request("Aggregations can only have 1 date_histogram or histogram aggregation")
    for name, aggregation in below:
        if "composite" in aggregation:
            raise bad_request(f"Composite aggregation [{name}] {_ALONE}")
    field = histogram.options.get("field")
    nested = (child.get("max") for child in histogram.children.values() if isinstance(child, dict))
    if not any(isinstance(options, dict) and options.get("field") == field for options in nested):
        raise bad_request(f"Date histogram must have nested max aggregation for time_field [{field}]")
    if histogram.interval_ms <= 0:
        raise bad_request("Aggregation interval must be greater than 0")


def check_against_job(aggregations: JsonObject, frequency: Duration | None, job: Job) -> None:
    """Check a datafeed's aggregations and frequency against its job.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    if not job.analysis_config.summary_count_field_name:
        raise bad_request(
            "A job configured with a datafeed with aggregations must set summary_count_field_name; "
            "use doc_count or suitable alternative"
        )
    interval, span = histogram_of(aggregations).interval_ms, job.bucket_span_ms
    if interval > span:
        raise bad_request(
            f"Aggregation interval [{interval}ms] must be less than or equal to the bucket_span [{span}ms]"
        )
    if span % interval:
        raise bad_request(f"Aggregation interval [{interval}ms] must be a divisor of the bucket_span [{span}ms]")
    if frequency is not None and frequency.ms % interval:
        raise bad_request(
            f"Datafeed frequency [{frequency}] must be a multiple of the aggregation interval [{interval}ms]"
        )


def _children(aggregation: JsonObject) -> JsonObject:
    found: Json = next((aggregation[key] for key in _CHILDREN if key in aggregation), None)
    return found if isinstance(found, dict) else {}


def _below(aggregations: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Return all aggregations of a tree with their names."""
    for name, aggregation in aggregations.items():
        if isinstance(aggregation, dict):
            yield name, aggregation
            yield from _below(_children(aggregation))


def _as_histogram(name: str, aggregation: JsonObject) -> Histogram | None:
    for kind in ("date_histogram", "histogram"):
        if isinstance(aggregation.get(kind), dict):
            return Histogram(name, kind, aggregation[kind], _children(aggregation))
    dated = _date_sources(aggregation.get("composite"))
    return Histogram(name, "composite", dated[0][1], _children(aggregation)) if dated else None


def _date_sources(composite: Json) -> list[tuple[str, JsonObject]]:
    """Return the sources of a composite that are date histograms: their names and options."""
    sources = composite.get("sources") if isinstance(composite, dict) else None
    return [
        (key, source["date_histogram"])
        for entry in (sources if isinstance(sources, list) else ())
        if isinstance(entry, dict)
        for key, source in entry.items()
        if isinstance(source, dict) and isinstance(source.get("date_histogram"), dict)
    ]


def _check_sources(name: str, composite: Json) -> None:
    dated = _date_sources(composite)
    if len(dated) != 1:
        raise bad_request(f"Composite aggregation [{name}] must have exactly one date_histogram source")
    ((key, histogram),) = dated
    if histogram.get("missing_bucket"):
        raise bad_request(
            f"Datafeed composite aggregation [{name}] date_histogram [{key}] source does not support missing_buckets"
        )
    if histogram.get("order", "asc") != "asc":
        raise bad_request(
            f"Datafeed composite aggregation [{name}] date_histogram [{key}] must be sorted in ascending order"
        )
