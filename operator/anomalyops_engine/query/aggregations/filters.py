"""Buckets by condition: `filter`, `filters`, `missing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.dsl import Clause, parse_query
from anomalyops_engine.query.errors import IllegalQueryError, QueryError
from anomalyops_engine.query.expr import Column, Expr, Lambda, ListOf, any_of, call, when
from anomalyops_engine.query.options import MistypedError, Scalar, Subject, boolean, option, scalar, text

_OTHER = "_other_"


@dataclass(frozen=True, slots=True)
class Filter(BucketAggregation):
    """The one bucket of the documents that match a query."""

    query: Clause

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        key = when(rows.condition(self.query), 0)
        return Bucketing(name=name, typed_name="filter", key=key, render=_render_single)


def read_filter(body: Mapping[str, Any], subject: Subject) -> Filter:
    """Read `filter`, whose body is the query itself.

    Raises:
        QueryError: the query is malformed or not supported.
    """
    return Filter(parse_query(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(BucketAggregation):
    """The one bucket of the documents without a value in a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "format", "value_type"})

    field: str = option(text)
    # What stands for no value, so that nothing is missing.
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        key = when(rows.column(self.field, ranges=True).filled(self.missing).expression.is_null(), 0)
        return Bucketing(name=name, typed_name="missing", key=key, render=_render_single)


def _render_single(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
    return {"doc_count": found[0].count if found else 0, **inner(0)}


@dataclass(frozen=True, slots=True)
class _Queries:
    """Several queries, by name or in a row."""

    queries: tuple[Clause, ...]
    names: tuple[str, ...] | None


def _no_filters() -> IllegalQueryError:
    return IllegalQueryError("[filters] cannot be empty.")


def _queries(value: object) -> _Queries:
    if value in ({}, []):
        raise _no_filters()
    if isinstance(value, dict):
        names = tuple(sorted(value))
        return _Queries(tuple(parse_query(value[name]) for name in names), names)
    if isinstance(value, list):
        return _Queries(tuple(map(parse_query, value)), None)
    raise MistypedError(value)


class FiltersSubject(Subject):
    """The aggregation, whose parser reads token by token and tells errors of queries as they are."""

    __slots__ = ()

    def missing(self, key: str) -> QueryError:
        """Return the error of queries that are not there, which are none."""
        return _no_filters()

    def failed(self, key: str, cause: QueryError) -> QueryError:
        """Return the error of an option whose value cannot be read."""
        return cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters(BucketAggregation):
    """One bucket for each of several queries, and one for the rest if asked for."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    filters: _Queries = option(_queries)
    other_bucket: bool | None = option(boolean, None)
    other_bucket_key: str | None = option(text, None)
    keyed: bool = option(boolean, default=True)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        conditions = [rows.condition(query) for query in self.filters.queries]
        names = None if self.filters.names is None else list(self.filters.names)
        with_rest = self.other_bucket_key is not None if self.other_bucket is None else self.other_bucket
        if with_rest:
            conditions.append(any_of(conditions).is_not_true())
            if names is not None:
                names.append(_OTHER if self.other_bucket_key is None else self.other_bucket_key)

        def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
            counts = {bucket.key: bucket.count for bucket in found}
            buckets = [{"doc_count": counts.get(number, 0), **inner(number)} for number in range(len(conditions))]
            if names is None:
                return {"buckets": buckets}
            if self.keyed:
                return {"buckets": dict(zip(names, buckets, strict=True))}
            return {"buckets": [{"key": key, **bucket} for key, bucket in zip(names, buckets, strict=True)]}

        return Bucketing(name=name, typed_name="filters", key=numbers_of(conditions), render=render, is_list=True)


def numbers_of(conditions: Sequence[Expr]) -> Expr:
    """Return the list of the numbers of those conditions that hold."""
    cases = ListOf(tuple(when(condition, number) for number, condition in enumerate(conditions)))
    return call("list_filter", cases, Lambda("item", Column("item").is_not_null()))
