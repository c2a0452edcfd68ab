"""What lowering an expression needs to know: the columns, the present, and how to refuse."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from anomalyops_engine.query.esql.errors import verification_error
from anomalyops_engine.query.esql.frames import Attribute
from anomalyops_engine.query.esql.hazards import Hazards
from anomalyops_engine.query.esql.operands import Fresh
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.syntax import Node
from anomalyops_engine.query.expr import Aggregate, AggregateFunction, Expr, Relation


class MakeAggregate(Protocol):
    """Makes an aggregate."""

    def __call__(
        self, function: AggregateFunction, arguments: tuple[Expr, ...] = (), *, distinct: bool = False
    ) -> Expr:
        """Return the aggregate of a function over what it is given."""


@dataclass(slots=True)
class Scope:
    """Where an expression stands.

    Attributes:
        attributes: the columns, by name.
        now_ms: the present, epoch milliseconds.
        fresh: names for lambdas.
        aggregate: makes an aggregate of the rows that count.
        searches: the columns of full-text functions.
        past: as in `Frame`.
        folded: returns what an expression without columns is worth.
        hazards: what may fail with single rows.
        fetched: returns the rows of a relation; None where nothing may be asked before all is planned.
    """

    attributes: Mapping[str, Attribute]
    now_ms: int
    fresh: Fresh = field(default_factory=Fresh)
    aggregate: MakeAggregate = Aggregate
    searches: Mapping[Node, str] = field(default_factory=dict)
    past: str = ""
    folded: Callable[[Expr], Any] | None = None
    hazards: Hazards = field(default_factory=Hazards)
    fetched: Callable[[Relation], Sequence[tuple[Any, ...]]] | None = None


def fail(place: Place, what: str) -> NoReturn:
    """Refuse the statement for what does not go together.

    Raises:
        VerificationError: always.
    """
    raise verification_error([(place, what)])


def similar(name: str, known: Collection[str]) -> str:
    """Return the end of a message about an unknown name: which known ones may be meant."""
    found = difflib.get_close_matches(name, known, n=5, cutoff=0.7)
    if not found:
        return ""
    return f", did you mean [{found[0]}]?" if len(found) == 1 else f", did you mean any of [{', '.join(found)}]?"


def nodes_of(node: Node) -> Iterator[Node]:
    """Yield an expression and all in it, in the order of the text."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        inner: list[Node] = []
        for each in dataclasses.fields(found):
            value = getattr(found, each.name)
            if isinstance(value, Node):
                inner.append(value)
            elif isinstance(value, tuple):
                inner += [item for item in value if isinstance(item, Node)]
        waiting += reversed(inner)
