"""The entries of the catalogue, from the files beside this module: one family a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from anomalyops.catalog.errors import CatalogError

_FAMILIES: Final = ("web", "system", "kubernetes", "uptime", "logs", "authentication", "network", "processes")


class FieldKind(StrEnum):
    """What a job needs a field for, which decides the types that it may have."""

    TIME = "time"
    NUMBER = "number"
    VALUE = "value"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldUse:
    """A field that a job reads.

    Attributes:
        name: By default, after the Elastic Common Schema or the integration that writes it.
        kind: What it is needed for.
        about: What is in it.
    """

    name: str
    kind: FieldKind
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ready-made job.

    Attributes:
        name: Of the entry, and by default of the job.
        family: What it belongs to.
        title: What the job looks for, in a few words.
        finds: The incident that it is for.
        fields: Those that it reads, the time first.
        job: The job's spec as a manifest has it, without what rendering adds.
        datafeed: The datafeed's, likewise.
    """

    name: str
    family: str
    title: str
    finds: str
    fields: tuple[FieldUse, ...]
    job: Mapping[str, Any]
    datafeed: Mapping[str, Any]

    @property
    def time_field(self) -> str:
        """The field with the time."""
        return next(field.name for field in self.fields if field.kind is FieldKind.TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Jobs that read the same kind of documents."""

    name: str
    title: str
    about: str
    entries: tuple[Entry, ...]


@cache
def families() -> tuple[Family, ...]:
    """The whole catalogue, in the order in which it is shown."""
    return tuple(_family(name) for name in _FAMILIES)


def entries() -> tuple[Entry, ...]:
    """All ready-made jobs."""
    return tuple(entry for family in families() for entry in family.entries)


def find(names: Sequence[str]) -> tuple[Entry, ...]:
    """The entries of these names or families, each once.

    Raises:
        CatalogError: There is none of a name.
    """
    found: dict[str, Entry] = {}
    for name in names:
        there = [entry for entry in entries() if name in {entry.name, entry.family}]
        if not there:
            known = ", ".join([family.name for family in families()] + [entry.name for entry in entries()])
            raise CatalogError(f"{name}: the catalogue has no such job or family; it has {known}")
        found |= {entry.name: entry for entry in there}
    return tuple(found.values())


def _family(name: str) -> Family:
    text = (files("anomalyops.catalog") / "jobs" / f"{name}.yaml").read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    made = tuple(_entry(read, job) for job in read["jobs"])
    return Family(name=read["family"], title=read["title"], about=read["about"], entries=made)


def _entry(family: Mapping[str, Any], job: Mapping[str, Any]) -> Entry:
    feed = dict(job.get("datafeed") or {})
    if "query" in family:
        feed.setdefault("query", family["query"])
    said = {**family["fields"], **job.get("fields", {})}
    used = {text for part in (job["job"], feed) for text in texts(part)}
    fields = tuple(
        FieldUse(name=name, kind=FieldKind(one["kind"]), about=one["about"])
        for name, one in said.items()
        if name in used or one["kind"] == FieldKind.TIME
    )
    return Entry(
        name=job["name"],
        family=family["family"],
        title=job["title"],
        finds=job["finds"],
        fields=fields,
        job=job["job"],
        datafeed=feed,
    )


def texts(value: Any) -> Iterator[str]:
    """Every text in a value of YAML, the keys of its objects too."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value
