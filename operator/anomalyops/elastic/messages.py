"""The search that finds what the ML plugin said about jobs: its notifications and its annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INDICES = ".ml-notifications-*,.ml-annotations-*"
_SIZE = 1000  # newest first; a server that says more than this between two looks is heard in part


@dataclass(frozen=True, slots=True, kw_only=True)
class MlMessage:
    """One notification or annotation.

    Attributes:
        id: Index and document id: the same message is seen twice when looks overlap.
        job_id: The job it is about.
        timestamp: When the server wrote it, in milliseconds since the epoch.
        level: `info`, `warning` or `error`; an annotation counts as `warning`.
        text: What it says.
        event: `delayed_data` for such an annotation, else empty.
        bucket: For an annotation: start of the bucket it is about, in milliseconds since the epoch.
    """

    id: str
    job_id: str
    timestamp: int
    level: str
    text: str
    event: str = ""
    bucket: int | None = None


def search_body(since_ms: int) -> dict[str, Any]:
    """Warnings, errors, news of datafeeds and delayed-data annotations written at or after a time."""
    # Information about datafeeds ends a problem: recovered, data again, started anew.
    about_datafeeds = {"match": {"message": "datafeed"}}
    spoken = {"bool": {"should": [{"terms": {"level": ["warning", "error"]}}, about_datafeeds]}}
    notification = {"bool": {"filter": [{"range": {"timestamp": {"gte": since_ms}}}, spoken]}}
    annotation = {
        "bool": {"filter": [{"range": {"create_time": {"gte": since_ms}}}, {"term": {"event": "delayed_data"}}]}
    }
    return {
        "size": _SIZE,
        "track_total_hits": False,
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
        "query": {"bool": {"should": [notification, annotation]}},
    }


def run_search_body(job_id: str) -> dict[str, Any]:
    """The latest news of the job's datafeed, newest first."""
    about = [{"term": {"job_id": job_id}}, {"match": {"message": "datafeed"}}]
    return {
        "size": 20,
        "track_total_hits": False,
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
        "query": {"bool": {"filter": about}},
    }


def run_completed(news: Iterable[MlMessage]) -> bool | None:
    """Whether the last bounded run came to its end, in the server's own words; None when they do not tell.

    Args:
        news: What `run_search_body` found, in any order.
    """
    for message in sorted(news, key=lambda message: message.timestamp, reverse=True):
        if message.text.startswith(("Datafeed lookback completed", "Datafeed lookback retrieved no data")):
            return True
        if message.text.startswith(("Datafeed started", "Datafeed continued")):
            return False
    return None


def parse(answer: Mapping[str, Any]) -> list[MlMessage]:
    """The messages of a search answer, oldest first; documents that name no job are left out."""
    found = [_message(hit) for hit in answer.get("hits", {}).get("hits", [])]
    return sorted((message for message in found if message is not None), key=lambda message: message.timestamp)


def _message(hit: Mapping[str, Any]) -> MlMessage | None:
    source: Mapping[str, Any] = hit.get("_source", {})
    job_id = source.get("job_id")
    if not job_id:
        return None
    identity = f"{hit.get('_index', '')}/{hit.get('_id', '')}"
    if "annotation" in source:
        return MlMessage(
            id=identity,
            job_id=str(job_id),
            timestamp=int(source.get("create_time", source.get("timestamp", 0))),
            level="warning",
            text=str(source["annotation"]),
            event=str(source.get("event", "")),
            bucket=int(source["timestamp"]) if "timestamp" in source else None,
        )
    return MlMessage(
        id=identity,
        job_id=str(job_id),
        timestamp=int(source.get("timestamp", 0)),
        level=str(source.get("level", "info")),
        text=str(source.get("message", "")),
    )
