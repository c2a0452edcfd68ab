"""Calendars and their scheduled events (`Calendar`, `ScheduledEvent`)."""

from __future__ import annotations

from typing import Any, Final

from anomalyops_engine.config.identifiers import ID_RULE, MAX_JOB_ID_LENGTH, check_same_id, is_valid_id
from anomalyops_engine.config.reading import Parser, WrongType, boolean, small_integer, text, text_or_null, texts
from anomalyops_engine.config.records import Record, listed, record, row
from anomalyops_engine.config.units import instant_ms, iso_time
from anomalyops_engine.json_types import Json
from anomalyops_engine.refusals import bad_request, illegal_argument, invalid_request

EVERY_JOB: Final = "_all"
"""Stands for all jobs in a calendar's `job_ids`."""


@record("calendar_id", dropped={"type": text})
class Calendar(Record):
    """Which jobs the events of a calendar concern: their ids and groups, none of which need be known."""

    calendar_id: str = row(text, default="")
    job_ids: tuple[str, ...] = row(texts, default=())
    description: str | None = row(text_or_null, default=None)

    def check(self) -> None:
        """Raise 400 for an id that cannot be one."""
        wrong = []
        if self.calendar_id == EVERY_JOB:
            wrong.append("Cannot create a Calendar with the reserved name [_all]")
        if not is_valid_id(self.calendar_id):
            wrong.append(f"Invalid calendar_id; '{self.calendar_id}' {ID_RULE}")
        if len(self.calendar_id) > MAX_JOB_ID_LENGTH:
            wrong.append(f"The job id cannot contain more than {MAX_JOB_ID_LENGTH} characters.")
        if wrong:
            raise invalid_request(*wrong)

    def concerns(self, names: frozenset[str]) -> bool:
        """Return whether its events concern a job that has these names: its id and groups."""
        return not names.isdisjoint(self.job_ids) or EVERY_JOB in self.job_ids


def create_calendar(body: Json, *, calendar_id: str) -> Calendar:
    """Return the calendar that a body describes.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    given = Calendar.parser().parse(body)
    check_same_id("calendar_id", given.get("calendar_id"), calendar_id)
    return Calendar.complete({**given, "calendar_id": calendar_id})


def _moment(field: str, value: Json) -> int:
    """Read a time: a number is milliseconds, a text a date or the number of milliseconds or seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise WrongType
    if isinstance(value, str):
        return instant_ms(value, field)
    if not -(2**63) <= value < 2**63:
        raise illegal_argument(f"Value [{value}] is out of range for a long")
    return value


@record("scheduled_event", dropped={"type": text})
class ScheduledEvent(Record):
    """A stretch of time that is out of the ordinary for the jobs of a calendar."""

    description: str | None = row(text, default=None)
    start_time: int | None = row(_moment, default=None)
    end_time: int | None = row(_moment, default=None)
    skip_result: bool = row(boolean, default=True)
    skip_model_update: bool = row(boolean, default=True)
    force_time_shift: int | None = row(small_integer, default=None)
    calendar_id: str = row(text, default="")
    event_id: str | None = row(text, default=None, server=True)

    @property
    def start_ms(self) -> int:
        """Its beginning, epoch milliseconds."""
        assert self.start_time is not None  # noqa: S101 - checked when it was made
        return self.start_time

    @property
    def end_ms(self) -> int:
        """Its end, exclusive, epoch milliseconds."""
        assert self.end_time is not None  # noqa: S101 - checked when it was made
        return self.end_time

    @property
    def order(self) -> tuple[int, str]:
        """What events are sorted by."""
        return self.start_ms, self.description or ""

    def check(self) -> None:
        """Raise 400 for an event without beginning, end or description, or that ends before it begins."""
        for name in ("description", "start_time", "end_time"):
            if getattr(self, name) is None:
                raise bad_request(f"Field [{name}] cannot be null")
        if self.start_ms >= self.end_ms:
            raise bad_request(
                f"Event start time [{iso_time(self.start_ms)}] must come before end time [{iso_time(self.end_ms)}]"
            )


def _bodies(_: str, value: Json) -> list[dict[str, Any]]:
    parser = ScheduledEvent.parser()
    return [parser.parse(item) for item in listed(value)]


_EVENTS: Final = Parser("cluster:admin/xpack/ml/calendars/events/post", {"events": _bodies})


def create_events(body: Json, *, calendar_id: str) -> list[ScheduledEvent]:
    """Return the events that a body holds.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    given = _EVENTS.parse(body).get("events", [])
    for event in given:
        if event.get("calendar_id") not in {None, calendar_id}:
            raise bad_request(
                f"Inconsistent calendar_id; '{event['calendar_id']}' specified in the body differs from "
                f"'{calendar_id}' specified as a URL argument"
            )
    events = [ScheduledEvent.complete({**event, "calendar_id": calendar_id}) for event in given]
    if not events:
        raise bad_request("At least 1 event is required")
    return events
