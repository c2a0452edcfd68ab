"""A revert as a unit that is carried out once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

from anomalyops.elastic import Conflict, Gateway, GatewayError, NotFound, Rejected, Unsupported
from anomalyops.plan import (
    CloseJob,
    Move,
    Observed,
    RevertRequest,
    SeenJob,
    SkipCalendar,
    Step,
    StopDatafeed,
    plan_revert,
    revert_needs_look,
    revert_refused,
    skip_calendar_id,
)
from anomalyops.reconciler.look import observed_pair
from anomalyops.reconciler.request_unit import RequestUnit
from anomalyops.resources import ModelSnapshotRevert, ModelSnapshotRevertStatus


class RevertUnit(RequestUnit[ModelSnapshotRevertStatus]):
    """A ModelSnapshotRevert."""

    def __init__(
        self, resource: ModelSnapshotRevert, status: ModelSnapshotRevertStatus, job: SeenJob, *, alone: bool
    ) -> None:
        super().__init__(resource, status, job, alone=alone)
        self._request = RevertRequest(resource=resource, status=status, now=datetime.min, job=job)

    def needs_look(self, now: datetime) -> bool:
        """Whether it is not over."""
        return revert_needs_look(self._at(now))

    async def look(self, gateway: Gateway, now: datetime) -> None:
        """Ask for the job, its datafeed, its snapshots, and the calendar of a skipped period: four to six calls.

        A job without an id here has neither a datafeed nor snapshots.
        """
        resource = self._request.resource
        calendar = SkipCalendar()
        observed, snapshots = Observed(job=None, datafeed=None), list[dict[str, Any]]()
        if self.job.job_id:
            pair, snapshots = await asyncio.gather(
                gateway.pair(self.job.job_id, None), gateway.snapshots_of(self.job.job_id)
            )
            observed = observed_pair(pair, now=now)
        if resource.spec.skip_period is not None or self.status.calendar_id is not None:
            calendar = await _calendar(gateway, skip_calendar_id(resource.namespace, resource.name))
        self.job = replace(self.job, observed=observed)
        self._request = replace(self._request, snapshots=tuple(snapshots), calendar=calendar)

    def next_move(
        self, now: datetime, *, just_noted: bool, called: Step | None, answer: str
    ) -> Move[ModelSnapshotRevertStatus]:
        """What is to be done next."""
        return plan_revert(replace(self._at(now), called=called))

    def refused(self, step: Step, error: GatewayError, now: datetime) -> ModelSnapshotRevertStatus:
        """The status after the server has refused a step."""
        if not isinstance(error, Rejected | NotFound | Conflict | Unsupported):
            return self.status  # what the credentials may not do, what ran before cannot be brought back with
        if isinstance(step, StopDatafeed | CloseJob) and not isinstance(error, Rejected):
            return self.status  # somebody else acts too: look again
        return revert_refused(self._at(now), step, error.reason)

    def _at(self, now: datetime) -> RevertRequest:
        return replace(self._request, status=self.status, now=now, job=self.job, alone=self.alone)


async def _calendar(gateway: Gateway, name: str) -> SkipCalendar:
    found = await gateway.calendar(name)
    if found is None:
        return SkipCalendar()
    events = await gateway.events_of(name)
    return SkipCalendar(job_ids=frozenset(found.get("job_ids", ())), events=tuple(events))
