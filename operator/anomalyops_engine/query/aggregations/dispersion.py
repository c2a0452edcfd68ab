"""Metric aggregations of how values scatter, and of weighted means."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import Metric, MetricAggregation
from anomalyops_engine.query.aggregations.figures import figures_of
from anomalyops_engine.query.aggregations.metrics import UNSUPPORTED, as_text, number_format, wording
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Aggregate, Expr, all_of, call, when
from anomalyops_engine.query.options import (
    Scalar,
    Subject,
    number,
    option,
    scalar,
    table_of,
    text,
    word,
)

Worded = Callable[[float], str | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedStats(MetricAggregation):
    """`extended_stats`: those of `stats`, and how far values lie from their mean."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)
    format: str | None = option(text, None)
    sigma: float = option(number(), 2.0)

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        if self.sigma < 0:
            reason = f"[sigma] must be greater than or equal to 0. Found [{self.sigma}] in [{name}]"
            raise IllegalQueryError(reason)
        column = rows.column(self.field)
        formats = number_format(self.format, column, name)
        figures = figures_of(column, "extended_stats", self.missing, formats)
        count, total, squares = figures.value_count, figures.sum, figures.sum_of_squares
        variance = (squares - total * total / count) / count
        orders = ("count", "min", "max", "avg", "sum", "sum_of_squares", "variance")
        return Metric(
            source=self,
            name=name,
            typed_name="extended_stats",
            expressions=(count, figures.min, figures.max, figures.avg, total, squares, variance),
            show=partial(_show_extended, sigma=self.sigma, worded=wording(column, formats)),
            # A deviation grows with the variance.
            orders={**{key: place for place, key in enumerate(orders)}, "std_deviation": 6},
        )


def _show_extended(found: Sequence[Any], *, sigma: float, worded: Worded | None) -> dict[str, Any]:
    count = int(found[0] or 0)
    low, high, mean, total, squares = (None if value is None else float(value) for value in found[1:6])
    figures: dict[str, Any] = {"min": low, "max": high, "avg": mean, "sum": total or 0.0}
    spread = _spread(count, total or 0.0, squares or 0.0) if count else dict.fromkeys(_SPREAD)
    figures |= {"sum_of_squares": squares if count else None, **spread}
    bounds = _bounds(mean, spread, sigma)
    shown = {"count": count, **figures, "std_deviation_bounds": bounds}
    if worded is None or not count:
        return shown
    words = {f"{key}_as_string": as_text(worded(value)) for key, value in figures.items() if isinstance(value, float)}
    in_words = {key: as_text(worded(value)) for key, value in bounds.items() if isinstance(value, float)}
    return {**shown, **words, "std_deviation_bounds_as_string": in_words}


_SPREAD = (
    *("variance", "variance_population", "variance_sampling"),
    *("std_deviation", "std_deviation_population", "std_deviation_sampling"),
)


def _spread(count: int, total: float, squares: float) -> dict[str, float | str]:
    """Variances and deviations of all values, and as of a sample; of a sample of one there are none."""
    off = max(squares - total * total / count, 0.0)
    variance = off / count
    sampling: float | str = off / (count - 1) if count > 1 else "NaN"
    deviation = math.sqrt(variance)
    return {
        "variance": variance,
        "variance_population": variance,
        "variance_sampling": sampling,
        "std_deviation": deviation,
        "std_deviation_population": deviation,
        "std_deviation_sampling": math.sqrt(sampling) if isinstance(sampling, float) else sampling,
    }


def _bounds(mean: float | None, spread: dict[str, Any], sigma: float) -> dict[str, float | str | None]:
    """What lies `sigma` deviations above and below the mean."""
    bounds: dict[str, float | str | None] = {}
    for suffix, deviation in (("", ""), ("_population", ""), ("_sampling", "_sampling")):
        wide = spread[f"std_deviation{deviation}"]
        for side, sign in (("upper", 1), ("lower", -1)):
            known = mean is not None and isinstance(wide, float)
            bounds[f"{side}{suffix}"] = mean + sign * sigma * wide if known else wide
    return bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianAbsoluteDeviation(MetricAggregation):
    """`median_absolute_deviation`, exact, so that the precision of an estimate has no effect."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)
    format: str | None = option(text, None)
    compression: float = option(number(), 1000.0)
    execution_hint: str = option(word({"default", "high_accuracy"}), "default")

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        if self.compression <= 0:
            raise IllegalQueryError(f"[compression] must be greater than 0. Found [{self.compression}] in [{name}]")
        column = rows.column(self.field)
        formats = number_format(self.format, column, name)
        figure = figures_of(column, "median_absolute_deviation", self.missing, formats).deviation_from_median
        return _one_number(self, name, "median_absolute_deviation", figure, wording(column, formats))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedPart:
    """The values or the weights of a weighted mean."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script"})

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedAverage(MetricAggregation):
    """`weighted_avg`: the mean of a field where documents count by another one."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"value_type"})

    value: WeightedPart = option(table_of(WeightedPart, Subject("value")))
    weight: WeightedPart = option(table_of(WeightedPart, Subject("weight")))
    format: str | None = option(text, None)

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column, weights = rows.column(self.value.field), rows.column(self.weight.field)
        formats = number_format(self.format, column, name)
        values = figures_of(column, "weighted_avg", self.value.missing, formats)
        weight = figures_of(weights, "weighted_avg", self.weight.missing, None)
        if weight.values.multi:
            reason = "Encountered more than one weight for a single document. Use a script to combine multiple weights"
            raise IllegalQueryError(reason)
        there = all_of([values.values.expression.is_not_null(), weight.values.expression.is_not_null()])
        total = Aggregate("fsum", (when(there, values.each_sum * weight.values.expression),))
        of_weights = Aggregate("fsum", (when(there, values.each_count * weight.values.expression),))
        figure = total / call("nullif", of_weights, 0)
        return _one_number(self, name, "weighted_avg", figure, wording(column, formats))


def _one_number(source: MetricAggregation, name: str, kind: str, figure: Expr, worded: Worded | None) -> Metric:
    def show(found: Sequence[Any]) -> dict[str, Any]:
        value = None if found[0] is None else float(found[0])
        words = {} if worded is None or value is None else {"value_as_string": as_text(worded(value))}
        return {"value": value, **words}

    return Metric(
        source=source, name=name, typed_name=kind, expressions=(figure,), show=show, orders={"": 0, "value": 0}
    )
