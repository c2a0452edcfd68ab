"""From manifests to the pairs that the reconciler works on: one AnomalyJob and the at most one Datafeed of it."""

from __future__ import annotations

from collections.abc import Iterable

from anomalyops.local.errors import LocalError
from anomalyops.local.manifests import Manifests
from anomalyops.reconciler import Pair
from anomalyops.resources import AnomalyJobSet, AnyResource, Datafeed, ElasticsearchConnection, Investigation


def pairs(manifests: Manifests) -> list[Pair]:
    """The pairs, jobs in the order of the files, then the datafeeds whose job is in none of them.

    Raises:
        LocalError: One job has two datafeeds.
    """
    feeds: dict[tuple[str, str], Datafeed] = {}
    for feed in manifests.datafeeds:
        job = feed.spec.job_ref.name
        other = feeds.setdefault((feed.namespace, job), feed)
        if other is not feed:
            raise LocalError(
                f"Datafeed/{feed.name}: spec.jobRef.name {job!r} is the job of Datafeed/{other.name} already;"
                " a job has one datafeed"
            )
    with_job = [Pair(job=job, datafeed=feeds.pop((job.namespace, job.name), None)) for job in manifests.jobs]
    return with_job + [Pair(job=None, datafeed=feed) for feed in feeds.values()]


def retaining(pairs_of_server: Iterable[Pair]) -> frozenset[str]:
    """The ids of the jobs that retain model snapshots."""
    jobs = (pair.job for pair in pairs_of_server)
    return frozenset(job.server_id for job in jobs if job is not None and job.spec.retained_snapshots)


def refuse_shared_ids(resources_of_server: Iterable[AnyResource]) -> None:
    """Makes sure that no two resources claim the same object of one server.

    Raises:
        LocalError: Two do; names both.
    """
    seen: dict[tuple[str, str], str] = {}
    for resource in resources_of_server:
        if isinstance(resource, ElasticsearchConnection | AnomalyJobSet | Investigation):
            continue
        name = f"{resource.kind}/{resource.name} (namespace {resource.namespace})"
        other = seen.setdefault((resource.kind, resource.server_id), name)
        if other != name:
            raise LocalError(f"{name} and {other} claim the same id on the server: {resource.server_id!r}")
