"""How many bytes of bodies are held at once: those that are being read, wait for a thread, or are worked on.

Elasticsearch's `in_flight_requests` circuit breaker. A body takes several times its size once it is parsed, so that the
budget is a part of what the machine has.
"""

from __future__ import annotations

import os

from anomalyops_engine.api.errors import ApiError

_PART_OF_MEMORY = 10
_LEAST = 256 * 1024 * 1024


def default_budget() -> int:
    """Return the bytes that bodies may take on this machine."""
    return max(_LEAST, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _PART_OF_MEMORY)


class InFlight:
    """The bytes of all bodies that are held; for one thread, the one that reads them."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = default_budget() if limit is None else limit
        self._held = 0

    @property
    def limit(self) -> int:
        """Bytes that all bodies together may take."""
        return self._limit

    @property
    def held(self) -> int:
        """Bytes that they take now."""
        return self._held

    def hold(self) -> Holding:
        """Return the account of one exchange, to be closed at its end."""
        return Holding(self)

    def take(self, count: int) -> None:
        """Count bytes in.

        Raises:
            ApiError: 429; there would be too many.
        """
        wanted = self._held + count
        if wanted > self._limit:
            raise ApiError(
                429,
                "circuit_breaking_exception",
                f"[in_flight_requests] Data too large, data for [<http_request>] would be [{wanted}/{_human(wanted)}], "
                f"which is larger than the limit of [{self._limit}/{_human(self._limit)}]",
                details={"bytes_wanted": wanted, "bytes_limit": self._limit, "durability": "TRANSIENT"},
            )
        self._held = wanted

    def give_back(self, count: int) -> None:
        """Count bytes out."""
        self._held -= count


class Holding:
    """The bytes that one exchange holds."""

    def __init__(self, budget: InFlight) -> None:
        self._budget = budget
        self._count = 0

    def take(self, count: int) -> None:
        """Hold more bytes.

        Raises:
            ApiError: 429; there would be too many.
        """
        self._budget.take(count)
        self._count += count

    def close(self) -> None:
        """Hold none any more."""
        self._budget.give_back(self._count)
        self._count = 0


def _human(count: int) -> str:
    for unit, size in (("gb", 2**30), ("mb", 2**20), ("kb", 2**10)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit
    return f"{count}b"
