"""Date formats of mappings and requests: text or number to moments and back, as Elasticsearch reads and writes them.

Formats are names (`strict_date_optional_time`, `epoch_millis`, ...) or patterns of letters, several joined by `||` and
tried in order; the first one writes. Moments are epoch milliseconds, for `date_nanos` fields epoch nanoseconds.
"""

from __future__ import annotations

from anomalyops_engine.store.dates.detection import SLASH_FORMAT, detect_format
from anomalyops_engine.store.dates.errors import UnknownDateFormatError, UnsupportedDateFormatError
from anomalyops_engine.store.dates.formats import (
    DEFAULT_FORMAT,
    check_formats,
    format_millis,
    format_nanos,
    parse_date,
    parse_nanos,
    parsers,
    to_millis,
)
from anomalyops_engine.store.dates.zones import zone

__all__ = [
    "DEFAULT_FORMAT",
    "SLASH_FORMAT",
    "UnknownDateFormatError",
    "UnsupportedDateFormatError",
    "check_formats",
    "detect_format",
    "format_millis",
    "format_nanos",
    "parse_date",
    "parse_nanos",
    "parsers",
    "to_millis",
    "zone",
]
