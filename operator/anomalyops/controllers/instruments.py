"""What the operator measures of its own work while it does it: how long reconciles and calls to servers take."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Instruments:
    """Histograms, and the registry that they and everything else for Prometheus are in."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Histogram(
            "anomalyops_reconcile_seconds",
            "Time that a reconcile took, by controller and outcome.",
            ("controller", "outcome"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._requests = Histogram(
            "anomalyops_elasticsearch_request_seconds",
            "Time that a call to a server took, by method and outcome.",
            ("method", "outcome"),
            registry=self.registry,
            buckets=_SECONDS,
        )

    def reconciled(self, controller: str, outcome: str, seconds: float) -> None:
        """A reconcile has ended: `done`, `conflict`, `refused` by the Kubernetes API, or `failed` unexpectedly."""
        self._reconciles.labels(controller, outcome).observe(seconds)

    def called(self, method: str, outcome: str, seconds: float) -> None:
        """A call to a server has ended: `ok`, or the name of what went wrong."""
        self._requests.labels(method, outcome).observe(seconds)
