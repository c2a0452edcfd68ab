"""What can be wrong with a date format."""

from __future__ import annotations


class UnknownDateFormatError(ValueError):
    """The format is neither a known name nor a pattern."""


class UnsupportedDateFormatError(UnknownDateFormatError):
    """Elasticsearch has it, this engine has not."""
