"""Answers as rows: the same values, whichever way they came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from anomalyops_insight.errors import BadRequestError
from anomalyops_insight.query.question import Gap, Kind, Question, Sort

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a question was answered with.

    Attributes:
        rows: Values by name: texts, numbers, flags, times as `datetime` of UTC; several values as a sorted tuple.
        complete: Whether no row was left out for being too many.
        index_missing: Whether no index has that name.
    """

    rows: tuple[Row, ...]
    complete: bool = True
    index_missing: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def only(self) -> Row:
        """The first row, empty where there is none."""
        return self.rows[0] if self.rows else {}


def time_of(value: str | float) -> datetime:
    """A time as a server writes it: ISO 8601, or milliseconds since 1970."""
    if isinstance(value, int | float):
        return _EPOCH + timedelta(milliseconds=value)
    if value.lstrip("-").isdigit():
        return _EPOCH + timedelta(milliseconds=int(value))
    head, dot, fraction = value.removesuffix("Z").partition(".")
    read = datetime.fromisoformat(head + (dot + fraction[:6] if dot else ""))
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def canonical(value: Any, kind: Kind) -> Any:
    """One value of an answer as rows have it."""
    if isinstance(value, list | tuple):
        several = sorted({_scalar(item, kind) for item in value if item is not None})
        return None if not several else several[0] if len(several) == 1 else tuple(several)
    return None if value is None else _scalar(value, kind)


def _scalar(value: Any, kind: Kind) -> Any:
    match kind:
        case "time":
            return _time(value)
        case "text":
            return str(value)
        case "number":
            return float(value) if isinstance(value, str) else value
        case _:
            return value == "true" if isinstance(value, str) else bool(value)


def _time(value: Any) -> datetime:
    try:
        return time_of(value)
    except (ValueError, OverflowError, AttributeError):
        raise BadRequestError(f"a field that is asked for as a time holds {str(value)[:80]!r}: it is no date") from None


def with_gaps(row: Row, gaps: Iterable[Gap]) -> Row:
    """A row with what is computed of its values; without a value where one of the two is missing."""
    computed: Row = {}
    for gap in gaps:
        left, right = row.get(gap.left), row.get(gap.right)
        if left is None or right is None or isinstance(left, tuple) or isinstance(right, tuple):
            computed[gap.name] = None
        elif isinstance(left, datetime):
            computed[gap.name] = milliseconds(left) - milliseconds(right)
        else:
            computed[gap.name] = left - right
    return row | computed


def finished(rows: Sequence[Row], question: Question) -> list[Row]:
    """Rows that the server gave unordered, as the question wants them: those of `having`, in order."""
    kept = [row for row in rows if all(_reaches(row.get(least.field), least.value) for least in question.having)]
    for sort in reversed(question.sort):
        kept = _sorted(kept, sort)
    return kept[: question.limit]


def settled(rows: Iterable[Row], question: Question) -> list[Row]:
    """Rows in the question's order; those that it does not tell apart in the order of their other values.

    Each way, and each shard of a server, has an order of its own for what comes at the same time.
    """
    if not question.sort:
        return list(rows)
    told = [sort.name for sort in question.sort]
    return [
        row
        for _, alike in groupby(rows, key=lambda row: [row.get(name) for name in told])
        for row in sorted(alike, key=_written)
    ]


def _written(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def _reaches(value: Any, least: float) -> bool:
    return value is not None and value >= least


def _sorted(rows: Sequence[Row], sort: Sort) -> list[Row]:
    valued = [row for row in rows if row.get(sort.name) is not None]
    rest = [row for row in rows if row.get(sort.name) is None]
    return sorted(valued, key=lambda row: row[sort.name], reverse=sort.descending) + rest


def named(values: Mapping[str, Any], question: Question) -> Row:
    """The named values of one row, canonical, in the question's order."""
    return {name: canonical(values.get(name), kind) for name, kind in question.kinds().items()}
