"""`exists`: documents that have a value."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops_engine.query.dsl.clause import Clause, ClauseSubject, Scope, options_body
from anomalyops_engine.query.errors import QueryShardError
from anomalyops_engine.query.expr import TRUE, Column, Expr, any_of
from anomalyops_engine.query.fields import leaves_matching
from anomalyops_engine.query.options import option, read_options, text

_IN_EVERY_DOCUMENT = frozenset({"_id", "_index", "_seq_no", "_version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists(Clause):
    """Documents with a value in a field, in a field below an object, or in one that fits a pattern."""

    field: str = option(text)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if self.field in _IN_EVERY_DOCUMENT:
            return TRUE
        if self.field in {"_source", "*"}:
            raise QueryShardError("The _source field is not searchable")
        # What is binary is kept, but neither indexed nor in columns of its own on a cluster.
        leaves = [
            leaf for leaf in leaves_matching(scope.index, self.field) if leaf.searchable and leaf.type != "binary"
        ]
        return any_of(Column(leaf.column).is_not_null() for leaf in leaves)


def read_exists(body: object) -> Clause:
    """Read `exists`.

    Raises:
        QueryError: malformed.
    """
    subject = ClauseSubject("exists", required="[exists] must be provided with a [field]")
    return read_options(Exists, options_body("exists", body), subject)
