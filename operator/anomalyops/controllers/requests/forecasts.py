"""AnomalyForecasts."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, ClassVar

from anomalyops.controllers.requests.controller import RequestController
from anomalyops.elastic import GatewayError
from anomalyops.plan import SeenJob
from anomalyops.reconciler import ForecastUnit
from anomalyops.resources import AnomalyForecast, AnomalyForecastStatus
from anomalyops.watching.objects import Seen
from anomalyops.watching.options import ObjectKey

logger = logging.getLogger(__name__)


class ForecastController(RequestController[AnomalyForecast]):
    """AnomalyForecasts, and the forecasts that they tell of."""

    name: ClassVar[str] = "forecast"
    model = AnomalyForecast

    def unit(
        self, seen: Seen[AnomalyForecast], status: AnomalyForecastStatus, job: SeenJob, *, alone: bool
    ) -> ForecastUnit:
        """The forecast, and which ones of its job others tell of."""
        assert seen.managed is not None  # noqa: S101 - else nothing is carried out
        key = self._job_of(seen)
        others = (one for one in self.operations.of_job(key) if one.metadata.uid != seen.metadata.uid)
        claimed = frozenset(name for one in others for name in told_of(one))
        return ForecastUnit(seen.managed, status, job, alone=alone, claimed=claimed)

    async def gone(self, connection: ObjectKey, here: list[Seen[AnomalyForecast]]) -> Iterable[ObjectKey]:
        """Those that tell of a forecast which somebody has deleted, or its job: one search for all."""
        told = {seen.key: there for seen in here if (there := frozenset(told_of(seen, there=True)))}
        if not told:
            return ()
        async with self._connections.runtimes[connection].gateway() as gateway:
            try:
                known = await gateway.forecasts.known(frozenset[str]().union(*told.values()))
            except GatewayError as error:
                logger.warning("connection %s: forecasts: %s", connection, error)
                return ()
        return [key for key, there in told.items() if not there <= known]


def told_of(seen: Seen[Any], *, there: bool = False) -> Iterable[str]:
    """The ids of forecasts that a status tells of; with `there`, those that the server shall have."""
    resource = seen.resource
    if not isinstance(resource, AnomalyForecast) or resource.status is None:
        return
    status = resource.status
    if status.operation is not None and status.operation.forecast_id is not None and not there:
        yield status.operation.forecast_id
    for record in status.history or ():
        if record.forecast_id is not None and not (there and record.state != "finished"):
            yield record.forecast_id
