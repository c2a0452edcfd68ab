"""The search that finds what the ML plugin said about jobs: its notifications and its annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

INDICES = ".ml-notifications-*,.ml-annotations-*"
PAGES = 20  # of one sort in one hearing: what is older than these is not heard
_SIZE = 1000  # messages of a page
_EXCLUDED = 5000  # ids that are sent to leave out what is known; more are found again, and known again


class Sort(Enum):
    """Which messages are asked for."""

    PROBLEMS = "problems"  # warnings, errors, documents that came too late
    NEWS = "news"  # information about datafeeds, which ends a problem: recovered, data again, started anew
    ALL = "all"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer to a search for messages.

    Attributes:
        messages: What it holds, oldest first; documents that name no job are left out.
        rest: Where the next page begins; None when there is none.
    """

    messages: list[MlMessage]
    rest: Rest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What lies behind a page.

    Attributes:
        until: The sort value of the page's last hit; others may share it.
        seen: The ids of all hits so far that have it.
    """

    until: int
    seen: frozenset[str]


def search_body(
    since_ms: int, sort: Sort = Sort.ALL, *, known: Iterable[str] = (), rest: Rest | None = None
) -> dict[str, Any]:
    """A page of what was written at or after a time, newest first.

    Args:
        since_ms: Milliseconds since the epoch.
        sort: Which messages.
        known: Ids (`MlMessage.id`) of messages that are not to be sent again.
        rest: Where the page begins; None for the first one.
    """
    spoken = {
        Sort.PROBLEMS: [_GRAVE],
        Sort.NEWS: [{"bool": {"filter": [_ABOUT_DATAFEEDS], "must_not": [_GRAVE]}}],
        Sort.ALL: [_GRAVE, _ABOUT_DATAFEEDS],
    }[sort]
    written = {"range": {"timestamp": {"gte": since_ms}}}
    wanted: list[dict[str, Any]] = [{"bool": {"filter": [written, {"bool": {"should": spoken}}]}}]
    if sort is not Sort.NEWS:
        made = {"range": {"create_time": {"gte": since_ms}}}
        wanted.append({"bool": {"filter": [made, {"term": {"event": "delayed_data"}}]}})
    query: dict[str, Any] = {"should": wanted, "minimum_should_match": 1}
    left_out = [*list(known)[-_EXCLUDED:], *(rest.seen if rest is not None else ())]
    if left_out:
        query["must_not"] = [{"ids": {"values": [identity.rpartition("/")[2] for identity in left_out]}}]
    if rest is not None:
        query["filter"] = [{"range": {"timestamp": {"lte": rest.until}}}]
    return {
        "size": _SIZE,
        "track_total_hits": False,
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
        "query": {"bool": query},
    }


_GRAVE: Final = {"terms": {"level": ["warning", "error"]}}
_ABOUT_DATAFEEDS: Final = {"match": {"message": "datafeed"}}


def page(answer: Mapping[str, Any], before: Rest | None = None) -> Page:
    """What a search of `search_body` answered.

    Args:
        answer: The server's answer.
        before: Where the page began.
    """
    hits = answer.get("hits", {}).get("hits", [])
    last = (hits[-1].get("sort") or [None])[0] if len(hits) >= _SIZE else None
    if last is None:
        return Page(messages=parse(answer), rest=None)
    seen = {_identity(hit) for hit in hits if hit["sort"][0] == last}
    if before is not None and before.until == last:
        seen |= before.seen
    return Page(messages=parse(answer), rest=Rest(until=int(last), seen=frozenset(seen)))


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
    identity = _identity(hit)
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


def _identity(hit: Mapping[str, Any]) -> str:
    return f"{hit.get('_index', '')}/{hit.get('_id', '')}"
