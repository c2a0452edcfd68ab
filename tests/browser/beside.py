"""A console of its own beside a server, as `anomalyops console` starts it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from console_process import ConsoleProcess


@contextmanager
def console_beside(url: str, *arguments: str) -> Iterator[str]:
    """Start a console over a server and yield its address; it only reads, unless an argument says otherwise."""
    with ConsoleProcess("--url", url, *arguments, environment={}) as console:
        yield console.url
