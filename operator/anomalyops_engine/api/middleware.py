"""What every exchange has in common: the product header, body limits, gzip, media types, response filtering."""

from __future__ import annotations

import zlib
from collections.abc import MutableMapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomalyops_engine.api.call import media_type, render
from anomalyops_engine.api.errors import ApiError

MAX_BODY_BYTES = 100 * 1024 * 1024
_PRODUCT = (b"x-elastic-product", b"Elasticsearch")
_JSON_TYPES = ("application/json", "application/x-ndjson", "application/vnd.elasticsearch+", "application/*+json")


class ExchangeMiddleware:
    """Reads and checks the request body once, and adds to the response what every answer carries.

    Args:
        app: the application inside.
        max_body_bytes: larger bodies (after decompression) are refused with 413.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        outgoing = _Outgoing(request, send)
        try:
            body = await self._body(request, receive)
        except ApiError as error:
            response = render(request, error.body(), error.status)
            scope["anomalyops.rendered"] = True
            await response(scope, receive, outgoing.send)
            return
        await self._app(scope, _replay(body, receive), outgoing.send)

    async def _body(self, request: Request, receive: Receive) -> bytes:
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > self._max:
            raise self._too_large(int(declared))
        chunks, size = [], 0
        decoder = _decoder(request.headers.get("content-encoding", ""))
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b""
            chunk = message.get("body", b"")
            if decoder is not None:
                chunk = _decompress(decoder, chunk, self._max + 1)
            size += len(chunk)
            if size > self._max:
                raise self._too_large(size)
            chunks.append(chunk)
            if not message.get("more_body", False):
                break
        if size and not _is_json(request.headers.get("content-type", "")):
            found = request.headers["content-type"]
            raise ApiError(406, "media_type_header_exception", f"Content-Type header [{found}] is not supported")
        return b"".join(chunks)

    def _too_large(self, size: int) -> ApiError:
        return ApiError(
            413,
            "content_too_long_exception",
            f"entity content is too long [{size}] for the configured buffer limit [{self._max}]",
        )


class _Outgoing:
    """The way out: headers on every response; filtering for handlers that did not do it themselves."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._chunks: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        if not self._must_render():
            await self._begin(self._start)
            await self._send(message)
            return
        self._chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            response = render(self._request, orjson.loads(b"".join(self._chunks)), self._start["status"])
            self._start["headers"] = response.raw_headers
            await self._begin(self._start)
            await self._send({"type": "http.response.body", "body": response.body})

    async def _begin(self, start: MutableMapping[str, Any]) -> None:
        self._start = None
        headers = [(key, self._media(value) if key == b"content-type" else value) for key, value in start["headers"]]
        await self._send({**start, "headers": [*headers, _PRODUCT]})

    def _media(self, value: bytes) -> bytes:
        return media_type(self._request).encode() if value == b"application/json" else value

    def _must_render(self) -> bool:
        if self._request.scope.get("anomalyops.rendered") or self._start is None:
            return False
        asked = self._request.query_params
        is_json = any(key == b"content-type" and b"json" in value for key, value in self._start["headers"])
        return is_json and ("filter_path" in asked or "pretty" in asked)


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


def _decoder(encoding: str) -> Any:
    if encoding in {"", "identity"}:
        return None
    if encoding == "gzip":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    raise ApiError(400, "illegal_argument_exception", f"Content-Encoding [{encoding}] is not supported, use [gzip]")


def _decompress(decoder: Any, chunk: bytes, limit: int) -> bytes:
    try:
        return bytes(decoder.decompress(chunk, limit))
    except zlib.error as error:
        raise ApiError(400, "illegal_argument_exception", f"request body is not valid gzip: {error}") from None


def _is_json(content_type: str) -> bool:
    return not content_type or content_type.startswith(_JSON_TYPES)
