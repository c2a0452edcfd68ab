"""The detector functions that can be analysed, and how each turns documents into one value a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
class Function:
    """A detector function, without its side.

    Attributes:
        name: The base name, which is also a record's `function_description`.
        aggregate: SQL over `{value}` (a DOUBLE, null when it is missing) and `{weight}` (events a document
            stands for).
        needs_field: Whether `field_name` is required (otherwise it is forbidden).
        empty: What a bucket without data means.
        discrete: Whether values are counts: whole and not negative.
        sided: Whether `high_` and `low_` forms exist.
        learning_buckets: Non-empty buckets to see before anything can be anomalous.
        population: Whether it may be used with `over_field_name`.
    """

    name: str
    aggregate: str
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


_WEIGHTED_MEAN = "sum({value} * {weight}) / nullif(sum({weight}) FILTER ({value} IS NOT NULL), 0)"

FUNCTIONS = {
    function.name: function
    for function in (
        Function("count", "sum({weight})", needs_field=False, empty=EmptyBuckets.ZERO, discrete=True),
        Function(
            "non_zero_count",
            "nullif(sum({weight}), 0)",
            needs_field=False,
            empty=EmptyBuckets.SKIP,
            discrete=True,
            learning_buckets=4,
            population=False,
        ),
        Function(
            "distinct_count",
            "count(DISTINCT {key})",
            needs_field=True,
            empty=EmptyBuckets.ZERO,
            discrete=True,
        ),
        Function("mean", _WEIGHTED_MEAN, needs_field=True, empty=EmptyBuckets.SKIP),
        Function("median", "median({value})", needs_field=True, empty=EmptyBuckets.SKIP),
        Function("min", "min({value})", needs_field=True, empty=EmptyBuckets.SKIP, sided=False),
        Function("max", "max({value})", needs_field=True, empty=EmptyBuckets.SKIP, sided=False),
        Function("varp", "var_pop({value})", needs_field=True, empty=EmptyBuckets.SKIP),
        Function("sum", "coalesce(sum({value}), 0)", needs_field=True, empty=EmptyBuckets.ZERO),
        Function(
            "non_null_sum",
            "sum({value})",
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
