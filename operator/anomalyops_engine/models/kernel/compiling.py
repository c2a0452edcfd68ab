"""How the learners' loops are compiled: once for each version of their source, then kept on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

# Level 3 takes a third longer to compile and runs no faster here; it must be set before numba is imported.
os.environ.setdefault("NUMBA_OPT", "1")

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _cache_folder() -> Path:
    """A private, writable folder for compiled code that belongs to exactly this source.

    numba notices a changed file, but not a change in a function that another file's code was compiled with, so the
    folder's name holds a digest of all learners' files. It lies in NUMBA_CACHE_DIR when that is set, else in the
    user's cache folder; where neither can be written (a read-only container), compiled code lasts one process.
    """
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    base = Path(os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = base / "anomalyops" / f"kernels-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="anomalyops-kernels-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="anomalyops-kernels-"))


numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def kernel(function: _Function) -> _Function:
    """Compile a function to machine code that runs without the interpreter's lock."""
    return cast(_Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
