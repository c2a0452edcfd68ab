"""The `aggs` part of a request as a tree, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError

BUCKETS = frozenset({"date_histogram", "histogram", "terms", "filter", "filters", "range", "date_range", "missing"})
METRICS = frozenset({"min", "max", "avg", "sum", "stats", "value_count", "cardinality", "percentiles"})
_ELSEWHERE = frozenset(
    {"adjacency_matrix", "auto_date_histogram", "avg_bucket", "boxplot", "bucket_correlation", "bucket_script"}
    | {"bucket_selector", "bucket_sort", "cartesian_bounds", "categorize_text", "children", "composite"}
    | {"cumulative_cardinality", "cumulative_sum", "derivative", "diversified_sampler", "extended_stats"}
    | {"extended_stats_bucket", "frequent_item_sets", "geo_bounds", "geo_centroid", "geo_distance", "geo_line"}
    | {"geohash_grid", "geotile_grid", "global", "inference", "ip_prefix", "ip_range", "matrix_stats", "max_bucket"}
    | {"median_absolute_deviation", "min_bucket", "moving_fn", "moving_percentiles", "multi_terms", "nested"}
    | {"normalize", "parent", "percentile_ranks", "percentiles_bucket", "random_sampler", "rare_terms", "rate"}
    | {"reverse_nested", "sampler", "scripted_metric", "serial_diff", "significant_terms", "significant_text"}
    | {"stats_bucket", "string_stats", "sum_bucket", "t_test", "time_series", "top_hits", "top_metrics"}
    | {"variable_width_histogram", "weighted_avg"}
)
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Node:
    """One aggregation.

    Attributes:
        name: as the request calls it.
        kind: its type, one of `BUCKETS`, `METRICS`, or `composite` where that is allowed.
        options: the body of its type.
        children: its sub-aggregations.
        meta: what the answer carries along.
    """

    name: str
    kind: str
    options: dict[str, Any]
    children: tuple[Node, ...] = ()
    meta: dict[str, Any] | None = field(default=None)

    @property
    def buckets(self) -> tuple[Node, ...]:
        """Sub-aggregations that make buckets."""
        return tuple(child for child in self.children if child.kind not in METRICS)

    @property
    def metrics(self) -> tuple[Node, ...]:
        """Sub-aggregations that are numbers."""
        return tuple(child for child in self.children if child.kind in METRICS)

    def only(self, *allowed: str) -> None:
        """Refuse options that are not among the allowed ones.

        Raises:
            QueryParsingError: naming the option.
            UnsupportedQueryError: for scripts.
        """
        for key in self.options:
            if key == "script":
                raise UnsupportedQueryError(f"[script] in aggregation [{self.name}] is not supported by this engine")
            if key not in allowed:
                raise QueryParsingError(f"[{self.kind}] unknown field [{key}] in aggregation [{self.name}]")

    def required(self, key: str) -> Any:
        """Return an option that must be there.

        Raises:
            IllegalQueryError: it is not.
        """
        if self.options.get(key) is None:
            raise IllegalQueryError(f"Required [{key}] is missing in aggregation [{self.name}] of type [{self.kind}]")
        return self.options[key]


def parse_aggregations(body: object, *, composite: bool = False, depth: int = 0) -> tuple[Node, ...]:
    """Return the aggregations of a request body.

    Args:
        body: the value of `aggs`.
        composite: whether composite aggregations are understood by the caller.
        depth: level of nesting.

    Raises:
        QueryParsingError: malformed.
        UnsupportedQueryError: a type of aggregation that this engine lacks.
    """
    if not isinstance(body, dict):
        raise QueryParsingError(f"[aggs] must be an object, got [{body}]")
    if depth > _MAX_DEPTH:
        raise IllegalQueryError(f"aggregations are nested deeper than [{_MAX_DEPTH}] levels")
    return tuple(_parse(name, definition, composite, depth) for name, definition in body.items())


def _parse(name: str, definition: object, composite: bool, depth: int) -> Node:  # noqa: FBT001 (inner)
    if not isinstance(definition, dict):
        raise QueryParsingError(f"aggregation [{name}] must be an object, got [{definition}]")
    if not name or set(name) & set("[]>"):
        raise QueryParsingError(
            f"Invalid aggregation name [{name}]. Aggregation names cannot contain '[', ']', '>' or be empty"
        )
    inner = definition.get("aggs", definition.get("aggregations", {}))
    kinds = [key for key in definition if key not in {"aggs", "aggregations", "meta"}]
    if len(kinds) != 1:
        found = ", ".join(kinds) or "none"
        raise QueryParsingError(f"aggregation [{name}] must have exactly one type, found [{found}]")
    kind = kinds[0]
    if kind not in BUCKETS | METRICS and not (kind == "composite" and composite):
        if kind in _ELSEWHERE:
            raise UnsupportedQueryError(
                f"aggregation type [{kind}] of [{name}] is not supported by this engine; supported: "
                f"[{', '.join(sorted(BUCKETS | METRICS))}]"
            )
        raise QueryParsingError(f"Unknown aggregation type [{kind}] of [{name}]")
    if kind in METRICS and inner:
        raise QueryParsingError(f"Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations")
    options = definition[kind]
    if not isinstance(options, dict):
        raise QueryParsingError(f"aggregation [{name}]: [{kind}] must be an object, got [{options}]")
    children = parse_aggregations(inner, composite=False, depth=depth + 1)
    return Node(name, kind, options, children, definition.get("meta"))
