"""The query parameters that each endpoint knows: what is read, what changes nothing here, what is not served.

A parameter that no set of its endpoint names is refused with 400, one that Elasticsearch has and this engine has not
with 501, and the values of all others are checked, also of those that change nothing on a single node.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from anomalyops_engine.api.errors import ApiError, not_supported

Reader = Callable[[str, str], object]


def boolean(name: str, text: str) -> bool:
    """Return a boolean; given without a value it is true.

    Raises:
        ApiError: 400 when it is neither true nor false.
    """
    if text in {"", "true"}:
        return True
    if text == "false":
        return False
    raise _illegal(f"Failed to parse value [{text}] as only [true] or [false] are allowed.")


def integer(name: str, text: str) -> int:
    """Return a whole number of 32 bits.

    Raises:
        ApiError: 400 for anything else.
    """
    if not re.fullmatch(r"[+-]?\d{1,10}", text) or not -(2**31) <= int(text) < 2**31:
        raise _illegal(f"Failed to parse int parameter [{name}] with value [{text}]")
    return int(text)


def number(name: str, text: str) -> float:
    """Return a finite number.

    Raises:
        ApiError: 400 for anything else.
    """
    if not re.fullmatch(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,2})?", text):
        raise _illegal(f"Failed to parse float parameter [{name}] with value [{text}]")
    return float(text)


def duration(name: str, text: str) -> str:
    """Return a duration as it is given, such as `30s`, `-1` or `0`.

    Raises:
        ApiError: 400 when it has no unit or an unknown one.
    """
    text = text.strip()
    if not re.fullmatch(r"(?i)(-1|0|\d{1,18}(\.\d{1,9})?\s*(nanos|micros|ms|s|m|h|d))", text):
        raise _illegal(
            f"failed to parse setting [{name}] with value [{text}] as a time value: unit is missing or unrecognized"
        )
    return text


def text(name: str, value: str) -> str:
    """Return any text."""
    return value


def one_of(*choices: str) -> Reader:
    """Return the reader of one word of a closed set."""

    def read(name: str, value: str) -> str:
        if value.lower() not in choices:
            listed = ", ".join(choices)
            raise _illegal(f"No value [{value}] of parameter [{name}] is known, it must be one of [{listed}]")
        return value.lower()

    return read


def some_of(*choices: str) -> Reader:
    """Return the reader of a list of words of a closed set."""
    one = one_of(*choices)

    def read(name: str, value: str) -> list[object]:
        return [one(name, word.strip()) for word in value.split(",")]

    return read


def at_least(minimum: int, called: str = "") -> Reader:
    """Return the reader of a whole number with a lower bound; `called` is its name in Elasticsearch's message."""

    def read(name: str, value: str) -> int:
        found = integer(name, value)
        if found < minimum:
            told = f"parameter [{name}] must be >= {minimum}, got [{found}]"
            raise _illegal(f"{called} must be >= {minimum}" if called else told)
        return found

    return read


def truth_or_number(name: str, value: str) -> bool | int:
    """Return a truth value or a whole number."""
    return value == "true" if value in {"true", "false"} else integer(name, value)


def only(value: str, what: str) -> Reader:
    """Return the reader of a parameter of whose values one alone is served."""

    def read(name: str, given: str) -> str:
        if given.lower() != value:
            raise not_supported(f"[{name}={given}] is not supported by this engine: {what}")
        return value

    return read


def copies(name: str, value: str) -> int:
    """Return how many active copies of a shard a write waits for; there is one.

    Raises:
        ApiError: 400 for no number, 503 when there can never be as many.
    """
    wanted = 1 if value in {"all", ""} else integer(name, value)
    if wanted < 0:
        raise _illegal(f"[{name}] cannot be a negative number")
    if wanted > 1:
        reason = f"Not enough active copies to meet shard count of [{wanted}] (have 1, needed {wanted})"
        raise ApiError(503, "unavailable_shards_exception", reason)
    return wanted


def _illegal(reason: str) -> ApiError:
    return ApiError(400, "illegal_argument_exception", reason)


# A parameter means the same wherever it is known.
READERS: Final[Mapping[str, Reader]] = {
    "active_only": boolean,
    "id": text,
    "name": text,
    "owner": boolean,
    "realm_name": text,
    "username": text,
    "with_limited_by": boolean,
    "_source": text,
    "_source_excludes": text,
    "_source_includes": text,
    "accept_enterprise": boolean,
    "all_shards": boolean,
    "allow_no_forecasts": boolean,
    "advance_time": text,
    "analyze_wildcard": boolean,
    "actions": text,
    "allow_no_indices": boolean,
    "allow_no_match": boolean,
    "allow_partial_results": boolean,
    "allow_partial_search_results": boolean,
    "anomaly_score": number,
    "batched_reduce_size": at_least(2, "batchedReduceSize"),
    "bucket_span": text,
    "calc_interim": boolean,
    "bytes": one_of("b", "kb", "mb", "gb", "tb", "pb"),
    "charset": text,
    "column_names": text,
    "ecs_compatibility": text,
    "grok_pattern": text,
    "has_header_row": boolean,
    "line_merge_size_limit": integer,
    "lines_to_sample": integer,
    "quote": text,
    "should_parse_recursively": boolean,
    "should_trim_fields": boolean,
    "timestamp_field": text,
    "timestamp_format": text,
    "categories": some_of("build", "license", "features", "-build", "-license", "-features"),
    "ccs_minimize_roundtrips": boolean,
    "cause": text,
    "close_job": boolean,
    "create": boolean,
    "conflicts": one_of("abort", "proceed"),
    "default_operator": one_of("and", "or"),
    "delete_intervening_results": boolean,
    "delete_user_annotations": boolean,
    "desc": boolean,
    "delimiter": text,
    "detailed": boolean,
    "df": text,
    "docvalue_fields": text,
    "drop_null_columns": boolean,
    "duration": text,
    "enabled": boolean,
    "end": text,
    "error_trace": boolean,
    "explain": boolean,
    "exclude_generated": boolean,
    "exclude_interim": boolean,
    "expand": boolean,
    "expand_wildcards": some_of("open", "closed", "hidden", "none", "all"),
    "expires_in": text,
    "completion_fields": text,
    "fielddata": boolean,
    "fielddata_fields": text,
    "stored_fields": text,
    "fields": text,
    "filters": text,
    "types": text,
    "filter_path": text,
    "flat_settings": boolean,
    "flush": boolean,
    "forbid_closed_indices": boolean,
    "force": boolean,
    "format": only("json", "answers are JSON"),
    "from": integer,
    "full_id": boolean,
    "groups": text,
    "group_by": one_of("nodes", "parents", "none"),
    "h": text,
    "help": boolean,
    "human": boolean,
    "ignore_throttled": boolean,
    "ignore_unavailable": boolean,
    "health": one_of("green", "yellow", "red"),
    "if_primary_term": text,
    "if_seq_no": text,
    "include_remotes": boolean,
    "include_segment_file_sizes": boolean,
    "include_unloaded_segments": boolean,
    "include_bootstrap": boolean,
    "include_defaults": only("false", "settings are those that were given"),
    "include_source_on_error": boolean,
    "include_unmapped": boolean,
    "index": text,
    "influencer_score": number,
    "job_id": text,
    "lenient": boolean,
    "level": one_of("cluster", "indices", "shards"),
    "list_executed_pipelines": boolean,
    "local": boolean,
    "master_timeout": duration,
    "max_concurrent_searches": at_least(1),
    "max_concurrent_shard_requests": at_least(1),
    "max_model_memory": text,
    "max_num_segments": integer,
    "nodes": text,
    "op_type": one_of("index", "create"),
    "only_expunge_deletes": boolean,
    "order": integer,
    "overall_score": number,
    "partition_field_value": text,
    "parent_task_id": text,
    "pre_filter_shard_size": at_least(1, "preFilterShardSize"),
    "preference": text,
    "pretty": boolean,
    "pri": boolean,
    "query": boolean,
    "preserve_existing": boolean,
    "q": text,
    "realtime": boolean,
    "record_score": number,
    "refresh": one_of("", "true", "false", "wait_for"),
    "reopen": boolean,
    "request": boolean,
    "request_cache": boolean,
    "require_alias": boolean,
    "requests_per_second": only("-1", "nothing is slowed down"),
    "reset_end": text,
    "reset_start": text,
    "rest_total_hits_as_int": boolean,
    "retry_on_conflict": at_least(0),
    "routing": text,
    "s": text,
    "scroll": duration,
    "keep_alive": duration,
    "keep_on_completion": boolean,
    "scroll_id": text,
    "scroll_size": at_least(1),
    "search_timeout": duration,
    "search_type": one_of("query_then_fetch", "dfs_query_then_fetch"),
    "seq_no_primary_term": boolean,
    "size": integer,
    "skip_time": text,
    "slices": text,
    "sort": text,
    "start": text,
    "stats": text,
    "time": one_of("nanos", "micros", "ms", "s", "m", "h", "d"),
    "timeout": duration,
    "top_n": integer,
    "ts": boolean,
    "track_scores": boolean,
    "track_total_hits": truth_or_number,
    "typed_keys": boolean,
    "v": boolean,
    "verbose": boolean,
    "version": boolean,
    "version_type": text,
    "wait_for_active_shards": copies,
    "wait_for_completion": boolean,
    "wait_for_completion_timeout": duration,
    "wait_for_events": one_of("immediate", "urgent", "high", "normal", "low", "languid"),
    "wait_for_no_initializing_shards": boolean,
    "wait_for_no_relocating_shards": boolean,
    "wait_for_nodes": text,
    "wait_for_timeout": duration,
    "wait_for_status": one_of("green", "yellow", "red"),
    "wait_if_ongoing": boolean,
}

# Known on every endpoint (the "common options" of the REST API). An error has no stack of another process to show, so
# `error_trace` changes nothing.
COMMON: Final = frozenset({"pretty", "human", "error_trace", "filter_path", "format"})
# Which indices a name or pattern stands for.
TARGETS: Final = frozenset({"expand_wildcards", "ignore_unavailable", "allow_no_indices"})
# How long to wait for other nodes and copies, of which there are none.
WAITING: Final = frozenset({"timeout", "master_timeout"})


@dataclass(frozen=True, slots=True)
class Known:
    """The parameters of one endpoint.

    Attributes:
        read: what its handler uses.
        idle: what changes nothing on a single node whose writes are visible at once.
        missing: what Elasticsearch has and this engine has not.
        readers: of parameters that mean something else here than elsewhere.
    """

    read: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    readers: Mapping[str, Reader] = field(default_factory=dict)

    def check(self, path: str, given: Mapping[str, str]) -> None:
        """Refuse parameters that are not known or not served, and values that cannot be read.

        Raises:
            ApiError: 400 or 501, naming the parameter.
        """
        served = COMMON | self.read | self.idle
        for name in given:
            if name in self.missing:
                raise not_supported(f"parameter [{name}] of [{path}] is not supported by this engine")
        unknown = sorted(name for name in given if name not in served)
        if unknown:
            many = "s" if len(unknown) > 1 else ""
            listed = ", ".join(f"[{name}]{_suggestion(name, served)}" for name in unknown)
            raise _illegal(f"request [{path}] contains unrecognized parameter{many}: {listed}")
        for name, value in given.items():
            self.readers.get(name, READERS[name])(name, value)


def known(
    read: Iterable[str] = (),
    *,
    idle: Iterable[str] = (),
    missing: Iterable[str] = (),
    readers: Mapping[str, Reader] | None = None,
) -> Known:
    """Return the parameters of an endpoint."""
    return Known(frozenset(read), frozenset(idle), frozenset(missing), readers or {})


def _suggestion(name: str, served: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(served), n=1, cutoff=0.7)
    return f" -> did you mean [{close[0]}]?" if close else ""
