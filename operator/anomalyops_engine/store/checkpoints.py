"""Checkpoints: what is in the log goes into the file, in a thread of its own and when nobody writes, as far as can be.

A committed write is in the log and so is safe; a checkpoint only keeps the log short. Writers wait for it, readers do
not. It takes the longer the more is in the log, however large the file is, so the log is brought in as soon as it has
as much as this machine brings in within a moment. What deletions free can be used again after a checkpoint, so one
follows each deletion of many documents.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from anomalyops_engine.store.errors import StoreError

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.25
# How long nothing was written when writing is said to pause.
_PAUSE_S: Final = 1.0
# Bytes of the log that are brought in when writing pauses.
_SHORT: Final = 4 * 2**20
# For how long writers may have to wait, and between which bytes of the log that is aimed at: each checkpoint waits for
# the disk several times and begins a new group of rows, so that many small ones cost more in all.
_STALL_S: Final = 0.5
_LEAST: Final = 8 * 2**20
_LONG: Final = 64 * 2**20
# How long to wait after one that did not shorten the log: a snapshot is held, or the disk is full.
_AGAIN_S: Final = 30.0
# For how long "other transactions are active" is only said of what is just ending, and tried again soon.
_BUSY_S: Final = 60.0


class Checkpoints:
    """The thread that takes the checkpoints of a database file."""

    def __init__(self, file: Path, take: Callable[[], tuple[int, bool] | None]) -> None:
        """Prepare the thread; it runs from the first commit on.

        Args:
            file: the database file.
            take: takes a checkpoint, with the store held, and returns how long the log then is, and whether nobody
                read meanwhile: what readers may still see is not freed. None where the file is being copied.
        """
        self._file = file
        self._log_file = file.with_name(f"{file.name}.wal")
        self._take = take
        self._started = False
        self._starting = threading.Lock()
        self._written = threading.Event()
        self._end = threading.Event()
        self._latest = 0.0
        self._freed = False
        self._noting = threading.Lock()  # writers and the thread both say whether something became free
        self._not_before = 0.0
        self._bound = float(_LEAST)  # bytes of the log that are brought in whatever is written
        self._busy_since: float | None = None
        self.taken = 0  # that were, since the start
        self.failed = 0
        self.trouble: str | None = None  # why the latest one failed

    def note_commit(self, *, freed: bool) -> None:
        """Note that something was written, and whether much of the file became free by it."""
        self._latest = time.monotonic()
        self._note_freed(freed=freed)
        if not self._started:
            self._start()
        self._written.set()

    def _note_freed(self, *, freed: bool) -> None:
        with self._noting:
            self._freed = self._freed or freed

    def _start(self) -> None:
        with self._starting:
            if not self._started and not self._end.is_set():
                self._started = True
                threading.Thread(target=self._run, name="checkpoints", daemon=True).start()

    def stop(self) -> None:
        """Take no more; one that runs is finished."""
        self._end.set()
        self._written.set()

    def _run(self) -> None:
        while not self._end.is_set():
            self._written.wait()
            self._written.clear()
            while not self._end.wait(_POLL_S) and self._is_wanted():
                if self._is_due(self.log_bytes()):
                    self._checkpoint()

    def _is_wanted(self) -> bool:
        """Return whether there is something to wait for."""
        return self._freed or self.log_bytes() >= _SHORT

    def _is_due(self, size: int) -> bool:
        now = time.monotonic()
        if now < self._not_before:
            return False
        paused = now - self._latest >= _PAUSE_S
        return size >= min(self._bound, _LONG) or (paused and (self._freed or size >= _SHORT))

    def _checkpoint(self) -> None:
        with self._noting:
            freed, self._freed = self._freed, False
        size, began = self.log_bytes(), time.monotonic()
        try:
            outcome = self._take()
        except StoreError:
            return  # it was closed meanwhile
        except duckdb.Error as error:
            self._note_freed(freed=freed)
            self._note_failure(error)
            return
        if outcome is None:
            self._note_freed(freed=freed)
            self._not_before = time.monotonic() + _PAUSE_S
            return
        left, alone = outcome
        self._note_speed(size, time.monotonic() - began)
        self.taken += 1
        self._busy_since = None
        self.trouble = None
        self._note_freed(freed=freed and not alone)
        if left >= _SHORT or self._freed:
            self._not_before = time.monotonic() + _AGAIN_S

    def _note_speed(self, size: int, took_s: float) -> None:
        """Have the next checkpoints bring in what this machine brings in within a moment."""
        if size >= _SHORT:
            self._bound = min(max(_STALL_S * size / max(took_s, 0.001), _LEAST), _LONG)

    def _note_failure(self, error: duckdb.Error) -> None:
        """Wait until the next attempt: shortly where something of the database was just ending."""
        now = time.monotonic()
        if isinstance(error, duckdb.TransactionException):
            self._busy_since = self._busy_since or now
            if now - self._busy_since < _BUSY_S:
                self._not_before = now + _PAUSE_S
                return
        _log.warning("the log could not be brought into the database file: %s", error)
        self._not_before = now + _AGAIN_S
        self.failed += 1
        self.trouble = str(error).partition("\n")[0]

    def log_bytes(self) -> int:
        """Return the length of the log."""
        try:
            return self._log_file.stat().st_size
        except FileNotFoundError:
            return 0
