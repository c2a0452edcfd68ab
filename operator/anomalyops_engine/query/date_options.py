"""Readers of what requests say about dates: formats and time zones."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.options import integer, shown, text
from anomalyops_engine.store.dates import UnknownDateFormatError, parsers, zone


def date_format(value: object) -> str:
    """Read date formats, joined by `||`.

    Raises:
        IllegalQueryError: one of them is not known.
    """
    formats = text(value)
    try:
        parsers(formats)
    except UnknownDateFormatError as error:
        raise IllegalQueryError(str(error)) from None
    return formats


def time_zone(value: object) -> tzinfo:
    """Read a time zone: a name, an offset as text, or whole hours.

    Raises:
        IllegalQueryError: there is no such zone.
    """
    if not isinstance(value, str):
        return timezone(timedelta(hours=integer(at_least=-18, at_most=18)(value)))
    return named_zone(value)


def named_zone(value: object) -> tzinfo:
    """Read a time zone: a name, or an offset as text.

    Raises:
        IllegalQueryError: there is no such zone.
    """
    name = text(value)
    try:
        return zone(name)
    except ValueError:
        raise IllegalQueryError(f"Unknown time-zone ID: {shown(name)}") from None
