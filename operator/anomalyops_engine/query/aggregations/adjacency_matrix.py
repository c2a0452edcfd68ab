"""`adjacency_matrix`: a bucket for each of several queries, and one for each two of them that documents match both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.filters import numbers_of
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.dsl import Clause, parse_query
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Column, Expr, Lambda, call
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import MistypedError, option, text


def _queries(value: object) -> dict[str, Clause]:
    if not isinstance(value, dict):
        raise MistypedError(value)
    most = limits().clauses
    if len(value) > most:
        raise IllegalQueryError(
            f"Number of filters is too large, must be less than or equal to: [{most}] but was [{len(value)}]."
            "This limit can be set by changing the [indices.query.bool.max_clause_count] setting."
        )
    return {name: parse_query(value[name]) for name in sorted(value)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjacencyMatrix(BucketAggregation):
    """The buckets of queries and of pairs of them; those without documents are left out."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    filters: dict[str, Clause] = option(_queries)
    separator: str = option(text, "&")

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        names = list(self.filters)
        matched = numbers_of([rows.condition(query) for query in self.filters.values()])

        def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
            buckets = [{"key": self._shown(names, one.key), "doc_count": one.count, **inner(one.key)} for one in found]
            return {"buckets": sorted(buckets, key=lambda bucket: str(bucket["key"]))}

        return Bucketing(
            name=name, typed_name="adjacency_matrix", key=_pairs(matched, len(names)), render=render, is_list=True
        )

    def _shown(self, names: Sequence[str], key: int) -> str:
        first, second = divmod(key, len(names))
        return names[first] if first == second else f"{names[first]}{self.separator}{names[second]}"


def _pairs(numbers: Expr, count: int) -> Expr:
    """Return the keys of all pairs of numbers, the smaller one times `count` before the other; each with itself too."""
    first, second = Column("first"), Column("second")
    later = call("list_filter", numbers, Lambda("second", second >= first))
    pairs = call("list_transform", later, Lambda("second", first * count + second))
    return call("flatten", call("list_transform", numbers, Lambda("first", pairs)))
