"""What every clause of the Query DSL is: a record that an index turns into a condition.

A condition is TRUE for a document that matches and FALSE or NULL for one that does not; only `must_not` turns that
round, with `IS NOT TRUE`. So range and term conditions stay in the plain form that the database can push into its
scan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from anomalyops_engine.query.expr import Column, Expr, Lambda, call
from anomalyops_engine.store import Field, Index


@dataclass(frozen=True, slots=True)
class Scope:
    """What the clauses of one request are lowered for.

    Attributes:
        index: whose fields they name.
        now_ms: the present that `now` means, epoch milliseconds.
    """

    index: Index
    now_ms: int


class Clause(ABC):
    """One clause of a query, well formed and independent of any index."""

    __slots__ = ()

    @abstractmethod
    def lower(self, scope: Scope) -> Expr:
        """Return the condition on the documents of an index.

        Raises:
            IllegalQueryError: a value does not fit its field.
            UnsupportedQueryError: the field's type does not go with this clause in this engine.
        """


def some_value(leaf: Field, condition: Callable[[Expr], Expr]) -> Expr:
    """Return that some value of the field fulfils a condition, for single and list columns alike."""
    if not leaf.multi:
        return condition(Column(leaf.column))
    matching = call("list_filter", Column(leaf.column), Lambda("item", condition(Column("item"))))
    return call("len", matching) > 0
