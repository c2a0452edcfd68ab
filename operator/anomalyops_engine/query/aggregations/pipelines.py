"""Aggregations of other aggregations' figures, bucket by bucket: `derivative` and `bucket_script`.

Only the rows of a datafeed have them so far. A bucket that the database does not give is one without documents: it
stands between two buckets that are further apart than the interval of the histogram, unless empty buckets are left out
by `min_doc_count`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

from anomalyops_engine.query.aggregations.aggregation import Aggregation, Metric
from anomalyops_engine.query.aggregations.metrics import Percentiles
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import (
    Cast,
    Column,
    Expr,
    Order,
    Relation,
    Select,
    Star,
    Window,
    all_of,
    call,
    when,
)
from anomalyops_engine.query.options import MistypedError, option
from anomalyops_engine.query.scripts import Script, figure, read_script

_PART: Final = re.compile(r"(?P<name>.*?)(?:\.(?P<part>[^.\[\]]+(?:\.\d+)?)|\[(?P<percent>[^\]]+)\])?")


def read_path(value: object) -> str:
    """Read one `buckets_path`.

    Raises:
        MistypedError: it is no text.
    """
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if not isinstance(value, str):
        raise MistypedError(value)
    return value


def _paths(value: object) -> Mapping[str, str]:
    """Read `buckets_path` of a script: paths by the name of a parameter, or without names."""
    if isinstance(value, str):
        return {"_value": value}
    if isinstance(value, list):
        return {f"_value{number}": read_path(path) for number, path in enumerate(value)}
    if not isinstance(value, dict) or not value:
        raise MistypedError(value)
    return {name: read_path(path) for name, path in value.items()}


def read_gap_policy(value: object) -> str:
    """Read `gap_policy`: what a bucket without a figure counts as.

    Raises:
        QueryError: unknown, or not supported.
    """
    if not isinstance(value, str):
        raise MistypedError(value)
    if value == "keep_values":
        raise UnsupportedQueryError("[gap_policy] [keep_values] is not supported by this engine")
    if value not in {"skip", "insert_zeros"}:
        raise QueryParsingError(f"Invalid gap policy: [{value}], accepted values: [insert_zeros, skip, keep_values]")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivative(Aggregation):
    """The difference to the bucket before."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"unit", "format"})

    buckets_path: str = option(read_path)
    gap_policy: str = option(read_gap_policy, "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketScript(Aggregation):
    """What a script makes of figures of a bucket."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"format"})

    buckets_path: Mapping[str, str] = option(_paths)
    script: Script = option(lambda value: read_script(value, "bucket_script"))
    gap_policy: str = option(read_gap_policy, "skip")


PipelineAggregation: TypeAlias = Derivative | BucketScript


@dataclass(frozen=True, slots=True)
class Histogram:
    """The histogram that buckets follow one another in.

    Attributes:
        key: the column of its keys.
        interval_ms: how far two buckets without one between them are apart; None when empty buckets are left out.
    """

    key: Column
    interval_ms: int | None


def with_pipelines(
    buckets: Relation,
    metrics: Sequence[Metric],
    pipelines: Mapping[str, PipelineAggregation],
    histogram: Histogram | None,
    single: Callable[[Metric, Expr], Expr],
) -> tuple[Relation, dict[str, Column]]:
    """Return buckets with the figures of pipeline aggregations, and the column of each.

    Args:
        buckets: the buckets of a level, with columns `n` and those of its metrics.
        metrics: the metrics of the level.
        pipelines: what is made of them, by name.
        histogram: what the buckets are of, None for something without an order.
        single: gives the one value of a metric of its column.

    Raises:
        QueryError: a path leads nowhere or in a circle, or a script is not supported.
    """
    figures: dict[str, Callable[[str], Expr]] = {}
    position = 0
    for metric in metrics:
        figures[metric.name] = _metric_figure(metric, Column(f"m{position}"), single)
        position += len(metric.expressions)
    made: dict[str, Column] = {}
    making: list[str] = []

    def figure_of(path: str) -> Expr:
        if path == "_count":
            return Column("n")
        if path == "_key" and histogram is not None:
            return histogram.key
        name, part = _split(path) if path not in figures and path not in pipelines else (path, "")
        if name in pipelines:
            return make(name)
        if name not in figures:
            raise IllegalQueryError(f"No aggregation found for path [{path}]")
        return figures[name](part)

    def make(name: str) -> Column:
        nonlocal buckets
        if name in making:
            raise IllegalQueryError(f"Cyclical dependency found with pipeline aggregator [{name}]")
        if name not in made:
            making.append(name)
            value = _value(name, pipelines[name], figure_of, histogram)
            making.pop()
            column = made[name] = Column(f"p{len(made)}")
            buckets = Select((Star(), value.named(column.name)), buckets)
        return made[name]

    for name in pipelines:
        make(name)
    return buckets, made


def _split(path: str) -> tuple[str, str]:
    match = _PART.fullmatch(path)
    return (path, "") if match is None else (match["name"], match["part"] or match["percent"] or "")


def _metric_figure(metric: Metric, column: Column, single: Callable[[Metric, Expr], Expr]) -> Callable[[str], Expr]:
    def of_part(part: str) -> Expr:
        if isinstance(metric.source, Percentiles) and part:
            percents = [float(percent) for percent in metric.source.percents]
            if _number(part) not in percents:
                raise IllegalQueryError(f"No percentile [{part}] in aggregation [{metric.name}]")
            return call("list_extract", column, percents.index(_number(part)) + 1)
        if part not in {"", "value"}:
            raise IllegalQueryError(f"path not supported for [{metric.name}]: [{part}]")
        if metric.typed_name == "geo_centroid":
            raise IllegalQueryError(f"aggregation [{metric.name}] is no number that a pipeline could read")
        return single(metric, column)

    return of_part


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _value(
    name: str, pipeline: PipelineAggregation, figure_of: Callable[[str], Expr], histogram: Histogram | None
) -> Expr:
    if not isinstance(pipeline, Derivative):
        figures = {key: _filled(figure_of(path), pipeline.gap_policy) for key, path in pipeline.buckets_path.items()}
        there = all_of(found.is_not_null() for found in figures.values())
        return when(there, figure(pipeline.script, figures, name))
    if histogram is None:
        raise IllegalQueryError(
            f"derivative aggregation [{name}] must have a histogram, date_histogram or auto_date_histogram as parent"
        )
    return _difference(pipeline, figure_of(pipeline.buckets_path), histogram)


def _difference(pipeline: Derivative, value: Expr, histogram: Histogram) -> Expr:
    filled = Cast(_filled(value, pipeline.gap_policy), "DOUBLE")
    before = Window("lag", (filled,), order=(Order(histogram.key),))
    if histogram.interval_ms is None:
        return filled - before
    apart = histogram.key - Window("lag", (histogram.key,), order=(Order(histogram.key),))
    beside = Cast(apart, "DOUBLE") < 1.5 * histogram.interval_ms
    if pipeline.gap_policy == "skip":
        return when(beside, filled - before)
    # The empty bucket before counts as zero; before the first bucket there is none.
    return when(beside, filled - before, when(apart.is_not_null(), filled))


def _filled(value: Expr, gap_policy: str) -> Expr:
    return call("coalesce", Cast(value, "DOUBLE"), 0.0) if gap_policy == "insert_zeros" else value


def is_derivative(pipelines: Mapping[str, Any]) -> bool:
    """Return whether some of several pipeline aggregations looks at the bucket before."""
    return any(isinstance(pipeline, Derivative) for pipeline in pipelines.values())
