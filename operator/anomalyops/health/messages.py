"""What the server wrote about a job: notifications and annotations, and what they say about the datafeed.

The texts are those of the server's audit messages (`_ml` contract, 5.1). They are events, not state: what
held after the last one holds until another one comes, so the previous status carries it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

_FAILING = re.compile(
    r"Datafeed is encountering errors (?:extracting data|submitting data for analysis): (?P<error>.*)", re.DOTALL
)
_RECOVERED = "Datafeed has recovered data extraction and analysis"
_NO_DATA = "Datafeed has been retrieving no data for a while"
_DATA_AGAIN = "Datafeed has started retrieving data again"
_RUN_CHANGED = ("Datafeed started", "Datafeed continued", "Datafeed stopped", "Datafeed lookback completed")
_DELAYED = re.compile(
    r"Datafeed has missed (?P<count>[\d,.]+) documents due to ingest latency, "
    r"latest bucket with missing data is \[(?P<bucket>[^\]]+)\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A document of `.ml-notifications*`."""

    timestamp: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A document of `.ml-annotations*`."""

    timestamp: datetime
    event: str
    text: str
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A report of documents that came too late."""

    missing_documents: int
    latest_bucket: datetime | None
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Notifications and annotations of one job, in any order. Only new ones are needed; old ones do no harm."""

    notifications: tuple[Notification, ...] = ()
    annotations: tuple[Annotation, ...] = ()

    @classmethod
    def of(cls, notifications: Iterable[Mapping[str, Any]] = (), annotations: Iterable[Mapping[str, Any]] = ()) -> Self:
        """Messages from the documents' sources, whose times are milliseconds since 1970."""
        return cls(
            notifications=tuple(
                Notification(
                    timestamp=_moment(source["timestamp"]),
                    level=str(source.get("level", "info")),
                    message=str(source.get("message", "")),
                )
                for source in notifications
            ),
            annotations=tuple(
                Annotation(
                    timestamp=_moment(source.get("modified_time") or source.get("create_time") or source["timestamp"]),
                    event=str(source.get("event", "")),
                    text=str(source.get("annotation", "")),
                    end=_moment(source["end_timestamp"]) if source.get("end_timestamp") is not None else None,
                )
                for source in annotations
            ),
        )

    def extraction_error(self, previous: str | None) -> str | None:
        """What the datafeed's searches fail with now; None when they do not.

        Args:
            previous: The error that held before these messages.
        """
        error = previous
        for notification in self._in_order():
            if found := _FAILING.match(notification.message):
                error = found["error"].strip()
            elif notification.message.startswith((_RECOVERED, *_RUN_CHANGED)):
                error = None
        return error

    def without_data(self, *, previous: bool) -> bool:
        """Whether the datafeed has been finding no documents for a while.

        Args:
            previous: Whether that held before these messages.
        """
        empty = previous
        for notification in self._in_order():
            if notification.message.startswith(_NO_DATA):
                empty = True
            elif notification.message.startswith((_DATA_AGAIN, *_RUN_CHANGED)):
                empty = False
        return empty

    def delay(self) -> Delay | None:
        """The latest report of documents that came too late."""
        texts = [(found.timestamp, found.message) for found in self.notifications]
        texts += [(found.timestamp, found.text) for found in self.annotations if found.event == "delayed_data"]
        reports = [(when, match) for when, text in texts if (match := _DELAYED.search(text))]
        if not reports:
            return None
        when, match = max(reports, key=lambda report: report[0])
        return Delay(
            missing_documents=int(re.sub(r"\D", "", match["count"]) or 0),
            latest_bucket=_iso(match["bucket"]),
            observed_at=when,
        )

    def _in_order(self) -> list[Notification]:
        return sorted(self.notifications, key=lambda notification: notification.timestamp)


def _moment(value: float | str) -> datetime:
    if isinstance(value, str) and not value.isdigit():
        return _iso(value) or datetime.fromtimestamp(0, tz=UTC)
    return datetime.fromtimestamp(int(value) / 1000, tz=UTC)


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
