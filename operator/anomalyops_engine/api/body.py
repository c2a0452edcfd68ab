"""Reading a request's body: whole or not at all."""

from __future__ import annotations

import zlib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive

from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.inflight import Holding

_GZIP = frozenset({"gzip", "x-gzip"})
_PLAIN = frozenset({"", "identity"})


class ClientGoneError(Exception):
    """The client left before the end of its request: there is nothing to do, and nobody to answer."""


async def read_body(request: Request, receive: Receive, limit: int, holding: Holding) -> bytes:
    """Return the whole body, decompressed.

    Args:
        request: whose headers declare length and encoding.
        receive: the ASGI channel.
        limit: most bytes, before and after decompression.
        holding: where the bytes are counted that are held.

    Raises:
        ClientGoneError: the connection ended first.
        ApiError: 413 for a larger body; 429 where all bodies together take too much;
            400 for an unknown encoding, or for gzip that is damaged or without its end.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _GZIP | _PLAIN:
        raise ApiError(400, "illegal_argument_exception", f"Content-Encoding [{encoding}] is not supported, use [gzip]")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(int(declared), limit)
    body = await _received(receive, limit, holding)
    if encoding in _GZIP and body:
        # Off the event loop: a small body may stand for the largest that is allowed.
        whole: bytes = await run_in_threadpool(gunzipped, body, limit)
        holding.take(len(whole))
        return whole
    return body


async def _received(receive: Receive, limit: int, holding: Holding) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(size, limit)
        holding.take(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def gunzipped(data: bytes, limit: int) -> bytes:
    """Return decompressed gzip: all members, one after the other (RFC 1952, 2.2).

    Raises:
        ApiError: 413 when it is more than `limit` bytes; 400 when it is no gzip, damaged, or ends too early.
    """
    parts: list[bytes] = []
    size = 0
    while data:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = member.decompress(data, limit + 1 - size)
        except zlib.error as error:
            raise _not_gzip(str(error)) from None
        size += len(part)
        if size > limit:
            raise _too_large(size, limit)
        if not member.eof:
            raise _not_gzip("it ends before the end of its stream")
        parts.append(part)
        data = member.unused_data
    return b"".join(parts)


def _not_gzip(why: str) -> ApiError:
    return ApiError(400, "illegal_argument_exception", f"request body is not valid gzip: {why}")


def _too_large(size: int, limit: int) -> ApiError:
    reason = (
        f"entity content is too long [{size}] for the configured buffer limit [{limit}]. This limit can be set by "
        "changing the [http.max_content_length] node setting."
    )
    return ApiError(413, "content_too_long_exception", reason)
