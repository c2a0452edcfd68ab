"""The official Python clients of majors 8 and 9, sync and async, unchanged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_CLIENTS = {"8": Path(sys.executable), "9": _ROOT / ".venv-es9" / "bin" / "python"}


@pytest.mark.parametrize("major", _CLIENTS)
def test_the_official_client_tells_its_story(shared_engine, major):
    python = _CLIENTS[major]
    assert python.exists(), (
        f"{python} is missing; make it with: python3 -m venv .venv-es9 && "
        ".venv-es9/bin/pip install 'elasticsearch[async]>=9,<10'"
    )
    story = Path(__file__).with_name("client_story.py")
    told = subprocess.run(
        [python, "-W", "error", story, shared_engine.url, f"story-{major}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"{major}.")
