"""One process at a time on a data folder: a lock file that also says who holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from anomalyops_engine.store.errors import StoreLockedError


class FolderLock:
    """An exclusive lock on a folder, held until `release` or the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            StoreLockedError: somebody else holds it.
        """
        path = folder / "engine.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            text = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise StoreLockedError(str(folder), int(text) if text.isdigit() else None) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder free."""
        os.close(self._descriptor)
