"""The bytes and the text of a file: compression by its first bytes, encoding by its bytes, progress by its place."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from anomalyops_reading.errors import LoadError

_CHUNK: Final = 1 << 20
_DETECTED: Final = 1 << 18  # bytes that the detection of an encoding looks at
_AS_WELL: Final = 0.1  # by how much of the text one encoding may read worse than another, and still as well
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
COMPRESSED_SUFFIXES: Final = (".gz", ".zst", ".bz2", ".xz")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of a file are text.

    Attributes:
        name: the codec.
        note: what the user should know about the guess, empty when nothing was guessed.
    """

    name: str
    note: str = ""


class OpenFile:
    """A file that is being read: its decompressed bytes, and how far reading has come.

    Attributes:
        path: where it lies.
        size: bytes on disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._raw = path.open("rb")
            self.size = path.stat().st_size
            self.data = _decompressed(self._raw, path)
        except OSError as error:
            raise LoadError(f"{path}: {error.strerror or error}") from error

    @property
    def position(self) -> int:
        """Bytes of the file on disk that have been read, out of `size`."""
        return self.size if self._raw.closed else min(self._raw.tell(), self.size)

    def text(self, encoding: str) -> io.TextIOWrapper:
        """Return the file as text; line ends stay as they are.

        Bytes that are no text become lone surrogates, which no encoder accepts: their rows are rejected by name.
        """
        return io.TextIOWrapper(self.data, encoding=encoding, errors="surrogateescape", newline="")

    def close(self) -> None:
        """Close it."""
        self._raw.close()


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """Open a file, decompressing what is compressed.

    Raises:
        LoadError: it cannot be opened, or turns out to be damaged while it is read.
    """
    file = OpenFile(path)
    try:
        yield file
    except (EOFError, OSError, lzma.LZMAError) as error:
        raise LoadError(f"{path}: the file is damaged: {error}") from error
    finally:
        file.close()


def detect_encoding(path: Path) -> Encoding:
    """Return the encoding of a text file, looked for in all of its bytes.

    Raises:
        LoadError: it cannot be read, is empty, or is no text in a known encoding.
    """
    with opened(path) as file:
        start = file.data.read(_DETECTED)
        if not start.strip(b"\x00\r\n\t "):
            raise LoadError(f"{path}: the file is empty")
        for bom, name in _BOMS:
            if start.startswith(bom):
                return Encoding(name)
        wide = _without_bom(start)
        if wide is not None:
            return Encoding(wide, f"read as {wide.upper()} (--encoding names another)")
        good, bad = _utf8_lines(start, file.data)
    if not bad:
        return Encoding("utf-8")
    first = f"line {bad[0]} is not UTF-8"
    if good > len(bad):
        return Encoding(
            "utf-8", f"{first}, nor are {len(bad) - 1} more lines; the others are (--encoding names another)"
        )
    guessed = _guess(start)
    if guessed is None:
        raise LoadError(f"{path}: {first}, and no other encoding is recognised: say which with --encoding")
    return Encoding(guessed, f"{first}; read as {guessed} (--encoding names another)")


def check_encoding(name: str) -> Encoding:
    """Return the encoding that a user names.

    Raises:
        LoadError: Python knows none of that name.
    """
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise LoadError(
            f"encoding {name!r} is not known; examples: utf-8, utf-16, latin-1, cp1252, shift_jis"
        ) from None
    if not found._is_text_encoding:
        raise LoadError(f"encoding {name!r} is no encoding of text")
    return Encoding("utf-8-sig" if found.name == "utf-8" else found.name)


def _decompressed(raw: IO[bytes], path: Path) -> IO[bytes]:
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if start.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if start.startswith(b"\xfd7zXZ\x00"):
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    if start.startswith(_ZSTD):
        try:
            import zstandard
        except ImportError:
            raise LoadError(
                f"{path}: reading .zst needs the package zstandard (pip install 'anomalyops[engine]')"
            ) from None
        reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", reader), _CHUNK))
    return raw


def _without_bom(start: bytes) -> str | None:
    """Return UTF-16 in the order in which Latin text would have a zero in every other byte."""
    sample = start[: len(start) // 2 * 2]
    half = len(sample) // 2
    if half and sample[1::2].count(0) > 0.6 * half and sample[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if half and sample[0::2].count(0) > 0.6 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def _utf8_lines(start: bytes, rest: IO[bytes]) -> tuple[int, list[int]]:
    """Return how many lines have characters beyond ASCII in UTF-8, and the numbers of those that are no UTF-8."""
    good, bad, number = 0, [], 0
    chunk, carried = start, b""
    while chunk or carried:
        lines = (carried + chunk).split(b"\n")
        carried = lines.pop() if chunk else b""
        joined = b"\n".join(lines)
        if not joined.isascii():
            for offset, line in enumerate(lines, 1):
                if line.isascii():
                    continue
                try:
                    line.decode()
                    good += 1
                except UnicodeDecodeError:
                    bad.append(number + offset)
        number += len(lines)
        chunk = rest.read(_CHUNK) if chunk else b""
    return good, bad


def _guess(start: bytes) -> str | None:
    """Return the likeliest encoding of bytes that are not UTF-8."""
    from charset_normalizer import from_bytes

    found = from_bytes(start)
    best = found.best()
    if best is None:
        return None
    # Western text looks alike in many code pages; of those that read as well, the most used is taken.
    likely = {
        name
        for one in found
        if one.coherence >= best.coherence - _AS_WELL and one.chaos <= best.chaos + _AS_WELL
        for name in (one.encoding, *one.could_be_from_charset)
    }
    return next((name for name in ("cp1252", "latin_1", "shift_jis", "gb18030") if name in likely), best.encoding)
