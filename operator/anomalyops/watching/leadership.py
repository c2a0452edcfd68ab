"""The Lease by which one of several operator processes leads: campaigned for, renewed and given back.

It has a thread and an event loop of its own, because a leader whose other work takes long (ten thousand objects are
read) must not lose its lease by that. What the thread learns is read without waiting; each term is told to the main
loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from anomalyops.watching.election import Candidate, Record, Term, elapsed
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.micro_time import micro_time
from anomalyops.watching.options import ObjectKey

logger = logging.getLogger(__name__)

_SILENCE = 60.0  # seconds without a look at the lease, successful or not, after which the thread counts as dead


class Leadership:
    """The candidacy of this process.

    Args:
        lease: Which Lease it is about.
        candidate: Who would lead, and for how long.
        begun: Called from the thread with each term that begins.
    """

    def __init__(self, lease: ObjectKey, candidate: Candidate, *, begun: Callable[[Term], None]) -> None:
        self.lease = lease
        self.identity = candidate.identity
        self.leader = ""  # who leads, as it was last read; empty for nobody
        self.trouble = ""  # why the lease could not be read or written last
        self._candidate = candidate
        self._times = candidate.times
        self._begun = begun
        self._term: Term | None = None
        self._known: tuple[Record, str] | None = None  # what we wrote last, and its version
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._looked = elapsed()
        self._thread = threading.Thread(target=self._run, name="leadership", daemon=True)

    def start(self) -> None:
        """Begin to campaign."""
        self._thread.start()

    def stop(self) -> None:
        """Give the lease back when it is ours, and campaign no more; waits for it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(self._times.duration)

    @property
    def leads(self) -> bool:
        """Whether this process leads now."""
        term = self._term
        return term is not None and not term.over()

    def silence(self) -> float:
        """Seconds for which the lease was not looked at, beyond what is still well; 0 or less while all is."""
        return elapsed() - self._looked - _SILENCE

    # -- in the thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._campaign())
        finally:
            self._loop.close()

    async def _campaign(self) -> None:
        api: KubeApi | None = None
        while not self._stop.is_set():
            try:
                api = api or await KubeApi.connect()
                await self._turn(api)
                self._note("")
            except (KubeApiError, TimeoutError) as error:
                self._known = None  # what was written last may have been taken in all the same
                self._note(str(error) or "the Kubernetes API does not answer")
            except Exception as error:
                self._known = None
                logger.exception("lease %s failed unexpectedly", self.lease)
                self._note(str(error))
            self._looked = elapsed()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._times.retry)
        if api is not None:
            await self._give_back(api)
            await api.close()

    async def _turn(self, api: KubeApi) -> None:
        """Look at the lease, and write into it what the candidate wishes."""
        sent = elapsed()
        async with asyncio.timeout(self._times.deadline / 2):  # so that a lost packet does not cost the lease
            found, version = self._known or await self._read(api)
            wish = self._candidate.wish(found, elapsed(), micro_time())
            if wish is None:
                self._other(found.holder if found is not None else "")
                return
            try:
                self._known = await self._write(api, wish, version)
            except KubeApiError as error:
                if not error.outdated:
                    raise
                self._known = None  # somebody else was faster; the next look says who
                return
        self._ours(sent)

    async def _read(self, api: KubeApi) -> tuple[Record | None, str | None]:
        """The lease and its version; nothing when there is none."""
        try:
            return _parsed(await api.get(f"{self._collection}/{self.lease.name}"))
        except KubeApiError as error:
            if not error.missing:
                raise
            return None, None

    async def _write(self, api: KubeApi, record: Record, version: str | None) -> tuple[Record, str]:
        """Create the lease, or change the version that was read and no other."""
        if version is None:
            metadata = {"name": self.lease.name, "namespace": self.lease.namespace}
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
            return _parsed(await api.create(self._collection, body | {"spec": record.spec()}))
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/spec", "value": record.spec()},
        ]
        return _parsed(await api.json_patch(f"{self._collection}/{self.lease.name}", operations))

    @property
    def _collection(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.lease.namespace}/leases"

    def _ours(self, sent: float) -> None:
        """The lease was written by a turn that began at this time."""
        self._name(self.identity)
        if self._term is not None and not self._term.over():
            self._term.renewed(sent)
            return
        self._term = Term(sent, self._times)
        if not self._term.over():
            self._begun(self._term)

    def _other(self, holder: str) -> None:
        """Somebody else has the lease."""
        self._name(holder)
        if self._term is not None:
            self._term.end(f"{holder} leads")
            self._term = None

    def _name(self, leader: str) -> None:
        if leader != self.leader:
            logger.info("%s leads (lease %s)", "this process" if leader == self.identity else leader, self.lease)
        self.leader = leader

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            logger.warning("lease %s: %s", self.lease, trouble)
        self.trouble = trouble

    async def _give_back(self, api: KubeApi) -> None:
        """Let another lead at once; without success it waits for the lease to run out."""
        if self._known is None or not self.leads:
            return
        record, version = self._known
        if self._term is not None:
            self._term.end("the lease was given back")  # first: the next one leads as soon as it is written
        with contextlib.suppress(KubeApiError, TimeoutError):
            async with asyncio.timeout(self._times.retry):
                await self._write(api, self._candidate.given_back(record, micro_time()), version)


def _parsed(body: dict[str, Any]) -> tuple[Record, str]:
    return Record.of(body.get("spec") or {}), str(body["metadata"]["resourceVersion"])
