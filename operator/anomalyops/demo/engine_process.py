"""An engine in a process of its own, which never outlives the one that started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_READY_SECONDS: Final = 60.0  # the first start compiles the learners
_STOP_SECONDS: Final = 15.0
_LOG: Final = "engine.log"
_HOST: Final = "127.0.0.1"


class EngineFailed(RuntimeError):  # noqa: N818 - says what happened
    """The engine did not start; the message holds the end of its output."""


@asynccontextmanager
async def running_engine(data: Path, *, port: int = 0) -> AsyncIterator[str]:
    """Starts an engine on the folder and gives its URL; stops it at the end, whatever happens.

    The engine's standard input is a pipe from this process: when this process is killed, the pipe closes and
    the engine stops by itself.

    Args:
        data: The engine's folder; created if missing.
        port: To listen on; 0 takes a free one.

    Raises:
        EngineFailed: It is not ready in time, or ended.
    """
    process = _start(data, port)
    try:
        yield await _url(process, data)
    finally:
        _stop(process)


def _start(data: Path, port: int) -> subprocess.Popen[bytes]:
    data.mkdir(parents=True, exist_ok=True)
    with (data / _LOG).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "anomalyops.demo.engine_process", str(data), str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the engine in good order
        )


async def _url(process: subprocess.Popen[bytes], data: Path) -> str:
    """The URL in the file that the engine writes when it is ready."""
    file = data / "engine.json"
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _READY_SECONDS
    while loop.time() < deadline:
        if process.poll() is not None:
            raise EngineFailed(f"the engine ended with code {process.returncode}: {_last_lines(data)}")
        with contextlib.suppress(OSError, ValueError, KeyError):
            ready = json.loads(file.read_text())
            if ready["pid"] == process.pid:
                return str(ready["url"])
        await asyncio.sleep(0.05)
    raise EngineFailed(f"the engine is not ready after {_READY_SECONDS:.0f} s: {_last_lines(data)}")


def _last_lines(data: Path) -> str:
    lines = (data / _LOG).read_text(errors="replace").strip().splitlines()
    return " / ".join(lines[-3:]) or "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _serve_while_parent_lives(data: Path, port: int) -> None:
    from anomalyops_engine.server import serve  # noqa: PLC0415 - only the child has it in memory

    threading.Thread(target=_end_with_stdin, daemon=True).start()
    serve(data, _HOST, port)


def _end_with_stdin() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve_while_parent_lives(Path(sys.argv[1]), int(sys.argv[2]))
