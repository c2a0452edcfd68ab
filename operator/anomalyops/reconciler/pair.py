"""The unit of reconciliation: one AnomalyJob and the at most one Datafeed that refers to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anomalyops.plan import Desired, DesiredDatafeed, DesiredJob, Owner, Policy, Removal, SnapshotChoice
from anomalyops.resources import (
    AdoptionPolicy,
    AnomalyJob,
    Datafeed,
    DatafeedRunState,
    JobRunState,
    ReplacePolicy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An AnomalyJob and its Datafeed. At least one is given.

    `datafeed=None` means that no Datafeed resource refers to the job. `job=None` means that the AnomalyJob
    which the Datafeed names does not exist (any more). A resource whose `metadata.deletion_timestamp` is set
    is on its way out: its deletion policy is carried out. The resources carry their present status.

    Attributes:
        job: The AnomalyJob.
        datafeed: The Datafeed.
        unreadable: Kinds whose resource here is what remains of an invalid one: unless it is being deleted, what it
            manages is left as it is.
    """

    job: AnomalyJob | None = None
    datafeed: Datafeed | None = None
    unreadable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.job is None and self.datafeed is None:
            raise ValueError("a pair needs an AnomalyJob or a Datafeed")

    @property
    def namespace(self) -> str:
        """The namespace of both resources."""
        return self.resources[0].metadata.namespace

    @property
    def job_name(self) -> str:
        """The name of the AnomalyJob, whether it exists or not."""
        first = self.resources[0]
        return first.metadata.name if isinstance(first, AnomalyJob) else first.spec.job_ref.name

    @property
    def key(self) -> str:
        """Identifies the pair: `namespace/name` of the AnomalyJob."""
        return f"{self.namespace}/{self.job_name}"

    @property
    def resources(self) -> tuple[AnomalyJob | Datafeed, ...]:
        """The AnomalyJob, then the Datafeed; what there is of them, so at least one."""
        return tuple(resource for resource in (self.job, self.datafeed) if resource is not None)


def is_deleting(resource: AnomalyJob | Datafeed | None) -> bool:
    """Whether the resource is on its way out."""
    return resource is not None and resource.metadata.deletion_timestamp is not None


def owner_of_pair(pair: Pair, cluster: str) -> Owner:
    """Who a pair's manifests are, for the mark of ownership."""
    uid = pair.resources[0].metadata.uid
    return Owner(cluster=cluster, namespace=pair.namespace, name=pair.job_name, uid=uid)


def desired(pair: Pair, *, cluster: str, bodies: bool = True) -> Desired:
    """What the pair's manifests ask for.

    Args:
        pair: Any pair.
        cluster: Identity of the cluster that the manifests live in, for the mark of ownership.
        bodies: Whether configurations are needed; False saves their making where only states are compared.
    """
    return Desired(
        owner=owner_of_pair(pair, cluster),
        job=_desired_job(pair.job, bodies=bodies, readable=AnomalyJob.KIND not in pair.unreadable),
        datafeed=_desired_datafeed(pair.datafeed, bodies=bodies, readable=Datafeed.KIND not in pair.unreadable),
    )


def policy(pair: Pair, *, run_state_only: bool = False, now: datetime | None = None) -> Policy:
    """What the pair's manifests allow.

    Args:
        pair: Any pair.
        now: The time, which decides whether a maintenance window is open; None for whatever the time.
        run_state_only: Leave the configuration as it is and only bring about the wanted run state.
    """
    job, feed = pair.job, pair.datafeed
    return Policy(
        replace=job.spec.replace_policy if job is not None else ReplacePolicy.NEVER,
        adoption=job.spec.adoption_policy if job is not None else AdoptionPolicy.IF_MATCHES,
        take_over=(job.spec.take_over_from or "") if job is not None else "",
        suspend_job=job is not None and job.spec.suspend,
        suspend_datafeed=feed is not None and feed.spec.suspend,
        replace_datafeed=feed.spec.replace_policy if feed is not None else ReplacePolicy.NEVER,
        adopt_datafeed=feed.spec.adoption_policy if feed is not None else AdoptionPolicy.IF_MATCHES,
        run_state_only=run_state_only,
        undisturbed=_undisturbed(job, now),
    )


def _undisturbed(job: AnomalyJob | None, now: datetime | None) -> str:
    """Until when a running datafeed is not to be stopped, in words; empty when it may be."""
    window = job.spec.maintenance_window if job is not None else None
    if window is None or now is None or window.is_open(now):
        return ""
    return f"which opens at {window.opens(now):%Y-%m-%d %H:%M} UTC"


def _desired_job(job: AnomalyJob | None, *, bodies: bool, readable: bool) -> DesiredJob | Removal | None:
    if job is None:
        return None
    if is_deleting(job):
        return Removal(id=job.server_id, policy=job.spec.deletion_policy)
    if not readable:
        return DesiredJob(job_id=job.server_id, body=None, opened=None, snapshots=None)
    return DesiredJob(
        job_id=job.server_id,
        body=job.spec.server_body() if bodies else {},
        opened=job.spec.state == JobRunState.OPENED,
        state_given="state" in job.spec.model_fields_set,
        snapshots=tuple(
            SnapshotChoice(snapshot_id=one.snapshot_id, before=one.before_ms, description=one.description)
            for one in job.spec.retained_snapshots or ()
        ),
    )


def _desired_datafeed(datafeed: Datafeed | None, *, bodies: bool, readable: bool) -> DesiredDatafeed | Removal | None:
    if datafeed is None:
        return None
    if is_deleting(datafeed):
        return Removal(id=datafeed.server_id, policy=datafeed.spec.deletion_policy)
    if not readable:
        return None
    spec = datafeed.spec
    return DesiredDatafeed(
        datafeed_id=datafeed.server_id,
        body=spec.server_body() if bodies else {},
        started=spec.state == DatafeedRunState.STARTED,
        state_given="state" in spec.model_fields_set,
        start=spec.start,
        end=spec.end,
    )
