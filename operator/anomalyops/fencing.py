"""Keeping back what would change something, up to the moment at which it would be sent.

Whoever may write only for a while (a leader, until its lease ends) can be stopped at any moment and go on much later,
in the middle of a call. So the question whether it still may is asked twice: before the call, and again when it has a
connection and the next thing is to send it; a call that the client repeats is asked about again. Nothing is awaited
between the second answer and the sending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp

Guard = Callable[[], str]
"""Says why nothing may be changed now; empty when it may. It is asked from any thread and must not wait."""


class KeptBackError(Exception):
    """A call that would have changed something was not sent; the message says why."""


class Question:
    """What a guard was asked in one block.

    Attributes:
        refusal: What it said last against sending; empty when it agreed. A client may hide the error.
    """

    def __init__(self, guard: Guard) -> None:
        self.refusal = ""
        self._guard = guard

    def ask(self) -> None:
        """Ask.

        Raises:
            KeptBackError: it does not agree.
        """
        self.refusal = self._guard()
        if self.refusal:
            raise KeptBackError(self.refusal)


_asked: ContextVar[Question | None] = ContextVar("asked", default=None)


def free() -> str:
    """The guard of who may always write."""
    return ""


@contextmanager
def guarded(guard: Guard) -> Iterator[Question]:
    """Within the block, this task's calls over sessions with `tracing()` are sent only while the guard agrees.

    Raises:
        KeptBackError: it does not agree at the beginning. Later calls raise it too, inside of the client.
    """
    question = Question(guard)
    question.ask()
    token = _asked.set(question)
    try:
        yield question
    finally:
        _asked.reset(token)


def tracing() -> aiohttp.TraceConfig:
    """What a session needs to ask a last time, when a connection is there and nothing was sent over it yet."""
    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(_connected)
    config.on_connection_create_end.append(_connected)
    return config


async def _connected(*_: object) -> None:
    question = _asked.get()
    if question is not None:
        question.ask()
