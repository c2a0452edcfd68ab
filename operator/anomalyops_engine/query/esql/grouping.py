"""STATS and INLINE STATS: aggregates of groups of rows.

The rows get the keys of their groups as columns, then become one row a group with the value of every aggregate, or keep
as they are and get these beside. The expressions of the command are then computed of such rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from anomalyops_engine.query.esql.categorizing import categorized, check_aggregated, check_places, is_categorize
from anomalyops_engine.query.esql.datatypes import SPANS, SQL
from anomalyops_engine.query.esql.errors import Problems, StatementError
from anomalyops_engine.query.esql.frames import Attribute, Frame, overlaid
from anomalyops_engine.query.esql.functions.aggregates import AGGREGATES
from anomalyops_engine.query.esql.hazards import Hazards
from anomalyops_engine.query.esql.lowering import Lowering, check_names
from anomalyops_engine.query.esql.operands import Operand
from anomalyops_engine.query.esql.scope import Scope, fail, nodes_of
from anomalyops_engine.query.esql.syntax import Aggregated, Assigned, Call, Name, Node, Star, Stats
from anomalyops_engine.query.expr import (
    Aggregate,
    AggregateFunction,
    Column,
    Expr,
    ListOf,
    Named,
    Over,
    Relation,
    Select,
    all_of,
    call,
    null,
)
from anomalyops_engine.query.expr import Star as Everything


@dataclass(slots=True)
class _Group:
    """One key: the expression that makes it, the name of its column, and its values."""

    node: Node
    name: str
    attribute: Attribute


@dataclass(slots=True)
class _Aggregates:
    """The aggregates that a command makes, in the order in which they are met.

    Attributes:
        inner: lowers what they aggregate.
        partition: what rows of a group have in common, where the rows stay; None where they become one.
        first: a number that no other command of the statement has.
        made: the columns of the aggregates.
        where: the rows that count for the next one.
        categories: names of keys that are categories of messages.
    """

    inner: Lowering
    partition: tuple[Expr, ...] | None
    first: int
    made: list[Named] = field(default_factory=list)
    where: Expr | None = None
    categories: tuple[str, ...] = ()

    def build(self, node: Call) -> Operand:
        """Return the value of an aggregate, as a column."""
        arguments = tuple(argument for argument in node.arguments if not isinstance(argument, Star))
        if len(arguments) < len(node.arguments) and node.function.lower() != "count":
            raise StatementError(node.at, f"error building [{node.function.lower()}]: does not support *")
        for argument in arguments:
            check_aggregated(argument, self.categories)
            for found in nodes_of(argument):
                if isinstance(found, Call) and found.function.lower() in AGGREGATES:
                    fail(
                        found.at,
                        f"nested aggregations [{found.text}] not allowed inside other aggregations [{node.text}]",
                    )
        scope = self.inner.scope
        operands = [self.inner.operand(argument) for argument in arguments]
        call_ = replace(node, arguments=arguments)
        made = AGGREGATES[node.function.lower()].build(replace(scope, aggregate=self._aggregate), call_, operands)
        column = f"a{self.first}_{len(self.made)}"
        self.made.append(made.expr.named(column))
        return Operand(Column(column), made.type, made.multi)

    def _aggregate(
        self, function: AggregateFunction, arguments: tuple[Expr, ...] = (), *, distinct: bool = False
    ) -> Expr:
        conditions = [] if self.where is None else [self.where]
        if function == "list":
            conditions.append(arguments[0].is_not_null())
        found = Aggregate(function, arguments, distinct, all_of(conditions) if conditions else None)
        return found if self.partition is None else Over(found, self.partition)


class _Aggregating(Lowering):
    """Lowers the expressions of STATS, which are made of aggregates, keys and constants."""

    def __init__(self, scope: Scope, aggregates: _Aggregates, groups: list[_Group]) -> None:
        super().__init__(scope)
        self._aggregates = aggregates
        self._groups = groups

    def operand(self, node: Node) -> Operand:
        """Return what an expression is worth for a group."""
        for group in self._groups:
            if group.node == node:
                return group.attribute.operand
        return super().operand(node)

    def name(self, node: Name) -> Operand:
        """Return the key of that name."""
        found = next((group for group in self._groups if group.name == node.name), None)
        if found is None:
            fail(
                node.at, f"column [{node.name}] must appear in the STATS BY clause or be used in an aggregate function"
            )
        return found.attribute.operand

    def call(self, node: Call) -> Operand:
        """Return an aggregate, or a function of some."""
        return self._aggregates.build(node) if node.function.lower() in AGGREGATES else super().call(node)


def grouped(frame: Frame, command: Stats, scope: Scope) -> Frame:
    """Return the groups of rows with their aggregates, or the rows with those of their groups.

    Raises:
        VerificationError: the parts of the command do not go together.
    """
    _check(command, scope)
    check_places(command)
    keyed, groups = _with_keys(frame, command, Lowering(scope))
    keys = tuple(Column(group.attribute.column) for group in groups)
    inner = Lowering(scope)
    aggregates = _Aggregates(inner, keys if command.inline else None, keyed.made)
    aggregates.categories = tuple(group.name for group in groups if is_categorize(group.node))
    outer = _Aggregating(replace(scope, hazards=Hazards()), aggregates, groups)
    values: list[tuple[str, Operand]] = []
    for field_ in command.aggregates:
        aggregates.where = None if field_.where is None else inner.condition(field_.where)
        _check_aggregated(field_, groups)
        values.append((field_.column, outer.operand(field_.expression)))
    scope.hazards.settle(keyed.relation)
    if command.inline:
        relation = Select((Everything(), *aggregates.made), keyed.relation)
        _settle(scope, outer, relation)
        wide = replace(keyed, relation=relation)
        named = [(group.name, group.attribute.operand) for group in groups]
        return wide.with_values(values).with_values(named)
    shown = [column.named(column.name) for column in keys]
    relation = Select((*shown, *aggregates.made), keyed.relation, group=keys)
    if not keys and not aggregates.made:
        relation = Select((Aggregate("count").named("a0"),), keyed.relation)
    _settle(scope, outer, relation)
    narrow = Frame(relation, (), made=keyed.made)
    attributes = tuple(replace(group.attribute, name=group.name) for group in groups)
    result = narrow.with_values(values)
    return replace(result, attributes=overlaid(result.attributes, attributes))


def _settle(scope: Scope, outer: Lowering, relation: Relation) -> None:
    """Let what may fail with groups be looked for in them."""
    outer.scope.hazards.settle(relation)
    scope.hazards.take(outer.scope.hazards)


def _check(command: Stats, scope: Scope) -> None:
    problems = Problems()
    known = dict(scope.attributes)
    for group in command.groups:
        check_names(group.expression, scope, problems)
        known[group.column] = Attribute(group.column, "null", "")
    wider = replace(scope, attributes=known)
    for aggregate in command.aggregates:
        check_names(aggregate.expression, wider, problems)
        if aggregate.where is not None:
            check_names(aggregate.where, scope, problems)
    problems.check()


def _check_aggregated(field_: Aggregated, groups: list[_Group]) -> None:
    """Check that a field of STATS has an aggregate, or a key, in it.

    Raises:
        VerificationError: it has none.
    """
    for node in nodes_of(field_.expression):
        if isinstance(node, Name) or any(group.node == node for group in groups):
            return
        if isinstance(node, Call) and node.function.lower() in AGGREGATES:
            return
    fail(
        field_.expression.at,
        f"expected an aggregate function but found [{field_.expression.text}]",
    )


def _with_keys(frame: Frame, command: Stats, lowering: Lowering) -> tuple[Frame, list[_Group]]:
    """Return the rows with the keys of their groups; a row of several values belongs to a group each."""
    groups: list[_Group] = []
    for assigned in command.groups:
        for node in nodes_of(assigned.expression):
            if isinstance(node, Call) and node.function.lower() in AGGREGATES:
                fail(node.at, f"cannot use an aggregate [{node.text}] for grouping")
        if isinstance(assigned.expression, Call) and is_categorize(assigned.expression):
            frame, group = _category(frame, assigned, lowering)
            groups.append(group)
            continue
        operand = lowering.operand(assigned.expression)
        if operand.type in SPANS:
            fail(assigned.at, f"cannot group by [{assigned.expression.text}] of type [{operand.type}]")
        value = operand.expr
        if operand.multi and command.inline:
            value = operand.single
        elif operand.multi:
            value = call("unnest", call("coalesce", value, ListOf((null(SQL[operand.type]),))))
        frame, (column,) = frame.with_columns([Operand(value, operand.type)], "g")
        groups.append(_Group(assigned.expression, assigned.column, Attribute(assigned.column, operand.type, column)))
    return frame, groups


def _category(frame: Frame, assigned: Assigned, lowering: Lowering) -> tuple[Frame, _Group]:
    """Return the rows with the categories of messages as a key."""
    node = assigned.expression
    assert isinstance(node, Call)  # noqa: S101 (what the caller looked for)
    if len(node.arguments) != 1:
        raise StatementError(node.at, f"error building [{node.function.lower()}]: expects exactly one argument")
    frame, column = categorized(frame, node, lowering.operand(node.arguments[0]), lowering.scope)
    return frame, _Group(node, assigned.column, Attribute(assigned.column, "keyword", column))
