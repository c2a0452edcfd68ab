"""What there is to say about a detector function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Which deviations of a detector are anomalous; also the prefix of the function's name."""

    BOTH = "both"
    HIGH = "high"
    LOW = "low"


class EmptyBuckets(StrEnum):
    """What a bucket without data means."""

    ZERO = "zero"
    SKIP = "skip"


class Use(StrEnum):
    """Whether a detector of the function names a field."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    FORBIDDEN = "forbidden"


class Family(StrEnum):
    """The learners that there are."""

    SERIES = "series"
    POPULATION = "population"
    RARE = "rare"
    POINTS = "points"


class Kind(StrEnum):
    """What a column of a feature holds for each series and bucket."""

    NUMBER = "number"
    COUNT = "count"


class Reads(StrEnum):
    """What a feature reads of the field that a detector names."""

    NOTHING = "nothing"
    TEXTS = "texts"
    NUMBERS = "numbers"
    PLACES = "places"


class Later(StrEnum):
    """What further documents of a bucket can do to the value that it has so far."""

    ANYTHING = "anything"
    RAISE = "raise"
    LOWER = "lower"
    AVERAGE = "average"
    """Average it out: the fewer there are, the further it strays by chance."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each series and bucket."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Feature:
    """What the documents of a series and bucket come to.

    How it is computed, and what it would be without some of the documents, is said in `features.measures`.

    Attributes:
        name: Its name.
        columns: Its figures; the first is the one that results show as `actual`.
        reads: What it reads of the field.
        later: What further documents can do to the first figure.
    """

    name: str
    columns: tuple[Column, ...]
    reads: Reads
    later: Later = Later.ANYTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A detector function, without its side.

    Attributes:
        name: The base name.
        described: What records say in `function_description`; empty for the base name.
        sides: The forms that exist.
        short: A name that is read as the base name.
        synonym: A name that is kept where a job uses it.
        field_name: Whether `field_name` is named.
        by: Whether `by_field_name` is named.
        over: Whether `over_field_name` is named.
        alone: Whether it can do without all of these three.
        summarised: Whether it may be used with `summary_count_field_name`.
        time_rules_only: Whether conditions of custom rules apply to the time alone.
        feature: What is computed of each bucket; None while it cannot be.
        empty: What a bucket without data means.
        counts_events: Whether the value is the number of events.
        learning_buckets: Non-empty buckets to see before anything can be anomalous.
        family: What learns its series; None when it cannot be analysed yet.
        over_family: What learns members of a population; None when it cannot be analysed with an over field (yet).
        forecast: Whether its series can be forecast.
        plotted: What model plots call the value.
        plotted_side: The same where one side counts, behind `low` or `high`; empty when that makes no difference.
        weighs_events: Whether the number of events of a rare value matters.
        circle_s: Length of what a function of the time goes round in, seconds; 0 for none.
        parts: The functions that it is made of, each of the column of its name; empty for one of its own.
    """

    name: str
    sides: tuple[Side, ...]
    short: str | None = None
    synonym: str | None = None
    field_name: Use
    by: Use = Use.OPTIONAL
    over: Use = Use.OPTIONAL
    alone: bool = False
    summarised: bool = True
    time_rules_only: bool = False
    feature: Feature | None = None
    empty: EmptyBuckets = EmptyBuckets.SKIP
    counts_events: bool = False
    learning_buckets: int = 8
    family: Family | None = None
    over_family: Family | None = None
    forecast: bool = True
    plotted: str = ""
    plotted_side: str = ""
    weighs_events: bool = False
    circle_s: int = 0
    parts: tuple[str, ...] = ()
    described: str = ""

    def model_feature(self, side: Side) -> str:
        """Return the `model_feature` of model plots (`model_t::print` of Elastic's ml-cpp)."""
        name = self.plotted if side is Side.BOTH else f"{side} {self.plotted_side or self.plotted}"
        return f"'{name} by person'"

    @property
    def description(self) -> str:
        """The `function_description` of records."""
        return self.described or self.name

    @property
    def discrete(self) -> bool:
        """Whether values are counts: whole and not negative."""
        return self.feature is not None and self.feature.columns[0].kind is Kind.COUNT

    @property
    def least(self) -> int:
        """The smallest count that a bucket with a value can have."""
        return 0 if self.empty is EmptyBuckets.ZERO else 1


@dataclass(frozen=True, slots=True)
class NamedFunction:
    """What a detector's `function` names: a function and the side that counts."""

    function: Function
    side: Side
