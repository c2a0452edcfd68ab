"""Ids of documents that came without one."""

from __future__ import annotations

import secrets
from typing import Final

# What two digits of a number may be: most numbers end in them, and making text of each takes its time.
_ENDINGS: Final = tuple(f"{number:02x}" for number in range(256))


def made_ids(count: int) -> list[str]:
    """Return new ids that no document has: 16 random letters and a number."""
    prefix = secrets.token_urlsafe(12)
    heads = [f"{prefix}{number:03x}" for number in range(-(-count // len(_ENDINGS)))]
    return [head + ending for head in heads for ending in _ENDINGS][:count]
