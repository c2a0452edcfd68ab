"""Servers as they fail: a door before the engine that answers some calls itself, in the words of such servers."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from quiet_server import QuietServer


@dataclass(frozen=True)
class Answer:
    """An answer of a server.

    Attributes:
        status: HTTP status.
        body: JSON values, or text.
        kind: The content type.
        headers: Others.
    """

    status: int
    body: Any
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self) -> bytes:
        """The body's bytes."""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Fault = Callable[[str, str], Answer | None]
"""From method and path to the answer; None where the engine is to answer."""
ELASTIC = {"x-elastic-product": "Elasticsearch"}


def refusal(status: int, kind: str, reason: str, **more: Any) -> Answer:
    """An error as Elasticsearch words it."""
    cause = {"type": kind, "reason": reason} | more
    return Answer(status, {"error": {"root_cause": [cause], **cause}, "status": status}, headers=ELASTIC)


def unrouted(status: int, method: str, path: str) -> Answer:
    """A path that no plugin of this server handles."""
    said = {"error": f"no handler found for uri [{path}] and method [{method}]", "status": status}
    return Answer(status, said, headers=ELASTIC)


def below(prefix: str, answer: Callable[[str, str], Answer]) -> Fault:
    """A fault of all paths below one."""

    def fault(method: str, path: str) -> Answer | None:
        return answer(method, path) if path == prefix or path.startswith((f"{prefix}/", f"{prefix}?")) else None

    return fault


def always(answer: Answer) -> Fault:
    """The same answer to everything."""
    return lambda _method, _path: answer


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        made = self.server.fault(self.command, self.path)
        if made is not None:
            return self._say(made.status, {"content-type": made.kind, **made.headers}, made.raw())
        there = urlsplit(self.server.behind)
        connection = http.client.HTTPConnection(there.hostname, there.port, timeout=60)
        passed = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        connection.request(self.command, self.path, body or None, passed)
        answer = connection.getresponse()
        raw = answer.read()
        kept = {"content-type", "x-elastic-product"}
        self._say(answer.status, {n: v for n, v in answer.getheaders() if n.lower() in kept}, raw)
        connection.close()
        return None

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def _say(self, status: int, headers: dict[str, str], raw: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def door(behind: str, fault: Fault, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of a server that has a fault.

    Args:
        behind: The URL of the engine that answers what the fault does not.
        fault: What it answers itself.
        tls: Its certificate, where it speaks TLS.
    """
    server = QuietServer(("127.0.0.1", 0), _Door)
    server.fault, server.behind = fault, behind
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
