"""The configuration file of `anomalyops engine`: what the flags say, and what is too rarely changed for a flag.

Every key has a row in the table below. A key that has none is refused with those that there are, and so is a value
that a key cannot have; nothing is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from anomalyops.cli.logs import LogFormat, LogLevel
from anomalyops.local.errors import LocalError

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(b|kb|mb|gb|tb)")
_TIME = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_TIMES_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNITS: Final = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40}

Read = Callable[[Any, Path], Any]


class _UnfitError(ValueError):
    """A value that a key cannot have; the message says what it must be."""


def read_engine_file(file: Path) -> dict[str, Any]:
    """Return what a configuration file says, by the dotted names of its keys; keys that it does not have are absent.

    Paths are relative to the folder of the file.

    Raises:
        LocalError: it cannot be read, is not YAML, or has a key or a value that there is not; with the line.
    """
    # YAML takes a fifth of a second to import, which the other commands need not pay.
    from anomalyops.resources.problems import ManifestError
    from anomalyops.resources.yaml_documents import Document, load_documents

    try:
        documents = load_documents(file.read_text(encoding="utf-8"), source=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"cannot read the configuration in {file}: {error}") from error
    except ManifestError as error:
        raise LocalError(str(error)) from error
    if len(documents) > 1:
        raise LocalError(f"{file} has {len(documents)} YAML documents; a configuration is one")
    document = documents[0] if documents else Document(source=str(file), number=1, value={})
    found: dict[str, Any] = {}
    _gather(document.value, (), found)
    for name, value in found.items():
        path = name.split(".")
        try:
            found[name] = _READERS[name](value, file.parent) if name in _READERS else _unknown(path)
        except _UnfitError as error:
            raise LocalError(f"{file}:{document.line(path)}: {error}") from None
    return found


def _gather(value: Any, path: tuple[str, ...], found: dict[str, Any]) -> None:
    """Collect the leaves of a mapping by their dotted names; groups of keys that there are not are leaves too."""
    name = ".".join(path)
    if isinstance(value, Mapping) and (not path or name in _GROUPS):
        for key, inner in value.items():
            _gather(inner, (*path, str(key)), found)
    elif path and not (name in _GROUPS and value is None):
        found[name] = value
    elif not path and value is not None:
        found[""] = value


def _unknown(path: list[str]) -> Any:
    name = ".".join(path)
    if not name:
        raise _UnfitError(f"a configuration is a mapping of keys, which are {_accepted('')}")
    if name in _GROUPS:
        raise _UnfitError(f"[{name}] is a group of keys, which are {_accepted(name)}")
    group = ".".join(path[:-1])
    raise _UnfitError(f"unknown key [{name}]; accepted are {_accepted(group)}")


def _accepted(group: str) -> str:
    prefix = f"{group}." if group else ""
    names = {key.removeprefix(prefix).split(".")[0] for key in _READERS if key.startswith(prefix)}
    return f"[{', '.join(sorted(names))}]"


def _must(what: str, value: Any) -> _UnfitError:
    return _UnfitError(f"must be {what}, found [{value}]")


def _named(name: str, read: Read) -> Read:
    def reader(value: Any, folder: Path) -> Any:
        try:
            return read(value, folder)
        except _UnfitError as error:
            raise _UnfitError(f"[{name}] {error}") from None

    return reader


def _text(value: Any, _: Path) -> str:
    if not isinstance(value, str) or not value:
        raise _must("a text", value)
    return value


def _path(value: Any, folder: Path) -> Path:
    return folder / _text(value, folder)


def _texts(value: Any, _: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _must("a list of texts", value)
    return value


def _truth(value: Any, _: Path) -> bool:
    if not isinstance(value, bool):
        raise _must("true or false", value)
    return value


def _number(least: int, most: int) -> Read:
    def read(value: Any, _: Path) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _must(f"a whole number from {least} to {most}", value)
        return value

    return read


def _bytes(value: Any) -> int:
    """Read a size; 0 for what is none."""
    match = _SIZE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    return int(float(match[1]) * _UNITS[match[2]]) if match is not None else 0


def _size(value: Any, _: Path) -> int:
    size = _bytes(value)
    if size < 2**20:
        raise _must("a size of 1mb and more with its unit (b, kb, mb, gb, tb)", value)
    return size


def _body_size(value: Any, _: Path) -> int:
    size = _bytes(value)
    if not 2**10 <= size < 2**31:
        raise _must("a size from 1kb to less than 2gb with its unit (b, kb, mb, gb)", value)
    return size


def _duration(value: Any, _: Path) -> int | None:
    """Read a time in milliseconds; None for any."""
    if value == -1 and not isinstance(value, bool):
        return None
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    time_ms = int(match[1]) * _TIMES_MS[match[2]] if match is not None else 0
    if time_ms < 1:
        raise _must("a time of 1ms and more with its unit (ms, s, m, h, d), or -1 for any", value)
    return time_ms


def _word(kind: type[LogFormat] | type[LogLevel]) -> Read:
    def read(value: Any, _: Path) -> LogFormat | LogLevel:
        if value not in list(kind):
            raise _must(f"one of [{', '.join(kind)}]", value)
        return kind(value)

    return read


_READERS: Final[Mapping[str, Read]] = {
    name: _named(name, read)
    for name, read in {
        "data": _path,
        "host": _text,
        "port": _number(0, 65535),
        "allow_hosts": _texts,
        "insecure": _truth,
        "password_file": _path,
        "tls.certificate": _path,
        "tls.key": _path,
        "metrics.port": _number(1, 65535),
        "log.format": _word(LogFormat),
        "log.level": _word(LogLevel),
        "requests.memory": _size,
        "http.max_content_length": _body_size,
        "indices.query.bool.max_clause_count": _number(1, 2**31 - 1),
        "indices.query.bool.max_nested_depth": _number(1, 30),
        "search.max_buckets": _number(0, 2**31 - 1),
        "search.default_search_timeout": _duration,
        "search.default_allow_partial_results": _truth,
        "database.memory": _size,
        "database.threads": _number(1, 1024),
        "ml.memory": _size,
        "ml.max_model_memory_limit": _size,
        "ml.threads": _number(1, 1024),
    }.items()
}
_GROUPS: Final = frozenset(name[:at] for name in _READERS for at in range(len(name)) if name[at] == ".")
