"""Where a part of a statement stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the text of a statement.

    Attributes:
        source: the whole text.
        start: its first character.
        end: the character behind its last one.
    """

    source: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """The stretch itself."""
        return self.source[self.start : self.end]

    @property
    def line(self) -> int:
        """The number of its line, from 1."""
        return self.source.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The number of its first character in its line, from 1."""
        return self.start - (self.source.rfind("\n", 0, self.start) + 1) + 1

    def to(self, other: Place) -> Place:
        """Return the stretch from this one's beginning to another's end."""
        return Place(self.source, self.start, other.end)

    def shortened(self, most: int = 512) -> str:
        """Return its text, cut off where it is long."""
        text = self.text
        return text if len(text) <= most else f"{text[:most]}..."
