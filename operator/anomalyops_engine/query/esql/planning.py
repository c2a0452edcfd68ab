"""A statement as one relation: every command makes rows of those of the command before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anomalyops_engine.query.dsl import Clause
from anomalyops_engine.query.esql.datatypes import SPANS, SQL, STRINGS, shown
from anomalyops_engine.query.esql.dissecting import dissected
from anomalyops_engine.query.esql.errors import Problems, not_served
from anomalyops_engine.query.esql.frames import Attribute, Frame
from anomalyops_engine.query.esql.fulltext import clause_of, searches_of
from anomalyops_engine.query.esql.grokking import grokked
from anomalyops_engine.query.esql.grouping import grouped
from anomalyops_engine.query.esql.hazards import Hazards
from anomalyops_engine.query.esql.lowering import Lowering, check_names
from anomalyops_engine.query.esql.operands import Operand, constant
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.scope import Scope, fail, nodes_of, similar
from anomalyops_engine.query.esql.sources import frame_of
from anomalyops_engine.query.esql.syntax import (
    Assigned,
    Command,
    Dissect,
    Drop,
    Eval,
    From,
    Grok,
    Keep,
    Limit,
    MvExpand,
    Name,
    NamePattern,
    Node,
    Rename,
    Row,
    Sample,
    ShowInfo,
    Sort,
    Statement,
    Stats,
    Where,
)
from anomalyops_engine.query.expr import Column, Expr, ListOf, Order, Relation, Select, Star, Window, all_of, call, null
from anomalyops_engine.query.globs import fits
from anomalyops_engine.store import Index

DEFAULT_LIMIT = 1000
MOST_ROWS = 10_000
_LOTS = 1 << 32


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a statement is planned in.

    Attributes:
        resolve: the indices that a list of names and patterns means; None where there are none.
        clause: what documents must match beside, None for all.
        now_ms: the present.
        server: version, build date and build hash, as SHOW INFO shows them.
        folded: returns what an expression without columns is worth.
        fetched: returns the rows of a relation.
    """

    resolve: Callable[[str], Sequence[Index] | None]
    clause: Clause | None
    now_ms: int
    server: tuple[str, str, str]
    folded: Callable[[Expr], Any] | None = None
    fetched: Callable[[Relation], Sequence[tuple[Any, ...]]] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a statement gives.

    Attributes:
        frame: the rows.
        warnings: what the client is told beside.
        hazards: what may fail with single rows, to be looked for after the statement.
    """

    frame: Frame
    warnings: tuple[str, ...]
    hazards: Hazards


def plan(statement: Statement, around: Surroundings) -> Plan:
    """Return what a statement gives.

    Raises:
        VerificationError: it names what is not there, or puts together what does not fit.
        UnsupportedQueryError: it uses something that this engine lacks.
    """
    searches = {node: f"q{number}" for number, node in enumerate(searches_of(statement.commands))}
    planner = _Planner(around, searches)
    first, *others = statement.commands
    frame = planner.source(first)
    for command in others:
        frame = planner.processed(frame, command)
    limited = any(isinstance(command, Limit) for command in others)
    warnings = [text for command in others if isinstance(command, Stats) for text in _shadowed(command)]
    if not limited:
        warnings.append(f"No limit defined, adding default limit of [{DEFAULT_LIMIT}]")
    return Plan(_limited(frame, MOST_ROWS if limited else DEFAULT_LIMIT), tuple(warnings), planner.hazards)


def _shadowed(command: Stats) -> list[str]:
    """Return which columns of STATS are not seen, since a later one has the same name."""
    named: dict[str, Place] = {}
    found = []
    for field in reversed((*command.aggregates, *command.groups)):
        later = named.setdefault(field.column, field.at)
        if later is not field.at:
            place = f"Line {field.at.line}:{field.at.column}"
            found.append(f"{place}: Field '{field.column}' shadowed by field at line {later.line}:{later.column}")
    return found[::-1]


def _limited(frame: Frame, count: int) -> Frame:
    return replace(frame, relation=Select((Star(),), frame.relation, order=frame.order, limit=count))


class _Planner:
    """Plans the commands of one statement."""

    def __init__(self, around: Surroundings, searches: dict[Node, str]) -> None:
        self._around = around
        self.hazards = Hazards()
        self._first = Scope(
            {}, around.now_ms, searches=searches, folded=around.folded, fetched=around.fetched, hazards=self.hazards
        )

    def _scope(self, frame: Frame) -> Scope:
        named = {attribute.name: attribute for attribute in frame.attributes}
        return replace(self._first, attributes=named, past=frame.past)

    # --- sources ---

    def source(self, command: Command) -> Frame:
        """Return the rows of the first command."""
        if isinstance(command, From):
            return self._from(command)
        if isinstance(command, ShowInfo):
            values = zip(("version", "date", "hash"), self._around.server, strict=True)
            return _row([(name, constant(value, "keyword")) for name, value in values])
        if isinstance(command, Row):
            return self._row(command)
        raise not_served(f"[{command.at.text}]", command.at)

    def _from(self, command: From) -> Frame:
        sources = ",".join(name for name, _ in command.sources)
        indices = self._around.resolve(sources)
        if indices is None:
            fail(command.at, f"Unknown index [{sources}]")
        clauses = [clause_of(node) for node in self._first.searches]
        return frame_of(indices, command.metadata, self._around.clause, self._around.now_ms, clauses)

    def _row(self, command: Row) -> Frame:
        frame = Frame(Select((null("VARCHAR").named("nothing"),)), (), past="ROW")
        return self._evaluated(frame, command.fields)

    # --- processing ---

    def processed(self, frame: Frame, command: Command) -> Frame:
        """Return the rows that a command makes."""
        made: Callable[[_Planner, Frame, Any], Frame] | None = _PROCESSED.get(type(command))
        if made is None:
            raise not_served(f"[{command.at.text.split()[0].upper()}]", command.at)
        return made(self, frame, command)

    def where(self, frame: Frame, command: Where) -> Frame:
        """Return the rows for which a condition holds."""
        scope = self._scope(frame)
        _check(scope, command.condition)
        condition = Lowering(scope).condition(command.condition)
        self.hazards.settle(frame.relation)
        relation = frame.relation
        if (
            isinstance(relation, Select)
            and relation.columns == (Star(),)
            and not relation.order
            and relation.limit is None
        ):
            merged = replace(
                relation, where=all_of([condition] if relation.where is None else [relation.where, condition])
            )
            return replace(frame, relation=merged)
        return replace(frame, relation=Select((Star(),), relation, condition))

    def eval(self, frame: Frame, command: Eval) -> Frame:
        """Return the rows with new columns."""
        return self._evaluated(frame, command.fields)

    def _evaluated(self, frame: Frame, fields: Sequence[Assigned]) -> Frame:
        problems = Problems()
        known = dict(self._scope(frame).attributes)
        for assigned in fields:
            check_names(assigned.expression, replace(self._first, attributes=known), problems)
            known[assigned.column] = Attribute(assigned.column, "null", "")
        problems.check()
        waiting: list[tuple[str, Operand]] = []
        for assigned in fields:
            if waiting and _reads(assigned, {name for name, _ in waiting}):
                frame, waiting = frame.with_values(waiting), []
            operand = Lowering(self._scope(frame)).operand(assigned.expression)
            self.hazards.settle(frame.relation)
            if operand.type in SPANS:
                fail(assigned.at, f"EVAL does not support type [{operand.type}] as the return data type of expression "
                     f"[{assigned.expression.text}]")  # fmt: skip
            waiting = [pair for pair in waiting if pair[0] != assigned.column]
            waiting.append((assigned.column, operand))
        return frame.with_values(waiting)

    def keep(self, frame: Frame, command: Keep) -> Frame:
        """Return the rows with some columns alone; exact names win over patterns, and those over all."""
        problems = Problems()
        ranks: dict[Attribute, int] = {}
        for pattern in command.patterns:
            rank = 0 if pattern.tokens is None else 2 if pattern.text == "*" else 1
            for attribute in _matching(frame, pattern, problems):
                if ranks.get(attribute, rank) >= rank:
                    ranks.pop(attribute, None)
                    ranks[attribute] = rank
        problems.check()
        return replace(frame, attributes=tuple(ranks))

    def drop(self, frame: Frame, command: Drop) -> Frame:
        """Return the rows without some columns."""
        problems = Problems()
        dropped = {attribute for pattern in command.patterns for attribute in _matching(frame, pattern, problems)}
        problems.check()
        return replace(frame, attributes=tuple(a for a in frame.attributes if a not in dropped))

    def rename(self, frame: Frame, command: Rename) -> Frame:
        """Return the rows with other names of columns."""
        problems = Problems()
        attributes = frame.attributes
        for old, new in command.pairs:
            _matching(replace(frame, attributes=attributes), old, problems)
            if old.text == new.text:
                continue
            kept = [attribute for attribute in attributes if attribute.name != new.text]
            attributes = tuple(replace(a, name=new.text) if a.name == old.text else a for a in kept)
        problems.check()
        return replace(frame, attributes=attributes)

    def sort(self, frame: Frame, command: Sort) -> Frame:
        """Return the rows in an order."""
        scope = self._scope(frame)
        _check(scope, *(criterion.expression for criterion in command.criteria))
        operands = []
        for criterion in command.criteria:
            operand = Lowering(scope).operand(criterion.expression)
            if operand.type in SPANS | {"geo_point", "_source", "unsupported"}:
                fail(criterion.expression.at, f"cannot sort on {shown(operand.type)}")
            if operand.type == "version":
                raise not_served("[SORT] of versions", criterion.expression.at)
            value = operand.expr
            if operand.multi:
                value = call("list_max" if criterion.descending else "list_min", value)
            operands.append(Operand(value, operand.type))
        self.hazards.settle(frame.relation)
        sorted_, names = frame.with_columns(operands, "s")
        orders = tuple(
            Order(Column(name), criterion.descending, criterion.nulls_first)
            for name, criterion in zip(names, command.criteria, strict=True)
        )
        return replace(sorted_, order=orders)

    def sample(self, frame: Frame, command: Sample) -> Frame:
        """Return some of the rows: which ones says their place, so that a statement finds the same ones again."""
        drawn = call("hash", Window("row_number")) % _LOTS
        relation = Select((Star(),), frame.relation, qualify=drawn < int(command.share * _LOTS))
        return replace(frame, relation=relation)

    def limit(self, frame: Frame, command: Limit) -> Frame:
        """Return the first rows."""
        return replace(_limited(frame, command.count), past="LIMIT")

    def stats(self, frame: Frame, command: Stats) -> Frame:
        """Return groups of rows with their aggregates."""
        return replace(grouped(frame, command, self._scope(frame)), past="INLINE STATS" if command.inline else "STATS")

    def expand(self, frame: Frame, command: MvExpand) -> Frame:
        """Return a row for each value of a column."""
        scope = self._scope(frame)
        _check(scope, command.column)
        operand = Lowering(scope).name(command.column)
        if not operand.multi:
            return frame
        value = call("unnest", call("coalesce", operand.expr, ListOf((null(SQL[operand.type]),))))
        expanded, (column,) = frame.with_columns([Operand(value, operand.type)])
        name = command.column.name
        attributes = tuple(Attribute(name, a.type, column) if a.name == name else a for a in frame.attributes)
        return replace(expanded, attributes=attributes)

    def dissect(self, frame: Frame, command: Dissect) -> Frame:
        """Return the rows with the parts of a text between separators."""
        scope = self._scope(frame)
        text = self._text(scope, command.operand, "Dissect")
        self.hazards.settle(frame.relation)
        return frame.with_values(dissected(scope.fresh, command, text))

    def grok(self, frame: Frame, command: Grok) -> Frame:
        """Return the rows with the parts of a text that fit a pattern."""
        scope = self._scope(frame)
        text = self._text(scope, command.operand, "Grok")
        self.hazards.settle(frame.relation)
        return frame.with_values(grokked(scope, command, text))

    @staticmethod
    def _text(scope: Scope, node: Node, command: str) -> Operand:
        _check(scope, node)
        operand = Lowering(scope).operand(node)
        if operand.type not in STRINGS | {"null"}:
            fail(node.at, f"{command} only supports KEYWORD or TEXT values, found expression [{node.text}] type "
                 f"[{shown(operand.type).upper()}]")  # fmt: skip
        return operand


def _row(values: Sequence[tuple[str, Operand]]) -> Frame:
    return Frame(Select((null("VARCHAR").named("nothing"),)), ()).with_values(values)


def _check(scope: Scope, *nodes: Any) -> None:
    problems = Problems()
    for node in nodes:
        check_names(node, scope, problems)
    problems.check()


def _reads(assigned: Assigned, names: set[str]) -> bool:
    return any(isinstance(node, Name) and node.name in names for node in nodes_of(assigned.expression))


def _matching(frame: Frame, pattern: NamePattern, problems: Problems) -> list[Attribute]:
    """Return the columns that a name or pattern means."""
    if pattern.tokens is None:
        found = [attribute for attribute in frame.attributes if attribute.name == pattern.text]
        if not found:
            names = [attribute.name for attribute in frame.attributes]
            problems.missing(pattern.at, f"Unknown column [{pattern.text}]{similar(pattern.text, names)}")
        return found
    found = [attribute for attribute in frame.attributes if fits(pattern.tokens, attribute.name)]
    if not found and pattern.text != "*":
        problems.missing(pattern.at, f"No matches found for pattern [{pattern.text}]")
    return found


_PROCESSED: dict[type[Command], Callable[[_Planner, Frame, Any], Frame]] = {
    Dissect: _Planner.dissect,
    Drop: _Planner.drop,
    Eval: _Planner.eval,
    Grok: _Planner.grok,
    Keep: _Planner.keep,
    Limit: _Planner.limit,
    MvExpand: _Planner.expand,
    Rename: _Planner.rename,
    Sample: _Planner.sample,
    Sort: _Planner.sort,
    Stats: _Planner.stats,
    Where: _Planner.where,
}
