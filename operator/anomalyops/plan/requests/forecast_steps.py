"""The calls about forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from anomalyops.plan.core.server import Server
from anomalyops.plan.core.steps import Effect, Step, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForForecast(Step):
    """`POST _ml/anomaly_detectors/{job_id}/_forecast`."""

    verb: ClassVar[str] = "forecast job"
    subject: ClassVar[Subject] = Subject.JOB
    effect: ClassVar[Effect] = Effect.RUNS
    job_id: str
    options: Mapping[str, str]

    @property
    def target(self) -> str:
        """The job's id."""
        return self.job_id

    async def send(self, server: Server) -> str:
        """Make the call; the forecast's id."""
        return await server.create_forecast(self.job_id, self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteForecast(Step):
    """`DELETE _ml/anomaly_detectors/{job_id}/_forecast/{forecast_id}`; none there is success."""

    verb: ClassVar[str] = "delete forecast"
    subject: ClassVar[Subject] = Subject.FORECAST
    effect: ClassVar[Effect] = Effect.DESTROYS
    job_id: str
    forecast_id: str

    @property
    def target(self) -> str:
        """The forecast's id."""
        return self.forecast_id

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.delete_forecast(self.job_id, self.forecast_id)
