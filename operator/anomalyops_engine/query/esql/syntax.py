"""What a statement says, as a tree: commands, and the expressions in them.

Expressions compare by what they say and not by where they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import TypeAlias

from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.globs import Token

Plain: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """Base of every expression.

    Attributes:
        at: where it stands.
    """

    at: Place = field(compare=False)

    @property
    def text(self) -> str:
        """Its text."""
        return self.at.text


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A value, or a list of values, that is written down or a parameter."""

    value: Plain | tuple[Plain, ...]
    type: DataType


@dataclass(frozen=True, slots=True)
class TimeSpan(Node):
    """A stretch of time: so many months and days, or so many milliseconds."""

    months: int = 0
    days: int = 0
    milliseconds: int = 0

    @property
    def type(self) -> DataType:
        """A period follows the calendar, a duration the clock."""
        return "time_duration" if self.milliseconds or not (self.months or self.days) else "date_period"


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A column."""

    name: str


@dataclass(frozen=True, slots=True)
class Star(Node):
    """All columns, in `COUNT(*)`."""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...] = ()
    options: tuple[tuple[str, Constant], ...] = ()


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """Arithmetic or a comparison."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """A number with its sign turned round."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite of a condition."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """Conditions of which all or any must hold."""

    operator: OneOf["AND", "OR"]
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class NullTest(Node):
    """Whether there is a value."""

    operand: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Membership(Node):
    """Whether a value is among others."""

    operand: Node
    choices: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fits(Node):
    """Whether a text fits one of some patterns."""

    kind: OneOf["LIKE", "RLIKE"]
    operand: Node
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """Whether a field matches a text, as the query `match` tells it."""

    operand: Node
    query: Constant


@dataclass(frozen=True, slots=True)
class Conversion(Node):
    """A value as another type, written with `::`."""

    operand: Node
    target: str


# --- commands ---


@dataclass(frozen=True, slots=True)
class Assigned:
    """An expression, and the name that it is given; None for its text."""

    at: Place
    name: str | None
    expression: Node

    @property
    def column(self) -> str:
        """The name of the column that it makes."""
        if self.name is not None:
            return self.name
        return self.expression.name if isinstance(self.expression, Name) else self.expression.text


@dataclass(frozen=True, slots=True)
class Aggregated(Assigned):
    """A field of STATS, with the condition of the rows that count for it."""

    where: Node | None = None
    whole: str = ""

    @property
    def column(self) -> str:
        """The name of the column that it makes."""
        return self.whole if self.name is None else self.name


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A name of a column, or a pattern of them."""

    at: Place
    text: str
    tokens: tuple[Token, ...] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """Base of every command."""

    at: Place


@dataclass(frozen=True, slots=True)
class From(Command):
    """Documents of indices."""

    sources: tuple[tuple[str, Place], ...]
    metadata: tuple[tuple[str, Place], ...] = ()


@dataclass(frozen=True, slots=True)
class Row(Command):
    """One row of values."""

    fields: tuple[Assigned, ...]


@dataclass(frozen=True, slots=True)
class ShowInfo(Command):
    """What the server is."""


@dataclass(frozen=True, slots=True)
class Where(Command):
    """The rows for which a condition holds."""

    condition: Node


@dataclass(frozen=True, slots=True)
class Eval(Command):
    """New columns."""

    fields: tuple[Assigned, ...]


@dataclass(frozen=True, slots=True)
class Keep(Command):
    """Some columns alone."""

    patterns: tuple[NamePattern, ...]


@dataclass(frozen=True, slots=True)
class Drop(Command):
    """All columns but some."""

    patterns: tuple[NamePattern, ...]


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """Other names of columns, each with its old one."""

    pairs: tuple[tuple[NamePattern, NamePattern], ...]


@dataclass(frozen=True, slots=True)
class Sorted:
    """One criterion of SORT."""

    expression: Node
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """Rows in an order."""

    criteria: tuple[Sorted, ...]


@dataclass(frozen=True, slots=True)
class Limit(Command):
    """The first rows."""

    count: int


@dataclass(frozen=True, slots=True)
class Sample(Command):
    """Some rows, each by chance.

    Attributes:
        share: how likely it is that a row is among them.
    """

    share: float


@dataclass(frozen=True, slots=True)
class Stats(Command):
    """Aggregates of groups of rows; `inline` keeps the rows and gives each those of its group."""

    aggregates: tuple[Aggregated, ...]
    groups: tuple[Assigned, ...]
    inline: bool = False


@dataclass(frozen=True, slots=True)
class MvExpand(Command):
    """A row for each value of a column."""

    column: Name


@dataclass(frozen=True, slots=True)
class Dissect(Command):
    """New columns out of the parts of a text between separators."""

    operand: Node
    pattern: str
    pattern_at: Place
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Grok(Command):
    """New columns out of the parts of a text that fit a pattern."""

    operand: Node
    patterns: tuple[str, ...]
    pattern_at: Place


@dataclass(frozen=True, slots=True)
class Statement:
    """A whole statement."""

    commands: tuple[Command, ...]
    text: str
