"""The plan for a filter list: created, or brought to the manifest's items by one update that holds the mark too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anomalyops.plan.core.differences import shown
from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.plans import Plan
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.server import Server
from anomalyops.plan.core.steps import Effect, Step, Subject
from anomalyops.plan.shared.claims import Claim, whose
from anomalyops.plan.shared.mark import Mark, marked, read_description
from anomalyops.plan.shared.words import in_words
from anomalyops.resources import AnomalyFilter, DeletionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredFilter:
    """A filter list that shall exist.

    Attributes:
        filter_id: Its id.
        items: All of its items.
        description: Its description; None leaves the one that it has.
    """

    filter_id: str
    items: frozenset[str]
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedFilter:
    """What the server has under the id of a filter list.

    Attributes:
        items: Its items; None when there is no such filter.
        description: Its description, the mark in it.
        moment: The time of the look, ISO 8601.
    """

    items: frozenset[str] | None = None
    description: str = ""
    moment: str = ""

    @property
    def text(self) -> str:
        """The description without the mark."""
        return read_description(self.description, kind=AnomalyFilter.KIND)[0]

    @property
    def mark(self) -> Mark | None:
        """The mark, None for none."""
        return read_description(self.description, kind=AnomalyFilter.KIND)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterStep(Step):
    """A step on a filter list."""

    subject: ClassVar[Subject] = Subject.FILTER
    filter_id: str

    @property
    def target(self) -> str:
        """The filter's id."""
        return self.filter_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFilter(FilterStep):
    """`PUT _ml/filters/{filter_id}`; the description holds the mark."""

    verb: ClassVar[str] = "create filter"
    effect: ClassVar[Effect] = Effect.CREATES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.create_filter(self.filter_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFilter(FilterStep):
    """`POST _ml/filters/{filter_id}/_update`: items to add, items to remove, the description."""

    verb: ClassVar[str] = "update filter"
    effect: ClassVar[Effect] = Effect.CHANGES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.update_filter(self.filter_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFilter(FilterStep):
    """`DELETE _ml/filters/{filter_id}`; refused while a job uses it."""

    verb: ClassVar[str] = "delete filter"
    effect: ClassVar[Effect] = Effect.DESTROYS

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.delete_filter(self.filter_id)


def plan_filter(owner: Owner, wanted: DesiredFilter | Removal, observed: ObservedFilter, claim: Claim) -> Plan:
    """What is to be done about one filter list.

    Args:
        owner: The resource.
        wanted: What it asks for.
        observed: What the server has.
        claim: What it allows about a filter that it did not make.
    """
    if isinstance(wanted, Removal):
        return Plan(steps=_removal(owner, wanted, observed))
    target, mark = wanted.filter_id, observed.mark
    ownership = whose(Subject.FILTER, target, mark, owner, exists=observed.items is not None)
    if observed.items is None:
        described = marked(wanted.description or "", _mark(owner, wanted, None, observed.moment))
        body = {"description": described, "items": sorted(wanted.items)}
        return Plan(steps=(CreateFilter(filter_id=target, body=body, reason="it does not exist"),), ownership=ownership)
    lost = observed.items - wanted.items
    refused = claim.obstacle(Subject.FILTER, target, mark, owner, f"items {in_words(lost)}" if lost else "")
    if refused is not None:
        return Plan(obstacles=(refused,), ownership=ownership)
    body, reasons = {}, []
    if added := wanted.items - observed.items:
        body["add_items"] = sorted(added)
        reasons.append(f"add {in_words(added)}")
    if lost:
        body["remove_items"] = sorted(lost)
        reasons.append(f"remove {in_words(lost)}")
    text = _text(wanted, observed)
    if text != observed.text:
        reasons.append(f"description {shown(observed.text)} -> {shown(text)}")
    if mark is None or not mark.belongs_to(owner) or mark.retained:
        reasons.append("it is taken over")
    described = marked(text, _mark(owner, wanted, mark, observed.moment))
    if described != observed.description:
        body["description"] = described
        reasons = reasons or ["the mark is renewed"]
    if not body:
        return Plan(ownership=ownership)
    return Plan(steps=(UpdateFilter(filter_id=target, body=body, reason=", ".join(reasons)),), ownership=ownership)


def _text(wanted: DesiredFilter, observed: ObservedFilter) -> str:
    """The description that there shall be: the manifest's; one that it gives no more is taken back."""
    if wanted.description is not None:
        return wanted.description
    return "" if observed.mark is not None and observed.mark.described else observed.text


def _mark(owner: Owner, wanted: DesiredFilter, stored: Mark | None, moment: str) -> Mark:
    described = wanted.description is not None
    if stored is None or not stored.belongs_to(owner) or stored.retained:
        return Mark(owner=owner, since=moment, described=described)
    return Mark(owner=owner, since=stored.since, described=described)


def _removal(owner: Owner, removed: Removal, observed: ObservedFilter) -> tuple[Step, ...]:
    mark = observed.mark
    if observed.items is None or mark is None or not mark.belongs_to(owner):
        return ()
    reason = f"the resource is being deleted (spec.deletionPolicy: {removed.policy.value})"
    if removed.policy is DeletionPolicy.DELETE:
        return (DeleteFilter(filter_id=removed.id, reason=reason),)
    left = replace(mark, retained=True) if removed.policy is DeletionPolicy.RETAIN else None
    description = marked(observed.text, left)
    if description == observed.description:
        return ()
    return (UpdateFilter(filter_id=removed.id, body={"description": description}, reason=reason),)
