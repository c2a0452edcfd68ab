"""Percentiles as a high dynamic range histogram has them: values to a number of significant digits.

After HdrHistogram 2.1 (`DoubleHistogram`), which Elasticsearch counts values in. Its counters are a power of two apart
that depends on the smallest value above zero; of a percentile it gives the largest value of the counter that the
percentile is in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.rows import Values
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Aggregate, Cast, Column, Expr, Lambda, ListOf, Literal, call
from anomalyops_engine.query.options import any_number, option

_MOST_DIGITS = 5


def _digits(value: object) -> int:
    found = any_number(value)
    if not 0 <= found <= _MOST_DIGITS:
        raise IllegalQueryError(f"[numberOfSignificantValueDigits] must be between 0 and {_MOST_DIGITS}")
    return int(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdr:
    """How exact a high dynamic range histogram is."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    number_of_significant_value_digits: int = option(_digits, 3)

    def highest(self, value: float, smallest: float) -> float:
        """Return the largest value that is counted together with a value.

        Args:
            value: at least 0.
            smallest: the smallest of all values above 0.
        """
        start, unit, ratio = self._counter(value, smallest)
        return (start + unit - 1) * ratio

    def lowest(self, value: float, smallest: float) -> float:
        """Return the smallest value that is counted together with a value."""
        start, _, ratio = self._counter(value, smallest)
        return start * ratio

    def _counter(self, value: float, smallest: float) -> tuple[int, int, float]:
        """Return where the counter of a value begins, how wide it is, and what 1 of both is in values."""
        half = 1 << (math.ceil(math.log2(2 * 10**self.number_of_significant_value_digits)) - 1)
        ratio = 2.0 ** (math.frexp(smallest)[1] - 1) / half
        whole = int(value / ratio)
        unit = 1 << max(whole.bit_length() - (2 * half).bit_length() + 1, 0)
        return whole // unit * unit, unit, ratio

    def shown(self, found: Sequence[float | None] | None, percents: Sequence[float]) -> list[float | None]:
        """Return percentiles of what `ranked` found.

        Raises:
            IllegalQueryError: some value is below 0.
        """
        if found is None or found[-2] is None:
            return [None] * len(percents)
        if found[-2] < 0:
            raise IllegalQueryError("Negative values cannot be recorded")
        smallest = found[-1]
        if smallest is None:
            return [0.0] * len(percents)
        pairs = zip(percents, found, strict=False)
        return [
            None if value is None else (self.highest if percent else self.lowest)(value, smallest)
            for percent, value in pairs
        ]


def ranked(values: Values, percents: Sequence[float]) -> Expr:
    """Return the values at the ranks of percentiles, then the smallest value, then the smallest above 0."""
    there = values.expression.is_not_null()
    every: Expr = Aggregate("list", (values.expression,), where=there)
    if values.multi:
        every = call("flatten", every)
    ordered = call("list_sort", Cast(every, "DOUBLE[]"))
    one, percent, value = Column("every"), Column("percent"), Column("value")
    rank = Cast(call("floor", percent / 100.0 * call("len", one) + 0.5), "BIGINT")
    at_rank = Lambda(percent.name, call("list_extract", one, call("greatest", 1, rank)))
    above = call("list_min", call("list_filter", one, Lambda(value.name, value > 0)))
    found = call(
        "list_concat",
        call("list_transform", Literal(tuple(percents), "DOUBLE[]"), at_rank),
        ListOf((call("list_extract", one, 1), above)),
    )
    return call("list_extract", call("list_transform", ListOf((ordered,)), Lambda(one.name, found)), 1)


def each_method(methods: Sequence[Any]) -> None:
    """Check that percentiles are computed in one way.

    Raises:
        IllegalQueryError: two are named.
    """
    if sum(method is not None for method in methods) > 1:
        raise IllegalQueryError("Only one percentiles method should be declared.")
