"""When a running datafeed may be stopped for a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.durations import Duration, parse_duration
from anomalyops.resources.identifiers import Text

if TYPE_CHECKING:
    from cronsim import CronSim

_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def _firings(schedule: str, since: datetime, *, backwards: bool = False) -> CronSim:
    """The moments of a schedule after (before) a time; only manifests with a window need the library."""
    from cronsim import CronSim  # noqa: PLC0415

    return CronSim(schedule, since, reverse=backwards)


def _schedule(text: str) -> str:
    from cronsim import CronSimError  # noqa: PLC0415

    try:
        next(_firings(text, _SOME_DAY))
    except (CronSimError, StopIteration):
        raise ValueError(
            f"'{text}' is no schedule that ever comes: write minute, hour, day of month, month and day of week, "
            "such as '0 2 * * SAT'"
        ) from None
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"'{name}' is no time zone: write a name of the IANA database, such as Europe/Berlin"
        ) from None
    return name


class MaintenanceWindow(SpecModel):
    """Times at which a running datafeed may be stopped for a change."""

    schedule: Annotated[
        str,
        Text(
            pattern=r"^[0-9A-Za-z*,/#-]+( +[0-9A-Za-z*,/#-]+){4}$",
            form="write five fields: minute, hour, day of month, month and day of week, such as '0 2 * * SAT'",
            maximum=256,
        ),
        AfterValidator(_schedule),
    ] = Field(description="When a window opens, as cron has it: minute, hour, day of month, month, day of week.")
    duration: Annotated[str, Duration(minimum="10m")] = Field(
        description="How long it stays open; a change that has begun is ended."
    )
    time_zone: Annotated[
        str,
        Text(
            pattern=r"^[A-Za-z0-9_+/-]+$",
            form="write a name of the IANA database, such as Europe/Berlin",
            maximum=64,
        ),
        AfterValidator(_zone),
    ] = Field(
        default="UTC",
        json_schema_extra={"default": None},  # the API server writes none
        description="The time zone of the schedule, as the IANA database names it; UTC when absent.",
    )

    def is_open(self, now: datetime) -> bool:
        """Whether a window is open: it opened no longer than its duration ago.

        Args:
            now: An aware time.
        """
        local = now.astimezone(ZoneInfo(self.time_zone))
        length = timedelta(milliseconds=parse_duration(self.duration))
        for opened in _firings(self.schedule, local + 2 * _MINUTE, backwards=True):
            if _before(opened, now, timedelta()):
                return not _before(opened, now, length)
        return False

    def opens(self, now: datetime) -> datetime:
        """When the next window opens, in UTC."""
        moment: datetime = next(_firings(self.schedule, now.astimezone(ZoneInfo(self.time_zone))))
        return moment.astimezone(UTC)


def _before(opened: datetime, now: datetime, length: timedelta) -> bool:
    """Whether a moment lies at least this long before now; elapsed time, over changes of clocks too."""
    return opened.astimezone(UTC) + length <= now.astimezone(UTC)
