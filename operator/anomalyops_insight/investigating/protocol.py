"""The fourteen steps of an investigation, as a program."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from anomalyops_insight.emptiness import Empty
from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.explaining.explanation import band
from anomalyops_insight.investigating.beginnings import beginnings
from anomalyops_insight.investigating.calls import NOT_ENTITIES, SPLITS, calls, complaints, named_by
from anomalyops_insight.investigating.investigation import Incident, Investigation, LogCategory, Source
from anomalyops_insight.investigating.ranking import Appearance, Suspect, rank
from anomalyops_insight.programs import Program, ask, progress
from anomalyops_insight.query import AtLeast, By, Count, Largest, Pattern, Question, Smallest, Sort
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.query.rows import Row as Values
from anomalyops_insight.tools.categories import (
    CategoriesParameters,
    ExamplesParameters,
    get_categories,
    search_log_category_examples,
)
from anomalyops_insight.tools.configuration import Configured, configurations
from anomalyops_insight.tools.correlation import (
    CorrelationParameters,
    Fingerprint,
    FingerprintParameters,
    correlation,
    detector_fingerprint,
)
from anomalyops_insight.tools.entities import (
    BlastParameters,
    MultiJobParameters,
    ProfileParameters,
    blast_radius,
    entity_profile,
    multi_job_entities,
)
from anomalyops_insight.tools.evidence import EvidenceParameters, evidence_question, source_evidence
from anomalyops_insight.tools.metadata import MetadataParameters, get_available_metadata
from anomalyops_insight.tools.records import RecordParameters, query_anomaly_records
from anomalyops_insight.tools.timeline import TimelineParameters, query_anomaly_timeline
from anomalyops_insight.tools.tool import RESULTS, Over

STEPS = (
    "which jobs have results",
    "which indices they read",
    "which jobs are related",
    "when it was how bad",
    "which entities several jobs name",
    "what kind of fault it is",
    "the worst records",
    "influencers, in the order of their appearance",
    "who complains about whom, and who calls whom",
    "which suspect is the most likely cause, and when it began",
    "what was unusual about it",
    "how far it reached",
    "source documents as evidence",
    "log categories before and during",
)
_INTERVALS = (60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400)
_MOST_STEPS = 72
_MOST_CATEGORIES = 3
_MOST_TRIED = 5
_CLOCK = timedelta(seconds=60)


def investigate(incident: Incident) -> Program[Investigation]:
    """Investigates what happened in a window.

    Raises:
        BadRequestError: The window or the pattern is not acceptable.
        RefusedError: The server does not let this user look.
    """
    if incident.start >= incident.end:
        raise BadRequestError(f"start {incident.start.isoformat()} is not before end {incident.end.isoformat()}")
    Pattern.read(incident.jobs, what="jobs")  # said before anything is asked
    over: dict[str, Any] = {"job_id_pattern": incident.jobs, "start": incident.start, "end": incident.end}
    scored = over | {"min_score": incident.min_score}
    yield from _step(1)
    known = yield from get_available_metadata(MetadataParameters(**over))
    if not known.rows:
        return Investigation(incident, empty=known.empty)
    found = Investigation(incident)
    yield from _step(2)
    configs = yield from _configurations(incident, [row.job_id for row in known.rows])
    found = replace(found, jobs={row.job_id: _indices(configs, row.job_id) for row in known.rows})
    yield from _step(3)  # which of them belong together follows from what was read
    yield from _step(4)
    steps = yield from query_anomaly_timeline(
        TimelineParameters(**scored, interval=_interval(incident), limit=MOST_ROWS)
    )
    worst = max((step.max_anomaly_score for step in steps.rows), default=0.0)
    yield from _step(5)
    entities = yield from multi_job_entities(MultiJobParameters(**scored, min_job_count=incident.min_job_count))
    yield from _step(6)
    prints = yield from detector_fingerprint(FingerprintParameters(**scored, limit=5000))
    yield from _step(7)
    records = yield from query_anomaly_records(RecordParameters(**scored, limit=50))
    found = replace(
        found,
        timeline=steps.rows,
        entities=entities.rows,
        fingerprints=prints.rows,
        records=records.rows,
        severity=band(max([worst, *(row.record_score for row in records.rows)])),
    )
    yield from _step(8)
    order = yield from correlation(CorrelationParameters(**scored, limit=MOST_ROWS))
    yield from _step(9)
    splits = yield from _splits(scored)
    known_calls = yield from calls(configs, incident.start, incident.end)
    yield from _step(10)
    named = [
        Appearance(
            row.influencer_field_value, row.influencer_field_name, row.job_id, row.first, row.last, row.max_score,
            row.anomalies,
        )
        for row in order.rows
        if row.influencer_field_name not in NOT_ENTITIES
    ]  # fmt: skip
    named = _with_splits(named, splits)
    blames, tolerance = complaints(splits), timedelta(seconds=_span(splits)) + _CLOCK
    suspects = rank(named, blames, calls=known_calls, tolerance=tolerance, clock=_CLOCK)
    began = yield from beginnings(suspects, configs, scored)
    if began.onsets:
        named = [replace(one, onset=began.onsets.get((one.job_id, one.entity, one.first))) for one in named]
        suspects = rank(named, blames, calls=known_calls, tolerance=tolerance, clock=_CLOCK)
    found = replace(found, suspects=suspects, leads=began.leads, notes=_notes(found, order.complete))
    if not suspects:
        return replace(found, empty=records.empty or steps.empty or Empty(*_NOTHING))
    return (yield from _about(found, suspects[0], configs, scored))


_NOTHING: Any = ("nothing_above_threshold", "there are results in the window and none reaches the threshold")


def _about(
    found: Investigation, suspect: Suspect, configs: Mapping[str, Configured], scored: Mapping[str, Any]
) -> Program[Investigation]:
    """What there is to say about the first suspect."""
    yield from _step(11)
    profile = yield from entity_profile(ProfileParameters(**scored, entity_value=suspect.entity))
    yield from _step(12)
    radius = yield from blast_radius(BlastParameters(**scored))
    found = replace(found, profile=profile.rows, radius=radius.rows, fault=fault_class(suspect, found.fingerprints))
    yield from _step(13)
    source = yield from _source(found.incident, suspect, configs)
    yield from _step(14)
    categories = yield from _categories(found)
    notes = found.notes
    if source is None:
        notes += ("no source documents of the first suspect could be read: the cause is not confirmed by evidence",)
    return replace(found, source=source, categories=categories, notes=notes)


def _step(number: int) -> Program[None]:
    return progress(f"{number}/{len(STEPS)} {STEPS[number - 1]}")


def _configurations(incident: Incident, jobs: Sequence[str]) -> Program[dict[str, Configured]]:
    """Configurations of jobs; none where they may not be read."""
    pattern = Over(job_id_pattern=incident.jobs, start=None, end=None).jobs
    try:
        found = yield from configurations(pattern)
    except RefusedError as error:
        if not (error.forbidden or error.without_ml):
            raise
        return {}
    wanted = set(jobs)
    return {item.job_id: item for item in found if item.job_id in wanted}


def _indices(configs: Mapping[str, Configured], job_id: str) -> tuple[str, ...]:
    return configs[job_id].indices if job_id in configs else ()


def _interval(incident: Incident) -> str:
    """A step of the timeline that gives a picture."""
    seconds = (incident.end - incident.start).total_seconds() / _MOST_STEPS
    return f"{next((one for one in _INTERVALS if one >= seconds), _INTERVALS[-1])}s"


def _splits(scored: Mapping[str, Any]) -> Program[list[Values]]:
    """Records by job and by what splits them."""
    over = Over(job_id_pattern=scored["job_id_pattern"], start=scored["start"], end=scored["end"])
    names = [f"{kind}_field_{part}" for kind in SPLITS for part in ("name", "value")]
    question = Question(
        index=RESULTS,
        scope=over.results("record"),
        window=over.window(),
        thresholds=(AtLeast("record_score", scored["min_score"]),),
        groups=tuple(By(name, name) for name in ("job_id", *names)),
        measures=(
            Count("anomalies"),
            Largest("max_score", "record_score"),
            Smallest("first", "timestamp", "time"),
            Largest("last", "timestamp", "time"),
            Largest("bucket_span", "bucket_span"),
        ),
        sort=(Sort("max_score", descending=True), Sort("job_id"), *(Sort(name) for name in names)),
        limit=MOST_ROWS,
    )
    return list((yield from ask(question)).rows)


def _with_splits(named: Sequence[Appearance], splits: Iterable[Values]) -> list[Appearance]:
    """Influencers, and split values that are no influencers of their job; a job that names nobody stands for itself."""
    known = {(a.job_id, a.entity) for a in named}
    speaking = {a.job_id for a in named}
    found = list(named)
    for row in splits:
        pairs = named_by(row)
        if not pairs and row["job_id"] not in speaking:
            pairs = [("job_id", row["job_id"])]
        found += [
            Appearance(value, name, row["job_id"], row["first"], row["last"], row["max_score"], row["anomalies"])
            for name, value in pairs
            if (row["job_id"], value) not in known
        ]
    return found


def _span(splits: Sequence[Values]) -> float:
    """The middle one of the bucket spans, in seconds."""
    spans = sorted(row["bucket_span"] for row in splits if row["bucket_span"])
    return float(spans[len(spans) // 2]) if spans else 300.0


def fault_class(suspect: Suspect, fingerprints: Iterable[Fingerprint]) -> str:
    """The kind of fault that most of the weight of the suspect's detectors points to."""
    weight: dict[str, float] = defaultdict(float)
    for one in fingerprints:
        if one.job_id in suspect.jobs and one.fault_class != "unknown":
            weight[one.fault_class] += one.max_score
    return max(weight, key=lambda name: (weight[name], name)) if weight else "unknown"


def _notes(found: Investigation, complete: bool) -> tuple[str, ...]:  # noqa: FBT001 - whether all were read
    notes: tuple[str, ...] = ()
    if not complete:
        notes += (f"more than {MOST_ROWS} entities appeared: the earliest were ranked",)
    if not any(found.jobs.values()):
        notes += ("configurations could not be read: indices and source documents are not known",)
    return notes


def _source(incident: Incident, suspect: Suspect, configs: Mapping[str, Configured]) -> Program[Source | None]:
    """Source documents of a suspect, through the first of its jobs whose source names it."""
    length = incident.end - incident.start
    tried = [(job, name) for job in suspect.jobs if job in configs and configs[job].indices for name in suspect.fields]
    for job_id, name in tried[:_MOST_TRIED]:
        asked = EvidenceParameters(
            job_id=job_id, index=None, time_field="@timestamp", entity_field=name, entity_value=suspect.entity,
            start=incident.start, end=incident.end, limit=5,
        )  # fmt: skip
        if name == "job_id":
            asked = asked.model_copy(update={"entity_field": None, "entity_value": None})
        try:
            found = yield from source_evidence(asked)
            during = yield from _counted(configs[job_id], asked)
            earlier = asked.model_copy(update={"start": incident.start - length, "end": incident.start})
            before = yield from _counted(configs[job_id], earlier)
        except RefusedError as error:
            if not error.forbidden:
                raise
            continue
        if during or before:
            return Source(job_id, name, before, during, found.rows)
    return None


def _counted(config: Configured, asked: EvidenceParameters) -> Program[int]:
    question = replace(evidence_question(asked, config), columns=(), measures=(Count("n"),), sort=(), limit=1)
    return int((yield from ask(question)).only().get("n") or 0)


def _categories(found: Investigation) -> Program[tuple[LogCategory, ...]]:
    """The worst categories of messages, counted before and during."""
    seen: dict[tuple[str, str], float] = {}
    for record in found.records:
        if record.by_field_name == "mlcategory" and record.by_field_value:
            key = (record.job_id, record.by_field_value)
            seen[key] = max(seen.get(key, 0.0), record.record_score)
    result = []
    for (job_id, number), score in sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CATEGORIES]:
        if not number.isdigit() or int(number) < 1:
            continue
        known = yield from get_categories(CategoriesParameters(job_id=job_id, category_id=int(number), limit=1))
        if known.rows:
            before, _ = yield from _messages(found.incident, job_id, int(number), before=True)
            during, examples = yield from _messages(found.incident, job_id, int(number), before=False)
            result.append(LogCategory(job_id, known.rows[0], score, before, during, examples))
    return tuple(result)


def _messages(
    incident: Incident, job_id: str, number: int, *, before: bool
) -> Program[tuple[int | None, tuple[str, ...]]]:
    length = incident.end - incident.start
    start, end = (incident.start - length, incident.start) if before else (incident.start, incident.end)
    asked = ExamplesParameters(job_id=job_id, category_id=number, start=start, end=end, limit=3)
    try:
        found = yield from search_log_category_examples(asked)
    except (BadRequestError, RefusedError):
        return None, ()
    count = re.match(r"\d+", found.notes[0]) if found.notes else None
    return (int(count[0]) if count else None), tuple(row.message for row in found.rows)


def moment(time: datetime) -> str:
    """A time for a person; with seconds where it is no whole minute."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC" if time.second else "%Y-%m-%d %H:%M UTC")
