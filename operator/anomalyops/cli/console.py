"""Where output goes, and how wide it is. Results go to stdout, progress and problems to stderr."""

from __future__ import annotations

import os

from rich.console import Console

_PLAIN_WIDTH = 120  # of output that is not a terminal; COLUMNS overrides it


def output() -> Console:
    """For results. Plain text without control characters where stdout is not a terminal."""
    return _console(stderr=False)


def messages() -> Console:
    """For progress and problems."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PLAIN_WIDTH
    return console
