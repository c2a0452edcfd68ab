"""Documents that have nothing but plain values of known fields, from JSON to columns without an object of Python each.

Most documents of an index are like those before them. Arrow's JSON reader takes such documents by a schema made of the
mapping, and is strict about it: another field, another type, a list or a field named twice is an error. Whatever is not
surely read as `columns.Batch` reads it is left to that, which knows everything. A law holds both against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from anomalyops_engine.store.columns import IGNORED_COLUMN, as_lists, may_differ
from anomalyops_engine.store.document_lines import DocumentLines
from anomalyops_engine.store.fieldtypes.reader import REFUSALS
from anomalyops_engine.store.fieldtypes.texts import Strings
from anomalyops_engine.store.mapping import Field, IndexMapping, parents_of

# Reading one document takes as long as setting up the reader of many: fewer are as fast one by one.
FEWEST: Final = 16
# Fields of the mapping for each field of the first document: every one is a column to make.
_MOST_FIELDS: Final = 8
_Names: TypeAlias = tuple[str, ...]
# Fields that the first document writes in an unusual way: the names on the way there, and the type of the values.
_Unusual: TypeAlias = frozenset[tuple[str, _Names, pa.DataType]]


class KnownColumns:
    """Reads documents by what a mapping knows."""

    def __init__(self, mapping: IndexMapping) -> None:
        self._fields = {leaf.path: leaf for leaf in _plain_fields(mapping)}
        self._subs = {path: mapping.multi_fields_of(leaf) for path, leaf in self._fields.items()}
        self._schemas: dict[_Unusual, pa.Schema] = {}

    def read(self, lines: DocumentLines) -> dict[str, pa.Array] | None:
        """Return the columns of documents that all fit and bring nothing new; None where it cannot be told.

        Then their texts are surely UTF-8.
        """
        text, count = lines.text, len(lines)
        if count < FEWEST:
            return None
        try:
            if not text.isascii():
                text.decode()  # the reader takes bytes as they are
            schema = self._schema(orjson.loads(text[: lines.ends[0]]))
            table = None if schema is None else _parsed(text, schema)
            if table is None or table.num_rows != count:
                return None
            leaves = dict(_leaves(table))
            return None if not all(map(_is_ordinary, leaves.values())) else self._columns(leaves, count)
        except (orjson.JSONDecodeError, pa.ArrowInvalid, pa.ArrowNotImplementedError, *REFUSALS):
            return None

    # --- what is read ---

    def _schema(self, first: Any) -> pa.Schema | None:
        """Return what documents look like that are like a first one; None where they are too many things."""
        found = dict(_places(first)) if isinstance(first, dict) else {}
        if not found or len(self._fields) > _MOST_FIELDS * len(found) or not found.keys() <= self._fields.keys():
            return None
        unusual: _Unusual = frozenset(
            (path, names, _type_of(self._fields[path], value))
            for path, (names, value) in found.items()
            if (names, _type_of(self._fields[path], value)) != (tuple(path.split(".")), _usual_type(self._fields[path]))
        )
        schema = self._schemas.get(unusual)
        if schema is None:
            if len(self._schemas) >= 16:
                self._schemas.clear()
            schema = self._schemas[unusual] = self._schema_of(unusual)
        return schema

    def _schema_of(self, unusual: _Unusual) -> pa.Schema:
        tree: dict[str, Any] = {}
        special = {path: (names, kind) for path, names, kind in unusual}
        for path, leaf in self._fields.items():
            names, kind = special.get(path, (tuple(path.split(".")), _usual_type(leaf)))
            node = tree
            for name in names[:-1]:
                node = node.setdefault(name, {})
            node[names[-1]] = kind
        return pa.schema(_typed(tree))

    # --- from values to columns ---

    def _columns(self, leaves: Mapping[str, pa.Array], size: int) -> dict[str, pa.Array] | None:
        arrays: dict[str, pa.Array] = {}
        ignored: dict[int, list[str]] = {}
        for path, values in leaves.items():
            if values.null_count == size:
                continue
            leaf = self._fields[path]
            kept = _read(leaf, values, ignored)
            arrays[leaf.column] = kept
            for sub in self._subs[path]:
                if sub.column != leaf.column:
                    arrays[sub.column] = _read(sub, values, ignored)
                elif may_differ(sub.reader, kept):
                    return None
        if any(len(paths) > 1 for paths in ignored.values()):
            return None  # their order is that of the names in the document
        if ignored:
            arrays[IGNORED_COLUMN] = pa.array([ignored.get(place) for place in range(size)], pa.list_(pa.string()))
        return arrays


def _plain_fields(mapping: IndexMapping) -> Iterator[Field]:
    """Yield the fields whose values are read by themselves; documents that have others are read otherwise."""
    if any(leaf.type == "constant_keyword" for leaf in mapping.fields.values()):
        return
    for path, leaf in mapping.fields.items():
        parts = (leaf, *mapping.multi_fields_of(leaf))
        if (
            "copy_to" not in leaf.definition
            and all(part.reader.json_types and part.reader.null is None for part in parts)
            and mapping.unfilled.isdisjoint(part.column for part in parts)
            and all(mapping.objects.get(parent, {}).get("enabled") is not False for parent in parents_of(path))
            and all(parts[0].reader.json_types == part.reader.json_types for part in parts)
            and not mapping.is_nested(path)
        ):
            yield leaf


def _usual_type(leaf: Field) -> pa.DataType:
    return leaf.reader.json_types[0]


def _type_of(leaf: Field, value: Any) -> pa.DataType:
    """Return the type that the values of a field have where a first one is this."""
    kinds = leaf.reader.json_types
    if len(kinds) > 1 and isinstance(value, int) and not isinstance(value, bool):
        return kinds[1]
    return kinds[0]


def _places(node: dict[str, Any], names: _Names = ()) -> Iterator[tuple[str, tuple[_Names, Any]]]:
    """Yield the values of a document by their dotted paths, with the names that lead there."""
    for key, value in node.items():
        here = (*names, key)
        if isinstance(value, dict):
            yield from _places(value, here)
        elif value is not None:
            yield ".".join(here), (here, value)


def _typed(tree: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(name, pa.struct(_typed(kind)) if isinstance(kind, dict) else kind) for name, kind in tree.items()]


def _parsed(text: bytes, schema: pa.Schema) -> pa.Table:
    """Return the values of JSON documents.

    Raises:
        pyarrow.ArrowInvalid: some do not look as the schema says.
    """
    return arrow_json.read_json(
        pa.BufferReader(text),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )


def _leaves(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    """Yield the values by dotted path."""
    waiting = [(name, table.column(name).combine_chunks()) for name in table.column_names]
    while waiting:
        path, values = waiting.pop()
        if pa.types.is_struct(values.type):
            inner = zip(values.type, values.flatten(), strict=True)
            waiting += [(f"{path}.{part.name}", array) for part, array in inner]
        else:
            yield path, values


def _is_ordinary(values: pa.Array) -> bool:
    """Return whether there is no number that JSON has not, and no zero whose sign depends on who reads it."""
    if not pa.types.is_floating(values.type):
        return True
    numbers = pc.fill_null(values, 1.0).to_numpy()
    return bool(np.isfinite(numbers).all()) and not bool(np.signbit(numbers[numbers == 0]).any())


def _read(leaf: Field, values: pa.Array, ignored: dict[int, list[str]]) -> pa.Array:
    """Return the column of a field, and note in which documents its value is left out."""
    reader = leaf.reader
    over = reader.over_limit(values) if isinstance(reader, Strings) else []
    if over:
        for place in over:
            ignored.setdefault(place, []).append(leaf.path)
        left_out = np.zeros(len(values), dtype=bool)
        left_out[over] = True
        values = pc.if_else(pa.array(left_out), pa.scalar(None, values.type), values)
    kept = reader.read_column(values)
    return as_lists(kept) if leaf.multi else kept
