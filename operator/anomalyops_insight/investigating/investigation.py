"""What an investigation is asked, and what it came to. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from anomalyops_insight.emptiness import Empty
from anomalyops_insight.investigating.beginnings import Lead
from anomalyops_insight.investigating.ranking import Suspect
from anomalyops_insight.tools.categories import Category
from anomalyops_insight.tools.correlation import Fingerprint
from anomalyops_insight.tools.entities import BlastRadius, EntityBehaviour, MultiJobEntity
from anomalyops_insight.tools.evidence import Evidence
from anomalyops_insight.tools.records import Record
from anomalyops_insight.tools.timeline import Step


@dataclass(frozen=True, slots=True)
class Incident:
    """What is asked.

    Attributes:
        start: From this time on.
        end: Before this time.
        jobs: A pattern of job ids.
        min_score: Least score of what counts.
        min_job_count: Jobs that a prime suspect is named by.
        service: Only jobs that have to do with this service; None for all of the pattern.
    """

    start: datetime
    end: datetime
    jobs: str = "*"
    min_score: float = 25.0
    min_job_count: int = 2
    service: str | None = None


@dataclass(frozen=True, slots=True)
class LogCategory:
    """A kind of message that was unusual.

    Attributes:
        job_id: The job.
        category: Its definition.
        score: Of its worst record.
        before: Messages in a window of the same length before; None where it could not be counted.
        during: Messages in the window.
        examples: Messages of the window.
    """

    job_id: str
    category: Category
    score: float
    before: int | None
    during: int | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Source documents of the first suspect.

    Attributes:
        job_id: The job through whose datafeed they were read.
        field: The field that names the suspect.
        before: Documents in a window of the same length before.
        during: Documents in the window.
        documents: The first of them.
    """

    job_id: str
    field: str
    before: int
    during: int
    documents: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Investigation:
    """What was found.

    Attributes:
        incident: What was asked.
        empty: Why nothing was found; None where something was.
        jobs: Jobs with results in the window, each with the indices that it reads.
        affected: Those of them that had anomalous buckets or records.
        why: Where a service was asked about: why each of the jobs was looked at.
        timeline: When it was how bad.
        entities: Entities that several jobs name.
        fingerprints: Detectors that fired, with the kind of fault.
        records: The worst records.
        suspects: The most likely cause first.
        leads: Which series lead which, the surest first.
        profile: What was unusual about the first suspect.
        radius: How far it reached.
        categories: Log messages that were unusual.
        source: Source documents of the first suspect; None where there are none.
        fault: The kind of fault.
        severity: The name of the band of the worst bucket.
        notes: What limits the answer.
    """

    incident: Incident
    empty: Empty | None = None
    jobs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    affected: tuple[str, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)
    timeline: tuple[Step, ...] = ()
    entities: tuple[MultiJobEntity, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    records: tuple[Record, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    leads: tuple[Lead, ...] = ()
    profile: tuple[EntityBehaviour, ...] = ()
    radius: tuple[BlastRadius, ...] = ()
    categories: tuple[LogCategory, ...] = ()
    source: Source | None = None
    fault: str = "unknown"
    severity: str = "low"
    notes: tuple[str, ...] = ()
