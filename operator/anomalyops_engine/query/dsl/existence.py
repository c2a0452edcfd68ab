"""`exists`: documents that have a value."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops_engine.query.dsl.bodies import object_body, only
from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.errors import QueryParsingError
from anomalyops_engine.query.expr import TRUE, Column, Expr, any_of


@dataclass(frozen=True, slots=True)
class Exists(Clause):
    """Documents with a value in a field, in a field below an object, or in one that fits a pattern."""

    field: str

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if self.field in {"_id", "_index", "_source"}:
            return TRUE
        leaf = scope.index.get(self.field)
        leaves = [leaf] if leaf is not None else scope.index.mapping.matching(self.field)
        return any_of(Column(leaf.column).is_not_null() for leaf in leaves)


def read_exists(body: object) -> Clause:
    """Read `exists`.

    Raises:
        QueryError: malformed.
    """
    options = object_body("exists", body)
    only("exists", options, {"field", "boost", "_name"})
    name = options.get("field")
    if not isinstance(name, str):
        raise QueryParsingError("[exists] must be provided with a [field]")
    return Exists(name)
