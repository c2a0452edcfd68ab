"""Java and the libraries of Elasticsearch: found or downloaded to the user's cache, never shipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from maven import NotFetched, fetched
from user_cache import user_cache

_HERE = Path(__file__).parent
_MINIMUM = 21


class JudgeUnavailable(Exception):
    """The judge cannot sit: Java, Maven or a library is missing; the message says which."""


def find_java() -> Path:
    """Return a `java` of version 21 or newer: from JAVA_HOME, the PATH, or where systems install them.

    Raises:
        JudgeUnavailable: there is none.
    """
    candidates = [Path(os.environ["JAVA_HOME"]) / "bin/java"] if os.environ.get("JAVA_HOME") else []
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    for folder in (Path("/usr/lib/jvm"), Path("/opt"), Path("/Library/Java/JavaVirtualMachines")):
        candidates += sorted(folder.glob("*/bin/java")) + sorted(folder.glob("*/Contents/Home/bin/java"))
    for candidate in candidates:
        if _major_version(candidate) >= _MINIMUM:
            return candidate
    raise JudgeUnavailable(f"no Java {_MINIMUM} or newer found (set JAVA_HOME)")


def libraries(part: str) -> Path:
    """Return the folder of the libraries that the pom of a part (`server`, `parsers`) names.

    Raises:
        JudgeUnavailable: Maven is missing, or could not download them.
    """
    pom = _HERE / part / "pom.xml"
    folder = cache() / f"{part}-{_version_of(pom)}"
    try:
        return fetched(pom, folder)
    except NotFetched as error:
        raise JudgeUnavailable(f"the libraries of {part}: {error}") from None


def cache() -> Path:
    """Return the folder in the user's cache where the libraries lie, made when missing."""
    folder = user_cache("judge")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _major_version(java: Path) -> int:
    if not java.exists():
        return 0
    said = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def _version_of(pom: Path) -> str:
    found = re.search(r"<artifactId>elasticsearch</artifactId><version>([^<]+)</version>", pom.read_text())
    assert found is not None
    return found[1]
