"""The configuration of a datafeed (`DatafeedConfig` and `DatafeedUpdate` of Elasticsearch)."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from typing import Final

from anomalyops_engine.config.datafeed_aggregations import check_against_job, check_shape
from anomalyops_engine.config.identifiers import check_id, check_same_id
from anomalyops_engine.config.job import Job
from anomalyops_engine.config.reading import Parser, WrongType, boolean, choice, duration, integer, mapping, text, texts
from anomalyops_engine.config.records import Change, Nested, Record, Values, never, record, row, when_true
from anomalyops_engine.config.units import HOUR_MS, MINUTE_MS, SECOND_MS, Duration
from anomalyops_engine.json_types import Json, JsonObject
from anomalyops_engine.refusals import (
    MlError,
    bad_request,
    field_failure,
    illegal_argument,
    not_implemented,
    parse_failure,
)

CheckQuery = Callable[[JsonObject], None]

DEFAULT_SCROLL_SIZE: Final = 1_000
_AGGREGATED_CHUNK_BUCKETS: Final = 1_000
_DEFAULT_MANUAL_CHUNK: Final = Duration.of_ms(3 * HOUR_MS)
_WILDCARD_STATES: Final = ("open", "closed", "hidden")
_NOT_SERVED: Final = {
    "script_fields": "script_fields are not supported by the embedded engine yet",
    "runtime_mappings": "runtime_mappings are not supported by the embedded engine yet",
    "esql_query": "ES|QL datafeeds (esql_query) are not supported by the embedded engine yet",
    "source_time_field": "ES|QL datafeeds (source_time_field) are not supported by the embedded engine yet",
    "grouping_interval": "ES|QL datafeeds (grouping_interval) are not supported by the embedded engine yet",
}


@record("chunking_config", required=("mode",))
class ChunkingConfig(Record):
    """How long a stretch each search of a lookback covers."""

    mode: str = row(choice("auto", "manual", "off"))
    time_span: Duration | None = row(
        duration,
        default=None,
        at_creation=lambda known: _DEFAULT_MANUAL_CHUNK if known["mode"] == "manual" else None,
    )

    def check(self) -> None:
        """Raise 400 when mode and span contradict each other."""
        if self.mode != "manual" and self.time_span is not None:
            raise illegal_argument("chunk time_span may only be set when mode is manual")
        if self.time_span is not None and self.time_span.nanos <= 0:
            raise illegal_argument(f"time_span cannot be less or equal than 0. Value = {self.time_span}")


@record("delayed_data_check_config", required=("enabled",))
class DelayedDataCheck(Record):
    """Whether documents that come too late are looked for, and how far back."""

    enabled: bool = row(boolean, default=True)
    check_window: Duration | None = row(duration, default=None)


def expand_wildcards(value: Json) -> tuple[str, ...]:
    """Return `expand_wildcards` as the server prints it: `all` spelt out, in a fixed order.

    Raises:
        MlError: 400 for an unknown word.
    """
    given = [part.strip() for item in texts("expand_wildcards", value) for part in item.split(",")]
    known = {*_WILDCARD_STATES, "all", "none"}
    for part in given:
        if part not in known:
            raise illegal_argument(f"No valid expand wildcard value [{part}]")
    if "all" in given:
        return _WILDCARD_STATES
    if given == ["none"]:
        return ()
    return tuple(state for state in _WILDCARD_STATES if state in given)


@record("indices_options")
class IndicesOptions(Record):
    """What the names of a datafeed's indices may mean."""

    expand_wildcards: tuple[str, ...] = row(lambda _, value: expand_wildcards(value), default=("open",))
    ignore_unavailable: bool = row(boolean, default=False)
    allow_no_indices: bool = row(boolean, default=True)
    ignore_throttled: bool = row(boolean, default=True)


def _max_empty_searches(field: str, value: Json) -> int:
    searches = integer(field, value)
    if searches == 0 or searches < -1:
        raise bad_request(f"Invalid max_empty_searches value '{searches}' in datafeed configuration")
    return searches


def _scroll_size(field: str, value: Json) -> int:
    size = integer(field, value)
    if size < 0:
        raise bad_request(f"Invalid scroll_size value '{size}' in datafeed configuration")
    return size


def _indices(_: str, value: Json) -> tuple[str, ...]:
    indices = [value] if isinstance(value, str) else value
    if not isinstance(indices, list):
        raise WrongType
    if not indices or not all(isinstance(name, str) and name for name in indices):
        shown = ", ".join("null" if name is None else str(name) for name in indices)
        raise bad_request(f"Invalid indices value '[{shown}]' in datafeed configuration")
    return tuple(indices)


def _query_delay(field: str, value: Json) -> Duration:
    delay = duration(field, value)
    if delay.nanos < 0:
        raise illegal_argument(f"query_delay cannot be less than 0. Value = {delay}")
    return delay


def _frequency(field: str, value: Json) -> Duration:
    frequency = duration(field, value)
    if frequency.nanos <= 0:
        raise illegal_argument(f"frequency cannot be less or equal than 0. Value = {frequency}")
    if frequency.nanos % (SECOND_MS * 1_000_000):
        raise illegal_argument(f"frequency has to be a multiple of 1s; actual was '{frequency}'")
    return frequency


def _default_query_delay(known: Values) -> Duration:
    """Return the default query delay of a job: 60 to 120 s by a hash of its id."""
    milliseconds = MINUTE_MS + zlib.crc32(known["job_id"].encode()) % MINUTE_MS
    return Duration.read(f"{milliseconds}ms", "query_delay")


def _default_chunking(known: Values) -> ChunkingConfig:
    aggregations = known.get("aggregations")
    if not aggregations:
        return ChunkingConfig(mode="auto", time_span=None)
    span = Duration.read(f"{_AGGREGATED_CHUNK_BUCKETS * check_shape(aggregations)}ms", "time_span")
    return ChunkingConfig(mode="manual", time_span=span)


@record("datafeed_config", aliases={"aggs": "aggregations", "indexes": "indices"})
class Datafeed(Record):
    """A datafeed as the server keeps it."""

    datafeed_id: str = row(text, exported=never)
    job_id: str = row(text, exported=never)
    query_delay: Duration = row(
        _query_delay,
        at_creation=_default_query_delay,
        change=Change.CLOSED,
        exported=lambda delay, feed: None if delay == _default_query_delay({"job_id": feed.job_id}) else delay,
    )
    frequency: Duration | None = row(_frequency, default=None, change=Change.CLOSED)
    max_empty_searches: int | None = row(
        _max_empty_searches,
        default=None,
        change=Change.CLOSED,
        merge=lambda _, searches: None if searches == -1 else searches,
    )
    indices: tuple[str, ...] = row(_indices, change=Change.CLOSED)
    query: JsonObject = row(mapping, at_creation=lambda _: {"match_all": {"boost": 1}}, change=Change.CLOSED)
    aggregations: JsonObject | None = row(mapping, default=None, change=Change.CLOSED, shown=when_true)
    scroll_size: int = row(_scroll_size, default=DEFAULT_SCROLL_SIZE, change=Change.CLOSED)
    chunking_config: ChunkingConfig = row(
        Nested(ChunkingConfig),
        at_creation=_default_chunking,
        change=Change.CLOSED,
        exported=lambda chunking, _: None if chunking.mode == "auto" else chunking,
    )
    delayed_data_check_config: DelayedDataCheck = row(
        Nested(DelayedDataCheck), default=DelayedDataCheck(), change=Change.CLOSED
    )
    indices_options: IndicesOptions = row(
        Nested(IndicesOptions),
        default=IndicesOptions(),
        change=Change.CLOSED,
        exported=lambda options, _: None if options == IndicesOptions() else options,
    )

    @property
    def interval_ms(self) -> int | None:
        """The interval of the aggregations' histogram in milliseconds; None without aggregations."""
        return check_shape(self.aggregations) if self.aggregations else None

    def frequency_ms(self, span_ms: int) -> int:
        """Return how often it searches in real time, in milliseconds (`DatafeedConfig.defaultFrequency`)."""
        if self.frequency is not None:
            return self.frequency.ms
        if span_ms <= 2 * MINUTE_MS:
            chosen = MINUTE_MS
        elif span_ms <= 20 * MINUTE_MS:
            chosen = span_ms // 2
        elif span_ms <= 12 * HOUR_MS:
            chosen = 10 * MINUTE_MS
        else:
            chosen = HOUR_MS
        interval = self.interval_ms
        return chosen if interval is None else max(interval, chosen // interval * interval)

    def check_window_ms(self, span_ms: int) -> int:
        """Return the window of the delayed data check in ms (default: the longer of 2 h and 8 buckets)."""
        window = self.delayed_data_check_config.check_window
        return window.ms if window is not None else max(2 * HOUR_MS, 8 * span_ms)

    def check(self) -> None:
        """Raise 400 when the aggregations cannot be those of a datafeed."""
        if self.aggregations:
            check_shape(self.aggregations)

    def check_with(self, job: Job) -> None:
        """Check the datafeed against its job, at creation and after every update.

        Raises:
            MlError: 400 with Elasticsearch's text.
        """
        config = job.analysis_config
        if config.latency is not None and config.latency.nanos > 0:
            raise bad_request("A job configured with datafeed cannot support latency")
        if self.aggregations:
            check_against_job(self.aggregations, self.frequency, job)
        window = self.delayed_data_check_config.check_window
        if self.delayed_data_check_config.enabled and window is not None:
            _check_window(window, config.bucket_span)


def _check_window(window: Duration, span: Duration) -> None:
    if window.nanos < span.nanos:
        raise bad_request(
            f"delayed_data_check_config: check_window [{window}] must be greater than the bucket_span [{span}]"
        )
    if window.nanos > 10_000 * span.nanos:
        raise bad_request(
            f"delayed_data_check_config: check_window [{window}] must be less than 10,000x the bucket_span [{span}]"
        )


_FURTHER: Final = {
    "script_fields": mapping,
    "runtime_mappings": mapping,
    "esql_query": text,
    "source_time_field": text,
    "grouping_interval": duration,
}
_CREATE: Final = Datafeed.parser(**_FURTHER)
_UPDATE: Final = Parser(
    "datafeed_update",
    {
        "datafeed_id": text,
        "job_id": text,
        **{name: made.judged_update for name, made in Datafeed.updatable().items()},
        **_FURTHER,
    },
    Datafeed.ALIASES,
)


def _parse(parser: Parser, body: Json, check_query: CheckQuery) -> JsonObject:
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    if "aggs" in body and "aggregations" in body:
        raise bad_request("Found two aggregation definitions: [aggs] and [aggregations]")
    given = parser.parse(body)
    for field, refusal in _NOT_SERVED.items():
        if given.pop(field, None):
            raise not_implemented(refusal)
    if "query" in given:
        try:
            check_query(given["query"])
        except MlError as error:
            cause = MlError(400, "status_exception", "Datafeed query is not parsable", error.as_cause())
            raise field_failure(parser.name, "query", cause) from error
    return given


def create_datafeed(
    body: Json,
    *,
    datafeed_id: str | None,
    check_query: CheckQuery,
    job_id: str | None = None,
    indices_options: IndicesOptions | None = None,
) -> Datafeed:
    """Make the configuration of a new datafeed, without looking at its job.

    Args:
        body: the JSON body.
        datafeed_id: the id of the URL; None when the body carries it or the job id is used.
        check_query: raises MlError for a query that cannot be parsed.
        job_id: the job it is created with, if the body need not name one.
        indices_options: what the request's query parameters say, used when the body has none.

    Raises:
        MlError: 400 with Elasticsearch's text and nesting; 501 for what the engine cannot do yet.
    """
    given = _parse(_CREATE, body, check_query)
    if datafeed_id is not None:
        check_same_id("datafeed_id", given.get("datafeed_id"), datafeed_id)
    if job_id is not None and given.get("job_id", job_id) != job_id:
        raise illegal_argument(f"datafeed job_id [{given['job_id']}] does not equal job id [{job_id}]")
    owner = given.get("job_id", job_id)
    if not owner:
        raise bad_request("Invalid job_id value 'null' in datafeed configuration")
    identity = check_id("datafeed_id", datafeed_id or given.get("datafeed_id") or owner)
    check_id("job_id", owner)
    if "indices" not in given:
        raise bad_request("Invalid indices value 'null' in datafeed configuration")
    if given.get("max_empty_searches") == -1:
        del given["max_empty_searches"]
    if indices_options is not None:
        given.setdefault("indices_options", indices_options)
    return Datafeed.complete({**given, "datafeed_id": identity, "job_id": owner})


def update_datafeed(
    datafeed: Datafeed,
    body: Json,
    *,
    check_query: CheckQuery,
    indices_options: IndicesOptions | None = None,
) -> Datafeed:
    """Merge an update body into a datafeed: top-level keys are replaced, nested objects whole.

    Raises:
        MlError: 400 with Elasticsearch's text; 501 for what the engine cannot do yet.
    """
    given = _parse(_UPDATE, body, check_query)
    check_same_id("datafeed_id", given.pop("datafeed_id", None), datafeed.datafeed_id)
    if given.pop("job_id", datafeed.job_id) != datafeed.job_id:
        raise bad_request("Datafeed's job_id cannot be changed.")
    if indices_options is not None:
        given.setdefault("indices_options", indices_options)
    merged = datafeed.merged(given)
    return merged if merged.aggregations else dataclasses.replace(merged, aggregations=None)
