"""The console beside a server: the page, and its calls passed on, with the console's credentials or the browser's."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from yarl import URL

from anomalyops_console.pages import HEADERS, PREFIX, Pages
from anomalyops_console.paths import Access, access, only_adds
from anomalyops_console.reach import LOOPBACK_ALONE, Reach
from anomalyops_web.origin import ForeignRequestError, check_origin

HEALTH_PATH: Final = "/_health"
"""For probes, which have no credentials and ask under an address: that the process answers, and nothing else."""
MAX_BODY_BYTES: Final = 1024 * 1024
"""Searches and configurations are small."""
_TOLD: Final = ("content-type", "warning", "x-elastic-product")
_JSON: Final = "application/json"
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="anomalyops console", charset="UTF-8"'}
_WHO_AM_I: Final = b"/_security/_authenticate"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The server behind the console.

    Attributes:
        url: `scheme://host:port`, with a path where the server stands below one.
        headers: What every call carries: the credentials.
        tls: How to trust the server; None for the system's authorities.
        timeout_s: Seconds to wait for an answer.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None
    timeout_s: float = 60.0


def console(upstream: Upstream, *, allow_writes: bool = False, reach: Reach = LOOPBACK_ALONE) -> Starlette:
    """Return the ASGI application of a console over a server.

    Args:
        upstream: The server.
        allow_writes: Whether calls that change something are passed on.
        reach: Who gets to it, and as whom.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(ssl=True if upstream.tls is None else upstream.tls)
        timeout = aiohttp.ClientTimeout(total=upstream.timeout_s)
        # The server's cookies are nobody's business here.
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session:
            app.state.server = _Server(upstream, session)
            yield

    pages = Pages(writes=allow_writes)

    async def health(request: Request) -> Response:
        return Response('{"status":"green"}', 200, HEADERS, _JSON)

    async def page(request: Request) -> Response:
        return _foreign(request, reach) or pages.answer(request)

    async def passing(request: Request) -> Response:
        foreign = _foreign(request, reach)
        if foreign is not None:
            return foreign
        path = request.scope["raw_path"]
        kind = access(request.method, path)
        if kind is None:
            return _refusal(403, f"the console does not pass on {request.method} {request.url.path}")
        if kind is Access.WRITE and not allow_writes:
            return _refusal(403, "this console only reads; start it with --allow-writes to change something")
        credentials = _of_browser(request) if reach.login else upstream.headers
        if isinstance(credentials, Response):
            return credentials
        body = await _body(request)
        if body is None:
            return _refusal(413, f"the console passes on at most {MAX_BODY_BYTES} bytes")
        if not only_adds(path, body):
            return _refusal(403, "the console passes on bulk requests that add documents to their index, and no others")
        return await _answer(request, body, credentials, reach)

    methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]
    routes = [
        Route(HEALTH_PATH, health, methods=["GET", "HEAD"]),
        Route(PREFIX, page, methods=methods),
        Route(f"{PREFIX}/{{name:path}}", page, methods=methods),
        Route("/{path:path}", passing, methods=methods),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _foreign(request: Request, reach: Reach) -> Response | None:
    # Where TLS ends in front, the browser asked for https, and a name without a port means its port.
    scope = {**request.scope, "scheme": "https"} if reach.tls_in_front else request.scope
    try:
        check_origin(Request(scope), reach.allowed_hosts)
    except ForeignRequestError as error:
        return _refusal(error.status, error.reason, error.kind)
    return None


def _of_browser(request: Request) -> Mapping[str, str] | Response:
    """The credentials of who looks, or the question for them."""
    given = request.headers.getlist("authorization")
    if not given:
        return _refusal(401, "this console takes the credentials of the server: say who you are", more=_CHALLENGE)
    if len(given) > 1:
        return _refusal(400, "one Authorization header is accepted, found several", "illegal_argument_exception")
    return {"authorization": given[0]}


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


class _Server:
    """The server, as the calls that are passed on reach it."""

    def __init__(self, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        self.timeout_s = upstream.timeout_s
        self._base = upstream.url.rstrip("/")
        self._session = session
        self._asks = False

    async def why_open(self) -> Response | None:
        """Why nobody is let in with credentials of his own; None where the server asks everybody for some.

        One that asks nobody would show to whoever reaches the console what it shows to the console.
        """
        if self._asks:
            return None
        status, _, _ = await self.ask("GET", _WHO_AM_I, {})
        self._asks = status == 401
        if self._asks:
            return None
        told = f"the server answered {status} to a call without credentials, and not 401"
        if status >= 500 or status == 429:
            return _refusal(502, f"{told}: whether it asks who somebody is, is not known", "connect_exception")
        return _refusal(403, f"{told}: it asks nobody who he is, and so the console lets nobody in")

    async def ask(
        self, method: str, target: bytes, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of an answer.

        Args:
            method: Of HTTP.
            target: Path and query, with their escapes.
            headers: What the call carries.
            body: Empty for none.

        Raises:
            TimeoutError: It does not come in time.
            aiohttp.ClientError: It does not come.
        """
        address = URL(self._base + target.decode("latin-1"), encoded=True)
        # A redirect would take the credentials elsewhere.
        async with self._session.request(
            method, address, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers, await answer.read()


async def _answer(request: Request, body: bytes, credentials: Mapping[str, str], reach: Reach) -> Response:
    """What the server answers to a call that may be passed on."""
    server: _Server = request.app.state.server
    query = request.scope["query_string"]
    target = request.scope["raw_path"] + (b"?" + query if query else b"")
    headers = {**credentials, "accept": _JSON}
    if body:
        headers["content-type"] = request.headers.get("content-type", _JSON)
    try:
        open_to_all = await server.why_open() if reach.login else None
        if open_to_all is not None:
            return open_to_all
        status, answered, content = await server.ask(request.method, target, headers, body)
    except TimeoutError:
        return _refusal(504, f"the server did not answer within {server.timeout_s:g} seconds", "timeout_exception")
    except aiohttp.ClientError as error:
        log.warning("%s %s: %s", request.method, request.url.path, error)
        return _refusal(502, f"the server cannot be reached: {error}", "connect_exception")
    told = {name: answered[name] for name in _TOLD if name in answered}
    # A browser asks anew for what the server did not take.
    return Response(content, status, {**HEADERS, **told, **(_CHALLENGE if reach.login and status == 401 else {})})


def _refusal(
    status: int, reason: str, kind: str = "security_exception", *, more: Mapping[str, str] | None = None
) -> Response:
    error = {"type": kind, "reason": reason}
    body = {"error": {**error, "root_cause": [error]}, "status": status}
    return Response(json.dumps(body), status, {**HEADERS, **(more or {})}, _JSON)
