"""What a store takes and has done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """Figures of one moment; what is counted is counted since the store was opened.

    Attributes:
        file_bytes: length of the database file.
        log_bytes: length of its write-ahead log.
        memory_bytes: what the database holds in memory.
        temporary_bytes: what it has put on disk for want of memory.
        commits: transactions that were committed.
        checkpoints: how often the log was brought into the file.
        failed_checkpoints: how often that could not be done.
        cursors: snapshots that are open.
    """

    file_bytes: int
    log_bytes: int
    memory_bytes: int
    temporary_bytes: int
    commits: int
    checkpoints: int
    failed_checkpoints: int
    cursors: int
