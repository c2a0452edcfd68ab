"""What is done once at a request, as a unit that a reconciler carries out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

from anomalyops.elastic import Gateway, GatewayError
from anomalyops.plan import Move, SeenJob, Step
from anomalyops.resources import RequestResource, ResourceStatus

T = TypeVar("T", bound=ResourceStatus)


class RequestUnit(ABC, Generic[T]):
    """One request: what it asks for, what is stored of it, and what the server has, as of the last look.

    Attributes:
        resource: The resource.
        status: Its status, as it is stored.
        job: Its job.
        alone: Whether no other request is at work on the job.
    """

    def __init__(self, resource: RequestResource, status: T, job: SeenJob, *, alone: bool) -> None:
        self.resource = resource
        self.status = status
        self.job = job
        self.alone = alone

    @property
    def is_leaving(self) -> bool:
        """Whether the resource is being deleted."""
        return self.resource.deletion_requested is not None

    @abstractmethod
    def needs_look(self, now: datetime) -> bool:
        """Whether the server has to be looked at for the next move."""

    @abstractmethod
    async def look(self, gateway: Gateway, now: datetime) -> None:
        """Ask the server for what it has.

        Raises:
            GatewayError: The server could not be looked at.
        """

    @abstractmethod
    def next_move(self, now: datetime, *, just_noted: bool, called: Step | None, answer: str) -> Move[T]:
        """What is to be done next.

        Args:
            now: The time, UTC.
            just_noted: Whether the status was stored a moment ago, and nothing was sent since.
            called: The call that was made a moment ago, with success; None for none.
            answer: What the server has named itself in its answer to the last call; empty for nothing.
        """

    def passes(self, error: GatewayError) -> bool:
        """Whether what the server has refused may be granted later, without anybody's doing."""
        return False

    @abstractmethod
    def refused(self, step: Step, error: GatewayError, now: datetime) -> T:
        """The status after the server has refused a step, of which it has done nothing."""
