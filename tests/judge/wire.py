"""A server behind HTTP: one kept connection, and a way to empty it."""

from __future__ import annotations

import http.client
import json
import string
from typing import Any
from urllib.parse import quote, urlsplit

from judge.cases import Answer, Request

_TIMEOUT_SECONDS = 60


class HttpServer:
    """A server that can be asked and emptied."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, request: Request) -> Answer:
        """Return the server's answer to one request.

        Raises:
            OSError: it cannot be reached.
        """
        try:
            return self._exchange(request)
        except (http.client.HTTPException, BrokenPipeError, ConnectionResetError):
            self._hang_up()  # a kept connection may have ended meanwhile
            return self._exchange(request)

    def reset(self) -> None:
        """Delete every index, and what refers to them."""
        found = self.ask(Request("GET", "/_alias?expand_wildcards=all"))
        for name in found.body if found.status == 200 else ():
            path = "/" + quote(name, safe="")
            if self.ask(Request("DELETE", path)).status == 403:
                self.ask(Request("PUT", f"{path}/_settings", {"index.blocks.read_only": None}))
                self.ask(Request("DELETE", path))

    def close(self) -> None:
        """Close the connection."""
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, request: Request) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self._address.hostname or "", self._address.port, timeout=_TIMEOUT_SECONDS
            )
        payload = request.payload()
        headers = {"Content-Type": payload[1]} if payload else {}
        path = quote(request.path, safe=string.punctuation)
        self._connection.request(request.method, path, payload[0] if payload else None, headers)
        response = self._connection.getresponse()
        return Answer(response.status, _parsed(response.read()))


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
