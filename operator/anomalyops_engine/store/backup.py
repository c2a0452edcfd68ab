"""Backups of a data folder, taken while an engine uses it or not, and data folders made of them.

A backup is a folder of two files: the database file with everything in it, and a description of it. It is made beside
its place under another name, looked through, and moved there in one step; so is the file of a data folder that is made
of it. Who is killed meanwhile leaves what was there before, and remains that the next attempt removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from anomalyops_engine import __version__
from anomalyops_engine.store.database import connect, limits_of
from anomalyops_engine.store.errors import BackupError, LostLogError
from anomalyops_engine.store.identifiers import quoted
from anomalyops_engine.store.layout import DATABASE_FILE, RESTORED_SUFFIX, is_readable, readable
from anomalyops_engine.store.lock import FolderLock
from anomalyops_engine.store.log_mark import MARK_FILE, LogMark
from anomalyops_engine.store.standstill import standing_still
from anomalyops_engine.store.syncing import sync

DESCRIPTION: Final = "backup.json"
# What a backup takes of a machine whose engine goes on.
_LIMITS: Final = limits_of(2**30, 1)
# The log before the file: what it leads to in the file was there before it.
_LOGS: Final = tuple(f"{DATABASE_FILE}{suffix}" for suffix in (".wal", ".wal.checkpoint", ".wal.recovery"))
_CHUNK: Final = 2**22
# Bringing the log of a copy into its file needs room beside both.
_ROOM: Final = 1.1
_TABLES: Final = "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup is of.

    Attributes:
        taken: when, in UTC (ISO 8601).
        engine: version of the engine whose command took it.
        layout: version of the layout of the database file.
        uuid: identity of the data folder, which the cluster's `cluster_uuid` is.
        bytes: length of the database file.
        sha256: its digest.
        tables: rows of each table of the database.
        indices: documents of each index.
    """

    taken: str
    engine: str
    layout: int
    uuid: str
    bytes: int
    sha256: str
    tables: Mapping[str, int]
    indices: Mapping[str, int]


def back_up(folder: Path, target: Path) -> Backup:
    """Copy a data folder, and look through the copy: every block of it is read.

    Everything that was acknowledged before the call is in the copy; an engine that uses the folder goes on meanwhile,
    and takes no checkpoint until the files are copied.

    Args:
        folder: the data folder.
        target: the backup; a folder that is not there yet.

    Raises:
        BackupError: there is nothing to copy, the target is there, there is no room for it, or the copy is not whole.
        LostLogError: acknowledged writes are missing in the data folder.
        StoreLockedError: an engine of a version without backups uses it.
        OSError: a file cannot be read or written.
    """
    file = folder / DATABASE_FILE
    if not file.exists():
        raise BackupError(f"there is no engine's data in {folder}: {DATABASE_FILE} is missing")
    with _new_folder(target) as made:
        with standing_still(folder):
            taken = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            _check_room(folder, made)
            _copy_folder(folder, made)
        backup = _brought_together(made, folder, taken)
        _write(made / DESCRIPTION, orjson.dumps(asdict(backup), option=orjson.OPT_INDENT_2))
    return backup


def restore(source: Path, folder: Path) -> Backup:
    """Make a data folder of a backup, after checking that the backup is what was written then.

    Args:
        source: the backup.
        folder: the data folder: not there yet, or without an engine's data.

    Raises:
        BackupError: the backup is not whole or of another layout, or the folder has data.
        StoreLockedError: an engine uses the folder.
        OSError: a file cannot be read or written.
    """
    backup = described(source)
    if not is_readable(backup.layout):
        raise BackupError(f"backup {source} has layout version {backup.layout}; this version reads {readable()}")
    _check_without_data(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder)
    try:
        _check_without_data(folder)
        fresh = folder / f"{DATABASE_FILE}{RESTORED_SUFFIX}"
        fresh.unlink(missing_ok=True)
        try:
            _restore_file(source, backup, fresh)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        fresh.rename(folder / DATABASE_FILE)
        sync(folder)
    finally:
        lock.release()
    return backup


def described(source: Path) -> Backup:
    """Return what a backup says that it is.

    Raises:
        BackupError: it says nothing that can be read.
    """
    path = source / DESCRIPTION
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{source} is no backup: {DESCRIPTION} is missing") from None
    except ValueError as error:
        raise BackupError(f"{path} cannot be read: {error}") from None
    return _read_description(found, path)


def _read_description(found: Any, path: Path) -> Backup:
    kinds: dict[str, type] = {"taken": str, "engine": str, "layout": int, "uuid": str, "bytes": int, "sha256": str}
    kinds |= {"tables": dict, "indices": dict}
    if not isinstance(found, dict) or found.keys() != kinds.keys():
        raise BackupError(f"{path} cannot be read: it must have {', '.join(kinds)} and nothing else")
    for name, kind in kinds.items():
        if type(found[name]) is not kind:
            raise BackupError(f"{path} cannot be read: [{name}] is {found[name]!r} and must be a {_WORDS[kind]}")
        if kind is dict and not all(type(count) is int for count in found[name].values()):
            raise BackupError(f"{path} cannot be read: [{name}] must hold numbers")
    return Backup(**found)


_WORDS: Final = {str: "text", int: "whole number", dict: "object"}


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder that becomes the target, in one step, when the block ends; and is gone when it raises."""
    if target.exists() or target.is_symlink():
        raise BackupError(f"{target} is there already; a backup goes into a folder that is not")
    made = target.with_name(f".{target.name}.incomplete")
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another process is making the backup {target}") from None
        try:
            _clear(made)
            yield made
            os.fsync(descriptor)
            made.rename(target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        sync(target.parent)
    finally:
        os.close(descriptor)


def _clear(folder: Path, *, but: str = "") -> None:
    """Remove what is in a folder, but for one file."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != but:
            path.unlink()


def _check_room(folder: Path, made: Path) -> None:
    """Refuse to fill a disk, perhaps the one that the engine writes to.

    Raises:
        BackupError: there is not enough room.
    """
    size = sum(path.stat().st_size for name in (*_LOGS, DATABASE_FILE) if (path := folder / name).exists())
    free = shutil.disk_usage(made).free
    if free < size * _ROOM:
        raise BackupError(f"a backup of {folder} takes {int(size * _ROOM)} bytes, and its disk has {free} free")


def _copy_folder(folder: Path, made: Path) -> None:
    """Copy the files of a data folder that stands still, and check that no acknowledged write is missing.

    Raises:
        LostLogError: one is.
    """
    mark = folder / MARK_FILE
    if mark.exists():
        # Before the log, which may grow: then what it says is in the copy. It is written in place, so it is read twice.
        text = mark.read_bytes()
        while text != (text := mark.read_bytes()):
            pass
        _write(made / MARK_FILE, text)
    for name in (*_LOGS, DATABASE_FILE):
        if (folder / name).exists():
            _copy(folder / name, made / name)
    try:
        LogMark(made / DATABASE_FILE).close()
    except LostLogError as error:
        raise LostLogError(str(folder), error.what, error.mark) from None


def _copy(source: Path, target: Path) -> str:
    """Copy a file as long as it is now, and have it on disk; returns the digest of it."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        left = os.fstat(read.fileno()).st_size
        while left and (chunk := read.read(min(left, _CHUNK))):
            written.write(chunk)
            digest.update(chunk)
            left -= len(chunk)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


def _brought_together(made: Path, folder: Path, taken: str) -> Backup:
    """Bring the log of a copy into its file, read all of it, and return what it is.

    Raises:
        BackupError: it is not whole.
    """
    file = made / DATABASE_FILE
    try:
        with connect(str(file), _LIMITS) as connection:
            connection.execute("CHECKPOINT")
        found = _looked_through(file)
    except duckdb.Error as error:
        why = str(error).strip().partition("\n")[0]
        raise BackupError(f"the copy of {folder} cannot be read, so it was thrown away: {why}") from error
    _clear(made, but=DATABASE_FILE)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return Backup(taken=taken, engine=__version__, bytes=file.stat().st_size, sha256=digest, **found)


def _looked_through(file: Path) -> dict[str, Any]:
    """Read every value of a database file, whose blocks have checksums, and count.

    Raises:
        BackupError: it is of a newer layout.
        duckdb.Error: it is damaged.
    """
    with duckdb.connect(str(file), read_only=True, config=_READ_ONLY) as connection:
        ((layout,),) = connection.execute("SELECT version FROM format").fetchall()
        if not is_readable(layout):
            raise BackupError(f"the data have layout version {layout}; this version reads {readable()}")
        tables = {table: _rows(connection, table) for (table,) in connection.execute(_TABLES).fetchall()}
        named = connection.execute("SELECT name, table_name FROM indices ORDER BY name").fetchall()
        ((uuid,),) = connection.execute("SELECT uuid FROM identity").fetchall()
        # Where an index has several tables, its own is a view of them.
        indices = {name: tables[table] if table in tables else _rows(connection, table) for name, table in named}
    return {"layout": layout, "uuid": uuid, "tables": tables, "indices": indices}


_READ_ONLY: Final[dict[str, Any]] = {**_LIMITS, "enable_external_access": "false"}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Return the rows of a table, of which every value is read for it."""
    ((count, _),) = connection.execute(
        f"SELECT count(*), bit_xor(hash(t)) FROM {quoted(table)} t"  # noqa: S608 (a quoted name)
    ).fetchall()
    return int(count)


def _check_without_data(folder: Path) -> None:
    for name in (DATABASE_FILE, *_LOGS, MARK_FILE):
        if (folder / name).exists():
            raise BackupError(
                f"{folder} has an engine's data ({name}), which a backup does not replace; move it away, or restore "
                "into another folder"
            )


def _restore_file(source: Path, backup: Backup, fresh: Path) -> None:
    """Copy the file of a backup, and check that it is what was written.

    Raises:
        BackupError: it is not.
    """
    file = source / DATABASE_FILE
    if not file.exists():
        raise BackupError(f"backup {source} is not whole: {DATABASE_FILE} is missing")
    free = shutil.disk_usage(fresh.parent).free
    if free < file.stat().st_size:
        raise BackupError(f"restoring {source} takes {file.stat().st_size} bytes, and the disk has {free} free")
    digest = _copy(file, fresh)
    if (fresh.stat().st_size, digest) != (backup.bytes, backup.sha256):
        raise BackupError(
            f"backup {source} is damaged: {DATABASE_FILE} has {fresh.stat().st_size} bytes with the digest {digest}, "
            f"and was written with {backup.bytes} and {backup.sha256}"
        )
    try:
        found = _looked_through(fresh)
    except duckdb.Error as error:
        raise BackupError(f"backup {source} cannot be read: {str(error).strip().partition(chr(10))[0]}") from error
    for name, value in found.items():
        if value != getattr(backup, name):
            raise BackupError(f"backup {source} is damaged: its {name} are not those of its {DESCRIPTION}")


def _write(path: Path, content: bytes) -> None:
    """Write a file and have it on disk."""
    with path.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
