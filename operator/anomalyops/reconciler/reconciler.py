"""The reconciler: look at the server, plan, act, look again, and say what came of it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from weakref import WeakValueDictionary

from anomalyops.elastic import Gateway, GatewayError, OtherServer, Unsupported
from anomalyops.plan import (
    DesiredJob,
    Effect,
    Observed,
    OpenJob,
    Plan,
    StartDatafeed,
    Step,
    Subject,
    loses,
    plan,
    proposal,
    stopped_run,
    wanted_window_of,
)
from anomalyops.reconciler.backoff import Backoff
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.failures import is_definite, is_stale
from anomalyops.reconciler.hold import Broken, Holds
from anomalyops.reconciler.kibana import SavedObjectsSync
from anomalyops.reconciler.look import observed_pair
from anomalyops.reconciler.outcome import (
    Outcome,
    Run,
    action_notices,
    health_notices,
    statuses,
    told_by_plan,
)
from anomalyops.reconciler.pair import Pair, desired, is_deleting, policy
from anomalyops.reconciler.verification import verify
from anomalyops.resources import AnomalyJobStatus, DatafeedStatus, DeletionPolicy

OnPlan = Callable[[Plan], None]
OnStep = Callable[[Step], Awaitable[None] | None]

_LONGEST_WAIT = 300.0  # seconds until a pair with something pending is looked at again
_ROUNDS = 4  # looks and plans in one reconcile: act, verify, and twice more when somebody else acts in between


class Reconciler:
    """Brings the server to what pairs of resources ask for. One for each connection.

    Level-triggered: every reconcile starts from what the server has, so it may be cancelled or killed at any
    point and the next one finishes the work.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        cluster: str,
        clock: Callable[[], datetime] = utc_now,
        on_plan: OnPlan | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        """Prepares a reconciler.

        Args:
            gateway: The server.
            cluster: Identity of the cluster that the resources live in; `local` for files on disk.
            clock: Says the time, in UTC.
            on_plan: Called with each plan that has steps, before the first one is sent.
            on_step: Called with each step before it is sent.
        """
        self._gateway = gateway
        self._cluster = cluster
        self._clock = clock
        self._on_plan = on_plan
        self._on_step = on_step
        self._backoff = Backoff()
        self._holds = Holds()
        self._kibana = SavedObjectsSync(gateway)
        self._finished: dict[str, datetime] = {}
        self._broken: dict[str, Broken] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def plan(self, pair: Pair) -> Plan:
        """Looks and plans, without acting.

        Raises:
            GatewayError: The server could not be looked at.
        """
        if not _has_server_side(pair):
            return plan(desired(pair, cluster=self._cluster), Observed(job=None, datafeed=None), policy(pair))
        _, found = await self._look_and_plan(pair, curious=True)
        return found

    async def examine(self, pair: Pair) -> tuple[AnomalyJobStatus | None, DatafeedStatus | None]:
        """Looks and plans, without acting, and says how the pair stands: what the server would refuse is part of it.

        Raises:
            GatewayError: The server could not be looked at.
        """
        run = Run(pair=pair)
        run.observed, found = await self._look_and_plan(pair, curious=True)
        run.note_plan(found)
        return statuses(run, desired(pair, cluster=self._cluster), self._clock())

    async def reconcile(self, pair: Pair, *, cluster_uuid: str = "") -> Outcome:
        """Brings the server to what the pair asks for, and computes the new status.

        Trouble with the server becomes part of the status and `retry_after`. Reconciles of the same pair wait
        for each other.

        Args:
            pair: The pair.
            cluster_uuid: The server that the pair lives on; empty when that is not known. On another one, nothing
                is created.
        """
        lock = self._locks.setdefault(pair.key, asyncio.Lock())
        async with lock:
            run = Run(pair=pair, cluster_uuid=cluster_uuid)
            if _has_server_side(pair):
                await self._run(run)
            else:
                run.observed = Observed(job=None, datafeed=None)
                run.note_plan(plan(desired(pair, cluster=self._cluster), run.observed, policy(pair)))
            result = self._finish(run)
            self._finished[pair.key] = self._clock()
            return result

    def acted_since(self, key: str, moment: datetime) -> bool:
        """Whether a pair (`Pair.key`) is being reconciled or was so after a moment.

        An observation that began before is out of date for it.
        """
        lock = self._locks.get(key)
        finished = self._finished.get(key)
        return (lock is not None and lock.locked()) or (finished is not None and finished >= moment)

    def forget(self, key: str) -> None:
        """Drops what is remembered about a pair (`Pair.key`) whose resources are gone."""
        self._backoff.succeeded(key)
        self._holds.lift(key)
        self._finished.pop(key, None)
        self._broken.pop(key, None)

    # -- acting ------------------------------------------------------------------------------------------

    async def _run(self, run: Run) -> None:
        """Acts until a look finds nothing to do, or a step fails for good."""
        try:
            await self._converge(run)
        except GatewayError as error:
            run.observed = None
            run.fail(error, None)
        if run.changed_jobs and self._kibana.enabled:
            run.kibana_problem = await self._kibana.request()

    async def _converge(self, run: Run) -> None:
        pair = run.pair
        await self._mend(run)
        refusal = self._holds.standing(pair.key, desired(pair, cluster=self._cluster), policy(pair))
        for round_ in range(_ROUNDS):
            run.observed, found = await self._look_and_plan(pair)
            if found.empty:
                refusal = None  # what was refused is there all the same
                self._broken.pop(pair.key, None)
            elif refusal is not None:
                found = self._plan_run_state(pair, run.observed)
            run.note_plan(found)
            if found.empty:
                break
            if run.cluster_uuid and run.observed.job is None:
                await self._make_sure_of(run.cluster_uuid)
            if self._on_plan is not None:
                self._on_plan(found)
            failed = await self._execute(found, run)
            if failed is not None:
                self._note_broken(run, found, *failed)
            if failed is not None and not (is_stale(failed[0]) and round_ < _ROUNDS - 1):
                await self._after_failure(run, *failed)
                return
        if refusal is not None:
            run.hold(refusal.error, refusal.step, self._holds.seconds_left(pair.key))

    async def _make_sure_of(self, cluster_uuid: str) -> None:
        """What lacks a job may be another server that took the place of the one that has it.

        Raises:
            OtherServer: it is.
        """
        answering = await self._gateway.cluster_uuid()
        if answering and answering != cluster_uuid:
            raise OtherServer(f"the cluster {answering} answers, and the job lives on {cluster_uuid}")

    async def _execute(self, found: Plan, run: Run) -> tuple[GatewayError, Step] | None:
        """Sends the steps in order; the error and the step at which it stopped, None when all are done."""
        for step in found.steps:
            if self._on_step is not None:
                told = self._on_step(step)
                if inspect.isawaitable(told):
                    await told
            try:
                await step.send(self._gateway)
            except GatewayError as error:
                return error, step
            run.executed.append(step)
        return None

    async def _after_failure(self, run: Run, error: GatewayError, step: Step) -> None:
        """Holds back what the server refused for good, and brings the run state back.

        A step that failed after the datafeed was stopped must not leave it stopped: a plan for the run state
        alone opens and starts again what the manifest wants running, with the old configuration.
        """
        run.fail(error, step)
        pair = run.pair
        if is_definite(error) and step.effect is not Effect.RUNS and not is_deleting(pair.job):
            wanted = desired(pair, cluster=self._cluster)
            run.held_seconds = self._holds.hold(pair.key, desired=wanted, policy=policy(pair), error=error, step=step)
        if await self._mend(run):
            run.restored, run.held_seconds = True, 0.0
            self._holds.lift(pair.key)  # the mark tells now
        restoring = self._plan_run_state(pair, await self._look_again(run))
        if isinstance(step, OpenJob | StartDatafeed) or is_deleting(pair.job):
            return  # bringing the run state back is what just failed, or is not wanted
        if not restoring.empty and await self._execute(restoring, run) is None:
            await self._look_again(run)

    async def _look_again(self, run: Run) -> Observed:
        observed, found = await self._look_and_plan(run.pair)
        run.observed = observed
        if run.restored:
            run.note_plan(found)
        return observed

    def _note_broken(self, run: Run, found: Plan, error: GatewayError, step: Step) -> None:
        """Remembers the way back where the server refuses what something was given up for.

        A failure that passes is no refusal: the same is tried again, and then refused or not.
        """
        given_up = any(done.effect is Effect.DESTROYS for done in found.steps if done in run.executed)
        lost = found.fallback if given_up else None
        key, wanted = run.pair.key, desired(run.pair, cluster=self._cluster)
        earlier = self._broken.get(key)
        if lost is not None:
            earlier = self._broken[key] = Broken(fallback=lost, desired=wanted)
        if earlier is not None and is_definite(error) and step.effect is not Effect.RUNS:
            earlier.words = error.reason

    async def _mend(self, run: Run) -> bool:
        """Brings back what was given up for a configuration that the server then refused; whether it did.

        It is tried again until it succeeds or the manifests ask for something else.
        """
        pair = run.pair
        broken = self._broken.get(pair.key)
        if broken is None:
            return False
        if broken.desired != desired(pair, cluster=self._cluster) or is_deleting(pair.job):
            del self._broken[pair.key]
            return False
        if not broken.words:
            return False
        steps = broken.fallback.steps(await self._look(pair), broken.words)
        failed = await self._execute(Plan(steps=steps), run)
        if failed is not None and not is_definite(failed[0]):
            raise failed[0]
        del self._broken[pair.key]
        return failed is None

    def _finish(self, run: Run) -> Outcome:
        pair = run.pair
        job, feed = statuses(run, desired(pair, cluster=self._cluster), self._clock())
        changes = health_notices(pair, job, feed)
        if run.executed:
            changes = tuple(notice for notice in changes if not told_by_plan(notice))
        return Outcome(
            job_status=job,
            datafeed_status=feed,
            job_released=is_deleting(pair.job) and run.settled,
            datafeed_released=is_deleting(pair.datafeed) and (run.settled or self._datafeed_done(run)),
            plan=run.first or run.remaining,
            executed=tuple(run.executed),
            notices=(*action_notices(run), *changes),
            retry_after=self._retry_after(run),
            observed=run.observed,
            error=run.error,
        )

    def _datafeed_done(self, run: Run) -> bool:
        """Whether nothing is left to do for a datafeed on its way out, though something is for its job."""
        if run.observed is None or is_deleting(run.pair.job):
            return False
        left = self._plan_run_state(run.pair, run.observed)
        waiting = any(obstacle.waiting for obstacle in left.obstacles)
        return not waiting and not any(step.subject is Subject.DATAFEED for step in left.steps)

    def _retry_after(self, run: Run) -> float | None:
        """Nothing pending: None. A refusal: when it ends. Anything else: the pair's back-off."""
        key = run.pair.key
        if run.settled:
            self._holds.lift(key)
            if run.observed is not None and run.observed.refused:
                return self._backoff.failed(key)  # what is missing may come without an event
            self._backoff.succeeded(key)
            return None
        if run.held_seconds:
            return min(run.held_seconds, _LONGEST_WAIT)
        if not _has_server_side(run.pair):
            return None  # it waits for another resource, whose arrival is an event
        return self._backoff.failed(key)

    # -- looking -----------------------------------------------------------------------------------------

    async def _look_and_plan(self, pair: Pair, *, curious: bool = False) -> tuple[Observed, Plan]:
        """What the server has and what is to be done; only then upgrade mode is asked for.

        Before a plan gives something up, the server is asked about the configuration that it leads to; who is curious
        asks about any other one too.
        """
        observed = await self._look(pair)
        wanted, allowed = desired(pair, cluster=self._cluster), policy(pair)
        found = plan(wanted, observed, allowed)
        if not found.empty and await self._upgrade_mode():
            observed = replace(observed, upgrade_mode=True)
            found = plan(wanted, observed, allowed)
        proposed = proposal(wanted, found, any_change=curious)
        if proposed is not None:
            said = await verify(self._gateway.trial, proposed, instead=loses(found))
            observed = replace(observed, refused=tuple(said.refused), unchecked=tuple(said.unchecked))
            found = plan(wanted, observed, allowed)
        return observed, found

    async def _look(self, pair: Pair) -> Observed:
        feed_id = pair.datafeed.server_id if pair.datafeed is not None else None
        job_id = pair.job.server_id if pair.job is not None else await self._job_of_datafeed(feed_id)
        if job_id is None:
            return Observed(job=None, datafeed=None)
        observed = observed_pair(await self._gateway.pair(job_id, feed_id), now=self._clock())
        feed = observed.datafeed
        window = wanted_window_of(desired(pair, cluster=self._cluster))
        if feed is None or stopped_run(observed, window) is None:
            return observed
        # Whether a bounded run that has stopped came to its end is in the server's messages alone.
        completed = await self._gateway.lookback_completed(job_id)
        return replace(observed, datafeed=replace(feed, completed=completed))

    def _plan_run_state(self, pair: Pair, observed: Observed) -> Plan:
        """What is to be done when configurations are left alone; a datafeed on its way out still goes."""
        wanted = desired(pair, cluster=self._cluster)
        if is_deleting(pair.datafeed) and isinstance(wanted.job, DesiredJob) and observed.job is not None:
            as_it_is = replace(wanted, job=replace(wanted.job, body=None))
            return plan(as_it_is, observed, policy(pair))
        return plan(wanted, observed, policy(pair, run_state_only=True))

    async def _job_of_datafeed(self, datafeed_id: str | None) -> str | None:
        """The job that the server's datafeed of an id belongs to."""
        config = await self._gateway.datafeed(datafeed_id) if datafeed_id is not None else None
        return str(config["job_id"]) if config is not None else None

    async def _upgrade_mode(self) -> bool:
        try:
            return await self._gateway.upgrade_mode()
        except Unsupported:
            return False


def _has_server_side(pair: Pair) -> bool:
    """Whether there is something to look at: a datafeed without its AnomalyJob waits, or is just let go.

    The removal of the AnomalyJob has decided what becomes of the run state; only the wish to delete the
    datafeed's configuration is still open.
    """
    if pair.job is not None:
        return True
    feed = pair.datafeed
    return feed is not None and is_deleting(feed) and feed.spec.deletion_policy == DeletionPolicy.DELETE
