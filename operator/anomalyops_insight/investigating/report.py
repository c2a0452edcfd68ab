"""The report of an investigation. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from anomalyops_insight.investigating.beginnings import Lead
from anomalyops_insight.investigating.blocks import Block, Bullets, Code, Heading, Lanes, Paragraph, Table
from anomalyops_insight.investigating.investigation import Investigation
from anomalyops_insight.investigating.protocol import moment
from anomalyops_insight.investigating.ranking import Suspect

_SHOWN = 10
_MOST_LANES = 12
_LONGEST = 400
_SURE = 0.8
_TELLS = 0.75  # of a part, for it to be told
_DIFFERS = 0.1  # by which it must be above the least one
_LEADS_OF_VERDICT = 3
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "resource": (
        "compare its load with its limits: CPU, memory, disk and queues at the onset",
        "look for what began then: deployments, batch jobs, a neighbour on the same host",
        "relieve it: scale out, raise limits, move load away",
    ),
    "network": (
        "check paths to and from it: retransmissions, DNS, load balancers, firewall changes at the onset",
        "compare callers in other zones: those that are well tell which path is broken",
    ),
    "application": (
        "read its error messages of the first minutes, and what was deployed or configured just before",
        "roll back the last change if it lies before the onset",
    ),
    "absence": (
        "find out whether it stopped working or only stopped reporting: is the process there, do shippers run",
        "check the path of the data, then restart what stopped",
    ),
    "security": (
        "keep evidence: do not delete logs or hosts",
        "check who acted: accounts, addresses and processes of the first anomalies; lock accounts that are misused",
    ),
    "unknown": (
        "look at the source documents of the first minutes: the detectors do not tell what kind of fault it is",
    ),
}


def report(found: Investigation) -> tuple[Block, ...]:
    """The report as blocks."""
    incident = found.incident
    of = "" if incident.service is None else f"{incident.service}, "
    title = Heading(f"Investigation of {of}{moment(incident.start)} to {moment(incident.end)}", 1)
    if found.empty is not None or not found.suspects:
        return (title, Paragraph(f"Nothing to investigate: {summary(found)}."))
    blocks: list[Block] = [title, *_verdict(found), *_progression(found), *_suspects(found)]
    return (*blocks, *_detectors(found), *_reach(found), *_evidence(found), *_logs(found), *_notes(found))


def summary(found: Investigation) -> str:
    """The finding in a sentence; why there is none where nothing was found."""
    if found.empty is not None or not found.suspects:
        return found.empty.message if found.empty is not None else "no anomalies were found"
    first = found.suspects[0]
    affected = len(affected_jobs(found))
    return (
        f"{first.entity} ({', '.join(first.fields)}) is the most likely cause ({_sureness(found)}): "
        f"{found.fault} fault of severity {found.severity} from {moment(first.onset)} on; {_jobs(affected)} affected"
    )


def _sureness(found: Investigation) -> str:
    """How sure the finding is; of one suspect alone nothing can be said of that."""
    return f"{found.suspects[0].likelihood:.0%} sure" if len(found.suspects) > 1 else "the only suspect"


def affected_jobs(found: Investigation) -> frozenset[str]:
    """The jobs with anomalies, and those that name the first suspect."""
    return frozenset(found.affected) | (frozenset(found.suspects[0].jobs) if found.suspects else frozenset())


def _verdict(found: Investigation) -> Iterator[Block]:
    first = found.suspects[0]
    yield Heading("Root cause")
    yield Paragraph(
        f"{first.entity} ({', '.join(first.fields)}) is the most likely cause: {found.fault} fault,"
        f" severity {found.severity}. It began at {began(first)} and is named by {_jobs(len(first.jobs))}."
    )
    rest = found.suspects[1:2]
    if rest:
        sure = (
            f"How sure this is: {first.likelihood:.0%}; the runner-up is {rest[0].entity} with {rest[0].likelihood:.0%}"
        )
        yield Paragraph(f"{sure}. What speaks for it: {reasons(first, found.suspects)}.")
    else:
        yield Paragraph("How sure this is: it is the only suspect; no result names another entity to hold it against.")
    led = [lead for lead in found.leads if first.entity in (lead.leader[1], lead.follower[1]) and telling(lead)]
    yield from (Paragraph(f"{against(lead, first)}{words(lead)}.") for lead in led[:_LEADS_OF_VERDICT])
    yield Table(
        ("what", "finding"),
        (
            ("root cause entity", first.entity),
            ("fault class", found.fault),
            ("severity", found.severity),
            ("onset", began(first)),
            ("affected jobs", f"{len(found.affected)} of {len(found.jobs)} with results"),
        ),
    )
    yield Heading("Recommended actions")
    yield Bullets(ACTIONS[found.fault], numbered=True)


_WORDS: Mapping[str, str] = {
    "breadth": "named by the most jobs",
    "explains": "much of the rest follows from it",
    "silence": "it complains about nobody",
    "origin": "nothing that it calls was anomalous before it",
    "onset": "among the first to be anomalous",
    "strength": "among the highest scores",
    "persistence": "anomalous for most of the time",
}


def reasons(suspect: Suspect, among: Sequence[Suspect]) -> str:
    """What speaks for a suspect and not for all, in words."""
    least = {name: min(one.parts.get(name, 0.0) for one in among) for name in _WORDS}
    told = [
        words for name, words in _WORDS.items() if suspect.parts.get(name, 0.0) >= max(_TELLS, least[name] + _DIFFERS)
    ]
    return ", ".join(told) or "nothing alone, all of it together"


def _jobs(count: int) -> str:
    return f"{count} job{'' if count == 1 else 's'}"


def _progression(found: Investigation) -> Iterator[Block]:
    yield Heading("How it went on")
    times = sorted({step.time for step in found.timeline})
    if times:
        lanes: dict[str, dict[Any, float]] = defaultdict(dict)
        for step in found.timeline:
            lanes[step.job_id][step.time] = step.max_anomaly_score
        order = sorted(lanes, key=lambda job: (min(lanes[job]), -max(lanes[job].values()), job))
        width = min((after - before for before, after in pairwise(times)), default=None)
        steps = [times[0]]
        while width is not None and steps[-1] < times[-1]:
            steps.append(steps[-1] + width)
        rows = tuple((job, tuple(lanes[job].get(step) for step in steps)) for job in order[:_MOST_LANES])
        yield Lanes(moment(times[0]), moment(times[-1]), rows)
        if len(order) > _MOST_LANES:
            yield Paragraph(f"{len(order) - _MOST_LANES} more jobs became anomalous later.")
    ordered = sorted(found.suspects, key=lambda one: (one.onset, -one.score))[:_SHOWN]
    yield Bullets(tuple(f"{began(one)}: {one.entity} ({', '.join(one.jobs[:3])})" for one in ordered), numbered=True)
    if found.leads:
        yield Heading("What leads what")
        yield Table(
            ("series", "comes before", "by", "between", "correlation", "sure"),
            tuple(
                (
                    _series(lead.leader), _series(lead.follower), length(lead.lag.behind),
                    f"{length(lead.lag.low)} and {length(lead.lag.high)}", f"{lead.lag.correlation:.2f}",
                    _sure(lead),
                )
                for lead in found.leads[:_SHOWN]
            ),
        )  # fmt: skip


def began(suspect: Suspect) -> str:
    """When a suspect began, and how exactly that is known."""
    if suspect.within is None:
        return moment(suspect.onset)
    low, high = suspect.within
    return f"{moment(suspect.onset)} (by its source; between {low:%H:%M:%S} and {high:%H:%M:%S})"


def telling(lead: Lead) -> bool:
    """Whether one of two series surely comes before the other."""
    return lead.lag.behind > timedelta() and lead.lag.confidence >= _SURE and lead.leader[1] != lead.follower[1]


def against(lead: Lead, first: Suspect) -> str:
    """What a lead says about the first suspect being the cause, as the beginning of a sentence."""
    return "This speaks for it: " if lead.leader[1] == first.entity else "This speaks against it: "


def words(lead: Lead) -> str:
    """A lead in words."""
    return (
        f"{_series(lead.leader)} comes {length(lead.lag.behind)} before {_series(lead.follower)}"
        f" ({_sure(lead)} sure, correlation {lead.lag.correlation:.2f})"
    )


def _sure(lead: Lead) -> str:
    return f"{min(lead.lag.confidence, 0.99):.0%}"


def _series(named: tuple[str, str]) -> str:
    job, entity = named
    return job if entity == job else f"{entity} in {job}"


def length(time: timedelta) -> str:
    """A length of time for a person: `1m 30s`."""
    seconds = round(time.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if value]
    return ("-" if seconds < 0 else "") + (" ".join(parts) or "0s")


def _suspects(found: Investigation) -> Iterator[Block]:
    yield Heading("Suspects")
    yield Table(
        ("entity", "likely", "onset", "jobs", "score", *_WORDS),
        tuple(
            (
                one.entity, f"{one.likelihood:.0%}", moment(one.onset), str(len(one.jobs)), f"{one.max_score:.0f}",
                *(f"{one.parts[name]:.2f}" for name in _WORDS),
            )
            for one in found.suspects[:_SHOWN]
        ),
    )  # fmt: skip


def _detector(function: str | None, field_name: str | None) -> str:
    return f"{function}({field_name})" if field_name else str(function)


def _detectors(found: Investigation) -> Iterator[Block]:
    if found.fingerprints:
        yield Heading("What kind of fault")
        yield Table(
            ("job", "detector", "fault", "anomalies", "score", "sustained", "first"),
            tuple(
                (
                    one.job_id, _detector(one.function, one.field_name),
                    one.fault_class, str(one.anomalies), f"{one.max_score:.0f}", "yes" if one.sustained else "no",
                    moment(one.first),
                )
                for one in found.fingerprints[:_SHOWN]
            ),
        )  # fmt: skip
    if found.profile:
        yield Heading(f"What was unusual about {found.suspects[0].entity}")
        yield Bullets(
            tuple(
                f"{row.job_id}: {_detector(row.function, row.field_name)}, {row.anomalies} anomalies up to"
                f" {row.max_score:.0f}, from {moment(row.first)} to {moment(row.last)}"
                for row in found.profile[:_SHOWN]
            )
        )


def _reach(found: Investigation) -> Iterator[Block]:
    if found.radius:
        yield Heading("Blast radius")
        yield Table(
            ("field", "entities", "jobs", "anomalies", "examples"),
            tuple(
                (
                    row.influencer_field_name,
                    str(row.entities),
                    str(row.jobs),
                    str(row.anomalies),
                    ", ".join(row.examples),
                )
                for row in found.radius
            ),
        )
    if found.entities:
        yield Heading(f"Entities that {_at_least(found.incident.min_job_count)} name")
        yield Table(
            ("entity", "field", "jobs", "score", "anomalies", "first"),
            tuple(
                (
                    row.influencer_field_value, row.influencer_field_name, str(row.jobs), f"{row.max_score:.0f}",
                    str(row.anomalies), moment(row.first),
                )
                for row in found.entities[:_SHOWN]
            ),
        )  # fmt: skip
    yield Heading("Jobs that belong together")
    by_index: dict[str, list[str]] = defaultdict(list)
    for job, indices in found.jobs.items():
        by_index[", ".join(indices) or "no datafeed"].append(job)
    ordered = sorted(by_index.items(), key=lambda item: (-len(item[1]), item[0]))[:_SHOWN]
    yield Table(("index", "jobs"), tuple((index, _some(sorted(jobs))) for index, jobs in ordered))
    if found.why:
        yield Heading(f"Jobs that have to do with {found.incident.service}")
        reasons_of: dict[str, list[str]] = defaultdict(list)
        for job, why in found.why.items():
            reasons_of[why].append(job)
        yield Table(("why", "jobs"), tuple((why, _some(jobs)) for why, jobs in reasons_of.items()))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _at_least(count: int) -> str:
    return "jobs" if count == 1 else f"at least {count} jobs"


def _evidence(found: Investigation) -> Iterator[Block]:
    source = found.source
    if source is None:
        return
    yield Heading("Evidence")
    yield Paragraph(
        f"The source of {source.job_id} has {source.during} documents with {source.field} ="
        f" {found.suspects[0].entity} in the window, and {source.before} in a window of the same length before."
    )
    lines = [_shortened(json.dumps(row.document, ensure_ascii=False, default=str)) for row in source.documents[:3]]
    if lines:
        yield Code("\n".join(lines), "json")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _logs(found: Investigation) -> Iterator[Block]:
    if not found.categories:
        return
    yield Heading("Log messages")
    for one in found.categories:
        before = "?" if one.before is None else str(one.before)
        during = "?" if one.during is None else str(one.during)
        yield Paragraph(
            f"{one.job_id}, category {one.category.category_id} (score {one.score:.0f}): {before} messages before,"
            f" {during} in the window. Its terms: {one.category.terms or '-'}."
        )
        if one.examples:
            yield Code("\n".join(_shortened(example) for example in one.examples), "text")


def _notes(found: Investigation) -> Iterator[Block]:
    if found.notes:
        yield Heading("What limits this")
        yield Bullets(found.notes)


def document(found: Investigation) -> dict[str, Any]:
    """The investigation as JSON values."""
    first = found.suspects[0] if found.suspects else None
    return {
        "window": {"start": found.incident.start.isoformat(), "end": found.incident.end.isoformat()},
        "empty": None if found.empty is None else {"reason": str(found.empty.reason), "message": found.empty.message},
        "rootCause": None if first is None else first.entity,
        "faultClass": found.fault,
        "severity": found.severity,
        "likelihood": None if first is None else round(first.likelihood, 4),
        "recommendedActions": [] if first is None else list(ACTIONS[found.fault]),
        "suspects": [
            {
                "entity": one.entity,
                "fields": list(one.fields),
                "likelihood": round(one.likelihood, 4),
                "onset": one.onset.isoformat(),
                "onsetBetween": None if one.within is None else [time.isoformat() for time in one.within],
                "jobs": list(one.jobs),
                "maxScore": one.max_score,
                "parts": {name: round(value, 4) for name, value in one.parts.items()},
            }
            for one in found.suspects[:50]
        ],
        "leads": [
            {
                "leader": {"job": lead.leader[0], "entity": lead.leader[1]},
                "follower": {"job": lead.follower[0], "entity": lead.follower[1]},
                "seconds": lead.lag.behind.total_seconds(),
                "between": [lead.lag.low.total_seconds(), lead.lag.high.total_seconds()],
                "correlation": round(lead.lag.correlation, 4),
                "confidence": round(lead.lag.confidence, 4),
            }
            for lead in found.leads
        ],
        "jobs": {job: list(indices) for job, indices in found.jobs.items()},
        "affectedJobs": sorted(affected_jobs(found)),
        "service": None
        if found.incident.service is None
        else {"name": found.incident.service, "jobs": dict(found.why)},
        "entities": [row.model_dump(mode="json") for row in found.entities],
        "timeline": [row.model_dump(mode="json") for row in found.timeline],
        "fingerprints": [row.model_dump(mode="json") for row in found.fingerprints],
        "blastRadius": [row.model_dump(mode="json") for row in found.radius],
        "evidence": None
        if found.source is None
        else {
            "job": found.source.job_id,
            "field": found.source.field,
            "before": found.source.before,
            "during": found.source.during,
            "documents": [row.model_dump(mode="json") for row in found.source.documents],
        },
        "logCategories": [
            {
                "job": one.job_id,
                "category": one.category.category_id,
                "score": one.score,
                "before": one.before,
                "during": one.during,
                "examples": list(one.examples),
            }
            for one in found.categories
        ],
        "notes": list(found.notes),
    }
