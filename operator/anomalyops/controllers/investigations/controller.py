"""Investigations, one at a time: begun when their window is over, kept as a status and a report, deleted in time."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.controllers.investigations.aside import ServingReads, aside
from anomalyops.controllers.investigations.investigator import Inquiry, InquiryError, Investigator
from anomalyops.controllers.job_sets.members import owner_reference
from anomalyops.controllers.patience import SETTLING, is_new
from anomalyops.controllers.reach import Reach, connection_for
from anomalyops.elastic import GatewayError
from anomalyops.health import (
    Failure,
    FailureKind,
    Findings,
    failed_investigation,
    finished_investigation,
    hindered_investigation,
    kept_investigation,
    running_investigation,
    transitions,
    waiting_investigation,
)
from anomalyops.plan.investigations import Phase, next_move
from anomalyops.reconciler import Observation, failure_of
from anomalyops.resources import (
    API_VERSION,
    BY_NAME,
    AnomalyJob,
    Investigation,
    InvestigationStatus,
    ReportReference,
)
from anomalyops.watching.controller import Report
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.work import Work
from anomalyops.watching.writer import CONFLICT_RETRY

logger = logging.getLogger(__name__)

DEADLINE = 600.0  # seconds for one investigation: below what the liveness check takes for a standstill
AT_ONCE = 2  # investigations that compute at the same time
REPORT_KEY = "report.md"
LONGEST_REPORT = 900_000  # bytes; a ConfigMap holds 1 MiB
_FIRST_RETRY, _LAST_RETRY = 10.0, 600.0  # seconds
_LONGEST_WAIT = 86_400.0  # seconds until a far moment is looked at again


@dataclass(frozen=True, slots=True)
class _Selection:
    """The jobs that are looked at: a pattern of ids; None with why there are none."""

    pattern: str | None
    problem: str = ""


class InvestigationController:
    """Investigations.

    Args:
        objects: All objects.
        work: The queue, and where reports are written.
        api: The Kubernetes API, for reports and deletions.
        connections: The servers.
        options: What the operator serves.
        investigator: Finds out what broke.
    """

    name: ClassVar[str] = "investigation"

    def __init__(
        self,
        objects: Objects,
        work: Work,
        api: KubeApi,
        connections: ConnectionController,
        options: Options,
        *,
        investigator: Investigator,
    ) -> None:
        self.known: Callable[[str], bool] = lambda _: True  # whether all objects of a namespace were listed
        self._objects = objects
        self._work = work
        self._api = api
        self._default = options.default_connection
        self._reach = Reach(objects, connections, options.default_connection)
        self._investigator = investigator
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._failures: Counter[str] = Counter()  # by uid
        connections.serve(self)

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """An Investigation concerns itself."""
        return [seen.key] if seen.kind.model is Investigation else []

    def lane(self, key: ObjectKey) -> Hashable:
        """Those of one namespace wait for each other, and nothing else waits for them."""
        return ("investigations", key.namespace)

    async def stop(self) -> None:
        """Nothing runs outside the queue."""

    def needs(self, connection: ObjectKey) -> bool:
        """Nothing of an Investigation is on a server."""
        return False

    def availability_changed(self, connection: ObjectKey) -> None:
        """Those that wait for a connection say how it is."""
        self._call(connection)

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """The server answers: what waited for that begins. What has failed has its own time for the next try."""
        for seen in self._unfinished(connection):
            if seen.metadata.uid not in self._failures:
                self._work.add(self.name, seen.key)

    # -- one Investigation ---------------------------------------------------------------------------------

    async def process(self, key: ObjectKey) -> Report:
        """Wait, investigate, keep what was found, or delete it: whatever its time has come for."""
        seen = self._objects.of(Investigation).get(key)
        if seen is None or seen.resource is None or seen.metadata.deletion_timestamp is not None:
            return Report()
        one, now = seen.resource, _now()
        move = next_move(one, now)
        if move.phase is Phase.DELETE:
            await self._api.delete(_path(key), uid=seen.metadata.uid)
            return Report()
        if move.phase is Phase.KEEP:
            return _said(seen, one, kept_investigation(one), _seconds(move.until, now))
        if move.phase is Phase.WAIT and move.until is not None:
            return _said(seen, one, waiting_investigation(one, move.until, now), _seconds(move.until, now))
        if not self.known(key.namespace):
            return Report()  # the listing brings it back
        return await self._begin(seen, one)

    async def _begin(self, seen: Seen[Investigation], one: Investigation) -> Report:
        if one.window.start >= one.window.end:
            return _said(seen, one, failed_investigation(one, _EMPTY_WINDOW, _now()))
        connection = self._connection_of(seen)
        runtime = self._reach.runtime(connection, None, seen.key.namespace)[1]
        if runtime is not None and (runtime.unsettled or not runtime.checked):
            return Report(retry_after=SETTLING)
        if runtime is None or not runtime.usable:
            if runtime is None and is_new(seen.metadata):
                return Report(retry_after=CONFLICT_RETRY)
            failure = self._reach.why_unusable(connection, runtime)
            return _said(seen, one, hindered_investigation(one, failure, _now()))
        selection = self._selection(seen, one, runtime)
        if selection.pattern is None:
            if is_new(seen.metadata):
                return Report(retry_after=SETTLING)  # jobs and Investigation may be applied together
            nothing = Findings(summary=selection.problem, report="")
            return _said(seen, one, finished_investigation(one, nothing, None, _now()))
        window = one.window
        inquiry = Inquiry(
            start=window.start,
            end=window.end,
            jobs=selection.pattern,
            min_score=one.spec.min_score,
            service=one.spec.service,
        )
        return await self._investigate(seen, one, runtime, inquiry)

    async def _investigate(
        self, seen: Seen[Investigation], one: Investigation, runtime: ConnectionRuntime, inquiry: Inquiry
    ) -> Report:
        async with self._turns:
            if seen.metadata.uid not in self._failures:  # another try says nothing before it has come to something
                await self._work.write(_said(seen, one, running_investigation(one, _now())))
            current = self._objects.current(seen)
            if current is None or current.resource is None:
                return Report()
            try:
                findings = await self._findings(runtime, inquiry)
            except InquiryError as error:
                status = failed_investigation(current.resource, str(error), _now())
                return _said(current, current.resource, status)
            except (GatewayError, TimeoutError) as error:
                return self._hindered(current, current.resource, error)
        self._failures.pop(seen.metadata.uid, None)
        reference, not_kept = await self._keep(current, findings.report)
        status = finished_investigation(current.resource, findings, reference, _now(), not_kept=not_kept)
        return _said(current, current.resource, status, _seconds(status.expires, _now()))

    async def _findings(self, runtime: ConnectionRuntime, inquiry: Inquiry) -> Findings:
        """What is found, in a thread of its own.

        Raises:
            InquiryError: It cannot be answered.
            GatewayError: The server refused, or did not answer.
            TimeoutError: It has taken too long.
        """
        async with runtime.gateway() as gateway, asyncio.timeout(DEADLINE):
            server = ServingReads(gateway.rest.read, asyncio.get_running_loop())
            return await aside(lambda: self._investigator(inquiry, server))

    def _hindered(self, seen: Seen[Investigation], one: Investigation, error: GatewayError | TimeoutError) -> Report:
        if isinstance(error, GatewayError):
            failure = failure_of(error)
        else:
            message = f"the investigation has not come to an end within {DEADLINE:.0f} seconds; choose fewer jobs"
            failure = Failure(kind=FailureKind.TIMEOUT, message=message)
        self._failures[seen.metadata.uid] += 1
        tries = self._failures[seen.metadata.uid]
        pause = min(_FIRST_RETRY * 2 ** (tries - 1), _LAST_RETRY)
        return _said(seen, one, hindered_investigation(one, failure, _now()), pause)

    async def _keep(self, seen: Seen[Investigation], text: str) -> tuple[ReportReference | None, str]:
        """Keep a report in a ConfigMap that goes with its Investigation; where it is, and why it is not.

        Its name holds the uid: one that is there already was written by this Investigation before the operator ended.

        Raises:
            KubeApiError: the API does not answer; it is tried again.
        """
        if not text:
            return None, ""
        name = f"{seen.key.name[:200].rstrip('.-')}-{seen.metadata.uid[:8]}"
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": seen.key.namespace,
                "ownerReferences": [owner_reference(seen)],
            },
            "data": {REPORT_KEY: _shortened(text)},
        }
        try:
            await self._api.create(f"/api/v1/namespaces/{seen.key.namespace}/configmaps", body)
        except KubeApiError as error:
            if error.refused:
                return None, str(error)
            if error.status != 409:
                raise
        return ReportReference(config_map=name, key=REPORT_KEY), ""

    # -- which jobs ----------------------------------------------------------------------------------------

    def _selection(self, seen: Seen[Investigation], one: Investigation, runtime: ConnectionRuntime) -> _Selection:
        """The jobs that are looked at. What is another namespace's is looked at by no pattern."""
        namespace, spec = seen.key.namespace, one.spec
        if spec.jobs is not None and runtime.key.namespace == namespace:
            return _Selection(spec.jobs)
        chosen = sorted(
            job.server_id
            for key, other in self._objects.of(AnomalyJob).items()
            if key.namespace == namespace
            and (job := other.resource) is not None
            and (spec.job_selector is None or spec.job_selector.chooses(other.metadata.labels))
            and connection_for(self._objects, namespace, job.spec.connection_ref, self._default) == runtime.key
            and (spec.jobs is None or any(fnmatchcase(job.server_id, part) for part in spec.jobs.split(",")))
        )
        if not chosen:
            what = "spec.jobSelector chooses" if spec.job_selector is not None else "there is"
            if spec.jobs is not None:
                what = "spec.jobs matches"
            return _Selection(None, f"{what} no AnomalyJob of namespace {namespace} on connection {runtime.key}")
        return _Selection(",".join(chosen))

    def _call(self, connection: ObjectKey) -> None:
        for seen in self._unfinished(connection):
            self._work.add(self.name, seen.key)

    def _unfinished(self, connection: ObjectKey) -> list[Seen[Investigation]]:
        """Those on a connection whose window is over and that have not finished."""
        now = _now()
        return [
            seen
            for seen in self._objects.of(Investigation).values()
            if seen.resource is not None
            and next_move(seen.resource, now).phase is Phase.RUN
            and self._connection_of(seen) == connection
        ]

    def _connection_of(self, seen: Seen[Investigation]) -> ObjectKey | None:
        reference = seen.resource.spec.connection_ref if seen.resource is not None else None
        return connection_for(self._objects, seen.key.namespace, reference, self._default)


_EMPTY_WINDOW = (
    "the window ends before it begins: spec.start lies after the creation of this Investigation, and spec.end is "
    "absent; add spec.end"
)


def _said(
    seen: Seen[Investigation], one: Investigation, status: InvestigationStatus, retry_after: float | None = None
) -> Report:
    notices = tuple((seen, notice) for notice in transitions(one, one.status, status))
    return Report(statuses=((seen, status.manifest()),), notices=notices, retry_after=retry_after)


def _seconds(until: datetime | None, now: datetime) -> float | None:
    """Until a moment; a far one is looked at again before."""
    return None if until is None else min(max(0.2, (until - now).total_seconds()), _LONGEST_WAIT)


def _shortened(text: str) -> str:
    data = text.encode()
    if len(data) <= LONGEST_REPORT:
        return text
    cut = data[:LONGEST_REPORT].decode(errors="ignore").rpartition("\n")[0]
    return f"{cut}\n\nThe rest is left out: a ConfigMap holds no more.\n"


def _path(key: ObjectKey) -> str:
    plural = BY_NAME[Investigation.KIND].plural
    return f"/apis/{API_VERSION}/namespaces/{key.namespace}/{plural}/{key.name}"


def _now() -> datetime:
    return datetime.now(UTC)
