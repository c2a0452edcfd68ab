"""What the operator answers over HTTP: `/healthz` and `/metrics`, each on a port of its own."""

from __future__ import annotations

import json
import logging

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.liveness import UnhealthyError, health
from anomalyops.controllers.metrics import OperatorCollector
from anomalyops.watching.scopes import Scopes
from anomalyops.watching.work import Work

logger = logging.getLogger(__name__)

NAME = "anomalyops"  # of the part of the health answer


class Endpoints:
    """Both endpoints; they answer from the first listing to the end of the process, whatever becomes of the watches.

    Args:
        work: The queue and the objects.
        connections: The servers.
        scopes: The listings.
        instruments: What is measured.
    """

    def __init__(self, work: Work, connections: ConnectionController, scopes: Scopes, instruments: Instruments) -> None:
        self._parts = work, connections, scopes
        self._registry = instruments.registry
        self._registry.register(OperatorCollector(*self._parts))
        self._runners: list[web.AppRunner] = []

    async def start(self, *, health_port: int | None, metrics_port: int | None) -> None:
        """Begin to answer on the ports that are given.

        Raises:
            OSError: a port is taken.
        """
        for port, path, answer in (
            (health_port, "/healthz", self._health),
            (metrics_port, "/metrics", self._metrics),
        ):
            if port is not None:
                await self._serve(port, path, answer)

    async def stop(self) -> None:
        """Answer no more."""
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, port: int, path: str, answer: Handler) -> None:
        app = web.Application()
        app.router.add_get(path, answer)
        runner = web.AppRunner(app, access_log=None)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()

    async def _health(self, _: web.Request) -> web.Response:
        try:
            return web.json_response({NAME: health(*self._parts)})
        except UnhealthyError as error:
            logger.error("unhealthy: %s", error)
            return web.Response(status=500, text=json.dumps({NAME: str(error)}), content_type="application/json")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
