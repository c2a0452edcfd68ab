"""Numbers for Prometheus at the moment that they are asked for: what is served, what cannot be, what stands still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.resource_metrics import condition_metrics, datafeed_metrics, job_metrics
from anomalyops.resources import ElasticsearchConnection
from anomalyops.watching.leadership import Leadership
from anomalyops.watching.objects import Objects
from anomalyops.watching.scopes import Scopes
from anomalyops.watching.work import Work


class OperatorCollector(Collector):
    """Collects what is true at this moment, of the operator and of all that it serves.

    Args:
        work: The queue and the objects.
        connections: The servers.
        scopes: The listings.
    """

    def __init__(self, work: Work, connections: ConnectionController, scopes: Scopes) -> None:
        self._work = work
        self._connections = connections
        self._scopes = scopes

    def collect(self) -> Iterator[Metric]:
        """All numbers."""
        yield from self._of_the_operator()
        yield from self._of_connections()
        figures = {key: runtime.figures for key, runtime in self._connections.runtimes.items()}
        yield from condition_metrics(self._work.objects.everything())
        yield from job_metrics(self._work.objects, figures)
        yield from datafeed_metrics(self._work.objects, figures)
        yield from expiry_metrics(self._work.objects)

    def _of_the_operator(self) -> Iterator[Metric]:
        yield gauge(
            "scope_trouble",
            "1 while the objects of a kind in a namespace cannot be listed, so that changes of them may be missed.",
            (
                ({"kind": scope.plural, "namespace": scope.namespace or ""}, float(bool(trouble)))
                for scope, trouble in self._scopes.standing()
            ),
        )
        yield gauge(
            "objects",
            "Objects of each kind that are served.",
            (({"kind": plural}, float(count)) for plural, count in self._work.objects.counts().items()),
        )
        queue, writer = self._work.queue, self._work.writer
        yield _seconds("queue_standstill", "Time in which work waited and none began or ended.", queue.standstill())
        yield _seconds("longest_reconcile", "Age of the oldest reconcile that still runs.", queue.longest_run())
        yield _seconds("watch_echo_age", "Time for which the watch has owed a change of our own.", writer.echo_age())

    def _of_connections(self) -> Iterator[Metric]:
        runtimes = [
            ({"namespace": key.namespace, "connection": key.name}, runtime)
            for key, runtime in self._connections.runtimes.items()
        ]
        yield gauge(
            "connection_usable",
            "1 while the server of a connection answers and has machine learning.",
            ((labels, float(runtime.usable)) for labels, runtime in runtimes),
        )
        yield gauge(
            "connection_scores_readable",
            "1 while the latest scores can be read: it takes the privilege to read .ml-anomalies-*.",
            ((labels, float(not runtime.figures.scores_problem)) for labels, runtime in runtimes if runtime.usable),
        )
        yield gauge(
            "connection_look_age_seconds",
            "Time since the last look at all jobs and datafeeds of a server ended.",
            ((labels, runtime.age()) for labels, runtime in runtimes),
        )


def expiry_metrics(objects: Objects) -> Iterator[Metric]:
    """When licences of servers and certificates of embedded engines end, as the status of their connections tells."""
    statuses = [
        ({"namespace": key.namespace, "connection": key.name}, seen.resource.status)
        for key, seen in objects.of(ElasticsearchConnection).items()
        if seen.resource is not None and seen.resource.status is not None
    ]
    yield gauge(
        "connection_licence_expiry_timestamp_seconds",
        "When the licence of a connection's server ends, in Unix time; absent for never.",
        (
            (labels, status.licence_expiry.timestamp())
            for labels, status in statuses
            if status.licence_expiry is not None
        ),
    )
    yield gauge(
        "connection_certificate_expiry_timestamp_seconds",
        "When the certificate of a connection's embedded engine ends, in Unix time.",
        (
            (labels, status.embedded.certificate_expiry.timestamp())
            for labels, status in statuses
            if status.embedded is not None and status.embedded.certificate_expiry is not None
        ),
    )


def leadership_metrics(leadership: Leadership) -> Iterator[Metric]:
    """Who leads, as this process last saw it."""
    yield gauge("leads", "1 while this process leads, 0 while it stands by.", [({}, float(leadership.leads))])
    seen = [({"identity": leadership.leader}, 1.0)] if leadership.leader else []
    yield gauge("leader", "1 for the process that leads, as this one last saw it.", seen)


def gauge(name: str, text: str, values: Iterable[tuple[Mapping[str, str], float]]) -> GaugeMetricFamily:
    """A number that goes up and down.

    Args:
        name: Without the prefix of the operator.
        text: What it counts, in one line.
        values: The value for each set of labels.
    """
    family = GaugeMetricFamily(f"anomalyops_{name}", text)
    for labels, value in values:
        family.add_sample(family.name, dict(labels), value)
    return family


def _seconds(name: str, text: str, value: float) -> GaugeMetricFamily:
    return gauge(f"{name}_seconds", text, [({}, value)])
