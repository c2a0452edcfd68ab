"""`top_hits`: of each bucket the documents that come first in an order, as hits.

The database collects the numbers of the first documents of each bucket in the pass that counts it. The documents
themselves are read afterwards, those of all buckets at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from anomalyops_engine.query.aggregations.aggregation import Metric, MetricAggregation
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.collapsing import ShownHits
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Aggregate, Expr, Order, call
from anomalyops_engine.store.fieldtypes.numbers import single_digits

_WINDOW: Final = 100


class Finder(Protocol):
    """Whoever knows the documents of a search."""

    def top(self, wanted: ShownHits, rows: Rows) -> Top:
        """Return how documents of the rows are told, sorted and shown.

        Raises:
            QueryError: they cannot be sorted so, or have no such field.
        """


class Top(Protocol):
    """Documents that hits are made of.

    Attributes:
        number: what tells a document from all others of the search.
        order: the order of the hits.
        score: of a document; None where hits show none.
    """

    number: Expr
    order: tuple[Order, ...]
    score: Expr | None

    def note(self, numbers: Collection[int]) -> None:
        """Note that documents will be shown."""

    def hits(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return noted documents as hits."""

    def total(self, count: int) -> object:
        """Return the number of documents of a bucket, as the answer shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopHits(ShownHits, MetricAggregation):
    """The first documents of a bucket."""

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        last = self.start + self.size
        if last > _WINDOW:
            raise IllegalQueryError(
                f"Top hits result window is too large, the top hits aggregator [{name}]'s from + size must be less "
                f"than or equal to: [{_WINDOW}] but was [{last}]. This limit can be set by changing the "
                "[index.max_inner_result_window] index level setting."
            )
        if rows.finder is None:
            raise UnsupportedQueryError(f"[top_hits] of [{name}] is supported in a search only: it gives no number")
        top = rows.finder.top(self, rows)
        ordered = Aggregate("list", (top.number,), order=top.order)
        first = call("list_slice", ordered, self.start + 1, last)
        best = () if top.score is None else (Aggregate("max", (top.score,)),)

        def note(found: Sequence[Any]) -> None:
            top.note(found[1] or ())

        def show(found: Sequence[Any]) -> dict[str, Any]:
            best_score = single_digits(found[2]) if best and found[0] else None
            hits = top.hits(found[1] or ())
            return {"hits": {"total": top.total(found[0] or 0), "max_score": best_score, "hits": hits}}

        return Metric(
            source=self,
            name=name,
            typed_name="top_hits",
            expressions=(Aggregate("count"), first, *best),
            show=show,
            orders={},
            note=note,
        )
