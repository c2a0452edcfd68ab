"""Documents as rows, for what computes on them inside the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import where
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import FALSE, Column, Expr, Relation, Select, Star, Union, all_of, null
from anomalyops_engine.query.fields import resolve_field, single_value
from anomalyops_engine.store import Index
from anomalyops_engine.store.mapping import SQL_TYPES


@dataclass(frozen=True, slots=True)
class Documents:
    """Rows that stand for documents, or for buckets of them.

    Column names are the engine's own: field names may differ by case alone, which SQL does not tell apart.

    Attributes:
        relation: the rows.
        columns: the column of each field, by field name.
        lists: the column with all values, of those fields of numbers that may have several in a document and whose
            values were all asked for.
        types: the type of each field, where it is known.
    """

    relation: Relation
    columns: Mapping[str, str]
    lists: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    def column(self, field: str) -> Column:
        """Return the column of a field.

        Raises:
            IllegalQueryError: the rows have none of that name.
        """
        if field not in self.columns:
            raise IllegalQueryError(f"field [{field}] is not among those that were read: [{', '.join(self.columns)}]")
        return Column(self.columns[field])


def select(
    indices: Sequence[Index],
    query: dict[str, Any] | None,
    fields: Sequence[str],
    *,
    time_field: str,
    start_ms: int | None,
    end_ms: int | None,
    every_value: Collection[str] = (),
    asked: Sequence[Index] | None = None,
) -> Documents:
    """Return the documents that match a query in [start, end) as rows with the requested fields.

    The time field is BIGINT epoch milliseconds and never NULL. A field that an index does not map is NULL there. Of a
    field with several values in a document, strings are joined by commas and numbers are NULL unless there is just one.

    Args:
        indices: where to look, as a snapshot resolved them; the rows are only valid in that snapshot.
        query: Query DSL, None for all documents.
        fields: requested fields; the time field is added when it is not among them.
        time_field: a date field.
        start_ms: first millisecond, None for no bound.
        end_ms: first millisecond that is not included, None for no bound.
        every_value: fields of which all numbers of a document are wanted too.
        asked: the indices as the query sees them, one for each; None where that is the same.

    Raises:
        QueryError: the query is malformed or not supported, or the time field is no date.
    """
    # No document of an index without the time field has a time.
    pairs = zip(indices, indices if asked is None else asked, strict=True)
    seen = [(index, queried) for index, queried in pairs if index.get(time_field) is not None]
    timed = [index for index, _ in seen]
    resolved = [resolve_field(timed, name) for name in dict.fromkeys([time_field, *fields])]
    columns = {field.name: f"f{number}" for number, field in enumerate(resolved)}
    several = [field for field in resolved if field.name in every_value and field.multi and field.is_numeric]
    lists = {field.name: f"{columns[field.name]}_all" for field in several}
    selects = [
        Select(
            (
                *(field.single(position).named(columns[field.name]) for field in resolved),
                *(field.values(position).named(lists[field.name]) for field in several),
            ),
            documents_of(index),
            all_of([in_stretch(index, time_field, start_ms, end_ms), where(queried, query)]),
        )
        for position, (index, queried) in enumerate(seen)
    ]
    if not selects:
        empty = (null("BIGINT" if name == time_field else "DOUBLE").named(column) for name, column in columns.items())
        selects = [Select(tuple(empty), where=FALSE)]
    types = {field.name: field.type for field in resolved if field.leaf is not None}
    return Documents(Union(tuple(selects)), columns, lists, types)


def with_empty(documents: Documents, fields: Sequence[str]) -> Documents:
    """Return documents with further fields that have no value in any of them."""
    if not fields:
        return documents
    columns = {field: f"e{number}" for number, field in enumerate(fields)}
    empty = tuple(null("VARCHAR").named(column) for column in columns.values())
    return replace(
        documents,
        relation=Select((Star(), *empty), documents.relation),
        columns={**documents.columns, **columns},
    )


def in_stretch(index: Index, time_field: str, start_ms: int | None, end_ms: int | None) -> Expr:
    """Return that a document's time lies in [start, end); a bound of None is none.

    Raises:
        IllegalQueryError: the field is mapped to something else than moments.
    """
    leaf = index.get(time_field)
    if leaf is None:
        return FALSE
    if SQL_TYPES[leaf.type] != "BIGINT":
        raise IllegalQueryError(
            f"cannot use field [{time_field}] of type [{leaf.type}] in index [{index.name}] as time field: "
            "it must be a [date]"
        )
    time = single_value(leaf)
    conditions = [time.is_not_null()]
    if start_ms is not None:
        conditions.append(time >= start_ms)
    if end_ms is not None:
        conditions.append(time < end_ms)
    return all_of(conditions)
