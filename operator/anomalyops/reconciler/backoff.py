"""When to try again: exponential back-off with jitter, per key."""

from __future__ import annotations

import random

_FIRST = 1.0  # seconds
_LIMIT = 300.0


class Backoff:
    """Counts consecutive failures per key and says how long to wait.

    The delay doubles from one second to five minutes; a jitter of a quarter either way keeps many resources
    that failed together from coming back together.
    """

    def __init__(self, *, first: float = _FIRST, limit: float = _LIMIT, seed: int | None = None) -> None:
        self._first = first
        self._limit = limit
        self._failures: dict[str, int] = {}
        self._random = random.Random(seed)  # noqa: S311 - jitter, no secret

    def failed(self, key: str) -> float:
        """Notes a failure; seconds until the next attempt."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        delay: float = self._first * 2.0 ** min(count, 32)
        return min(delay * self._random.uniform(0.75, 1.25), self._limit)

    def succeeded(self, key: str) -> None:
        """Forgets the failures of a key."""
        self._failures.pop(key, None)
