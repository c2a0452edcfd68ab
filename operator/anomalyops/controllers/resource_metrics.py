"""Numbers for Prometheus about each resource: its conditions, its job's counts, memory and scores.

They are made of what is known anyhow: a scrape sends nothing to any server, and nothing to Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from anomalyops.elastic import LatestScores
from anomalyops.reconciler import DatafeedFigures, Figures, JobFigures
from anomalyops.resources import (
    AnomalyJob,
    AnyResource,
    ConditionStatus,
    ConditionType,
    Datafeed,
    DelayedData,
    Placement,
)
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey

OnServer = TypeVar("OnServer", AnomalyJob, Datafeed)
Servers = Mapping[ObjectKey, Figures]

_OBJECT = ("kind", "namespace", "name")
_JOB = ("namespace", "name", "job_id")
_DATAFEED = ("namespace", "name", "datafeed_id")


def condition_metrics(objects: Iterable[Seen[Any]]) -> Iterator[Metric]:
    """Whether each resource is ready, and which other conditions hold, with their reasons."""
    ready = GaugeMetricFamily(
        "anomalyops_resource_ready", "1 while the condition Ready is True.", labels=(*_OBJECT, "reason")
    )
    holds = GaugeMetricFamily(
        "anomalyops_resource_condition",
        "1 for each condition other than Ready that is True.",
        labels=(*_OBJECT, "type", "reason"),
    )
    for seen in objects:
        labels = (seen.kind.name, seen.key.namespace, seen.key.name)
        for condition in _conditions(seen.resource):
            if condition.type == ConditionType.READY:
                ready.add_metric((*labels, condition.reason), float(condition.status is ConditionStatus.TRUE))
            elif condition.status is ConditionStatus.TRUE:
                holds.add_metric((*labels, condition.type, condition.reason), 1.0)
    yield from (ready, holds)


class _JobNumber(NamedTuple):
    """A number of a job. `None` is not shown."""

    name: str
    text: str
    of: Callable[[JobFigures], float | None]
    counts: bool = False


_JOB_NUMBERS = (
    _JobNumber("opened", "1 while the job is open.", lambda job: float(job.opened)),
    _JobNumber("model_bytes", "Memory that the job's model uses.", lambda job: job.model_bytes),
    _JobNumber("model_limit_bytes", "Memory that the job's model may use.", lambda job: job.limit_bytes),
    _JobNumber("latest_record_timestamp_seconds", "Time of the latest record.", lambda job: job.latest_record),
    _JobNumber("records", "Records that the job has analysed.", lambda job: job.records, counts=True),
    _JobNumber("buckets", "Buckets that the job has finished.", lambda job: job.buckets, counts=True),
    _JobNumber("empty_buckets", "Of these, the ones without a record.", lambda job: job.empty_buckets, counts=True),
    _JobNumber("invalid_dates", "Records refused for their time.", lambda job: job.invalid_dates, counts=True),
    _JobNumber("out_of_order", "Records that came too late for the job.", lambda job: job.out_of_order, counts=True),
    _JobNumber("missing_fields", "Fields that records lacked.", lambda job: job.missing_fields, counts=True),
)

_SCORES: tuple[tuple[str, str, Callable[[LatestScores], float | None]], ...] = (
    ("bucket_score", "Anomaly score, 0 to 100, of the latest finished bucket.", lambda scores: scores.bucket),
    ("record_score", "Highest record score, 0 to 100, in the latest finished bucket.", lambda scores: scores.record),
    (
        "scored_bucket_timestamp_seconds",
        "Start of the bucket that the scores are of.",
        lambda scores: scores.bucket_ms / 1000,
    ),
)


def job_metrics(objects: Objects, servers: Servers) -> Iterator[Metric]:
    """The numbers of each AnomalyJob's job, as of the last look at its server."""
    jobs = list(_placed(objects, AnomalyJob, servers))
    for number in _JOB_NUMBERS:
        family = (CounterMetricFamily if number.counts else GaugeMetricFamily)(
            f"anomalyops_job_{number.name}", number.text, labels=_JOB
        )
        for labels, job, figures in jobs:
            known = figures.jobs.get(job.server_id)
            _add(family, labels, None if known is None else number.of(known))
        yield family
    for name, text, of in _SCORES:
        score = GaugeMetricFamily(f"anomalyops_job_{name}", text, labels=_JOB)
        for labels, job, figures in jobs:
            scores = figures.scores.get(job.server_id)
            _add(score, labels, None if scores is None else of(scores))
        yield score


_DATAFEED_NUMBERS: tuple[tuple[str, str, bool, Callable[[DatafeedFigures], float]], ...] = (
    ("started", "1 while the datafeed is started.", False, lambda feed: float(feed.started)),
    ("searches", "Searches that the datafeed has made.", True, lambda feed: feed.searches),
    ("search_seconds", "Time that its searches took together.", True, lambda feed: feed.search_seconds),
)


def datafeed_metrics(objects: Objects, servers: Servers) -> Iterator[Metric]:
    """The numbers of each Datafeed, as of the last look at its server."""
    feeds = list(_placed(objects, Datafeed, servers))
    for name, text, counts, of in _DATAFEED_NUMBERS:
        family = (CounterMetricFamily if counts else GaugeMetricFamily)(
            f"anomalyops_datafeed_{name}", text, labels=_DATAFEED
        )
        for labels, feed, figures in feeds:
            known = figures.datafeeds.get(feed.server_id)
            _add(family, labels, None if known is None else of(known))
        yield family
    late = GaugeMetricFamily(
        "anomalyops_datafeed_missed_documents", "Documents that came after their bucket was read.", labels=_DATAFEED
    )
    for labels, feed, _ in feeds:
        delayed: DelayedData | None = feed.status.delayed_data if feed.status is not None else None
        _add(late, labels, None if delayed is None else delayed.missing_documents)
    yield late


def _placed(
    objects: Objects, model: type[OnServer], servers: Servers
) -> Iterator[tuple[tuple[str, str, str], OnServer, Figures]]:
    """The resources of a kind that live on a server which was looked at: labels, resource, and its server's numbers."""
    for key, seen in objects.of(model).items():
        resource = seen.resource
        placement: Placement | None = resource.status.placement if resource is not None and resource.status else None
        if resource is None or placement is None or placement.connection is None:
            continue
        figures = servers.get(ObjectKey.parse(placement.connection))
        if figures is not None:
            yield (key.namespace, key.name, resource.server_id), resource, figures


def _conditions(resource: AnyResource | None) -> Iterable[Any]:
    return resource.status.conditions if resource is not None and resource.status is not None else ()


def _add(family: GaugeMetricFamily | CounterMetricFamily, labels: tuple[str, ...], value: float | None) -> None:
    if value is not None:
        family.add_metric(labels, value)
