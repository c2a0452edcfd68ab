"""Aggregations of the buckets around them: `cumulative_sum`, `derivative`, `serial_diff` and `bucket_sort` in a search.

Like those of the buckets beside them they are computed of what the answer shows, bucket by bucket, which are few. What
a bucket without a figure counts as follows Elasticsearch's `BucketHelpers.resolveBucketValue`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

from anomalyops_engine.query.aggregations.aggregation import Aggregation
from anomalyops_engine.query.aggregations.pipelines import Derivative, read_gap_policy, read_path
from anomalyops_engine.query.aggregations.siblings import value_in
from anomalyops_engine.query.errors import ContentParseError, IllegalQueryError, InvalidRequestError
from anomalyops_engine.query.options import MistypedError, at_least_zero, integer, option

_HISTOGRAMS: Final = frozenset({"auto_date_histogram", "date_histogram", "histogram"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeSum(Aggregation):
    """The sum of a figure up to each bucket."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"format"})

    buckets_path: str = option(read_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialDiff(Aggregation):
    """The difference to the bucket so many before."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"format"})

    buckets_path: str = option(read_path)
    lag: int = option(integer(at_least=1), 1)
    gap_policy: str = option(read_gap_policy, "skip")


@dataclass(frozen=True, slots=True)
class _Key:
    """What buckets are sorted by."""

    path: str
    descending: bool


def _sort(value: object) -> tuple[_Key, ...]:
    keys = []
    for item in value if isinstance(value, list) else [value]:
        given = {item: "asc"} if isinstance(item, str) else item
        if not isinstance(given, dict) or not given:
            raise MistypedError(item)
        for path, options in given.items():
            order = options.get("order", "asc") if isinstance(options, dict) else options
            if isinstance(options, dict) and set(options) - {"order"}:
                raise ContentParseError(f"[sort] unknown field [{sorted(set(options) - {'order'})[0]}]")
            if not isinstance(order, str) or order.lower() not in {"asc", "desc"}:
                raise IllegalQueryError(f"Unknown order direction [{order}]")
            keys.append(_Key(path, order.lower() == "desc"))
    return tuple(keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSort(Aggregation):
    """The buckets in an order, and so many of them."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    sort: tuple[_Key, ...] = option(_sort, ())
    start: int = option(at_least_zero("from"), 0, key="from")
    size: int | None = option(integer(at_least=1), None)
    gap_policy: str = option(read_gap_policy, "skip")

    def __post_init__(self) -> None:
        """Check that it does something."""
        if not self.sort and self.size is None and not self.start:
            raise InvalidRequestError(
                "[bucket_sort] is configured to perform nothing. Please set either of [sort, size, from] to use "
                "bucket_sort"
            )


ParentPipeline: TypeAlias = CumulativeSum | Derivative | SerialDiff | BucketSort
PARENT_PIPELINES: Final = (BucketSort, CumulativeSum, Derivative, SerialDiff)
_Bucket: TypeAlias = dict[str, Any]


def typed_name(pipeline: ParentPipeline) -> str:
    """Return its type as `typed_keys` shows it."""
    return "derivative" if isinstance(pipeline, Derivative) else "simple_value"


def check_parent(name: str, kind: str, pipeline: ParentPipeline, parent: str | None) -> None:
    """Check that a pipeline aggregation stands in buckets that it can work on.

    Args:
        name: as the request calls it.
        kind: its type.
        pipeline: its options.
        parent: the type of the aggregation around it, None for none.

    Raises:
        InvalidRequestError: it does not.
    """
    if isinstance(pipeline, BucketSort):
        if parent in {"filter", "missing"}:
            raise IllegalQueryError(f"{kind} aggregation [{name}] needs several buckets around it, not [{parent}]")
        if parent is None:
            raise InvalidRequestError(f"{kind} aggregation [{name}] must be declared inside of another aggregation")
    elif parent not in _HISTOGRAMS:
        raise InvalidRequestError(
            f"{kind} aggregation [{name}] must have a histogram, date_histogram or auto_date_histogram as parent"
        )


def paths_of(pipeline: ParentPipeline) -> list[str]:
    """Return the paths to the figures that a pipeline aggregation reads."""
    if isinstance(pipeline, BucketSort):
        return [key.path for key in pipeline.sort if key.path not in {"_key", "_count"}]
    return [pipeline.buckets_path]


def with_figures(body: dict[str, Any], pipelines: Mapping[str, ParentPipeline], names: Mapping[str, str]) -> None:
    """Put the figures of pipeline aggregations into the buckets of an answer.

    Args:
        body: the answer of the aggregation around them.
        pipelines: by name, in order.
        names: how the answer calls them.
    """
    keyed = isinstance(body["buckets"], dict)
    buckets = list(body["buckets"].items()) if keyed else list(enumerate(body["buckets"]))
    for name, pipeline in pipelines.items():
        if isinstance(pipeline, BucketSort):
            buckets = _sorted(buckets, pipeline)
            continue
        for (_, bucket), value in zip(buckets, _figures([each for _, each in buckets], pipeline), strict=True):
            if value is not _NOTHING:
                bucket[names[name]] = {"value": value if value is None or math.isfinite(value) else None}
    body["buckets"] = dict(buckets) if keyed else [bucket for _, bucket in buckets]


# No figure at all, where `None` is one that could not be computed.
_NOTHING: Final = float("-inf")


def _figures(buckets: Sequence[_Bucket], pipeline: ParentPipeline) -> list[float | None]:
    if isinstance(pipeline, CumulativeSum):
        total, sums = 0.0, []
        for bucket in buckets:
            total += _figure(bucket, pipeline.buckets_path, "insert_zeros")
            sums.append(total)
        return list(sums)
    assert isinstance(pipeline, Derivative | SerialDiff)  # noqa: S101 (there is no other)
    lag = 1 if isinstance(pipeline, Derivative) else pipeline.lag
    values = [_figure(bucket, pipeline.buckets_path, pipeline.gap_policy) for bucket in buckets]
    found: list[float | None] = [_NOTHING] * min(lag, len(values))
    for before, value in zip(values, values[lag:], strict=False):
        gap = math.isnan(before) or math.isnan(value)
        # Of a gap the derivative is null, and the difference is not there.
        found.append((None if isinstance(pipeline, Derivative) else _NOTHING) if gap else value - before)
    return found


def _figure(bucket: _Bucket, path: str, gap_policy: str) -> float:
    """Return a figure of a bucket, NaN where it has none."""
    if path == "_count":
        return float(bucket["doc_count"])
    value = value_in(bucket, path)
    if value is None or bucket["doc_count"] == 0:
        return 0.0 if gap_policy == "insert_zeros" else math.nan
    return float(value)


def _sorted(buckets: list[tuple[Any, _Bucket]], pipeline: BucketSort) -> list[tuple[Any, _Bucket]]:
    """Return the buckets in an order, without those that have nothing to be sorted by; no figure comes last."""
    sortable = [(each, [_sort_value(each[1], key, pipeline.gap_policy) for key in pipeline.sort]) for each in buckets]
    sortable = [(each, values) for each, values in sortable if not values or any(value is not None for value in values)]
    for place, key in reversed(list(enumerate(pipeline.sort))):
        known = [pair for pair in sortable if pair[1][place] is not None]
        unknown = [pair for pair in sortable if pair[1][place] is None]
        sortable = [*sorted(known, key=lambda pair: pair[1][place], reverse=key.descending), *unknown]
    end = None if pipeline.size is None else pipeline.start + pipeline.size
    return [each for each, _ in sortable[pipeline.start : end]]


def _sort_value(bucket: _Bucket, key: _Key, gap_policy: str) -> Any:
    if key.path != "_key":
        figure = _figure(bucket, key.path, gap_policy)
        return None if math.isnan(figure) else figure
    value = bucket.get("key")
    if not isinstance(value, str | int | float):
        raise IllegalQueryError("[bucket_sort] by [_key] needs buckets whose key is one value")
    return value


def in_order(pipelines: Mapping[str, ParentPipeline]) -> dict[str, ParentPipeline]:
    """Return pipeline aggregations, each after those that it reads.

    Raises:
        IllegalQueryError: they read each other.
    """
    made: dict[str, ParentPipeline] = {}
    while left := {name: each for name, each in pipelines.items() if name not in made}:
        ready = {name: each for name, each in left.items() if not any(_first(path) in left for path in paths_of(each))}
        if not ready:
            raise IllegalQueryError(f"Cyclical dependency found with pipeline aggregator [{next(iter(left))}]")
        made |= ready
    # What sorts the buckets, or leaves some out, does so when all figures are there.
    return dict(sorted(made.items(), key=lambda item: isinstance(item[1], BucketSort)))


def _first(path: str) -> str:
    return path.split(">", maxsplit=1)[0].partition(".")[0]
