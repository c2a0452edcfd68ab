"""What one look at all jobs and datafeeds says about each pair of resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from anomalyops.elastic import LatestScores, MlMessage
from anomalyops.health import Annotation, Messages, Notice, Notification, PlanState
from anomalyops.plan import (
    DatafeedState,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    Observed,
    Plan,
    Subject,
    Taken,
    lookback_done,
    loses,
    plan,
    resting_now,
    stopped_run,
    wanted_window_of,
)
from anomalyops.reconciler.failures import (
    remembered_conflict,
    remembered_failure,
    remembered_refusals,
    remembered_rest,
    remembered_wait,
)
from anomalyops.reconciler.figures import Figures, datafeed_figures, job_figures
from anomalyops.reconciler.look import observed_datafeed, observed_job, taken_by
from anomalyops.reconciler.memory import JobMemory
from anomalyops.reconciler.outcome import health_notices, pair_statuses
from anomalyops.reconciler.pair import Pair, desired, is_deleting, policy
from anomalyops.reconciler.query_delay import FeedDelay
from anomalyops.reconciler.quiet import QuietPairs, facts_of
from anomalyops.resources import (
    AnomalyJobStatus,
    ConditionType,
    DatafeedRunState,
    DatafeedStatus,
    JobRunState,
    Reason,
    find_condition,
)

Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What an observation says about one pair.

    Attributes:
        job_status: The AnomalyJob's new status, None without an AnomalyJob.
        datafeed_status: The Datafeed's new status, None without a Datafeed.
        notices: Changes of health, for people.
        needs_reconcile: The server is not as the manifests ask for.
    """

    job_status: AnomalyJobStatus | None
    datafeed_status: DatafeedStatus | None
    notices: tuple[Notice, ...]
    needs_reconcile: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All jobs and datafeeds of a server at one moment; a pair's part is found by id.

    Attributes:
        started_at: When the look began: a pair that was reconciled later is not to be judged by it.
        cluster: Identity of the cluster that the resources live in.
        job_stats: Items of `GET _ml/anomaly_detectors/_stats` by job id.
        datafeed_stats: Items of `GET _ml/datafeeds/_stats` by datafeed id.
        jobs: Configurations by job id, None when they were not asked for.
        datafeeds: Configurations by datafeed id, None when they were not asked for.
        messages: Notifications and annotations of the last day by job id.
        messages_problem: Why no new ones could be read, empty when they could.
        quiet: Pairs of which the look before found nothing new.
        scores: How anomalous the latest finished bucket of each job is, by job id, where that was asked for.
        snapshots: The model snapshots of the jobs that retain some, by job id, where configurations were asked for.
        scores_problem: Why it could not be read, empty when it could.
    """

    started_at: datetime
    cluster: str
    job_stats: Documents
    datafeed_stats: Documents
    jobs: Documents | None = None
    datafeeds: Documents | None = None
    messages: Mapping[str, Messages] = field(default_factory=dict)
    messages_problem: str = ""
    quiet: QuietPairs = field(default_factory=QuietPairs, compare=False, repr=False)
    scores: Mapping[str, LatestScores] = field(default_factory=dict)
    scores_problem: str = ""
    snapshots: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    _datafeed_of: Mapping[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_datafeed_of", dict(_jobs_of_datafeeds(self.datafeeds, self.datafeed_stats)))

    @property
    def configs_known(self) -> bool:
        """Whether configurations were asked for."""
        return self.jobs is not None and self.datafeeds is not None

    def figures(self) -> Figures:
        """The numbers of all jobs and datafeeds, for metrics."""
        return Figures(
            jobs={job_id: job_figures(stats) for job_id, stats in self.job_stats.items()},
            datafeeds={feed_id: datafeed_figures(stats) for feed_id, stats in self.datafeed_stats.items()},
            scores=self.scores,
            scores_problem=self.scores_problem,
        )

    def observed(self, pair: Pair) -> Observed:
        """The server's side of a pair. Without configurations, those of the values hold the ids only."""
        job_id, feed_id = self._ids(pair)
        job = observed_job(self._config(self.jobs, "job_id", job_id), self.job_stats.get(job_id or ""))
        return Observed(
            job=None if job is None else replace(job, snapshots=self.snapshots.get(job_id or "")),
            datafeed=observed_datafeed(
                self._config(self.datafeeds, "datafeed_id", feed_id), self.datafeed_stats.get(feed_id or "")
            ),
            configs_known=self.configs_known,
            now_ms=round(self.started_at.timestamp() * 1000),
            taken=self._taken(pair, job_id),
        )

    def _taken(self, pair: Pair, job_id: str | None) -> Taken | None:
        """Who else has the id of the pair's datafeed; only configurations tell."""
        if pair.datafeed is None or self.jobs is None or self.datafeeds is None:
            return None
        config = self.datafeeds.get(pair.datafeed.server_id)
        other = str(config["job_id"]) if config is not None else job_id
        return None if other is None or other == job_id or other not in self.jobs else taken_by(self.jobs[other])

    def _ids(self, pair: Pair) -> tuple[str | None, str | None]:
        """The ids of the pair's job and of that job's datafeed on the server."""
        job_id = pair.job.server_id if pair.job is not None else self._job_of_datafeed(pair)
        feed_id = self._datafeed_of.get(job_id) if job_id is not None else None
        known = self.configs_known or self._belongs_to_other(pair)
        if feed_id is None and pair.datafeed is not None and not known:
            feed_id = pair.datafeed.server_id
        return job_id, feed_id

    def assess(self, pair: Pair) -> Assessment:
        """The pair's new statuses, and whether it must be reconciled. Nothing is sent."""
        facts = self._facts(pair)
        if not self.configs_known and self.quiet.still(pair, facts, self.started_at):
            return _as_it_is(pair, needs_reconcile=False)
        assessment = self._assess(pair)
        if assessment == _as_it_is(pair, needs_reconcile=False):
            self.quiet.note(pair, facts, self.started_at)
        return assessment

    def _facts(self, pair: Pair) -> int:
        job_id, feed_id = self._ids(pair)
        facts = facts_of(
            self.job_stats.get(job_id or ""), self.datafeed_stats.get(feed_id or ""), self.messages.get(job_id or "")
        )
        return hash((facts, self._belongs_to_other(pair)))

    def _assess(self, pair: Pair) -> Assessment:
        elsewhere = self._belongs_to_other(pair)
        conflict = remembered_conflict(pair.datafeed) if elsewhere else None
        if elsewhere and conflict is None:
            return _as_it_is(pair, needs_reconcile=True)  # a look with configurations says whose the id is
        observed = self.observed(pair)
        if stopped_run(observed, wanted_window_of(desired(pair, cluster=self.cluster, bodies=False))) is not None:
            return _as_it_is(pair, needs_reconcile=True)  # only a closer look tells whether it came to its end
        resting = self._resting(pair, observed)
        if not self.configs_known and resting and not _rests(observed, resting):
            return _as_it_is(pair, needs_reconcile=True)  # somebody started it
        found, finished = self._plan(pair, observed, resting)
        if conflict is not None:
            found = replace(found, obstacles=(*found.obstacles, conflict))
        unclear = not self.configs_known and not finished and Subject.DATAFEED not in resting
        if unclear and _may_be_finished(pair, observed):
            return _as_it_is(pair, needs_reconcile=True)
        told = self._as_the_reconcile_says(pair, found)
        state = PlanState(obstacles=told.obstacles, pending=told.steps, compared=self.configs_known)
        states = (
            replace(state, failure=remembered_failure(pair.job)),
            replace(state, failure=remembered_failure(pair.datafeed)),
        )
        messages = self.messages.get(pair.job.server_id) if pair.job is not None else None
        said = messages or Messages()
        job, feed = pair_statuses(pair, observed, states, said, self.started_at, finished=finished, resting=resting)
        return Assessment(
            job_status=job,
            datafeed_status=feed,
            notices=health_notices(pair, job, feed),
            needs_reconcile=not found.empty
            or self._lacks_something(pair, observed, states)
            or self._needs_memory(pair, observed)
            or self._needs_delay(pair, observed),
        )

    def _belongs_to_other(self, pair: Pair) -> bool:
        """Whether stats alone tell that the id of the pair's datafeed is that of another job's."""
        if pair.job is None or pair.datafeed is None or self.configs_known:
            return False
        stats = self.datafeed_stats.get(pair.datafeed.server_id, {})
        return str(stats.get("timing_stats", {}).get("job_id", pair.job.server_id)) != pair.job.server_id

    def _resting(self, pair: Pair, observed: Observed) -> frozenset[Subject]:
        """What was stopped when it was taken over and stays so; without configurations as the status tells."""
        if self.configs_known:
            return resting_now(desired(pair, cluster=self.cluster, bodies=False), observed)
        return remembered_rest(pair.job, pair.datafeed)

    def _plan(self, pair: Pair, observed: Observed, resting: frozenset[Subject]) -> tuple[Plan, bool]:
        """What is to be done, and whether a lookback has reached its end."""
        if self.configs_known:
            wanted = JobMemory.of(pair.job).wanted(desired(pair, cluster=self.cluster), observed.job)
            wanted = FeedDelay.of(pair.datafeed).wanted(wanted, observed.datafeed)
            made = plan(wanted, observed, policy(pair, now=self.started_at))
            if loses(made) and (refused := remembered_refusals(pair.job, pair.datafeed)):
                # Only a reconcile asks the server; until it does again, what it said stands.
                made = plan(wanted, replace(observed, refused=refused), policy(pair, now=self.started_at))
            return made, lookback_done(wanted, observed)
        if _runs_as_wanted(pair, observed):  # nearly all pairs, nearly always: no need to plan
            return Plan(), False
        wanted = _left_at_rest(desired(pair, cluster=self.cluster, bodies=False), resting)
        return plan(wanted, observed, policy(pair, now=self.started_at)), _was_finished(pair)

    def _as_the_reconcile_says(self, pair: Pair, found: Plan) -> Plan:
        """The plan, which waits as long as a reconcile, which asks more of the server, says that it does."""
        waits = remembered_wait(pair.job) if self.configs_known and found.steps else None
        return found if waits is None else replace(found, steps=(), obstacles=(waits, *found.obstacles))

    def _needs_memory(self, pair: Pair, observed: Observed) -> bool:
        """Whether a reconcile would raise the job's memory limit, or find out which one to recommend."""
        memory = JobMemory.of(pair.job)
        if not memory.is_due(observed.job, self.started_at):
            return False
        return memory.recommended is None or not policy(pair, now=self.started_at).undisturbed

    def _needs_delay(self, pair: Pair, observed: Observed) -> bool:
        """Whether a reconcile would look how late documents come, or raise the query delay."""
        undisturbed = bool(policy(pair, now=self.started_at).undisturbed)
        return FeedDelay.of(pair.datafeed).is_due(observed.datafeed, self.started_at, undisturbed=undisturbed)

    @staticmethod
    def _lacks_something(pair: Pair, observed: Observed, states: tuple[PlanState, PlanState]) -> bool:
        """Whether the server lacks a job or datafeed, apart from what it refused to create.

        Without configurations the plan does not say so: it would not know what to create.
        """
        # Where its id is taken, that has to change first.
        feed = pair.datafeed if states[1].blocking(Subject.DATAFEED) is None else None
        wanted = ((pair.job, observed.job, states[0]), (feed, observed.datafeed, states[1]))
        return pair.job is not None and any(
            resource is not None
            and resource.KIND not in pair.unreadable
            and not is_deleting(resource)
            and there is None
            and state.failure is None
            for resource, there, state in wanted
        )

    def _job_of_datafeed(self, pair: Pair) -> str | None:
        if pair.datafeed is None:
            return None
        feed_id = pair.datafeed.server_id
        config = (self.datafeeds or {}).get(feed_id)
        if config is not None:
            return str(config["job_id"])
        job_id = self.datafeed_stats.get(feed_id, {}).get("timing_stats", {}).get("job_id")
        return str(job_id) if job_id is not None else None

    def _config(self, configs: Documents | None, id_field: str, identifier: str | None) -> Mapping[str, Any] | None:
        if identifier is None:
            return None
        return {id_field: identifier} if configs is None else configs.get(identifier)


def _as_it_is(pair: Pair, *, needs_reconcile: bool) -> Assessment:
    """Nothing new to report."""
    return Assessment(
        job_status=pair.job.status if pair.job is not None else None,
        datafeed_status=pair.datafeed.status if pair.datafeed is not None else None,
        notices=(),
        needs_reconcile=needs_reconcile,
    )


def messages_by_job(messages: Iterable[MlMessage]) -> dict[str, Messages]:
    """Sorts messages by the job that they are about."""
    notifications: dict[str, list[Notification]] = {}
    annotations: dict[str, list[Annotation]] = {}
    for message in messages:
        if message.event:
            annotations.setdefault(message.job_id, []).append(
                Annotation(timestamp=_time(message.timestamp), event=message.event, text=message.text)
            )
        else:
            notifications.setdefault(message.job_id, []).append(
                Notification(timestamp=_time(message.timestamp), level=message.level, message=message.text)
            )
    return {
        job_id: Messages(
            notifications=tuple(notifications.get(job_id, ())), annotations=tuple(annotations.get(job_id, ()))
        )
        for job_id in notifications.keys() | annotations.keys()
    }


def _jobs_of_datafeeds(datafeeds: Documents | None, datafeed_stats: Documents) -> Iterable[tuple[str, str]]:
    """Pairs of job id and datafeed id: from the configurations, else from the datafeeds' timing stats."""
    if datafeeds is not None:
        return ((str(config["job_id"]), feed_id) for feed_id, config in datafeeds.items())
    return (
        (str(stats["timing_stats"]["job_id"]), feed_id)
        for feed_id, stats in datafeed_stats.items()
        if "job_id" in stats.get("timing_stats", {})
    )


def _left_at_rest(wanted: Desired, resting: frozenset[Subject]) -> Desired:
    """The same, without asking what rests to run: stats alone do not tell that it rests."""
    if Subject.JOB in resting and isinstance(wanted.job, DesiredJob):
        wanted = replace(wanted, job=replace(wanted.job, opened=False))
    if Subject.DATAFEED in resting and isinstance(wanted.datafeed, DesiredDatafeed):
        wanted = replace(wanted, datafeed=replace(wanted.datafeed, started=False))
    return wanted


def _rests(observed: Observed, resting: frozenset[Subject]) -> bool:
    """Whether what rested when it was last looked at whole does so still."""
    job, feed = observed.job, observed.datafeed
    opened = job is not None and job.state in (JobState.OPENED, JobState.OPENING)
    started = feed is not None and feed.state in (DatafeedState.STARTED, DatafeedState.STARTING)
    return not (Subject.JOB in resting and opened) and not (Subject.DATAFEED in resting and started)


def _was_finished(pair: Pair) -> bool:
    """Whether the last reconcile or resync found the lookback complete; only configurations can tell anew."""
    if pair.datafeed is None or pair.datafeed.status is None:
        return False
    ready = find_condition(pair.datafeed.status.conditions, ConditionType.READY)
    return ready is not None and ready.reason == Reason.LOOKBACK_COMPLETE


def _wants_to_run(pair: Pair) -> bool:
    """Whether the manifests ask for an opened job and a started datafeed."""
    job, feed = pair.job, pair.datafeed
    return (
        job is not None
        and feed is not None
        and job.spec.state is JobRunState.OPENED
        and feed.spec.state is DatafeedRunState.STARTED
        and not (job.spec.suspend or feed.spec.suspend or is_deleting(job) or is_deleting(feed))
    )


def _runs_as_wanted(pair: Pair, observed: Observed) -> bool:
    """Whether job and datafeed shall run and do, as far as states tell."""
    job, feed = observed.job, observed.datafeed
    return (
        job is not None
        and feed is not None
        and job.state is JobState.OPENED
        and job.blocked is None
        and feed.state is DatafeedState.STARTED
        and _wants_to_run(pair)
    )


def _may_be_finished(pair: Pair, observed: Observed) -> bool:
    """Whether a bounded run stopped: at its end or before, only the configurations tell."""
    feed, there = pair.datafeed, observed.datafeed
    return (
        feed is not None
        and there is not None
        and feed.spec.end is not None
        and there.state is DatafeedState.STOPPED
        and _wants_to_run(pair)
        and remembered_failure(feed) is None
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
