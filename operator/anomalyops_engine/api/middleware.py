"""What every exchange has in common: who may ask, a whole body, the answer's headers and filtering, and bugs."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, MutableMapping
from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomalyops_console.pages import Pages, is_page
from anomalyops_engine.api.body import ClientGoneError, read_body
from anomalyops_engine.api.call import render
from anomalyops_engine.api.credentials import CHALLENGES, Doorkeeper
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.inflight import Holding, InFlight
from anomalyops_engine.api.info import DIALECT_VERSION
from anomalyops_engine.api.instruments import CLASS, Instruments
from anomalyops_engine.api.media_types import JSON, answer_type, check_content_type
from anomalyops_engine.jobs.runtime import MAX_BODY_BYTES
from anomalyops_web.origin import ForeignRequestError, check_origin

_THROTTLED_WARNING = (
    "[ignore_throttled] parameter is deprecated because frozen indices have been deprecated. Consider cold or frozen "
    "tiers in place of frozen indices."
)
# For probes, which have no credentials: that the process answers, and nothing about what it holds.
HEALTH_PATH = "/_health"
_HEALTHY = b'{"status":"green"}'
PRODUCT_HEADER = (b"x-elastic-product", b"Elasticsearch")

log = logging.getLogger(__name__)


class ExchangeMiddleware:
    """Refuses what must not be read, reads the body once, and adds to the response what every answer carries.

    Args:
        app: the application inside.
        doorkeeper: finds out who asks.
        max_body_bytes: larger bodies (before or after decompression) are refused with 413.
        in_flight: the budget of all bodies together; what would exceed it is refused with 429.
        instruments: counts the exchanges.
        allowed_hosts: names beside the loopback ones under which the engine may be asked.
    """

    def __init__(
        self,
        app: ASGIApp,
        doorkeeper: Doorkeeper,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        in_flight: InFlight | None = None,
        instruments: Instruments | None = None,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._in_flight = in_flight or InFlight()
        self._instruments = instruments or Instruments()
        self._max = max_body_bytes
        self._pages = Pages(writes=True)  # what somebody may change is what his credentials may
        self._allowed_hosts = frozenset(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] == HEALTH_PATH and scope["method"] in {"GET", "HEAD"}:
            await Response(_HEALTHY, media_type=JSON)(scope, receive, send)
            return
        if is_page(scope["path"]):
            await self._page(scope, receive, send)
            return
        account = _Account(scope, self._in_flight.hold(), self._instruments)
        outgoing = _Outgoing(Request(scope), send, account)
        try:
            await self._exchange(outgoing, receive, account.holding)
        finally:
            account.settle(outgoing.status)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the console's page: nothing of what the engine holds, so that it asks for no credentials."""
        outgoing = _Outgoing(Request(scope), send, _Account(scope, self._in_flight.hold(), self._instruments))
        try:
            self._check_origin(outgoing.request)
        except ApiError as error:
            await outgoing.refuse(error, receive)
            return
        await self._pages(scope, receive, outgoing.send)

    async def _exchange(self, outgoing: _Outgoing, receive: Receive, holding: Holding) -> None:
        request = outgoing.request
        try:
            body = await self._admitted(request, receive, holding)
        except ClientGoneError:
            return
        except ApiError as error:
            await outgoing.refuse(error, receive)
            return
        try:
            await self._app(request.scope, _replay(body, receive), outgoing.send)
        except (Exception, asyncio.CancelledError) as error:
            if outgoing.status is not None:
                raise
            await outgoing.refuse(_gone_wrong(request, error), receive)

    def _check_origin(self, request: Request) -> None:
        try:
            check_origin(request, self._allowed_hosts)
        except ForeignRequestError as error:
            raise ApiError(error.status, error.kind, error.reason) from None

    async def _admitted(self, request: Request, receive: Receive, holding: Holding) -> bytes:
        self._check_origin(request)
        request.scope["anomalyops.principal"] = await self._doorkeeper.admit(request)
        body = await read_body(request, receive, self._max, holding)
        if body:
            check_content_type(request)
        return body


def _gone_wrong(request: Request, error: BaseException) -> ApiError:
    """Return the answer to a failure that nobody foresaw; what happened is told to the log alone."""
    if isinstance(error, asyncio.CancelledError):  # it did not end in time when the engine stopped
        return ApiError(503, "node_closed_exception", "the engine is stopping")
    incident = secrets.token_hex(4)
    log.error("request failed [%s]: %s %s", incident, request.method, request.url.path, exc_info=error)
    return ApiError(500, "exception", f"internal error; the engine's log tells more under [{incident}]")


class _Account:
    """What is kept of one exchange until its answer is whole.

    Attributes:
        holding: the bytes of its body.
    """

    def __init__(self, scope: Scope, holding: Holding, instruments: Instruments) -> None:
        self.holding = holding
        self._scope = scope
        self._instruments = instruments
        self._began = time.perf_counter()
        self._settled = False

    def settle(self, status: int | None) -> None:
        """Give the bytes back and count the exchange, once.

        Before the last part of the answer leaves: who has an answer whole finds it in what is asked next.

        Args:
            status: of the answer; None when there was none.
        """
        if self._settled:
            return
        self._settled = True
        self.holding.close()
        self._instruments.count(self._scope.get(CLASS), status, time.perf_counter() - self._began)


class _Outgoing:
    """The way out: headers on every response; filtering for handlers that did not do it themselves.

    Attributes:
        request: what is answered.
        status: of the answer; None until the client has been sent a part of it.
    """

    def __init__(self, request: Request, send: Send, account: _Account) -> None:
        self.request = request
        self._send = send
        self._account = account
        self._start: MutableMapping[str, Any] | None = None
        self._chunks: list[bytes] = []
        self.status: int | None = None

    async def refuse(self, error: ApiError, receive: Receive) -> None:
        self.request.scope["anomalyops.rendered"] = True
        response = render(self.request, error.body(), error.status)
        await response(self.request.scope, receive, self.send)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is None:
            await self._pass_on(message)
            return
        if not self._must_render():
            await self._begin(self._start)
            await self._pass_on(message)
            return
        self._chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            response = render(self.request, orjson.loads(b"".join(self._chunks)), self._start["status"])
            self._start["headers"] = response.raw_headers
            await self._begin(self._start)
            await self._pass_on({"type": "http.response.body", "body": response.body})

    async def _pass_on(self, message: Message) -> None:
        if not message.get("more_body", False):
            self._account.settle(self.status)
        await self._send(message)

    async def _begin(self, start: MutableMapping[str, Any]) -> None:
        self._start = None
        self.status = start["status"]
        if start["status"] == 429:
            start["headers"] = [*start["headers"], (b"retry-after", b"1")]
        if start["status"] == 401:
            start["headers"] = [*start["headers"], *((b"www-authenticate", text.encode()) for text in CHALLENGES)]
        headers = [(key, self._media(value) if key == b"content-type" else value) for key, value in start["headers"]]
        headers.append(PRODUCT_HEADER)
        opaque = self.request.headers.get("x-opaque-id")
        if opaque is not None:
            headers.append((b"x-opaque-id", opaque.encode("latin-1")))
        if "ignore_throttled" in self.request.query_params:
            headers.append(_warning(_THROTTLED_WARNING))
        deprecation = self.request.scope.get("anomalyops.deprecation")
        if deprecation is not None:
            headers.append(_warning(deprecation))
        headers += [_warning(text) for text in self.request.scope.get("anomalyops.warnings", ())]
        await self._send({**start, "headers": headers})

    def _media(self, value: bytes) -> bytes:
        return answer_type(self.request).encode() if value == JSON.encode() else value

    def _must_render(self) -> bool:
        if self.request.scope.get("anomalyops.rendered") or self._start is None:
            return False
        asked = self.request.query_params
        is_json = any(key == b"content-type" and b"json" in value for key, value in self._start["headers"])
        return is_json and ("filter_path" in asked or "pretty" in asked)


# What may stand in a warning as it is: everything that can be seen in ASCII but the sign of what is written otherwise.
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "") + "\t"


def _warning(text: str) -> tuple[bytes, bytes]:
    """Return a warning as a header: what no header may have in it is written as a URL would, as Elasticsearch does."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    written = quote(quoted, safe=_PLAIN)
    return b"warning", f'299 Elasticsearch-{DIALECT_VERSION}-anomalyops "{written}"'.encode("ascii")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body once, and afterwards what the connection says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
