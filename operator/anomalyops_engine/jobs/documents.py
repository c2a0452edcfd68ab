"""Where the documents of the machine learning side live, and how notifications and annotations look."""

from __future__ import annotations

import itertools
import threading
from typing import Final, Literal

from anomalyops_engine.json_types import JsonObject

Level = Literal["info", "warning", "error"]

NOTIFICATIONS_INDEX: Final = ".ml-notifications-000002"
ANNOTATIONS_INDEX: Final = ".ml-annotations-000001"
STATE_INDEX: Final = ".ml-state-000001"
STATE_WRITE_ALIAS: Final = ".ml-state-write"
_MAX_MESSAGE: Final = 8_191
_TRUNCATED: Final = "... (truncated)"
_sequence = itertools.count()
_sequence_lock = threading.Lock()


def results_index(results_index_name: str) -> str:
    """Return the index of a job's results, from its `results_index_name` as GET shows it."""
    return f".ml-anomalies-{results_index_name}"


def results_aliases(job_id: str) -> tuple[str, str]:
    """Return the read and the write alias of a job's results."""
    return f".ml-anomalies-{job_id}", f".ml-anomalies-.write-{job_id}"


def document_id(prefix: str, now_ms: int) -> str:
    """Return an id that sorts by time and is not used twice in the life of this process or of another."""
    with _sequence_lock:
        number = next(_sequence)
    return f"{prefix}_{now_ms}_{number}"


def notification(job_id: str, message: str, *, level: Level, now_ms: int, node: str) -> JsonObject:
    """Return a notification document about a job."""
    if len(message) > _MAX_MESSAGE:
        message = message[: _MAX_MESSAGE - len(_TRUNCATED)] + _TRUNCATED
    return {
        "job_id": job_id,
        "message": message,
        "level": level,
        "timestamp": now_ms,
        "node_name": node,
        "job_type": "anomaly_detector",
    }


def annotation(job_id: str, text: str, *, event: str, timestamp_ms: int, end_ms: int | None, now_ms: int) -> JsonObject:
    """Return an annotation document that the engine itself makes about a stretch of a job's data."""
    document: JsonObject = {
        "annotation": text,
        "create_time": now_ms,
        "create_username": "_xpack",
        "timestamp": timestamp_ms,
        "job_id": job_id,
        "modified_time": now_ms,
        "modified_username": "_xpack",
        "type": "annotation",
        "event": event,
    }
    if end_ms is not None:
        document["end_timestamp"] = end_ms
    return document
