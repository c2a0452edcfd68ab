"""The detector functions that can be analysed, and how each turns documents into one value a bucket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from anomalyops_engine.query.expr import Aggregate, AggregateFunction, Expr, call


class Side(StrEnum):
    """Which deviations of a detector are anomalous."""

    BOTH = "both"
    HIGH = "high"
    LOW = "low"


class EmptyBuckets(StrEnum):
    """What a bucket without data means."""

    ZERO = "zero"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an aggregate reads of each document.

    Attributes:
        value: the field as a DOUBLE, null when it is missing.
        weight: events that the document stands for.
        key: the field as text.
    """

    value: Expr
    weight: Expr
    key: Expr


@dataclass(frozen=True, slots=True)
class Function:
    """A detector function, without its side.

    Attributes:
        name: The base name, which is also a record's `function_description`.
        aggregate: The value of a bucket's documents.
        needs_field: Whether `field_name` is required (otherwise it is forbidden).
        empty: What a bucket without data means.
        discrete: Whether values are counts: whole and not negative.
        sided: Whether `high_` and `low_` forms exist.
        learning_buckets: Non-empty buckets to see before anything can be anomalous.
        population: Whether it may be used with `over_field_name`.
    """

    name: str
    aggregate: Callable[[Inputs], Expr]
    needs_field: bool
    empty: EmptyBuckets
    discrete: bool = False
    sided: bool = True
    learning_buckets: int = 8
    population: bool = True

    @property
    def counts_events(self) -> bool:
        """Whether the value is the number of events."""
        return not self.needs_field


def _sum(value: Expr, where: Expr | None = None) -> Expr:
    return Aggregate("sum", (value,), where=where)


def _events(inputs: Inputs) -> Expr:
    return _sum(inputs.weight)


def _total(inputs: Inputs) -> Expr:
    return call("coalesce", _sum(inputs.value), 0)


def _of_values(function: AggregateFunction) -> Callable[[Inputs], Expr]:
    return lambda inputs: Aggregate(function, (inputs.value,))


def _weighted_mean(inputs: Inputs) -> Expr:
    weight = _sum(inputs.weight, where=inputs.value.is_not_null())
    return _sum(inputs.value * inputs.weight) / call("nullif", weight, 0)


def _distinct(inputs: Inputs) -> Expr:
    return Aggregate("count", (inputs.key,), distinct=True)


FUNCTIONS = {
    function.name: function
    for function in (
        Function("count", _events, needs_field=False, empty=EmptyBuckets.ZERO, discrete=True),
        Function(
            "non_zero_count",
            lambda inputs: call("nullif", _events(inputs), 0),
            needs_field=False,
            empty=EmptyBuckets.SKIP,
            discrete=True,
            learning_buckets=4,
            population=False,
        ),
        Function(
            "distinct_count",
            _distinct,
            needs_field=True,
            empty=EmptyBuckets.ZERO,
            discrete=True,
        ),
        Function("mean", _weighted_mean, needs_field=True, empty=EmptyBuckets.SKIP),
        Function("median", _of_values("median"), needs_field=True, empty=EmptyBuckets.SKIP),
        Function("min", _of_values("min"), needs_field=True, empty=EmptyBuckets.SKIP, sided=False),
        Function("max", _of_values("max"), needs_field=True, empty=EmptyBuckets.SKIP, sided=False),
        Function("varp", _of_values("var_pop"), needs_field=True, empty=EmptyBuckets.SKIP),
        Function("sum", _total, needs_field=True, empty=EmptyBuckets.ZERO),
        Function(
            "non_null_sum",
            _of_values("sum"),
            needs_field=True,
            empty=EmptyBuckets.SKIP,
            learning_buckets=4,
            population=False,
        ),
    )
}

ALIASES = {
    "c": "count",
    "nzc": "non_zero_count",
    "dc": "distinct_count",
    "avg": "mean",
    "nns": "non_null_sum",
}


def lookup(name: str) -> tuple[Function, Side] | None:
    """The function and side that a detector's `function` names, or None when it cannot be analysed."""
    for prefix, side in (("high_", Side.HIGH), ("low_", Side.LOW), ("", Side.BOTH)):
        if name.startswith(prefix):
            base = name.removeprefix(prefix)
            function = FUNCTIONS.get(ALIASES.get(base, base))
            if function is None or (side is not Side.BOTH and not function.sided):
                continue
            return function, side
    return None


def supported_names() -> list[str]:
    """Every function name that can be analysed, sorted."""
    names = set(FUNCTIONS)
    for function in FUNCTIONS.values():
        if function.sided:
            names |= {f"high_{function.name}", f"low_{function.name}"}
    return sorted(names)
