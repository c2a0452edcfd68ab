"""Aggregations of the buckets beside them: `max_bucket`, `min_bucket`, `avg_bucket`, `sum_bucket`, `stats_bucket`.

They are computed of what the answer shows of those buckets, which are few, as Elasticsearch computes them when it has
put the answers of all shards together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import Aggregation
from anomalyops_engine.query.aggregations.pipelines import read_gap_policy, read_path
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.options import option

_REFERENCE = "buckets_path must reference either a number value or a single value numeric metric aggregation"


@dataclass(frozen=True, slots=True)
class Step:
    """An aggregation on a path, as it is known before there are buckets.

    Attributes:
        name: as the request calls it.
        kind: what Elasticsearch calls its results.
        is_metric: it makes no buckets.
        is_single: it makes one bucket, or it is a metric of one value.
        inside: the aggregations in its buckets.
    """

    name: str
    kind: str
    is_metric: bool
    is_single: bool
    inside: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiblingPipeline(Aggregation, ABC):
    """A figure of all buckets of an aggregation beside it."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"format"})
    TYPED_NAME: ClassVar[str]

    buckets_path: str = option(read_path)
    gap_policy: str = option(read_gap_policy, "skip")

    @abstractmethod
    def show(self, figures: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """Return the response object of the keys and values of all buckets that have one."""

    def check(self, name: str, beside: Sequence[Step]) -> None:
        """Check that its path leads to one number in each of several buckets.

        Raises:
            IllegalQueryError: it does not.
        """
        parts, steps, several = self._parts(), beside, False
        for place, part in enumerate(parts):
            is_last = place == len(parts) - 1
            if is_last and several and part == "_count":
                return
            step = _step(steps, part)
            if step is None:
                raise IllegalQueryError(f"No aggregation found for path [{self.buckets_path}]")
            if step.is_metric:
                if not several or not is_last:
                    break
                if part == step.name and not step.is_single:
                    raise IllegalQueryError(
                        f"{_REFERENCE}, but [{step.name}] contains multiple values. Please specify which to use."
                    )
                return
            if several and not step.is_single:
                found = step.kind if is_last else "Object[]"
                raise IllegalQueryError(f"{_REFERENCE}, got: [{found}] at aggregation [{step.name}]")
            several = several or not step.is_single
            steps = step.inside
        raise IllegalQueryError(
            f"[buckets_path] [{self.buckets_path}] of [{name}] leads to no number of several buckets"
        )

    def of(self, beside: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response object, of those of the aggregations beside it."""
        return self.show(list(self._figures(beside, self._parts(), "")))

    def _parts(self) -> list[str]:
        """Return the steps of the path; where it is one, a dot leads inwards too."""
        parts = self.buckets_path.split(">")
        return parts[0].split(".", 1) if len(parts) == 1 else parts

    def _figures(self, where: Mapping[str, Any], parts: list[str], key: str) -> Iterator[tuple[str, float]]:
        first, *rest = parts
        if not rest:
            value = where.get("doc_count") if first == "_count" else _value(where, first)
            # A bucket without documents has no figure but their number.
            if first != "_count" and where.get("doc_count") == 0:
                value = None
            if value is not None or self.gap_policy == "insert_zeros":
                yield key, float(value or 0.0)
            return
        body = _object(where, first)
        buckets = body.get("buckets")
        if isinstance(buckets, dict):
            for name, bucket in buckets.items():
                yield from self._figures(bucket, rest, name)
        elif buckets is not None:
            for bucket in buckets:
                yield from self._figures(bucket, rest, str(bucket.get("key_as_string", bucket.get("key", key))))
        else:
            yield from self._figures(body, rest, key)


def _step(steps: Sequence[Step], part: str) -> Step | None:
    name = part.partition(".")[0]
    exact = [step for step in steps if step.name == part]
    return next(iter(exact or [step for step in steps if step.is_metric and step.name == name]), None)


def _object(where: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an aggregation of a bucket, also where names have types before them."""
    typed = next((key for key in where if key == name or key.endswith(f"#{name}")), None)
    found = None if typed is None else where[typed]
    return found if isinstance(found, dict) else {}


def value_in(where: Mapping[str, Any], path: str) -> float | None:
    """Return the figure that a path leads to inside a bucket, None where there is none."""
    *steps, last = path.split(">")
    for step in steps:
        where = _object(where, step)
    return where.get("doc_count") if last == "_count" else _value(where, last)


def find_step(steps: Sequence[Step], path: str) -> Step | None:
    """Return the first aggregation on a path, None where there is none of that name."""
    return _step(steps, path.split(">", maxsplit=1)[0])


def _value(where: Mapping[str, Any], part: str) -> float | None:
    body = _object(where, part)
    if body:
        return body.get("value")
    name, _, wanted = part.partition(".")
    body = _object(where, name)
    values = body.get("values")
    if isinstance(values, dict):
        return next((value for key, value in values.items() if _same(key, wanted)), None)
    if isinstance(values, list):
        return next((each["value"] for each in values if _same(str(each["key"]), wanted)), None)
    found = body.get(wanted)
    return found if isinstance(found, int | float) else None


def _same(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


class MaxBucket(SiblingPipeline):
    """`max_bucket`: the largest figure and the keys of the buckets that have it."""

    __slots__ = ()
    TYPED_NAME = "bucket_metric_value"

    def show(self, figures: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """Return the response object; see `SiblingPipeline.show`."""
        best = max((value for _, value in figures), default=None)
        return {"value": best, "keys": [key for key, value in figures if value == best]}


class MinBucket(SiblingPipeline):
    """`min_bucket`: the smallest figure and the keys of the buckets that have it."""

    __slots__ = ()
    TYPED_NAME = "bucket_metric_value"

    def show(self, figures: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """Return the response object; see `SiblingPipeline.show`."""
        best = min((value for _, value in figures), default=None)
        return {"value": best, "keys": [key for key, value in figures if value == best]}


class AverageBucket(SiblingPipeline):
    """`avg_bucket`: the mean of the figures."""

    __slots__ = ()
    TYPED_NAME = "simple_value"

    def show(self, figures: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """Return the response object; see `SiblingPipeline.show`."""
        return {"value": sum(value for _, value in figures) / len(figures) if figures else None}


class SumBucket(SiblingPipeline):
    """`sum_bucket`: the sum of the figures."""

    __slots__ = ()
    TYPED_NAME = "simple_value"

    def show(self, figures: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """Return the response object; see `SiblingPipeline.show`."""
        return {"value": sum((value for _, value in figures), 0.0)}


class StatsBucket(SiblingPipeline):
    """`stats_bucket`: number, smallest, largest, mean and sum of the figures."""

    __slots__ = ()
    TYPED_NAME = "stats_bucket"

    def show(self, figures: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """Return the response object; see `SiblingPipeline.show`."""
        values = [value for _, value in figures]
        total = sum(values, 0.0)
        return {
            "count": len(values),
            "min": min(values, default=None),
            "max": max(values, default=None),
            "avg": total / len(values) if values else None,
            "sum": total,
        }
