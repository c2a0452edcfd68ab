"""Durations, memory sizes and points in time, read as Elasticsearch reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from anomalyops_engine.refusals import MlError, illegal_argument
from anomalyops_engine.store.dates import format_millis

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
_DAY_S: Final = DAY_MS // SECOND_MS

_NANOS: Final = {
    "nanos": 1,
    "micros": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3_600 * 1_000_000_000,
    "d": 86_400 * 1_000_000_000,
}
_DURATION = re.compile(r"(-?\d+)\s*(nanos|micros|ms|s|m|h|d)")
_MEMORY = re.compile(r"(-?\d+(?:\.\d+)?)\s*(b|k|kb|m|mb|g|gb|t|tb|p|pb)")
_MEMORY_BYTES: Final = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, in the spelling that it was given in.

    Attributes:
        nanos: nanoseconds.
        text: its spelling, as configurations show it.
    """

    nanos: int
    text: str

    @classmethod
    def read(cls, text: str, field: str) -> Self:
        """Read a duration such as `15m`.

        Raises:
            MlError: 400, naming the field and the value.
        """
        spelling = re.sub(r"\s+", "", text.strip().lower())
        return cls(_nanos(text, field), "0ms" if re.fullmatch("0+", spelling) else spelling)

    @classmethod
    def of_ms(cls, milliseconds: int) -> Self:
        """Return a duration in the largest unit that divides it (`TimeValue.getStringRep`)."""
        nanos = milliseconds * _NANOS["ms"]
        unit = next((unit for unit in ("d", "h", "m", "s") if nanos and nanos % _NANOS[unit] == 0), "ms")
        return cls(nanos, f"{nanos // _NANOS[unit]}{unit}")

    @property
    def seconds(self) -> int:
        """Whole seconds, cut off."""
        return int(self.nanos / _NANOS["s"])

    @property
    def ms(self) -> int:
        """Whole milliseconds, rounded down."""
        return self.nanos // _NANOS["ms"]

    def render(self) -> str:
        """Return it as JSON."""
        return self.text

    def __str__(self) -> str:
        """Return it as messages show it: in its largest unit, with one decimal at most (`TimeValue.toString`)."""
        if self.nanos < 0:
            return self.text
        if self.nanos == 0:
            return "0s"
        unit, size = next((unit, size) for unit, size in reversed(_NANOS.items()) if self.nanos >= size)
        whole, tenths = divmod(self.nanos * 10 // size, 10)
        return f"{whole}.{tenths}{unit}" if tenths else f"{whole}{unit}"


def uneven_span(span: Duration) -> str | None:
    """Return Elasticsearch's warning of a bucket span that days are not made of; None for one that they are."""
    if span.seconds and (_DAY_S % span.seconds == 0 or span.seconds % _DAY_S == 0):
        return None
    kind = "multiple" if span.seconds > _DAY_S else "divisor"
    return (
        f"bucket_span {span} [{span.seconds}s] is not an integral {kind} of the number of seconds in 1d [{_DAY_S}s]. "
        "This is now deprecated."
    )


@dataclass(frozen=True, slots=True, order=True)
class MemorySize:
    """An amount of memory in whole MiB, as limits of models are counted."""

    mib: int

    @classmethod
    def read(cls, value: str | int, field: str) -> Self:
        """Read a size: a number counts MiB, a string needs a unit; fractions of a MiB are dropped.

        Raises:
            MlError: 400, for a missing or unknown unit, and for more than 64 bits of bytes.
        """
        if isinstance(value, int):
            return cls(value)
        cleaned = value.strip().lower()
        if cleaned in {"0", "-1"}:
            return cls(0)
        match = _MEMORY.fullmatch(cleaned)
        setting = f"failed to parse setting [{field}] with value [{value}]"
        if match is None:
            raise MlError(400, "parse_exception", f"{setting} as a size in bytes: unit is missing or unrecognized")
        size = int(float(match.group(1)) * _MEMORY_BYTES[match.group(2)[0]])
        if size >= 2**63:
            raise MlError(400, "parse_exception", f"{setting} as a size in bytes: it is larger than {2**63 - 1} bytes")
        return cls(size >> 20)

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return self.mib << 20

    def render(self) -> str:
        """Return it as JSON."""
        return f"{self.mib}mb"

    def __str__(self) -> str:
        """Return it as messages show it: in the largest unit, with one decimal at most."""
        return f"{self.mib / 1024:.1f}".removesuffix(".0") + "gb" if self.mib >= 1024 else self.render()


def _nanos(text: str, field: str) -> int:
    """Return the nanoseconds of a duration in `d h m s ms micros nanos` (TimeValue); `0` and `-1` need no unit."""
    cleaned = text.strip().lower()
    if cleaned == "-1" or re.fullmatch("0+", cleaned):
        return int(cleaned) * _NANOS["ms"]
    match = _DURATION.fullmatch(cleaned)
    if match is None:
        if re.fullmatch(r"-?\d+\.\d+\s*[a-z]+", cleaned):
            raise illegal_argument(f"failed to parse [{text}], fractional time values are not supported")
        raise illegal_argument(
            f"failed to parse setting [{field}] with value [{text}] as a time value: unit is missing or unrecognized"
        )
    value = int(match.group(1))
    if value < -1:
        raise illegal_argument(
            f"failed to parse setting [{field}] with value [{text}] as a time value: "
            "negative durations are not supported"
        )
    return value * _NANOS[match.group(2)]


def duration_ms(text: str, field: str = "duration") -> int:
    """Read a duration as whole milliseconds (rounded down)."""
    return _nanos(text, field) // _NANOS["ms"]


def instant_ms(value: str | int, field: str, *, now_ms: int | None = None) -> int:
    """Read a point in time: epoch seconds (at most 10 digits) or milliseconds, ISO-8601, or `now`.

    Args:
        value: what the client sent.
        field: the parameter's name, for the error.
        now_ms: what `now` means; None refuses `now`.

    Returns:
        Epoch milliseconds, a number of 64 bits.

    Raises:
        MlError: 400 `parse_exception`.
    """
    text = str(value).strip()
    refusal = MlError(
        400,
        "parse_exception",
        f"Query param [{field}] with value [{value}] cannot be parsed as a date or converted to a number (epoch).",
    )
    if re.fullmatch(r"-?[0-9]{1,19}", text):
        number = int(text)
        if not -(2**63) <= number < 2**63:
            raise refusal
        return number * SECOND_MS if len(text) <= 10 and number >= 0 else number
    if text == "now" and now_ms is not None:
        return now_ms
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise refusal from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return round(parsed.timestamp() * SECOND_MS)


def iso_time(epoch_ms: int) -> str:
    """Return epoch milliseconds as `2017-02-01T00:00:00.000Z`, whatever the year is."""
    return format_millis(epoch_ms)
