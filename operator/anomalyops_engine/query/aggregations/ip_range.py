"""`ip_range`: buckets between addresses, or of blocks of them, that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.filters import numbers_of
from anomalyops_engine.query.aggregations.rows import Rows, Values
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Column, Expr, Lambda, Literal, all_of, call
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    boolean,
    list_of,
    option,
    read_options,
    scalar,
    text,
)
from anomalyops_engine.store import ip


def _address(value: object) -> str:
    """Read an address, in the form in which it is kept."""
    given = text(value)
    try:
        return ip.stored(given)
    except ValueError as error:
        raise IllegalQueryError(str(error)) from None


def _block(value: object) -> str:
    """Read a block of addresses."""
    given = text(value)
    try:
        if not ip.is_block(given):
            raise IllegalQueryError(f"Expected [ip/prefix] but was [{given}]")
        ip.block(given)
    except ValueError as error:
        raise IllegalQueryError(str(error)) from None
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class IpItem:
    """Addresses from `lower` up to `upper`, exclusive; or those of a block."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    key: str | None = option(text, None)
    lower: str | None = option(_address, None, key="from", nullable=True)
    upper: str | None = option(_address, None, key="to", nullable=True)
    mask: str | None = option(_block, None)

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """The first address that is inside and the first above it, as they are kept; None where there is none."""
        if self.mask is None:
            return self.lower, self.upper
        low, high = ip.block(self.mask)
        return (None if int(low, 16) == 0 else low), high

    @property
    def shown(self) -> dict[str, Any]:
        """What the answer says of it."""
        low, high = (None if bound is None else _shown(bound) for bound in self.bounds)
        between = f"{'*' if low is None else low}-{'*' if high is None else high}"
        answer = {"key": self.key or self.mask or between, "from": low, "to": high}
        return {name: part for name, part in answer.items() if part is not None}


def _shown(bound: str) -> str:
    """Return an address as answers show it, of the form in which it is kept or of its bits alone."""
    if len(bound) > ip.KEY_LENGTH:
        return ip.shown(bound)
    return ip.shown(ip.stored(":".join(bound[place : place + 4] for place in range(0, ip.KEY_LENGTH, 4))))


def _items(value: object) -> tuple[IpItem, ...]:
    """Read `ranges`; a mask stands alone."""
    subject = Subject("range")

    def read(item: object) -> IpItem:
        if not isinstance(item, dict):
            raise MistypedError(item)
        found = read_options(IpItem, item, subject)
        if found.mask is not None and (found.lower is not None or found.upper is not None):
            raise IllegalQueryError("Cannot specify [mask] together with [from] or [to] in a range")
        return found

    return list_of(read)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class IpRange(BucketAggregation):
    """One bucket for each range of the addresses of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "format"})

    field: str = option(text)
    ranges: tuple[IpItem, ...] = option(_items, ())
    keyed: bool = option(boolean, default=False)
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field)
        if column.leaf is not None and not column.field.is_ip:
            raise IllegalQueryError(
                f"Field [{self.field}] of type [{column.type_name}] is not supported for aggregation [ip_range]"
            )
        if not self.ranges:
            raise IllegalQueryError(f"No [ranges] specified for the [{name}] aggregation")
        values = column.filled(self.missing)
        # Answers come in the order of the bounds, whatever that of the request is.
        items = sorted(self.ranges, key=_place)

        def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
            counts = {bucket.key: bucket.count for bucket in found}
            buckets = [
                {**item.shown, "doc_count": counts.get(number, 0), **inner(number)} for number, item in enumerate(items)
            ]
            if self.keyed:
                return {"buckets": {bucket.pop("key"): bucket for bucket in buckets}}
            return {"buckets": buckets}

        key = numbers_of([_some_within(values, *item.bounds) for item in items])
        return Bucketing(name=name, typed_name="ip_range", key=key, render=render, is_list=True)


def _place(item: IpItem) -> tuple[str, bool, str]:
    low, high = item.bounds
    return low or "", high is None, high or ""


def _some_within(values: Values, low: str | None, high: str | None) -> Expr:
    """Return that some address lies in [low, high)."""

    def within(value: Expr) -> Expr:
        limits = [] if low is None else [value >= Literal(low[: ip.KEY_LENGTH])]
        limits += [] if high is None else [value < Literal(high[: ip.KEY_LENGTH])]
        return all_of(limits or [value.is_not_null()])

    if not values.multi:
        return within(values.expression)
    return call("len", call("list_filter", values.expression, Lambda("item", within(Column("item"))))) > 0
