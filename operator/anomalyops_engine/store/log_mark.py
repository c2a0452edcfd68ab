"""How far the write-ahead log has come, kept beside it: a log that is lost or cut must not go unseen.

The database opens a file without its log as if nothing had been written since the latest checkpoint, and one with a
log that is cut up to the cut. So a mark beside it tells, after each commit, in which state the file was when the log
began (a digest of its headers, which each checkpoint writes anew) and how long the log then was. The log is on disk
before the mark is written; a mark that was not written in time says less than there is, never more.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from anomalyops_engine.store.errors import LostLogError

MARK_FILE: Final = "engine.mark"
# Three blocks of 4 KiB: what the file is, and the two headers between which checkpoints alternate.
_HEADERS: Final = 3 * 4096
_FORMAT: Final = "{digest:64} {length:020d}\n"


class LogMark:
    """The mark of one database file; for one writer."""

    def __init__(self, file: Path) -> None:
        """Look at the mark before the database opens its file.

        Raises:
            LostLogError: the log is not there, or shorter than what was committed to it.
        """
        self._file = file
        self._log = file.with_name(f"{file.name}.wal")
        self._path = file.with_name(MARK_FILE)
        self._check()
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._digest: str | None = None
        self._length = 0

    def note_commit(self) -> None:
        """Tell how long the log is, now that it is on disk."""
        length = _size(self._log)
        began = self._digest is None or length < self._length
        if began:
            self._digest = _digest(self._file)
        self._length = length
        os.pwrite(self._descriptor, _FORMAT.format(digest=self._digest, length=length).encode(), 0)
        if began:
            os.fsync(self._descriptor)

    def note_checkpoint(self) -> None:
        """Look at the file's headers anew at the next commit."""
        self._digest = None

    def close(self) -> None:
        """Write no more."""
        os.close(self._descriptor)

    def _check(self) -> None:
        try:
            digest, length = self._path.read_text(encoding="ascii").split()
        except (FileNotFoundError, ValueError):
            return
        if not length.isdigit():
            return
        folder = str(self._file.parent)
        if not self._file.exists():
            raise LostLogError(folder, f"{self._file.name} is missing", self._path.name)
        if digest != _digest(self._file):
            return  # a checkpoint has brought the log into the file
        found = _size(self._log)
        if found < int(length):
            what = f"has {found} bytes" if found else "is missing"
            raise LostLogError(
                folder, f"{self._log.name} {what}, and {int(length)} bytes of it were committed", self._path.name
            )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.sha256(opened.read(_HEADERS)).hexdigest()
