"""AnomalyJobSets: their values, the objects that are made for them, and how these stand.

The set has no server side of its own. What it makes belongs to it by an owner reference, so Kubernetes deletes that
with the set, and each object's own deletion policy says what becomes of the server's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.job_sets.members import is_member, member_of, owner_reference, path_of
from anomalyops.controllers.patience import SETTLING
from anomalyops.controllers.reach import Reach, connection_for
from anomalyops.elastic import GatewayError
from anomalyops.health import Failure, Notice, job_set_status, job_set_trouble, transitions
from anomalyops.plan.job_sets import Act, Deed, Key, Member, SetPlan, plan_job_set
from anomalyops.reconciler import Observation, failure_of
from anomalyops.resources import JOB_SET_LABEL, AnomalyJob, AnomalyJobSet, Datafeed, Reason
from anomalyops.watching.choice import barred
from anomalyops.watching.controller import Report
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.work import API_RETRY, Task, Work

logger = logging.getLogger(__name__)

GATHERING = 0.5  # seconds in which changes of what a set made are gathered: all of a large set change at once


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a server said when it was asked for values.

    Attributes:
        generation: Of the set, when it was asked.
        values: The values; None when they are not known.
        failure: Why it could not say.
        message: What is wrong with them.
    """

    generation: int
    values: tuple[str, ...] | None = None
    failure: Failure | None = None
    message: str = ""


class JobSetController:
    """AnomalyJobSets.

    Args:
        objects: All objects.
        work: The queue, and where reports are written.
        api: The Kubernetes API, for what is made and pruned.
        connections: The servers.
        options: What the operator serves.
    """

    name: ClassVar[str] = "job-set"

    def __init__(
        self, objects: Objects, work: Work, api: KubeApi, connections: ConnectionController, options: Options
    ) -> None:
        self.known: Callable[[str], bool] = lambda _: True  # whether all objects of a namespace were listed
        self._objects = objects
        self._work = work
        self._api = api
        self._connections = connections
        self._default = options.default_connection
        self._reach = Reach(objects, connections, options.default_connection)
        self._asked: dict[ObjectKey, _Asked] = {}
        objects.tell(self._told)
        connections.serve(self)

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A set concerns itself. What it made concerns it by `_told`, which hears of statuses too."""
        return [seen.key] if seen.kind.model is AnomalyJobSet else []

    def lane(self, key: ObjectKey) -> Hashable:
        """Sets of one namespace wait for each other."""
        return ("job sets", key.namespace)

    async def stop(self) -> None:
        """Nothing runs outside the queue."""

    def needs(self, connection: ObjectKey) -> bool:
        """Nothing of a set is on a server."""
        return False

    def availability_changed(self, connection: ObjectKey) -> None:
        """Sets whose values come from there say so."""
        for seen in self._objects.of(AnomalyJobSet).values():
            if seen.resource is None or seen.resource.spec.terms is None:
                continue
            uses, withdrawn = self._connection_of(seen), barred(seen.key.namespace, connection)
            if uses == withdrawn:
                self._asked.pop(seen.key, None)
            if uses in {connection, withdrawn}:
                self._work.add(self.name, seen.key)

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """With every look at all configurations the values are asked for again."""
        for seen in self._on(connection):
            if observation.jobs is not None:
                self._asked.pop(seen.key, None)
            if seen.key not in self._asked:
                self._work.add(self.name, seen.key)

    # -- one set -------------------------------------------------------------------------------------------

    async def process(self, key: ObjectKey) -> Report:
        """Make what is missing, change what is different, prune what is there no more, and say how it stands."""
        seen = self._objects.of(AnomalyJobSet).get(key)
        if seen is None:
            self._asked.pop(key, None)
            return Report()
        job_set = seen.resource
        if job_set is None or seen.metadata.deletion_timestamp is not None or not self.known(key.namespace):
            return Report()
        asked = await self._values(seen, job_set)
        if asked is None:
            return Report(retry_after=SETTLING)
        if asked.values is None:
            status = job_set_trouble(job_set, asked.failure, asked.message, _now())
            return self._report(seen, job_set, status)
        found = plan_job_set(job_set, asked.values, self._members(seen, job_set, asked.values))
        refused: list[str] = []
        try:
            for act in found.acts:
                try:
                    await self._carry_out(seen, act)
                except KubeApiError as error:
                    if not error.refused:
                        raise
                    refused.append(str(error))
        except KubeApiError as error:
            if not (error.outdated or error.missing):
                raise
            logger.info("job set %s: %s", key, error)
            return Report(retry_after=API_RETRY)  # somebody else acts too
        now = plan_job_set(job_set, asked.values, self._members(seen, job_set, asked.values)) if found.acts else found
        status = job_set_status(job_set, len(set(asked.values)), now, _now(), refused=refused)
        return self._report(self._objects.current(seen) or seen, job_set, status, found)

    async def _values(self, seen: Seen[AnomalyJobSet], job_set: AnomalyJobSet) -> _Asked | None:
        """The values of a set; None while its server is not known yet."""
        spec, generation = job_set.spec, seen.metadata.generation
        if spec.values is not None:
            return self._limited(job_set, tuple(spec.values), generation)
        known = self._asked.get(seen.key)
        if known is not None and known.generation == generation:
            return known
        assert spec.terms is not None  # noqa: S101 - one of both is there
        connection = self._connection_of(seen)
        runtime = self._reach.runtime(connection, None, seen.key.namespace)[1]
        if runtime is not None and (runtime.unsettled or not runtime.checked):
            return None
        if runtime is None or not runtime.usable:
            failure = self._reach.why_unusable(connection, runtime)
            return _Asked(generation=generation, failure=failure, message=_unknown(str(failure)))
        try:
            async with runtime.gateway() as gateway:
                values = await gateway.values_of(
                    spec.terms.indices, spec.terms.field, spec.terms.query, most=spec.limit + 1
                )
        except GatewayError as error:
            failure = failure_of(error)
            asked = _Asked(generation=generation, failure=failure, message=_unknown(str(failure)))
        else:
            asked = self._limited(job_set, values, generation)
        self._asked[seen.key] = asked
        return asked

    @staticmethod
    def _limited(job_set: AnomalyJobSet, values: tuple[str, ...], generation: int) -> _Asked:
        limit = job_set.spec.limit
        if len(values) > limit:
            message = (
                f"there are more values than spec.limit allows ({limit}): nothing is made and nothing is pruned; raise "
                "spec.limit, or choose fewer values"
            )
            return _Asked(generation=generation, message=message)
        if not values and job_set.spec.values is None:
            message = "no document has a value in spec.terms.field: nothing is made, and nothing is pruned for that"
            return _Asked(generation=generation, message=message)
        return _Asked(generation=generation, values=values)

    async def _carry_out(self, seen: Seen[AnomalyJobSet], act: Act) -> None:
        path = path_of(seen.key.namespace, act.key)
        there = self._of(act.key[0]).get(ObjectKey(seen.key.namespace, act.key[1]))
        if act.deed is Deed.CREATE:
            body = dict(act.manifest or {})
            body["metadata"] = {**body["metadata"], "ownerReferences": [owner_reference(seen)]}
            self._work.changed(await self._api.create(path.rpartition("/")[0], body), listed=False)
        elif there is None:
            return  # somebody else was faster
        elif act.deed is Deed.CHANGE and act.manifest is not None:
            self._work.changed(await self._api.json_patch(path, _change(there, act.manifest)), listed=False)
        elif act.deed is Deed.DELETE:
            await self._api.delete(path, uid=there.metadata.uid)
        elif act.deed is Deed.LET_GO:
            self._work.changed(await self._api.json_patch(path, _release(there, seen)), listed=False)

    def _report(
        self,
        seen: Seen[AnomalyJobSet],
        job_set: AnomalyJobSet,
        status: Any,
        done: SetPlan | None = None,
    ) -> Report:
        notices = [*transitions(job_set, job_set.status, status)]
        if done is not None and done.acts:
            notices.insert(0, _told(job_set, done))
        return Report(statuses=((seen, status.manifest()),), notices=tuple((seen, notice) for notice in notices))

    # -- small parts ---------------------------------------------------------------------------------------

    def _members(
        self, seen: Seen[AnomalyJobSet], job_set: AnomalyJobSet, values: Iterable[str]
    ) -> Mapping[Key, Member]:
        """The AnomalyJobs and Datafeeds that belong to the set, or bear one of its names."""
        names = {one["metadata"]["name"] for value in values for one in job_set.stamped(value)}
        return {
            (one.kind.name, key.name): member_of(one, seen)
            for model in (AnomalyJob, Datafeed)
            for key, one in self._objects.of(model).items()
            if key.namespace == seen.key.namespace and (key.name in names or is_member(one, seen))
        }

    def _of(self, kind: str) -> Mapping[ObjectKey, Seen[Any]]:
        return self._objects.of(AnomalyJob if kind == AnomalyJob.KIND else Datafeed)

    def _on(self, connection: ObjectKey) -> list[Seen[AnomalyJobSet]]:
        """The sets whose values come from a server."""
        return [
            seen
            for seen in self._objects.of(AnomalyJobSet).values()
            if seen.resource is not None
            and seen.resource.spec.terms is not None
            and self._connection_of(seen) == connection
        ]

    def _connection_of(self, seen: Seen[AnomalyJobSet]) -> ObjectKey | None:
        reference = seen.resource.spec.connection_ref if seen.resource is not None else None
        return connection_for(self._objects, seen.key.namespace, reference, self._default)

    def _told(self, seen: Seen[Any]) -> None:
        """What a set made has changed, its status too: the set counts anew."""
        if seen.kind.model not in (AnomalyJob, Datafeed) or JOB_SET_LABEL not in seen.metadata.labels:
            return
        for owner in seen.metadata.owner_references:
            if owner.kind == AnomalyJobSet.KIND:
                task = Task(self.name, ObjectKey(seen.key.namespace, owner.name))
                self._work.queue.add_after(task, GATHERING)


def _told(job_set: AnomalyJobSet, done: SetPlan) -> Notice:
    words = [
        f"{deed.value} {', '.join(names[:5])}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        for deed in Deed
        if (names := [f"{act.key[0]}/{act.key[1]}" for act in done.acts if act.deed is deed])
    ]
    return Notice(
        kind=job_set.KIND, name=job_set.name, type="Normal", reason=Reason.PLAN_EXECUTED, message="; ".join(words)
    )


def _change(there: Seen[Any], manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The patch that brings an object to its manifest; what others have noted on it stays."""
    metadata = manifest["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": there.metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": there.metadata.resource_version},
        {"op": "add", "path": "/metadata/labels", "value": {**there.metadata.labels, **metadata["labels"]}},
        {
            "op": "add",
            "path": "/metadata/annotations",
            "value": {**there.metadata.annotations, **metadata["annotations"]},
        },
        {"op": "replace", "path": "/spec", "value": manifest["spec"]},
    ]


def _release(there: Seen[Any], owner: Seen[AnomalyJobSet]) -> list[dict[str, Any]]:
    """The patch after which an object belongs to nobody."""
    others = [one.manifest() for one in there.metadata.owner_references if one.uid != owner.metadata.uid]
    labels = {name: value for name, value in there.metadata.labels.items() if name != JOB_SET_LABEL}
    return [
        {"op": "test", "path": "/metadata/uid", "value": there.metadata.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": there.metadata.resource_version},
        {"op": "add", "path": "/metadata/labels", "value": labels},
        {"op": "add", "path": "/metadata/ownerReferences", "value": others},
    ]


def _unknown(why: str) -> str:
    return f"the values could not be asked for, so nothing is made and nothing is pruned: {why}"


def _now() -> datetime:
    return datetime.now(UTC)
