"""Mappings: which fields an index has, of which type, and in which column each is kept.

Field types and their parameters follow Elasticsearch's mapping documentation. Every leaf field owns one typed column
of the index's table; columns are named by number (`c0`, `c1`, ...) because field names differ by case and may hold
anything, while SQL identifiers may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AbcMapping
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.store.dates import DEFAULT_FORMAT, UnknownDateFormatError, parsers
from anomalyops_engine.store.errors import MappingConflictError, MappingError, UnsupportedMappingError
from anomalyops_engine.store.patterns import matches
from anomalyops_engine.store.templates import read_templates, template_for

_STRINGS = (
    "keyword",
    "text",
    "ip",
    "geo_point",
    "wildcard",
    "constant_keyword",
    "match_only_text",
    "version",
    "binary",
)
SQL_TYPES: dict[str, str] = {
    **dict.fromkeys(_STRINGS, "VARCHAR"),
    **dict.fromkeys(("long", "integer", "short", "byte", "date", "date_nanos"), "BIGINT"),
    "unsigned_long": "UBIGINT",
    **dict.fromkeys(("double", "float", "half_float", "scaled_float"), "DOUBLE"),
    "boolean": "BOOLEAN",
}
INTEGER_LIMITS = {
    "long": (-(2**63), 2**63 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-128, 127),
    "unsigned_long": (0, 2**64 - 1),
}
FLOATS = frozenset({"double", "float", "half_float", "scaled_float"})
DATES = frozenset({"date", "date_nanos"})
TEXTS = frozenset({"text", "match_only_text"})
_UNSUPPORTED = frozenset(
    {
        "nested",
        "flattened",
        "join",
        "percolator",
        "dense_vector",
        "sparse_vector",
        "rank_feature",
        "rank_features",
    }
    | {
        "completion",
        "search_as_you_type",
        "histogram",
        "aggregate_metric_double",
        "geo_shape",
        "shape",
        "point",
    }
    | {"integer_range", "float_range", "long_range", "double_range", "date_range", "ip_range", "token_count"}
    | {"semantic_text", "counted_keyword", "murmur3", "annotated_text", "passthrough"}
)
_DYNAMIC = {True: "true", False: "false", "true": "true", "false": "false", "strict": "strict"}
_ROOT_KEYS = frozenset(
    {"properties", "dynamic", "dynamic_templates", "date_detection", "numeric_detection", "_meta", "_source"}
    | {"_data_stream_timestamp", "dynamic_date_formats", "runtime", "_routing"}
)
_MAX_FIELDS = 2000


@dataclass(frozen=True, slots=True)
class Field:
    """One leaf field.

    Attributes:
        path: dotted name.
        type: Elasticsearch type, a key of `SQL_TYPES`.
        column: its column in the index's table.
        multi: the column is a list, because some document had an array there.
        definition: the mapping parameters as given, with `type`.
        subfields: multi-fields by short name, all kept in the same column.
    """

    path: str
    type: str
    column: str
    multi: bool = False
    definition: dict[str, Any] = field(default_factory=dict)

    @property
    def formats(self) -> str:
        """Date formats of the field, joined by `||`."""
        return str(self.definition.get("format", DEFAULT_FORMAT))

    @property
    def sql_type(self) -> str:
        """SQL type of the column."""
        base = SQL_TYPES[self.type]
        return f"{base}[]" if self.multi else base

    @property
    def is_text(self) -> bool:
        """True when queries see analysed tokens instead of the value."""
        return self.type in TEXTS

    @property
    def is_date(self) -> bool:
        """True for epoch-millisecond columns."""
        return self.type in DATES

    @property
    def is_string(self) -> bool:
        """True for VARCHAR columns."""
        return SQL_TYPES[self.type] == "VARCHAR"


@dataclass(frozen=True, slots=True)
class IndexMapping:
    """The fields of an index and the rules by which it grows new ones.

    Attributes:
        fields: leaf fields by dotted path.
        aliases: field aliases, path to target path.
        disabled: object paths with `enabled: false`, kept in `_source` only.
        dynamic: `true`, `false` or `strict`.
        root: the remaining root parameters as given (`dynamic_templates`, `_meta`, ...).
    """

    fields: dict[str, Field] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    dynamic: str = "true"
    root: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Field | None:
        """Return the field a query means by this name: a leaf, an alias or a multi-field; None when unmapped."""
        found = self.fields.get(name)
        if found is not None:
            return found
        if name in self.aliases:
            return self.get(self.aliases[name])
        parent_name, _, short = name.rpartition(".")
        parent = self.fields.get(parent_name)
        if parent is None:
            return None
        definition = parent.definition.get("fields", {}).get(short)
        if definition is None:
            return None
        return replace(parent, path=name, type=definition["type"], definition=definition)

    def matching(self, pattern: str) -> Iterator[Field]:
        """Yield the leaf fields whose path fits a `*` pattern, or that lie below an object of that name."""
        for path, leaf in self.fields.items():
            if matches(pattern, path) or path.startswith(f"{pattern}."):
                yield leaf

    def has_object(self, path: str) -> bool:
        """Return whether some field lies below the path."""
        prefix = f"{path}."
        return any(name.startswith(prefix) for name in self.fields)

    def with_field(self, path: str, definition: AbcMapping[str, Any], *, multi: bool = False) -> IndexMapping:
        """Return the mapping with one more leaf field, in a fresh column.

        Raises:
            MappingError: the number of fields is at its limit.
        """
        if len(self.fields) >= _MAX_FIELDS:
            raise MappingError(f"Limit of total fields [{_MAX_FIELDS}] has been exceeded while adding field [{path}]")
        leaf = Field(path, str(definition["type"]), f"c{len(self.fields)}", multi, dict(definition))
        return replace(self, fields={**self.fields, path: leaf})

    def with_multi(self, path: str) -> IndexMapping:
        """Return the mapping with the field's column turned into a list."""
        return replace(self, fields={**self.fields, path: replace(self.fields[path], multi=True)})

    def merged(self, body: AbcMapping[str, Any]) -> IndexMapping:
        """Return the mapping with the definitions of a `mappings` body added.

        Raises:
            MappingError: a malformed definition or unknown type.
            MappingConflictError: a field would change its type.
            UnsupportedMappingError: a type or feature that this engine does not have.
        """
        for key in body:
            if key not in _ROOT_KEYS:
                raise MappingError(f"Root mapping definition has unsupported parameters:  [{key} : {body[key]}]")
        if body.get("runtime"):
            raise UnsupportedMappingError("[runtime] fields in mappings are not supported by this engine")
        result = self
        if "dynamic" in body:
            result = replace(result, dynamic=_dynamic(body["dynamic"]))
        keep = {key: value for key, value in body.items() if key not in {"properties", "dynamic"}}
        if "dynamic_templates" in keep:
            keep["dynamic_templates"] = read_templates(keep["dynamic_templates"])
        result = replace(result, root={**result.root, **keep})
        return _merge_properties(result, "", body.get("properties", {}))

    def to_body(self) -> dict[str, Any]:
        """Return the mapping as `GET /index/_mapping` shows it (without the index name)."""
        body: dict[str, Any] = dict(self.root)
        if self.dynamic != "true":
            body["dynamic"] = self.dynamic
        entries: dict[str, dict[str, Any]] = {path: leaf.definition for path, leaf in self.fields.items()}
        entries |= {path: {"type": "alias", "path": target} for path, target in self.aliases.items()}
        entries |= {path: {"type": "object", "enabled": False} for path in self.disabled}
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
        """Return everything as plain JSON values, for the catalogue."""
        return {
            "fields": [[f.path, f.column, f.multi, f.definition] for f in self.fields.values()],
            "aliases": self.aliases,
            "disabled": sorted(self.disabled),
            "dynamic": self.dynamic,
            "root": self.root,
        }

    @classmethod
    def from_record(cls, record: AbcMapping[str, Any]) -> IndexMapping:
        """Return the mapping that `to_record` wrote."""
        fields = {
            path: Field(path, definition["type"], column, multi, definition)
            for path, column, multi, definition in record["fields"]
        }
        return cls(
            fields,
            dict(record["aliases"]),
            frozenset(record["disabled"]),
            record["dynamic"],
            dict(record["root"]),
        )

    def template_for(self, path: str, kind: str) -> dict[str, Any] | None:
        """Return the definition that the first matching dynamic template gives a new field.

        Args:
            path: dotted path of the new field.
            kind: what JSON showed: `string`, `long`, `double`, `boolean`, `date` or `object`.
        """
        return template_for(self.root.get("dynamic_templates", []), path, kind)


def _dynamic(value: object) -> str:
    text = _DYNAMIC.get(value) if isinstance(value, str | bool) else None
    if text is None:
        raise UnsupportedMappingError(f"[dynamic] must be one of [true, false, strict] in this engine, got [{value}]")
    return text


def _merge_properties(mapping: IndexMapping, prefix: str, properties: object) -> IndexMapping:
    if not isinstance(properties, dict):
        raise MappingError(f"Expected map for property [properties] on field [{prefix.rstrip('.')}]")
    for name, definition in properties.items():
        path = f"{prefix}{name}"
        if not isinstance(definition, dict):
            raise MappingError(f"Expected map for property [fields] on field [{path}] but got [{definition}]")
        mapping = _merge_definition(mapping, path, definition)
    return mapping


def _merge_definition(mapping: IndexMapping, path: str, definition: dict[str, Any]) -> IndexMapping:
    kind = definition.get("type", "object" if "properties" in definition or "type" not in definition else None)
    if kind == "object":
        if mapping.fields.get(path) is not None:
            raise MappingConflictError(f"can't merge a non-object mapping [{path}] with an object mapping")
        if definition.get("enabled", True) in {False, "false"}:
            return replace(mapping, disabled=mapping.disabled | {path})
        return _merge_properties(mapping, f"{path}.", definition.get("properties", {}))
    if mapping.has_object(path):
        raise MappingConflictError(f"can't merge a non object mapping [{path}] with an object mapping [{path}]")
    if kind == "alias":
        return replace(mapping, aliases={**mapping.aliases, path: str(definition.get("path"))})
    check_definition(path, definition)
    existing = mapping.fields.get(path)
    if existing is None:
        return mapping.with_field(path, definition)
    if existing.type != kind:
        raise MappingConflictError(f"mapper [{path}] cannot be changed from type [{existing.type}] to [{kind}]")
    fields = {**existing.definition.get("fields", {}), **definition.get("fields", {})}
    merged = {**existing.definition, **definition, **({"fields": fields} if fields else {})}
    return replace(mapping, fields={**mapping.fields, path: replace(existing, definition=merged)})


def check_definition(path: str, definition: AbcMapping[str, Any]) -> None:
    """Check one leaf definition.

    Raises:
        MappingError: the type is unknown, a format is malformed.
        UnsupportedMappingError: Elasticsearch has it, this engine does not.
    """
    kind = definition.get("type")
    if kind in _UNSUPPORTED:
        raise UnsupportedMappingError(
            f"field type [{kind}] of field [{path}] is not supported by this engine; supported: "
            f"[{', '.join(sorted(SQL_TYPES))}, object, alias]"
        )
    if kind not in SQL_TYPES:
        raise MappingError(f"No handler for type [{kind}] declared on field [{path}]")
    if "format" in definition and kind in DATES:
        try:
            parsers(str(definition["format"]))
        except UnknownDateFormatError as error:
            raise MappingError(f"Failed to parse mapping: field [{path}]: {error}") from None
    for short, sub in definition.get("fields", {}).items():
        check_definition(f"{path}.{short}", sub)
        if SQL_TYPES[sub["type"]] != SQL_TYPES[str(kind)]:
            raise UnsupportedMappingError(
                f"multi-field [{path}.{short}] of type [{sub['type']}] under type [{kind}] is not supported by this "
                "engine: both must be kept the same way"
            )
