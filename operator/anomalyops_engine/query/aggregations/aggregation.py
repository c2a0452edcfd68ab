"""What an aggregation is, and what it compiles to: keys of documents or aggregates of values, and a rendering.

An aggregation is a record of its options, read before any index is looked at. Compiled for the rows of a request, a
bucket aggregation gives the key of each document and a metric gives aggregates; both say how the answer looks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError
from anomalyops_engine.query.expr import Expr
from anomalyops_engine.query.options import MistypedError, shown


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which buckets of a level are kept: the first `size` in an order, with at least `minimum` documents.

    Attributes:
        order: (what, descending) pairs; what is `_count`, `_key`, or a metric with an optional part.
        size: how many buckets per parent.
        minimum: fewest documents of a bucket.
        maximum: most documents of a bucket, None for any number.
    """

    order: tuple[tuple[str, bool], ...]
    size: int
    minimum: int
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One bucket as the database returned it.

    Attributes:
        key: its key within the level.
        count: number of documents.
        siblings: documents of all buckets of the level under the same parent, kept or not.
    """

    key: Any
    count: int
    siblings: int


# Gives the sub-aggregations of a bucket by its key.
Inner: TypeAlias = Callable[[Any], dict[str, Any]]
# Renders the buckets of one parent.
Render: TypeAlias = Callable[[Sequence[Found], Inner], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucketing:
    """A compiled bucket aggregation.

    Attributes:
        name: as the request calls it.
        typed_name: its type as `typed_keys` shows it.
        key: the key of a document, NULL when it belongs to no bucket.
        render: makes the response object.
        is_list: the expression is a list: the document belongs to several buckets.
        ranking: limits and order of the buckets, None when all are kept in key order.
        is_ip: keys are addresses in the form that sorts.
        keeps_missing: documents without a key are a bucket of their own, whose key is NULL.
    """

    name: str
    typed_name: str
    key: Expr
    render: Render
    is_list: bool = False
    ranking: Ranking | None = None
    is_ip: bool = False
    keeps_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A compiled metric.

    Attributes:
        source: what it was compiled from.
        name: as the request calls it.
        typed_name: its type as `typed_keys` shows it.
        expressions: the aggregates.
        show: makes the response object of their values; None values stand for an empty bucket.
        orders: which expression an `order` on the metric (or on `metric.part`) means, by part ("" for the value).
        note: is told the values that will be shown, of all buckets, before the first of them is; None where nothing is
            to be fetched for them.
    """

    source: MetricAggregation
    name: str
    typed_name: str
    expressions: tuple[Expr, ...]
    show: Callable[[Sequence[Any]], dict[str, Any]]
    orders: dict[str, int]
    note: Callable[[Sequence[Any]], None] | None = None


class Aggregation:
    """Options of an aggregation, well formed and independent of any index."""

    __slots__ = ()


class BucketAggregation(Aggregation, ABC):
    """An aggregation that makes buckets."""

    __slots__ = ()

    @abstractmethod
    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering, for an aggregation of this name.

        Raises:
            QueryError: not allowed for the field, or not supported for it.
        """


class MetricAggregation(Aggregation, ABC):
    """An aggregation that is one number, or a few."""

    __slots__ = ()

    @abstractmethod
    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering, for an aggregation of this name.

        Raises:
            QueryError: not allowed for the field, or not supported for it.
        """


def read_order(value: object) -> tuple[tuple[str, bool], ...]:
    """Read `order` as (what, descending) pairs.

    Raises:
        QueryParsingError: malformed.
    """
    if not isinstance(value, list | dict):
        raise MistypedError(value)
    pairs: list[tuple[str, bool]] = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict) or not item:
            raise QueryParsingError(f"Must specify at least one field for [order], got [{shown(item)}]")
        # Of several in one object the last one counts.
        what, direction = list(item.items())[-1]
        if not isinstance(direction, str) or direction.lower() not in {"asc", "desc"}:
            raise QueryParsingError(f"Unknown order direction [{shown(direction)}]")
        pairs.append((what, direction.lower() == "desc"))
    if not pairs:
        raise IllegalQueryError("[order] must name at least one criterion")
    return tuple(pairs)
