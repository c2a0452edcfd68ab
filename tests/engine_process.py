"""An engine in a process of its own, as users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from elasticsearch import Elasticsearch

from waiting import PATIENCE_S, until

_ROOT = Path(__file__).resolve().parents[1]


class EngineProcess:
    """An engine in a process of its own.

    Attributes:
        data: its data folder.
        url: where it listens; another port after every start.
        process: the running process.
    """

    def __init__(self, data: Path, protection: str = "", host: str = "127.0.0.1", more: str = "") -> None:
        """Args: data: its folder; protection: the arguments of `Protection`, as Python; host: where it listens; more:
        further arguments of `serve`, as Python.
        """
        self._host = host
        self._more = (f", protection=Protection({protection})" if protection else "") + more
        self.data = data
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes requests."""
        ready = self.data / "engine.json"
        ready.unlink(missing_ok=True)
        code = (
            "import sys; from pathlib import Path; from anomalyops_engine.server import serve; "
            "from anomalyops_engine.server import Limits, Protection, Resources; "
            f"serve(Path(sys.argv[1]), {self._host!r}, 0{self._more})"
        )
        environment = {**os.environ, "PYTHONPATH": str(_ROOT / "operator")}
        log = (self.data / "engine.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.data)], env=environment, stdout=log, stderr=log
        )
        log.close()
        until(lambda: ready.exists() or self.process.poll() is not None, f"the start of an engine in {self.data}")
        if not ready.exists():
            raise RuntimeError(f"the engine did not start:\n{self.log()}")
        self.url = json.loads(ready.read_text())["url"]

    def stop(self) -> int:
        """Stop it gracefully and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, with whatever it is doing."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it still runs, and start it on the same folder."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.start()

    def log(self) -> str:
        """Return what it printed."""
        return (self.data / "engine.log").read_text()

    def client(self) -> Elasticsearch:
        """Return an official client of it."""
        return Elasticsearch(self.url, request_timeout=60)

    def _end(self, number: int) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)
