"""One resource that is one server object, as a unit of reconciliation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from anomalyops.elastic import Gateway
from anomalyops.plan import Claim, Obstacle, Owner, Plan, Subject
from anomalyops.reconciler.unit import Done, Unit
from anomalyops.resources import BY_NAME, AnomalyCalendar, AnomalyJob, SharedResource, SourceProblem

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedObject:
    """A resource with its present status, and what it refers to.

    Attributes:
        resource: The resource, with what it reads from ConfigMaps written into it.
        jobs: The ids of the AnomalyJobs that it refers to, on the server.
        missing_jobs: The names of AnomalyJobs that it refers to and that are not there.
        readable: False for what remains of an invalid one: unless it is being deleted, its object is left as it is.
        problems: Why what it reads from ConfigMaps cannot be used: its object is left as it is likewise.
    """

    resource: SharedResource
    jobs: frozenset[str] = frozenset()
    missing_jobs: tuple[str, ...] = ()
    readable: bool = True
    problems: tuple[SourceProblem, ...] = ()

    @property
    def key(self) -> str:
        """Identifies it: `kind/namespace/name`."""
        return f"{self.resource.KIND}/{self.resource.namespace}/{self.resource.name}"


def chosen_jobs(calendar: AnomalyCalendar, jobs: Iterable[AnomalyJob]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The ids of the AnomalyJobs that a calendar chooses, and the names of those that it names and that are not there.

    Args:
        calendar: The calendar.
        jobs: The AnomalyJobs of its namespace that live on its server. One that is being deleted is there no more.
    """
    known = {job.name: job for job in jobs if job.deletion_requested is None}
    named = [reference.name for reference in calendar.spec.job_refs or ()]
    selector = calendar.spec.job_selector
    chosen = {name for name in named if name in known}
    if selector is not None:
        chosen |= {name for name, job in known.items() if selector.chooses(job.metadata.labels)}
    return frozenset(known[name].server_id for name in chosen), tuple(name for name in named if name not in known)


class SharedUnit(Unit[S]):
    """What such units have in common.

    Args:
        shared: The resource.
        gateway: The server.
        cluster: Identity of the cluster that the resource lives in.
        clock: Says the time, in UTC.
    """

    def __init__(self, shared: SharedObject, gateway: Gateway, *, cluster: str, clock: Callable[[], datetime]) -> None:
        self.shared = shared
        self.gateway = gateway
        self.clock = clock
        metadata = shared.resource.metadata
        self.owner = Owner(
            cluster=cluster,
            namespace=metadata.namespace,
            name=metadata.name,
            uid=metadata.uid,
            kind=shared.resource.KIND,
        )

    @property
    def key(self) -> str:
        """Kind, namespace and name."""
        return self.shared.key

    @property
    def is_leaving(self) -> bool:
        """Whether the resource is being deleted."""
        return self.shared.resource.deletion_requested is not None

    @property
    def claim(self) -> Claim:
        """What the resource allows about an object that it did not make."""
        spec = self.shared.resource.spec
        return Claim(adoption=spec.adoption_policy, take_over=spec.take_over_from or "")

    async def look_and_plan(self, *, curious: bool = False, done: Done[S] | None = None) -> tuple[S, Plan]:
        """What the server has, and what is to be done."""
        observed = await self.look()
        return observed, self.plan(observed)

    def plan_run_state(self, observed: S) -> Plan:
        """Nothing runs."""
        return Plan()

    def plan(self, observed: S) -> Plan:
        """What is to be done; nothing while it is not known what is wanted."""
        if self.is_leaving or not self.shared.problems:
            return self.plan_known(observed)
        problems = self.shared.problems
        first = next((one for one in problems if not one.waiting), problems[0])
        obstacle = Obstacle(
            reason=first.reason,
            message=f"nothing is changed on the server meanwhile: {'; '.join(map(str, problems))}",
            subject=Subject(BY_NAME[self.shared.resource.KIND].server_object),
            waiting=first.waiting,
        )
        return Plan(obstacles=(obstacle,))

    @abstractmethod
    def plan_known(self, observed: S) -> Plan:
        """What is to be done, where it is known what is wanted."""

    @classmethod
    @abstractmethod
    async def look_at_all(cls, gateway: Gateway, now: datetime) -> Mapping[str, S]:
        """What the server has of all such objects, by id."""

    @abstractmethod
    def among(self, seen: Mapping[str, S]) -> S:
        """What the server has of this one, from a look at all."""

    @abstractmethod
    def is_ours(self, observed: S) -> bool:
        """Whether the mark on the object is this resource's."""

    @abstractmethod
    def facts(self, observed: S) -> dict[str, Any]:
        """The fields of the status that are this kind's own."""

    @abstractmethod
    def in_words(self, observed: S) -> str:
        """What the object on the server has, in words."""


def moment(now: datetime) -> str:
    """A time as marks hold it."""
    return now.astimezone(UTC).isoformat(timespec="seconds")
