"""Kubernetes Events about what was done and what became of it, repetitions counted instead of repeated."""

from __future__ import annotations

import logging
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from anomalyops.health import Notice
from anomalyops.resources import API_VERSION, Metadata
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.micro_time import micro_time

logger = logging.getLogger(__name__)

CONTROLLER = "anomalyops.io/operator"
SAME_WITHIN = 1800.0  # seconds in which an equal Event is a repetition of the first
REMEMBERED = 2000  # Events
NOTE_LIMIT = 1024  # characters, the API's limit


@dataclass
class _Recent:
    path: str
    count: int
    last: float  # time.monotonic()


class EventRecorder:
    """Writes Events of `events.k8s.io/v1`; one that cannot be written is logged, never an obstacle."""

    def __init__(self, api: KubeApi, *, instance: str) -> None:
        self._api = api
        self._instance = instance
        self._recent: OrderedDict[tuple[str, str, str], _Recent] = OrderedDict()

    async def record(self, notice: Notice, about: Metadata) -> None:
        """Records the notice as an Event about the object with this metadata."""
        logger.log(
            logging.WARNING if notice.type == "Warning" else logging.INFO,
            "%s %s/%s: %s: %s",
            notice.kind,
            about.namespace,
            about.name,
            notice.reason,
            notice.message,
        )
        identity = (about.uid, notice.reason, notice.message)
        try:
            if not await self._repeated(identity):
                await self._create(identity, notice, about)
        except KubeApiError as error:
            logger.warning(
                "no Event %s for %s %s/%s: %s", notice.reason, notice.kind, about.namespace, about.name, error
            )

    async def _repeated(self, identity: tuple[str, str, str]) -> bool:
        """Counts a repetition on the Event that is there; False when there is none."""
        recent = self._recent.get(identity)
        if recent is None or time.monotonic() - recent.last > SAME_WITHIN:
            return False
        series = {"count": recent.count + 1, "lastObservedTime": micro_time()}
        try:
            await self._api.merge_patch(recent.path, {"series": series})
        except KubeApiError as error:
            if error.missing:  # Events expire
                return False
            raise
        recent.count += 1
        recent.last = time.monotonic()
        self._recent.move_to_end(identity)
        return True

    async def _create(self, identity: tuple[str, str, str], notice: Notice, about: Metadata) -> None:
        name = f"{about.name}.{uuid.uuid4().hex[:16]}"
        path = f"/apis/events.k8s.io/v1/namespaces/{about.namespace}/events"
        await self._api.create(path, self._event(name, notice, about))
        self._recent[identity] = _Recent(f"{path}/{name}", 1, time.monotonic())
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    def _event(self, name: str, notice: Notice, about: Metadata) -> dict[str, Any]:
        note = notice.message if len(notice.message) <= NOTE_LIMIT else notice.message[: NOTE_LIMIT - 1] + "…"
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": about.namespace},
            "eventTime": micro_time(),
            "type": notice.type,
            "reason": str(notice.reason),
            "action": "Reconcile",
            "note": note,
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "regarding": {**_reference(notice.kind, about.namespace, about.name), "uid": about.uid},
        }
        if notice.related is not None:
            kind, other = notice.related
            event["related"] = _reference(kind, about.namespace, other)
        return event


def _reference(kind: str, namespace: str, name: str) -> dict[str, str]:
    return {"apiVersion": API_VERSION, "kind": kind, "namespace": namespace, "name": name}
