"""What has to be asked about jobs before they can be diagnosed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.programs import Program, ask, call, together
from anomalyops_insight.query import AtLeast, Count, Equals, Pattern, Question
from anomalyops_insight.query.rows import time_of
from anomalyops_insight.tools.configuration import Configured, configurations, datafeed_states, job_states, no_job
from anomalyops_insight.tools.memory import estimated_memory
from anomalyops_insight.tools.messages import (
    Delay,
    DelayParameters,
    JobMessage,
    MessageParameters,
    late_data,
    message_question,
)
from anomalyops_insight.tools.reassessment import ReassessmentParameters, score_reassessment
from anomalyops_insight.tools.remote import remote_clusters
from anomalyops_insight.tools.timing import (
    GapParameters,
    Latency,
    LatencyParameters,
    bucket_event_gaps,
    ingest_latency_estimate,
)
from anomalyops_insight.tools.tool import RESULTS, only_rows
from anomalyops_insight.troubleshooting.diagnosis import TREES, Diagnosis, Facts, diagnose

_RECENT = timedelta(days=7)
_MOST_NOTES = 5000
_NOTABLE_DRIFT = 10.0


def troubleshoot(pattern: str, now: datetime, trees: Collection[str] = TREES) -> Program[tuple[Diagnosis, ...]]:
    """Diagnoses of jobs, the worst first.

    One job is looked at closely: its source is compared with its results. Of several jobs only what few calls tell.

    Args:
        pattern: An id, or a pattern of ids.
        now: The present.
        trees: Which decision trees are walked.

    Raises:
        BadRequestError: No job matches.
        RefusedError: The server does not let this user look.
    """
    wanted = Pattern.read(pattern, what="job")
    found = yield from configurations(wanted)
    if not found:
        raise BadRequestError((yield from no_job(wanted)).message)
    states = yield from job_states(wanted)
    feeds = yield from datafeed_states()
    delays, messages = yield from _notes(pattern, now)
    remote = yield from _remote(found)
    facts = [
        Facts(
            config=config,
            job=states.get(config.job_id, {}),
            datafeed=feeds.get(str((config.datafeed or {}).get("datafeed_id")), {}),
            now=now,
            delays=tuple(delay for delay in delays if delay.job_id == config.job_id),
            messages=tuple(message for message in messages if message.job_id == config.job_id),
            remote={name: connected for name, connected in remote.items() if name in remote_clusters(config)},
        )
        for config in found
    ]
    if len(facts) == 1:
        facts = [(yield from _closely(facts[0]))]
    diagnoses = [diagnose(one, trees) for one in facts]
    return tuple(sorted(diagnoses, key=lambda one: (-one.severity, one.job_id)))


def _notes(pattern: str, now: datetime) -> Program[tuple[tuple[Delay, ...], tuple[JobMessage, ...]]]:
    """Recent annotations of delayed data, and recent warnings; none where they may not be read."""
    start = now - _RECENT
    delays: tuple[Delay, ...] = ()
    messages: tuple[JobMessage, ...] = ()
    try:
        asked = DelayParameters(job_id_pattern=pattern, start=None, end=None, limit=_MOST_NOTES)
        late = yield from late_data(asked)
        delays = tuple(delay for delay in late if (delay.end_timestamp or delay.timestamp) >= start)
    except RefusedError as error:
        _only_forbidden(error)
    try:
        noted = MessageParameters(job_id_pattern=pattern, start=start, end=None, level="warning", limit=_MOST_NOTES)
        messages = yield from only_rows(message_question(noted), JobMessage)
    except RefusedError as error:
        _only_forbidden(error)
    return delays, messages


def _only_forbidden(error: RefusedError) -> None:
    if not error.forbidden:
        raise error


def _remote(found: tuple[Configured, ...]) -> Program[Mapping[str, bool]]:
    """Remote clusters that datafeeds read, each with whether it is connected."""
    named = {name for config in found for name in remote_clusters(config)}
    if not named:
        return {}
    try:
        known = yield from call("GET", "/_remote/info")
    except RefusedError:
        return {}
    return {name: bool(known.get(name, {}).get("connected")) for name in named if "*" not in name}


def _closely(facts: Facts) -> Program[Facts]:
    """One job with what its source and its records say."""
    config = facts.config
    last = facts.counts.get("latest_bucket_timestamp")
    noisy, drifted = yield from together([_noisy(config.job_id), _drifted(config.job_id)])
    estimate = missing = latency = None
    if config.indices and last is not None:
        end = time_of(last)
        missing = yield from _missing(config, end)
        latency = yield from _latency(config, end)
        estimate = yield from _estimate(config, end)
    return Facts(
        config=config,
        job=facts.job,
        datafeed=facts.datafeed,
        now=facts.now,
        delays=facts.delays,
        messages=facts.messages,
        remote=facts.remote,
        estimate_bytes=estimate,
        missing=missing,
        latency=latency,
        noisy=noisy,
        drifted=None if drifted is None else int(drifted),
    )


def _noisy(job_id: str) -> Program[float | None]:
    """The share of notable records with a penalty for noise."""
    notable = (AtLeast("record_score", 3.0),)
    scope = (Equals("result_type", "record"), Equals("job_id", job_id))
    penalty = (Equals("anomaly_score_explanation.high_variance_penalty", value=True),)
    of_all = Question(index=RESULTS, scope=scope, thresholds=notable, measures=(Count("n"),), limit=1)
    of_noisy = Question(index=RESULTS, scope=scope + penalty, thresholds=notable, measures=(Count("n"),), limit=1)
    count = (yield from ask(of_all)).only().get("n")
    return ((yield from ask(of_noisy)).only().get("n") or 0) / count if count else None


def _drifted(job_id: str) -> Program[float | None]:
    """How many records lost more than ten points."""
    asked = ReassessmentParameters(
        job_id_pattern=job_id, start=None, end=None, min_score=0, min_drift=_NOTABLE_DRIFT, limit=1000
    )
    found = yield from score_reassessment(asked)
    return float(len(found.rows))


def _missing(config: Configured, end: datetime) -> Program[int | None]:
    """Documents that finished buckets of the last week lack."""
    aggregated = (config.datafeed or {}).get("aggregations") or (config.datafeed or {}).get("aggs")
    if aggregated:
        return None
    try:
        asked = GapParameters(job_id=config.job_id, start=end - _RECENT, end=None, min_missing=1, limit=5000)
        found = yield from bucket_event_gaps(asked)
    except RefusedError as error:
        _only_forbidden(error)
        return None
    return sum(row.missing for row in found.rows)


def _latency(config: Configured, end: datetime) -> Program[Latency | None]:
    try:
        found = yield from ingest_latency_estimate(
            LatencyParameters(job_id=config.job_id, index=None, start=end - _RECENT, end=None)
        )
    except RefusedError as error:
        _only_forbidden(error)
        return None
    return found.rows[0] if found.rows else None


def _estimate(config: Configured, end: datetime) -> Program[int | None]:
    """The memory that the server estimates for the cardinalities of the last week."""
    try:
        return (yield from estimated_memory(config, end - _RECENT, None)).bytes
    except RefusedError:
        return None
