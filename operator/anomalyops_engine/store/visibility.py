"""Which indices the work of a thread may reach: all of them, unless whoever began the work said otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from anomalyops_engine.store.errors import IndexForbiddenError


class Visibility(Protocol):
    """Says on which indices the thing that is being done may be done."""

    def allows(self, name: str) -> bool:
        """Return whether an index or alias of a name is among them."""
        ...

    def refusal(self, names: Sequence[str]) -> str:
        """Return why some names are not."""
        ...

    def doing(self, action: str) -> Visibility:
        """Return the same for another thing to be done."""
        ...


_current: ContextVar[Visibility | None] = ContextVar("visibility", default=None)


@contextmanager
def seeing(visibility: Visibility | None) -> Iterator[None]:
    """Let the work of the block reach what is visible; None for everything."""
    token = _current.set(visibility)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def doing(action: str) -> Iterator[None]:
    """Let the work of the block be another action of the same kind of visibility."""
    current = _current.get()
    with seeing(None if current is None else current.doing(action)):
        yield


def restricted() -> bool:
    """Return whether the work of this thread reaches less than everything."""
    return _current.get() is not None


def visible(name: str) -> bool:
    """Return whether an index or alias of a name may be reached."""
    current = _current.get()
    return current is None or current.allows(name)


def check_visible(*names: str) -> None:
    """Refuse names that may not be reached.

    Raises:
        IndexForbiddenError: there are such.
    """
    current = _current.get()
    if current is None:
        return
    refused = [name for name in names if not current.allows(name)]
    if refused:
        raise IndexForbiddenError(current.refusal(refused))
