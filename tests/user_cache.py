"""The folder where the tests keep what they built or fetched, from one run to the next."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache(part: str) -> Path:
    """Return the folder of one part of the tests in the user's cache; it need not be there yet."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "anomalyops" / part
