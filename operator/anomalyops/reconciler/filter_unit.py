"""The filter list as a unit of reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from anomalyops.elastic import Gateway
from anomalyops.plan import Claim, DesiredFilter, ObservedFilter, Plan, Removal, plan_filter
from anomalyops.reconciler.shared_unit import SharedUnit, moment
from anomalyops.resources import AnomalyFilter


class FilterUnit(SharedUnit[ObservedFilter]):
    """An AnomalyFilter."""

    @cached_property
    def desired(self) -> DesiredFilter | Removal | None:
        """What the manifest asks for; None for one that cannot be read."""
        resource = self.shared.resource
        assert isinstance(resource, AnomalyFilter)  # noqa: S101 - a unit is of one kind
        if self.is_leaving:
            return Removal(id=resource.server_id, policy=resource.spec.deletion_policy)
        if not self.shared.readable or self.shared.problems:
            return None
        spec = resource.spec
        return DesiredFilter(
            filter_id=resource.server_id, items=frozenset(spec.items or ()), description=spec.description
        )

    @property
    def wanted(self) -> tuple[DesiredFilter | Removal | None, Claim]:
        """What the manifest asks for and allows."""
        return self.desired, self.claim

    async def look(self) -> ObservedFilter:
        """What the server has of the filter: one call."""
        return _observed(await self.gateway.filter(self.shared.resource.server_id), self.clock())

    @classmethod
    async def look_at_all(cls, gateway: Gateway, now: datetime) -> Mapping[str, ObservedFilter]:
        """All filters of the server: one call."""
        return {name: _observed(config, now) for name, config in (await gateway.filters()).items()}

    def among(self, seen: Mapping[str, ObservedFilter]) -> ObservedFilter:
        """This one of them."""
        return seen.get(self.shared.resource.server_id) or _observed(None, self.clock())

    def plan_known(self, observed: ObservedFilter) -> Plan:
        """What is to be done."""
        if self.desired is None:
            return Plan()
        return plan_filter(self.owner, self.desired, observed, self.claim)

    def exists(self, observed: ObservedFilter) -> bool:
        """Whether the server has the filter."""
        return observed.items is not None

    def is_ours(self, observed: ObservedFilter) -> bool:
        """Whether the filter's mark is this resource's."""
        return observed.mark is not None and observed.mark.belongs_to(self.owner)

    def facts(self, observed: ObservedFilter) -> dict[str, Any]:
        """Id and number of items."""
        count = None if observed.items is None else len(observed.items)
        return {"filter_id": self.shared.resource.server_id, "item_count": count}

    def in_words(self, observed: ObservedFilter) -> str:
        """How many items it has."""
        count = len(observed.items or ())
        return f"{count} item{'' if count == 1 else 's'}"


def _observed(config: Mapping[str, Any] | None, now: datetime) -> ObservedFilter:
    if config is None:
        return ObservedFilter(moment=moment(now))
    return ObservedFilter(
        items=frozenset(map(str, config.get("items") or ())),
        description=str(config.get("description") or ""),
        moment=moment(now),
    )
