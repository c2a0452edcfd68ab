"""OpenSearch's detector beside ours: its random cut forest (Apache-2.0), from Maven, run by Java."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.accuracy.case import Array, Case

_HERE = Path(__file__).parent
_DOWNLOAD_SECONDS = 600


class MissingForestError(Exception):
    """The forest cannot run here; the message says what is missing."""


class Forest:
    """The thresholded random cut forest; a score is its anomaly grade times 100."""

    name = "random cut forest"

    def __init__(self) -> None:
        """Find Java, and the forest's libraries in the cache or through Maven.

        Raises:
            MissingForestError: Java or Maven is missing, or the libraries cannot be had.
        """
        java = shutil.which("java")
        if java is None:
            raise MissingForestError("no Java on the PATH")
        jars = sorted(str(jar) for jar in _libraries().glob("*.jar"))
        self._command = [java, "-cp", os.pathsep.join(jars), str(_HERE / "Forest.java")]

    def scores(self, cases: Sequence[Case]) -> list[Array]:
        """Scores by bucket; a bucket without data has 0 and is not shown to the forest."""
        lines = [" ".join(map(repr, case.values[np.isfinite(case.values)].tolist())) for case in cases]
        done = subprocess.run(self._command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
        return [_by_bucket(case, answer) for case, answer in zip(cases, done.stdout.splitlines(), strict=True)]


def _by_bucket(case: Case, answer: str) -> Array:
    scores = np.zeros(len(case.values))
    scores[np.isfinite(case.values)] = [100.0 * float(grade) for grade in answer.split()]
    return scores


def _libraries() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anomalyops"
    folder = base / "random-cut-forest-3.8.0"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingForestError("no Maven (mvn) on the PATH, and the libraries are not in the cache")
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as fresh:
        target = Path(fresh) / "jars"
        command = [maven, "-q", "-B", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={target}"],
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_SECONDS,
            check=False,
        )
        if done.returncode != 0 or not target.is_dir():
            raise MissingForestError(f"Maven could not download the libraries:\n{done.stdout[-800:]}")
        target.rename(folder)
    return folder
