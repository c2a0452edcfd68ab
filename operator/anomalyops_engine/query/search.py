"""`_search` and `_count`: one statement for the hits, one for their number, and those of the aggregations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from anomalyops_engine.query import sql
from anomalyops_engine.query.aggregations import Node, aggregate, parse_aggregations
from anomalyops_engine.query.dsl import where
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Aggregate, Column, Expr, Literal, Named, Order, Select, Table, Union, columns
from anomalyops_engine.query.fields import listed
from anomalyops_engine.query.sorting import SortKey, parse_sort
from anomalyops_engine.query.sources import SourceFilter, filter_source, source_filter
from anomalyops_engine.store import Field, Index, Reader
from anomalyops_engine.store.dates import format_millis

MAX_WINDOW = 10_000
_DEFAULT_TOTAL_LIMIT = 10_000
_KEYS = frozenset(
    {"query", "from", "size", "sort", "_source", "fields", "docvalue_fields", "track_total_hits", "aggs"}
    | {"aggregations", "timeout", "version", "seq_no_primary_term"}
)
_ELSEWHERE = frozenset(
    {"collapse", "explain", "ext", "highlight", "indices_boost", "knn", "min_score", "pit", "post_filter", "profile"}
    | {"rank", "rescore", "retriever", "runtime_mappings", "script_fields", "search_after", "slice", "stats"}
    | {"stored_fields", "suggest", "terminate_after", "track_scores"}
)


@dataclass(frozen=True, slots=True)
class _Request:
    """A search body, checked."""

    query: dict[str, Any] | None
    start: int
    size: int
    sort: list[SortKey]
    source: SourceFilter | None
    fields: list[tuple[str, str | None]]
    total_limit: int | None
    aggregations: tuple[Node, ...]
    version: bool
    seq_no: bool


def search(
    reader: Reader,
    indices: Sequence[Index],
    body: dict[str, Any],
    *,
    typed_keys: bool = False,
    raw_sources: bool = False,
) -> dict[str, Any]:
    """Return the response of a search, all but `took`.

    Args:
        reader: the snapshot that `indices` were resolved in.
        indices: where to search.
        body: request body.
        typed_keys: name aggregations `type#name`.
        raw_sources: give sources as JSON fragments for orjson instead of parsed objects.

    Raises:
        QueryError: the request is malformed, or asks for something that this engine lacks.
    """
    request = _parse(body)
    now_ms = int(time.time() * 1000)
    conditions = [where(index, request.query, now_ms=now_ms) for index in indices]
    hits: dict[str, Any] = {}
    if request.total_limit is not None:
        hits["total"] = _total(_count_matching(reader, indices, conditions), request.total_limit)
    found = _hits(reader, indices, conditions, request, raw_sources=raw_sources) if request.size else []
    hits["max_score"] = 1.0 if found and not request.sort else None
    hits["hits"] = found
    shards = len(indices)
    response: dict[str, Any] = {
        "timed_out": False,
        "_shards": {"total": shards, "successful": shards, "skipped": 0, "failed": 0},
        "hits": hits,
    }
    if request.aggregations:
        response["aggregations"] = aggregate(
            reader, list(zip(indices, conditions, strict=True)), request.aggregations, now_ms, typed_keys=typed_keys
        )
    return response


def count(reader: Reader, indices: Sequence[Index], query: dict[str, Any] | None) -> int:
    """Return how many documents match a query.

    Raises:
        QueryError: the query is malformed, or asks for something that this engine lacks.
    """
    return _count_matching(reader, indices, [where(index, query) for index in indices])


def _count_matching(reader: Reader, indices: Sequence[Index], conditions: Sequence[Expr]) -> int:
    total = 0
    for index, condition in zip(indices, conditions, strict=True):
        counted = Select((Aggregate("count").named("matching"),), Table(index.table), condition)
        ((matching,),) = sql.fetch(reader.connection, counted)
        total += matching
    return total


def _total(matching: int, limit: int) -> dict[str, Any]:
    return {"value": min(matching, limit), "relation": "gte" if matching > limit else "eq"}


def _hits(
    reader: Reader,
    indices: Sequence[Index],
    conditions: Sequence[Expr],
    request: _Request,
    *,
    raw_sources: bool,
) -> list[dict[str, Any]]:
    if not indices:
        return []
    leaves = _field_leaves(indices, request.fields)
    selects = tuple(
        Select(_hit_columns(number, index, request, leaves), Table(index.table), condition)
        for number, (index, condition) in enumerate(zip(indices, conditions, strict=True))
    )
    order = [key.order(f"sort_{place}") for place, key in enumerate(request.sort)]
    order += [Order(column) for column in columns(("_number", "_seq_no"))]
    page = Select(source=Union(selects), order=tuple(order), limit=request.size, offset=request.start)
    rows = sql.fetch(reader.connection, page)
    return [_hit(row, indices[row[0]], request, leaves, raw_sources=raw_sources) for row in rows]


def _hit_columns(
    number: int, index: Index, request: _Request, leaves: Sequence[tuple[str, str | None]]
) -> tuple[Named, ...]:
    """Return what a hit is made of, in the order in which `_hit` reads it."""
    chosen = [Literal(number).named("_number")]
    chosen += [column.named(column.name) for column in columns(("_id", "_version", "_seq_no"))]
    source: Expr = Column("_source") if request.source is not None else Literal(None)
    chosen.append(source.named("_source"))
    chosen += [key.expression(index).named(f"sort_{place}") for place, key in enumerate(request.sort)]
    for place, (path, _) in enumerate(leaves):
        leaf = index.get(path)
        values: Expr = Literal(None) if leaf is None else listed(leaf)
        chosen.append(values.named(f"field_{place}"))
    return tuple(chosen)


def _hit(
    row: tuple[Any, ...],
    index: Index,
    request: _Request,
    leaves: Sequence[tuple[str, str | None]],
    *,
    raw_sources: bool,
) -> dict[str, Any]:
    hit: dict[str, Any] = {"_index": index.name, "_id": row[1], "_score": None if request.sort else 1.0}
    if request.version:
        hit["_version"] = row[2]
    if request.seq_no:
        hit |= {"_seq_no": row[3], "_primary_term": 1}
    if request.source == SourceFilter() and raw_sources:
        hit["_source"] = orjson.Fragment(row[4])
    elif request.source is not None:
        hit["_source"] = filter_source(orjson.loads(row[4]), request.source)
    first_field = 5 + len(request.sort)
    fields = {
        path: [_shown(value, index.get(path), form) for value in row[first_field + place]]
        for place, (path, form) in enumerate(leaves)
        if row[first_field + place]
    }
    if fields:
        hit["fields"] = fields
    if request.sort:
        hit["sort"] = [key.shown(row[5 + place], index.get(key.field)) for place, key in enumerate(request.sort)]
    return hit


def _field_leaves(indices: Sequence[Index], fields: Sequence[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    leaves: dict[str, str | None] = {}
    for pattern, form in fields:
        for index in indices:
            exact = index.get(pattern)
            for leaf in [exact] if exact is not None else index.mapping.matching(pattern):
                leaves.setdefault(leaf.path, form)
    return list(leaves.items())


def _shown(value: Any, leaf: Field | None, form: str | None) -> Any:
    if leaf is not None and leaf.is_date:
        return format_millis(value, form or leaf.formats)
    return value


def _parse(body: dict[str, Any]) -> _Request:
    for key in body:
        if key in _ELSEWHERE:
            raise UnsupportedQueryError(f"[{key}] in a search is not supported by this engine")
        if key not in _KEYS:
            raise QueryParsingError(f"unknown key [{key}] in a search")
    start, size = _number(body, "from", 0), _number(body, "size", 10)
    if start + size > MAX_WINDOW:
        raise IllegalQueryError(
            f"Result window is too large, from + size must be less than or equal to: [{MAX_WINDOW}] but was "
            f"[{start + size}]."
        )
    tracked = body.get("track_total_hits", _DEFAULT_TOTAL_LIMIT)
    if not isinstance(tracked, int):
        raise QueryParsingError(f"[track_total_hits] must be a boolean or a number, got [{tracked}]")
    limit: int | None = int(tracked)
    if tracked is True:
        limit = 2**63
    elif tracked is False or tracked == -1:
        limit = None
    return _Request(
        query=body.get("query"),
        start=start,
        size=size,
        sort=parse_sort(body.get("sort")),
        source=source_filter(body.get("_source")),
        fields=[_field_option(item) for key in ("fields", "docvalue_fields") for item in body.get(key, [])],
        total_limit=limit,
        aggregations=parse_aggregations(body.get("aggs", body.get("aggregations")) or {}),
        version=body.get("version") is True,
        seq_no=body.get("seq_no_primary_term") is True,
    )


def _number(body: dict[str, Any], key: str, default: int) -> int:
    value = body.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise IllegalQueryError(f"[{key}] parameter cannot be negative or no integer, found [{value}]")
    return value


def _field_option(item: object) -> tuple[str, str | None]:
    if isinstance(item, str):
        return item, None
    if isinstance(item, dict) and isinstance(item.get("field"), str) and item.keys() <= {"field", "format"}:
        return item["field"], item.get("format")
    raise QueryParsingError(f"[fields] entries must be a field name or {{field, format}}, got [{item}]")
