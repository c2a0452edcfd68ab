"""Datafeed configurations: parsing, checking, filling in, merging updates.

Rules and defaults: `DatafeedConfig` and `DatafeedUpdate` of Elasticsearch.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from anomalyops_engine.config.datafeed_aggregations import check_against_job, check_shape
from anomalyops_engine.config.identifiers import check_id, check_same_id
from anomalyops_engine.config.reading import (
    Json,
    Parser,
    WrongType,
    boolean,
    choice,
    duration,
    integer,
    mapping,
    nested,
    text,
    texts,
)
from anomalyops_engine.config.units import HOUR_MS, MINUTE_MS, SECOND_MS, duration_ms
from anomalyops_engine.refusals import (
    MlError,
    bad_request,
    field_failure,
    illegal_argument,
    not_implemented,
    parse_failure,
)

JsonObject = dict[str, Any]
CheckQuery = Callable[[JsonObject], None]

DEFAULT_SCROLL_SIZE: Final = 1_000
_AGGREGATED_CHUNK_BUCKETS: Final = 1_000
_DEFAULT_MANUAL_CHUNK: Final = "3h"
_WILDCARD_STATES: Final = ("open", "closed", "hidden")
DEFAULT_INDICES_OPTIONS: Final[JsonObject] = {
    "expand_wildcards": ["open"],
    "ignore_unavailable": False,
    "allow_no_indices": True,
    "ignore_throttled": True,
}
_NOT_SERVED: Final = {
    "script_fields": "script_fields are not supported by the embedded engine yet",
    "runtime_mappings": "runtime_mappings are not supported by the embedded engine yet",
    "esql_query": "ES|QL datafeeds (esql_query) are not supported by the embedded engine yet",
    "source_time_field": "ES|QL datafeeds (source_time_field) are not supported by the embedded engine yet",
    "grouping_interval": "ES|QL datafeeds (grouping_interval) are not supported by the embedded engine yet",
}


def _chunking(parsed: JsonObject) -> JsonObject:
    mode = parsed["mode"]
    if mode == "manual":
        span = parsed.get("time_span", _DEFAULT_MANUAL_CHUNK)
        if duration_ms(span, "time_span") <= 0:
            raise illegal_argument(f"time_span cannot be less or equal than 0. Value = {span}")
        return {"mode": mode, "time_span": span}
    if "time_span" in parsed:
        raise illegal_argument("chunk time_span may only be set when mode is manual")
    return {"mode": mode}


def expand_wildcards(value: Json) -> list[str]:
    """Return `expand_wildcards` as the server prints it: `all` spelt out, in a fixed order."""
    given = [part.strip() for item in texts("expand_wildcards", value) for part in item.split(",")]
    known = {*_WILDCARD_STATES, "all", "none"}
    for part in given:
        if part not in known:
            raise illegal_argument(f"No valid expand wildcard value [{part}]")
    if "all" in given:
        return list(_WILDCARD_STATES)
    if given == ["none"]:
        return []
    return [state for state in _WILDCARD_STATES if state in given]


def _indices_options(parsed: JsonObject) -> JsonObject:
    return {**deepcopy(DEFAULT_INDICES_OPTIONS), **parsed}


def _max_empty_searches(_: str, value: Json) -> int:
    searches = integer(_, value)
    if searches == 0 or searches < -1:
        raise bad_request(f"Invalid max_empty_searches value '{searches}' in datafeed configuration")
    return searches


def _scroll_size(_: str, value: Json) -> int:
    size = integer(_, value)
    if size < 0:
        raise bad_request(f"Invalid scroll_size value '{size}' in datafeed configuration")
    return size


def _indices(_: str, value: Json) -> list[str]:
    indices = [value] if isinstance(value, str) else value
    if not isinstance(indices, list):
        raise WrongType
    if not indices or not all(isinstance(name, str) and name for name in indices):
        shown = ", ".join("null" if name is None else str(name) for name in indices)
        raise bad_request(f"Invalid indices value '[{shown}]' in datafeed configuration")
    return indices


def _query_delay(field: str, value: Json) -> str:
    delay = duration(field, value)
    if duration_ms(delay) < 0:
        raise illegal_argument(f"query_delay cannot be less than 0. Value = {delay}")
    return str(delay)


def _frequency(field: str, value: Json) -> str:
    frequency = str(duration(field, value))
    milliseconds = duration_ms(frequency)
    if milliseconds <= 0:
        raise illegal_argument(f"frequency cannot be less or equal than 0. Value = {frequency}")
    if milliseconds % SECOND_MS:
        raise illegal_argument(f"frequency has to be a multiple of 1s; actual was '{frequency}'")
    return frequency


_FIELDS: Final[dict[str, Any]] = {
    "datafeed_id": text,
    "job_id": text,
    "indices": _indices,
    "query": mapping,
    "aggregations": mapping,
    "query_delay": _query_delay,
    "frequency": _frequency,
    "scroll_size": _scroll_size,
    "chunking_config": nested(
        Parser(
            "chunking_config",
            {"mode": choice("auto", "manual", "off"), "time_span": duration},
            required=("mode",),
        ),
        _chunking,
    ),
    "delayed_data_check_config": nested(
        Parser(
            "delayed_data_check_config",
            {"enabled": boolean, "check_window": duration},
            required=("enabled",),
        )
    ),
    "max_empty_searches": _max_empty_searches,
    "indices_options": nested(
        Parser(
            "indices_options",
            {
                "expand_wildcards": lambda _, value: expand_wildcards(value),
                "ignore_unavailable": boolean,
                "allow_no_indices": boolean,
                "ignore_throttled": boolean,
            },
        ),
        _indices_options,
    ),
    "script_fields": mapping,
    "runtime_mappings": mapping,
    "esql_query": text,
    "source_time_field": text,
    "grouping_interval": duration,
}
_ALIASES: Final = {"aggs": "aggregations", "indexes": "indices"}
DATAFEED_PARSER: Final = Parser("datafeed_config", _FIELDS, _ALIASES)
DATAFEED_UPDATE_PARSER: Final = Parser("datafeed_update", _FIELDS, _ALIASES)


def _parse(parser: Parser, body: object, check_query: CheckQuery) -> JsonObject:
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    if "aggs" in body and "aggregations" in body:
        raise bad_request("Found two aggregation definitions: [aggs] and [aggregations]")
    parsed = parser.parse(body)
    for field, refusal in _NOT_SERVED.items():
        if parsed.pop(field, None):
            raise not_implemented(refusal)
    if "query" in parsed:
        try:
            check_query(parsed["query"])
        except MlError as error:
            cause = MlError(400, "status_exception", "Datafeed query is not parsable", error.as_cause())
            raise field_failure(parser.name, "query", cause) from error
    return parsed


def default_query_delay(job_id: str) -> str:
    """Return the default query delay of a job: 60 to 120 s by a hash of its id,."""
    return f"{MINUTE_MS + zlib.crc32(job_id.encode()) % MINUTE_MS}ms"


def create_datafeed(
    body: object,
    *,
    datafeed_id: str | None,
    check_query: CheckQuery,
    job_id: str | None = None,
    indices_options: JsonObject | None = None,
) -> JsonObject:
    """Make the configuration of a new datafeed, without looking at its job.

    Args:
        body: the JSON body.
        datafeed_id: the id of the URL; None when the body carries it or the job id is used.
        check_query: raises MlError for a query that cannot be parsed.
        job_id: the job it is created with, if the body need not name one.
        indices_options: what the request's query parameters say, used when the body has none.

    Returns:
        The datafeed as GET shows it.

    Raises:
        MlError: 400 with Elasticsearch's text and nesting; 501 for what the engine cannot do yet.
    """
    parsed = _parse(DATAFEED_PARSER, body, check_query)
    if datafeed_id is not None:
        check_same_id("datafeed_id", parsed.get("datafeed_id"), datafeed_id)
    if job_id is not None and parsed.get("job_id", job_id) != job_id:
        raise illegal_argument(f"datafeed job_id [{parsed['job_id']}] does not equal job id [{job_id}]")
    owner = parsed.get("job_id", job_id)
    if not owner:
        raise bad_request("Invalid job_id value 'null' in datafeed configuration")
    identity = check_id("datafeed_id", datafeed_id or parsed.get("datafeed_id") or owner)
    check_id("job_id", owner)
    if "indices" not in parsed:
        raise bad_request("Invalid indices value 'null' in datafeed configuration")
    datafeed: JsonObject = {
        "datafeed_id": identity,
        "job_id": owner,
        "query_delay": parsed.get("query_delay", default_query_delay(owner)),
    }
    for key in ("frequency", "max_empty_searches"):
        if key in parsed and parsed[key] != -1:
            datafeed[key] = parsed[key]
    datafeed["indices"] = parsed["indices"]
    datafeed["query"] = parsed.get("query", {"match_all": {"boost": 1}})
    if parsed.get("aggregations"):
        datafeed["aggregations"] = parsed["aggregations"]
    datafeed["scroll_size"] = parsed.get("scroll_size", DEFAULT_SCROLL_SIZE)
    datafeed["chunking_config"] = parsed.get("chunking_config") or _default_chunking(datafeed)
    datafeed["delayed_data_check_config"] = parsed.get("delayed_data_check_config", {"enabled": True})
    datafeed["indices_options"] = parsed.get(
        "indices_options", {**deepcopy(DEFAULT_INDICES_OPTIONS), **(indices_options or {})}
    )
    if datafeed.get("aggregations"):
        check_shape(datafeed["aggregations"])
    return datafeed


def _default_chunking(datafeed: JsonObject) -> JsonObject:
    if not datafeed.get("aggregations"):
        return {"mode": "auto"}
    interval = check_shape(datafeed["aggregations"])
    return {"mode": "manual", "time_span": f"{_AGGREGATED_CHUNK_BUCKETS * interval}ms"}


def update_datafeed(
    datafeed: JsonObject,
    body: object,
    *,
    check_query: CheckQuery,
    indices_options: JsonObject | None = None,
) -> JsonObject:
    """Merge an update body into a stored datafeed: top-level keys are replaced, nested objects whole.

    Raises:
        MlError: 400 with Elasticsearch's text; 501 for what the engine cannot do yet.
    """
    parsed = _parse(DATAFEED_UPDATE_PARSER, body, check_query)
    check_same_id("datafeed_id", parsed.pop("datafeed_id", None), datafeed["datafeed_id"])
    if parsed.pop("job_id", datafeed["job_id"]) != datafeed["job_id"]:
        raise bad_request("Datafeed's job_id cannot be changed.")
    merged = {**deepcopy(datafeed), **parsed}
    if indices_options and "indices_options" not in parsed:
        merged["indices_options"] = {**deepcopy(DEFAULT_INDICES_OPTIONS), **indices_options}
    if merged.get("max_empty_searches") == -1:
        del merged["max_empty_searches"]
    if not merged.get("aggregations", True):
        del merged["aggregations"]
    if merged.get("aggregations"):
        check_shape(merged["aggregations"])
    return merged


def check_with_job(datafeed: JsonObject, job: JsonObject) -> None:
    """Check a datafeed against its job, at creation and after every update.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    config = job["analysis_config"]
    if duration_ms(config.get("latency", "0")) > 0:
        raise bad_request("A job configured with datafeed cannot support latency")
    check_against_job(datafeed, job)
    delayed = datafeed["delayed_data_check_config"]
    window = delayed.get("check_window")
    if delayed["enabled"] and window is not None:
        span = config["bucket_span"]
        if duration_ms(window) < duration_ms(span):
            raise bad_request(
                f"delayed_data_check_config: check_window [{window}] must be greater than the bucket_span [{span}]"
            )
        if duration_ms(window) > 10_000 * duration_ms(span):
            raise bad_request(
                f"delayed_data_check_config: check_window [{window}] must be less than 10,000x the bucket_span [{span}]"
            )


def frequency_ms(datafeed: JsonObject, span_ms: int) -> int:
    """Return how often a real-time datafeed searches, in milliseconds (`DatafeedConfig.defaultFrequency`)."""
    if "frequency" in datafeed:
        return duration_ms(datafeed["frequency"])
    if span_ms <= 2 * MINUTE_MS:
        chosen = MINUTE_MS
    elif span_ms <= 20 * MINUTE_MS:
        chosen = span_ms // 2
    elif span_ms <= 12 * HOUR_MS:
        chosen = 10 * MINUTE_MS
    else:
        chosen = HOUR_MS
    if datafeed.get("aggregations"):
        interval = check_shape(datafeed["aggregations"])
        chosen = max(interval, chosen // interval * interval)
    return chosen


def check_window_ms(datafeed: JsonObject, span_ms: int) -> int:
    """Return the window of the delayed data check in ms (default: the longer of 2 h and 8 buckets)."""
    window = datafeed["delayed_data_check_config"].get("check_window")
    return duration_ms(window) if window is not None else max(2 * HOUR_MS, 8 * span_ms)
