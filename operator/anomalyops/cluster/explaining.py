"""How a job of a cluster is, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.cluster.access import Cluster, event_line
from anomalyops.cluster.connections import with_connections
from anomalyops.elastic import GatewayError
from anomalyops.local.connections import Login, open_gateway, targets
from anomalyops.local.errors import LocalError
from anomalyops.resources import (
    KINDS,
    AnomalyJob,
    AnyResource,
    ConditionType,
    Datafeed,
    Reason,
    format_memory,
)

_LATEST_EVENTS: Final = 10
_RUNBOOKS: Final = {
    ConditionType.MEMORY_LIMITED: "AnomalyJobMemoryLimited",
    ConditionType.JOB_FAILED: "AnomalyJobFailed",
    ConditionType.SNAPSHOT_TOO_OLD: "AnomalyJobSnapshotTooOld",
    ConditionType.DATAFEED_STOPPED: "DatafeedStopped",
    ConditionType.DATA_DELAYED: "DatafeedMissesDocuments",
    ConditionType.CONNECTION_UNAVAILABLE: "AnomalyConnectionUnusable",
    ConditionType.STALLED: "AnomalyResourceNotReady",
}


async def of_namespace(cluster: Cluster, namespace: str | None) -> tuple[list[AnyResource], list[str]]:
    """All resources of a namespace, or of all of them, and a line for each that cannot be read.

    Raises:
        KubeApiError: They cannot be listed.
    """
    found: list[AnyResource] = []
    unreadable: list[str] = []
    for kind in KINDS:
        found += await cluster.objects(kind.model, namespace, unreadable)
    return found, unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A job, its datafeed, and the latest Events of both."""

    job: AnomalyJob
    datafeed: Datafeed | None
    events: tuple[dict[str, Any], ...]

    def text(self) -> str:
        """For a person."""
        lines = [*_about_job(self.job), *_conditions(self.job)]
        if self.datafeed is None:
            lines += ["", "No Datafeed names this job."]
        else:
            lines += ["", *_about_datafeed(self.datafeed), *_conditions(self.datafeed)]
        advice = list(self.advice())
        lines += ["", "What to do", *(f"  {line}" for line in advice or ["Nothing: all is as it should be."])]
        if self.events:
            lines += ["", "Events", *(f"  {event_line(event)}" for event in self.events)]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For a program: the objects with their status, the advice, and the Events as the API has them."""
        feed = self.datafeed
        return {
            "job": _object(self.job),
            "datafeed": None if feed is None else _object(feed),
            "advice": list(self.advice()),
            "events": list(self.events),
        }

    def advice(self) -> Iterator[str]:
        """What each condition that is not as it should be asks of a person."""
        for resource in (self.job, self.datafeed):
            if resource is None:
                continue
            conditions = [] if resource.status is None else resource.status.conditions
            if not conditions:
                yield f"{resource.kind}: the operator has not reported yet; is it running?"
            for condition in conditions:
                if not _is_bad(condition.type, condition.status):
                    continue
                words = Reason(condition.reason).description if condition.reason in set(Reason) else ""
                page = _RUNBOOKS.get(ConditionType(condition.type)) if condition.type in set(ConditionType) else None
                more = f" (docs/runbooks.md#{page.lower()})" if page is not None else ""
                yield f"{resource.kind}: {condition.reason}: {words}{more}"


async def explained(cluster: Cluster, name: str) -> Explained:
    """A job of the cluster's namespace with what is known of it.

    Raises:
        ClusterError: There is no such job.
        KubeApiError: Something cannot be read.
    """
    job, feed = await cluster.job(name)
    events = [*await cluster.events(job), *(await cluster.events(feed) if feed is not None else ())]
    latest = sorted(events, key=event_line)[-_LATEST_EVENTS:]
    return Explained(job=job, datafeed=feed, events=tuple(latest))


async def job_log(cluster: Cluster, name: str, login: Login, *, most: int) -> tuple[list[str], str]:
    """What the server said of a job, oldest first; the Events about it where the server cannot be asked from here.

    Returns:
        The lines, and why they are Events; empty where they are the server's.

    Raises:
        ClusterError: There is no such job.
        KubeApiError: Something cannot be read.
    """
    job, feed = await cluster.job(name)
    try:
        return await _messages(cluster, job, login, most), ""
    except (GatewayError, LocalError) as error:
        events = [*await cluster.events(job), *(await cluster.events(feed) if feed is not None else ())]
        return sorted(map(event_line, events))[-most:], str(error)


async def _messages(cluster: Cluster, job: AnomalyJob, login: Login, most: int) -> list[str]:
    (target,) = targets(await with_connections(cluster, job), login)
    async with open_gateway(target.connection, target.credentials) as gateway:
        found = await gateway.job_messages(job.server_id, most)
    return [
        f"{datetime.fromtimestamp(one.timestamp / 1000, UTC):%Y-%m-%dT%H:%M:%S}  {one.level:7}  {one.text}"
        for one in found
    ]


def _object(resource: AnyResource) -> dict[str, Any]:
    return resource.manifest() | {"status": {} if resource.status is None else resource.status.manifest()}


def _is_bad(type_: str, status: str) -> bool:
    """Ready and Synced should hold, all others should not."""
    good = "True" if type_ in {ConditionType.READY, ConditionType.SYNCED} else "False"
    return status != good


def _about_job(job: AnomalyJob) -> Iterator[str]:
    status = job.status
    yield f"AnomalyJob {job.namespace}/{job.name}, job {job.server_id} on the server"
    if status is None:
        return
    yield f"  state    {status.job_state or 'unknown'}, datafeed {status.datafeed_state or 'none'}"
    if (memory := status.memory) is not None and memory.model_bytes is not None:
        limit = f" of {format_memory(memory.limit_bytes)}" if memory.limit_bytes else ""
        share = f" ({memory.percent} %)" if memory.percent is not None else ""
        yield f"  memory   {memory.status or 'unknown'}: {format_memory(memory.model_bytes)}{limit}{share}"
    if (counts := status.data_counts) is not None:
        until = f", until {counts.latest_record_time:%Y-%m-%d %H:%M}" if counts.latest_record_time else ""
        records, buckets = counts.processed_record_count or 0, counts.bucket_count or 0
        yield f"  data     {records:,} records in {buckets:,} buckets{until}"
    if status.assignment_explanation:
        yield f"  node     none: {status.assignment_explanation}"
    if (place := status.placement) is not None:
        yield f"  server   {place.connection} ({place.cluster_uuid or 'no cluster uuid'})"


def _about_datafeed(feed: Datafeed) -> Iterator[str]:
    status = feed.status
    yield f"Datafeed {feed.namespace}/{feed.name}, datafeed {feed.server_id} on the server"
    if status is None:
        return
    real_time = {True: ", in real time", False: ", behind real time", None: ""}[status.real_time]
    yield f"  state    {status.datafeed_state or 'unknown'}{real_time}"
    missed = status.delayed_data
    late = f"; missed {missed.missing_documents:,} documents" if missed and missed.missing_documents else ""
    if (found := status.query_delay) is not None and found.p95 is not None:
        late = f"{late}; 95 of 100 documents come within {found.p95}"
    if found is not None and found.recommended_delay is not None:
        late = f"{late}; {found.recommended_delay} is recommended"
    yield f"  delay    queryDelay {feed.spec.query_delay or 'of the server'}{late}"


def _conditions(resource: AnyResource) -> Iterator[str]:
    conditions = [] if resource.status is None else resource.status.conditions
    for condition in conditions:
        yield f"  {condition.type}={condition.status}  {condition.reason}: {condition.message}"
