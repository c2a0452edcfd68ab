"""From what a server has to the least that a manifest must say, for what jobs share: the reverse of planning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.shared.calendar_values import Event, ObservedCalendar
from anomalyops.plan.shared.mark import Mark, read_description
from anomalyops.resources.filter import AnomalyFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedShared:
    """An object of a server as a manifest would say it.

    Attributes:
        body: The fields of a spec, in Python names.
        mark: The mark on it, None for none.
    """

    body: dict[str, Any]
    mark: Mark | None


def export_filter(config: JsonObject) -> ExportedShared:
    """A filter list, its description without the mark."""
    text, mark = read_description(str(config.get("description") or ""), kind=AnomalyFilter.KIND)
    body = {"description": text} if text else {}
    return ExportedShared(body={**body, "items": list(config.get("items") or ())}, mark=mark)


def export_calendar(config: JsonObject, events: Iterable[JsonObject]) -> ExportedShared:
    """A calendar with its events but for the marks; of equal ones one, and of each what is not the server's default."""
    found = ObservedCalendar(events={str(number): Event.read(event) for number, event in enumerate(events)})
    said = [_event(event) for event in sorted(set(found.real_events.values()))]
    parts = {
        "description": str(config.get("description") or ""),
        "job_ids": list(config.get("job_ids") or ()),
        "events": said,
    }
    return ExportedShared(body={name: part for name, part in parts.items() if part}, mark=found.mark)


def _event(event: Event) -> dict[str, Any]:
    body: dict[str, Any] = {
        "description": event.description,
        "start": _time(event.start),
        "end": _time(event.end),
    }
    if not event.skip_result:
        body["skip_result"] = False
    if not event.skip_model_update:
        body["skip_model_update"] = False
    if event.force_time_shift:
        body["force_time_shift"] = event.force_time_shift
    return body


def _time(milliseconds: int) -> str:
    """A time as people write it; one beyond the calendar of people as a number."""
    try:
        moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (OverflowError, ValueError):
        return str(milliseconds)
    fraction = f".{milliseconds % 1000:03}" if milliseconds % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
