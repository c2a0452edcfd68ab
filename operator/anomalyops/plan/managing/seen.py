"""What a server has of what a change is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.owner import Owner
from anomalyops.plan.pair.ownership import owner_of

_RUNNING = frozenset({"started", "starting"})
_OPEN = frozenset({"opened", "opening"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCalendar:
    """A calendar of the server.

    Attributes:
        job_ids: The jobs and groups that it names.
        owner: The manifest that manages it; None for nobody.
    """

    job_ids: tuple[str, ...]
    owner: Owner | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A job and what belongs to it, as the server has them.

    Attributes:
        job: Its configuration; None for no such job.
        job_stats: Its `_stats`.
        feed: Its datafeed's configuration; None without one.
        feed_stats: The datafeed's `_stats`.
        feed_of: The job whose datafeed has the id that is asked for; empty where none has.
        snapshots: The ids of its model snapshots.
        calendar: The calendar that is asked for; None where there is none.
        refused: What the server says against what would be created; empty where it would take it.
        unchecked: What could not be asked of it.
    """

    job: JsonObject | None = None
    job_stats: Mapping[str, Any] | None = None
    feed: JsonObject | None = None
    feed_stats: Mapping[str, Any] | None = None
    feed_of: str = ""
    snapshots: tuple[str, ...] = ()
    calendar: SeenCalendar | None = None
    refused: str = ""
    unchecked: tuple[str, ...] = ()

    @property
    def owner(self) -> Owner | None:
        """The manifest that manages the job."""
        return None if self.job is None else owner_of(self.job)

    @property
    def state(self) -> str:
        """The job's state."""
        return str((self.job_stats or {}).get("state", "closed"))

    @property
    def open(self) -> bool:
        """Whether the job is open, or about to be."""
        return self.state in _OPEN

    @property
    def failed(self) -> bool:
        """Whether the job has failed: it is closed by force."""
        return self.state == "failed"

    @property
    def running(self) -> bool:
        """Whether the datafeed runs, or is about to."""
        return (self.feed_stats or {}).get("state") in _RUNNING

    @property
    def bounded(self) -> bool:
        """Whether the datafeed runs towards an end: stopping it ends the run, and its end is known to nobody."""
        return (
            self.running and ((self.feed_stats or {}).get("running_state") or {}).get("real_time_configured") is False
        )

    @property
    def feed_id(self) -> str:
        """The datafeed's id; empty without one."""
        return str((self.feed or {}).get("datafeed_id", ""))

    @property
    def size(self) -> Mapping[str, Any]:
        """What the server says of the model's size."""
        return (self.job_stats or {}).get("model_size_stats") or {}
