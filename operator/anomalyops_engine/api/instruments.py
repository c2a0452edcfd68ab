"""Counts of the requests that were answered, by the class of their route, and how long the answers took."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

# Where a request says of what class its route is; what was refused before there was a route says nothing.
CLASS: Final = "anomalyops.class"
_NO_ROUTE: Final = "none"
# The client has left before there was an answer.
_NO_ANSWER: Final = "none"
# Seconds: from a state that is in memory to a search over everything.
_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Instruments:
    """What is counted while requests come.

    Attributes:
        registry: where everything that is told of this engine is registered.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "anomalyops_engine_requests",
            "Requests by the class of their route and the status of the answer (none: the client left before).",
            ("class", "status"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "anomalyops_engine_request_duration_seconds",
            "From the first byte of a request that was read to when the last part of its answer leaves.",
            ("class",),
            buckets=_BOUNDS,
            registry=self.registry,
        )

    def count(self, kind: object, status: int | None, seconds: float) -> None:
        """Count a request.

        Args:
            kind: the class of its route; None when there was none.
            status: of the answer; None when there was none.
            seconds: how long it took.
        """
        name = _NO_ROUTE if kind is None else str(kind)
        self._requests.labels(name, _NO_ANSWER if status is None else str(status)).inc()
        self._durations.labels(name).observe(seconds)
