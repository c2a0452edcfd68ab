"""`range`: documents with a value between bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from anomalyops_engine.query import analysis
from anomalyops_engine.query.date_options import date_format, named_zone
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.dsl.clause import Clause, ClauseSubject, Scope, field_body, some_value
from anomalyops_engine.query.dsl.identity import ID_FIELD, INDEX_FIELD
from anomalyops_engine.query.errors import DateBoundError, DateParseError, IllegalQueryError
from anomalyops_engine.query.expr import FALSE, Column, Compare, Comparison, Expr, Lambda, Literal, all_of, call
from anomalyops_engine.query.options import Scalar, boolean, option, read_options, scalar, word
from anomalyops_engine.query.spans import Wanted, end_of, lies
from anomalyops_engine.query.values import as_text, bound_value, compare_numbers, epoch_numbers
from anomalyops_engine.store import Field
from anomalyops_engine.store.fieldtypes.spans import End
from anomalyops_engine.store.mapping import FLOATS

_LOWER: Mapping[str, bool | None] = {"gt": False, "gte": True, "from": None, "include_lower": None}
_UPPER: Mapping[str, bool | None] = {"lt": False, "lte": True, "to": None, "include_upper": None}


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range; no value is no limit."""

    value: Scalar | None = None
    included: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Clause):
    """Documents with a value of a field between two bounds; with a value at all when both are open.

    Attributes:
        field: its name.
        lower_bound: the smaller end.
        upper_bound: the larger end.
        format: date format of the bounds, None for the field's own.
        time_zone: zone of dates without one.
    """

    field: str
    lower_bound: Bound = Bound()
    upper_bound: Bound = Bound()
    format: str | None = option(date_format, None)
    time_zone: tzinfo = option(named_zone, UTC)
    # For fields of single values these are all the same.
    relation: str = option(word({"intersects", "contains", "within"}), "intersects")
    gt: Scalar | None = option(scalar, None, nullable=True)
    gte: Scalar | None = option(scalar, None, nullable=True)
    lt: Scalar | None = option(scalar, None, nullable=True)
    lte: Scalar | None = option(scalar, None, nullable=True)
    start: Scalar | None = option(scalar, None, key="from", nullable=True)
    end: Scalar | None = option(scalar, None, key="to", nullable=True)
    include_lower: bool = option(boolean, default=True)
    include_upper: bool = option(boolean, default=True)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if self.field in {ID_FIELD, INDEX_FIELD}:
            raise IllegalQueryError(f"Field [{self.field}] of type [{self.field}] does not support range queries")
        leaf = scope.searched(self.field)
        if leaf is None:
            return FALSE
        if leaf.type in {"geo_point", "binary"}:
            raise IllegalQueryError(f"Field [{self.field}] of type [{leaf.type}] does not support range queries")
        if leaf.is_range:
            wanted = self._wanted(leaf, scope)
            return some_value(leaf, lambda value: lies(leaf, value, wanted, self.relation))
        limits = self._limits(leaf, scope)
        if not limits:
            return Column(leaf.column).is_not_null()

        def within(value: Expr) -> Expr:
            if leaf.type in FLOATS:
                return all_of([compare_numbers(sign, value, limit) for sign, limit in limits])
            return all_of([Compare(sign, value, Literal(limit)) for sign, limit in limits])

        if leaf.is_text:
            return some_value(leaf, lambda value: _some_word(leaf, value, within(Column("word"))))
        return some_value(leaf, within)

    def _limits(self, leaf: Field, scope: Scope) -> list[tuple[Comparison, Any]]:
        limits: list[tuple[Comparison, Any]] = []
        low, high = self.lower_bound, self.upper_bound
        if low.value is not None:
            limits.append((">=" if low.included else ">", self._limit(leaf, low.value, scope, up=not low.included)))
        if high.value is not None:
            limits.append(("<=" if high.included else "<", self._limit(leaf, high.value, scope, up=high.included)))
        return limits

    def _wanted(self, leaf: Field, scope: Scope) -> Wanted:
        low, high = self.lower_bound, self.upper_bound
        return Wanted(
            None if low.value is None else self._end(leaf, low.value, scope, up=not low.included),
            None if high.value is None else self._end(leaf, high.value, scope, up=high.included),
            low.included,
            high.included,
        )

    def _end(self, leaf: Field, value: Scalar, scope: Scope, *, up: bool) -> End:
        return int(self._moment(leaf, value, scope, up=up)) if leaf.type == "date_range" else end_of(leaf, value)

    def _limit(self, leaf: Field, value: Scalar, scope: Scope, *, up: bool) -> Any:
        if not leaf.is_date:
            return as_text(value) if leaf.is_text else bound_value(leaf, value)
        return self._moment(leaf, value, scope, up=up)

    def _moment(self, leaf: Field, value: Scalar, scope: Scope, *, up: bool) -> int:
        if self.format is None:
            # One number makes both bounds milliseconds, whatever the field's format is.
            numbers = (self.lower_bound.value, self.upper_bound.value)
            formats = epoch_numbers(leaf.formats, *numbers)
        else:
            formats = self.format
        try:
            return resolve_date(value, formats, round_up=up, tz=self.time_zone, now_ms=scope.now_ms)
        except DateParseError as error:
            raise DateBoundError(error.reason, error.cause) from None


def _some_word(leaf: Field, value: Expr, condition: Expr) -> Expr:
    words = call("list_filter", analysis.words_of(value, leaf.analyzer), Lambda("word", condition))
    return call("len", words) > 0


def read_range(body: object) -> Clause:
    """Read `range`; of several keys for the same end the last one counts.

    Raises:
        QueryError: malformed.
    """
    name, options = field_body("range", body)
    subject = ClauseSubject("range")
    read = read_options(Range, options, subject, field=name)
    values = {"gt": read.gt, "gte": read.gte, "from": read.start, "lt": read.lt, "lte": read.lte, "to": read.end}
    inclusions = {"include_lower": read.include_lower, "include_upper": read.include_upper}
    ends = []
    for keys in (_LOWER, _UPPER):
        bound = Bound()
        for key in options:
            if key in keys:
                included = keys[key]
                bound = Bound(
                    values.get(key, bound.value),
                    inclusions.get(key, bound.included) if included is None else included,
                )
        ends.append(bound)
    return Range(
        field=name,
        lower_bound=ends[0],
        upper_bound=ends[1],
        format=read.format,
        relation=read.relation,
        time_zone=read.time_zone,
        boost=read.boost,
        name=read.name,
    )
