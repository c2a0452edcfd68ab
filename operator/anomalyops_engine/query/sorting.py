"""`sort`: criteria, their order, and their values as hits show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Column, Expr, Literal, Order, call
from anomalyops_engine.query.fields import text_field_error
from anomalyops_engine.store import Field, Index
from anomalyops_engine.store.dates import format_millis
from anomalyops_engine.store.mapping import SQL_TYPES

_LONG_MAX, _LONG_MIN = 2**63 - 1, -(2**63)
_OPTIONS = {"order", "missing", "unmapped_type", "mode", "format", "numeric_type"}


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort criterion.

    Attributes:
        field: field name; `_doc` for the order of indexing, `_score` for the (constant) score.
        descending: largest first.
        missing_first: documents without the field come first.
        format: date format of the sort value in the answer, None for epoch milliseconds.
        mode: which of several values counts, `min` or `max`.
        unmapped: an index without the field is no error.
    """

    field: str
    descending: bool = False
    missing_first: bool = False
    format: str | None = None
    mode: str = "min"
    unmapped: bool = False

    def expression(self, index: Index) -> Expr:
        """Return the sort value in an index.

        Raises:
            IllegalQueryError: the field is not mapped, or is analysed text.
        """
        if self.field in {"_doc", "_seq_no"}:
            return Column("_seq_no")
        if self.field == "_score":
            return Literal(1.0)
        if self.field == "_id":
            return Column("_id")
        leaf = index.get(self.field)
        if leaf is None:
            if self.unmapped:
                return Literal(None)
            raise IllegalQueryError(f"No mapping found for [{self.field}] in order to sort on")
        if leaf.is_text:
            raise text_field_error(self.field)
        column = Column(leaf.column)
        if not leaf.multi:
            return column
        return call("list_max" if self.mode == "max" else "list_min", column)

    def order(self, column: str) -> Order:
        """Return the order by a column of sort values."""
        return Order(Column(column), self.descending, self.missing_first)

    def shown(self, value: Any, leaf: Field | None) -> Any:
        """Return the sort value as a hit shows it."""
        if value is None:
            if leaf is None or SQL_TYPES[leaf.type] not in {"BIGINT", "UBIGINT"}:
                return None
            return _LONG_MIN if self.descending != self.missing_first else _LONG_MAX
        if self.format is not None and leaf is not None and leaf.is_date:
            return format_millis(value, self.format)
        return value


def parse_sort(option: object) -> list[SortKey]:
    """Return the sort criteria of a request.

    Raises:
        QueryParsingError: malformed.
        UnsupportedQueryError: a kind of sort that this engine lacks.
    """
    if option is None:
        return []
    items: Sequence[object] = option if isinstance(option, list) else [option]
    return [key for item in items for key in _parse_item(item)]


def _parse_item(item: object) -> list[SortKey]:
    if isinstance(item, str):
        return [_key(item, {})]
    if not isinstance(item, dict):
        raise QueryParsingError(f"[sort] malformed, expected a field name or an object, got [{item}]")
    return [_key(name, options if isinstance(options, dict) else {"order": options}) for name, options in item.items()]


def _key(name: str, options: dict[str, Any]) -> SortKey:
    if name in {"_script", "_geo_distance"} or "nested" in options:
        raise UnsupportedQueryError(f"[sort] by [{name}] with [{', '.join(options)}] is not supported by this engine")
    for key in options:
        if key not in _OPTIONS:
            raise QueryParsingError(f"[sort] on [{name}]: unknown field [{key}]")
    order = str(options.get("order", "desc" if name == "_score" else "asc")).lower()
    if order not in {"asc", "desc"}:
        raise QueryParsingError(f"[sort] on [{name}]: [order] must be [asc] or [desc], got [{options['order']}]")
    missing = options.get("missing", "_last")
    if missing not in {"_last", "_first"}:
        raise UnsupportedQueryError(f"[sort] on [{name}]: [missing] must be [_last] or [_first], got [{missing}]")
    mode = options.get("mode", "max" if order == "desc" else "min")
    if mode not in {"min", "max"}:
        raise UnsupportedQueryError(f"[sort] on [{name}]: [mode] must be [min] or [max], got [{mode}]")
    return SortKey(
        name,
        descending=order == "desc",
        missing_first=missing == "_first",
        format=options.get("format"),
        mode=mode,
        unmapped="unmapped_type" in options,
    )
