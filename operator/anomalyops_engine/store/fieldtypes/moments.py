"""Dates: kept as epoch milliseconds, those of `date_nanos` within the bounds that nanoseconds have."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.store.dates import format_nanos, parse_date, parse_nanos
from anomalyops_engine.store.fieldtypes.reader import Cached, Reader

_FULL_TIMESTAMP: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"
_ISO: Final = frozenset({"strict_date_optional_time", "strict_date_optional_time_nanos"})
_LAST_NS: Final = 2**63 - 1
_NS_PER_MS: Final = 1_000_000
_US_PER_MS: Final = 1_000
_LAST_MS: Final = _LAST_NS // _NS_PER_MS


class Dates(Reader):
    """Moments in some formats.

    Args:
        formats: format names or patterns joined by `||`.
        nanos: the moment must be one that 64 bits of nanoseconds can tell (`date_nanos`).
    """

    def __init__(self, formats: str, *, nanos: bool = False, **options: Any) -> None:
        self._formats = formats
        self._nanos = nanos
        self._known = Cached(self._parse)
        # Numbers are written by every format alike, and so kept apart from the texts of the same digits.
        self._iso = formats.split("||", maxsplit=1)[0] in {
            "strict_date_optional_time",
            "strict_date_optional_time_nanos",
        }
        super().__init__("BIGINT", kept_as=(formats, nanos), **options)

    def read(self, value: Any) -> int:
        """Return the moment."""
        if isinstance(value, dict | list):
            raise ValueError("Expected text but found START_OBJECT")
        return int(self._known[value] if isinstance(value, str) else self._parse(value))

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return full timestamps in UTC, all at once."""
        return self._read_full(pa.array(values, pa.string())) if kinds <= {str} and self._iso else None

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Texts, or whole numbers."""
        return (pa.string(), pa.int64())

    def read_column(self, column: pa.Array) -> pa.Array:
        """Return the moments; full timestamps in UTC all at once."""
        full = self._read_full(column) if self._iso and pa.types.is_string(column.type) else None
        return super().read_column(column) if full is None else full

    def _read_full(self, texts: pa.Array) -> pa.Array | None:
        full = pc.all(pc.match_substring_regex(texts, _FULL_TIMESTAMP)).as_py() is True
        return self._cast(texts) if full else None

    def _cast(self, texts: pa.Array) -> pa.Array | None:
        if pc.max(pc.binary_length(texts)).as_py() > 27:  # finer than microseconds
            return None
        micros = texts.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        # Rounded down, before 1970 too, where Arrow's own division rounds towards it.
        whole = pc.fill_null(micros, 0).to_numpy() // _US_PER_MS
        millis = pa.array(whole, mask=np.asarray(micros.is_null()))
        bounds = pc.min_max(millis)
        if (
            self._nanos
            and bounds["min"].is_valid
            and not 0 <= bounds["min"].as_py() <= bounds["max"].as_py() < _LAST_MS
        ):
            return None
        return millis

    def _parse(self, value: Any) -> int:
        if value == "":
            raise ValueError("cannot parse empty datetime")
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not self._nanos:
            return parse_date(value, self._formats)
        nanos = parse_nanos(value, self._formats)
        if nanos < 0:
            when = format_nanos(nanos, "strict_date_optional_time_nanos")
            raise ValueError(f"date[{when}] is before the epoch in 1970 and cannot be stored in nanosecond resolution")
        if nanos > _LAST_NS:
            when = format_nanos(nanos, "strict_date_optional_time_nanos")
            raise ValueError(
                f"date[{when}] is after 2262-04-11T23:47:16.854775807 and cannot be stored in nanosecond resolution"
            )
        return nanos // _NS_PER_MS
