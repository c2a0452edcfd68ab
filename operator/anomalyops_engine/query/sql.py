"""Typed expressions as SQL: the only module outside `store` that writes statements and runs them.

No text of a request becomes text of SQL. Texts, fractions and lists are parameters; whole numbers, truth values and
NULL are written by `_literal` from their digits; names are quoted by `quoted`; functions, operators and types must be
among those that `query.expr` lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

import duckdb
import pyarrow as pa

from anomalyops_engine.query import expr
from anomalyops_engine.query.expr import Delete, Expr, Relation, Scalar
from anomalyops_engine.store import Connection
from anomalyops_engine.store.identifiers import quoted, united

_SCALARS = frozenset(get_args(expr.ScalarFunction))
_AGGREGATES = frozenset(get_args(expr.AggregateFunction))
_WINDOWS = frozenset(get_args(expr.WindowFunction))
_TYPES = frozenset(get_args(expr.SqlType))
_OPERATORS = frozenset(get_args(expr.Operator)) | frozenset(get_args(expr.Comparison))
_STATES = frozenset(get_args(expr.State))
_WORDS = frozenset({"AND", "OR"})
# Integers beyond go as parameters; the database has none beyond 128 bits.
_LONGEST = 2**63
_WIDEST = 2**127


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with the values of its `?` placeholders, in order."""

    text: str
    parameters: tuple[Any, ...] = ()


def statement(node: Relation | Delete) -> Statement:
    """Return the statement that gives a relation's rows, or that deletes.

    Raises:
        ValueError: a function, operator or type is none that the engine uses, or a number has more than 128 bits.
    """
    writer = _Writer()
    text = writer.delete(node) if isinstance(node, Delete) else writer.relation(node)
    return Statement(text, tuple(writer.parameters))


def fetch(connection: Connection, relation: Relation) -> list[tuple[Any, ...]]:
    """Return the rows of a relation."""
    made = statement(relation)
    return connection.execute(made.text, list(made.parameters)).fetchall()


def evaluated(constant: Expr) -> Any:
    """Return the value of an expression that reads no table."""
    made = statement(expr.Select((constant.named("value"),)))
    with duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False}) as connection:
        ((value,),) = connection.execute(made.text, list(made.parameters)).fetchall()
    return value


def fetch_arrow(connection: Connection, relation: Relation) -> pa.Table:
    """Return the rows of a relation as an Arrow table."""
    made = statement(relation)
    return connection.sql(made.text, params=list(made.parameters)).to_arrow_table()


def delete(connection: Connection, deletion: Delete) -> int:
    """Delete rows and return how many there were."""
    made = statement(deletion)
    ((count,),) = connection.execute(made.text, list(made.parameters)).fetchall()
    return int(count)


def _known(word: str, words: frozenset[str]) -> str:
    if word not in words:
        raise ValueError(f"[{word}] is no function, operator or type of the engine's SQL")
    return word


class _Writer:
    """Writes one statement; parts are written in the order in which they stand, so that parameters are too."""

    def __init__(self) -> None:
        self.parameters: list[Any] = []
        # Names of columns in what is written of a select, those of selects inside it too.
        self._read: set[str] = set()

    # --- relations ---

    def relation(self, node: Relation) -> str:
        """Write a relation as a whole statement or subquery."""
        if isinstance(node, expr.Select):
            return self._select(node)
        if isinstance(node, expr.Union):
            return " UNION ALL ".join(self._member(member) for member in node.members)
        if isinstance(node, expr.With):
            bound = ", ".join(
                f"{quoted(name)} AS MATERIALIZED ({self.relation(inner)})" for name, inner in node.bindings
            )
            return f"WITH {bound} {self.relation(node.body)}"
        return f"SELECT * FROM {self._source(node)}"  # noqa: S608 (this module's purpose)

    def delete(self, node: Delete) -> str:
        """Write a DELETE."""
        return f"DELETE FROM {quoted(node.table.name)} WHERE {self.expression(node.where)}"  # noqa: S608

    def _member(self, node: Relation) -> str:
        plain = isinstance(node, expr.Select) and not node.order and node.limit is None
        return self.relation(node) if plain else f"({self.relation(node)})"

    def _source(self, node: Relation) -> str:
        if isinstance(node, expr.Table):
            return quoted(node.name)
        if isinstance(node, expr.Numbers):
            return f"range({int(node.stop)})"
        if isinstance(node, expr.Join):
            return self._join(node)
        return f"({self.relation(node)})"

    def _join(self, node: expr.Join) -> str:
        first, *others = node.members
        return "".join([self._named(first), *(self._joined(member) for member in others)])

    def _joined(self, member: expr.Member) -> str:
        if not member.using:
            return f" CROSS JOIN {self._named(member)}"
        word = "LEFT JOIN" if member.outer else "JOIN"
        return f" {word} {self._named(member)} USING ({', '.join(map(quoted, member.using))})"

    def _named(self, member: expr.Member) -> str:
        return f"{self._source(member.relation)} AS {quoted(member.name)}"

    def _select(self, node: expr.Select) -> str:
        outer, self._read = self._read, set()
        parts = ["SELECT ", ", ".join(self._column(column) for column in node.columns)]
        if isinstance(node.source, expr.Table) and node.source.members and expr.Star() not in node.columns:
            clauses = self._clauses(node)
            parts += [" FROM ", self._members(node.source), *clauses]
        else:
            parts += [] if node.source is None else [" FROM ", self._source(node.source)]
            parts += self._clauses(node)
        self._read |= outer
        return "".join(parts)

    def _members(self, table: expr.Table) -> str:
        """Write the rows of tables that are read together, with the columns that the select around them reads.

        A view of them has all columns, and a plan of hundreds takes longer than most searches.
        """
        known = frozenset[str]().union(*(columns for _, columns in table.members))
        names = sorted(self._read & known) or [min(known)]
        return united(table.members, names)

    def _clauses(self, node: expr.Select) -> list[str]:
        """Write what follows the source."""
        parts: list[str] = []
        if node.where is not None and node.where != expr.TRUE:
            parts += [" WHERE ", self.expression(node.where)]
        if node.sets:
            parts += [" GROUP BY GROUPING SETS (", ", ".join(f"({self._list(each)})" for each in node.sets), ")"]
        elif node.group:
            parts += [" GROUP BY ", self._list(node.group)]
        if node.qualify is not None:
            parts += [" QUALIFY ", self.expression(node.qualify)]
        if node.order:
            parts += [" ORDER BY ", self._orders(node.order)]
        if node.limit is not None:
            parts.append(f" LIMIT {int(node.limit)}")
        if node.offset:
            parts.append(f" OFFSET {int(node.offset)}")
        return parts

    def _column(self, column: expr.Named | expr.Star) -> str:
        if isinstance(column, expr.Star):
            return "*"
        return f"{self.expression(column.expression)} AS {quoted(column.name)}"

    def _orders(self, orders: Iterable[expr.Order]) -> str:
        return ", ".join(
            f"{self.expression(order.by)} {'DESC' if order.descending else 'ASC'} "
            f"NULLS {'FIRST' if order.nulls_first else 'LAST'}"
            for order in orders
        )

    # --- expressions ---

    def expression(self, node: Expr) -> str:
        """Write an expression, in parentheses where it has operators."""
        return _EXPRESSIONS[type(node)](self, node)

    def _list(self, nodes: Iterable[Expr]) -> str:
        return ", ".join([self.expression(node) for node in nodes])

    def column(self, node: expr.Column) -> str:
        """Write a column's name."""
        self._read.add(node.name)
        return quoted(node.name) if node.table is None else f"{quoted(node.table)}.{quoted(node.name)}"

    def literal(self, node: expr.Literal) -> str:
        """Write a value, or a placeholder for it."""
        text = self._literal(node.value)
        return text if node.type is None else f"CAST({text} AS {_known(node.type, _TYPES)})"

    def _literal(self, value: expr.Constant) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, int) and -_LONGEST < value < _LONGEST:
            return f"{value:d}" if value >= 0 else f"({value:d})"
        self.parameters.append(list(map(_checked, value)) if isinstance(value, tuple) else _checked(value))
        return "?"

    def call(self, node: expr.Call) -> str:
        """Write the call of a scalar function."""
        return f"{_known(node.function, _SCALARS)}({self._list(node.arguments)})"

    def cast(self, node: expr.Cast) -> str:
        """Write a conversion."""
        word = "TRY_CAST" if node.lenient else "CAST"
        return f"{word}({self.expression(node.operand)} AS {_known(node.type, _TYPES)})"

    def case(self, node: expr.Case) -> str:
        """Write a choice."""
        branches = "".join(
            f" WHEN {self.expression(condition)} THEN {self.expression(value)}" for condition, value in node.branches
        )
        otherwise = "" if node.otherwise is None else f" ELSE {self.expression(node.otherwise)}"
        return f"CASE{branches}{otherwise} END"

    def binary(self, node: expr.Binary | expr.Compare) -> str:
        """Write two operands with their operator."""
        left = self.expression(node.left)
        return f"({left} {_known(node.operator, _OPERATORS)} {self.expression(node.right)})"

    def test(self, node: expr.Is) -> str:
        """Write a test for NULL or TRUE."""
        return f"({self.expression(node.operand)} IS {_known(node.state, _STATES)})"

    def negation(self, node: expr.Not) -> str:
        """Write the opposite."""
        return f"(NOT {self.expression(node.operand)})"

    def junction(self, node: expr.Junction) -> str:
        """Write conditions joined by AND or OR."""
        word = f" {_known(node.operator, _WORDS)} "
        return f"({word.join([self.expression(term) for term in node.terms])})"

    def choice(self, node: expr.In) -> str:
        """Write that a value is one of several."""
        return f"({self.expression(node.operand)} IN ({self._list(node.choices)}))"

    def membership(self, node: expr.InQuery) -> str:
        """Write that a value is among the rows of a subquery."""
        operand = self._list(node.operands)
        return f"(({operand}) IN ({self.relation(node.relation)}))"

    def function(self, node: expr.Lambda) -> str:
        """Write a lambda."""
        return f"lambda {quoted(node.parameter)}: {self.expression(node.body)}"

    def listing(self, node: expr.ListOf) -> str:
        """Write a list."""
        return f"[{self._list(node.items)}]"

    def row(self, node: expr.Row) -> str:
        """Write several values as one."""
        return f"({self._list(node.items)})"

    def aggregate(self, node: expr.Aggregate) -> str:
        """Write an aggregate."""
        inner = self._list(node.arguments) or "*"
        distinct = "DISTINCT " if node.distinct else ""
        where = "" if node.where is None else f" FILTER (WHERE {self.expression(node.where)})"
        order = f" ORDER BY {self._orders(node.order)}" if node.order else ""
        return f"{_known(node.function, _AGGREGATES)}({distinct}{inner}{order}){where}"

    def window(self, node: expr.Window) -> str:
        """Write a window function."""
        inner = self._list(node.arguments)
        partition = f"PARTITION BY {self._list(node.partition)}" if node.partition else ""
        order = f" ORDER BY {self._orders(node.order)}" if node.order else ""
        return f"{_known(node.function, _WINDOWS)}({inner}) OVER ({partition}{order})"

    def over(self, node: expr.Over) -> str:
        """Write an aggregate over the rows of a partition."""
        partition = f"PARTITION BY {self._list(node.partition)}" if node.partition else ""
        return f"{self.aggregate(node.aggregate)} OVER ({partition})"


def _checked(value: Scalar) -> Scalar:
    if isinstance(value, int) and not isinstance(value, bool) and not -_WIDEST <= value < _WIDEST:
        raise ValueError(f"[{value}] has more than 128 bits")
    return value


_EXPRESSIONS: dict[type[Expr], Callable[[_Writer, Any], str]] = {
    expr.Aggregate: _Writer.aggregate,
    expr.Binary: _Writer.binary,
    expr.Call: _Writer.call,
    expr.Case: _Writer.case,
    expr.Cast: _Writer.cast,
    expr.Column: _Writer.column,
    expr.Compare: _Writer.binary,
    expr.In: _Writer.choice,
    expr.InQuery: _Writer.membership,
    expr.Is: _Writer.test,
    expr.Junction: _Writer.junction,
    expr.Lambda: _Writer.function,
    expr.ListOf: _Writer.listing,
    expr.Literal: _Writer.literal,
    expr.Not: _Writer.negation,
    expr.Over: _Writer.over,
    expr.Row: _Writer.row,
    expr.Window: _Writer.window,
}
