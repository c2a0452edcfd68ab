"""What the documentation shows of commands, held against what they print today.

A capture is a line `$ anomalyops ...` in a console block and the lines up to the next `$ ` or the end of the block. The
command is run as it stands there, with the address of a server of the test, and each line has to be as it is printed;
a line `...` stands for any lines.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANYTHING = "..."
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Capture:
    """One command and what it is documented to print."""

    page: str
    command: str
    printed: str

    def __str__(self) -> str:
        return f"{self.page}: {self.command}"

    def arguments(self, url: str) -> list[str]:
        """The command's arguments, with the address of the server that is there."""
        words = shlex.split(self.command, comments=True)
        while "=" in words[0]:
            words.pop(0)  # a variable of the environment
        assert words.pop(0) == "anomalyops"
        for option in ("--url", "--kibana-url"):
            if option in words:
                words[words.index(option) + 1] = url
        return words


def captures(page: str) -> list[Capture]:
    """The captures of a page, in their order."""
    return list(_captures(page, (ROOT / page).read_text(encoding="utf-8")))


def _captures(page: str, text: str) -> Iterator[Capture]:
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            if "anomalyops " in command and printed.strip():
                yield Capture(page, command, printed)


def drift(documented: str, printed: str, *, figures: bool = True) -> str:
    """How what is printed differs from what is documented, as a diff; empty where it does not.

    Args:
        documented: What the page shows.
        printed: What a person would see.
        figures: Whether numbers have to be the same; not those that a model has learnt, which change with the learners.
    """
    wanted = [line.rstrip() for line in documented.rstrip().split("\n")]
    there = [line.rstrip() for line in printed.rstrip().split("\n")]
    if (
        _fits(wanted, there)
        if figures
        else _fits([_masked(line) for line in wanted], [_masked(line) for line in there])
    ):
        return ""
    return "\n".join(difflib.unified_diff(wanted, there, "documented", "printed", lineterm="", n=1000))


def _fits(wanted: Sequence[str], there: Sequence[str]) -> bool:
    """Whether the lines are those that are wanted; by which of them each `...` may end."""
    reached = {0}
    for line in wanted:
        if line == _ANYTHING:
            reached = set(range(min(reached), len(there) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(there) and there[at] == line}
    return len(there) in reached


def _masked(line: str) -> str:
    """A line without its numbers, and with one space where it has several."""
    return " ".join(_NUMBER.sub("0", line).split()) if line != _ANYTHING else line


def check(page: str, run: Callable[[list[str]], str], url: str, *, only: str = "", figures: bool = True) -> None:
    """Runs the commands of a page and fails with a diff for those that print something else.

    Args:
        page: From the top of the repository.
        run: Runs a command and returns what a person would see.
        url: The server.
        only: Only commands that hold this.
        figures: See `drift`.
    """
    chosen = [one for one in captures(page) if only in one.command]
    assert chosen, f"{page} has no such captures"
    with patch.dict(os.environ):
        os.environ.pop("COLUMNS", None)  # as wide as output is that goes to no terminal
        printed = {one: run(one.arguments(url)) for one in chosen}
    diffs = {str(one): drift(one.printed, now, figures=figures) for one, now in printed.items()}
    differing = {name: diff for name, diff in diffs.items() if diff}
    assert not differing, "\n\n".join(f"{name}\n{diff}" for name, diff in differing.items())
