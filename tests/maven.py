"""Libraries and archives that the tests fetch by Maven into the user's cache, and never ship."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_DOWNLOAD_SECONDS = 600


class NotFetched(Exception):
    """What was asked for cannot be had; the message says why."""


def fetched(pom: Path, folder: Path) -> Path:
    """Return a folder with what a pom names, fetched when it is not there.

    Args:
        pom: names the artifacts.
        folder: where they shall lie.

    Raises:
        NotFetched: Maven is missing, or could not fetch them.
    """
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise NotFetched(f"Maven (mvn) is not installed, and what {pom.name} names is not in the cache")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Another process may fetch the same at the same time.
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False)
    if done.returncode != 0 or not fresh.is_dir():
        shutil.rmtree(fresh, ignore_errors=True)
        raise NotFetched(f"Maven could not fetch what {pom.name} names:\n{done.stdout[-800:]}")
    if not folder.is_dir():
        fresh.rename(folder)
    return folder
