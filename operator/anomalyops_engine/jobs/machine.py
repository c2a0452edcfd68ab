"""What the machine (or the container) offers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from anomalyops_engine.config import MemorySize

_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
# As much as Elasticsearch gives to machine learning on a node that does little else.
_SHARE: Final = 0.6


def machine_memory() -> int:
    """Return the memory of the container or machine, bytes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CGROUP_LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        limit = "max"
    return min(total, int(limit)) if limit.isdigit() else total


def usable_memory() -> MemorySize:
    """Return what all models together may use: a share of the container's or machine's memory."""
    return MemorySize(max(int(machine_memory() * _SHARE) >> 20, 1))
