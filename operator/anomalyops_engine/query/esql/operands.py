"""What an expression of a statement is worth for each row: an expression of the database with its type in ES|QL.

A value is NULL, one value, or several: of columns that may hold several in a row (`multi`) the expression is a list,
which is NULL and never empty where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.esql.datatypes import SQL, DataType, list_of
from anomalyops_engine.query.expr import Call, Case, Cast, Column, Expr, Lambda, ListOf, Literal, call, null, when

_SMALL = 24


@dataclass(frozen=True, slots=True)
class Operand:
    """The value of an expression.

    Attributes:
        expr: what it is in the database.
        type: its type.
        multi: `expr` is a list.
        fixed: it is the same for every row, and `value` is that.
        value: a scalar, a tuple of scalars, or a stretch of time.
    """

    expr: Expr
    type: DataType
    multi: bool = False
    fixed: bool = False
    value: Any = None

    @property
    def single(self) -> Expr:
        """The one value; NULL where there are several, as functions of one value take them."""
        if not self.multi:
            return self.expr
        return when(call("len", self.expr).equals(1), call("list_extract", self.expr, 1))

    @property
    def listed(self) -> Expr:
        """The values as a list; NULL where there is none."""
        return self.expr if self.multi else when(self.expr.is_not_null(), ListOf((self.expr,)))

    def with_expr(self, expr: Expr, data_type: DataType | None = None) -> Operand:
        """Return a value of as many, that is worth something else."""
        return Operand(expr, self.type if data_type is None else data_type, self.multi)


def constant(value: Any, data_type: DataType) -> Operand:
    """Return a value that is the same for every row; a tuple is several."""
    if data_type not in SQL:
        return Operand(null("VARCHAR"), data_type, fixed=True, value=value)
    if isinstance(value, tuple):
        return Operand(Literal(value, list_of(data_type)), data_type, multi=True, fixed=True, value=value)
    return Operand(Literal(value, SQL[data_type]), data_type, fixed=True, value=value)


def nothing(data_type: DataType) -> Operand:
    """Return no value of a type."""
    return constant(None, data_type)


def as_type(operand: Operand, data_type: DataType) -> Operand:
    """Return a value in the form of another type that holds it: no value, a wider number, a text as keyword."""
    if operand.type == data_type:
        return operand
    if SQL.get(operand.type) == SQL[data_type]:
        return Operand(operand.expr, data_type, operand.multi, operand.fixed, operand.value)
    if operand.type == "null":
        return nothing(data_type)
    wanted = list_of(data_type) if operand.multi else SQL[data_type]
    value = float(operand.value) if data_type == "double" and isinstance(operand.value, int) else operand.value
    return Operand(Cast(operand.expr, wanted), data_type, operand.multi, operand.fixed, value)


def aligned(operands: Iterable[Operand], data_type: DataType) -> tuple[list[Expr], bool]:
    """Return values in one form, and whether that is lists."""
    cast = [as_type(operand, data_type) for operand in operands]
    multi = any(operand.multi for operand in cast)
    return [operand.listed if multi else operand.expr for operand in cast], multi


class Fresh:
    """Names for the parameters of lambdas, none given twice in a statement."""

    def __init__(self) -> None:
        self._given = 0

    def name(self) -> str:
        """Return another name."""
        self._given += 1
        return f"v{self._given}"

    def let(self, expr: Expr, body: Callable[[Expr], Expr]) -> Expr:
        """Return a body that reads a value more than once; a large value is computed once."""
        if _is_small(expr):
            return body(expr)
        name = self.name()
        return call("list_extract", call("list_transform", ListOf((expr,)), Lambda(name, body(Column(name)))), 1)

    def each(self, operand: Operand, body: Callable[[Expr], Expr], data_type: DataType) -> Operand:
        """Return what a body makes of every single value; values of which it makes nothing are left out."""
        if not operand.multi:
            return Operand(self.let(operand.expr, body), data_type)
        name, other = self.name(), self.name()
        made = call("list_transform", operand.expr, Lambda(name, body(Column(name))))
        kept = call("list_filter", made, Lambda(other, Column(other).is_not_null()))
        return Operand(self.filled(kept), data_type, multi=True)

    def filled(self, values: Expr) -> Expr:
        """Return a list, NULL for an empty one."""
        return self.let(values, lambda found: when(call("len", found) > 0, found))


def attempt(expr: Expr) -> Expr:
    """Return a value, NULL where computing it fails."""
    return call("try", expr)


def is_constant(expr: Expr) -> bool:
    """Return whether an expression is short and reads no column, so that it is the same for every row."""
    left, waiting = _SMALL, [expr]
    while waiting:
        left -= 1
        found = waiting.pop()
        if left < 0 or isinstance(found, Column):
            return False
        waiting += _parts(found)
    return True


def _is_small(expr: Expr) -> bool:
    left = _SMALL
    waiting = [expr]
    while waiting:
        left -= 1
        if left < 0:
            return False
        found = waiting.pop()
        waiting += _parts(found)
    return True


def _parts(expr: Expr) -> list[Expr]:
    if isinstance(expr, Call):
        return list(expr.arguments)
    if isinstance(expr, Case):
        return [part for branch in expr.branches for part in branch] + ([expr.otherwise] if expr.otherwise else [])
    found: list[Expr] = []
    for name in ("operand", "left", "right", "body"):
        part = getattr(expr, name, None)
        if isinstance(part, Expr):
            found.append(part)
    for name in ("terms", "items", "choices", "operands"):
        found += getattr(expr, name, ())
    return found
