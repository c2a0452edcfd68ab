"""Notifications and annotations of the engine, written with the step that they tell about."""

from __future__ import annotations

import time

from anomalyops_engine.jobs.documents import (
    ANNOTATIONS_INDEX,
    NOTIFICATIONS_INDEX,
    Level,
    annotation,
    document_id,
    notification,
)
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import Writer


def wall_clock_ms() -> int:
    """Return the time, epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Audit:
    """Collects what happened to one job, until the writer of the step takes it."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._notifications: list[JsonObject] = []
        self._annotations: list[tuple[str, JsonObject]] = []

    def fresh(self) -> Audit:
        """Return an empty audit of the same node."""
        return Audit(self._node)

    def note(self, job_id: str, message: str, level: Level = "info") -> None:
        """Add a notification."""
        self._notifications.append(notification(job_id, message, level=level, now_ms=wall_clock_ms(), node=self._node))

    def annotate(
        self,
        job_id: str,
        text: str,
        *,
        event: str,
        timestamp_ms: int,
        end_ms: int | None,
        key: str | None = None,
        series: JsonObject | None = None,
    ) -> None:
        """Add an annotation of the stretch [timestamp_ms, end_ms) of the job's data, or of one series of it.

        `key` is the document's id: an annotation of the same key is replaced. `series` names a detector and the series
        by fields of the annotation.
        """
        now_ms = wall_clock_ms()
        document = annotation(job_id, text, event=event, timestamp_ms=timestamp_ms, end_ms=end_ms, now_ms=now_ms)
        self._annotations.append((key or document_id("annotation", now_ms), {**document, **(series or {})}))

    def write(self, writer: Writer) -> None:
        """Write everything collected, and forget it."""
        now_ms = wall_clock_ms()
        if self._notifications:
            ids = [document_id("notification", now_ms) for _ in self._notifications]
            writer.append(NOTIFICATIONS_INDEX, self._notifications, ids=ids, new=True)
        if self._annotations:
            unique = dict(self._annotations)
            writer.append(ANNOTATIONS_INDEX, list(unique.values()), ids=list(unique))
        self._notifications, self._annotations = [], []
