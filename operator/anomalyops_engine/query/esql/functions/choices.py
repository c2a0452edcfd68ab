"""Functions that choose between values: CASE, COALESCE, GREATEST, LEAST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anomalyops_engine.query.esql.datatypes import NUMERIC, SPANS, DataType, shown, unified, wider
from anomalyops_engine.query.esql.functions.function import ANY, ANYTHING, Build, Function, Parameter
from anomalyops_engine.query.esql.operands import Operand, aligned, as_type, nothing
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Case, Expr, ScalarFunction, call

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _common(node: Call, values: list[tuple[int, Operand]]) -> DataType:
    """Return the one type of some values, by their places among the arguments."""
    found: DataType = "null"
    for place, operand in values:
        both = wider(found, operand.type) if _is_wider(found, operand.type) else unified((found, operand.type))
        if both is None:
            which = f"{_ORDINALS[place]} argument" if place < len(_ORDINALS) else f"argument {place + 1}"
            fail(
                node.at,
                f"{which} of [{node.text}] must be [{shown(found)}], found value [{node.arguments[place].text}] type "
                f"[{shown(operand.type)}]",
            )
        found = both
    return found


def _is_wider(one: DataType, two: DataType) -> bool:
    """Return whether two numbers are held by the wider one; an unsigned one goes with fractions alone."""
    return {one, two} <= NUMERIC and ("unsigned_long" not in {one, two} or "double" in {one, two})


def _case(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    pairs, rest = divmod(len(operands), 2)
    for place in range(0, pairs * 2, 2):
        condition = operands[place]
        if condition.type not in {"boolean", "null"}:
            which = f"{_ORDINALS[place]} argument" if place < len(_ORDINALS) else f"argument {place + 1}"
            fail(
                node.at,
                f"{which} of [{node.text}] must be [boolean], found value [{node.arguments[place].text}] type "
                f"[{shown(condition.type)}]",
            )
    places = [*range(1, pairs * 2, 2), *([len(operands) - 1] if rest else [])]
    if any(operands[place].type in SPANS for place in places):
        return _chosen_span(node, operands, places)
    found = _common(node, [(place, operands[place]) for place in places])
    values, multi = aligned([operands[place] for place in places], found)
    branches: list[tuple[Expr, Expr]] = []
    for number, value in enumerate(values[:pairs]):
        condition = as_type(operands[number * 2], "boolean")
        branches.append((condition.single, value))
    return Operand(Case(tuple(branches), values[-1] if rest else None), found, multi)


def _chosen_span(node: Call, operands: list[Operand], places: list[int]) -> Operand:
    """Return one of some stretches of time, which is the same for every row.

    Raises:
        VerificationError: which one differs between rows, or not all are stretches of one kind.
    """
    kinds = {operands[place].type for place in places} - {"null"}
    if len(kinds) != 1:
        fail(node.at, f"the values of [{node.text}] must be of one type, found [{', '.join(sorted(kinds))}]")
    for place in places:
        if place == len(operands) - 1 and len(operands) % 2:
            return operands[place]
        condition = operands[place - 1]
        if not condition.fixed:
            fail(node.at, f"the conditions of [{node.text}] must be constants, since it chooses a stretch of time")
        if condition.value is True:
            return operands[place]
    return nothing(kinds.pop())


def _coalesce(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    found = _common(node, list(enumerate(operands)))
    values, multi = aligned(operands, found)
    return Operand(call("coalesce", *values), found, multi)


def _extreme(function: ScalarFunction, of_list: ScalarFunction) -> Build:
    """Return the making of the largest or smallest value, NULL where one is NULL."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        found = _common(node, list(enumerate(operands)))
        cast = [as_type(operand, found) for operand in operands]
        singles = [call(of_list, operand.expr) if operand.multi else operand.expr for operand in cast]
        if len(singles) == 1:
            return Operand(singles[0], found)
        # The database leaves NULL out.
        known: list[tuple[Expr, Expr]] = [(single.is_null(), single) for single in singles]
        return Operand(Case(tuple(known), call(function, *singles)), found)

    return make


_ANY_OR_SPAN: Final = Parameter((*ANYTHING, *sorted(SPANS)), "any type")

FUNCTIONS: Final[Mapping[str, Function]] = {
    "case": Function((ANY, _ANY_OR_SPAN), _case, repeats=True),
    "coalesce": Function((ANY,), _coalesce, repeats=True),
    "greatest": Function((ANY,), _extreme("greatest", "list_max"), repeats=True),
    "least": Function((ANY,), _extreme("least", "list_min"), repeats=True),
}
