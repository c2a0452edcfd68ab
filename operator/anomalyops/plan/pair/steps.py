"""The steps on a job and its datafeed: small, typed, each with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops.plan.core.server import Server
from anomalyops.plan.core.steps import Answer, Effect, Joint, Step, Subject

DATAFEED_CONFIG = "datafeed_config"
"""Where a job's configuration holds that of its datafeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep(Step):
    """A step on an anomaly detection job."""

    subject: ClassVar[Subject] = Subject.JOB
    job_id: str

    @property
    def target(self) -> str:
        """The job's id."""
        return self.job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DatafeedStep(Step):
    """A step on a datafeed."""

    subject: ClassVar[Subject] = Subject.DATAFEED
    datafeed_id: str

    @property
    def target(self) -> str:
        """The datafeed's id."""
        return self.datafeed_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJob(JobStep):
    """`PUT _ml/anomaly_detectors/{job_id}`; `body` holds the owner marker in `custom_settings`."""

    verb: ClassVar[str] = "create job"
    effect: ClassVar[Effect] = Effect.CREATES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> Answer:
        """Make the call; the configuration that the server has then."""
        return await server.create_job(self.job_id, self.body)

    def with_next(self, following: Step) -> Joint | None:
        """The job's own datafeed is created with it."""
        if isinstance(following, CreateDatafeed) and following.body.get("job_id") == self.job_id:
            return CreatePair(job=self, datafeed=following)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_update`; `body` has the update shape, replaced objects whole."""

    verb: ClassVar[str] = "update job"
    effect: ClassVar[Effect] = Effect.CHANGES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> Answer:
        """Make the call; the configuration that the server has then."""
        return await server.update_job(self.job_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSnapshot(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot_id}/_update`: whether it is kept, its description.

    A model snapshot that is retained is deleted with the job, and by no retention period.
    """

    verb: ClassVar[str] = "update model snapshot of job"
    effect: ClassVar[Effect] = Effect.CHANGES
    snapshot_id: str
    body: Mapping[str, Any]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.update_snapshot(self.job_id, self.snapshot_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_open`."""

    verb: ClassVar[str] = "open job"
    effect: ClassVar[Effect] = Effect.RUNS
    starts: ClassVar[bool] = True

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.open_job(self.job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_close`, then wait until `_stats` says closed."""

    verb: ClassVar[str] = "close job"
    effect: ClassVar[Effect] = Effect.RUNS
    force: bool = False

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.close_job(self.job_id, force=self.force)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetJob(JobStep):
    """`POST _ml/anomaly_detectors/{job_id}/_reset`: forgets model and results, keeps the configuration."""

    verb: ClassVar[str] = "reset job"
    effect: ClassVar[Effect] = Effect.DESTROYS
    destructive: ClassVar[bool] = True

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.reset_job(self.job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob(JobStep):
    """`DELETE _ml/anomaly_detectors/{job_id}`: configuration, model and results."""

    verb: ClassVar[str] = "delete job"
    effect: ClassVar[Effect] = Effect.DESTROYS
    destructive: ClassVar[bool] = True

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.delete_job(self.job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDatafeed(DatafeedStep):
    """`PUT _ml/datafeeds/{datafeed_id}`; `body` holds `job_id`."""

    verb: ClassVar[str] = "create datafeed"
    effect: ClassVar[Effect] = Effect.CREATES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> Answer:
        """Make the call; the configuration that the server has then."""
        return await server.create_datafeed(self.datafeed_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePair(Joint):
    """`PUT _ml/anomaly_detectors/{job_id}` with the datafeed as `datafeed_config`.

    Elasticsearch creates one after the other, and deletes the job again where it refuses the datafeed.
    """

    job: CreateJob
    datafeed: CreateDatafeed

    @property
    def steps(self) -> tuple[Step, ...]:
        """The creation of the job, and that of the datafeed."""
        return self.job, self.datafeed

    @property
    def body(self) -> dict[str, Any]:
        """The job's body with the datafeed's in it."""
        return {**self.job.body, DATAFEED_CONFIG: {**self.datafeed.body, "datafeed_id": self.datafeed.datafeed_id}}

    async def send(self, server: Server) -> tuple[Answer, ...]:
        """Make the call; the configurations that the server has then."""
        answer = await server.create_job(self.job.job_id, self.body)
        return answer, answer.get(DATAFEED_CONFIG)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDatafeed(DatafeedStep):
    """`POST _ml/datafeeds/{datafeed_id}/_update`; only on a stopped datafeed."""

    verb: ClassVar[str] = "update datafeed"
    effect: ClassVar[Effect] = Effect.CHANGES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> Answer:
        """Make the call; the configuration that the server has then."""
        return await server.update_datafeed(self.datafeed_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDatafeed(DatafeedStep):
    """`POST _ml/datafeeds/{datafeed_id}/_start`. Without `start` it goes on after the last processed record."""

    verb: ClassVar[str] = "start datafeed"
    effect: ClassVar[Effect] = Effect.RUNS
    starts: ClassVar[bool] = True
    start: str | None = None
    end: str | None = None

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.start_datafeed(self.datafeed_id, start=self.start, end=self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDatafeed(DatafeedStep):
    """`POST _ml/datafeeds/{datafeed_id}/_stop`, then wait until `_stats` says stopped."""

    verb: ClassVar[str] = "stop datafeed"
    effect: ClassVar[Effect] = Effect.RUNS
    force: bool = False

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.stop_datafeed(self.datafeed_id, force=self.force)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDatafeed(DatafeedStep):
    """`DELETE _ml/datafeeds/{datafeed_id}`: the configuration only; model and results belong to the job."""

    verb: ClassVar[str] = "delete datafeed"
    effect: ClassVar[Effect] = Effect.DESTROYS

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.delete_datafeed(self.datafeed_id)
