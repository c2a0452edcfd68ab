"""What a bucket aggregation compiles to: a document's keys, and how the buckets look in the response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.errors import QueryParsingError
from anomalyops_engine.query.expr import Expr

MAX_BUCKETS = 65_536


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which buckets of a level are kept: the first `size` in an order, with at least `minimum` documents.

    Attributes:
        order: (what, descending) pairs; what is `_count`, `_key`, or a metric with an optional part.
        size: how many buckets per parent.
        minimum: fewest documents of a bucket.
    """

    order: tuple[tuple[str, bool], ...]
    size: int
    minimum: int


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


@dataclass(frozen=True, slots=True)
class Bucketing:
    """A compiled bucket aggregation.

    Attributes:
        node: the aggregation.
        key: the key of a document, NULL when it belongs to no bucket.
        render: makes the response object.
        is_list: the expression is a list: the document belongs to several buckets.
        ranking: limits and order of the buckets, None when all are kept in key order.
        typed_name: type prefix with `typed_keys`.
    """

    node: Node
    key: Expr
    render: Render
    is_list: bool = False
    ranking: Ranking | None = None
    typed_name: str = field(default="")


def read_order(node: Node, *, default: str, descending: bool) -> tuple[tuple[str, bool], ...]:
    """Return the `order` of an aggregation as (what, descending) pairs.

    Raises:
        QueryParsingError: malformed.
    """
    option = node.options.get("order")
    if option is None:
        return ((default, descending),)
    out = []
    for item in option if isinstance(option, list) else [option]:
        if not isinstance(item, dict) or len(item) != 1:
            raise QueryParsingError(f"Must specify one order per object in [order] of [{node.name}], got [{item}]")
        ((what, direction),) = item.items()
        if str(direction).lower() not in {"asc", "desc"}:
            raise QueryParsingError(f"Unknown order direction [{direction}] in aggregation [{node.name}]")
        out.append((what, str(direction).lower() == "desc"))
    return tuple(out)
