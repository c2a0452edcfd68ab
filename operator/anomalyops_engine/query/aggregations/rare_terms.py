"""`rare_terms`: one bucket a value that few documents have, the rarest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import (
    BucketAggregation,
    Bucketing,
    Found,
    Inner,
    Ranking,
)
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.terms import VALUE_TYPES, Terms, read_choice
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import Scalar, integer, number, option, scalar, text, word


@dataclass(frozen=True, slots=True, kw_only=True)
class RareTerms(BucketAggregation):
    """The buckets of the values of a field that are rare; exact, so that its precision has no effect."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script"})

    field: str = option(text)
    max_doc_count: int = option(integer(at_least=1, at_most=100), 1)
    missing: Scalar | None = option(scalar, None)
    include: str | tuple[Scalar, ...] | None = option(read_choice, None)
    exclude: str | tuple[Scalar, ...] | None = option(read_choice, None)
    format: str | None = option(text, None)
    value_type: str | None = option(word(VALUE_TYPES), None)
    precision: float = option(number(at_least=0.00001), 0.001)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field)
        patterns = isinstance(self.include, str) or isinstance(self.exclude, str)
        if patterns and column.leaf is not None and not (column.leaf.is_string and column.leaf.type != "ip"):
            raise IllegalQueryError(
                f"Aggregation [{name}] cannot support regular expression style include/exclude settings as they can "
                "only be applied to string fields. Use an array of values for include/exclude clauses"
            )
        order = (("_count", False), ("_key", False))
        terms = Terms(
            field=self.field,
            missing=self.missing,
            include=self.include,
            exclude=self.exclude,
            format=self.format,
            order=order,
        ).compile(name, rows)
        kind = "umrareterms" if column.leaf is None else terms.typed_name.replace("terms", "rareterms")
        # Too many values rank behind rare ones, so the place says nothing of how many rare ones there are.
        ranking = Ranking(order, limits().buckets, 1, self.max_doc_count)
        return replace(terms, typed_name=kind, render=_rendered(terms.render), ranking=ranking)


def _rendered(whole: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        return {"buckets": whole(found, inner)["buckets"]}

    return render
