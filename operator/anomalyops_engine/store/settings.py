"""The settings of an index: one row each, with what this engine does about it.

Nothing is accepted and ignored: a setting is honoured, or is about what this engine does not have to do (shards,
merges, caches, logs of slow requests), or is refused by its name. Values are kept as text, as Elasticsearch shows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.store.errors import IllegalSettingError, UnsupportedSettingError
from anomalyops_engine.store.patterns import matches

Read = Callable[[str, str], None]
_TIME = re.compile(r"-1|\d+(?:\.\d+)?(?:nanos|micros|ms|s|m|h|d)")
_BOUNDS = re.compile(r"false|(\d+)-(?:\d+|all)", re.ASCII)
_SIZE = re.compile(r"-1|\d+(?:\.\d+)?(?:b|kb|mb|gb|tb|pb|k|m|g|t|p)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: its name below `index.`; `*` stands for any further names.
        check: raises `IllegalSettingError` for a value that it does not take, given name and text.
        served: which texts this engine honours; None for all.
        dynamic: it may be changed on an index that is open.
        final: it cannot be changed at all.
        default: what holds where it is not set; None where that is not said.
    """

    name: str
    check: Read
    served: frozenset[str] | None = None
    dynamic: bool = False
    final: bool = False
    default: str | None = None


def read_settings(given: object) -> dict[str, str]:
    """Return settings by name, without `index.`, as text; a null takes a setting back and is left out.

    Args:
        given: the `settings` object of a request: nested, dotted, or below `index`.

    Raises:
        IllegalSettingError: one does not exist, or does not take its value.
        UnsupportedSettingError: Elasticsearch has it, this engine has not.
    """
    return {name: text for name, text in _read(given) if text is not None}


def defaults_besides(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what holds where settings say nothing, by name without `index.`."""
    served = {row.name: min(row.served) for row in _TABLE if row.served is not None and len(row.served) == 1}
    stated = {row.name: row.default for row in _TABLE if row.default is not None}
    return {name: text for name, text in {**served, **stated}.items() if name not in settings}


def stated_settings(given: object) -> dict[str, str | None]:
    """Return settings by name, without `index.`, as text; None for what is set back to its default.

    Raises:
        IllegalSettingError: likewise.
        UnsupportedSettingError: likewise.
    """
    return dict(_read(given))


def changed_settings(
    index: str,
    uuid: str,
    settings: Mapping[str, str],
    given: object,
    *,
    preserve: bool = False,
    closed: bool = False,
) -> dict[str, str]:
    """Return the settings of an index after an update; a null sets one back to its default.

    Args:
        index: its name.
        uuid: its identity.
        settings: what it has.
        given: the update.
        preserve: what it has stays, and only what it has not is set.
        closed: it is closed, or is for a moment.

    Raises:
        IllegalSettingError: likewise, or one cannot be changed on an index that is there.
        UnsupportedSettingError: Elasticsearch has it, this engine has not.
    """
    changes = {name: text for name, text in _read(given) if not (preserve and name in settings)}
    fixed = [name for name in changes if not _row(name).dynamic]
    for name in fixed if closed else ():
        if _row(name).final:
            raise IllegalSettingError(f"final {index} setting [index.{name}], not updateable")
    if fixed and not closed:
        listed = ", ".join(f"index.{name}" for name in sorted(fixed))
        raise IllegalSettingError(
            f"Can't update non dynamic settings [[{listed}]] for open indices [[{index}/{uuid}]] "  # noqa: S608 (no SQL)
            "unless the `reopen` query parameter is set to true. Alternatively, close the indices, apply the settings "
            "changes, and reopen the indices"
        )
    merged = {**settings, **changes}
    return {name: text for name, text in merged.items() if text is not None}


def replicas(settings: Mapping[str, str]) -> str:
    """Return how many copies of its shards an index has on one node: as few as it may, or as many as it wants."""
    bounds = _BOUNDS.fullmatch(settings.get("auto_expand_replicas", "false"))
    fewest = None if bounds is None else bounds.group(1)
    return settings.get("number_of_replicas", "1") if fewest is None else fewest


def nested(settings: Mapping[str, str]) -> dict[str, Any]:
    """Return settings as the object that responses show below `index`."""
    out: dict[str, Any] = {}
    for name, text in sorted(settings.items()):
        level = out
        *parents, last = name.split(".")
        for parent in parents:
            level = level.setdefault(parent, {})
        level[last] = text
    return out


def _read(given: object) -> Iterator[tuple[str, str | None]]:
    if not isinstance(given, Mapping):
        raise IllegalSettingError("key [settings] must be an object")
    named = {full.removeprefix("index."): value for full, value in _flat("", given)}
    for name, value in sorted(named.items()):
        row = _row(name)
        if value is None:
            yield name, None
            continue
        text = _text(name, value)
        row.check(name, text)
        if row.served is not None and text not in row.served:
            raise UnsupportedSettingError(f"setting [index.{name}] of [{text}] is not supported by this engine")
        yield name, text


def _flat(prefix: str, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ",".join(str(item) for item in value)
    raise IllegalSettingError(f"Failed to parse value [{value}] for setting [index.{name}]")


def _row(name: str) -> Setting:
    row = _EXACT.get(name)
    if row is not None:
        return row
    for row in _PATTERNS:
        if matches(row.name, name):
            return row
    raise IllegalSettingError(
        f"unknown setting [index.{name}] please check that any required plugins are installed, or check the breaking "
        "changes documentation for removed settings"
    )


def _number(low: int, high: int | None = None) -> Read:
    def check(name: str, text: str) -> None:
        if re.fullmatch(r"-?\d+", text, re.ASCII) is None:
            raise IllegalSettingError(f"Failed to parse value [{text}] for setting [index.{name}]")
        if int(text) < low:
            raise IllegalSettingError(f"Failed to parse value [{text}] for setting [index.{name}] must be >= {low}")
        if high is not None and int(text) > high:
            raise IllegalSettingError(f"Failed to parse value [{text}] for setting [index.{name}] must be <= {high}")

    return check


def _boolean(name: str, text: str) -> None:
    if text not in {"true", "false"}:
        raise IllegalSettingError(f"Failed to parse value [{text}] as only [true] or [false] are allowed.")


def _time(name: str, text: str) -> None:
    if _TIME.fullmatch(text) is None and text != "0":
        raise IllegalSettingError(
            f"failed to parse setting [index.{name}] with value [{text}] as a time value: unit is missing "
            "or unrecognized"
        )


def _size(name: str, text: str) -> None:
    if _SIZE.fullmatch(text) is None:
        raise IllegalSettingError(f"failed to parse setting [index.{name}] with value [{text}] as a size in bytes")


def _bounds(name: str, text: str) -> None:
    if _BOUNDS.fullmatch(text) is None:
        raise IllegalSettingError(f"failed to parse [index.{name}] from value: [{text}]")


def _any(name: str, text: str) -> None:
    """Take any text."""


def _word(*words: str) -> Read:
    def check(name: str, text: str) -> None:
        if text not in words:
            raise IllegalSettingError(
                f"unknown value for [index.{name}] must be one of [{', '.join(words)}] but was: {text}"
            )

    return check


def _only(*texts: str) -> frozenset[str]:
    return frozenset(texts)


_TABLE: Final = (
    # --- honoured ---
    Setting("hidden", _boolean, dynamic=True, default="false"),
    Setting("blocks.write", _boolean, dynamic=True, default="false"),
    Setting("blocks.read", _boolean, dynamic=True, default="false"),
    Setting("blocks.read_only", _boolean, dynamic=True, default="false"),
    Setting("blocks.metadata", _boolean, dynamic=True, default="false"),
    Setting("blocks.read_only_allow_delete", _boolean, dynamic=True, default="false"),
    # No pipeline exists: with one named, documents are refused, as they are where a pipeline is missing.
    Setting("default_pipeline", _any, dynamic=True, default="_none"),
    Setting("final_pipeline", _any, dynamic=True, default="_none"),
    Setting("analyze.max_token_count", _number(1), dynamic=True, default="10000"),
    Setting("gc_deletes", _time, served=_only("60s", "1m"), dynamic=True, default="60s"),
    Setting("mapping.coerce", _boolean, default="true"),
    Setting("mapping.depth.limit", _number(1), served=frozenset(map(str, range(1, 101))), dynamic=True, default="20"),
    Setting("mapping.field_name_length.limit", _number(1), dynamic=True, default="9223372036854775807"),
    Setting("mapping.ignore_malformed", _boolean, default="false"),
    Setting("mapping.nested_fields.limit", _number(0), dynamic=True, default="100"),
    Setting("mapping.total_fields.limit", _number(0), dynamic=True, default="1000"),
    Setting("max_docvalue_fields_search", _number(0), dynamic=True, default="100"),
    Setting("max_regex_length", _number(1), dynamic=True, default="1000"),
    Setting("max_result_window", _number(1), dynamic=True, default="10000"),
    Setting("max_slices_per_pit", _number(1), dynamic=True, default="1024"),
    Setting("max_slices_per_scroll", _number(1), dynamic=True, default="1024"),
    Setting("max_terms_count", _number(1), dynamic=True, default="65536"),
    # --- about what there is not: shards, copies, files, caches, logs ---
    Setting("allocation.max_retries", _number(0), dynamic=True),
    Setting("auto_expand_replicas", _bounds, dynamic=True),
    Setting("codec", _word("default", "best_compression", "legacy_default", "best_speed")),
    Setting("fielddata.cache", _any),
    Setting("flush_after_merge", _size, dynamic=True),
    Setting("indexing.slowlog.*", _any, dynamic=True),
    Setting("load_fixed_bitset_filters_eagerly", _boolean),
    Setting("max_refresh_listeners", _number(0), dynamic=True),
    Setting("merge.*", _any, dynamic=True),
    Setting("number_of_replicas", _number(0), dynamic=True),
    Setting("number_of_routing_shards", _number(1), final=True),
    Setting("number_of_shards", _number(1, 1024), final=True),
    Setting("priority", _number(0), dynamic=True),
    # A write is visible from the moment that it is acknowledged, so there is nothing to refresh.
    Setting("refresh_interval", _time, dynamic=True),
    Setting("requests.cache.enable", _boolean, dynamic=True),
    Setting("routing.allocation.*", _any, dynamic=True),
    Setting("routing.rebalance.enable", _any, dynamic=True),
    Setting("routing_partition_size", _number(1), served=_only("1"), final=True),
    Setting("search.idle.after", _time, dynamic=True),
    Setting("search.slowlog.*", _any, dynamic=True),
    Setting("search.throttled", _boolean),
    Setting("shard.check_on_startup", _any),
    Setting("soft_deletes.*", _any, dynamic=True),
    Setting("store.type", _any),
    Setting("store.preload", _any),
    Setting("translog.*", _any, dynamic=True),
    Setting("unassigned.node_left.delayed_timeout", _time, dynamic=True),
    Setting("warmer.enabled", _boolean, dynamic=True),
    Setting("write.wait_for_active_shards", _any, dynamic=True),
    # --- limits of what is not served, or that are fixed here: the default only ---
    Setting("highlight.max_analyzed_offset", _number(-1), served=_only("1000000"), dynamic=True),
    Setting("mapping.dimension_fields.limit", _number(0), dynamic=True),
    Setting("mapping.ignore_above", _number(0), served=_only("2147483647")),
    Setting("mapping.nested_objects.limit", _number(0), served=_only("10000"), dynamic=True),
    Setting("mapping.nested_parents.limit", _number(0), dynamic=True),
    Setting("mapping.source.mode", _word("stored", "synthetic", "disabled"), served=_only("stored")),
    Setting("mapping.synthetic_source_keep", _word("none", "arrays")),
    Setting("mapping.total_fields.ignore_dynamic_beyond_limit", _boolean, served=_only("false"), dynamic=True),
    Setting("max_inner_result_window", _number(0), served=_only("100"), dynamic=True),
    Setting("max_ngram_diff", _number(0), dynamic=True),
    Setting("max_rescore_window", _number(1), served=_only("10000"), dynamic=True),
    Setting("max_script_fields", _number(0), dynamic=True),
    Setting("max_shingle_diff", _number(0), dynamic=True),
    Setting("mode", _word("standard", "time_series", "logsdb", "lookup"), served=_only("standard"), final=True),
    Setting("query.parse.allow_unmapped_fields", _boolean, served=_only("true")),
    Setting("query_string.lenient", _boolean, served=_only("false")),
    Setting("query.default_field", _any, served=_only("*"), dynamic=True),
    # --- not served ---
    *(
        Setting(name, _any, served=_only())
        for name in (
            "analysis.*",
            "lifecycle.*",
            "routing_path",
            "similarity.*",
            "sort.*",
            "time_series.*",
            "data_path",
            "dense_vector.*",
            "lookup.*",
            "look_ahead_time",
            "look_back_time",
            "downsample.*",
            "rollup.*",
            "format",
        )
    ),
)
_EXACT: Final = {row.name: row for row in _TABLE if "*" not in row.name}
_PATTERNS: Final = tuple(row for row in _TABLE if "*" in row.name)
