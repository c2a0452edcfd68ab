"""A console of its own beside a server, as `anomalyops console` starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import PATIENCE_S

_OPERATOR = Path(__file__).resolve().parents[2] / "operator"


@contextmanager
def console_beside(url: str, *arguments: str) -> Iterator[str]:
    """Start a console over a server and yield its address; it only reads, unless an argument says otherwise."""
    process = subprocess.Popen(
        [sys.executable, "-m", "anomalyops.cli.main", "console", "--port", "0", "--url", url, *arguments],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR), "COLUMNS": "200"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"is at (http://127\.0\.0\.1:\d+)/_console/", line)
        assert found, line
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                urllib.request.urlopen(f"{found[1]}/_console/").close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
