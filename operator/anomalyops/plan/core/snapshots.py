"""Model snapshots as a server tells of them: what they have learnt, and which one is meant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.resources import parse_time

_TOLD: Final = 5  # snapshots that a message names


def milliseconds(value: Any) -> int | None:
    """A timestamp of a document: milliseconds since 1970, however few, or text where the server answers with that."""
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    return int(text) if text.lstrip("-").isdigit() else parse_time(text)


def learnt_until(snapshot: JsonObject) -> int:
    """The time of the latest record that a snapshot has learnt, in milliseconds; else when it was made."""
    found = milliseconds(snapshot.get("latest_record_time_stamp"))
    return found if found is not None else milliseconds(snapshot.get("timestamp")) or 0


def learnt_time(snapshot: JsonObject) -> datetime | None:
    """The time of the latest record that a snapshot has learnt, to the second; None where it has learnt none."""
    found = milliseconds(snapshot.get("latest_record_time_stamp"))
    return None if found is None else datetime.fromtimestamp(found / 1000, UTC).replace(microsecond=0)


def newest_before(snapshots: Sequence[JsonObject], limit: int) -> JsonObject | None:
    """The newest snapshot that has learnt nothing from a time on (milliseconds since 1970); None for none."""
    older = [one for one in snapshots if learnt_until(one) < limit]
    return max(older, key=lambda one: (learnt_until(one), milliseconds(one.get("timestamp")) or 0), default=None)


def listed(snapshots: Sequence[JsonObject]) -> str:
    """The first of these snapshots, in words."""
    there = [f"{one['snapshot_id']} (until {time_text(learnt_until(one))})" for one in snapshots[:_TOLD]]
    more = len(snapshots) - len(there)
    return ", ".join(there) + (f" and {more} more" if more > 0 else "") if there else "none"


def time_text(moment: datetime | int) -> str:
    """A moment as messages have it; milliseconds since 1970 or a time."""
    at = datetime.fromtimestamp(moment / 1000, UTC) if isinstance(moment, int) else moment
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
