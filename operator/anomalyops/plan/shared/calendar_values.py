"""What is wanted of a calendar, and what the server has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.shared.mark import Mark, read_description
from anomalyops.resources.calendar import AnomalyCalendar
from anomalyops.resources.times import parse_time

MARK_TIMES: Final = {"start_time": 0, "end_time": 1000}
"""When the mark's event is: long before any data."""


def _milliseconds(time: int | str) -> int:
    """A time of an event: the server's numbers are milliseconds, however small."""
    return time if isinstance(time, int) else parse_time(time)


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """What an event says, apart from its id.

    Attributes:
        start: Milliseconds since 1970.
        end: Likewise, exclusive.
        description: What happens then.
        skip_result: Whether there are no anomalies meanwhile.
        skip_model_update: Whether nothing is learned meanwhile.
        force_time_shift: Seconds by which the models' clock is moved; 0 for not.
    """

    start: int
    end: int
    description: str
    skip_result: bool = True
    skip_model_update: bool = True
    force_time_shift: int = 0

    @classmethod
    def read(cls, body: JsonObject) -> Event:
        """An event of a body or of an answer; what it leaves out is the server's default."""
        return cls(
            start=_milliseconds(body["start_time"]),
            end=_milliseconds(body["end_time"]),
            description=str(body.get("description") or ""),
            skip_result=bool(body.get("skip_result", True)),
            skip_model_update=bool(body.get("skip_model_update", True)),
            force_time_shift=int(body.get("force_time_shift") or 0),
        )

    def __str__(self) -> str:
        start = datetime.fromtimestamp(self.start / 1000, UTC)
        return f"{self.description} ({start:%Y-%m-%d %H:%M})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredCalendar:
    """A calendar that shall exist.

    Attributes:
        calendar_id: Its id.
        job_ids: All jobs and groups that it names.
        events: The bodies of all its events.
        description: Its description; None leaves the one that it has.
        missing_jobs: AnomalyJobs that the manifest names and that are not there yet.
        problems: Why some of its events cannot be known; nothing is changed meanwhile.
    """

    calendar_id: str
    job_ids: frozenset[str]
    events: tuple[Mapping[str, Any], ...] = ()
    description: str | None = None
    missing_jobs: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCalendar:
    """What the server has under the id of a calendar.

    Attributes:
        job_ids: The jobs and groups that it names; None when there is no such calendar.
        description: Its description.
        events: Its events by id, the marks among them.
        moment: The time of the look, ISO 8601.
    """

    job_ids: frozenset[str] | None = None
    description: str = ""
    events: Mapping[str, Event] = field(default_factory=dict)
    moment: str = ""

    @property
    def marks(self) -> dict[str, Mark]:
        """The marks by the id of their event; more than one after a plan that was cut off."""
        found = {name: _mark(event) for name, event in self.events.items()}
        return {name: mark for name, mark in found.items() if mark is not None}

    @property
    def mark(self) -> Mark | None:
        """The mark that counts: the latest."""
        return max(self.marks.values(), key=lambda mark: (mark.since, str(mark)), default=None)

    @property
    def real_events(self) -> dict[str, Event]:
        """The events that are none of the operator's marks."""
        return {name: event for name, event in self.events.items() if _mark(event) is None}


def _mark(event: Event) -> Mark | None:
    text, mark = read_description(event.description, kind=AnomalyCalendar.KIND)
    return mark if not text and event.start == MARK_TIMES["start_time"] else None
