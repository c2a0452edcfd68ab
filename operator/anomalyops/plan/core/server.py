"""The calls that change a server, as steps use them. The gateway has them; a simulated server may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Server(Protocol):
    """A server that steps are sent to. A call returns when the server has done what was asked.

    Those that write the configuration of a job or a datafeed return it whole, as the server has it from then on.
    """

    async def create_job(self, job_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a job."""

    async def update_job(self, job_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Update a job."""

    async def open_job(self, job_id: str) -> None:
        """Open a job."""

    async def close_job(self, job_id: str, *, force: bool = False) -> None:
        """Close a job, and wait until it is closed."""

    async def reset_job(self, job_id: str) -> None:
        """Forget a job's model and results."""

    async def delete_job(self, job_id: str) -> None:
        """Delete a job with its model and results."""

    async def create_datafeed(self, datafeed_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a datafeed."""

    async def update_datafeed(self, datafeed_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Update a stopped datafeed."""

    async def start_datafeed(self, datafeed_id: str, *, start: str | None = None, end: str | None = None) -> None:
        """Start a datafeed."""

    async def stop_datafeed(self, datafeed_id: str, *, force: bool = False) -> None:
        """Stop a datafeed, and wait until it is stopped."""

    async def delete_datafeed(self, datafeed_id: str) -> None:
        """Delete a datafeed."""

    async def create_forecast(self, job_id: str, options: Mapping[str, str]) -> str:
        """Begin a forecast of an open job; its id."""

    async def delete_forecast(self, job_id: str, forecast_id: str) -> None:
        """Delete a forecast that has ended."""

    async def revert_job(self, job_id: str, snapshot_id: str, *, delete_intervening_results: bool) -> None:
        """Take a closed job back to a model snapshot."""

    async def update_snapshot(self, job_id: str, snapshot_id: str, body: Mapping[str, Any]) -> None:
        """Retain a model snapshot of a job or let it go, or describe it."""

    async def create_filter(self, filter_id: str, body: Mapping[str, Any]) -> None:
        """Create a filter list."""

    async def update_filter(self, filter_id: str, body: Mapping[str, Any]) -> None:
        """Add items to a filter list, remove some, or describe it anew; all at once."""

    async def delete_filter(self, filter_id: str) -> None:
        """Delete a filter list that no job uses."""

    async def create_calendar(self, calendar_id: str, body: Mapping[str, Any]) -> None:
        """Create a calendar."""

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar with its events."""

    async def add_calendar_jobs(self, calendar_id: str, job_ids: Sequence[str]) -> None:
        """Have a calendar name jobs or groups too."""

    async def remove_calendar_jobs(self, calendar_id: str, job_ids: Sequence[str]) -> None:
        """Have a calendar name jobs or groups no more."""

    async def post_events(self, calendar_id: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Add events to a calendar."""

    async def delete_events(self, calendar_id: str, event_ids: Sequence[str]) -> None:
        """Delete events of a calendar."""
