"""What a controller is: it says which keys an object concerns, and works off one key at a time."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from anomalyops.health import Notice
from anomalyops.watching.objects import Seen
from anomalyops.watching.options import ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of one key: it is written in this order.

    Attributes:
        statuses: Objects and the status that each shall have.
        notices: Objects and what is told about them in Events.
        released: Objects on their way out that lose the finalizer, in order.
        retry_after: Seconds until the key is worked off again without an event; None for not.
    """

    statuses: tuple[tuple[Seen[Any], Mapping[str, Any]], ...] = ()
    notices: tuple[tuple[Seen[Any], Notice], ...] = ()
    released: tuple[Seen[Any], ...] = ()
    retry_after: float | None = None

    def __add__(self, other: Report) -> Report:
        """Both, this one's writes first; the earlier retry counts."""
        retries = [at for at in (self.retry_after, other.retry_after) if at is not None]
        return Report(
            statuses=self.statuses + other.statuses,
            notices=self.notices + other.notices,
            released=self.released + other.released,
            retry_after=min(retries, default=None),
        )


class Controller(Protocol):
    """The work on some kinds of resources."""

    @property
    def name(self) -> str:
        """By which the queue and the metrics know it."""

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """The keys to work off when this object appears, changes or goes."""

    def lane(self, key: ObjectKey) -> Hashable:
        """Which lane of the queue a key is in, such as the server that it is about."""

    async def process(self, key: ObjectKey) -> Report:
        """Work off one key.

        Raises:
            KubeApiError: the Kubernetes API refused a write that had to come first.
        """

    async def stop(self) -> None:
        """End what runs in the background."""
