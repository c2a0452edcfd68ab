"""Which shapes and statements were seen lately, and where they went: all that most messages of a log need."""

from __future__ import annotations

from typing import Any, Final

_MOST: Final = 100_000
_ENTRY_BYTES: Final = 130


class RecentPlaces:
    """Where numbered things went. Those not seen while as many others are seen as may be kept are forgotten."""

    def __init__(self) -> None:
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def get(self, shape: int) -> int | None:
        """Return where one went, None for what is not known."""
        place = self._young.get(shape)
        return self._old.get(shape) if place is None else place

    def touch(self, shape: int) -> int | None:
        """Return where one went, and remember that it was seen."""
        place = self._young.get(shape)
        if place is None and (place := self._old.get(shape)) is not None:
            self._young[shape] = place
        return place

    def put(self, shape: int, place: int) -> None:
        """Remember where one went."""
        self._young[shape] = place

    def age(self) -> None:
        """Forget the old ones when there are many young ones; called at the end of a bucket."""
        if len(self._young) >= _MOST:
            self._old, self._young = self._young, {}

    @property
    def bytes(self) -> int:
        """Bytes taken, about."""
        return _ENTRY_BYTES * (len(self._young) + len(self._old))

    def pack(self) -> list[Any]:
        """Return plain values for `unpack`."""
        return [[list(part), list(part.values())] for part in (self._young, self._old)]

    @classmethod
    def unpack(cls, plain: list[Any]) -> RecentPlaces:
        """Return what `pack` described."""
        recent = cls()
        recent._young, recent._old = (dict(zip(*part, strict=True)) for part in plain)
        return recent
