"""When a running datafeed may be stopped for a change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from anomalyops.resources.base import SpecModel
from anomalyops.resources.durations import Duration, parse_duration
from anomalyops.resources.schedule import Cron, Schedule, TimeZone


class MaintenanceWindow(SpecModel):
    """Times at which a running datafeed may be stopped for a change."""

    schedule: Cron = Field(
        description="When a window opens, as cron has it: minute, hour, day of month, month, day of week."
    )
    duration: Annotated[str, Duration(minimum="10m")] = Field(
        description="How long it stays open; a change that has begun is ended."
    )
    time_zone: TimeZone = Field(
        default="UTC",
        json_schema_extra={"default": None},  # the API server writes none
        description="The time zone of the schedule, as the IANA database names it; UTC when absent.",
    )

    def is_open(self, now: datetime) -> bool:
        """Whether a window is open: it opened no longer than its duration ago.

        Args:
            now: An aware time.
        """
        length = timedelta(milliseconds=parse_duration(self.duration))
        return now < self._times.latest_until(now) + length

    def opens(self, now: datetime) -> datetime:
        """When the next window opens, in UTC."""
        return self._times.next_after(now)

    @property
    def _times(self) -> Schedule:
        return Schedule(self.schedule, self.time_zone)
