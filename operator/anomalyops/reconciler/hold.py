"""Changes that the server refused: held back, so that a datafeed is not interrupted for them in vain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from anomalyops.elastic import GatewayError
from anomalyops.plan import Fallback, Step
from anomalyops.reconciler.backoff import Backoff

_FIRST = 60.0  # seconds
_LIMIT = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A step that the server refused for what was wanted then."""

    wanted: object
    error: GatewayError
    step: Step
    until: float  # of the event loop's clock


@dataclass(slots=True, kw_only=True)
class Broken:
    """Something was given up for a configuration that the server has not accepted.

    Attributes:
        fallback: The way back.
        wanted: What it was given up for.
        words: The server's refusal; empty while it only failed to answer.
    """

    fallback: Fallback
    wanted: object
    words: str = ""


class Holds:
    """The refusals that stand, by unit.

    A refusal ends when the manifests change, and after a while that doubles from a minute to an hour, because
    what the server accepts may depend on more than the request (memory in use, indices, privileges). It lives
    in memory: a restarted operator asks once more.
    """

    def __init__(self) -> None:
        self._refusals: dict[str, Refusal] = {}
        self._backoff = Backoff(first=_FIRST, limit=_LIMIT)

    def standing(self, key: str, wanted: object) -> Refusal | None:
        """The refusal that still holds for what is wanted now, None when the change may be tried."""
        refusal = self._refusals.get(key)
        if refusal is None:
            return None
        if refusal.wanted != wanted:
            self.lift(key)
            return None
        return refusal if asyncio.get_running_loop().time() < refusal.until else None

    def hold(self, key: str, *, wanted: object, error: GatewayError, step: Step) -> float:
        """Notes that the server refused a step; seconds for which the change is held back."""
        seconds = self._backoff.failed(key)
        until = asyncio.get_running_loop().time() + seconds
        self._refusals[key] = Refusal(wanted=wanted, error=error, step=step, until=until)
        return seconds

    def seconds_left(self, key: str) -> float:
        """How much longer a unit's refusal holds."""
        refusal = self._refusals.get(key)
        return max(0.0, refusal.until - asyncio.get_running_loop().time()) if refusal is not None else 0.0

    def lift(self, key: str) -> None:
        """Forgets a unit's refusal."""
        self._refusals.pop(key, None)
        self._backoff.succeeded(key)
