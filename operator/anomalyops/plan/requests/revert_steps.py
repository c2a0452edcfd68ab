"""The call that takes a job back to a model snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from anomalyops.plan.core.server import Server
from anomalyops.plan.core.steps import Effect, Step, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertJob(Step):
    """`POST _ml/anomaly_detectors/{job_id}/model_snapshots/{snapshot_id}/_revert`, of a closed job."""

    verb: ClassVar[str] = "revert job"
    subject: ClassVar[Subject] = Subject.JOB
    effect: ClassVar[Effect] = Effect.CHANGES
    destructive: ClassVar[bool] = True
    job_id: str
    snapshot_id: str
    delete_intervening_results: bool

    @property
    def target(self) -> str:
        """The job's id."""
        return self.job_id

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.revert_job(
            self.job_id, self.snapshot_id, delete_intervening_results=self.delete_intervening_results
        )
