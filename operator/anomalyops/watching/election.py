"""Who leads, decided from a Lease and the own clock alone.

The rules are those of client-go's leader election. Clocks of different machines are never compared: a candidate that
waits counts from when it saw the lease change last, and a leader counts from before it sent its last renewal. So a
leader that stops after `deadline` has stopped before anybody else, who waits for the whole `duration`, may begin; what
lies between is for clocks that do not run alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Seconds on a clock that never goes back and, where there is one, goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class Times:
    """How long a lease lasts, and what follows from it; seconds.

    Attributes:
        duration: For how long a lease that is not renewed keeps others away.
    """

    duration: float

    @property
    def deadline(self) -> float:
        """For how long after it sent its last renewal a leader leads."""
        return self.duration * 2 / 3

    @property
    def retry(self) -> float:
        """Between two looks at the lease."""
        return self.duration / 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a Lease of `coordination.k8s.io/v1` says.

    Attributes:
        holder: Identity of who leads; empty when it was given back.
        seconds: For how long it keeps others away.
        acquired: When the holder began to lead, as `metav1.MicroTime`; never compared with a clock.
        renewed: When it was renewed last; the same.
        transitions: How often the holder has changed.
    """

    holder: str
    seconds: float
    acquired: str
    renewed: str
    transitions: int = 0

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Record:
        """Read the spec of a Lease; what is missing counts as given back."""
        return cls(
            holder=spec.get("holderIdentity") or "",
            seconds=float(spec.get("leaseDurationSeconds") or 0),
            acquired=spec.get("acquireTime") or "",
            renewed=spec.get("renewTime") or "",
            transitions=int(spec.get("leaseTransitions") or 0),
        )

    def spec(self) -> dict[str, Any]:
        """As the spec of a Lease."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": max(1, round(self.seconds)),
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }


class Candidate:
    """One that would lead.

    Args:
        identity: Tells it from all others.
        times: How long its lease lasts.
    """

    def __init__(self, identity: str, times: Times) -> None:
        self.identity = identity
        self.times = times
        self._seen: Record | None = None
        self._since = 0.0

    def wish(self, found: Record | None, now: float, wall: str) -> Record | None:
        """What to write over what was found, on the condition that it is still that; None to wait.

        Args:
            found: The lease as it was just read; None when there is none.
            now: `elapsed()` after it was read.
            wall: The time for people to read, as `metav1.MicroTime`.
        """
        fresh = Record(holder=self.identity, seconds=self.times.duration, acquired=wall, renewed=wall)
        if found is None:
            return fresh
        if found != self._seen:
            self._seen, self._since = found, now
        if found.holder == self.identity:
            return replace(found, seconds=self.times.duration, renewed=wall)
        if not found.holder or now - self._since > found.seconds:
            return replace(fresh, transitions=found.transitions + 1)
        return None

    def given_back(self, found: Record, wall: str) -> Record:
        """What to write so that another may lead at once."""
        return replace(found, holder="", seconds=1.0, renewed=wall)


class Term:
    """One stretch of leading. Once it is over it stays over, though the same process may lead again later.

    What works during a term is given its `refusal` as a guard, so that nothing of it is written after the term.

    Args:
        begun: `elapsed()` before the lease was asked for.
        times: How long the lease lasts.
    """

    def __init__(self, begun: float, times: Times) -> None:
        self._until = begun + times.deadline
        self._deadline = times.deadline
        self._over = ""

    def renewed(self, sent: float, now: float | None = None) -> None:
        """The lease was renewed.

        Args:
            sent: `elapsed()` before the request was sent.
            now: `elapsed()`; by default it is asked.
        """
        if not self.over(now):
            self._until = max(self._until, sent + self._deadline)

    def end(self, why: str) -> None:
        """It is over."""
        self._over = self._over or why

    def over(self, now: float | None = None) -> str:
        """Why it is over; empty while it lasts.

        Args:
            now: `elapsed()`; by default it is asked.
        """
        if not self._over and (elapsed() if now is None else now) >= self._until:
            self._over = f"the lease was not renewed for {self._deadline:g} s"
        return self._over

    @property
    def until(self) -> float:
        """When it ends unless it is renewed, as `elapsed()`."""
        return self._until
