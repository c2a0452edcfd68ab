"""Clauses about clauses, and about nothing: `bool`, `constant_score`, `match_all`, `match_none`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from anomalyops_engine.query.dsl.bodies import object_body, only
from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.errors import QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import FALSE, TRUE, Expr, ListOf, all_of, any_of, call, when

_Parse = Callable[[object], Clause]
_BOOL_LISTS = frozenset({"must", "filter", "should", "must_not"})


@dataclass(frozen=True, slots=True)
class Bool(Clause):
    """All of `required`, none of `excluded`, and at least `needed` of `optional`."""

    required: tuple[Clause, ...]
    optional: tuple[Clause, ...]
    excluded: tuple[Clause, ...]
    needed: int

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        required = [clause.lower(scope) for clause in self.required]
        optional = [clause.lower(scope) for clause in self.optional]
        excluded = [clause.lower(scope).is_not_true() for clause in self.excluded]
        return all_of([*required, _at_least(self.needed, optional), *excluded])


def _at_least(needed: int, conditions: list[Expr]) -> Expr:
    if needed > len(conditions):
        return FALSE
    if needed == 0:
        return TRUE
    if needed == 1:
        return any_of(conditions)
    return call("list_sum", ListOf(tuple(when(condition, 1, 0) for condition in conditions))) >= needed


def read_bool(body: object, parse: _Parse) -> Clause:
    """Read `bool`.

    Raises:
        QueryError: malformed or not supported.
    """
    options = object_body("bool", body)
    only("bool", options, _BOOL_LISTS | {"minimum_should_match", "boost", "_name", "adjust_pure_negative"})
    clauses = {key: _clauses(key, options.get(key), parse) for key in _BOOL_LISTS}
    required, optional = clauses["must"] + clauses["filter"], clauses["should"]
    minimum = options.get("minimum_should_match")
    needed = at_least(minimum, len(optional)) if minimum is not None else int(bool(optional) and not required)
    return Bool(required, optional, clauses["must_not"], needed)


def _clauses(key: str, value: object, parse: _Parse) -> tuple[Clause, ...]:
    if value is None:
        return ()
    if not isinstance(value, dict | list):
        raise QueryParsingError(f"[bool] query: [{key}] must be an object or an array of objects, got [{value}]")
    return tuple(parse(item) for item in (value if isinstance(value, list) else [value]))


def at_least(value: object, count: int) -> int:
    """Return how many of `count` optional clauses must match (`2`, `-1`, `75%`, `-25%`).

    Raises:
        UnsupportedQueryError: any other form.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        match = re.fullmatch(r"(-?\d+)(%?)", str(value).strip())
        if match is None:
            raise UnsupportedQueryError(f"[minimum_should_match] of [{value}] is not supported by this engine")
        number = int(match[1])
        if match[2]:
            share = abs(number) * count // 100
            number = share if number >= 0 else count - share
            return max(0, number)
    return max(0, number if number >= 0 else count + number)


@dataclass(frozen=True, slots=True)
class MatchAll(Clause):
    """Every document."""

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return TRUE


@dataclass(frozen=True, slots=True)
class MatchNone(Clause):
    """No document."""

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return FALSE


def read_match_all(body: object) -> Clause:
    """Read `match_all`.

    Raises:
        QueryError: malformed.
    """
    only("match_all", object_body("match_all", body), {"boost", "_name"})
    return MatchAll()


def read_match_none(body: object) -> Clause:
    """Read `match_none`.

    Raises:
        QueryError: malformed.
    """
    only("match_none", object_body("match_none", body), {"boost", "_name"})
    return MatchNone()


def read_constant_score(body: object, parse: _Parse) -> Clause:
    """Read `constant_score`, which is its filter.

    Raises:
        QueryError: malformed or not supported.
    """
    options = object_body("constant_score", body)
    only("constant_score", options, {"filter", "boost", "_name"})
    if "filter" not in options:
        raise QueryParsingError("[constant_score] requires a 'filter' element")
    return parse(options["filter"])
