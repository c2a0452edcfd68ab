"""The pure core of the page: its own tests, and its types, where Node is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[2] / "console"


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_source_of_the_page_holds_what_it_promises(script):
    npm = shutil.which("npm")
    if npm is None or not (CONSOLE / "node_modules" / ".ready").exists():
        pytest.skip("Node and console/node_modules are needed: `make test-browser` installs the latter")
    result = subprocess.run([npm, "run", "--silent", script], cwd=CONSOLE, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    if script == "test":
        assert "\n# fail 0" in result.stdout
        assert "\n# pass 0" not in result.stdout
