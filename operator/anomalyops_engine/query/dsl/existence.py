"""`exists`: documents that have a value."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops_engine.query.dsl.clause import Clause, ClauseSubject, Scope, options_body
from anomalyops_engine.query.dsl.identity import IGNORED_FIELD
from anomalyops_engine.query.errors import IllegalQueryError, QueryError, QueryParsingError, QueryShardError
from anomalyops_engine.query.expr import TRUE, Column, Expr, any_of
from anomalyops_engine.query.fields import leaves_matching
from anomalyops_engine.query.options import MistypedError, option, read_options, text, token_of
from anomalyops_engine.store import Field

_IN_EVERY_DOCUMENT = frozenset({"_id", "_index", "_seq_no", "_version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists(Clause):
    """Documents with a value in a field, in a field below an object, or in one that fits a pattern."""

    field: str = option(text)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if self.field in _IN_EVERY_DOCUMENT:
            return TRUE
        if self.field in {"_routing", IGNORED_FIELD}:
            return Column(self.field).is_not_null()
        if self.field in {"_source", "*"}:
            raise QueryShardError("The _source field is not searchable")
        leaves = [leaf for leaf in leaves_matching(scope.index, self.field) if _is_noted(leaf)]
        return any_of(Column(leaf.column).is_not_null() for leaf in leaves)


def _is_noted(leaf: Field) -> bool:
    """Return whether an index notes which documents have the field; of what is binary only where it is told to."""
    if leaf.type == "binary":
        return bool(leaf.definition.get("doc_values", False) or leaf.definition.get("store", False))
    return leaf.searchable


class _ExistsSubject(ClauseSubject):
    """The clause, whose parser looks at the kind of a value before it reads it."""

    __slots__ = ()

    def mistyped(self, key: str, error: MistypedError) -> QueryError:
        """Return the error of an option that is given another kind of JSON value than it takes."""
        if isinstance(error.value, str | int | float):
            return super().mistyped(key, error)
        return QueryParsingError(f"[{self.kind}] unknown token [{token_of(error.value)}] after [{key}]")


def read_exists(body: object) -> Clause:
    """Read `exists`.

    Raises:
        QueryError: malformed.
    """
    clause = read_options(Exists, options_body("exists", body), _ExistsSubject("exists"))
    if not clause.field:
        raise IllegalQueryError("field name is null or empty")
    return clause
