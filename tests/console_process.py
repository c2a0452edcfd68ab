"""A console in a process of its own, as users run it, and calls to it as a browser makes them."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any

import orjson

from waiting import PATIENCE_S

_OPERATOR = Path(__file__).resolve().parents[1] / "operator"


class ConsoleProcess:
    """A console; use it as a context.

    Attributes:
        url: Where it listens, without the page's path.
    """

    def __init__(self, *arguments: str, environment: Mapping[str, str], trusted: ssl.SSLContext | None = None) -> None:
        """Args: arguments: of `anomalyops console`; environment: more of it; trusted: what its TLS is trusted by."""
        mine = {name: value for name, value in os.environ.items() if not name.startswith("ANOMALYOPS_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "anomalyops.cli.main", "console", "--port", "0", *arguments],
            env={**mine, "PYTHONPATH": str(_OPERATOR), "COLUMNS": "200", **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self._process.stderr.readline()
        found = re.search(r"is at (https?)://(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)/_console/", line)
        assert found, line + self._process.stderr.read()
        self.url = f"{found[1]}://localhost:{found[2]}" if trusted else f"{found[1]}://127.0.0.1:{found[2]}"
        self._trusted = trusted
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def __enter__(self) -> ConsoleProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, bytes, Message]:
        """Status, body and headers of an answer; `_` in names of headers stands for `-`."""
        return ask(f"{self.url}/{path}", method, body, self._trusted, **headers)

    def _answers(self) -> bool:
        try:
            return self.ask("_health")[0] == 200
        except OSError:
            return False


def ask(
    url: str, method: str = "GET", body: Any = None, trusted: ssl.SSLContext | None = None, **headers: str
) -> tuple[int, bytes, Message]:
    """Status, body and headers of an answer; `_` in names of headers stands for `-`."""
    data = None if body is None else orjson.dumps(body)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        sent.setdefault("content-type", "application/json")
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, context=trusted) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers
