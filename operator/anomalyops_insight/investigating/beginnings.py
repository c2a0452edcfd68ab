"""When suspects began, more exactly than to a bucket, and which of their series lead which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from anomalyops_insight.investigating.lag import Lag, lag
from anomalyops_insight.investigating.onset import Onset, Series, estimate
from anomalyops_insight.investigating.ranking import Suspect
from anomalyops_insight.investigating.sources import Measured, measured, read
from anomalyops_insight.programs import Program, ask, together
from anomalyops_insight.query import AtLeast, By, Largest, OneOf, Question, Smallest, Sort
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.tools.configuration import Configured
from anomalyops_insight.tools.tool import RESULTS, Over

_SUSPECTS = 4  # that may still be the cause
_JOBS_OF_ONE = 4
_MOST_SERIES = 12  # whose onset is estimated
_MOST_COMPARED = 6  # each with each
_BEFORE, _AFTER = 6, 2  # buckets around
_MOST_STEPS = 360
_SPLITS = tuple(f"{kind}_field_{part}" for kind in ("partition", "by", "over") for part in ("name", "value"))


@dataclass(frozen=True, slots=True)
class Lead:
    """One series comes before another.

    Attributes:
        leader: Job and entity of the one that leads; where none does, of the one that appeared first.
        follower: Of the other.
        lag: How far it is behind, not negative.
    """

    leader: tuple[str, str]
    follower: tuple[str, str]
    lag: Lag


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What the sources say.

    Attributes:
        onsets: By job, entity and the first anomalous bucket, in which they lie.
        leads: The surest first.
        looked: How many series were looked for.
    """

    onsets: Mapping[tuple[str, str, datetime], Onset]
    leads: tuple[Lead, ...]
    looked: int


def beginnings(
    suspects: Sequence[Suspect], configs: Mapping[str, Configured], scored: Mapping[str, Any]
) -> Program[Beginnings]:
    """Reads the series of the first suspects and estimates when each began and which lead which.

    Args:
        suspects: The most likely first.
        configs: Jobs and their datafeeds; of those that are missing nothing is known.
        scored: `start`, `end`, `job_id_pattern` and `min_score` of what counts.
    """
    wanted = [(one, job) for one in suspects[:_SUSPECTS] for job in one.jobs[:_JOBS_OF_ONE] if job in configs]
    if not wanted:
        return Beginnings({}, (), 0)
    rows = yield from _rows(sorted({job for _, job in wanted}), scored)
    found = [one for suspect, job in wanted if (one := _series(suspect, job, rows, configs[job])) is not None]
    found = found[:_MOST_SERIES]
    known = yield from together([read(one, *_around(one), one.step) for one in found])
    pairs = [(one, series) for one, series in zip(found, known, strict=True) if series is not None]
    onsets = {
        (one.job_id, one.entity, one.first): onset
        for one, series in pairs
        if (onset := estimate(series, one.first, one.first + one.span)) is not None
    }
    leads = yield from _leads([one for one, _ in pairs][:_MOST_COMPARED])
    return Beginnings(onsets, leads, len(found))


def _rows(jobs: Sequence[str], scored: Mapping[str, Any]) -> Program[tuple[Values, ...]]:
    """Records of jobs by what their detectors measure, and of whom."""
    over = Over(job_id_pattern="*", start=scored["start"], end=scored["end"])
    names = ("job_id", "function", "field_name", *_SPLITS)
    question = Question(
        index=RESULTS,
        scope=(*over.results("record"), OneOf("job_id", tuple(jobs))),
        window=over.window(),
        thresholds=(AtLeast("record_score", scored["min_score"]),),
        groups=tuple(By(name, name) for name in names),
        measures=(
            Largest("max_score", "record_score"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
            Largest("bucket_span", "bucket_span"),
        ),
        sort=(Sort("first"), Sort("max_score", descending=True), *(Sort(name) for name in names)),
        limit=MOST_ROWS,
    )
    return (yield from ask(question)).rows


def _series(suspect: Suspect, job: str, rows: Iterable[Values], config: Configured) -> Measured | None:
    """The first series of a suspect in a job that documents tell of; one that is split by it before others."""
    of_job = [row for row in rows if row["job_id"] == job]
    own = [row for row in of_job if suspect.entity in [row[name] for name in _SPLITS]]
    field = next((name for name in suspect.fields if name in (*config.entity_fields, "job_id")), None)
    if field is None:
        return None
    tried = (measured(row, suspect.entity, field, config) for row in own or of_job)
    return next((one for one in tried if one is not None), None)


def _around(one: Measured) -> tuple[datetime, datetime]:
    """The time of the first anomalous bucket, with what says what is normal."""
    return one.first - _BEFORE * one.span, one.first + _AFTER * one.span


def _leads(found: Sequence[Measured]) -> Program[tuple[Lead, ...]]:
    """The series at the same steps, each compared with each."""
    if len(found) < 2:
        return ()
    begin = min(_around(one)[0] for one in found)
    end = max(one.last + _AFTER * one.span for one in found)
    step = max(min(one.step for one in found), timedelta(seconds=-(-(end - begin).total_seconds() // _MOST_STEPS)))
    known = yield from together([read(one, begin, end, step) for one in found])
    there = [(one, series) for one, series in zip(found, known, strict=True) if series is not None]
    leads = [lead for one, other in combinations(there, 2) if (lead := _lead(one, other)) is not None]
    return tuple(sorted(leads, key=lambda lead: (-lead.lag.confidence, lead.leader, lead.follower)))


def _lead(one: tuple[Measured, Series], other: tuple[Measured, Series]) -> Lead | None:
    (first, a), (second, b) = one, other
    found = lag(a.values, b.values, a.step, most=len(a.values) // 4)
    if found is None:
        return None
    names = (first.job_id, first.entity), (second.job_id, second.entity)
    if found.behind >= timedelta():
        return Lead(*names, found)
    return Lead(names[1], names[0], found.reversed())
