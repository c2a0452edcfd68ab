"""The `aggs` part of a request as a tree, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from anomalyops_engine.query.aggregations.adjacency_matrix import AdjacencyMatrix
from anomalyops_engine.query.aggregations.aggregation import Aggregation, BucketAggregation, Metric, MetricAggregation
from anomalyops_engine.query.aggregations.auto_date_histogram import AutoDateHistogram
from anomalyops_engine.query.aggregations.categorize_text import CategorizeText
from anomalyops_engine.query.aggregations.composite import Composite
from anomalyops_engine.query.aggregations.date_histogram import DateHistogram
from anomalyops_engine.query.aggregations.dispersion import ExtendedStats, MedianAbsoluteDeviation, WeightedAverage
from anomalyops_engine.query.aggregations.filters import Filters, FiltersSubject, Missing, read_filter
from anomalyops_engine.query.aggregations.geo import GeoCentroid
from anomalyops_engine.query.aggregations.geo_grids import GeohashGrid, GeotileGrid
from anomalyops_engine.query.aggregations.histogram import Histogram
from anomalyops_engine.query.aggregations.ip_range import IpRange
from anomalyops_engine.query.aggregations.metrics import (
    Average,
    Cardinality,
    Maximum,
    Minimum,
    Percentiles,
    Stats,
    Sum,
    ValueCount,
)
from anomalyops_engine.query.aggregations.parents import BucketSort, CumulativeSum, SerialDiff
from anomalyops_engine.query.aggregations.pipelines import BucketScript, Derivative, PipelineAggregation
from anomalyops_engine.query.aggregations.ranges import DateRange, Range
from anomalyops_engine.query.aggregations.rare_terms import RareTerms
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.siblings import (
    AverageBucket,
    MaxBucket,
    MinBucket,
    SiblingPipeline,
    StatsBucket,
    SumBucket,
)
from anomalyops_engine.query.aggregations.terms import Terms
from anomalyops_engine.query.aggregations.top_hits import TopHits
from anomalyops_engine.query.errors import IllegalQueryError, QueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.options import Subject, read_options, shown

TABLES: dict[str, type[Aggregation]] = {
    "adjacency_matrix": AdjacencyMatrix,
    "auto_date_histogram": AutoDateHistogram,
    "avg": Average,
    "avg_bucket": AverageBucket,
    "bucket_script": BucketScript,
    "bucket_sort": BucketSort,
    "cardinality": Cardinality,
    "categorize_text": CategorizeText,
    "composite": Composite,
    "cumulative_sum": CumulativeSum,
    "date_histogram": DateHistogram,
    "date_range": DateRange,
    "derivative": Derivative,
    "extended_stats": ExtendedStats,
    "filters": Filters,
    "geo_centroid": GeoCentroid,
    "geohash_grid": GeohashGrid,
    "geotile_grid": GeotileGrid,
    "histogram": Histogram,
    "ip_range": IpRange,
    "max": Maximum,
    "max_bucket": MaxBucket,
    "median_absolute_deviation": MedianAbsoluteDeviation,
    "min": Minimum,
    "min_bucket": MinBucket,
    "missing": Missing,
    "percentiles": Percentiles,
    "range": Range,
    "rare_terms": RareTerms,
    "serial_diff": SerialDiff,
    "stats": Stats,
    "stats_bucket": StatsBucket,
    "sum": Sum,
    "sum_bucket": SumBucket,
    "terms": Terms,
    "top_hits": TopHits,
    "value_count": ValueCount,
    "weighted_avg": WeightedAverage,
}
_OfBuckets = BucketSort | CumulativeSum | SerialDiff
_READERS: dict[str, Callable[[Mapping[str, Any], Subject], Aggregation]] = {
    **{kind: partial(read_options, table) for kind, table in TABLES.items()},
    "filter": read_filter,
}
_ELSEWHERE = frozenset(
    {"boxplot", "bucket_correlation"}
    | {"bucket_selector", "cartesian_bounds", "children", "cumulative_cardinality"}
    | {"diversified_sampler", "extended_stats_bucket"}
    | {"frequent_item_sets", "geo_bounds", "geo_distance", "geo_line"}
    | {"geohex_grid", "global", "inference", "ip_prefix", "matrix_stats"}
    | {"moving_fn", "moving_percentiles", "multi_terms", "nested"}
    | {"normalize", "parent", "percentile_ranks", "percentiles_bucket", "random_sampler", "rate"}
    | {"reverse_nested", "sampler", "scripted_metric", "significant_terms", "significant_text"}
    | {"string_stats", "t_test", "time_series", "top_metrics"}
    | {"variable_width_histogram"}
)
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Node:
    """One aggregation with those inside it.

    Attributes:
        name: as the request calls it.
        kind: its type.
        aggregation: its options.
        children: its sub-aggregations.
        meta: what the answer carries along.
    """

    name: str
    kind: str
    aggregation: Aggregation
    children: tuple[Node, ...] = ()
    meta: dict[str, Any] | None = None


def parse_aggregations(body: object, *, depth: int = 0) -> tuple[Node, ...]:
    """Return the aggregations of a request body.

    Args:
        body: the value of `aggs`.
        depth: level of nesting.

    Raises:
        QueryParsingError: malformed.
        UnsupportedQueryError: a type of aggregation that this engine lacks.
    """
    if not isinstance(body, dict):
        raise QueryParsingError(f"[aggs] must be an object, got [{shown(body)}]")
    if depth > _MAX_DEPTH:
        raise IllegalQueryError(
            f"The nested depth of the aggregations exceeds the maximum nested depth for aggregations of [{_MAX_DEPTH}]"
        )
    return tuple(_parse(name, definition, depth) for name, definition in body.items())


def _parse(name: str, definition: object, depth: int) -> Node:
    if not name or set(name) & set("[]>"):
        raise QueryParsingError(
            f"Invalid aggregation name [{name}]. Aggregation names cannot contain '[', ']', '>' or be empty"
        )
    if not isinstance(definition, dict):
        raise QueryParsingError(f"aggregation [{name}] must be an object, got [{shown(definition)}]")
    if "aggs" in definition and "aggregations" in definition:
        raise QueryParsingError(f"Found two sub aggregation definitions under [{name}]")
    inner = definition.get("aggs", definition.get("aggregations", {}))
    kinds = [key for key in definition if key not in {"aggs", "aggregations", "meta"}]
    if len(kinds) != 1:
        found = ", ".join(kinds) or "none"
        raise QueryParsingError(f"aggregation [{name}] must have exactly one type, found [{found}]")
    kind = kinds[0]
    aggregation = _read(name, kind, definition[kind])
    if isinstance(aggregation, MetricAggregation | PipelineAggregation | SiblingPipeline | _OfBuckets) and (
        "aggs" in definition or "aggregations" in definition
    ):
        raise IllegalQueryError(f"Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations")
    meta = definition.get("meta")
    if meta is not None and not isinstance(meta, dict):
        raise QueryParsingError(f"[meta] of aggregation [{name}] must be an object, got [{shown(meta)}]")
    return Node(name, kind, aggregation, parse_aggregations(inner, depth=depth + 1), meta)


def _read(name: str, kind: str, options: object) -> Aggregation:
    read = _READERS.get(kind)
    if read is None:
        if kind in _ELSEWHERE:
            raise UnsupportedQueryError(
                f"aggregation type [{kind}] of [{name}] is not supported by this engine; supported: "
                f"[{', '.join(sorted(_READERS))}]"
            )
        raise QueryParsingError(f"Unknown aggregation type [{kind}] of [{name}]")
    if not isinstance(options, dict):
        raise QueryParsingError(f"aggregation [{name}]: [{kind}] must be an object, got [{shown(options)}]")
    subject = FiltersSubject if kind in {"adjacency_matrix", "filters"} else _Subject
    return read(options, subject(kind, f" in aggregation [{name}]"))


class _Subject(Subject):
    """An aggregation, most of which are of a field or a script."""

    __slots__ = ()

    def missing(self, key: str) -> QueryError:
        """Return the error of an option that must be there."""
        if key == "field" and "script" in getattr(TABLES[self.kind], "UNSUPPORTED", ()):
            return IllegalQueryError("Required one of fields [field, script], but none were specified. ")
        return Subject.missing(self, key)


def compile_metrics(nodes: Sequence[Node], rows: Rows) -> tuple[Metric, ...]:
    """Return those of aggregations side by side that are metrics, compiled.

    Raises:
        QueryError: not allowed for a field.
    """
    metrics = ((node.name, node.aggregation) for node in nodes)
    return tuple(metric.compile(name, rows) for name, metric in metrics if isinstance(metric, MetricAggregation))


def bucket_aggregation(node: Node) -> BucketAggregation:
    """Return the options of a node that is no metric.

    Raises:
        UnsupportedQueryError: it makes no buckets in a search.
    """
    if isinstance(node.aggregation, BucketAggregation):
        return node.aggregation
    raise UnsupportedQueryError(
        f"aggregation type [{node.kind}] of [{node.name}] is not supported by this engine in a search"
    )
