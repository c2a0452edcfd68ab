"""What the histograms share: keys over values, empty buckets between the found ones, and their rendering."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from anomalyops_engine.query.aggregations.aggregation import Found, Inner, Render
from anomalyops_engine.query.aggregations.rows import Values
from anomalyops_engine.query.errors import IllegalQueryError, TooManyBucketsError, UnsupportedQueryError
from anomalyops_engine.query.expr import Column, Expr, Lambda, Literal, all_of, call, when
from anomalyops_engine.query.limits import limits

Ends = tuple[Any | None, Any | None]  # of a stretch; None is open


def check_ends(name: str, *, extended: Ends | None, hard: Ends | None) -> None:
    """Check that stretches go from low to high.

    Raises:
        IllegalQueryError: one does not.
    """
    for kind, ends in (("extended_bounds", extended), ("hard_bounds", hard)):
        low, high = ends or (None, None)
        if low is not None and high is not None and low > high:
            raise IllegalQueryError(
                f"[{kind}.min][{low}] cannot be greater than [{kind}.max][{high}] for histogram aggregation [{name}]"
            )


def check_inside(extended: Ends | None, hard: Ends | None) -> None:
    """Check that what is shown lies in what is counted.

    Raises:
        IllegalQueryError: it does not.
    """
    if extended is not None and hard is not None and not _lies_in(extended, hard):
        raise IllegalQueryError(
            f"Extended bounds have to be inside hard bounds, hard bounds: [{_shown(hard)}], extended bounds: "
            f"[{_shown(extended)}]"
        )


def _lies_in(inner: Ends, outer: Ends) -> bool:
    (first, last), (low, high) = inner, outer
    return not (
        (low is not None and first is not None and first < low)
        or (high is not None and last is not None and last > high)
    )


def _shown(ends: Ends) -> str:
    return "--".join("" if end is None else str(end) for end in ends)


def keys_over(values: Values, key_of: Callable[[Expr], Expr], *, hard: Ends | None) -> Expr:
    """Return the key of a row, or the list of its keys where the values are lists.

    Args:
        values: the values of a row.
        key_of: the key of one value, NULL for none.
        hard: values outside of [first, second) have no key.
    """
    whole = values.expression
    if values.multi:
        item = Column("item")
        if hard is not None:
            whole = call("list_filter", whole, Lambda("item", _within(item, hard)))
        keys = call("list_distinct", call("list_transform", whole, Lambda("item", key_of(item))))
        return call("list_filter", keys, Lambda("item", item.is_not_null()))
    return key_of(whole) if hard is None else when(_within(whole, hard), key_of(whole))


def _within(value: Expr, hard: Ends) -> Expr:
    low, high = hard
    above = [] if low is None else [value >= Literal(low)]
    return all_of([*above, *([] if high is None else [value < Literal(high)])])


def interval_renderer(
    name: str,
    *,
    minimum: int,
    order: tuple[tuple[str, bool], ...],
    keyed: bool,
    show: Callable[[Any], dict[str, Any]],
    following: Callable[[Any], Any],
    extended: Ends | None,
) -> Render:
    """Return the rendering of a histogram.

    Args:
        name: of the aggregation.
        minimum: fewest documents of a bucket that is shown.
        order: `order` of the request.
        keyed: give an object by key instead of a list.
        show: how a key looks.
        following: the key after a key.
        extended: first and last key that are shown even when nothing is there.

    Raises:
        UnsupportedQueryError: an order that the engine lacks.
    """
    if len(order) > 1 or order[0][0] not in {"_key", "_count"}:
        raise UnsupportedQueryError(f"[order] of aggregation [{name}] must be by [_key] or [_count] in this engine")
    what, descending = order[0]

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in sorted(found, key=lambda bucket: bucket.key)}
        if minimum == 0:
            counts = _fill(counts, following, extended)
        items = [(key, number) for key, number in counts.items() if number >= minimum]
        if what == "_count":
            items.sort(key=lambda item: -item[1] if descending else item[1])
        elif descending:
            items.reverse()
        buckets = [{**show(key), "doc_count": number, **inner(key)} for key, number in items]
        if keyed:
            return {"buckets": {str(bucket.get("key_as_string", bucket["key"])): bucket for bucket in buckets}}
        return {"buckets": buckets}

    return render


def _fill(counts: dict[Any, int], following: Callable[[Any], Any], extended: Ends | None) -> dict[Any, int]:
    """Return the counts with the empty buckets between the first and the last key put in."""
    shown = [] if extended is None else [end for end in extended if end is not None]
    if not counts and len(shown) < 2:
        return counts
    edges = [*counts, *shown]
    key, last = min(edges), max(edges)
    filled: dict[Any, int] = {}
    most = limits().buckets
    remaining = dict(counts)
    while key <= last:
        filled[key] = remaining.pop(key, 0)
        after = following(key) if math.isfinite(key) else key
        # Where the interval is finer than the numbers are there is no next key.
        if len(filled) > most or not after > key:
            raise TooManyBucketsError(most)
        key = after
    # A fractional interval may reach a key by another rounding than the database did.
    return dict(sorted({**filled, **remaining}.items())) if remaining else filled
