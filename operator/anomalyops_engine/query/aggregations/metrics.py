"""Metric aggregations: aggregates over values, and the numbers as the response shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import Metric, MetricAggregation
from anomalyops_engine.query.aggregations.figures import Figures, figures_of
from anomalyops_engine.query.aggregations.hdr import Hdr, each_method, ranked
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows
from anomalyops_engine.query.date_options import date_format
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, call, when
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    any_number,
    boolean,
    integer,
    number,
    option,
    scalar,
    shown,
    table_of,
    text,
    token_text,
    word,
)
from anomalyops_engine.store.dates import format_millis

_Show = Callable[[Sequence[Any]], dict[str, Any]]
UNSUPPORTED = frozenset({"script", "value_type"})
"""Options of every metric that the engine lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NumberMetric(MetricAggregation):
    """One number out of the numbers of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED
    KIND: ClassVar[str]

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)
    format: str | None = option(text, None)

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column = rows.column(self.field)
        formats = number_format(self.format, column, name)
        figure: Expr = getattr(figures_of(column, self.KIND, self.missing, formats), self.KIND)
        worded = wording(column, formats)
        empty = 0.0 if self.KIND == "sum" else None

        def show(found: Sequence[Any]) -> dict[str, Any]:
            value = empty if found[0] is None else float(found[0])
            answer: dict[str, Any] = {"value": value}
            if worded is not None and value is not None:
                answer["value_as_string"] = as_text(worded(value))
            return answer

        return Metric(
            source=self,
            name=name,
            typed_name=self.KIND,
            expressions=(figure,),
            show=show,
            orders={"": 0, "value": 0},
        )


def number_format(given: str | None, column: RowColumn, name: str) -> str | None:
    """Return the formats in which a metric of a date is shown; None for other fields."""
    if column.leaf is not None and column.leaf.is_date:
        return column.leaf.formats if given is None else date_format(given)
    if given is not None:
        raise UnsupportedQueryError(
            f"[format] of aggregation [{name}] is not supported by this engine for [{column.type_name}] fields"
        )
    return None


def wording(column: RowColumn, formats: str | None) -> Callable[[float], str | bool] | None:
    """Return how numbers of a field look in words, None where they are plain numbers."""
    if formats is not None:
        return lambda value: format_millis(int(value), formats)
    if column.leaf is not None and column.field.type == "BOOLEAN":
        return bool
    return None


def as_text(words: str | bool) -> str:  # noqa: FBT001 (it is the value)
    """Return a value in words as a text."""
    return words if isinstance(words, str) else token_text(words)


class Minimum(_NumberMetric):
    """`min`."""

    __slots__ = ()
    KIND = "min"


class Maximum(_NumberMetric):
    """`max`."""

    __slots__ = ()
    KIND = "max"


class Average(_NumberMetric):
    """`avg`."""

    __slots__ = ()
    KIND = "avg"


class Sum(_NumberMetric):
    """`sum`."""

    __slots__ = ()
    KIND = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(MetricAggregation):
    """`stats`: count, smallest, largest, mean and sum."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)
    format: str | None = option(text, None)

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column = rows.column(self.field)
        formats = number_format(self.format, column, name)
        figures = figures_of(column, "stats", self.missing, formats)
        return Metric(
            source=self,
            name=name,
            typed_name="stats",
            expressions=(figures.value_count, figures.min, figures.max, figures.avg, figures.sum),
            show=partial(_show_stats, worded=wording(column, formats)),
            orders={"count": 0, "min": 1, "max": 2, "avg": 3, "sum": 4},
        )


def _show_stats(found: Sequence[Any], *, worded: Callable[[float], str | bool] | None) -> dict[str, Any]:
    low, high, mean, total = (None if value is None else float(value) for value in found[1:])
    figures = {"min": low, "max": high, "avg": mean, "sum": total or 0.0}
    count = int(found[0] or 0)
    if worded is None or not count:
        return {"count": count, **figures}
    words = {f"{name}_as_string": worded(value) for name, value in figures.items() if value is not None}
    return {"count": count, **figures, **words}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount(MetricAggregation):
    """`value_count`: how many values there are."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED | {"format"}

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column = rows.column(self.field, ranges=True)
        values = column.filled(self.missing)
        if column.leaf is not None and column.leaf.is_range:
            # All ranges of a document are one value.
            values = replace(values, expression=when(values.expression.is_not_null(), 1), multi=False)
        if values.multi and values.type == "VARCHAR":
            # What is kept of texts are the different ones of a document.
            values = replace(values, expression=call("list_distinct", values.expression))
        return _count(self, name, "value_count", Figures(values).value_count)


def _threshold(value: object) -> int:
    given = integer(at_least=-(2**63), at_most=2**63 - 1)(value)
    if given < 0:
        raise IllegalQueryError(f"[precisionThreshold] must be greater than or equal to 0. Found [{given}]")
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Cardinality(MetricAggregation):
    """`cardinality`: how many different values there are; exact, so that its precision has no effect."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED | {"format"}

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)
    precision_threshold: int = option(_threshold, 3000)
    execution_hint: str | None = option(
        word({"direct", "global_ordinals", "save_memory_heuristic", "save_time_heuristic", "segment_ordinals"}), None
    )

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column = rows.column(self.field, ranges=True)
        if column.leaf is not None and column.leaf.is_range:
            raise UnsupportedQueryError(
                f"aggregation [{name}] of type [cardinality] on [{column.leaf.type}] field [{self.field}] is not "
                "supported by this engine"
            )
        figures = Figures(column.filled(self.missing))
        return _count(self, name, "cardinality", figures.cardinality)


def _count(source: MetricAggregation, name: str, kind: str, figure: Expr) -> Metric:
    return Metric(
        source=source,
        name=name,
        typed_name=kind,
        expressions=(figure,),
        show=lambda found: {"value": int(found[0] or 0)},
        orders={"": 0, "value": 0},
    )


def _compression(value: object) -> float:
    found = number()(value)
    if found < 0:
        raise IllegalQueryError(f"[compression] must be greater than or equal to 0. Found [{found}]")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TDigest:
    """Precision of an estimate; the engine's percentiles are exact."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    compression: float = option(_compression, 100.0)
    execution_hint: str = option(word({"default", "high_accuracy"}), "default")


def _percents(value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise MistypedError(value)
    numbers = [float(any_number(item)) for item in value]
    if not numbers:
        raise IllegalQueryError("[percents] must not be empty")
    for each in numbers:
        if not 0 <= each <= 100:
            raise IllegalQueryError(f"percent must be in [0,100], got [{shown(each)}]")
    return tuple(sorted(set(numbers)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles(MetricAggregation):
    """`percentiles`, linear between neighbours."""

    UNSUPPORTED: ClassVar[frozenset[str]] = UNSUPPORTED

    field: str = option(text)
    missing: Scalar | None = option(scalar, None)
    format: str | None = option(text, None)
    percents: tuple[float, ...] = option(_percents, (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0))
    keyed: bool = option(boolean, default=True)
    tdigest: TDigest | None = option(table_of(TDigest, Subject("tdigest")), None)
    hdr: Hdr | None = option(table_of(Hdr, Subject("hdr")), None)

    def __post_init__(self) -> None:
        """Check that there is one way to compute them."""
        each_method([self.tdigest, self.hdr])

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column = rows.column(self.field)
        formats = number_format(self.format, column, name)
        figures = figures_of(column, "percentiles", self.missing, formats)
        worded, hdr = wording(column, formats), self.hdr
        names = [str(percent) for percent in self.percents]

        def show(found: Sequence[Any]) -> dict[str, Any]:
            quantiles = found[0] if found[0] is not None else [None] * len(self.percents)
            if hdr is not None:
                quantiles = hdr.shown(found[0], self.percents)
            values = [None if q is None else float(q) for q in quantiles]
            if self.keyed and worded is None:  # as nearly always, and for thousands of buckets
                return {"values": dict(zip(names, values, strict=True))}
            pairs = list(zip(self.percents, values, strict=True))
            if self.keyed:
                keyed = [_words_of(str(percent), value, worded) for percent, value in pairs]
                return {"values": {name: value for each in keyed for name, value in each.items()}}
            return {"values": [{"key": percent, **_words_of("value", value, worded)} for percent, value in pairs]}

        fractions = [percent / 100 for percent in self.percents]
        quantiles = figures.quantiles(fractions) if hdr is None else ranked(figures.values, self.percents)
        return Metric(
            source=self,
            name=name,
            typed_name="tdigest_percentiles" if hdr is None else "hdr_percentiles",
            expressions=(quantiles,),
            show=show,
            orders={},
        )


def _words_of(name: str, value: float | None, worded: Callable[[float], str | bool] | None) -> dict[str, Any]:
    """Return a value under a name, and beside it in words."""
    if worded is None or value is None:
        return {name: value}
    return {name: value, f"{name}_as_string": as_text(worded(value))}
