"""From events to keys, from keys to reports, from reports to writes: one queue for all controllers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from anomalyops.resources import FINALIZER, KINDS, REQUESTED_AT
from anomalyops.watching.controller import Controller, Report
from anomalyops.watching.events import EventRecorder
from anomalyops.watching.invalid import Refusals
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey
from anomalyops.watching.workqueue import WorkQueue
from anomalyops.watching.writer import CONFLICT_RETRY, ObjectWriter

logger = logging.getLogger(__name__)
T = TypeVar("T")

API_RETRY = 5.0  # seconds after the Kubernetes API refused or did not answer


class Task(NamedTuple):
    """One key of one controller."""

    controller: str
    key: ObjectKey

    def __str__(self) -> str:
        return f"{self.controller} {self.key}"


class Work:
    """Hands events to the controllers, runs their keys, and writes what comes of them.

    Args:
        objects: All objects.
        api: The Kubernetes API, for statuses and finalizers.
        events: Writes Events.
        workers: Keys that are worked off at a time in each lane.
        timed: Is told of each reconcile that has ended: its controller, its outcome, the seconds that it took.
    """

    def __init__(
        self,
        objects: Objects,
        api: KubeApi,
        events: EventRecorder,
        *,
        workers: int,
        timed: Callable[[str, str, float], None] | None = None,
    ) -> None:
        self.objects = objects
        self.writer = ObjectWriter(api, objects, self.gone)
        self.queue: WorkQueue[Task] = WorkQueue(self._run, lane=self._lane, per_lane=workers)
        self._events = events
        self._timed = timed
        self._controllers: dict[str, Controller] = {}
        self._refusals = [Refusals(kind, objects) for kind in KINDS]
        for refusals in self._refusals:
            self.employ(refusals)

    def employ(self, controller: Controller) -> None:
        """Have a controller take part."""
        self._controllers[controller.name] = controller

    def add(self, controller: str, key: ObjectKey) -> None:
        """Ask for a run of a key."""
        self.queue.add(Task(controller, key))

    def is_running(self, controller: str, key: ObjectKey) -> bool:
        """Whether a key is being worked off."""
        return self.queue.is_running(Task(controller, key))

    async def stop(self, *, grace: float) -> None:
        """Let what runs go on for `grace` seconds; what is left of it is done after the next start."""
        await self.queue.close(grace=grace)
        for controller in self._controllers.values():
            await controller.stop()

    # -- what the watches tell -----------------------------------------------------------------------------

    def begin(self) -> None:
        """All objects are listed: work on them begins."""
        self.call_all(list(self.objects.everything()))

    def changed(self, body: Mapping[str, Any], *, listed: bool) -> None:
        """An object was added or changed; `listed` when it comes from a listing and not from a watch."""
        seen, before = self.objects.put(body)
        self.writer.echoed(seen.metadata.uid)
        known = before is not None and before.metadata.resource_version == seen.metadata.resource_version
        if before is not None and (known if listed else not _asks_for_work(before, seen)):
            self._call(seen, self._refusals)
        else:
            self._call(seen)

    def listed(self, body: Mapping[str, Any], *, force: bool) -> None:
        """A listing shows what no watch told. With `force` the versions went back, and it counts nevertheless."""
        seen, _ = self.objects.put(body, force=force)
        self.writer.echoed(seen.metadata.uid)
        self._call(seen)

    def call_all(self, objects: Iterable[Seen[Any]]) -> None:
        """Have the controllers look at objects again."""
        for seen in objects:
            self._call(seen)

    def gone(self, seen: Seen[Any]) -> None:
        """An object does not exist any more."""
        self.objects.remove(seen)
        self.writer.echoed(seen.metadata.uid)
        self._call(seen)

    def _call(self, seen: Seen[Any], controllers: Iterable[Controller] | None = None) -> None:
        for controller in self._controllers.values() if controllers is None else controllers:
            for key in controller.concerned(seen):
                self.add(controller.name, key)

    # -- what the controllers say --------------------------------------------------------------------------

    def _lane(self, task: Task) -> Hashable:
        return self._controllers[task.controller].lane(task.key)

    async def _run(self, task: Task) -> float | None:
        begun, outcome = time.perf_counter(), "failed"
        try:
            report = await self._controllers[task.controller].process(task.key)
            written = await self.write(report)
            outcome = "done" if written else "conflict"
        except KubeApiError as error:
            outcome = "refused"
            logger.warning("%s: %s; next try in %g s", task, error, API_RETRY)
            return API_RETRY
        finally:
            if self._timed is not None:
                self._timed(task.controller, outcome, time.perf_counter() - begun)
        return report.retry_after if written else CONFLICT_RETRY

    async def write(self, report: Report) -> bool:
        """Write statuses, Events and finalizers. False: an object has changed meanwhile and is to be looked at again.

        Statuses go at once, and so do Events, which tell what the statuses say; finalizers go last and in order.

        Raises:
            KubeApiError: the Kubernetes API refused or did not answer.
        """
        await at_once(self.writer.write_status(seen, status) for seen, status in report.statuses)
        await at_once(self._events.record(notice, seen.metadata) for seen, notice in report.notices)
        done = True
        for seen in report.released:
            current = self.objects.current(seen)
            if current is not None and FINALIZER in current.metadata.finalizers:
                done = await self.writer.remove_finalizer(current) and done
        return done


async def at_once(calls: Iterable[Awaitable[T]]) -> list[T]:
    """What the calls return, made beside each other and all ended.

    Raises:
        KubeApiError: one of them failed.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    if failed:
        raise failed[0]
    return [result for result in results if not isinstance(result, BaseException)]


def _asks_for_work(before: Seen[Any], now: Seen[Any]) -> bool:
    """Whether the change is more than our own.

    That is another spec, object or fate, other labels, by which it is chosen, or the wish to be looked at now.
    """
    return _of_others(before) != _of_others(now)


def _of_others(seen: Seen[Any]) -> tuple[object, ...]:
    metadata = seen.metadata
    wish = metadata.annotations.get(REQUESTED_AT)
    return metadata.uid, metadata.generation, metadata.deletion_timestamp, metadata.labels, wish
