"""Clauses about exact values: `term`, `terms`, `ids`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query import analysis
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.dsl.bodies import field_body, object_body, only
from anomalyops_engine.query.dsl.clause import Clause, Scope, some_value
from anomalyops_engine.query.dsl.patterns import Pattern, wildcard_match
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import FALSE, TRUE, Column, Expr, Literal, all_of, any_of, call, one_of
from anomalyops_engine.query.values import column_value
from anomalyops_engine.store import Field
from anomalyops_engine.store.mapping import DATES


@dataclass(frozen=True, slots=True)
class Terms(Clause):
    """Documents that have one of some values in a field, exactly; words of analysed text."""

    field: str
    values: tuple[Any, ...]

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if self.field == "_id":
            return one_of(Column("_id"), [str(value) for value in self.values])
        if self.field == "_index":
            return TRUE if any(wildcard_match(str(v), scope.index.name) for v in self.values) else FALSE
        leaf = scope.index.get(self.field)
        if leaf is None:
            return FALSE
        if leaf.is_text:
            words = Literal(tuple(str(value) for value in self.values))
            return some_value(leaf, lambda text: call("list_has_any", analysis.words_of(text), words))
        if leaf.type == "ip" and any("/" in str(value) for value in self.values):
            raise UnsupportedQueryError(f"CIDR terms on [ip] field [{self.field}] are not supported by this engine")
        if leaf.type in DATES:
            return any_of([_moment(leaf, value, scope) for value in self.values])
        wanted = [v for v in (column_value(leaf, value) for value in self.values) if v is not None]
        if leaf.multi:
            return call("list_has_any", Column(leaf.column), Literal(tuple(wanted))) if wanted else FALSE
        return one_of(Column(leaf.column), wanted)


def _moment(leaf: Field, value: object, scope: Scope) -> Expr:
    low = resolve_date(value, leaf.formats, now_ms=scope.now_ms)
    high = resolve_date(value, leaf.formats, now_ms=scope.now_ms, round_up=True)
    return some_value(leaf, lambda moment: all_of([moment >= low, moment <= high]))


def read_term(body: object) -> Clause:
    """Read `term`.

    Raises:
        QueryError: malformed.
    """
    name, options = field_body("term", body, short="value")
    only("term", options, {"value", "case_insensitive", "boost", "_name"})
    value = options.get("value")
    if value is None:
        raise IllegalQueryError("value cannot be null")
    if isinstance(value, list | dict):
        raise QueryParsingError(f"[term] query does not support an array or object of values for field [{name}]")
    if options.get("case_insensitive") is True:
        return Pattern(name, "^" + re.escape(str(value)) + "$", insensitive=True)
    return Terms(name, (value,))


def read_terms(body: object) -> Clause:
    """Read `terms`.

    Raises:
        QueryError: malformed, or a lookup of terms.
    """
    options = {key: value for key, value in object_body("terms", body).items() if key not in {"boost", "_name"}}
    if len(options) != 1:
        raise QueryParsingError("[terms] query requires exactly one field name")
    ((name, values),) = options.items()
    if isinstance(values, dict):
        raise UnsupportedQueryError("[terms] lookup is not supported by this engine")
    if not isinstance(values, list):
        raise QueryParsingError(f"[terms] query does not support [{name}] with a value that is not an array")
    if any(value is None for value in values):
        raise IllegalQueryError("No value specified for terms query")
    return Terms(name, tuple(values))


@dataclass(frozen=True, slots=True)
class Ids(Clause):
    """Documents by id."""

    values: Sequence[str]

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return one_of(Column("_id"), self.values)


def read_ids(body: object) -> Clause:
    """Read `ids`.

    Raises:
        QueryError: malformed.
    """
    options = object_body("ids", body)
    only("ids", options, {"values", "boost", "_name"})
    values = options.get("values")
    if not isinstance(values, list | str):
        raise QueryParsingError("[ids] requires providing a values element")
    return Ids(tuple(str(value) for value in (values if isinstance(values, list) else [values])))
