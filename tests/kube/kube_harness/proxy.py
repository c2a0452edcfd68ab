"""A reverse proxy between the operator and the engine: records, asks for credentials, holds or refuses calls.

The engine has no authentication of its own. With `credentials` set, the proxy answers 401 like Elasticsearch
does to whoever does not bring them.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from ports import free_port
from waiting import PATIENCE_S

_UNAUTHORIZED = {
    "error": {
        "root_cause": [{"type": "security_exception", "reason": "unable to authenticate user"}],
        "type": "security_exception",
        "reason": "unable to authenticate user",
    },
    "status": 401,
}
_PLAIN = {"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
_LOOKS = re.compile(
    r"/_(search|validate|preview|field_caps|has_privileges|estimate_model_memory)\b"
)  # POST, and change nothing
_HOP_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive", "server", "date"}


class Cut(Enum):
    """Connections that end without an answer."""

    BEFORE = "the call does not reach the server"
    AFTER = "the server carries the call out, and its answer is lost"


@dataclass(frozen=True)
class Call:
    """One request that reached the engine, with its answer's status."""

    method: str
    path: str  # without the query
    body: Any
    status: int

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class EngineProxy:
    """Listens on a loopback port of its own, and can go down and come back on the same one."""

    def __init__(self, target: str, *, credentials: tuple[str, str] | None = None):
        self.target = urlsplit(target)
        self.credentials = credentials
        self.tls: ssl.SSLContext | None = None  # from the next `up` on
        self.calls: list[Call] = []
        self.rejected = 0  # requests answered 401
        self.answer_with: int | None = None  # a status that every request is answered with
        self.forbidden: str | None = None  # a pattern of `METHOD path`: such calls are answered 403
        self.cut: Cut | None = None  # how each connection ends
        self.read_only = False  # the server refuses whatever changes something, as a read-only cluster does
        self.in_flight = 0  # calls that were not answered yet
        self._counting = threading.Lock()
        self._hold: tuple[re.Pattern[str], threading.Event, threading.Event] | None = None
        self._server: _Server | None = None
        self._port = free_port()  # so that nobody takes it while the server is away
        self.up()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Starts to listen (again)."""
        self._server = _Server(("127.0.0.1", self._port), _Handler, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def down(self) -> None:
        """Stops to listen: connections are refused, as from a cluster that is gone."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_connections()
            self._server = None

    @contextmanager
    def hold(self, pattern: str) -> Iterator[threading.Event]:
        """Holds back calls whose `METHOD path` matches; the event is set when the first one is being held."""
        reached, release = threading.Event(), threading.Event()
        self._hold = (re.compile(pattern), reached, release)
        try:
            yield reached
        finally:
            self._hold = None
            release.set()

    def writes(self) -> list[str]:
        """The successful calls that changed something, in order: `METHOD path`."""
        return [
            str(call)
            for call in self.calls
            if call.method in {"PUT", "POST", "DELETE"} and call.status < 300 and not _LOOKS.search(call.path)
        ]

    def attempts(self) -> list[str]:
        """The calls that would change something, whatever was answered, in order: `METHOD path`."""
        return [str(call) for call in self.calls if call.method != "GET" and not _LOOKS.search(call.path)]

    def reads(self) -> list[str]:
        return [str(call) for call in self.calls if call.method == "GET" or _LOOKS.search(call.path)]

    def authorised(self, header: str | None) -> bool:
        if self.credentials is None:
            return True
        expected = base64.b64encode(":".join(self.credentials).encode()).decode()
        return header == f"Basic {expected}"

    def wait_while_held(self, call: str) -> None:
        if self._hold is not None and self._hold[0].search(call):
            _, reached, release = self._hold
            reached.set()
            release.wait(PATIENCE_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[_Handler], proxy: EngineProxy):
        self.proxy = proxy
        self._connections: set[Any] = set()
        super().__init__(address, handler)
        if proxy.tls is not None:
            self.socket = proxy.tls.wrap_socket(self.socket, server_side=True)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        for request in list(self._connections):
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silence: clients that are killed in mid-call are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        proxy = self.server.proxy
        with proxy._counting:
            proxy.in_flight += 1
        try:
            self._forward()
        finally:
            with proxy._counting:
                proxy.in_flight -= 1

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

    def _forward(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if not proxy.authorised(self.headers.get("Authorization")):
            proxy.rejected += 1
            self._answer(401, _PLAIN, json.dumps(_UNAUTHORIZED).encode())
            return
        if proxy.answer_with is not None:
            reason = {"type": "status_exception", "reason": f"answered {proxy.answer_with} on purpose"}
            self._answer(proxy.answer_with, _PLAIN, _error(proxy.answer_with, reason))
            return
        if proxy.forbidden is not None and re.search(proxy.forbidden, f"{self.command} {path}"):
            reason = {"type": "security_exception", "reason": f"action on {path} is unauthorized"}
            self._answer(403, _PLAIN, _error(403, reason))
            return
        if proxy.read_only and self.command != "GET" and not _LOOKS.search(path):
            reason = "blocked by: [FORBIDDEN/6/cluster read-only (api)];"
            content = _error(403, {"type": "cluster_block_exception", "reason": reason})
            self._answer(403, _PLAIN, content)
            return
        proxy.wait_while_held(f"{self.command} {path}")
        cut = proxy.cut
        if cut is Cut.BEFORE:
            self._hang_up()
            return
        upstream = http.client.HTTPConnection(str(proxy.target.hostname), proxy.target.port, timeout=60)
        forwarded = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "authorization", "connection"}}
        upstream.request(self.command, self.path, body=body or None, headers=forwarded)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        proxy.calls.append(Call(self.command, path, _parsed(body), answer.status))
        if cut is Cut.AFTER:
            self._hang_up()
            return
        self._answer(answer.status, dict(answer.getheaders()), content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class names it so
        """Silence: the calls are kept in `EngineProxy.calls`."""


def _error(status: int, reason: dict[str, str]) -> bytes:
    return json.dumps({"error": {"root_cause": [reason], **reason}, "status": status}).encode()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")
