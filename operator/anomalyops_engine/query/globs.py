"""Patterns of `*` (any text) and `?` (any character) over names, matched in Python in bounded time.

A match takes at most the product of the lengths, where a regular expression may take exponential time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum


class Any(Enum):
    """What stands for more than one text."""

    TEXT = "*"
    CHARACTER = "?"


Token = str | Any


def wildcard_tokens(pattern: str) -> Iterator[Token]:
    r"""Yield the parts of a pattern of `*` and `?`, in which a `\` makes the next character stand for itself."""
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            yield next(characters, "\\")
        elif character in {"*", "?"}:
            yield Any(character)
        else:
            yield character


def fits(tokens: Sequence[Token], name: str) -> bool:
    """Return whether a name fits the parts of a pattern whole."""
    at = place = 0
    star, resume = -1, 0
    while place < len(name):
        token = tokens[at] if at < len(tokens) else None
        if token is Any.TEXT:
            star, resume, at = at, place, at + 1
        elif token is not None and (token is Any.CHARACTER or token == name[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(token is Any.TEXT for token in tokens[at:])
