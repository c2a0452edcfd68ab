"""What can go wrong with single rows of a statement, and the warnings that tell of it.

Where a function of one value meets several, or cannot be computed, it is NULL and the statement goes on; the client is
told once for each place in the statement, with the first reasons. While expressions are lowered it is noted which
conditions would be such failures; after the statement they are asked of the rows that the expressions were computed of.
What would cost as much as the statement itself and hardly ever happens (sums beyond 64 bits) is asked of written rows
alone, not of documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.query.esql.operands import Operand
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.expr import (
    Aggregate,
    Column,
    Expr,
    Join,
    Literal,
    Relation,
    Select,
    Table,
    Union,
    With,
    any_of,
    call,
    when,
)

SEVERAL: Final = "java.lang.IllegalArgumentException: single-value function encountered multi-value"
_MOST: Final = 20
_MOST_PLACES: Final = 64
_LONGEST: Final = 500
"""Characters of an expression, or of a reason, that are told."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """A failure that rows may have.

    Attributes:
        at: the expression that fails.
        reason: why, a text or NULL for a row; or a list of such, where `several`.
        several: whether a row may have several reasons, which differ between rows.
        outcome: what the expression is then.
        costly: whether looking for it is worth it for written rows alone.
    """

    at: Place
    reason: Expr
    several: bool = False
    outcome: str = "null"
    costly: bool = False


@dataclass(slots=True)
class Hazards:
    """The failures to look for.

    Attributes:
        waiting: those of expressions of which it is not yet known what rows they are computed of.
        checks: rows, with what may fail with them.
    """

    waiting: list[Hazard] = field(default_factory=list)
    checks: list[tuple[Relation, list[Hazard]]] = field(default_factory=list)

    def note(self, hazard: Hazard) -> None:
        """Note what may fail."""
        self.waiting.append(hazard)

    def note_several(self, at: Place, operands: Sequence[Operand], outcome: str = "null") -> None:
        """Note that something is computed of one value each, where there may be several."""
        lists = [operand.expr for operand in operands if operand.multi]
        if lists:
            failed = any_of(call("len", values) > 1 for values in lists)
            self.note(Hazard(at, when(failed, Literal(SEVERAL)), outcome=outcome))

    def settle(self, relation: Relation) -> None:
        """Let what waits be looked for in some rows."""
        found = [hazard for hazard in self.waiting if not hazard.costly or not _reads_documents(relation)]
        if found:
            self.checks.append((relation, found))
        self.waiting.clear()

    def take(self, other: Hazards) -> None:
        """Take over what is to be looked for elsewhere."""
        self.checks += other.checks

    def warnings(self, fetch: Callable[[Relation], Sequence[tuple[Any, ...]]]) -> list[str]:
        """Return what the client is told, each place once.

        Args:
            fetch: returns the rows of a relation.
        """
        reasons: dict[tuple[str, str], dict[str, None]] = {}
        left = _MOST_PLACES
        for relation, hazards in self.checks:
            chosen, left = hazards[:left], left - len(hazards)
            for hazard, found in zip(chosen, _found(relation, chosen, fetch), strict=True):
                place = f"Line {hazard.at.line}:{hazard.at.column}"
                text = hazard.at.text[:_LONGEST]
                head = f"{place}: evaluation of [{text}] failed, treating result as {hazard.outcome}."
                told = reasons.setdefault((place, f"{head} Only first {_MOST} failures recorded."), {})
                told.update(dict.fromkeys(reason[:_LONGEST] for reason in found))
            if left <= 0:
                break
        return [
            text
            for (place, head), told in reasons.items()
            if told
            for text in (head, *(f"{place}: {reason}" for reason in list(told)[:_MOST]))
        ]


def _found(
    relation: Relation, hazards: Sequence[Hazard], fetch: Callable[[Relation], Sequence[tuple[Any, ...]]]
) -> list[list[str]]:
    """Return the reasons that rows have, for each of what may fail."""
    plain = [hazard for hazard in hazards if not hazard.several]
    told: dict[int, list[str]] = {}
    if plain:
        columns = tuple(Aggregate("max", (hazard.reason,)).named(f"h{number}") for number, hazard in enumerate(plain))
        (row,) = fetch(Select(columns, relation))
        told = {id(hazard): [] if text is None else [text] for hazard, text in zip(plain, row, strict=True)}
    for hazard in hazards:
        if hazard.several:
            reason = Column("reason")
            inner = Select((call("unnest", hazard.reason).named("reason"),), relation)
            listed = Select((reason.named("reason"),), inner, reason.is_not_null(), group=(reason,), limit=_MOST)
            told[id(hazard)] = [text for (text,) in fetch(listed)]
    return [told[id(hazard)] for hazard in hazards]


def _reads_documents(relation: Relation) -> bool:
    if isinstance(relation, Table):
        return True
    if isinstance(relation, Select):
        return relation.source is not None and _reads_documents(relation.source)
    if isinstance(relation, Union):
        return any(map(_reads_documents, relation.members))
    if isinstance(relation, Join):
        return any(_reads_documents(member.relation) for member in relation.members)
    return isinstance(relation, With)
