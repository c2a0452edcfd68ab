"""The decision trees: memory, missing documents, score, and whether job and datafeed run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from anomalyops_insight.query.rows import time_of
from anomalyops_insight.times import seconds_of
from anomalyops_insight.tools.configuration import Configured
from anomalyops_insight.tools.memory import memory_driver
from anomalyops_insight.tools.messages import Delay, JobMessage
from anomalyops_insight.tools.timing import Latency
from anomalyops_insight.troubleshooting.remedies import Remedy, Running, Step, owner_of, plan

TREES = ("state", "memory", "missing documents", "score")
_SILENT = ("retrieving no data", "encountering errors")
_NEAR_LIMIT = 0.8
_ROOM = 1.3  # of the peak, where the server gives no estimate
_MEGABYTE = 1024 * 1024
_WEEKLY = timedelta(weeks=3)
_MOST_NOISY = 0.5
_DAY_SECONDS = 86_400


class Severity(IntEnum):
    """How bad it is."""

    OK = 0
    INFO = 1
    WARNING = 2
    CRITICAL = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        tree: Of `TREES`.
        severity: How bad it is.
        text: In words.
        evidence: What says so.
    """

    tree: str
    severity: Severity
    text: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a job.

    Attributes:
        config: How it and its datafeed are set.
        job: What `_stats` says of it.
        datafeed: What `_stats` says of its datafeed; empty without one or without privilege.
        delays: Annotations of delayed data, the newest first.
        messages: Warnings and errors, the newest first.
        now: The present.
        estimate_bytes: The memory that the server estimates; None where it was not asked.
        missing: Documents that finished buckets lack, None where it was not looked.
        latency: How late documents come, None where that is not known.
        noisy: The share of recent records with a high_variance_penalty, None where there are none.
        drifted: How many records lost more than ten points since; None where it was not looked.
        remote: Remote clusters that the datafeed reads, each with whether it is connected.
    """

    config: Configured
    job: Mapping[str, Any]
    datafeed: Mapping[str, Any]
    now: datetime
    delays: tuple[Delay, ...] = ()
    messages: tuple[JobMessage, ...] = ()
    estimate_bytes: int | None = None
    missing: int | None = None
    latency: Latency | None = None
    noisy: float | None = None
    drifted: int | None = None
    remote: Mapping[str, bool] = field(default_factory=dict)

    @property
    def size(self) -> Mapping[str, Any]:
        """The model's size."""
        return self.job.get("model_size_stats") or {}

    @property
    def counts(self) -> Mapping[str, Any]:
        """The counts of its data."""
        return self.job.get("data_counts") or {}

    @property
    def running(self) -> Running:
        """What runs."""
        feed = self.config.datafeed
        return Running(
            job_id=self.config.job_id,
            datafeed_id=None if feed is None else str(feed["datafeed_id"]),
            opened=self.job.get("state") in {"opened", "opening"},
            started=self.datafeed.get("state") in {"started", "starting"},
            owner=owner_of(self.config.job),
            failed=self.job.get("state") == "failed",
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a job, and what to do.

    Attributes:
        job_id: The job.
        severity: The worst of the findings.
        verdict: One sentence.
        findings: The worst first; of each tree at least one.
        plan: Steps in order.
        owner: The manifest that owns it.
    """

    job_id: str
    severity: Severity
    verdict: str
    findings: tuple[Finding, ...]
    plan: tuple[Step, ...]
    owner: str | None = None


_Result = Iterator[Finding | Remedy]


def diagnose(facts: Facts, trees: Collection[str] = TREES) -> Diagnosis:
    """Walks decision trees, in the order of `TREES`.

    Args:
        facts: What is known about the job.
        trees: Which ones.
    """
    findings: list[Finding] = []
    remedies: list[Remedy] = []
    for tree in (walk for name, walk in zip(TREES, _TREES, strict=True) if name in trees):
        for found in tree(facts):
            if isinstance(found, Finding):
                findings.append(found)
            else:
                remedies.append(found)
    if _at_limit(facts):  # documents that a full model skipped are not late: what hides them is mended first
        remedies = [remedy for remedy in remedies if remedy.field != "query_delay"]
    findings.sort(key=lambda one: (-one.severity, TREES.index(one.tree)))
    severity = findings[0].severity if findings else Severity.OK
    bad = [one for one in findings if one.severity >= Severity.WARNING]
    verdict = bad[0].text if bad else "healthy"
    if len(bad) > 1:
        verdict += f" (and {len(bad) - 1} more)"
    running = facts.running
    idle = running.opened and not running.started and facts.datafeed.get("state") == "stopped"
    steps = plan(remedies, running, start=idle or running.failed)
    return Diagnosis(facts.config.job_id, severity, verdict, tuple(findings), steps, running.owner)


def _state(facts: Facts) -> _Result:
    state, feed = str(facts.job.get("state", "unknown")), facts.config.datafeed
    explained = str(facts.job.get("assignment_explanation") or facts.datafeed.get("assignment_explanation") or "")
    errors = [message for message in facts.messages if message.level == "error"]
    evidence = f"{errors[0].timestamp:%Y-%m-%d %H:%M} {errors[0].message}" if errors else explained
    if state == "failed":
        yield Finding("state", Severity.CRITICAL, "the job has failed", evidence or "state is failed")
    elif state == "opening" and explained:
        yield Finding("state", Severity.WARNING, "the job finds no node to run on", explained)
    elif state == "opened" and feed is not None and facts.datafeed.get("state") == "stopped":
        yield Finding("state", Severity.WARNING, "the job is open and its datafeed is stopped", evidence)
    elif state == "closed" and not facts.counts.get("processed_record_count"):
        yield Finding("state", Severity.INFO, "the job has never run", "processed_record_count is 0")
    else:
        running = "" if feed is None else f", its datafeed {facts.datafeed.get('state', 'unknown')}"
        yield Finding("state", Severity.OK, f"the job is {state}{running}")
    if feed is None:
        yield Finding("state", Severity.INFO, "the job has no datafeed: data must be posted to it")
    silent = next(
        (m for m in facts.messages if "retrieving no data" in m.message or "encountering errors" in m.message), None
    )
    if silent is not None and facts.datafeed.get("state") == "started":
        yield Finding("state", Severity.WARNING, "the datafeed runs and gets no data", silent.message)
    for name, connected in facts.remote.items():
        if not connected:
            words = f"the remote cluster {name}, which the datafeed reads, is not connected"
            yield Finding("state", Severity.CRITICAL, words, "_remote/info")


def _at_limit(facts: Facts) -> bool:
    return facts.size.get("memory_status") == "hard_limit"


def _memory(facts: Facts) -> _Result:
    size, status = facts.size, facts.size.get("memory_status", "ok")
    used, limit = int(size.get("model_bytes") or 0), int(size.get("model_bytes_memory_limit") or 0)
    evidence = f"model_bytes {used}, peak {size.get('peak_model_bytes', used)}, limit {limit or 'unknown'}"
    driver = memory_driver({name: size.get(name) for name in _DRIVERS})
    if driver:
        evidence += f"; driven by {driver}"
    if status in {"hard_limit", "soft_limit"}:
        hard = status == "hard_limit"
        words = "the model is at its memory limit: new entities are not modelled, results are incomplete"
        soft = "the model is near its memory limit: old entities are pruned"
        yield Finding("memory", Severity.CRITICAL if hard else Severity.WARNING, words if hard else soft, evidence)
        yield Remedy("job", "analysis_limits.model_memory_limit", recommended_limit(facts), "raise the memory limit")
    elif limit and used >= _NEAR_LIMIT * limit:
        words = f"the model uses {used / limit:.0%} of its memory limit"
        yield Finding("memory", Severity.INFO, words, evidence)
    else:
        yield Finding("memory", Severity.OK, "the model's memory is within its limit", evidence if used else "")
    failures = size.get("bucket_allocation_failures_count") or 0
    if failures:
        yield Finding("memory", Severity.WARNING, f"{failures} buckets had entities that were not modelled", evidence)
    if size.get("categorization_status") == "warn":
        yield Finding(
            "memory", Severity.WARNING, "categorization does not fit these messages", "categorization_status is warn"
        )


_DRIVERS = ("total_by_field_count", "total_partition_field_count", "total_category_count")


def recommended_limit(facts: Facts) -> str:
    """A memory limit with room: what the server estimates, and never below the peak and the present limit."""
    peak = int(facts.size.get("peak_model_bytes") or facts.size.get("model_bytes") or 0)
    limit = int(facts.size.get("model_bytes_memory_limit") or 0)
    exceeded = int(facts.size.get("model_bytes_exceeded") or 0)
    wanted = max(int(_ROOM * max(peak, limit + exceeded)), facts.estimate_bytes or 0)
    return f"{-(-wanted // _MEGABYTE)}mb"


def _missing(facts: Facts) -> _Result:
    tree = "missing documents"
    feed = facts.config.datafeed or {}
    missed = sum(delay.missed_documents or 0 for delay in facts.delays)
    lacking = bool(facts.missing)
    if facts.delays or lacking:
        signs = [f"{len(facts.delays)} annotations of delayed data, {missed} documents"] if facts.delays else []
        signs += [f"finished buckets lack {facts.missing} documents that the source holds now"] if lacking else []
        cause = ""
        if _at_limit(facts):
            cause = "; at its memory limit a job skips documents: mend that first"
        severity = Severity.WARNING
        yield Finding(tree, severity, f"documents came too late for the datafeed{cause}", "; ".join(signs))
        wanted = _wanted_delay(facts)
        if wanted is not None:
            why = "wait longer before data are read"
            yield Remedy("datafeed", "query_delay", f"{wanted}s", why)
    else:
        yield Finding(
            tree, Severity.OK, "no sign of missing documents", f"query_delay {feed.get('query_delay', 'default')}"
        )
    order = int(facts.counts.get("out_of_order_timestamp_count") or 0)
    if order:
        yield Finding(tree, Severity.WARNING, f"{order} documents were dropped: out of order", "data_counts")
    dates = int(facts.counts.get("invalid_date_count") or 0)
    if dates:
        yield Finding(
            tree, Severity.WARNING, f"{dates} documents were dropped: their time cannot be read", "data_counts"
        )
    seen, lack = int(facts.counts.get("processed_record_count") or 0), int(facts.counts.get("missing_field_count") or 0)
    if seen and lack > seen / 2:
        yield Finding(tree, Severity.INFO, f"fields are missing in many documents ({lack} times)", "data_counts")


def _wanted_delay(facts: Facts) -> int | None:
    """A query delay in seconds that is longer than the present one."""
    current = delay_seconds((facts.config.datafeed or {}).get("query_delay"))
    if facts.latency is not None:
        wanted = seconds_of(facts.latency.recommended_query_delay)
        return wanted if wanted > current else None
    return max(2 * current, current + 60)


def delay_seconds(text: object) -> int:
    """A query delay of a configuration in seconds; two minutes where the server chooses."""
    if not isinstance(text, str):
        return 120
    if text.endswith("ms"):
        return int(text.removesuffix("ms")) // 1000
    try:
        return seconds_of(text)
    except ValueError:
        return 0 if text.rstrip("smhd") == "0" else 120


def _score(facts: Facts) -> _Result:
    tree = "score"
    first, last = facts.counts.get("earliest_record_timestamp"), facts.counts.get("latest_record_timestamp")
    found = False
    if first is not None and last is not None:
        learned = time_of(last) - time_of(first)
        if learned < _WEEKLY:
            found = True
            days = learned.total_seconds() / _DAY_SECONDS
            words = f"the job has seen {days:.1f} days: a weekly season needs three weeks"
            yield Finding(tree, Severity.INFO, words, "data_counts")
    if facts.noisy is not None and facts.noisy >= _MOST_NOISY:
        found = True
        words = f"{facts.noisy:.0%} of recent records have a high_variance_penalty: noisy data, wide bounds, low scores"
        yield Finding(tree, Severity.INFO, words, "anomaly_score_explanation")
    if facts.drifted:
        found = True
        words = f"renormalisation has lowered {facts.drifted} scores by more than ten points: no change is needed"
        yield Finding(tree, Severity.INFO, words, "initial_record_score - record_score")
    for finding in _configured(facts):
        found = True
        yield finding
    if not found:
        yield Finding(tree, Severity.OK, "nothing speaks against its scores")


def _configured(facts: Facts) -> Iterator[Finding]:
    config = facts.config
    for position, detector in enumerate(config.detectors):
        if detector.get("use_null"):
            words = f"detector {position} has use_null: a sparse field makes high scores"
            yield Finding("score", Severity.INFO, words, "analysis_config")
        rules = len(detector.get("custom_rules", ()))
        if rules:
            words = f"detector {position} has {rules} custom rules that may skip results"
            yield Finding("score", Severity.INFO, words, "analysis_config")
    try:
        span = seconds_of(config.bucket_span)
    except ValueError:
        return
    if span > _DAY_SECONDS or _DAY_SECONDS % span:
        words = f"bucket_span {config.bucket_span} does not divide a day: seasons are hard to learn"
        yield Finding("score", Severity.INFO, words, "analysis_config")


_TREES: Sequence[Callable[[Facts], _Result]] = (_state, _memory, _missing, _score)
