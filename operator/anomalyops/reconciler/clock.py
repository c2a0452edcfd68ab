"""The clock of those who are given no other."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)
