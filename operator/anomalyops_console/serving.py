"""The console beside a server: the page, and its calls passed on with credentials that the browser never sees."""

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
from anomalyops_web.origin import ForeignRequestError, check_origin

MAX_BODY_BYTES: Final = 1024 * 1024
"""Searches and configurations are small."""
_TOLD: Final = ("content-type", "warning", "x-elastic-product")
_JSON: Final = "application/json"

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


def console(upstream: Upstream, *, allow_writes: bool = False) -> Starlette:
    """Return the ASGI application of a console over a server.

    Args:
        upstream: The server.
        allow_writes: Whether calls that change something are passed on.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(ssl=True if upstream.tls is None else upstream.tls)
        timeout = aiohttp.ClientTimeout(total=upstream.timeout_s)
        # The server's cookies are nobody's business here.
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session:
            app.state.session = session
            yield

    pages = Pages(writes=allow_writes)

    async def page(request: Request) -> Response:
        return _foreign(request) or pages.answer(request)

    async def passing(request: Request) -> Response:
        foreign = _foreign(request)
        if foreign is not None:
            return foreign
        path = request.scope["raw_path"]
        kind = access(request.method, path)
        if kind is None:
            return _refusal(403, f"the console does not pass on {request.method} {request.url.path}")
        if kind is Access.WRITE and not allow_writes:
            return _refusal(403, "this console only reads; start it with --allow-writes to change something")
        body = await _body(request)
        if body is None:
            return _refusal(413, f"the console passes on at most {MAX_BODY_BYTES} bytes")
        if not only_adds(path, body):
            return _refusal(403, "the console passes on bulk requests that add documents to their index, and no others")
        return await _pass_on(request, upstream, path, body)

    methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]
    routes = [
        Route(PREFIX, page, methods=methods),
        Route(f"{PREFIX}/{{name:path}}", page, methods=methods),
        Route("/{path:path}", passing, methods=methods),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _foreign(request: Request) -> Response | None:
    try:
        check_origin(request)
    except ForeignRequestError as error:
        return _refusal(error.status, error.reason, error.kind)
    return None


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


async def _pass_on(request: Request, upstream: Upstream, path: bytes, body: bytes) -> Response:
    session: aiohttp.ClientSession = request.app.state.session
    query = request.scope["query_string"].decode("latin-1")
    address = URL(upstream.url.rstrip("/") + path.decode("latin-1") + (f"?{query}" if query else ""), encoded=True)
    headers = {**upstream.headers, "accept": _JSON}
    if body:
        headers["content-type"] = request.headers.get("content-type", _JSON)
    try:
        # A redirect would take the credentials elsewhere.
        async with session.request(
            request.method, address, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            content = await answer.read()
            told = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
            return Response(content, answer.status, {**HEADERS, **told})
    except TimeoutError:
        return _refusal(504, f"the server did not answer within {upstream.timeout_s:g} seconds", "timeout_exception")
    except aiohttp.ClientError as error:
        log.warning("%s %s: %s", request.method, request.url.path, error)
        return _refusal(502, f"the server cannot be reached: {error}", "connect_exception")


def _refusal(status: int, reason: str, kind: str = "security_exception") -> Response:
    error = {"type": kind, "reason": reason}
    body = {"error": {**error, "root_cause": [error]}, "status": status}
    return Response(json.dumps(body), status, HEADERS, _JSON)
