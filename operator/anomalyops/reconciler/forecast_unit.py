"""A forecast as a unit that is carried out once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from anomalyops.elastic import Gateway, GatewayError, Rejected
from anomalyops.plan import (
    ForecastRequest,
    Move,
    Observed,
    SeenJob,
    Step,
    forecast_needs_look,
    forecast_refused,
    passes,
    plan_forecast,
)
from anomalyops.plan.requests.forecast_records import Documents
from anomalyops.reconciler.look import observed_pair
from anomalyops.reconciler.request_unit import RequestUnit
from anomalyops.resources import AnomalyForecast, AnomalyForecastStatus


class ForecastUnit(RequestUnit[AnomalyForecastStatus]):
    """An AnomalyForecast.

    Args:
        resource: The resource.
        status: Its status, as it is stored.
        job: Its job.
        alone: Whether no other request is at work on the job.
        claimed: Ids of forecasts that other resources tell of.
    """

    def __init__(
        self,
        resource: AnomalyForecast,
        status: AnomalyForecastStatus,
        job: SeenJob,
        *,
        alone: bool,
        claimed: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(resource, status, job, alone=alone)
        self._spec = resource.spec
        self._claimed = claimed
        self._forecasts: Documents | None = None

    def needs_look(self, now: datetime) -> bool:
        """Whether a forecast is on its way or due."""
        return forecast_needs_look(self._request(now))

    async def look(self, gateway: Gateway, now: datetime) -> None:
        """Ask for the job, its datafeed and its forecasts: four calls; none for a job without an id here."""
        if not self.job.job_id:
            self.job = replace(self.job, observed=Observed(job=None, datafeed=None))
            self._forecasts = {}
            return
        pair, self._forecasts = await asyncio.gather(
            gateway.pair(self.job.job_id, None), gateway.forecasts.of_job(self.job.job_id)
        )
        self.job = replace(self.job, observed=observed_pair(pair, now=now))

    def next_move(
        self, now: datetime, *, just_noted: bool, called: Step | None, answer: str
    ) -> Move[AnomalyForecastStatus]:
        """What is to be done next."""
        return plan_forecast(replace(self._request(now), just_noted=just_noted, answer=answer))

    def refused(self, step: Step, error: GatewayError, now: datetime) -> AnomalyForecastStatus:
        """The status after the server has refused a step."""
        rejected = isinstance(error, Rejected)
        return forecast_refused(self._request(now), step, error.reason, rejected=rejected)

    def passes(self, error: GatewayError) -> bool:
        """Whether the job has to learn more, or other forecasts to end."""
        return passes(error.reason)

    def _request(self, now: datetime) -> ForecastRequest:
        return ForecastRequest(
            spec=self._spec,
            status=self.status,
            created=self.resource.metadata.creation_timestamp or datetime.fromtimestamp(0, UTC),
            now=now,
            leaving=self.is_leaving,
            job=self.job,
            forecasts=self._forecasts,
            claimed=self._claimed,
            alone=self.alone,
        )
