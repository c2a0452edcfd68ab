"""The fourteen steps of an investigation, as a program."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from anomalyops_insight.emptiness import Empty, Reason
from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.explaining.explanation import band
from anomalyops_insight.investigating.appearances import appearances, bucket_span, influencers, splits
from anomalyops_insight.investigating.beginnings import beginnings
from anomalyops_insight.investigating.calls import called_by, calls, complaints, named_by
from anomalyops_insight.investigating.investigation import Incident, Investigation, LogCategory, Source
from anomalyops_insight.investigating.ranking import Appearance, Suspect, rank
from anomalyops_insight.investigating.service import Chosen, Named, choose
from anomalyops_insight.programs import Program, ask, progress, together
from anomalyops_insight.query import Count, Pattern
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.times import in_order
from anomalyops_insight.tools.categories import (
    CategoriesParameters,
    ExamplesParameters,
    get_categories,
    search_log_category_examples,
)
from anomalyops_insight.tools.configuration import Configured, configurations
from anomalyops_insight.tools.correlation import (
    Fingerprint,
    FingerprintParameters,
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
from anomalyops_insight.tools.metadata import Metadata, MetadataParameters, get_available_metadata
from anomalyops_insight.tools.records import RecordParameters, query_anomaly_records
from anomalyops_insight.tools.timeline import TimelineParameters, worst_steps
from anomalyops_insight.tools.tool import Found, Over

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
    try:
        in_order(incident.start, incident.end)
    except ValueError as error:
        raise BadRequestError(str(error)) from None
    Pattern.read(incident.jobs, what="jobs")  # said before anything is asked
    over: dict[str, Any] = {"job_id_pattern": incident.jobs, "start": incident.start, "end": incident.end}
    scored = over | {"min_score": incident.min_score}
    yield from _step(1)
    known = yield from get_available_metadata(MetadataParameters(**over, limit=MOST_ROWS))
    if not known.rows:
        return Investigation(incident, empty=known.empty)
    yield from _step(2)
    configs = yield from _configurations(incident, [row.job_id for row in known.rows])
    yield from _step(3)
    choice = _Choice(all_jobs=known.complete)
    if incident.service is not None:
        choice = yield from _of_service(incident, incident.service, known, configs)
    if (chosen := choice.chosen) is not None:
        if not chosen.jobs:
            return Investigation(incident, empty=_no_job_of(str(incident.service), chosen))
        scored |= {"job_id_pattern": ",".join(chosen.jobs)}
    jobs = [row for row in known.rows if chosen is None or row.job_id in chosen.jobs]
    found = Investigation(
        incident,
        jobs={row.job_id: _indices(configs, row.job_id) for row in jobs},
        affected=tuple(row.job_id for row in jobs if _worst(row) >= incident.min_score),
        why={} if chosen is None else chosen.jobs,
    )
    return (yield from _looked_at(found, configs, scored, choice))


def _worst(row: Metadata) -> float:
    """The worst score of a job's buckets and records."""
    return max(row.max_anomaly_score or 0.0, row.max_record_score or 0.0)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which jobs are looked at.

    Attributes:
        all_jobs: Whether all jobs with results are known, of which to choose.
        chosen: Those of a service; None where none was asked about.
        calls: Who calls whom, where that was asked for it.
    """

    all_jobs: bool
    chosen: Chosen | None = None
    calls: Mapping[str, Collection[str]] | None = None

    def keeps(self, one: Appearance) -> bool:
        """Whether an entity may be the cause."""
        return self.chosen is None or not self.chosen.leaves_out(one.field, one.entity)


def _looked_at(
    found: Investigation, configs: Mapping[str, Configured], scored: Mapping[str, Any], choice: _Choice
) -> Program[Investigation]:
    """From the fourth step on."""
    incident = found.incident
    yield from _step(4)
    asked = TimelineParameters(**scored, interval=_interval(incident), limit=MOST_ROWS)
    steps = yield from worst_steps(asked)
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
    influencing = yield from influencers(scored)
    yield from _step(9)
    splitting = yield from splits(scored)
    known_calls = choice.calls or (yield from calls(configs, incident.start, incident.end))
    yield from _step(10)
    named = appearances(influencing.rows, splitting.rows)
    kept = [one for one in named if choice.keeps(one)]
    blames, tolerance = complaints(splitting.rows), timedelta(seconds=bucket_span(splitting.rows)) + _CLOCK
    suspects = rank(kept, blames, calls=known_calls, tolerance=tolerance, clock=_CLOCK)
    began = yield from beginnings(suspects, configs, scored)
    if began.onsets:
        kept = [replace(one, onset=began.onsets.get((one.job_id, one.entity, one.first))) for one in kept]
        suspects = rank(kept, blames, calls=known_calls, tolerance=tolerance, clock=_CLOCK)
    whole = {"jobs have results": choice.all_jobs, "intervals of jobs were anomalous": steps.complete,
             "entities of jobs appeared": influencing.complete, "series had anomalies": splitting.complete}  # fmt: skip
    cut = [name for name, is_whole in whole.items() if not is_whole]
    left_out = {one.entity for one in named} - {one.entity for one in kept}
    found = replace(found, suspects=suspects, leads=began.leads, notes=_notes(found, cut, left_out))
    if not suspects:
        return replace(found, empty=records.empty or steps.empty or Empty(*_NOTHING))
    return (yield from _about(found, suspects[0], configs, scored))


def _of_service(
    incident: Incident, service: str, known: Found[Metadata], configs: Mapping[str, Configured]
) -> Program[_Choice]:
    """The jobs that have to do with a service, and who calls whom."""
    scored = {
        "job_id_pattern": incident.jobs,
        "start": incident.start,
        "end": incident.end,
        "min_score": incident.min_score,
    }
    influencing = yield from influencers(scored)
    splitting = yield from splits(scored)
    by_source = yield from calls(configs, incident.start, incident.end)
    every = called_by(by_source, complaints(splitting.rows))
    named = [
        Named(row["job_id"], row["influencer_field_name"], row["influencer_field_value"], row["max_score"])
        for row in influencing.rows
    ]
    named += [
        Named(row["job_id"], name, value, row["max_score"]) for row in splitting.rows for name, value in named_by(row)
    ]
    chosen = choose(service, {row.job_id for row in known.rows}, configs, named, every)
    return _Choice(known.complete, chosen, by_source)


def _no_job_of(service: str, chosen: Chosen) -> Empty:
    near = difflib.get_close_matches(service, chosen.services, n=5, cutoff=0.4) or list(chosen.services[:8])
    more = ", ..." if len(near) < len(chosen.services) else ""
    there = f"; results name {', '.join(near)}{more}" if near else "; results name no service at all"
    return Empty(Reason.NO_RESULTS, f"no job with results in the window has to do with a service {service!r}{there}")


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


def fault_class(suspect: Suspect, fingerprints: Iterable[Fingerprint]) -> str:
    """The kind of fault that most of the weight of the suspect's detectors points to."""
    weight: dict[str, float] = defaultdict(float)
    for one in fingerprints:
        if one.job_id in suspect.jobs and one.fault_class != "unknown":
            weight[one.fault_class] += one.max_score
    return max(weight, key=lambda name: (weight[name], name)) if weight else "unknown"


def _notes(found: Investigation, cut: Iterable[str], left_out: Collection[str]) -> tuple[str, ...]:
    """What limits the answer.

    Args:
        found: So far.
        cut: What there was too much of.
        left_out: Services that have nothing to do with the one that was asked about.
    """
    notes = tuple(
        f"more than {MOST_ROWS:,} {words}: the worst of them were looked at; of fewer jobs or a shorter window all are"
        for words in cut
    )
    if left_out:
        shown = ", ".join(sorted(left_out)[:5]) + (", ..." if len(left_out) > 5 else "")
        notes += (
            f"{len(left_out)} other services that the same jobs name were left out ({shown}): nothing says that"
            f" {found.incident.service} calls them, or they it",
        )
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
        earlier = asked.model_copy(update={"start": incident.start - length, "end": incident.start})
        try:
            during, before = yield from together([_counted(configs[job_id], one) for one in (asked, earlier)])
            if not (during or before):
                continue
            found = yield from source_evidence(asked)
        except RefusedError as error:
            if not error.forbidden:
                raise
            continue
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
