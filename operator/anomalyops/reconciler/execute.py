"""Carrying out one step of a plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from anomalyops.elastic import Gateway
from anomalyops.plan import (
    CloseJob,
    CreateDatafeed,
    CreateJob,
    DeleteDatafeed,
    DeleteJob,
    OpenJob,
    ResetJob,
    StartDatafeed,
    Step,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
)

_Call = Callable[[Gateway, Any], Awaitable[None]]

# The gateway already treats "already open", "already started" and "no such object" of a removal as success.
_CALLS: dict[type[Step], _Call] = {
    CreateJob: lambda gateway, step: gateway.create_job(step.job_id, step.body),
    UpdateJob: lambda gateway, step: gateway.update_job(step.job_id, step.body),
    OpenJob: lambda gateway, step: gateway.open_job(step.job_id),
    CloseJob: lambda gateway, step: gateway.close_job(step.job_id, force=step.force),
    ResetJob: lambda gateway, step: gateway.reset_job(step.job_id),
    DeleteJob: lambda gateway, step: gateway.delete_job(step.job_id),
    CreateDatafeed: lambda gateway, step: gateway.create_datafeed(step.datafeed_id, step.body),
    UpdateDatafeed: lambda gateway, step: gateway.update_datafeed(step.datafeed_id, step.body),
    StartDatafeed: lambda gateway, step: gateway.start_datafeed(step.datafeed_id, start=step.start, end=step.end),
    StopDatafeed: lambda gateway, step: gateway.stop_datafeed(step.datafeed_id, force=step.force),
    DeleteDatafeed: lambda gateway, step: gateway.delete_datafeed(step.datafeed_id),
}


async def execute(step: Step, gateway: Gateway) -> None:
    """Sends the call of one step and waits until the server has done it.

    Raises:
        GatewayError: The server refused, failed or was not reached.
        TypeError: No call is known for this kind of step.
    """
    call = _CALLS.get(type(step))
    if call is None:
        raise TypeError(f"no server call is known for a step {type(step).__name__}")
    await call(gateway, step)
