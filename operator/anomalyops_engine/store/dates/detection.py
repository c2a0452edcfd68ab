"""Which strings dynamic mapping takes for dates."""

from __future__ import annotations

from anomalyops_engine.store.dates.formats import DEFAULT_FORMAT, parse_date

# What dynamic mapping tries on strings (Elasticsearch's default `dynamic_date_formats`).
SLASH_FORMAT = "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"
DEFAULT_DYNAMIC_FORMATS = ("strict_date_optional_time", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd")
_MAPPED = dict(zip(DEFAULT_DYNAMIC_FORMATS, (DEFAULT_FORMAT, SLASH_FORMAT), strict=True))


def detect_format(text: str, dynamic_formats: tuple[str, ...] = DEFAULT_DYNAMIC_FORMATS) -> str | None:
    """Return the format that dynamic mapping gives a field whose first value is this string, None for no date.

    Pure numbers are never taken for dates, as in Elasticsearch.
    """
    if dynamic_formats == DEFAULT_DYNAMIC_FORMATS and not (len(text) >= 7 and text[:4].isdigit()):
        return None  # most strings are told from dates at once
    for formats in dynamic_formats:
        try:
            parse_date(text, formats)
        except ValueError:
            continue
        if _is_number(text):
            return None
        return _MAPPED.get(formats, formats)
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
