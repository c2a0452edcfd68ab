"""A question: which documents, and what of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from anomalyops_insight.query.conditions import AtLeast, Condition, Window

Kind = Literal["text", "number", "time", "flag"]
MOST_ROWS = 10_000
"""What a server answers at once, to a statement and to a search alike."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field of each document."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Gap:
    """How much one column is above another: `left - right`; of times in milliseconds.

    Attributes:
        name: Of the result.
        left: A column of the question.
        right: Another of the same kind.
    """

    name: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Document:
    """The whole of each document, beside its index and id."""

    name: str = "document"


@dataclass(frozen=True, slots=True)
class By:
    """Groups by the values of a field; documents without one are a group of their own."""

    name: str
    field: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class ByTime:
    """Groups by intervals of time, which begin at whole multiples of `every` seconds since 1970."""

    name: str
    field: str
    every: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many documents."""

    name: str


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest value of a number or time."""

    name: str
    field: str
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest value of a number or time."""

    name: str
    field: str
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a number."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of a number."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Values:
    """The different texts, sorted; the first `most` of them."""

    name: str
    field: str
    most: int = 100


Measure = Count | Distinct | Largest | Smallest | Total | Average | Values


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a column or measure; rows without a value come last."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which documents, and what of them: either columns of each, or measures of groups.

    Attributes:
        index: An index expression.
        scope: What it is about: kinds of results, jobs, entities.
        window: When.
        thresholds: How much at least: what may be dropped to find out why nothing was found.
        clause: A further clause of the query DSL, such as a datafeed's query.
        columns: Of each document, where there are no measures.
        groups: What documents are grouped by.
        measures: Of each group.
        having: Least values of measures or gaps.
        sort: The order of the rows; it should tell all rows apart.
        limit: Rows at most.
    """

    index: str
    scope: tuple[Condition, ...] = ()
    window: Window | None = None
    thresholds: tuple[Condition, ...] = ()
    clause: Mapping[str, Any] | None = None
    columns: tuple[Column | Gap | Document, ...] = ()
    groups: tuple[By | ByTime, ...] = ()
    measures: tuple[Measure, ...] = ()
    having: tuple[AtLeast, ...] = ()
    sort: tuple[Sort, ...] = ()
    limit: int = field(default=1000)

    def __post_init__(self) -> None:
        if bool(self.columns) == bool(self.measures):
            raise ValueError("a question asks for columns of documents or for measures of groups")
        if not 1 <= self.limit <= MOST_ROWS:
            raise ValueError(f"limit must be between 1 and {MOST_ROWS}, found {self.limit}")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions beside the window."""
        return self.scope + self.thresholds

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The columns that are computed."""
        return tuple(column for column in self.columns if isinstance(column, Gap))

    def kinds(self) -> dict[str, Kind]:
        """The kind of every named value, of gaps and counts `number`."""
        kinds: dict[str, Kind] = {}
        for column in self.columns:
            kinds[column.name] = column.kind if isinstance(column, Column) else "number"
        for group in self.groups:
            kinds[group.name] = group.kind if isinstance(group, By) else "time"
        for measure in self.measures:
            kinds[measure.name] = _kind(measure)
        return kinds


def _kind(measure: Measure) -> Kind:
    match measure:
        case Largest() | Smallest():
            return measure.kind
        case Values():
            return "text"
        case _:
            return "number"
