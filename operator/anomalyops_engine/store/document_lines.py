"""Documents as one text, a line each: what reads all of them at once, and what keeps them, take no copy of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_LINE_END, _OPENED, _CLOSED = b"\n{}"
# A view of Arrow's tells of the first bytes of its text, then where it begins; a short text is in the view itself.
_TOLD: Final = 4
_SHORT: Final = 12
_LARGEST: Final = 2**31 - 1
_Places: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DocumentLines:
    """Texts from brace to brace.

    Such a line has at least one whole document, so as many documents as lines are one of each.

    Attributes:
        text: the lines, without an end after the last one.
        begins: where each begins.
        ends: where each ends.
    """

    text: bytes
    begins: _Places
    ends: _Places

    @classmethod
    def of(cls, sources: Sequence[bytes]) -> DocumentLines | None:
        """Return documents as lines; None where one is not a line from brace to brace, or all are too much.

        Args:
            sources: the texts of the documents, without blanks around them.
        """
        text = b"\n".join(sources)
        if len(text) > _LARGEST or text[:1] != b"{" or text[-1:] != b"}":
            return None
        letters = np.frombuffer(text, np.uint8)
        between = np.flatnonzero(letters == _LINE_END)
        if len(between) != len(sources) - 1:
            return None
        begins, ends = np.append(0, between + 1), np.append(between, len(text))
        if (letters[begins] != _OPENED).any() or (letters[ends - 1] != _CLOSED).any():
            return None
        return cls(text, begins, ends)

    def __len__(self) -> int:
        return len(self.begins)

    def column(self) -> pa.Array:
        """Return the texts as a column, which stands on the text of all; it must be UTF-8."""
        lengths = self.ends - self.begins
        if lengths.min() <= _SHORT:
            texts = [self.text[begin:end] for begin, end in zip(self.begins, self.ends, strict=True)]
            return pa.array(texts, pa.string_view())
        letters = np.frombuffer(self.text, np.uint8)
        views = np.zeros((len(self), 4), np.int32)
        views[:, 0] = lengths
        views[:, 1] = letters[self.begins[:, None] + np.arange(_TOLD)].view(np.int32)[:, 0]
        views[:, 3] = self.begins
        buffers = [None, pa.py_buffer(views), pa.py_buffer(self.text)]
        return pa.Array.from_buffers(pa.string_view(), len(self), buffers)
