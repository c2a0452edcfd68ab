"""Shapes: numbers for messages, the same for messages that differ in tokens with digits, or in paths, alone.

Most messages of a log repeat a shape, and the statement of a message depends on its shape alone, so that a message
costs one pass over its bytes. The loop runs over the text buffer of an Arrow array, outside the interpreter.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anomalyops_engine.analyzers.analyzer import Analyzer
from anomalyops_engine.models.kernel.compiling import kernel

Int64Array = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_WHOLE, _LINE_WITH_LETTERS, _LINE_WITH_ANYTHING = 0, 1, 2
_LINE_END, _AT = ord("\n"), ord("@")
_LINES: Final = {"first_line_with_letters": _LINE_WITH_LETTERS, "first_non_blank_line": _LINE_WITH_ANYTHING}

_SEPARATOR, _LETTER, _DIGIT, _JOINT, _SLASH, _BLANK, _BEYOND = 0, 1, 2, 3, 4, 5, 6


def _classes() -> npt.NDArray[np.uint8]:
    """The class of each byte: what `ml_standard` makes tokens of is letters, digits, joints and slashes."""
    classes = np.zeros(256, dtype=np.uint8)
    for letter in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        classes[letter] = _LETTER
    classes[ord("0") : ord("9") + 1] = _DIGIT
    for joint in b"_.-@":
        classes[joint] = _JOINT
    classes[ord("/")] = _SLASH
    for blank in b" \t\r\n\v\f":
        classes[blank] = _BLANK
    classes[128:] = _BEYOND
    return classes


_CLASSES: Final = _classes()


@kernel
def _picked_line(data: Bytes, start: int, end: int, classes: Bytes, line: int) -> tuple[int, int]:
    """The line that the analyzer picks; where only bytes beyond ASCII might be letters of it, all that follows too."""
    place = start
    while place < end:
        left, sure, perhaps = place, False, False
        while place < end and data[place] != _LINE_END:
            kind = classes[data[place]]
            sure = sure or kind == _LETTER or (line == _LINE_WITH_ANYTHING and kind < _BLANK)
            perhaps = perhaps or kind == _BEYOND
            place += 1
        if sure:
            return left, place
        if perhaps:
            return left, end
        place += 1
    return end, end


@kernel
def _mixed(mixed: Any, byte: Any) -> Any:
    """FNV-1a (Fowler, Noll, Vo)."""
    return (mixed ^ np.uint64(byte)) * np.uint64(1099511628211)


@kernel
def _value_mark(data: Bytes, left: int, right: int, classes: Bytes) -> int:
    """Whether a token is a value whatever its letters: 2 where it begins with a slash, 1 elsewhere, 0 where not.

    It is when it has a digit, when it is a path, or when it is an address with letters on both sides of an `@`.
    """
    letters, digits, slashes, sign, address, leads = 0, 0, 0, False, False, False
    for place in range(left, right):
        kind = classes[data[place]]
        letters += kind == _LETTER
        digits += kind == _DIGIT
        leads = leads or (kind == _SLASH and letters + digits + slashes == 0)
        slashes += kind == _SLASH
        address = address or (sign and kind == _LETTER)
        sign = sign or (data[place] == _AT and letters > 0)
    if digits or (letters and (leads or slashes > 1 or address)):
        return 2 if classes[data[left]] == _SLASH else 1
    return 0


@kernel
def _shape(data: Bytes, left: int, right: int, classes: Bytes, masked: bool) -> int:  # noqa: FBT001 - compiled
    """A number for a text, in which tokens with digits are as good as each other when `masked`."""
    mixed = np.uint64(14695981039346656037)
    place = left
    while place < right:
        first = place
        while masked and place < right and _SEPARATOR < classes[data[place]] < _BLANK:
            place += 1
        mark = _value_mark(data, first, place, classes)
        if mark:
            mixed = _mixed(mixed, mark)
        else:
            place = max(place, first + 1)
            for inner in range(first, place):
                mixed = _mixed(mixed, data[inner])
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    mixed ^= mixed >> np.uint64(29)
    return np.int64(mixed >> np.uint64(1))  # type: ignore[return-value]


@kernel
def _fingerprints(
    data: Bytes,
    offsets: Int64Array,
    classes: Bytes,
    line: int,
    masked: bool,  # noqa: FBT001 - compiled
) -> tuple[Int64Array, Int64Array]:
    """Shape, and length in characters, of each text between two offsets."""
    count = len(offsets) - 1
    shapes = np.empty(count, dtype=np.int64)
    lengths = np.empty(count, dtype=np.int64)
    for row in range(count):
        left, right = offsets[row], offsets[row + 1]
        length = 0
        for place in range(left, right):
            length += (data[place] & 0xC0) != 0x80
        lengths[row] = length
        if line != _WHOLE:
            left, right = _picked_line(data, left, right, classes, line)
        shapes[row] = _shape(data, left, right, classes, masked)
    return shapes, lengths


def shapes_of(messages: pa.Array, analyzer: Analyzer) -> tuple[Int64Array, Int64Array]:
    """Return the shape of each message, and its length in characters.

    Args:
        messages: texts without nulls.
        analyzer: what the messages are read with. Two messages of one shape are the same to it, but for tokens with
            digits.
    """
    line = _LINES.get(analyzer.line or "", _WHOLE)
    simple = len(analyzer.char_filters) == (1 if analyzer.line else 0)
    data, offsets = _buffers(messages)
    if simple:
        shapes, lengths = _fingerprints(data, offsets, _CLASSES, line, analyzer.shape_only)
        return shapes, lengths
    filtered = pa.array([analyzer.filtered(text) for text in messages.to_pylist()], pa.large_string())
    shapes, _ = _fingerprints(*_buffers(filtered), _CLASSES, _WHOLE, analyzer.shape_only)
    _, lengths = _fingerprints(data, offsets, _CLASSES, _WHOLE, analyzer.shape_only)
    return shapes, lengths


def _buffers(messages: pa.Array) -> tuple[npt.NDArray[Any], Int64Array]:
    texts = messages.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    if offsets is None or len(texts) == 0:
        return np.zeros(1, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    places = np.frombuffer(offsets, dtype=np.int64, count=len(texts) + 1, offset=8 * texts.offset)
    characters = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    return characters, places
