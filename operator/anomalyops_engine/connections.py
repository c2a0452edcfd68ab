"""What one HTTP connection may take: its place among the others, and its time.

uvicorn closes a connection that idles between two requests. It has no limit for a request that never ends, none for
what comes before a body (which no budget counts, and nobody has said yet who he is), none for the number of
connections, and an answer of its own, without the product header, for what is not HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

log = logging.getLogger(__name__)

# Seconds without a byte of a request that has begun, or of the first one after connecting.
SILENCE_SECONDS = 60.0
# Bytes of the path and of all headers; more than Elasticsearch's (4 + 16 KB), since paths list jobs by the hundred.
MOST_HEAD_BYTES = 64 * 1024
# Descriptors kept for the database, its log and the libraries.
_RESERVED_DESCRIPTORS = 64
_MOST_CONNECTIONS = 10_000
_ACCEPT_LOG_SECONDS = 60.0


def connection_limit() -> int:
    """Return how many connections the process may hold beside its other files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(8, min(_MOST_CONNECTIONS, soft - _RESERVED_DESCRIPTORS))


class _TooLongError(Exception):
    """What comes before a body is too long."""


class Connection(HttpToolsProtocol):
    """A connection that ends when its client is silent in mid-request or says too much, or when there are too many."""

    limit = _MOST_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._silence: asyncio.TimerHandle | None = None
        self._in_head = self._too_long = False
        self._named = self._unfinished = 0  # bytes: of path and headers that are whole, and of reads without an end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or end it at once when the process holds as many as it may."""
        super().connection_made(transport)
        if len(self.connections) > self.limit:
            transport.abort()
            return
        self._expect_bytes()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; the time for the next byte begins anew while the request is not whole."""
        self._expect_bytes()
        # A head that began before this read; what one read brings is little, and may begin with a body.
        self._unfinished = self._unfinished + len(data) if self._in_head else 0
        if self._unfinished > MOST_HEAD_BYTES:
            self._too_long = True
            self.send_400_response("")
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Count what comes before the body."""
        self._in_head, self._named = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or one that follows the body."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin with the request."""
        self._in_head = False
        super().on_headers_complete()

    def _count(self, length: int) -> None:
        self._named += length
        if self._named > MOST_HEAD_BYTES:
            self._too_long = True
            raise _TooLongError  # the parser stops, and the connection answers what it cannot read

    def on_message_complete(self) -> None:
        """Take a whole request: now the client waits, and not the engine."""
        self._expect_nothing()
        super().on_message_complete()

    def shutdown(self) -> None:
        """Finish what has been asked; a request that is not whole is dropped, nothing of it was done."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.more_body:
            self.transport.abort()
            return
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, and close."""
        reason = {"type": "bad_request", "reason": msg}
        if self._too_long:
            text = f"path and headers are larger than {MOST_HEAD_BYTES} bytes"
            reason = {"type": "too_long_http_header_exception", "reason": text}
        body = orjson.dumps({"error": {"root_cause": [reason], **reason}, "status": 400})
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nX-elastic-product: Elasticsearch\r\n"
            b"connection: close\r\ncontent-length: " + str(len(body)).encode() + b"\r\n\r\n"
        )
        self.transport.write(head + body)
        self.transport.close()

    def _expect_bytes(self) -> None:
        self._expect_nothing()
        self._silence = self.loop.call_later(SILENCE_SECONDS, self._end)

    def _expect_nothing(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _end(self) -> None:
        self.transport.abort()


def quiet_accept_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log once in a while, not once a waiting client, that the process is out of descriptors."""
    previous: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None = loop.get_exception_handler()
    last = float("-inf")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal last
        if "out of system resource" not in str(context.get("message", "")):
            (previous or asyncio.AbstractEventLoop.default_exception_handler)(loop, context)
        elif loop.time() - last > _ACCEPT_LOG_SECONDS:
            last = loop.time()
            log.error("cannot accept connections: %s; raise the limit of open files", context.get("exception"))

    loop.set_exception_handler(handle)
