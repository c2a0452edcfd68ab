"""Ids of documents that came without one."""

from __future__ import annotations

import secrets


def made_ids(count: int) -> list[str]:
    """Return new ids that no document has: 16 random letters and a number."""
    prefix = secrets.token_urlsafe(12)
    return [f"{prefix}{number:05x}" for number in range(count)]
