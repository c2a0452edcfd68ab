"""The pair as a unit of reconciliation: how it is looked at, and what is planned for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from anomalyops.elastic import Forbidden, Gateway, NotFound, Rejected, Unsupported
from anomalyops.plan import (
    CreateJob,
    DelayLook,
    DeleteJob,
    Desired,
    DesiredJob,
    Observed,
    Plan,
    Policy,
    Step,
    filters_needed,
    keeping_calendars,
    leaves_calendars,
    loses,
    plan,
    proposal,
    retains_snapshots,
    stopped_run,
    wanted_window_of,
    without_filters,
)
from anomalyops.reconciler.kibana import SavedObjectsSync
from anomalyops.reconciler.look import configurations_after, observed_pair
from anomalyops.reconciler.memory import JobMemory, needed_limit
from anomalyops.reconciler.pair import Pair, desired, is_deleting, policy
from anomalyops.reconciler.query_delay import FeedDelay, look_at_delay
from anomalyops.reconciler.unit import Done, Unit
from anomalyops.reconciler.verification import verify
from anomalyops.resources import DeletionPolicy


class PairUnit(Unit[Observed]):
    """An AnomalyJob and its Datafeed.

    Args:
        pair: The resources.
        gateway: The server.
        kibana: Shows jobs in Kibana.
        cluster: Identity of the cluster that the resources live in.
        clock: Says the time, in UTC.
        coming: Filter lists that the server will have by the time the plan is carried out.
    """

    def __init__(
        self,
        pair: Pair,
        gateway: Gateway,
        kibana: SavedObjectsSync,
        *,
        cluster: str,
        clock: Callable[[], datetime],
        coming: Collection[str] = (),
    ) -> None:
        self.pair = pair
        self._gateway = gateway
        self._kibana = kibana
        self._cluster = cluster
        self._clock = clock
        self._coming = frozenset(coming)
        self._look: DelayLook | None = None

    @property
    def key(self) -> str:
        """Namespace and name of the AnomalyJob."""
        return self.pair.key

    @cached_property
    def desired(self) -> Desired:
        """What the manifests ask for."""
        return desired(self.pair, cluster=self._cluster)

    @property
    def wanted(self) -> tuple[Desired, Policy]:
        """What the manifests ask for and allow."""
        return self.desired, policy(self.pair)

    @property
    def is_leaving(self) -> bool:
        """Whether the AnomalyJob is being deleted."""
        return is_deleting(self.pair.job)

    @property
    def is_on_server(self) -> bool:
        """Whether there is something to look at: a datafeed without its AnomalyJob waits, or is just let go.

        The removal of the AnomalyJob has decided what becomes of the run state; only the wish to delete the
        datafeed's configuration is still open.
        """
        if self.pair.job is not None:
            return True
        feed = self.pair.datafeed
        return feed is not None and is_deleting(feed) and feed.spec.deletion_policy == DeletionPolicy.DELETE

    def plan_unseen(self) -> Plan:
        """What is to be done of a pair that has no server side."""
        return plan(self.desired, Observed(job=None, datafeed=None), policy(self.pair))

    async def look_and_plan(
        self, *, curious: bool = False, done: Done[Observed] | None = None
    ) -> tuple[Observed, Plan]:
        """What the server has and what is to be done; only then upgrade mode is asked for.

        Before a plan gives something up, the server is asked about the configuration that it leads to; who is curious
        asks about any other one too.

        After steps only the states are asked for, and what the server answered is what it has. If that is not what was
        wanted, it is read whole before anything is done about it.
        """
        if done is not None and (seen := await self._after(done)) is not None:
            told, left = await self._planned(seen, curious=curious)
            if left.empty:
                return told, left
        return await self._planned(await self.look(everything=curious), curious=curious)

    async def _planned(self, observed: Observed, *, curious: bool) -> tuple[Observed, Plan]:
        """What is to be done about what the server has, which is asked for what the plan has to know too."""
        allowed = policy(self.pair, now=self._clock())
        wanted, observed = await self._sized(observed)
        found = plan(wanted, observed, allowed)
        if not found.empty and await self._upgrade_mode():
            observed = replace(observed, upgrade_mode=True)
            found = plan(wanted, observed, allowed)
        proposed = proposal(wanted, found, any_change=curious)
        if proposed is not None:
            said = await verify(self._gateway.trial, proposed, instead=loses(found))
            observed = replace(observed, refused=tuple(said.refused), unchecked=tuple(said.unchecked))
            found = plan(wanted, observed, allowed)
        if missing := await self._missing(filters_needed(found) - self._coming):
            found = without_filters(found, missing)
        if leaves_calendars(found):
            found = await self._kept_in_calendars(found)
        return observed, found

    async def _sized(self, observed: Observed) -> tuple[Desired, Observed]:
        """What the manifests ask for with the sizes that their policies have, and what is found to be needed."""
        memory, now = JobMemory.of(self.pair.job), self._clock()
        if observed.job is None or not memory.is_due(observed.job, now):
            return await self._delayed(memory.wanted(self.desired, observed.job), observed)
        limit = await needed_limit(self._gateway, memory, self.desired, observed)
        raised = limit if memory.may_raise(now) else None
        wanted = memory.wanted(self.desired, observed.job, raised)
        return await self._delayed(wanted, replace(observed, job=replace(observed.job, advised_limit=limit)))

    async def _delayed(self, wanted: Desired, observed: Observed) -> tuple[Desired, Observed]:
        """The same with the query delay. What memory needs is in the same plan, and before it.

        How late documents come is looked at once; it is the same in each round.
        """
        delay, now, feed = FeedDelay.of(self.pair.datafeed), self._clock(), observed.datafeed
        undisturbed = bool(policy(self.pair, now=now).undisturbed)
        if self._look is None and delay.is_due(feed, now, undisturbed=undisturbed):
            self._look = await look_at_delay(self._gateway, delay, wanted, observed)
        if feed is None or self._look is None:
            return delay.wanted(wanted, feed), observed
        raised = self._look.advised if delay.may_raise(now) else None
        return delay.wanted(wanted, feed, raised), replace(observed, datafeed=replace(feed, delay=self._look))

    async def _missing(self, filters: Collection[str]) -> list[str]:
        """Which of these filters the server does not have."""
        there = await asyncio.gather(*(self._gateway.filter(name) for name in filters))
        return [name for name, config in zip(filters, there, strict=True) if config is None]

    async def _kept_in_calendars(self, found: Plan) -> Plan:
        """The plan with the job put back into its calendars; it says so where they may not be read."""
        try:
            calendars = await self._gateway.calendars()
        except (Forbidden, NotFound, Rejected, Unsupported) as error:
            return replace(found, unchecked=(*found.unchecked, f"the calendars of the job: {error.reason}"))
        members = {name: list(config.get("job_ids") or ()) for name, config in calendars.items()}
        return keeping_calendars(found, members)

    async def _after(self, done: Done[Observed]) -> Observed | None:
        """What the server has after steps, without reading what it answered; None where that has to be read."""
        known = configurations_after(done)
        if known is None:
            return None
        server = await self._gateway.running_pair(*known)
        return None if server is None else await self._noticed(observed_pair(server, now=self._clock()))

    async def look(self, *, everything: bool = True) -> Observed:
        """What the server has of job and datafeed.

        Args:
            everything: Also who has the datafeed's id where there is no job: to create it tells that too.
        """
        pair = self.pair
        feed_id = pair.datafeed.server_id if pair.datafeed is not None else None
        job_id = pair.job.server_id if pair.job is not None else await self._job_of_datafeed(feed_id)
        if job_id is None:
            return Observed(job=None, datafeed=None)
        status = pair.job.status if pair.job is not None else None
        missing = not everything and pair.job is not None and (status is None or not status.conditions)
        return await self._noticed(
            observed_pair(await self._gateway.pair(job_id, feed_id, missing=missing), now=self._clock())
        )

    async def _noticed(self, observed: Observed) -> Observed:
        """The same, with the job's model snapshots where it retains some, and with what messages alone tell."""
        if observed.job is not None and retains_snapshots(self.desired, observed.job.config):
            snapshots = await self._gateway.snapshots_of(str(observed.job.config["job_id"]))
            observed = replace(observed, job=replace(observed.job, snapshots=tuple(snapshots)))
        feed = observed.datafeed
        if feed is None or stopped_run(observed, wanted_window_of(self.desired)) is None:
            return observed
        # Whether a bounded run that has stopped came to its end.
        completed = await self._gateway.lookback_completed(str(feed.config["job_id"]))
        return replace(observed, datafeed=replace(feed, completed=completed))

    def plan_run_state(self, observed: Observed) -> Plan:
        """What is to be done when configurations are left alone; a datafeed on its way out still goes."""
        wanted = self.desired
        if is_deleting(self.pair.datafeed) and isinstance(wanted.job, DesiredJob) and observed.job is not None:
            as_it_is = replace(wanted, job=replace(wanted.job, body=None))
            return plan(as_it_is, observed, policy(self.pair))
        return plan(wanted, observed, policy(self.pair, run_state_only=True))

    def exists(self, observed: Observed) -> bool:
        """Whether the server has the job."""
        return observed.job is not None

    def waits_for_news(self, observed: Observed) -> bool:
        """Whether the server would refuse for something, such as an index, that may come later."""
        return bool(observed.refused)

    async def tell_others(self, executed: Sequence[Step]) -> str | None:
        """Have Kibana show jobs that were created, and forget those that were deleted."""
        changed = any(isinstance(step, CreateJob | DeleteJob) for step in executed)
        return await self._kibana.request() if changed and self._kibana.enabled else None

    async def _job_of_datafeed(self, datafeed_id: str | None) -> str | None:
        """The job that the server's datafeed of an id belongs to."""
        config = await self._gateway.datafeed(datafeed_id) if datafeed_id is not None else None
        return str(config["job_id"]) if config is not None else None

    async def _upgrade_mode(self) -> bool:
        try:
            return await self._gateway.upgrade_mode()
        except Unsupported:
            return False
