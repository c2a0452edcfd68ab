"""Settings of the cluster that this engine has.

They are the largest model memory limit, whether indices must be named to be deleted or closed, whether tasks
are assigned, what searches may take, and levels of loggers. What Elasticsearch has and this engine has not is refused
by name.
What is persistent is stored; what is transient holds until the engine ends, and wins.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Final

from anomalyops_engine.config import MemorySize
from anomalyops_engine.config.units import duration_ms
from anomalyops_engine.jobs.registry import METADATA
from anomalyops_engine.jobs.runtime import ASSIGNMENT, NODE_NAME, Runtime
from anomalyops_engine.json_types import Json, JsonObject
from anomalyops_engine.query.limits import Limits
from anomalyops_engine.refusals import illegal_argument, not_implemented

MAX_MODEL_MEMORY: Final = "xpack.ml.max_model_memory_limit"
DESTRUCTIVE: Final = "action.destructive_requires_name"
_MOST_BUCKETS: Final = "search.max_buckets"
_SEARCH_TIMEOUT: Final = "search.default_search_timeout"
_PARTIAL: Final = "search.default_allow_partial_results"
MAX_CLAUSES: Final = "indices.query.bool.max_clause_count"
MAX_DEPTH: Final = "indices.query.bool.max_nested_depth"
MAX_BODY: Final = "http.max_content_length"
_SIZES: Final = (("gb", 30), ("mb", 20), ("kb", 10), ("b", 0))
# The first words of what Elasticsearch's other settings are called.
_KNOWN_ELSEWHERE: Final = frozenset(
    {"action", "breaker", "bootstrap", "ccr", "cluster", "discovery", "gateway", "http", "indices", "ingest", "network"}
    | {"node", "path", "persistent", "repositories", "script", "search", "security", "slm", "stack", "thread_pool"}
    | {"transport", "xpack"}
)
_LOGGER: Final = "logger."
_LEVELS: Final = {
    "OFF": logging.CRITICAL + 10,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": logging.DEBUG,
    "ALL": logging.NOTSET + 1,
}
_SCOPES: Final = ("persistent", "transient")
_STORED: Final = "cluster_settings"

Flat = dict[str, str]


class ClusterSettings:
    """The settings that were made through the API, beside those that the engine was started with. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry
        self._started_with = runtime.settings.max_model_memory
        self._made: dict[str, Flat] = {scope: {} for scope in _SCOPES}
        self._limits = self._usual = runtime.settings.limits

    def load(self) -> None:
        """Take over what is stored."""
        with self._registry.store.read() as reader:
            stored = reader.config(METADATA, _STORED) or {}
        self._made["persistent"] = {name: str(value) for name, value in stored.items()}
        self._apply(())

    @property
    def max_model_memory(self) -> str | None:
        """The largest model memory limit as it was given, None where none is set."""
        for scope in reversed(_SCOPES):
            if MAX_MODEL_MEMORY in self._made[scope]:
                return self._made[scope][MAX_MODEL_MEMORY]
        return None if self._started_with is None else str(self._started_with)

    @property
    def destructive_requires_name(self) -> bool:
        """Whether patterns cannot say which indices are deleted or closed."""
        made = {**self._made["persistent"], **self._made["transient"]}
        return made.get(DESTRUCTIVE, "true") == "true"

    @property
    def limits(self) -> Limits:
        """What searches may take."""
        return self._limits

    @property
    def body_bytes(self) -> int:
        """The largest body of a request."""
        return self._runtime.settings.body_bytes

    @property
    def fixed(self) -> Flat:
        """What is as it was at the start, as Elasticsearch reads it from its file."""
        return {
            MAX_CLAUSES: str(self._usual.clauses),
            MAX_DEPTH: str(self._usual.depth),
            MAX_BODY: _shown_size(self._runtime.settings.body_bytes),
            "cluster.name": "anomalyops",
            "node.name": NODE_NAME,
        }

    @property
    def defaults(self) -> Flat:
        """Every setting with a name of its own, as it is where the API says nothing."""
        usual = self._usual
        return {
            **self.fixed,
            MAX_MODEL_MEMORY: "0b" if self._started_with is None else str(self._started_with),
            DESTRUCTIVE: "true",
            ASSIGNMENT: "all",
            _MOST_BUCKETS: str(usual.buckets),
            _SEARCH_TIMEOUT: "-1" if usual.timeout_ms is None else f"{usual.timeout_ms}ms",
            _PARTIAL: str(usual.partial).lower(),
        }

    def get(self, *, flat: bool, defaults: bool = False) -> JsonObject:
        """Return what was made, by scope.

        Args:
            flat: whether to answer with dots in names.
            defaults: whether to add what was not made, as it is without.
        """
        shown: JsonObject = {scope: self._shown(self._made[scope], flat=flat) for scope in _SCOPES}
        if defaults:
            made = {name for scope in _SCOPES for name in self._made[scope]}
            left = {name: value for name, value in self.defaults.items() if name not in made}
            shown["defaults"] = self._shown(left, flat=flat)
        return shown

    def put(self, body: JsonObject, *, flat: bool) -> JsonObject:
        """Change settings, all of them or none, and return those that the request set.

        Args:
            body: by scope, settings by name, nested or with dots; null, or a name with `*`, takes back.
            flat: whether to answer with dots in names.

        Raises:
            MlError: 400 for a setting that there is not, or a value that it cannot have.
        """
        unknown = sorted(set(body) - set(_SCOPES))
        if unknown:
            raise illegal_argument(f"unknown field [{unknown[0]}]; accepted are [persistent, transient]")
        given = {scope: _flat(body.get(scope) or {}) for scope in _SCOPES}
        if not any(given.values()):
            raise illegal_argument("no settings to update")
        with self._registry.lock:
            made = {scope: dict(self._made[scope]) for scope in _SCOPES}
            for scope, changes in given.items():
                for name, value in changes.items():
                    if name in self.fixed:
                        reason = f"{scope} setting [{name}], not dynamically updateable; it is [{self.fixed[name]}]"
                        raise illegal_argument(reason)
                    _change(made[scope], scope, name, value)
            with self._registry.store.write() as writer:
                writer.put_config(METADATA, _STORED, made["persistent"])
            before, self._made = self._made, made
            self._apply({name for scope in _SCOPES for name in before[scope]})
        shown = {
            scope: {name: made[scope][name] for name in changes if name in made[scope]}
            for scope, changes in given.items()
        }
        return {"acknowledged": True, **{scope: self._shown(found, flat=flat) for scope, found in shown.items()}}

    def _apply(self, before: set[str] | tuple[str, ...]) -> None:
        made = {**self._made["persistent"], **self._made["transient"]}
        limit = made.get(MAX_MODEL_MEMORY)
        maximum = self._started_with if limit is None else MemorySize.read(limit, MAX_MODEL_MEMORY)
        if maximum is not None and maximum.mib < 1:  # zero means any
            maximum = None
        assigning = made.get(ASSIGNMENT, "all") == "all"
        now = {**self.defaults, **made}
        timeout = now[_SEARCH_TIMEOUT]
        self._limits = replace(
            self._usual,
            buckets=int(now[_MOST_BUCKETS]),
            timeout_ms=None if timeout == "-1" else duration_ms(timeout, _SEARCH_TIMEOUT),
            partial=now[_PARTIAL] == "true",
        )
        self._runtime.settings = replace(self._runtime.settings, max_model_memory=maximum, assigning=assigning)
        for name in {*before, *made}:
            if name.startswith(_LOGGER):
                level = _LEVELS[made[name].upper()] if name in made else logging.NOTSET
                logging.getLogger(name.removeprefix(_LOGGER)).setLevel(level)

    @staticmethod
    def _shown(made: Flat, *, flat: bool) -> JsonObject:
        if flat:
            return dict(sorted(made.items()))
        nested: JsonObject = {}
        for name, value in sorted(made.items()):
            *parents, last = name.split(".")
            place = nested
            for parent in parents:
                inner = place.setdefault(parent, {})
                if not isinstance(inner, dict):  # a logger and one below it: only dots tell them apart
                    place, last = nested, name
                    break
                place = inner
            place[last] = value
        return nested


def _shown_size(size: int) -> str:
    """Return a number of bytes with the largest unit that leaves it whole."""
    unit, bits = next((unit, bits) for unit, bits in _SIZES if size % (1 << bits) == 0)
    return f"{size >> bits}{unit}"


def _flat(settings: Json, prefix: str = "") -> dict[str, Json]:
    if not isinstance(settings, dict):
        raise illegal_argument(f"settings must be an object, got [{settings}]")
    found: dict[str, Json] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _change(made: Flat, scope: str, name: str, value: Json) -> None:
    """Set one setting, or take it back.

    Raises:
        MlError: 400.
    """
    if value is None and name.endswith("*"):
        for taken in [one for one in made if one.startswith(name[:-1])]:
            del made[taken]
        return
    is_level = name.startswith(_LOGGER) and len(name) > len(_LOGGER)
    if name not in _READERS and not is_level:
        if name.partition(".")[0] in _KNOWN_ELSEWHERE:
            if value is None:
                return  # there is nothing to take back
            raise not_implemented(
                f"{scope} setting [{name}] is not supported by this engine; supported: [{', '.join(sorted(_READERS))}]"
            )
        raise illegal_argument(f"{scope} setting [{name}], not recognized")
    if value is None:
        made.pop(name, None)
        return
    made[name] = (_level if is_level else _READERS[name])(name, value)


def _truth(_: str, value: Json) -> str:
    text = str(value).lower() if isinstance(value, bool) else value
    if text not in {"true", "false"}:
        raise illegal_argument(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
    return str(text)


def _word(name: str, value: Json) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise illegal_argument(f"setting [{name}] cannot be [{value}]")
    return str(value)


def _level(name: str, value: Json) -> str:
    level = _word(name, value)
    if level.upper() not in _LEVELS:
        raise illegal_argument(f"Unknown level constant [{level.upper()}].")
    return level


def _size(name: str, value: Json) -> str:
    size = _word(name, value)
    MemorySize.read(size, name)
    return size


def _assignment(name: str, value: Json) -> str:
    wanted = _word(name, value).lower()
    if wanted not in {"all", "none"}:
        raise illegal_argument(f"Illegal value [{wanted}] of setting [{name}]; accepted are [all, none]")
    return wanted


def _count(name: str, value: Json) -> str:
    text = _word(name, value)
    if re.fullmatch(r"-?\d{1,10}", text) is None or int(text) >= 2**31:
        raise illegal_argument(f"Failed to parse value [{value}] for setting [{name}]")
    if int(text) < 0:
        raise illegal_argument(f"Failed to parse value [{value}] for setting [{name}] must be >= 0")
    return text


def _duration(name: str, value: Json) -> str:
    text = _word(name, value)
    if text != "-1" and duration_ms(text, name) < 1:
        raise illegal_argument(
            f"failed to parse value [{text}] for setting [{name}]; accepted are [-1] for any time, or [1ms] and more"
        )
    return text


_READERS: Final = {
    _MOST_BUCKETS: _count,
    _SEARCH_TIMEOUT: _duration,
    _PARTIAL: _truth,
    MAX_MODEL_MEMORY: _size,
    DESTRUCTIVE: _truth,
    ASSIGNMENT: _assignment,
}
