"""Requests that no well-behaved client sends, over a plain socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from waiting import PATIENCE_S


@dataclass(frozen=True)
class Answer:
    """A response: status, headers by lower-case name, body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The parsed body."""
        return json.loads(self.text)

    @property
    def reason(self) -> str:
        """The reason of an error."""
        return str(self.body["error"]["reason"])


class RawConnection:
    """One connection to an engine, for bytes of any kind."""

    def __init__(self, url: str, timeout_s: float = PATIENCE_S) -> None:
        parts = urlsplit(url)
        self.host = f"{parts.hostname}:{parts.port}"
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout_s)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """Send a request with just these headers (and Host and Content-Length, unless given) and read its answer."""
        given = {"Host": self.host, "Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
        self.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        return self.answer(head=method == "HEAD")

    def answer(self, *, head: bool = False) -> Answer:
        """Read one answer; raises ConnectionError when there is none."""
        line = self._file.readline()
        if not line:
            raise ConnectionError("the connection was closed without an answer")
        status = int(line.split()[1])
        headers: dict[str, str] = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = 0 if head else int(headers.get("content-length", "0"))
        return Answer(status, headers, self._file.read(length).decode())
