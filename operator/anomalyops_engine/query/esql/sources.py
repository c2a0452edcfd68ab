"""FROM: the documents of indices as rows, a column for every field that they map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import Clause, Scope, condition_on
from anomalyops_engine.query.esql.datatypes import OF_FIELDS, SQL, STRINGS, DataType, list_of
from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.frames import Attribute, Frame
from anomalyops_engine.query.esql.operands import Operand
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.scope import fail
from anomalyops_engine.query.expr import (
    FALSE,
    Column,
    Expr,
    Is,
    ListOf,
    Literal,
    Named,
    Relation,
    Select,
    Union,
    call,
    null,
    when,
)
from anomalyops_engine.store import Field, Index, IndexMapping

NO_FIELDS = "<no-fields>"
_METADATA: dict[str, DataType] = {"_id": "keyword", "_index": "keyword", "_source": "_source", "_version": "long"}
_UNSERVED = frozenset({"_ignored", "_index_mode", "_score", "_size", "_tier", "_tsid"})


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A field as all indices see it together."""

    name: str
    leaves: tuple[Field | None, ...]
    type: DataType
    multi: bool
    conflict: str
    variants: tuple[_Resolved, ...] = ()

    def attribute(self, column: str) -> Attribute:
        """Return it as a column."""
        variants = tuple(
            Operand(Column(f"{column}_{number}"), variant.type, variant.multi)
            for number, variant in enumerate(self.variants)
        )
        return Attribute(self.name, self.type, column, self.multi, self.conflict, self.name, variants=variants)

    def values(self, column: str, position: int) -> list[Named]:
        """Return its columns in the index at a position."""
        variants = (v.value(position).named(f"{column}_{number}") for number, v in enumerate(self.variants))
        return [self.value(position).named(column), *variants]

    def value(self, position: int) -> Expr:
        """Return its value in the index at a position."""
        leaf = self.leaves[position]
        if leaf is None or self.type == "unsupported":
            return null(list_of(self.type) if self.multi else SQL[self.type])
        column: Expr = Column(leaf.column)
        if not self.multi:
            return column
        return _sorted(column, self.type) if leaf.multi else when(column.is_not_null(), ListOf((column,)))


def _sorted(values: Expr, data_type: DataType) -> Expr:
    """Return several values as an index gives them: sorted, and of words and addresses each once."""
    filled = when(call("len", values) > 0, values)
    if data_type in {"text", "geo_point", "_source"}:
        return filled
    return call("list_sort", call("list_distinct", filled) if data_type in STRINGS | {"ip"} else filled)


def frame_of(
    indices: Sequence[Index],
    metadata: Sequence[tuple[str, Place]],
    clause: Clause | None,
    now_ms: int,
    searches: Sequence[Clause] = (),
) -> Frame:
    """Return the documents of indices as rows.

    Args:
        indices: as the snapshot resolved them in which the rows are read.
        metadata: names behind METADATA.
        clause: what documents must match beside, None for all.
        now_ms: the present.
        searches: clauses; whether a document matches them is in the columns `q0`, `q1` and so on.

    Raises:
        VerificationError: there is no such metadata.
        UnsupportedQueryError: metadata that this engine lacks.
        QueryError: the clause does not go with an index.
    """
    known = _known_fields(indices)
    asked = _asked(metadata)
    attributes = list(known.attributes)
    attributes += [Attribute(name, _METADATA[name], f"m{number}") for number, name in enumerate(asked)]
    if not attributes:
        attributes = [Attribute(NO_FIELDS, "null", "f0")]
    selects: list[Relation] = []
    for position, index in enumerate(indices):
        columns = list(known.columns[position])
        columns += [_metadata(name, index).named(f"m{number}") for number, name in enumerate(asked)]
        if not columns:
            columns = [null("VARCHAR").named("f0")]
        scope = Scope(index, now_ms)
        columns += [Is(each.lower(scope), "TRUE").named(f"q{number}") for number, each in enumerate(searches)]
        selects.append(Select(tuple(columns), documents_of(index), condition_on(index, clause, now_ms=now_ms)))
    if not selects:
        empty = (null(list_of(a.type) if a.multi else SQL[a.type]).named(a.column) for a in attributes)
        unmatched = (FALSE.named(f"q{number}") for number in range(len(searches)))
        selects = [Select((*empty, *unmatched), where=FALSE)]
    return Frame(Union(tuple(selects)), tuple(attributes))


@dataclass(frozen=True, slots=True)
class _KnownFields:
    """All fields of some indices.

    Attributes:
        names: names of the indices.
        mappings: their mappings, which are what they were as long as they are the same objects.
        attributes: a column of each field.
        columns: what it is in each index.
    """

    names: tuple[str, ...]
    mappings: tuple[IndexMapping, ...]
    attributes: tuple[Attribute, ...]
    columns: tuple[tuple[Named, ...], ...]

    def are_of(self, indices: Sequence[Index]) -> bool:
        """Return whether they are those of some indices, as they are now."""
        return self.names == tuple(index.name for index in indices) and all(
            mapping is index.mapping for mapping, index in zip(self.mappings, indices, strict=True)
        )


# What was resolved lately, by how many indices and the first one's name: a statement is rarely alone.
_lately: dict[tuple[int, str], _KnownFields] = {}
_MOST_LATELY: Final = 64


def _known_fields(indices: Sequence[Index]) -> _KnownFields:
    key = (len(indices), indices[0].name if indices else "")
    known = _lately.get(key)
    if known is None or not known.are_of(indices):
        if len(_lately) >= _MOST_LATELY:
            _lately.clear()
        known = _lately[key] = _resolved_fields(indices)
    return known


def _resolved_fields(indices: Sequence[Index]) -> _KnownFields:
    names = sorted({name for index in indices for name in _names(index)} - set(_METADATA))
    fields = [_resolved(indices, name) for name in names]
    return _KnownFields(
        tuple(index.name for index in indices),
        tuple(index.mapping for index in indices),
        tuple(field.attribute(f"f{number}") for number, field in enumerate(fields)),
        tuple(
            tuple(named for number, field in enumerate(fields) for named in field.values(f"f{number}", position))
            for position in range(len(indices))
        ),
    )


def _names(index: Index) -> set[str]:
    mapping = index.mapping
    return {*mapping.fields, *mapping.multi_fields, *mapping.aliases}


def _resolved(indices: Sequence[Index], name: str) -> _Resolved:
    leaves = tuple(index.get(name) for index in indices)
    types: dict[DataType, list[tuple[str, str]]] = {}
    for index, leaf in zip(indices, leaves, strict=True):
        if leaf is not None:
            types.setdefault(OF_FIELDS[leaf.type], []).append((leaf.type, index.name))
    multi = any(leaf is not None and leaf.multi for leaf in leaves)
    if len(types) > 1:
        listed = ", ".join(f"[{kind}] in [{', '.join(i for _, i in found)}]" for kind, found in types.items())
        why = (
            f"Cannot use field [{name}] due to ambiguities being mapped as [{len(types)}] incompatible types: {listed}"
        )
        variants = tuple(_variant(name, leaves, kind) for kind in types if kind != "unsupported")
        return _Resolved(name, leaves, "unsupported", multi=False, conflict=why, variants=variants)
    ((found, where),) = types.items()
    if found == "unsupported":
        why = f"Cannot use field [{name}] with unsupported type [{where[0][0]}]"
        return _Resolved(name, leaves, found, multi=False, conflict=why)
    return _Resolved(name, leaves, found, multi, "")


def _variant(name: str, leaves: Sequence[Field | None], data_type: DataType) -> _Resolved:
    """Return a field in those indices alone that map it to a type."""
    kept = tuple(leaf if leaf is not None and OF_FIELDS[leaf.type] == data_type else None for leaf in leaves)
    return _Resolved(name, kept, data_type, any(leaf is not None and leaf.multi for leaf in kept), "")


def _asked(metadata: Sequence[tuple[str, Place]]) -> list[str]:
    for name, at in metadata:
        if name in _UNSERVED:
            raise not_served(f"metadata field [{name}]", at)
        if name not in _METADATA:
            fail(at, f"unresolved metadata fields: [?{name}]")
    return list(dict.fromkeys(name for name, _ in metadata))


def _metadata(name: str, index: Index) -> Expr:
    return Literal(index.name, "VARCHAR") if name == "_index" else Column(name)
