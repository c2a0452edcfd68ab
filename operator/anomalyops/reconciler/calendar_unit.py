"""The calendar as a unit of reconciliation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from anomalyops.elastic import Gateway
from anomalyops.plan import (
    Claim,
    DesiredCalendar,
    Event,
    ObservedCalendar,
    Plan,
    Removal,
    expanded,
    plan_calendar,
)
from anomalyops.reconciler.shared_unit import SharedUnit, moment
from anomalyops.resources import AnomalyCalendar


class CalendarUnit(SharedUnit[ObservedCalendar]):
    """An AnomalyCalendar."""

    @cached_property
    def desired(self) -> DesiredCalendar | Removal | None:
        """What the manifest asks for; None for one that cannot be read."""
        shared, resource = self.shared, self.shared.resource
        assert isinstance(resource, AnomalyCalendar)  # noqa: S101 - a unit is of one kind
        if self.is_leaving:
            return Removal(id=resource.server_id, policy=resource.spec.deletion_policy)
        if not shared.readable or shared.problems:
            return None
        expansion = expanded(resource.spec, self.clock())
        return DesiredCalendar(
            calendar_id=resource.server_id,
            job_ids=shared.jobs | frozenset(resource.spec.job_ids or ()),
            events=expansion.events,
            description=resource.spec.description,
            missing_jobs=shared.missing_jobs,
            problems=expansion.problems,
        )

    @property
    def wanted(self) -> tuple[DesiredCalendar | Removal | None, Claim]:
        """What the manifest asks for and allows."""
        return self.desired, self.claim

    async def look(self) -> ObservedCalendar:
        """What the server has of the calendar: two calls."""
        name = self.shared.resource.server_id
        config, events = await asyncio.gather(self.gateway.calendar(name), self.gateway.events_of(name))
        return _observed(config, events, self.clock())

    @classmethod
    async def look_at_all(cls, gateway: Gateway, now: datetime) -> Mapping[str, ObservedCalendar]:
        """All calendars of the server: two calls."""
        configs, events = await asyncio.gather(gateway.calendars(), gateway.events())
        return {name: _observed(config, events.get(name, ()), now) for name, config in configs.items()}

    def among(self, seen: Mapping[str, ObservedCalendar]) -> ObservedCalendar:
        """This one of them."""
        return seen.get(self.shared.resource.server_id) or _observed(None, (), self.clock())

    def plan_known(self, observed: ObservedCalendar) -> Plan:
        """What is to be done."""
        return Plan() if self.desired is None else plan_calendar(self.owner, self.desired, observed, self.claim)

    def exists(self, observed: ObservedCalendar) -> bool:
        """Whether the server has the calendar."""
        return observed.job_ids is not None

    def is_ours(self, observed: ObservedCalendar) -> bool:
        """Whether the calendar's mark is this resource's."""
        return observed.mark is not None and observed.mark.belongs_to(self.owner)

    def facts(self, observed: ObservedCalendar) -> dict[str, Any]:
        """Id, number of jobs and of events."""
        there = observed.job_ids is not None
        return {
            "calendar_id": self.shared.resource.server_id,
            "job_count": len(observed.job_ids or ()) if there else None,
            "event_count": len(observed.real_events) if there else None,
        }

    def in_words(self, observed: ObservedCalendar) -> str:
        """How many events it has, and for how many jobs."""
        events, jobs = len(observed.real_events), len(observed.job_ids or ())
        return f"{events} event{'' if events == 1 else 's'} for {jobs} job{'' if jobs == 1 else 's'} or groups"


def _observed(config: Mapping[str, Any] | None, events: Iterable[Mapping[str, Any]], now: datetime) -> ObservedCalendar:
    if config is None:
        return ObservedCalendar(moment=moment(now))
    return ObservedCalendar(
        job_ids=frozenset(map(str, config.get("job_ids") or ())),
        description=str(config.get("description") or ""),
        events={str(event["event_id"]): Event.read(event) for event in events},
        moment=moment(now),
    )
