"""A model snapshot: plain values and arrays in one versioned, compressed blob that holds no code."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

MAGIC = b"AOMODEL"
VERSION = 13

Arrays = dict[str, npt.NDArray[Any]]


class SnapshotError(ValueError):
    """A blob is no snapshot of this engine, or one of a version that it cannot read."""


def write_snapshot(plain: dict[str, Any], arrays: Arrays) -> bytes:
    """The blob of plain (JSON) values and named arrays."""
    buffer = io.BytesIO()
    header = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    stored: dict[str, Any] = {"header": header} | {f"array.{name}": array for name, array in arrays.items()}
    np.savez(buffer, **stored)
    return MAGIC + VERSION.to_bytes(2, "big") + zstandard.compress(buffer.getvalue(), level=1)


def read_snapshot(blob: bytes) -> tuple[dict[str, Any], Arrays]:
    """The plain values and arrays of a blob.

    Raises:
        SnapshotError: When it is damaged, foreign or of an unknown version.
    """
    if not blob.startswith(MAGIC):
        raise SnapshotError("model state does not start with this engine's mark")
    version = int.from_bytes(blob[len(MAGIC) : len(MAGIC) + 2], "big")
    if version != VERSION:
        raise SnapshotError(f"model state is of version {version}; this engine reads version {VERSION}")
    try:
        raw = _unpacked(blob[len(MAGIC) + 2 :])
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            plain = json.loads(stored["header"].tobytes())
            arrays = {name.removeprefix("array."): stored[name] for name in stored.files if name.startswith("array.")}
    except (zlib.error, zstandard.ZstdError, zipfile.BadZipFile, ValueError, KeyError, OSError) as error:
        raise SnapshotError(f"model state is damaged: {error}") from error
    return plain, arrays


def _unpacked(packed: bytes) -> bytes:
    """The content of a blob; those written until zstandard came are zlib streams."""
    if packed.startswith(zstandard.FRAME_HEADER):
        return zstandard.decompress(packed)
    return zlib.decompress(packed)
