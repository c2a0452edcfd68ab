"""Times in which the database file stands still: what is in it stays as it is, while its log goes on growing.

Only a checkpoint changes blocks that the file's present headers lead to; a commit appends to the log, and at most fills
blocks that nothing leads to yet. So a copy of the log, and then of the file, is as good as what a crash leaves, as long
as no checkpoint is taken meanwhile. Whoever copies holds a lock on a file of the folder, shared with others that copy;
the engine takes it for itself wherever the file changes. It ends with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from anomalyops_engine.store.lock import FolderLock

_log = logging.getLogger(__name__)

_NAME: Final = "engine.standstill"


class Standstill:
    """The engine's side of the lock of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        # A lock is held by the descriptor, not by the thread.
        self._changing = threading.Lock()

    @contextmanager
    def over(self) -> Iterator[None]:
        """Change the file in the block, which begins when all copies that are being made are done."""
        with self._changing:
            if not self._take():
                _log.warning("data folder %s is being copied for a backup; waiting until that is done", self._folder)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    @contextmanager
    def unless_copied(self) -> Iterator[bool]:
        """Give whether the file may be changed in the block: nobody copies it."""
        with self._changing:
            taken = self._take()
            try:
                yield taken
            finally:
                if taken:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _take(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the lock up."""
        os.close(self._descriptor)


@contextmanager
def standing_still(folder: Path) -> Iterator[None]:
    """Let the database file of a folder be copied in the block, whether an engine uses it or not.

    Raises:
        StoreLockedError: an engine of a version that knows no such lock uses the folder.
    """
    path = folder / _NAME
    if not path.exists():
        lock = FolderLock(folder)
        try:
            path.touch()
        finally:
            lock.release()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
