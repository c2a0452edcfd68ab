"""The detector functions of the machine learning API.

Names and field rules: `DetectorFunction` and `Detector.Builder.build` of Elasticsearch. Empty buckets and learning
times: the function reference of its documentation. A function without a family is accepted by configuration and
refused, by name, when it is to be analysed.
"""

from __future__ import annotations

from typing import Final

from anomalyops_engine.functions.function import (
    Column,
    EmptyBuckets,
    Family,
    Feature,
    Function,
    Kind,
    Later,
    NamedFunction,
    Reads,
    Side,
    Use,
)

_ALL: Final = (Side.BOTH, Side.LOW, Side.HIGH)
_ONE: Final = (Side.BOTH,)


def _number(name: str, later: Later = Later.ANYTHING) -> Feature:
    return Feature(name, (Column("value", Kind.NUMBER),), Reads.NUMBERS, later)


def _count(name: str, reads: Reads = Reads.NOTHING) -> Feature:
    return Feature(name, (Column("value", Kind.COUNT),), reads, Later.RAISE)


EVENTS: Final = _count("events")
EVENTS_IF_ANY: Final = _count("events if any")
DISTINCT: Final = _count("distinct values", Reads.TEXTS)
MEAN: Final = _number("mean", Later.AVERAGE)
MEDIAN: Final = _number("median", Later.AVERAGE)
SMALLEST: Final = _number("smallest", Later.LOWER)
LARGEST: Final = _number("largest", Later.RAISE)
VARIANCE: Final = _number("variance", Later.AVERAGE)
# Of what is added up in practice: bytes, sales, errors.
TOTAL: Final = _number("total", Later.RAISE)
TOTAL_IF_ANY: Final = _number("total if any", Later.RAISE)
INFORMATION: Final = Feature("information", (Column("value", Kind.NUMBER),), Reads.TEXTS, Later.RAISE)
TIMES: Final = Feature("times", (Column("value", Kind.NUMBER), Column("events", Kind.COUNT)), Reads.NOTHING)
PLACES: Final = Feature(
    "places",
    (Column("value", Kind.NUMBER), Column("longitude", Kind.NUMBER), Column("events", Kind.COUNT)),
    Reads.PLACES,
)
MEAN_AND_EXTREMES: Final = Feature(
    "mean and extremes", tuple(Column(name, Kind.NUMBER) for name in ("mean", "min", "max")), Reads.NUMBERS
)

FUNCTIONS: Final = (
    Function(
        name="count",
        sides=_ALL,
        field_name=Use.FORBIDDEN,
        alone=True,
        feature=EVENTS,
        empty=EmptyBuckets.ZERO,
        counts_events=True,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="count per bucket",
        plotted_side="values of count per bucket",
    ),
    Function(
        name="non_zero_count",
        sides=_ALL,
        short="nzc",
        field_name=Use.FORBIDDEN,
        over=Use.FORBIDDEN,
        alone=True,
        feature=EVENTS_IF_ANY,
        counts_events=True,
        learning_buckets=4,
        family=Family.SERIES,
        plotted="non-zero count per bucket",
    ),
    Function(
        name="distinct_count",
        sides=_ALL,
        short="dc",
        field_name=Use.REQUIRED,
        feature=DISTINCT,
        empty=EmptyBuckets.ZERO,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="unique count per bucket",
    ),
    Function(
        name="info_content",
        sides=_ALL,
        field_name=Use.REQUIRED,
        feature=INFORMATION,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="information content of value per bucket",
        forecast=False,
    ),
    Function(
        name="mean",
        sides=_ALL,
        synonym="avg",
        field_name=Use.REQUIRED,
        feature=MEAN,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="arithmetic mean value",
        plotted_side="mean value",
    ),
    Function(
        name="median",
        sides=_ALL,
        field_name=Use.REQUIRED,
        feature=MEDIAN,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="median value",
    ),
    Function(
        name="min",
        sides=_ONE,
        field_name=Use.REQUIRED,
        feature=SMALLEST,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="minimum value",
    ),
    Function(
        name="max",
        sides=_ONE,
        field_name=Use.REQUIRED,
        feature=LARGEST,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="maximum value",
    ),
    Function(
        name="varp",
        sides=_ALL,
        field_name=Use.REQUIRED,
        feature=VARIANCE,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="variance of values",
    ),
    Function(
        name="sum",
        sides=_ALL,
        field_name=Use.REQUIRED,
        feature=TOTAL,
        empty=EmptyBuckets.ZERO,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        plotted="bucket sum",
    ),
    Function(
        name="non_null_sum",
        sides=_ALL,
        field_name=Use.REQUIRED,
        feature=TOTAL_IF_ANY,
        learning_buckets=4,
        family=Family.SERIES,
        plotted="bucket non-null sum",
    ),
    Function(
        name="metric",
        sides=_ONE,
        field_name=Use.REQUIRED,
        summarised=False,
        time_rules_only=True,
        feature=MEAN_AND_EXTREMES,
        family=Family.SERIES,
        over_family=Family.POPULATION,
        parts=("mean", "min", "max"),
    ),
    Function(
        name="lat_long",
        sides=_ONE,
        field_name=Use.REQUIRED,
        time_rules_only=True,
        feature=PLACES,
        family=Family.POINTS,
        over_family=Family.POINTS,
    ),
    Function(
        name="rare",
        sides=_ONE,
        field_name=Use.FORBIDDEN,
        by=Use.REQUIRED,
        time_rules_only=True,
        feature=EVENTS_IF_ANY,
        family=Family.RARE,
        over_family=Family.RARE,
    ),
    Function(
        name="freq_rare",
        sides=_ONE,
        field_name=Use.FORBIDDEN,
        by=Use.REQUIRED,
        over=Use.REQUIRED,
        time_rules_only=True,
        feature=EVENTS_IF_ANY,
        over_family=Family.RARE,
        family=Family.RARE,
        weighs_events=True,
        described="rare",
    ),
    Function(
        name="time_of_day",
        sides=_ONE,
        field_name=Use.FORBIDDEN,
        alone=True,
        feature=TIMES,
        family=Family.POINTS,
        over_family=Family.POINTS,
        circle_s=86_400,
        described="time",
    ),
    Function(
        name="time_of_week",
        sides=_ONE,
        field_name=Use.FORBIDDEN,
        alone=True,
        feature=TIMES,
        family=Family.POINTS,
        over_family=Family.POINTS,
        circle_s=604_800,
        described="time",
    ),
)


def _named(base: str, side: Side) -> str:
    return base if side is Side.BOTH else f"{side}_{base}"


_ACCEPTED: Final = {
    _named(base, side): NamedFunction(function, side)
    for function in FUNCTIONS
    for base in (function.name, function.synonym)
    if base is not None
    for side in function.sides
}
_SHORT: Final = {
    _named(function.short, side): _named(function.name, side)
    for function in FUNCTIONS
    if function.short is not None
    for side in function.sides
}

NAMES: Final = frozenset(_ACCEPTED)
"""Every name of a function and side that a job can show."""


def canonical_name(given: str) -> str:
    """Return the name that a job shows for the function that it names."""
    return _SHORT.get(given, given)


def find_function(name: str | None) -> NamedFunction | None:
    """Return what a detector's `function` means; None for names that there are not."""
    return None if name is None else _ACCEPTED.get(canonical_name(name))


def supported_names() -> list[str]:
    """Return every name that can be analysed, but for synonyms, sorted."""
    known = (function for function in FUNCTIONS if function.family is not None)
    return sorted(_named(function.name, side) for function in known for side in function.sides)
