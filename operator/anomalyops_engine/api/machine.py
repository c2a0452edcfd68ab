"""What the process and its machine take and have: figures of node tables and statistics."""

from __future__ import annotations

import os
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anomalyops_engine.jobs.machine import machine_memory

_STARTED: Final = time.time()
_MEMINFO: Final = Path("/proc/meminfo")
_OWN_PAGES: Final = Path("/proc/self/statm")
_OWN_FILES: Final = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one moment; -1 for what the system does not tell, as Elasticsearch has it.

    Attributes:
        memory: bytes of the machine or container.
        memory_free: bytes of it that nobody uses.
        resident: bytes that this process has in memory.
        files_open: open files of this process.
        files_most: how many it may open.
        load: mean number of processes that want to run, over 1, 5 and 15 minutes.
        disk_total: bytes of the disk of the data folder.
        disk_free: bytes of it that are free.
        uptime_ms: how long the process runs.
        started_ms: since when, epoch milliseconds.
        processors: how many there are.
        cpu_ms: time that all of them have worked for this process.
    """

    memory: int
    memory_free: int
    resident: int
    files_open: int
    files_most: int
    load: tuple[float, float, float]
    disk_total: int
    disk_free: int
    uptime_ms: int
    started_ms: int
    processors: int
    cpu_ms: int

    @property
    def memory_percent(self) -> int:
        """How much of the memory is used."""
        return -1 if self.memory_free < 0 else round(100 * (self.memory - self.memory_free) / max(self.memory, 1))

    @property
    def resident_percent(self) -> int:
        """How much of the memory this process has."""
        return round(100 * max(self.resident, 0) / max(self.memory, 1))

    @property
    def disk_used(self) -> int:
        """Bytes of the disk that are used."""
        return self.disk_total - self.disk_free


def figures(folder: Path) -> Figures:
    """Return the figures of now.

    Args:
        folder: the data folder, whose disk counts.
    """
    disk = shutil.disk_usage(folder)
    memory = machine_memory()
    now = time.time()
    return Figures(
        memory=memory,
        memory_free=min(_available(), memory),
        resident=_resident(),
        files_open=_open_files(),
        files_most=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        load=os.getloadavg(),
        disk_total=disk.total,
        disk_free=disk.free,
        uptime_ms=int((now - _STARTED) * 1000),
        started_ms=int(_STARTED * 1000),
        processors=os.cpu_count() or 1,
        cpu_ms=int(time.process_time() * 1000),
    )


def _available() -> int:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return -1
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else -1


def _resident() -> int:
    try:
        return int(_OWN_PAGES.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return -1


def _open_files() -> int:
    try:
        return sum(1 for _ in _OWN_FILES.iterdir())
    except OSError:
        return -1
