"""What a run over the past comes to: alarms, how they compare, and the bucket span that the data ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from anomalyops.local.estimating import Estimate
from anomalyops.local.findings import Anomaly

_WEEK: Final = timedelta(weeks=1)
SPANS: Final = (300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
"""Bucket spans to choose from, in seconds: all divide a day."""
_FILLED: Final = 0.9
_COUNTED, _MEASURED = 10.0, 3.0  # documents a bucket and series: a count of ten scatters by a third, a mean needs a few


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Buckets in a row that would have raised an alarm, one quiet bucket between them allowed.

    Attributes:
        start: Of the first bucket.
        end: Of the last bucket.
        score: The highest score at the time of detection.
    """

    start: datetime
    end: datetime
    score: float

    def meets(self, other: Alarm, tolerance: timedelta) -> bool:
        """Whether both are about the same time."""
        return self.start < other.end + tolerance and other.start < self.end + tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a job would have found.

    Attributes:
        job_id: The job.
        start: The first document.
        end: The last document.
        documents: How many were read.
        refused: How many of them the engine could not take.
        buckets: How many buckets were analysed.
        alarms: In order of time.
        anomalies: The worst records, as they are scored at the end.
        peak_bytes: The most memory that the model used.
        memory_status: At the end.
        estimate: Memory and query delay that the data ask for.
        span_seconds: The bucket span of the manifest.
        advised_span: The shortest span that the data fill, in seconds; None where none does.
    """

    job_id: str
    start: datetime
    end: datetime
    documents: int
    refused: int
    buckets: int
    alarms: tuple[Alarm, ...]
    anomalies: tuple[Anomaly, ...]
    peak_bytes: int
    memory_status: str
    estimate: Estimate
    span_seconds: int
    advised_span: int | None

    @property
    def alarms_a_week(self) -> float:
        """How many alarms a week; over less than a week, those that there are."""
        return len(self.alarms) / max(1.0, (self.end - self.start) / _WEEK)

    @property
    def by_week(self) -> tuple[int, ...]:
        """How many alarms began in each week."""
        weeks = [0] * (int((self.end - self.start) / _WEEK) + 1)
        for alarm in self.alarms:
            weeks[max(0, min(len(weeks) - 1, int((alarm.start - self.start) / _WEEK)))] += 1
        return tuple(weeks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two versions of a job over the same past.

    Attributes:
        kept: Alarms of the old one that the new one raises too.
        lost: Alarms of the old one alone.
        gained: Alarms of the new one alone.
    """

    kept: tuple[Alarm, ...]
    lost: tuple[Alarm, ...]
    gained: tuple[Alarm, ...]


def alarms_of(buckets: Iterable[tuple[int, float]], span_seconds: int) -> tuple[Alarm, ...]:
    """Alarms from anomalous buckets.

    Args:
        buckets: Start in milliseconds since the epoch and score, in order of time.
        span_seconds: The bucket span.
    """
    alarms: list[Alarm] = []
    for start_ms, score in buckets:
        start = datetime.fromtimestamp(start_ms / 1000, UTC)
        end = start + timedelta(seconds=span_seconds)
        if alarms and start - alarms[-1].end <= timedelta(seconds=span_seconds):
            before = alarms.pop()
            alarms.append(Alarm(start=before.start, end=end, score=max(before.score, score)))
        else:
            alarms.append(Alarm(start=start, end=end, score=score))
    return tuple(alarms)


def compared(old: Backtest, new: Backtest) -> Comparison:
    """Which alarms both versions raise; those less than a bucket apart are the same."""
    tolerance = timedelta(seconds=max(old.span_seconds, new.span_seconds))

    def met(alarm: Alarm, others: Sequence[Alarm]) -> bool:
        return any(alarm.meets(other, tolerance) for other in others)

    return Comparison(
        kept=tuple(alarm for alarm in old.alarms if met(alarm, new.alarms)),
        lost=tuple(alarm for alarm in old.alarms if not met(alarm, new.alarms)),
        gained=tuple(alarm for alarm in new.alarms if not met(alarm, old.alarms)),
    )


def advised_span(counts: Mapping[int, int], base_seconds: int, *, series: int, counting: bool) -> int | None:
    """The shortest bucket span at which nine buckets in ten have documents, and a series enough of them.

    Args:
        counts: Documents by start of an interval, in seconds since the epoch.
        base_seconds: The interval.
        series: How many series the documents are divided among.
        counting: Whether documents are counted, which needs more of them than a mean.

    Returns:
        Seconds; None where no span up to a day is filled.
    """
    if not counts:
        return None
    wanted = _COUNTED if counting else _MEASURED
    for span in SPANS:
        if span % base_seconds:
            continue
        filled: dict[int, int] = {}
        for start, documents in counts.items():
            if documents:
                filled[start // span] = filled.get(start // span, 0) + documents
        possible = max(filled) - min(filled) + 1
        if len(filled) / possible >= _FILLED and median(filled.values()) / max(1, series) >= wanted:
            return span
    return None
