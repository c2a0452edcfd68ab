"""Aggregations over fields of ranges, in whose buckets a document is as often as its ranges reach into them."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.query.aggregations.rows import RowColumn
from anomalyops_engine.query.errors import IllegalQueryError, QueryError, UnsupportedQueryError
from anomalyops_engine.store.fieldtypes.spans import RANGE_KINDS, RangeKind

RANGES_OF_NUMBERS: Final = frozenset({"integer_range", "long_range", "float_range", "double_range"})
RANGES_OF_DATES: Final = frozenset({"date_range"})


def range_kind(column: RowColumn, aggregation: str, taken: frozenset[str]) -> RangeKind | None:
    """Return the kind of the ranges of a field, None where it has single values.

    Args:
        column: the field.
        aggregation: what is done with it.
        taken: the kinds that it can be done with.

    Raises:
        QueryError: it is not done with ranges of this kind, or indices map the field to different kinds.
    """
    types = {leaf.type for leaf in column.field.leaves if leaf is not None}
    if types.isdisjoint(RANGE_KINDS):
        return None
    for leaf in column.field.leaves:
        if leaf is not None and leaf.is_range and leaf.type not in taken:
            raise IllegalQueryError(
                f"Field [{column.name}] of type [{leaf.type}] is not supported for aggregation [{aggregation}]"
            )
    if len(types) > 1:
        raise UnsupportedQueryError(
            f"aggregation [{aggregation}] on field [{column.name}] of different types [{', '.join(sorted(types))}] is "
            "not supported by this engine"
        )
    return RANGE_KINDS[types.pop()]


def missing_range(name: str, kind: RangeKind) -> QueryError:
    """Return the refusal of a value that stands for no range."""
    return UnsupportedQueryError(
        f"[missing] of aggregation [{name}] on a [{kind.name}] is not supported by this engine"
    )
