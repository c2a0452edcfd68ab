"""The operator process: it serves at once, or, where others might too, for as long as it leads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import uuid
from collections.abc import Callable

from anomalyops.controllers.admission.server import AdmissionServer, certificate_trouble
from anomalyops.controllers.allocator import keep_little
from anomalyops.controllers.endpoints import Endpoints
from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.investigations.investigator import Investigator
from anomalyops.controllers.service import Service, StartupError
from anomalyops.fencing import free
from anomalyops.watching.election import Candidate, Term, Times, elapsed
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.leadership import Leadership
from anomalyops.watching.options import Options

__all__ = ["StartupError", "run"]

logger = logging.getLogger(__name__)

GRACE = 45.0  # seconds for plans that run when the process is to end
_GLANCE = 0.5  # seconds between two looks whether a term is over


def run(options: Options, investigator: Investigator) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Args:
        options: What it was asked for.
        investigator: Finds out what broke.

    Raises:
        StartupError: the CRDs are missing, or the API server cannot be reached or lets nothing be listed.
    """
    keep_little()
    asyncio.run(_Operator(options, investigator).serve())


class _Operator:
    """The process: what it is asked to end by, what it answers, and the terms in which it serves."""

    def __init__(self, options: Options, investigator: Investigator) -> None:
        self.options = options
        self._investigator = investigator
        self._instruments = Instruments()
        self._ended = asyncio.Event()
        self._begun = asyncio.Event()
        self._term: Term | None = None
        self._endpoints: Endpoints
        self._admission = AdmissionServer(options.webhook, options) if options.webhook is not None else None

    async def serve(self) -> None:
        """Serve until the process is to end; what is left of plans is done after the next start, or by who leads."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._ended.set)
        leadership = self._candidacy(loop)
        self._endpoints = Endpoints(self._instruments, leadership)
        try:
            await self._answer()
            if leadership is None:
                await self._serve_while(None)
                return
            leadership.start()
            while (term := await self._next_term()) is not None:
                await self._serve_while(term)
                if not self._ended.is_set():
                    logger.warning("this process does not lead any more: %s", term.over())
        finally:
            await self._endpoints.stop()
            if self._admission is not None:
                await self._admission.stop()
            if leadership is not None:
                await asyncio.to_thread(leadership.stop)

    def _candidacy(self, loop: asyncio.AbstractEventLoop) -> Leadership | None:
        """Take part in the election, if there is one."""
        if self.options.lease is None:
            return None
        identity = self.options.identity or f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"

        def begun(term: Term) -> None:
            loop.call_soon_threadsafe(self._take_office, term)

        return Leadership(self.options.lease, Candidate(identity, Times(self.options.lease_seconds)), begun=begun)

    def _take_office(self, term: Term) -> None:
        self._term = term
        self._begun.set()

    async def _next_term(self) -> Term | None:
        """The term that begins next; None when the process is to end."""
        while not self._ended.is_set():
            await _first(self._begun, self._ended)
            self._begun.clear()
            term, self._term = self._term, None
            if term is not None and not term.over():
                return term
        return None

    async def _answer(self) -> None:
        """Begin to answer about health and metrics."""
        ports = self.options.liveness_port, self.options.metrics_port
        try:
            await self._endpoints.start(health_port=ports[0], metrics_port=ports[1])
        except OSError as error:
            raise StartupError(f"--liveness-port or --metrics-port: {error.strerror or error}") from error
        if self._admission is None or self.options.webhook is None:
            return
        try:
            await self._admission.start()
        except OSError as error:
            raise StartupError(certificate_trouble(self.options.webhook, error)) from error

    def _serve(self, service: Service | None) -> None:
        """Answer about what is served from now on; None for nothing."""
        self._endpoints.serve(service)
        if self._admission is not None:
            self._admission.serve(service)

    async def _serve_while(self, term: Term | None) -> None:
        """Serve until the term is over or the process is to end.

        Raises:
            StartupError: the cluster is not such that it could be served.
        """
        guard: Callable[[], str] = free if term is None else term.over
        try:
            api = await KubeApi.connect(guard=guard)
        except Exception as error:  # of the client's many
            raise StartupError(f"no connection to the Kubernetes API: {error}") from error
        service = Service(api, self.options, self._instruments, self._investigator, guard=guard)
        done = asyncio.create_task(self._until_over(term))
        begun = asyncio.create_task(self._begin(service))
        watching: asyncio.Task[None] | None = None
        try:
            await asyncio.wait({done, begun}, return_when=asyncio.FIRST_COMPLETED)
            if begun.done() and await self._has_begun(begun, term):
                watching = asyncio.create_task(service.watch())
                await done
        finally:
            self._serve(None)
            service.end()
            for task in (done, begun):
                task.cancel()
            await asyncio.gather(done, begun, return_exceptions=True)
            await service.stop(grace=GRACE if not guard() else 0)
            if watching is not None:
                await watching
            await api.close()

    async def _begin(self, service: Service) -> None:
        await service.start()
        self._serve(service)

    @staticmethod
    async def _has_begun(begun: asyncio.Task[None], term: Term | None) -> bool:
        """Whether serving has begun; False when the term ended over it.

        Raises:
            StartupError: it cannot begin.
        """
        try:
            await begun
        except KubeApiError as error:
            if term is not None and term.over():
                return False
            raise StartupError(str(error)) from error
        return True

    async def _until_over(self, term: Term | None) -> None:
        """Wait until a term is over or the process is to end."""
        while not self._ended.is_set():
            if term is not None and term.over():
                return
            pause = None if term is None else max(0.01, min(_GLANCE, term.until - elapsed()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), pause)


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
