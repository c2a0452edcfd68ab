"""Server processes of a test session: started with a log file, always stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from waiting import PATIENCE_S

T = TypeVar("T")


def wait_until(check: Callable[[], T], *, what: str, timeout: float = PATIENCE_S, interval: float = 0.1) -> T:
    """Calls `check` until it returns something truthy, and returns that; `timeout` and `interval` in seconds.

    A `timeout` belongs only where the product promises one; otherwise other work on the machine may take any time.

    Raises:
        AssertionError: `what` has not happened in time; names the last answer or error of `check`.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            last = answer = check()
            if answer:
                return answer
        except (AssertionError, OSError, subprocess.CalledProcessError, KeyError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {timeout:g} s; last seen: {last!r}")
        time.sleep(interval)


class Process:
    """A child process with its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        folder: Path,
        env: Mapping[str, str] | None = None,
    ):
        self.name = name
        self.command = [str(part) for part in command]
        self.env = dict(env or {})
        self.log = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Process:
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | self.env
            )
        return self

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was never started"
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def must_run(self) -> None:
        """Fails with the end of the log when the process has ended."""
        assert self.running, f"{self.name} ended with {self._child and self._child.returncode}:\n{self.tail()}"

    def stop(self, *, timeout: float = PATIENCE_S) -> int | None:
        """Terminates the process, kills it after `timeout` seconds, and returns its exit code."""
        if self._child is None:
            return None
        if self.running:
            self._child.terminate()
            try:
                self._child.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._child.returncode

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self._child is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def resident_mebibytes(self) -> float:
        """Resident memory now, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
