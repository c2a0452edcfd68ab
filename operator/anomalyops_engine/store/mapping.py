"""Mappings: which fields an index has, of which type, and in which column each is kept.

Field types and their parameters follow Elasticsearch's mapping documentation. Every leaf field owns one typed column
of the index's table; columns are named by number (`c0`, `c1`, ...) because field names differ by case and may hold
anything, while SQL identifiers may not.

A multi-field (`message.keyword`) shares the column of its field as long as both keep every value alike. Where they do
not, it has a column of its own: from the start when its type or a parameter says so, and from the first string on that
its `ignore_above` leaves out.

A mapping may name a thousand fields of which documents have ten. A column that no document has filled is not stored; so
a document costs what is in it, however many fields are mapped beside those that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as AbcMapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import orjson

from anomalyops_engine.store.dates import DEFAULT_FORMAT
from anomalyops_engine.store.errors import MappingConflictError
from anomalyops_engine.store.fieldtypes import (
    DATES,
    FIELD_TYPES,
    FLOATS,
    INTEGER_LIMITS,
    RANGES,
    SQL_TYPES,
    TEXTS,
    Reader,
)
from anomalyops_engine.store.fieldtypes.table import NANOS_FORMAT, Definition
from anomalyops_engine.store.patterns import matches

_NO_LIMITS: Final = 2**31


def _built_in(analyzer: str | None) -> str:
    """Return the analyzer that a name means."""
    return "standard" if analyzer in {None, "default"} else str(analyzer)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings of the index say about its mapping.

    Attributes:
        fields: how many fields there may be, objects, aliases and multi-fields counted.
        depth: how many levels of objects there may be.
        name_length: how long the name of a field may be.
        nested: how many nested objects there may be.
        ignore_malformed: default of the parameter.
        coerce: default of the parameter.
    """

    fields: int = 1000
    depth: int = 20
    name_length: int = _NO_LIMITS
    nested: int = 100
    ignore_malformed: bool = False
    coerce: bool = True

    @classmethod
    def of(cls, settings: AbcMapping[str, str]) -> Limits:
        """Return the limits that some settings set."""
        return cls(
            int(settings.get("mapping.total_fields.limit", 1000)),
            int(settings.get("mapping.depth.limit", 20)),
            int(settings.get("mapping.field_name_length.limit", _NO_LIMITS)),
            int(settings.get("mapping.nested_fields.limit", 100)),
            settings.get("mapping.ignore_malformed") == "true",
            settings.get("mapping.coerce") != "false",
        )


@dataclass(frozen=True, slots=True)
class Field:
    """One leaf field.

    Attributes:
        path: dotted name.
        type: Elasticsearch type, a key of `SQL_TYPES`.
        column: its column in the index's table.
        multi: the column is a list, because some document had an array there.
        definition: the mapping parameters as shown, with `type`.
        limits: what the index says about its fields.
    """

    path: str
    type: str
    column: str
    multi: bool = False
    definition: dict[str, Any] = field(default_factory=dict)
    limits: Limits = Limits()

    @property
    def formats(self) -> str:
        """Date formats of the field, joined by `||`."""
        return str(self.definition.get("format", NANOS_FORMAT if self.type == "date_nanos" else DEFAULT_FORMAT))

    @property
    def sql_type(self) -> str:
        """SQL type of the column."""
        base = SQL_TYPES[self.type]
        return f"{base}[]" if self.multi else base

    @property
    def analyzer(self) -> str:
        """What makes words of the texts of documents."""
        return _built_in(self.definition.get("analyzer"))

    @property
    def search_analyzer(self) -> str:
        """What makes words of the text of a query."""
        return _built_in(self.definition.get("search_analyzer", self.analyzer))

    @property
    def phrase_analyzer(self) -> str:
        """What makes words of the text of a phrase."""
        return _built_in(self.definition.get("search_quote_analyzer", self.search_analyzer))

    @property
    def is_text(self) -> bool:
        """True when queries see analysed tokens instead of the value."""
        return self.type in TEXTS

    @property
    def is_date(self) -> bool:
        """True for moments: columns of epoch milliseconds."""
        return self.type in DATES

    @property
    def is_string(self) -> bool:
        """True for VARCHAR columns."""
        return SQL_TYPES[self.type] == "VARCHAR"

    @property
    def is_range(self) -> bool:
        """True for ranges: texts of two ends (`fieldtypes.spans`)."""
        return self.type in RANGES

    @property
    def searchable(self) -> bool:
        """False when queries may not ask for it (`index` is false, and no doc values stand in)."""
        indexed = bool(self.definition.get("index", True))
        return indexed if self.is_text else indexed or bool(self.definition.get("doc_values", True))

    @property
    def aggregatable(self) -> bool:
        """False when it may not be sorted by or aggregated (`doc_values` is false, or it is analysed text)."""
        return not self.is_text and self.type != "binary" and bool(self.definition.get("doc_values", True))

    @property
    def reader(self) -> Reader:
        """How its values are read."""
        limits = self.limits
        return _reader(self.type, orjson.dumps(self.definition), limits.ignore_malformed, limits.coerce)


@dataclass(frozen=True, slots=True)
class IndexMapping:
    """The fields of an index and the rules by which it grows new ones.

    Attributes:
        fields: leaf fields by dotted path.
        multi_fields: multi-fields by dotted path.
        aliases: field aliases, path to target path.
        objects: what mappings say of objects (`dynamic`, `enabled`, `type` of nested ones), by path.
        dynamic: `true`, `false` or `strict`; None where nothing says, which is `true`.
        root: the remaining root parameters as given (`dynamic_templates`, `_meta`, ...).
        limits: what the settings of the index say about it.
        columns: how many columns it has used.
        object_paths: every object that is named, or that a field lies in.
        unfilled: columns that no document has filled yet; the table has them without storing them.
    """

    fields: dict[str, Field] = field(default_factory=dict)
    multi_fields: dict[str, Field] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    dynamic: str | None = None
    root: dict[str, Any] = field(default_factory=dict)
    limits: Limits = Limits()
    columns: int = 0
    object_paths: frozenset[str] = frozenset()
    unfilled: frozenset[str] = frozenset()

    @property
    def disabled(self) -> frozenset[str]:
        """Objects with `enabled: false`, kept in `_source` only."""
        return frozenset(path for path, definition in self.objects.items() if definition.get("enabled") is False)

    @property
    def field_count(self) -> int:
        """How many fields count against the limit of the index."""
        return len(self.fields) + len(self.multi_fields) + len(self.aliases) + len(self.object_paths)

    @property
    def column_types(self) -> dict[str, str]:
        """SQL types of the columns, by name; fields that share a column come once."""
        return {leaf.column: leaf.sql_type for leaf in (*self.multi_fields.values(), *self.fields.values())}

    @property
    def nested(self) -> frozenset[str]:
        """Nested objects, whose values are of documents of their own."""
        return frozenset(path for path, definition in self.objects.items() if definition.get("type") == "nested")

    def is_nested(self, path: str) -> bool:
        """Return whether a field is one of a nested object, which no query reaches that is not about the object."""
        return any(
            definition.get("type") == "nested" and path.startswith(f"{parent}.")
            for parent, definition in self.objects.items()
        )

    def leaf(self, name: str) -> Field | None:
        """Return the field of a name, also one of a nested object: a leaf, an alias or a multi-field."""
        found = self.fields.get(name) or self.multi_fields.get(name)
        if found is None and name in self.aliases:
            target = self.aliases[name]
            return self.fields.get(target) or self.multi_fields.get(target)
        return found

    def get(self, name: str) -> Field | None:
        """Return the field that a query means by a name; None when unmapped, or in a nested object."""
        found = self.leaf(name)
        return None if found is not None and self.is_nested(found.path) else found

    def matching(self, pattern: str) -> Iterator[Field]:
        """Yield the leaf fields whose path fits a `*` pattern, or that lie below an object of that name."""
        for path, leaf in self.fields.items():
            if (matches(pattern, path) or path.startswith(f"{pattern}.")) and not self.is_nested(path):
                yield leaf

    def has_object(self, path: str) -> bool:
        """Return whether the path is an object."""
        return path in self.object_paths

    def multi_fields_of(self, leaf: Field) -> list[Field]:
        """Return the multi-fields of a field."""
        return [self.multi_fields[f"{leaf.path}.{short}"] for short in leaf.definition.get("fields", ())]

    def dynamic_at(self, path: str) -> tuple[str, str]:
        """Return how new fields of that path are taken (`true`, `false`, `strict`), and the object that says so."""
        parent = path.rpartition(".")[0]
        holder = parent
        while holder:
            said = self.objects.get(holder, {}).get("dynamic")
            if said is not None:
                return str(said), parent
            holder = holder.rpartition(".")[0]
        return self.dynamic or "true", parent or "_doc"

    def with_field(self, path: str, definition: AbcMapping[str, Any], *, multi: bool = False) -> IndexMapping:
        """Return the mapping with one more leaf field and its multi-fields, in fresh columns.

        Raises:
            MappingConflictError: there are too many fields, or levels of objects, or the name is too long.
        """
        leaf = Field(path, str(definition["type"]), f"c{self.columns}", multi, dict(definition), self.limits)
        subs = [
            Field(f"{path}.{short}", sub["type"], leaf.column, multi, dict(sub), self.limits)
            for short, sub in definition.get("fields", {}).items()
        ]
        grown = replace(
            self,
            fields={**self.fields, path: leaf},
            columns=self.columns + 1,
            object_paths=self.object_paths | set(parents_of(path)),
        )
        for sub in subs:
            grown = grown._with_multi_field(leaf, sub)
        return grown.checked(path)

    def with_object(self, path: str, definition: AbcMapping[str, Any]) -> IndexMapping:
        """Return the mapping with an object, or with more said about one."""
        said = {**self.objects.get(path, {}), **definition}
        paths = {*parents_of(path), path}
        return replace(self, objects={**self.objects, path: said}, object_paths=self.object_paths | paths).checked(path)

    def with_multi(self, path: str) -> IndexMapping:
        """Return the mapping with the columns of a field and its multi-fields turned into lists."""
        leaf = self.fields[path]
        subs = {sub.path: replace(sub, multi=True) for sub in self.multi_fields_of(leaf)}
        return replace(
            self,
            fields={**self.fields, path: replace(leaf, multi=True)},
            multi_fields={**self.multi_fields, **subs},
        )

    def with_own_column(self, path: str) -> IndexMapping:
        """Return the mapping with a multi-field in a column of its own."""
        own = replace(self.multi_fields[path], column=f"c{self.columns}")
        return replace(self, multi_fields={**self.multi_fields, path: own}, columns=self.columns + 1)

    def redefined(self, path: str, definition: AbcMapping[str, Any]) -> IndexMapping:
        """Return the mapping with another definition of a field that is there, and the multi-fields that it adds."""
        leaf = replace(self.fields[path], definition=dict(definition))
        grown = replace(self, fields={**self.fields, path: leaf})
        for short, sub in definition.get("fields", {}).items():
            known = self.multi_fields.get(f"{path}.{short}")
            if known is None:
                fresh = Field(f"{path}.{short}", sub["type"], leaf.column, leaf.multi, dict(sub), self.limits)
                grown = grown._with_multi_field(leaf, fresh)
            else:
                again = replace(known, definition=dict(sub))
                grown = replace(grown, multi_fields={**grown.multi_fields, known.path: again})
        return grown.checked(path)

    def empty(self) -> IndexMapping:
        """Return the mapping of an index without documents."""
        return replace(self, unfilled=frozenset(self.column_types))

    def filled(self, columns: Iterable[str]) -> IndexMapping:
        """Return the mapping with columns that documents fill; itself where they are filled already."""
        fresh = self.unfilled.intersection(columns)
        return replace(self, unfilled=self.unfilled - fresh) if fresh else self

    def with_limits(self, limits: Limits) -> IndexMapping:
        """Return the mapping under other settings of the index."""
        return replace(
            self,
            limits=limits,
            fields={path: replace(leaf, limits=limits) for path, leaf in self.fields.items()},
            multi_fields={path: replace(leaf, limits=limits) for path, leaf in self.multi_fields.items()},
        )

    def checked(self, path: str) -> IndexMapping:
        """Return the mapping as it is, after a path was added.

        Raises:
            MappingConflictError: a limit of the index is exceeded.
        """
        if self.field_count > self.limits.fields:
            raise MappingConflictError(
                f"Limit of total fields [{self.limits.fields}] has been exceeded while adding new field [{path}]"
                f"{_told_by('total_fields')}"
            )
        if path.count(".") + (path in self.object_paths) > self.limits.depth - 1:
            raise MappingConflictError(
                f"Limit of mapping depth [{self.limits.depth}] has been exceeded due to object field [{path}]"
                f"{_told_by('depth')}"
            )
        name = path.rpartition(".")[2]
        if len(name) > self.limits.name_length:
            raise MappingConflictError(
                f"Field name [{name}] is longer than the limit of [{self.limits.name_length}] characters"
                f"{_told_by('field_name_length')}"
            )
        return self

    def to_body(self) -> dict[str, Any]:
        """Return the mapping as `GET /index/_mapping` shows it (without the index name)."""
        body: dict[str, Any] = dict(self.root)
        if self.dynamic is not None:
            body["dynamic"] = self.dynamic
        entries: dict[str, dict[str, Any]] = {path: leaf.definition for path, leaf in self.fields.items()}
        entries |= {path: {"type": "alias", "path": target} for path, target in self.aliases.items()}
        for path, said in self.objects.items():
            inside = any(name.startswith(f"{path}.") for name in (*entries, *self.objects))
            entries[path] = dict(said) if inside else {"type": "object", **said}
        properties: dict[str, Any] = {}
        for path in sorted(entries):
            level = properties
            *parents, name = path.split(".")
            for parent in parents:
                level = level.setdefault(parent, {}).setdefault("properties", {})
            level.setdefault(name, {}).update(entries[path])
        if properties:
            body["properties"] = properties
        return body

    def to_record(self) -> dict[str, Any]:
        """Return everything as plain JSON values, for the catalogue; limits come from the settings."""
        return {
            "fields": [[f.path, f.column, f.multi, f.definition] for f in self.fields.values()],
            "multi_fields": [[f.path, f.column, f.multi, f.definition] for f in self.multi_fields.values()],
            "aliases": self.aliases,
            "objects": self.objects,
            "dynamic": self.dynamic,
            "root": self.root,
            "columns": self.columns,
            "object_paths": sorted(self.object_paths),
            "unfilled": sorted(self.unfilled),
        }

    @classmethod
    def from_record(cls, record: AbcMapping[str, Any], limits: Limits = Limits()) -> IndexMapping:
        """Return the mapping that `to_record` wrote, under the settings of its index."""

        def leaves(rows: Sequence[Sequence[Any]]) -> dict[str, Field]:
            return {
                path: Field(path, definition["type"], column, multi, definition, limits)
                for path, column, multi, definition in rows
            }

        return cls(
            leaves(record["fields"]),
            leaves(record["multi_fields"]),
            dict(record["aliases"]),
            dict(record["objects"]),
            record["dynamic"],
            dict(record["root"]),
            limits,
            record["columns"],
            frozenset(record["object_paths"]),
            frozenset(record["unfilled"]),
        )

    def _with_multi_field(self, leaf: Field, sub: Field) -> IndexMapping:
        reader = leaf.reader
        shared = reader.limit is None and reader.same_column_as(sub.reader)
        column = leaf.column if shared else f"c{self.columns}"
        own = replace(sub, column=column)
        return replace(
            self,
            multi_fields={**self.multi_fields, sub.path: own},
            columns=self.columns + (not shared),
        )


def _told_by(limit: str) -> str:
    return f". This limit can be set by changing the [index.mapping.{limit}.limit] index level setting."


def parents_of(path: str) -> Iterator[str]:
    """Yield the objects that a path lies in, the outermost first."""
    position = path.find(".")
    while position >= 0:
        yield path[:position]
        position = path.find(".", position + 1)


@lru_cache(maxsize=8192)
def _reader(kind: str, definition: bytes, ignore_malformed: bool, coerce: bool) -> Reader:  # noqa: FBT001 (cached)
    defaults = {"ignore_malformed": ignore_malformed, "coerce": coerce}
    return FIELD_TYPES[kind].reader(Definition(kind, orjson.loads(definition), defaults))


__all__ = [
    "DATES",
    "FLOATS",
    "INTEGER_LIMITS",
    "SQL_TYPES",
    "TEXTS",
    "Field",
    "IndexMapping",
    "Limits",
    "parents_of",
]
