"""Investigations that begin by themselves: one for each episode of a job's anomalous buckets.

What was seen to is noted on the AnomalyJob after the Investigation exists. An operator that ends between the two finds
the same episode again, makes the same name of it, and is told that it is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.place import home
from anomalyops.elastic import GatewayError
from anomalyops.health import Notice
from anomalyops.plan.investigations import covers, episodes, horizon, investigation_of, unseen
from anomalyops.reconciler import Observation
from anomalyops.resources import (
    API_VERSION,
    BY_NAME,
    DEFAULT_BUCKET_SPAN,
    EPISODE_ANNOTATION,
    AnomalyJob,
    Investigation,
    InvestigationTrigger,
    Reason,
    parse_duration,
)
from anomalyops.watching.controller import Report
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey
from anomalyops.watching.work import Work
from anomalyops.watching.writer import CONFLICT_RETRY

logger = logging.getLogger(__name__)


class TriggerController:
    """The triggers of AnomalyJobs, connection by connection: its keys are connections.

    Args:
        objects: All objects.
        work: The queue.
        api: The Kubernetes API, for Investigations and what is noted on jobs.
        connections: The servers.
    """

    name: ClassVar[str] = "investigation-trigger"

    def __init__(self, objects: Objects, work: Work, api: KubeApi, connections: ConnectionController) -> None:
        self.known: Callable[[str], bool] = lambda _: True  # whether all objects of a namespace were listed
        self._objects = objects
        self._work = work
        self._api = api
        self._connections = connections
        connections.serve(self)

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """No object: the looks at servers bring the keys."""
        return []

    def lane(self, key: ObjectKey) -> Hashable:
        """One connection waits for no other."""
        return ("triggers", key)

    async def stop(self) -> None:
        """Nothing runs outside the queue."""

    def needs(self, connection: ObjectKey) -> bool:
        """Nothing of a trigger is on a server."""
        return False

    def availability_changed(self, connection: ObjectKey) -> None:
        """The next look tells."""

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """The server was looked at: it may have found something since."""
        if self._triggered(connection):
            self._work.add(self.name, connection)

    async def process(self, key: ObjectKey) -> Report:
        """Make the Investigations of all new episodes on a server: one search for all of its jobs."""
        jobs = self._triggered(key)
        runtime = self._connections.runtimes.get(key)
        if not jobs or runtime is None or not runtime.usable:
            return Report()
        now = datetime.now(UTC)
        triggers = [trigger for _, trigger in jobs.values()]
        since = min(horizon(trigger, now) for trigger in triggers)
        try:
            async with runtime.gateway() as gateway:
                found = await gateway.anomalous_buckets(
                    jobs, min(trigger.min_score for trigger in triggers), round(since.timestamp() * 1000)
                )
        except GatewayError as error:
            logger.warning("connection %s: anomalous buckets: %s", key, error)
            return Report()  # with the next look
        report = Report()
        for job_id in sorted(found):
            if job_id not in jobs:
                continue
            seen, trigger = jobs[job_id]
            begun = [_moment(at) for at, score in found[job_id] if score >= trigger.min_score]
            report += await self._see_to(seen, trigger, episodes(begun, trigger, now=now))
        return report

    async def _see_to(
        self, seen: Seen[AnomalyJob], trigger: InvestigationTrigger, beginnings: Iterable[datetime]
    ) -> Report:
        """Make what is missing for a job's episodes, in their order, and note it."""
        job = seen.resource
        assert job is not None  # noqa: S101 - others have no trigger
        new = unseen(job, beginnings)
        report = Report()
        for begin in new:
            manifest = investigation_of(job, trigger, begin, _span(job))
            if not self._is_covered(job, manifest, begin):
                try:
                    await self._create(manifest)
                except KubeApiError as error:
                    if not error.refused:
                        raise
                    return report + Report(notices=((seen, _notice(job, "Warning", Reason.REJECTED, str(error))),))
                message = f"Investigation {manifest['metadata']['name']} begins: anomalies from {begin.isoformat()} on"
                report += Report(notices=((seen, _notice(job, "Normal", Reason.INVESTIGATING, message)),))
        if new and not await self._note(seen, new[-1]):
            report += Report(retry_after=CONFLICT_RETRY)
        return report

    def _is_covered(self, job: AnomalyJob, manifest: dict[str, Any], begin: datetime) -> bool:
        return any(
            one.resource is not None and key.namespace == job.namespace and covers(one.resource, manifest, begin)
            for key, one in self._objects.of(Investigation).items()
        )

    async def _create(self, manifest: dict[str, Any]) -> None:
        """Create an Investigation; one of this name is the same."""
        namespace, plural = manifest["metadata"]["namespace"], BY_NAME[Investigation.KIND].plural
        try:
            made = await self._api.create(f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}", manifest)
        except KubeApiError as error:
            if error.status != 409:
                raise
        else:
            self._work.changed(made, listed=False)

    async def _note(self, seen: Seen[AnomalyJob], begin: datetime) -> bool:
        """Note on a job which episode was seen to. False: the job has changed meanwhile."""
        current = self._objects.current(seen)
        if current is None:
            return True
        metadata = current.metadata
        noted = {**metadata.annotations, EPISODE_ANNOTATION: begin.isoformat()}
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version},
            {"op": "add", "path": "/metadata/annotations", "value": noted},
        ]
        plural = BY_NAME[AnomalyJob.KIND].plural
        path = f"/apis/{API_VERSION}/namespaces/{seen.key.namespace}/{plural}/{seen.key.name}"
        try:
            self._work.changed(await self._api.json_patch(path, patch), listed=False)
        except KubeApiError as error:
            if not (error.outdated or error.missing):
                raise
            return error.missing
        return True

    def _triggered(self, connection: ObjectKey) -> dict[str, tuple[Seen[AnomalyJob], InvestigationTrigger]]:
        """The jobs with triggers that live on a connection, by their ids on the server."""
        found: dict[str, tuple[Seen[AnomalyJob], InvestigationTrigger]] = {}
        for key, seen in self._objects.of(AnomalyJob).items():
            job = seen.resource
            if job is None or job.spec.triggers is None or seen.metadata.deletion_timestamp is not None:
                continue
            lives = home(job)
            if lives is not None and lives.connection == connection and self.known(key.namespace):
                found[job.server_id] = (seen, job.spec.triggers.investigation)
        return found


def _notice(job: AnomalyJob, grave: Any, reason: Reason, message: str) -> Notice:
    return Notice(kind=job.KIND, name=job.name, type=grave, reason=reason, message=message)


def _span(job: AnomalyJob) -> timedelta:
    return timedelta(milliseconds=parse_duration(job.spec.analysis_config.bucket_span or DEFAULT_BUCKET_SPAN))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
