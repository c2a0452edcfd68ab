"""The configuration of a datafeed (`DatafeedConfig` and `DatafeedUpdate` of Elasticsearch)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import orjson

from anomalyops_engine.config.datafeed_aggregations import check_against_job, check_shape, histogram_of
from anomalyops_engine.config.identifiers import check_id
from anomalyops_engine.config.java import JavaRandom, java_hash
from anomalyops_engine.config.job import Job
from anomalyops_engine.config.reading import Parser, boolean, choice, duration, mapping, small_integer, text, texts
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

DEFAULT_SCROLL_SIZE: Final = 1_000
_AGGREGATED_CHUNK_BUCKETS: Final = 1_000
_LONGEST_WINDOW_MS: Final = 24 * HOUR_MS
_WILDCARD_STATES: Final = ("open", "closed", "hidden")
_NOT_SERVED: Final = {
    "esql_query": "ES|QL datafeeds (esql_query) are not supported by the embedded engine yet",
    "source_time_field": "ES|QL datafeeds (source_time_field) are not supported by the embedded engine yet",
    "grouping_interval": "ES|QL datafeeds (grouping_interval) are not supported by the embedded engine yet",
}


def _check_span(field: str, span: Duration) -> None:
    if span.nanos <= 0:
        raise illegal_argument(f"chunk {field} has to be positive")


@dataclasses.dataclass(frozen=True, slots=True)
class SearchCheck:
    """What judges the parts of a datafeed that are sent to the search: each raises MlError.

    Attributes:
        query: judges a query.
        aggregations: judges aggregations as such.
        rows: judges whether aggregations can be carried out for a datafeed.
        runtime_mappings: judges runtime fields.
        script_fields: judges script fields.
    """

    query: Callable[[JsonObject], None]
    aggregations: Callable[[JsonObject], None]
    rows: Callable[[JsonObject], None]
    runtime_mappings: Callable[[JsonObject], None]
    script_fields: Callable[[JsonObject], None]


@record("chunking_config", required=("mode",))
class ChunkingConfig(Record):
    """How long a stretch each search of a lookback covers."""

    mode: str = row(choice("auto", "manual", "off"))
    time_span: Duration | None = row(duration, check=_check_span, default=None)

    def check(self) -> None:
        """Raise 400 when mode and span contradict each other."""
        if self.mode == "manual" and self.time_span is None:
            raise illegal_argument("when chunk mode is manual time_span is required")
        if self.mode != "manual" and self.time_span is not None:
            raise illegal_argument("chunk time_span may only be set when mode is manual")


def _check_window(field: str, window: Duration) -> None:
    if window.nanos <= 0:
        raise illegal_argument(f"{field} cannot be less or equal than 0. Value = {window}")
    if window.ms > _LONGEST_WINDOW_MS:
        raise illegal_argument(f"{field} [{window.text}] must be less than or equal to [24h]")


@record("delayed_data_check_config", required=("enabled",))
class DelayedDataCheck(Record):
    """Whether documents that come too late are looked for, and how far back."""

    enabled: bool = row(boolean, default=True)
    check_window: Duration | None = row(duration, check=_check_window, default=None)


def _word(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def expand_wildcards(value: Json) -> tuple[str, ...]:
    """Return `expand_wildcards` as the server prints it: `all` spelt out, in a fixed order.

    Raises:
        MlError: 400 for an unknown word.
    """
    given = value if isinstance(value, list) else [part.strip() for part in _word(value).split(",") if part]
    states: set[str] = set()
    for word in map(_word, given):
        if word == "all":
            states.update(_WILDCARD_STATES)
        elif word == "none":
            states.clear()
        elif word in _WILDCARD_STATES:
            states.add(word)
        else:
            raise illegal_argument(f"No valid expand wildcard value [{word}]")
    return tuple(state for state in _WILDCARD_STATES if state in states)


def _flag(field: str, value: Json) -> bool:
    if isinstance(value, bool) or value in ("true", "false"):
        return value in (True, "true")
    raise illegal_argument(f"Could not convert [{field}] to boolean, got [{value}]")


@record(
    "indices_options",
    aliases={
        "allowNoIndices": "allow_no_indices",
        "expandWildcards": "expand_wildcards",
        "ignoreThrottled": "ignore_throttled",
        "ignoreUnavailable": "ignore_unavailable",
    },
)
class IndicesOptions(Record):
    """What the names of a datafeed's indices may mean."""

    expand_wildcards: tuple[str, ...] = row(lambda _, value: expand_wildcards(value), default=("open",))
    ignore_unavailable: bool = row(_flag, default=False)
    allow_no_indices: bool = row(_flag, default=True)
    ignore_throttled: bool = row(_flag, default=True)

    @classmethod
    def parse(cls, body: Json) -> IndicesOptions:
        """Return the options of a body; other keys are passed over, as Elasticsearch does (`IndicesOptions.fromMap`).

        Raises:
            MlError: 400.
        """
        given = {cls.ALIASES.get(key, key): value for key, value in body.items() if value is not None}
        return cls.complete(
            {made.name: made.read(made.name, given[made.name]) for made in cls.ROWS if made.name in given}
        )


def _script_fields(field: str, value: Json) -> JsonObject:
    """Return script fields as the server shows them: by name, with what is left out said."""
    given = mapping(field, value)
    return {name: _script_field(given[name]) for name in sorted(given)}


def _script_field(definition: Json) -> Json:
    if not isinstance(definition, dict):
        return definition  # refused by those who read scripts
    script = definition.get("script")
    if isinstance(script, str):
        script = {"source": script}
    if isinstance(script, dict):
        script = {**script, "lang": script.get("lang", "painless")}
    return {**definition, "script": script, "ignore_failure": definition.get("ignore_failure", False)}


def _check_searches(field: str, searches: int) -> None:
    if searches == 0 or searches < -1:
        raise bad_request(f"Invalid {field} value '{searches}' in datafeed configuration")


def _check_size(field: str, size: int) -> None:
    if size < 0:
        raise bad_request(f"Invalid {field} value '{size}' in datafeed configuration")


def _check_delay(field: str, delay: Duration) -> None:
    if delay.nanos < 0:
        raise illegal_argument(f"{field} cannot be less than 0. Value = {delay}")
    if delay.nanos % 1_000_000:
        raise illegal_argument(f"{field} has to be a multiple of 1ms; actual was '{delay}'")


def _check_frequency(field: str, frequency: Duration) -> None:
    if frequency.nanos <= 0:
        raise illegal_argument(f"{field} cannot be less or equal than 0. Value = {frequency}")
    if frequency.nanos % (SECOND_MS * 1_000_000):
        raise illegal_argument(f"{field} has to be a multiple of 1s; actual was '{frequency}'")


def _default_query_delay(known: Values) -> Duration:
    """Return 60 to 120 s, by a hash of the job's id (`DatafeedConfig.defaultRandomQueryDelay`)."""
    milliseconds = JavaRandom(java_hash(known["job_id"])).below(MINUTE_MS, 2 * MINUTE_MS)
    return Duration.read(f"{milliseconds}ms", "query_delay")


def _default_chunking(known: Values) -> ChunkingConfig:
    if known.get("aggregations") is None:
        return ChunkingConfig(mode="auto", time_span=None)
    histogram = histogram_of(known["aggregations"])
    if histogram.kind == "composite":
        return ChunkingConfig(mode="off", time_span=None)
    if histogram.interval_ms <= 0:
        raise bad_request("Aggregation interval must be greater than 0")
    span = Duration.read(f"{_AGGREGATED_CHUNK_BUCKETS * histogram.interval_ms}ms", "time_span")
    return ChunkingConfig(mode="manual", time_span=span)


@record("datafeed_config", aliases={"aggs": "aggregations", "indexes": "indices"}, dropped={"config_type": text})
class Datafeed(Record):
    """A datafeed as the server keeps it."""

    datafeed_id: str = row(text, exported=never)
    job_id: str = row(text, exported=never)
    query_delay: Duration = row(
        duration,
        check=_check_delay,
        at_creation=_default_query_delay,
        change=Change.CLOSED,
        exported=lambda delay, feed: None if delay == _default_query_delay({"job_id": feed.job_id}) else delay,
    )
    frequency: Duration | None = row(duration, check=_check_frequency, default=None, change=Change.CLOSED)
    max_empty_searches: int | None = row(
        small_integer,
        check=_check_searches,
        default=None,
        change=Change.CLOSED,
        merge=lambda _, searches: None if searches == -1 else searches,
    )
    indices: tuple[str, ...] = row(texts, default=(), change=Change.CLOSED)
    query: JsonObject = row(mapping, at_creation=lambda _: {"match_all": {}}, change=Change.CLOSED)
    aggregations: JsonObject | None = row(mapping, default=None, change=Change.CLOSED, shown=when_true)
    script_fields: JsonObject | None = row(_script_fields, default=None, change=Change.CLOSED)
    runtime_mappings: JsonObject = row(mapping, at_creation=lambda _: {}, change=Change.CLOSED, shown=when_true)
    scroll_size: int = row(small_integer, check=_check_size, default=DEFAULT_SCROLL_SIZE, change=Change.CLOSED)
    chunking_config: ChunkingConfig = row(
        Nested(ChunkingConfig),
        at_creation=_default_chunking,
        change=Change.CLOSED,
        exported=lambda chunking, feed: (
            None if chunking == _default_chunking({"aggregations": feed.aggregations}) else chunking
        ),
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
        return histogram_of(self.aggregations).interval_ms if self.aggregations else None

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
        """Raise 400 when there is nothing to read, or when the aggregations cannot be those of a datafeed."""
        if not self.indices or "" in self.indices:
            raise bad_request(f"Invalid indices value '[{', '.join(self.indices)}]' in datafeed configuration")
        if self.aggregations:
            if self.script_fields:
                raise bad_request("script_fields cannot be used in combination with aggregations")
            check_shape(self.aggregations)

    def check_with(self, job: Job) -> None:
        """Check the datafeed against its job, at creation and after every update.

        Raises:
            MlError: 400 with Elasticsearch's text.
        """
        config = job.analysis_config
        if config.latency is not None and config.latency.seconds > 0:
            raise bad_request("A job configured with datafeed cannot support latency")
        if self.aggregations:
            check_against_job(self.aggregations, self.frequency, job)
        window = self.delayed_data_check_config.check_window
        if self.delayed_data_check_config.enabled and window is not None:
            _check_window_and_span(window, config.bucket_span)


def _check_window_and_span(window: Duration, span: Duration) -> None:
    if window.nanos < span.nanos:
        raise bad_request(
            f"delayed_data_check_config: check_window [{window}] must be greater than the bucket_span [{span}]"
        )
    if window.nanos > 10_000 * span.nanos:
        raise bad_request(
            f"delayed_data_check_config: check_window [{window}] must be less than 10,000x the bucket_span [{span}]"
        )


_UNPARSABLE: Final = {
    "query": "Datafeed query is not parsable",
    "aggregations": "Datafeed aggregations are not parsable",
}
_EMPTY: Final = MlError(400, "exception", "aggs cannot be empty")
_FURTHER: Final = {
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


def _parse(parser: Parser, body: Json, search: SearchCheck) -> JsonObject:
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    if "aggs" in body and "aggregations" in body:
        cause = bad_request("Found two aggregation definitions: [aggs] and [aggregations]")
        raise field_failure(parser.name, "aggregations", cause)
    given = parser.parse(body)
    for field, refusal in _NOT_SERVED.items():
        if given.get(field, {}) != {}:
            raise not_implemented(refusal)
    if given.get("aggregations") == {}:
        cause = MlError(400, "status_exception", _UNPARSABLE["aggregations"], _EMPTY.as_cause())
        raise field_failure(parser.name, "aggregations", cause)
    for field, check in (("query", search.query), ("aggregations", search.aggregations)):
        if field in given:
            _check_parsable(parser, field, given[field], check)
    search.runtime_mappings(given.get("runtime_mappings", {}))
    search.script_fields(given.get("script_fields", {}))
    return given


def _check_parsable(parser: Parser, field: str, value: JsonObject, check: Callable[[JsonObject], None]) -> None:
    try:
        check(value)
    except MlError as error:
        if error.status == 501:  # well formed: it is the engine that cannot do it
            raise
        cause = MlError(400, "status_exception", _UNPARSABLE[field], error.as_cause())
        raise field_failure(parser.name, field, cause) from error


def create_datafeed(
    body: Json,
    *,
    datafeed_id: str | None,
    search: SearchCheck,
    job_id: str | None = None,
    indices_options: IndicesOptions | None = None,
) -> Datafeed:
    """Make the configuration of a new datafeed, without looking at its job.

    Args:
        body: the JSON body.
        datafeed_id: the id of the URL, which counts more than one in the body; None when there is none.
        search: judges its query and aggregations.
        job_id: the job it is created with, if the body need not name one.
        indices_options: what the request's query parameters say, used when the body has none.

    Raises:
        MlError: 400 with Elasticsearch's text and nesting; 501 for what the engine cannot do yet.
    """
    given = _parse(_CREATE, body, search)
    if job_id is not None and given.get("job_id", job_id) != job_id:
        raise illegal_argument(f"datafeed job_id [{given['job_id']}] does not equal job id [{job_id}]")
    owner = given.get("job_id", job_id)
    if owner is None:
        raise illegal_argument("[job_id] must not be null.")
    identity = datafeed_id or given.get("datafeed_id") or owner
    check_id("datafeed_id", identity)
    if given.get("max_empty_searches") == -1:
        del given["max_empty_searches"]
    if indices_options is not None:
        given.setdefault("indices_options", indices_options)
    datafeed = Datafeed.complete({**given, "datafeed_id": identity, "job_id": owner})
    if datafeed.aggregations is not None:
        search.rows(datafeed.aggregations)
    return datafeed


def update_datafeed(
    datafeed: Datafeed,
    body: Json,
    *,
    search: SearchCheck,
    indices_options: IndicesOptions | None = None,
) -> Datafeed:
    """Merge an update body into a datafeed: top-level keys are replaced, nested objects whole.

    Raises:
        MlError: 400 with Elasticsearch's text; 501 for what the engine cannot do yet.
    """
    given = _parse(_UPDATE, body, search)
    given.pop("datafeed_id", None)  # the one of the URL counts
    if given.pop("job_id", datafeed.job_id) != datafeed.job_id:
        raise bad_request("Datafeed's job_id cannot be changed.")
    if indices_options is not None:
        given.setdefault("indices_options", indices_options)
    merged = datafeed.merged(given)
    if "aggregations" in given:
        search.rows(given["aggregations"])
    return merged
