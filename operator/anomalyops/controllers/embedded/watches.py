"""Watches of single objects by name: a right to list none is needed for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import NamedTuple

from anomalyops.watching.kubeapi import KubeApi, KubeApiError

logger = logging.getLogger(__name__)

RETRY = 5.0  # seconds after a watch that broke or was refused


class Place(NamedTuple):
    """One object: the path of its collection, and its name."""

    collection: str
    name: str

    @property
    def path(self) -> str:
        """The path of the object."""
        return f"{self.collection}/{self.name}"


class ObjectWatch:
    """Tells of each change of one object, whether it is there or not.

    Args:
        api: The Kubernetes API.
        place: What to watch.
        changed: Called after a change by whomever.
    """

    def __init__(self, api: KubeApi, place: Place, changed: Callable[[], None]) -> None:
        self._api = api
        self._place = place
        self._changed = changed
        self._version = ""  # of the object, as it was last told
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the watch."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            try:
                # Without a version a watch begins with what is there.
                async for event in self._api.watch(self._place.collection, name=self._place.name, resource_version=""):
                    gone = event["type"] == "DELETED"
                    self._tell("" if gone else str(event["object"]["metadata"].get("resourceVersion", "")))
            except KubeApiError as error:
                if not error.gone:
                    if not error.forbidden:  # the controller says so where a person sees it
                        logger.warning("%s cannot be watched, trying again: %s", self._place.path, error)
                    await asyncio.sleep(RETRY)

    def _tell(self, version: str) -> None:
        if version != self._version:
            self._version = version
            self._changed()
