"""Elasticsearch itself: its server core on loopback, and the parsers of its ML plugin, behind one question."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from judge.cases import Answer, Request
from judge.java import JudgeUnavailable, find_java, libraries
from judge.wire import HttpServer

_HERE = Path(__file__).parent
_START_SECONDS = 120
_WRITING = re.compile(r"/_(bulk|doc|create|update|delete_by_query)\b(?!.*refresh=(true|wait_for))")
_ML_PATH = re.compile(r"/_ml/(?P<kind>anomaly_detectors|datafeeds)/(?P<id>[^/?]+)(?P<update>/_update)?")


class ReferenceServer(HttpServer):
    """The server core in a folder of its own; it ends with this process, whatever happens to it."""

    def __init__(self) -> None:
        java, jars = find_java(), libraries("server")
        self._home = Path(tempfile.mkdtemp(prefix="judge-", dir=_memory_folder()))
        port, transport_port = _free_ports(2)
        module, core = _parted(jars)
        _lay_out(self._home, module)
        log = (self._home / "server.log").open("wb")
        self._process = subprocess.Popen(
            [
                *("nice", "-n", "5", str(java), "-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                *("-cp", ":".join(map(str, core)), str(_HERE / "server" / "Server.java")),
                *(str(self._home), str(port), str(transport_port)),
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
        log.close()
        super().__init__(f"http://127.0.0.1:{port}")
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                if self.ask(Request("GET", "/_cluster/health")).status == 200:
                    return
            time.sleep(0.1)
        log = (self._home / "server.log").read_text()
        self.close()
        raise JudgeUnavailable(f"the server core did not start:\n{log[-2000:]}")

    def ask(self, request: Request) -> Answer:
        """Return the server's answer to one request; what it wrote is seen by searches from then on.

        The engine has nothing to refresh. When Elasticsearch would have done it is no difference worth finding.
        """
        answer = super().ask(request)
        if request.method != "GET" and _WRITING.search(request.path):
            super().ask(Request("POST", "/_refresh?expand_wildcards=all"))
        return answer

    def close(self) -> None:
        """Stop the server and remove its folder."""
        super().close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


class ReferenceParsers:
    """The request parsers of jobs and datafeeds, asked as if they were the REST endpoints behind them.

    A PUT is remembered until `reset`, so that an update and a datafeed's job can be judged.
    """

    def __init__(self) -> None:
        java, jars = find_java(), libraries("parsers")
        self._process = subprocess.Popen(
            [str(java), "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jars}/*", str(_HERE / "parsers" / "Parsers.java")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._jobs: dict[str, Any] = {}
        self._datafeeds: dict[str, Any] = {}

    def reset(self) -> None:
        """Forget all jobs and datafeeds."""
        self._jobs.clear()
        self._datafeeds.clear()

    def ask(self, request: Request) -> Answer:
        """Return what the parsers say to the body of a PUT or an update."""
        found = _ML_PATH.fullmatch(request.path)
        assert found is not None, request.path
        identifier, is_job, is_update = found["id"], found["kind"] == "anomaly_detectors", bool(found["update"])
        question = {"kind": "job" if is_job else "datafeed", "id": identifier, "body": request.body}
        if is_update:
            question["kind"] += "_update"
            question["datafeed"] = self._datafeeds.get(identifier, {}) | {"datafeed_id": identifier}
        question["job"] = self._jobs.get(identifier if is_job else self._job_of(question))
        answer = self._exchange(question)
        if answer.status == 200 and not is_update:
            (self._jobs if is_job else self._datafeeds)[identifier] = request.body
        return answer

    def _job_of(self, question: dict[str, Any]) -> str:
        for body in (question["body"], question.get("datafeed")):
            if isinstance(body, dict) and isinstance(body.get("job_id"), str):
                return str(body["job_id"])
        return next(iter(self._jobs), "")

    def _exchange(self, question: dict[str, Any]) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise JudgeUnavailable("the parsers have ended")
        said = json.loads(line)
        return Answer(said["status"], said["body"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)


def _parted(jars: Path) -> tuple[list[Path], list[Path]]:
    """Return the libraries of the HTTP module and those of the core: none may be in both."""
    every = sorted(jars.glob("*.jar"))
    module = [jar for jar in every if jar.name.startswith(("netty-", "transport-netty4-"))]
    return module, [jar for jar in every if jar not in module]


def _lay_out(home: Path, jars: list[Path]) -> None:
    """Make the home of a node: its logging, and the HTTP module."""
    module = home / "modules" / "transport-netty4"
    for folder in (home / "config", home / "logs", home / "data", module):
        folder.mkdir(parents=True)
    shutil.copy(_HERE / "server" / "log4j2.properties", home / "config")
    shutil.copy(_HERE / "server" / "plugin-descriptor.properties", module)
    for jar in jars:
        (module / jar.name).symlink_to(jar)


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _memory_folder() -> str | None:
    """Return a folder in memory where there is one: making an index waits for the disk many times."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
