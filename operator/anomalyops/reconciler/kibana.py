"""Asking Kibana to show new jobs: many requests at once become one call."""

from __future__ import annotations

import asyncio

from anomalyops.elastic import Gateway, GatewayError


class SavedObjectsSync:
    """Synchronises Kibana's saved objects after jobs were created or deleted.

    Whoever asks while a call is under way waits for the next one, and all who wait share it.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = asyncio.Lock()
        self._asked = 0
        self._answered = 0
        self._problem: str | None = None

    @property
    def enabled(self) -> bool:
        """Whether the connection names a Kibana."""
        return self._gateway.endpoint.kibana_url is not None

    async def request(self) -> str | None:
        """Brings Kibana up to date.

        Returns:
            None on success, else what went wrong: a job works without being visible in Kibana.
        """
        self._asked += 1
        ticket = self._asked
        async with self._lock:
            if self._answered >= ticket:
                return self._problem
            covered = self._asked
            try:
                await self._gateway.sync_saved_objects()
                self._problem = None
            except GatewayError as error:
                self._problem = str(error)
            self._answered = covered
            return self._problem
