"""How the learners' loops are compiled: once a machine, cached where there is a writable place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _choose_cache_folder() -> None:
    """Give numba a writable cache folder when the package's own and the user's are read-only.

    numba itself tries the package's `__pycache__` and then the user's cache folder, and refuses to compile when
    neither can be written, as in a container with a read-only root file system and no home.
    """
    if numba.config.CACHE_DIR or os.access(Path(__file__).parent, os.W_OK):
        return
    home_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    existing = next(folder for folder in (home_cache, *home_cache.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        numba.config.CACHE_DIR = str(Path(tempfile.gettempdir()) / f"anomalyops-kernels-{os.getuid()}")


_choose_cache_folder()


def kernel(function: _Function) -> _Function:
    """Compile a function to machine code that runs without the interpreter's lock."""
    return cast(_Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
