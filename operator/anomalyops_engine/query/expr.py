"""Typed expressions and relations: what every query language of the engine is lowered to, and what becomes SQL.

An expression has one value for each row of a relation, an aggregate one for each group; a relation is rows with named
columns. They are plain values: they compare by what they say, may be shared, and hold no text of SQL. Only
`query.sql` knows how they are written, and it binds every value that came from a request as a parameter.

DuckDB's own Expression and Relation API was the other candidate. It quotes correctly, but it renders values into
text instead of binding them (a statement is planned anew for each value, and a NUL or a long list travels as text),
knows no common table expressions, no QUALIFY and no DELETE, binds every step of a relation against an open connection,
and its objects cannot be compared, so that a filter that is always true could not be left out.

Rows of documents come from tables; a field with several values is a list column. The Query DSL and aggregations lower
to these nodes; a scalar language over fields needs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | bytes | None
Constant: TypeAlias = Scalar | tuple[Scalar, ...]
Comparison: TypeAlias = OneOf["=", "<>", "<", "<=", ">", ">="]
Operator: TypeAlias = OneOf["+", "-", "*", "/", "//", "%", "||"]
State: TypeAlias = OneOf["NULL", "NOT NULL", "TRUE", "NOT TRUE"]

SqlType: TypeAlias = OneOf[
    "BIGINT",
    "BIGINT[]",
    "BLOB",
    "BLOB[]",
    "BOOLEAN",
    "BOOLEAN[]",
    "DOUBLE",
    "DOUBLE[]",
    "FLOAT",
    "FLOAT[]",
    "HUGEINT",
    "HUGEINT[]",
    "INTEGER",
    "INTEGER[]",
    "TIMESTAMPTZ",
    "UBIGINT",
    "UBIGINT[]",
    "VARCHAR",
    "VARCHAR[]",
]
ScalarFunction: TypeAlias = OneOf[
    "abs",
    "acos",
    "acosh",
    "array_to_string",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "coalesce",
    "concat_ws",
    "contains",
    "cos",
    "cosh",
    "damerau_levenshtein",
    "date_part",
    "date_sub",
    "date_trunc",
    "decode",
    "degrees",
    "encode",
    "ends_with",
    "epoch_ms",
    "exp",
    "flatten",
    "floor",
    "from_base64",
    "greatest",
    "hash",
    "instr",
    "isfinite",
    "least",
    "left",
    "len",
    "length",
    "levenshtein",
    "list_aggregate",
    "list_avg",
    "list_bool_or",
    "list_concat",
    "list_contains",
    "list_distinct",
    "list_extract",
    "list_filter",
    "list_has_all",
    "list_has_any",
    "list_intersect",
    "list_max",
    "list_median",
    "list_min",
    "list_position",
    "list_slice",
    "list_sort",
    "list_sum",
    "list_transform",
    "ln",
    "log10",
    "lower",
    "ltrim",
    "make_timestamp",
    "make_timestamptz",
    "md5",
    "month",
    "nullif",
    "pow",
    "radians",
    "random",
    "range",
    "regexp_extract",
    "regexp_extract_all",
    "regexp_full_match",
    "regexp_matches",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sha1",
    "sha256",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "starts_with",
    "strftime",
    "string_split",
    "strlen",
    "substr",
    "tan",
    "tanh",
    "timezone",
    "to_base",
    "to_base64",
    "to_months",
    "trim",
    "trunc",
    "try",
    "try_strptime",
    "unnest",
    "upper",
    "url_decode",
    "url_encode",
    "year",
]
AggregateFunction: TypeAlias = OneOf[
    "arg_max",
    "arg_min",
    "avg",
    "bool_or",
    "count",
    "fsum",
    "grouping",
    "list",
    "mad",
    "max",
    "median",
    "min",
    "quantile_cont",
    "stddev_pop",
    "sum",
    "var_pop",
]
WindowFunction: TypeAlias = OneOf["lag", "row_number", "sum"]


class Expr:
    """Base of every expression; operators build larger ones.

    `==` compares the expressions themselves; use `equals` for SQL's equality.
    """

    __slots__ = ()

    def __add__(self, other: Expr | Scalar) -> Expr:
        return Binary("+", self, lift(other))

    def __sub__(self, other: Expr | Scalar) -> Expr:
        return Binary("-", self, lift(other))

    def __mul__(self, other: Expr | Scalar) -> Expr:
        return Binary("*", self, lift(other))

    def __truediv__(self, other: Expr | Scalar) -> Expr:
        return Binary("/", self, lift(other))

    def __floordiv__(self, other: Expr | Scalar) -> Expr:
        """Divide whole numbers and cut off towards zero."""
        return Binary("//", self, lift(other))

    def __mod__(self, other: Expr | Scalar) -> Expr:
        """Return the remainder with the sign of the dividend."""
        return Binary("%", self, lift(other))

    def __lt__(self, other: Expr | Scalar) -> Expr:
        return Compare("<", self, lift(other))

    def __le__(self, other: Expr | Scalar) -> Expr:
        return Compare("<=", self, lift(other))

    def __gt__(self, other: Expr | Scalar) -> Expr:
        return Compare(">", self, lift(other))

    def __ge__(self, other: Expr | Scalar) -> Expr:
        return Compare(">=", self, lift(other))

    def equals(self, other: Expr | Scalar) -> Expr:
        """Return that both are the same value."""
        return Compare("=", self, lift(other))

    def is_null(self) -> Expr:
        """Return that there is no value."""
        return Is(self, "NULL")

    def is_not_null(self) -> Expr:
        """Return that there is a value."""
        return Is(self, "NOT NULL")

    def is_not_true(self) -> Expr:
        """Return that it is false or unknown."""
        return Is(self, "NOT TRUE")

    def named(self, name: str) -> Named:
        """Return the expression as a column of a relation."""
        return Named(self, name)


@dataclass(frozen=True, slots=True)
class Column(Expr):
    """A column of the relation that is read, of the member `table` where several are joined."""

    name: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A value, or a list of values; never text of SQL.

    Attributes:
        value: what it is.
        type: its type, where the value alone does not tell (None, an empty list) or another is wanted.
    """

    value: Constant
    type: SqlType | None = None


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A scalar function."""

    function: ScalarFunction
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """A value as another type; `lenient` gives NULL where it does not fit instead of an error."""

    operand: Expr
    type: SqlType
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Case(Expr):
    """The value of the first condition that holds."""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None = None


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """Arithmetic, or joining of texts."""

    operator: Operator
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """A comparison of two values."""

    operator: Comparison
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Is(Expr):
    """A test that is never NULL itself."""

    operand: Expr
    state: State


@dataclass(frozen=True, slots=True)
class Not(Expr):
    """The opposite."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Junction(Expr):
    """Conditions of which all (`AND`) or any (`OR`) must hold."""

    operator: OneOf["AND", "OR"]
    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class In(Expr):
    """A value among values."""

    operand: Expr
    choices: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class InQuery(Expr):
    """A value (or a row of values) among the rows of a relation."""

    operands: tuple[Expr, ...]
    relation: Relation


@dataclass(frozen=True, slots=True)
class Lambda(Expr):
    """A function of one element of a list; `body` reads it as `Column(parameter)`."""

    parameter: str
    body: Expr


@dataclass(frozen=True, slots=True)
class ListOf(Expr):
    """A list of the values of expressions."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Row(Expr):
    """Several values as one, to be compared together."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Expr):
    """One value for a group of rows; without arguments, `count` counts the rows.

    Attributes:
        function: which.
        arguments: of each row.
        distinct: count equal values once.
        where: rows that count, None for all.
        order: the order in which rows are taken, where it makes a difference.
    """

    function: AggregateFunction
    arguments: tuple[Expr, ...] = ()
    distinct: bool = False
    where: Expr | None = None
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Window(Expr):
    """A value for each row out of the rows of its partition, in an order."""

    function: WindowFunction
    arguments: tuple[Expr, ...] = ()
    partition: tuple[Expr, ...] = ()
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Over(Expr):
    """For each row the aggregate of its partition."""

    aggregate: Aggregate
    partition: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One sort criterion."""

    by: Expr
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A column that a SELECT gives: an expression under a name."""

    expression: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Star:
    """All columns of what a SELECT reads."""


@dataclass(frozen=True, slots=True)
class Table:
    """A stored table, or what a `With` names.

    Attributes:
        name: its name.
        members: of a view that puts tables together, these tables, each with the columns that it has; a row of one
            has NULL in the columns of the others.
    """

    name: str
    members: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Numbers:
    """The whole numbers from 0 up to `stop`, exclusive, in a column `range`."""

    stop: int


@dataclass(frozen=True, slots=True)
class Select:
    """Rows out of rows.

    Attributes:
        columns: what each row gives.
        source: what is read; None for one row of nothing.
        where: rows that count, None for all.
        group: rows equal in these are made one; the columns then hold aggregates.
        sets: which of `group` count, once for each set; none is all of them. What does not count is NULL, and
            `grouping` tells it from no value.
        qualify: rows of the result that count, after windows.
        order: sort criteria.
        limit: most rows.
        offset: rows to leave out first.
    """

    columns: tuple[Named | Star, ...] = (Star(),)
    source: Relation | None = None
    where: Expr | None = None
    group: tuple[Expr, ...] = ()
    sets: tuple[tuple[Expr, ...], ...] = ()
    qualify: Expr | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Union:
    """The rows of all members, whose columns agree in number and type."""

    members: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A relation that is joined.

    Attributes:
        name: its columns are read as `Column(..., name)`.
        relation: its rows.
        using: columns in which it equals the members before it; none pairs every row with every row.
        outer: rows of the members before it that it has nothing for are kept, with NULL for its columns.
    """

    name: str
    relation: Relation
    using: tuple[str, ...] = ()
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """The rows of several members, paired."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class With:
    """A relation that reads others by name, each of them computed once."""

    bindings: tuple[tuple[str, Relation], ...]
    body: Relation


Relation: TypeAlias = Table | Numbers | Select | Union | Join | With


@dataclass(frozen=True, slots=True)
class Delete:
    """The removal of rows of a stored table."""

    table: Table
    where: Expr


# More values are looked up in a table of them.
_MOST_CHOICES = 64

TRUE = Literal(value=True)
FALSE = Literal(value=False)


def lift(value: Expr | Constant) -> Expr:
    """Return a value as an expression; an expression stays what it is."""
    return value if isinstance(value, Expr) else Literal(value)


def call(function: ScalarFunction, *arguments: Expr | Constant) -> Call:
    """Return the call of a scalar function."""
    return Call(function, tuple(lift(argument) for argument in arguments))


def null(sql_type: SqlType) -> Literal:
    """Return no value of a type."""
    return Literal(None, sql_type)


def when(condition: Expr, value: Expr | Constant, otherwise: Expr | Constant = None) -> Case:
    """Return a value where a condition holds, and another (or NULL) where not."""
    return Case(((condition, lift(value)),), None if otherwise is None else lift(otherwise))


def all_of(conditions: Iterable[Expr]) -> Expr:
    """Return that all conditions hold; those that always do are left out."""
    kept = tuple(condition for condition in conditions if condition != TRUE)
    return FALSE if FALSE in kept else _junction("AND", kept) if kept else TRUE


def any_of(conditions: Iterable[Expr]) -> Expr:
    """Return that some condition holds; false when there is none."""
    kept = tuple(condition for condition in conditions if condition != FALSE)
    return TRUE if TRUE in kept else _junction("OR", kept) if kept else FALSE


def _junction(operator: OneOf["AND", "OR"], terms: tuple[Expr, ...]) -> Expr:
    return terms[0] if len(terms) == 1 else Junction(operator, terms)


def one_of(operand: Expr, values: Sequence[Scalar]) -> Expr:
    """Return that a value is among constants; false when there is none. Not for the inside of a lambda."""
    if not values:
        return FALSE
    if len(values) == 1:
        return operand.equals(values[0])
    if len(values) > _MOST_CHOICES:
        listed = call("unnest", Literal(tuple(values)))
        return InQuery((operand,), Select((listed.named("value"),)))
    return In(operand, tuple(Literal(value) for value in values))


def columns(names: Iterable[str]) -> tuple[Column, ...]:
    """Return columns by name."""
    return tuple(Column(name) for name in names)
