"""`range`: documents with a value between bounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.dsl.bodies import field_body, only
from anomalyops_engine.query.dsl.clause import Clause, Scope, some_value
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import FALSE, Column, Compare, Comparison, Expr, Literal, all_of
from anomalyops_engine.query.values import bound_value
from anomalyops_engine.store import Field
from anomalyops_engine.store.dates import UnknownDateFormatError, zone
from anomalyops_engine.store.mapping import DATES

_OPTIONS = frozenset({"gt", "gte", "lt", "lte", "from", "to", "include_lower", "include_upper"}) | frozenset(
    {"format", "time_zone", "boost", "relation", "_name"}
)
_SIGNS: tuple[tuple[str, Comparison], ...] = (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<="))


@dataclass(frozen=True, slots=True)
class Range(Clause):
    """Documents with a value of a field that fulfils all comparisons; with a value at all when there are none.

    Attributes:
        field: its name.
        bounds: comparison and bound.
        format: date format of the bounds, None for the field's own.
        time_zone: zone of dates without one, None for UTC.
    """

    field: str
    bounds: tuple[tuple[Comparison, Any], ...]
    format: object = None
    time_zone: object = None

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if self.field == "_id":
            raise UnsupportedQueryError("[range] on [_id] is not supported by this engine")
        leaf = scope.index.get(self.field)
        if leaf is None:
            return FALSE
        if leaf.is_text:
            raise UnsupportedQueryError(
                f"[range] on [text] field [{self.field}] is not supported; use [{self.field}.keyword]"
            )
        if not self.bounds:
            return Column(leaf.column).is_not_null()
        limits = [(sign, Literal(self._bound(leaf, sign, value, scope))) for sign, value in self.bounds]
        return some_value(leaf, lambda value: all_of([Compare(sign, value, limit) for sign, limit in limits]))

    def _bound(self, leaf: Field, sign: Comparison, value: object, scope: Scope) -> Any:
        if leaf.type not in DATES:
            return bound_value(leaf, value)
        try:
            return resolve_date(
                value,
                leaf.formats if self.format is None else str(self.format),
                round_up=sign in {">", "<="},
                tz=zone(str(self.time_zone)) if self.time_zone else UTC,
                now_ms=scope.now_ms,
            )
        except UnknownDateFormatError as error:
            raise IllegalQueryError(str(error)) from None
        except ValueError as error:
            raise QueryParsingError(f"[range] on [{leaf.path}]: {error}") from None


def read_range(body: object) -> Clause:
    """Read `range`.

    Raises:
        QueryError: malformed.
    """
    name, options = field_body("range", body)
    only("range", options, _OPTIONS)
    bounds = [(sign, options[key]) for key, sign in _SIGNS if options.get(key) is not None]
    if options.get("from") is not None:
        bounds.append((">=" if options.get("include_lower", True) else ">", options["from"]))
    if options.get("to") is not None:
        bounds.append(("<=" if options.get("include_upper", True) else "<", options["to"]))
    return Range(name, tuple(bounds), options.get("format"), options.get("time_zone"))
