"""`GET /_prometheus/metrics`: the figures of the engine in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response

from anomalyops_engine import __version__
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.inflight import InFlight
from anomalyops_engine.api.lanes import Lane, Lanes
from anomalyops_engine.api.machine import figures
from anomalyops_engine.jobs import JobService
from anomalyops_engine.store import Store

_PREFIX: Final = "anomalyops_engine"
Values = Iterable[tuple[Mapping[str, str], float]]


def endpoints(registry: CollectorRegistry) -> list[Endpoint]:
    """Return the endpoints of this module."""

    def answer(call: Call) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Endpoint("GET", "/_prometheus/metrics", Lane.STATE, answer)]


class EngineCollector(Collector):
    """Collects what is true at this moment. Names of jobs, indices and users are in none of it.

    Args:
        store: the data folder.
        jobs: jobs and datafeeds.
        lanes: the worker threads of requests.
        in_flight: the bodies that are held.
    """

    def __init__(self, store: Store, jobs: JobService, lanes: Lanes, in_flight: InFlight) -> None:
        self._store = store
        self._jobs = jobs
        self._lanes = lanes
        self._in_flight = in_flight

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        yield _gauge("info", "The version that runs; always 1.", [({"version": __version__}, 1)])
        yield from self._of_requests()
        yield from self._of_jobs()
        yield from self._of_the_store()

    def _of_requests(self) -> Iterator[Metric]:
        traffic = [({"class": lane.value}, lane_traffic) for lane, lane_traffic in self._lanes.traffic().items()]
        yield _gauge("request_threads", "Threads of a class of routes.", ((key, t.threads) for key, t in traffic))
        yield _gauge("requests_working", "Requests that a thread works on.", ((key, t.working) for key, t in traffic))
        yield _gauge("requests_waiting", "Requests that wait for a thread.", ((key, t.waiting) for key, t in traffic))
        yield _single("in_flight_bytes", "Bytes of all bodies that are read or worked on.", self._in_flight.held)
        yield _single(
            "in_flight_limit_bytes", "Bytes of bodies beyond which requests are refused.", self._in_flight.limit
        )

    def _of_jobs(self) -> Iterator[Metric]:
        now = self._jobs.figures()
        yield _gauge("jobs", "Jobs by state.", _by("state", now.jobs))
        yield _gauge("datafeeds", "Datafeeds by state.", _by("state", now.datafeeds))
        yield _single("datafeeds_in_trouble", "Datafeeds that run and whose latest search failed.", now.troubled)
        yield _gauge("jobs_by_memory", "Open jobs by memory status.", _by("status", now.memory_statuses))
        yield _single("model_bytes", "Bytes that the models of the open jobs take.", now.model_bytes)
        yield _single("model_limit_bytes", "Bytes that all models together may take.", now.model_budget)
        yield _single("upgrade_mode", "1 while all datafeeds are paused.", now.upgrade_mode)
        yield _single(
            "learners_ready", "1 once the learners are compiled; before, no datafeed works.", now.learners_ready
        )
        yield _counter("buckets", "Buckets that were analysed.", [({}, now.buckets)])
        yield _counter("documents_analysed", "Documents that were read for them.", [({}, now.documents)])
        yield _counter("results", "Anomaly records and influencers that were written.", _by("type", now.results))

    def _of_the_store(self) -> Iterator[Metric]:
        now, machine = self._store.figures(), figures(self._store.folder)
        yield _single("store_bytes", "Length of the database file.", now.file_bytes)
        yield _single("store_log_bytes", "Length of its write-ahead log.", now.log_bytes)
        yield _single("database_memory_bytes", "What the database holds in memory.", now.memory_bytes)
        yield _single("database_temporary_bytes", "What it has put on disk for want of memory.", now.temporary_bytes)
        yield _single("snapshots_open", "Snapshots of the store that are being read.", now.cursors)
        yield _counter("commits", "Transactions that were committed.", [({}, now.commits)])
        yield _counter(
            "checkpoints",
            "How often the log was brought into the file, or could not be.",
            [({"outcome": "done"}, now.checkpoints), ({"outcome": "failed"}, now.failed_checkpoints)],
        )
        yield _single("disk_free_bytes", "Free bytes of the disk of the data folder.", machine.disk_free)
        yield _single("disk_bytes", "Bytes of the disk of the data folder.", machine.disk_total)
        yield _single("memory_limit_bytes", "Memory of the machine or container.", machine.memory)


def register(registry: CollectorRegistry, collector: EngineCollector) -> None:
    """Let a registry tell of the engine and of its process."""
    registry.register(collector)
    ProcessCollector(registry=registry)


def _gauge(name: str, text: str, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", text)
    for labels, value in values:
        family.add_sample(family.name, dict(labels), value)
    return family


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return _gauge(name, text, [({}, value)])


def _counter(name: str, text: str, values: Values) -> CounterMetricFamily:
    family = CounterMetricFamily(f"{_PREFIX}_{name}", text)
    for labels, value in values:
        family.add_sample(f"{family.name}_total", dict(labels), value)
    return family


def _by(label: str, counts: Mapping[str, int]) -> Values:
    return [({label: name}, count) for name, count in counts.items()]
