"""What the operator answers over HTTP: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.liveness import UnhealthyError, candidacy, health
from anomalyops.controllers.metrics import OperatorCollector, leadership_metrics
from anomalyops.controllers.service import Service
from anomalyops.watching.leadership import Leadership

logger = logging.getLogger(__name__)

NAME = "anomalyops"  # of the part of the health answer


class _Numbers(Collector):
    """Who leads, and what is served at present; the latter may begin and end any number of times."""

    def __init__(self, leadership: Leadership | None) -> None:
        self.served: OperatorCollector | None = None
        self._leadership = leadership

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        if self._leadership is not None:
            yield from leadership_metrics(self._leadership)
        if self.served is not None:
            yield from self.served.collect()


class Endpoints:
    """They answer from the beginning to the end of the process, whatever becomes of the watches.

    Args:
        instruments: What is measured.
        leadership: The candidacy of this process; None where it has no rivals.
    """

    def __init__(self, instruments: Instruments, leadership: Leadership | None) -> None:
        self._registry = instruments.registry
        self._numbers = _Numbers(leadership)
        self._registry.register(self._numbers)
        self._leadership = leadership
        self._service: Service | None = None
        self._runners: list[web.AppRunner] = []

    def serve(self, service: Service | None) -> None:
        """Answer about what is served from now on; None for nothing."""
        self._service = service
        self._numbers.served = (
            OperatorCollector(service.controllers.work, service.controllers.connections, service.scopes)
            if service is not None
            else None
        )

    async def start(self, *, health_port: int | None, metrics_port: int | None) -> None:
        """Begin to answer on the ports that are given.

        Raises:
            OSError: a port is taken.
        """
        if health_port is not None:
            await self._serve(health_port, {"/healthz": self._health, "/readyz": self._ready})
        if metrics_port is not None:
            await self._serve(metrics_port, {"/metrics": self._metrics})

    async def stop(self) -> None:
        """Answer no more."""
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, port: int, answers: dict[str, Handler]) -> None:
        app = web.Application()
        for path, answer in answers.items():
            app.router.add_get(path, answer)
        runner = web.AppRunner(app, access_log=None)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()

    async def _health(self, _: web.Request) -> web.Response:
        """Whether a restart would help: no."""
        try:
            return web.json_response({NAME: self._facts()})
        except UnhealthyError as error:
            logger.error("unhealthy: %s", error)
            return _answer(500, str(error))

    async def _ready(self, request: web.Request) -> web.Response:
        """Whether it does what it is there for: serve, or stand by to take over."""
        leadership = self._leadership
        if leadership is not None and leadership.trouble:
            return _answer(503, f"lease {leadership.lease}: {leadership.trouble}")
        stands_by = leadership is not None and leadership.leader not in {"", leadership.identity}
        if self._service is None and not stands_by:
            return _answer(503, "what there is to serve is not listed yet")
        return await self._health(request)

    def _facts(self) -> dict[str, Any]:
        facts = candidacy(self._leadership) if self._leadership is not None else {}
        service = self._service
        if service is not None:
            facts |= health(service.controllers.work, service.controllers.connections, service.scopes)
        return facts

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _answer(status: int, problem: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({NAME: problem}), content_type="application/json")
