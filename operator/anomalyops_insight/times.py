"""Moments as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

_RELATIVE = re.compile(r"now(?:\s*-\s*(\d{1,6})\s*([smhdw]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
ACCEPTED = "an ISO 8601 time such as 2026-10-20T11:00:00Z, now, or now-24h"


def read_moment(value: object, now: datetime) -> datetime:
    """A moment of text, UTC where no zone is given.

    Args:
        value: ISO 8601, `now`, `now-24h` (s, m, h, d, w), or a `datetime`.
        now: What `now` is.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        relative = _RELATIVE.fullmatch(value.strip())
        if relative is not None:
            return now - (timedelta(**{_UNITS[relative[2]]: int(relative[1])}) if relative[1] else timedelta())
        try:
            read = datetime.fromisoformat(value.strip())
        except ValueError:
            pass
        else:
            return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    raise ValueError(f"expected {ACCEPTED}, found {value!r}")


def _moment(value: object, info: ValidationInfo) -> datetime:
    now = (info.context or {}).get("now")
    return read_moment(value, now if isinstance(now, datetime) else datetime.now(UTC))


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "description": f"A time: {ACCEPTED}."})
]


def seconds_of(text: str) -> int:
    """The seconds of a span: `90s`, `15m`, `1h`, `1d`, `1w`.

    Raises:
        ValueError: It is no span, or none at all.
    """
    read = _SPAN.fullmatch(text.strip())
    if read is None or int(read[1]) == 0:
        raise ValueError(f"expected a span such as 90s, 15m, 1h or 1d, found {text!r}")
    return int(timedelta(**{_UNITS[read[2]]: int(read[1])}).total_seconds())
