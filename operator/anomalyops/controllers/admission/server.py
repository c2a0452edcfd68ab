"""The webhook's server: TLS with a certificate from files, which may be renewed while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from anomalyops.controllers.admission.neighbours import Neighbours
from anomalyops.controllers.admission.review import (
    Judge,
    ReviewError,
    Verdict,
    concerns,
    judged,
    manifest_of,
    request_of,
    response,
)
from anomalyops.controllers.service import Service
from anomalyops.watching.options import Options, Webhook

logger = logging.getLogger(__name__)

PATH: Final = "/validate"
_LARGEST: Final = 16 * 1024 * 1024  # bytes of a review: two versions of an object, of up to 3 MiB, and what is around
_RENEWAL: Final = 5.0  # seconds between two looks at the certificate's files


class AdmissionServer:
    """It answers from the beginning to the end of the process.

    A process that stands by has no other objects at hand: it judges each by itself.

    Args:
        webhook: Port, and the folder of the certificate.
        options: What the operator serves.
    """

    def __init__(self, webhook: Webhook, options: Options) -> None:
        self._webhook = webhook
        self._default = options.default_connection
        self._neighbours: Neighbours | None = None
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._stamp: tuple[int, ...] = ()
        self._runner: web.AppRunner | None = None
        self._renewing: asyncio.Task[None] | None = None

    def serve(self, service: Service | None) -> None:
        """Judge manifests among these objects from now on; None for each by itself."""
        objects = service.controllers.objects if service is not None else None
        self._neighbours = Neighbours(objects, self._default) if objects is not None else None

    async def start(self) -> None:
        """Begin to answer.

        Raises:
            OSError: The port is taken, or the certificate cannot be read or is none.
        """
        self._load()
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_post(PATH, self._validate)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._webhook.port, ssl_context=self._context).start()
        self._renewing = asyncio.create_task(self._renew())

    async def stop(self) -> None:
        """Answer no more."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        if self._runner is not None:
            await self._runner.cleanup()

    async def _validate(self, request: web.Request) -> web.Response:
        try:
            asked = request_of(json.loads(await request.read()))
        except (ReviewError, ValueError) as error:
            return web.Response(status=400, text=str(error))
        return web.json_response(response(asked, await self._verdict(asked)))

    async def _verdict(self, asked: Mapping[str, Any]) -> Verdict:
        if not concerns(asked):
            return Verdict()
        manifest = manifest_of(asked)
        # A large iCalendar file takes a second to read.
        alone = await asyncio.to_thread(judged, manifest, None)
        judge = self._among()
        return alone if alone.causes or judge is None else judged(manifest, judge)

    def _among(self) -> Judge | None:
        known = self._neighbours
        if known is None:
            return None
        return lambda resource: (known.faults(resource), known.warnings(resource))

    async def _renew(self) -> None:
        """Take up a certificate that is renewed; new connections are made with it."""
        while True:
            await asyncio.sleep(_RENEWAL)
            try:
                if self._load():
                    logger.info("the webhook's certificate was renewed")
            except OSError as error:
                logger.warning("the webhook goes on with the certificate that it has: %s", error)

    def _load(self) -> bool:
        """Load the certificate if its files have changed. Return whether they had."""
        folder = self._webhook.certificate
        files = (folder / "tls.crt", folder / "tls.key")
        stamp = tuple(file.stat().st_mtime_ns for file in files)
        if stamp == self._stamp:
            return False
        self._context.load_cert_chain(*files)
        self._stamp = stamp
        return True


def certificate_trouble(webhook: Webhook, error: OSError) -> str:
    """Why the webhook cannot begin, in words."""
    return (
        f"--webhook-port {webhook.port}, --webhook-certificate {webhook.certificate}: {error.strerror or error}: "
        "a free port, and a folder with tls.crt and tls.key, are accepted"
    )
