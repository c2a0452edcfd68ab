"""FROM of documents that lie in no index: the configurations of jobs and datafeeds, which `.ml-config` shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anomalyops_engine.query.esql.datatypes import DataType, list_of
from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.frames import Attribute, Frame
from anomalyops_engine.query.esql.syntax import From
from anomalyops_engine.query.expr import Expr, ListOf, Literal, Select, call

_METADATA = ("_id", "_index")


@dataclass(frozen=True, slots=True)
class KeptDocuments:
    """Documents under the name of an index.

    Attributes:
        name: the name.
        documents: each by its id.
        dates: fields of moments, in epoch milliseconds.
        opaque: fields that are kept and not looked into.
    """

    name: str
    documents: Mapping[str, Mapping[str, Any]]
    dates: Collection[str] = ()
    opaque: Collection[str] = ()


@dataclass(slots=True)
class _Column:
    """A field of the documents: its type, and its values in each."""

    type: DataType
    multi: bool = False
    values: dict[str, list[Any]] = field(default_factory=dict)


def frame_of_documents(kept: KeptDocuments, command: From, *, filtered: bool) -> Frame:
    """Return documents as rows.

    Raises:
        UnsupportedQueryError: metadata that they have not, or a filter of the request.
    """
    if filtered:
        raise not_served(f"[filter] of [{kept.name}]", command.at)
    columns = _columns(kept)
    for name, at in command.metadata:
        if name not in _METADATA:
            raise not_served(f"metadata field [{name}] of [{kept.name}]", at)
        ids = {each: [each if name == "_id" else kept.name] for each in kept.documents}
        columns[name] = _Column("keyword", values=ids)
    attributes = tuple(
        Attribute(name, column.type, f"f{number}", column.multi)
        for number, (name, column) in enumerate(columns.items())
    )
    rows = Select(
        tuple(
            _value(column, tuple(kept.documents)).named(f"f{number}") for number, column in enumerate(columns.values())
        )
    )
    return Frame(rows, attributes, past=f"FROM {kept.name}")


def _columns(kept: KeptDocuments) -> dict[str, _Column]:
    found: dict[str, _Column] = {"job_id": _Column("keyword")}
    for each, document in kept.documents.items():
        for name, value in _leaves(document, "", kept.opaque):
            kind = "date" if name in kept.dates else _type_of(value)
            column = found.setdefault(name, _Column(kind))
            if column.type != kind:
                # What is not the same everywhere is told as text, numbers of two kinds as fractions.
                column.type = "double" if {column.type, kind} == {"long", "double"} else "keyword"
            values = column.values.setdefault(each, [])
            values.append(value)
            column.multi = column.multi or len(values) > 1
    return dict(sorted(found.items()))


def _leaves(value: Any, path: str, opaque: Collection[str]) -> Iterator[tuple[str, Any]]:
    if path in opaque:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name), opaque)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, path, opaque)
    elif value is not None:
        yield path, value


def _type_of(value: Any) -> DataType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    return "double" if isinstance(value, float) else "keyword"


def _value(column: _Column, documents: Sequence[str]) -> Expr:
    """Return the values of a field in documents, a row for each."""
    found = [_written(column, column.values.get(each, ())) for each in documents]
    if column.multi:
        lists = tuple(Literal(values or None, list_of(column.type)) for values in found)
        return call("unnest", ListOf(lists) if lists else Literal((), list_of(column.type)))
    singles = tuple(values[0] if values else None for values in found)
    return call("unnest", Literal(singles, list_of(column.type)))


def _written(column: _Column, values: Sequence[Any]) -> tuple[Any, ...]:
    if column.type == "double":
        return tuple(map(float, values))
    if column.type != "keyword":
        return tuple(values)
    return tuple(value if isinstance(value, str) else str(value).lower() for value in values)
