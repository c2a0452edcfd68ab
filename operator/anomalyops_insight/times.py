"""Moments as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

_RELATIVE = re.compile(r"now(?:\s*([+-])\s*(\d{1,9})\s*([smhdw]))?")
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
ACCEPTED = "an ISO 8601 time such as 2026-10-20T11:00:00Z, now, now-24h or now+1h (s, m, h, d, w)"


def read_moment(value: object, now: datetime) -> datetime:
    """A moment of text, UTC where no zone is given.

    Args:
        value: ISO 8601, `now`, `now-24h` or `now+1h` (s, m, h, d, w), or a `datetime`; of the years 1900 to 2199.
        now: What `now` is.

    Raises:
        ValueError: It is none of these.
    """
    read = value if isinstance(value, datetime) else _of_text(value, now) if isinstance(value, str) else None
    if read is None:
        raise ValueError(f"expected {ACCEPTED}, found {value!r}")
    read = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    if not _FIRST <= read < _LAST:
        raise ValueError(f"expected a time of the years 1900 to 2199, found {value!r}")
    return read


def _of_text(text: str, now: datetime) -> datetime | None:
    """A moment as it is written, perhaps without a zone; None where it is none, the last of all where it is too far."""
    relative = _RELATIVE.fullmatch(text.strip())
    if relative is None:
        try:
            return datetime.fromisoformat(text.strip())
        except ValueError:
            return None
    if relative[1] is None:
        return now
    try:
        return now + timedelta(**{_UNITS[relative[3]]: int(relative[1] + relative[2])})
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _moment(value: object, info: ValidationInfo) -> datetime:
    now = (info.context or {}).get("now")
    return read_moment(value, now if isinstance(now, datetime) else datetime.now(UTC))


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "description": f"A time: {ACCEPTED}."})
]


def in_order(start: datetime | None, end: datetime | None) -> None:
    """Requires that a window, where both of its ends are given, ends after it starts.

    Raises:
        ValueError: It does not.
    """
    if start is not None and end is not None and start >= end:
        raise ValueError(f"start {start.isoformat()} is not before end {end.isoformat()}")


def seconds_of(text: str) -> int:
    """The seconds of a span: `90s`, `15m`, `1h`, `1d`, `1w`.

    Raises:
        ValueError: It is no span, or none at all.
    """
    read = _SPAN.fullmatch(text.strip())
    if read is None or int(read[1]) == 0:
        raise ValueError(f"expected a span such as 90s, 15m, 1h or 1d, found {text!r}")
    return int(timedelta(**{_UNITS[read[2]]: int(read[1])}).total_seconds())
