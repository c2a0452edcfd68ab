"""Names of indices and fields, and patterns of ids: what is acceptable, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anomalyops_insight.errors import BadRequestError

_INDEX = re.compile(r"[A-Za-z0-9_.*:@+-]+")
_ID = re.compile(r"[^\s*?,\"\\/<>|#]*")
_LONGEST = 4096
_SHOWN = 100  # characters of a name or pattern that an error repeats


def index_expression(text: str) -> str:
    """An index expression that can stand in FROM: names and patterns, comma separated, of remote clusters too.

    Raises:
        BadRequestError: It holds something that no index is named with.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(text) > _LONGEST or not all(_INDEX.fullmatch(part) for part in parts):
        accepted = "names or patterns with *, comma separated, of letters, digits and _ . - + @ :"
        raise BadRequestError(f"index {shown(text)}: expected {accepted}")
    return ",".join(parts)


def shown(text: str) -> str:
    """A name or pattern for an error: quoted, and not longer than a line."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def quoted(field: str) -> str:
    """A field's path as ES|QL writes it: plain where it can be, else each part in backticks.

    Raises:
        BadRequestError: It is no path of a field.
    """
    if not field or any(ord(character) < 32 for character in field) or ".." in field or field[-1] == ".":
        raise BadRequestError(f"field {shown(field)}: expected the path of a field, such as host.name")
    return ".".join(part if _plain(part) else "`" + part.replace("`", "``") + "`" for part in field.split("."))


def _plain(part: str) -> bool:
    return re.fullmatch(r"[A-Za-z_@][A-Za-z0-9_@]*", part) is not None and part.lower() not in _RESERVED


_RESERVED = frozenset(
    ("and", "as", "asc", "by", "desc", "false", "first", "in", "is", "last", "like", "metadata", "not", "null",
     "nulls", "on", "or", "rlike", "true", "where", "with")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wildcard:
    """One alternative of a pattern.

    Attributes:
        first: What a match begins with.
        middle: What it contains between the two.
        last: What it ends with.
        exact: Whether there is no `*`: then `first` is the whole.
    """

    first: str
    middle: str = ""
    last: str = ""
    exact: bool = False

    def matches(self, text: str) -> bool:
        """Whether a text is one of those that are meant."""
        if self.exact:
            return text == self.first
        inner = text[len(self.first) : len(text) - len(self.last)] if self.last else text[len(self.first) :]
        fits = len(text) >= len(self.first) + len(self.last)
        return fits and text.startswith(self.first) and text.endswith(self.last) and self.middle in inner


@dataclass(frozen=True, slots=True)
class Pattern:
    """Ids: exact ones and wildcards, comma separated: `web-*`, `*-errors`, `web-*-rate`, `*checkout*`.

    Attributes:
        text: As it was given.
        parts: Its alternatives; one of them must match.
    """

    text: str
    parts: tuple[Wildcard, ...]

    @classmethod
    def read(cls, text: str, *, what: str = "pattern") -> Pattern:
        """Reads a pattern.

        Args:
            text: What was given.
            what: Its name in errors.

        Raises:
            BadRequestError: It is empty, or has other wildcards than a few `*`.
        """
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            accepted = "ids, or patterns with *, comma separated, none of them empty"
            raise BadRequestError(f"{what} {shown(text)}: expected {accepted}")
        return cls(text, tuple(_wildcard(part, what) for part in parts))

    @property
    def everything(self) -> bool:
        """Whether all ids match."""
        return any(not (part.exact or part.first or part.middle or part.last) for part in self.parts)

    @property
    def exact(self) -> tuple[str, ...]:
        """The ids that are named themselves."""
        return tuple(dict.fromkeys(part.first for part in self.parts if part.exact))

    @property
    def wild(self) -> tuple[Wildcard, ...]:
        """The alternatives that have a `*`."""
        return tuple(part for part in self.parts if not part.exact)

    @property
    def single(self) -> str | None:
        """The one id that is meant, None where there may be several."""
        return self.parts[0].first if len(self.parts) == 1 and self.parts[0].exact else None

    def matches(self, text: str) -> bool:
        """Whether an id is one of those that are meant."""
        return any(part.matches(text) for part in self.parts)


def _wildcard(part: str, what: str) -> Wildcard:
    pieces = re.sub(r"\*+", "*", part).split("*")
    if len(part) > _LONGEST or not all(_ID.fullmatch(piece) for piece in pieces):
        raise BadRequestError(f"{what} {shown(part)}: expected ids, or patterns with *, comma separated")
    if len(pieces) == 1:
        return Wildcard(part, exact=True)
    if len(pieces) == 2:
        return Wildcard(pieces[0], last=pieces[1])
    if len(pieces) == 3:
        return Wildcard(pieces[0], pieces[1], pieces[2])
    accepted = "at most two * are understood, as in web-*, *-errors, web-*-rate, *check*"
    raise BadRequestError(f"{what} {shown(part)}: {accepted}")


def patterns_meet(one: str, other: str) -> bool:
    """Whether some name matches both index patterns (names with any number of `*`)."""
    reached = {(0, 0)}
    seen = set(reached)
    while reached:
        left, right = reached.pop()
        if left == len(one) and right == len(other):
            return True
        for step in _steps(one, other, left, right):
            if step not in seen:
                seen.add(step)
                reached.add(step)
    return False


def _steps(one: str, other: str, left: int, right: int) -> list[tuple[int, int]]:
    first, second = one[left : left + 1], other[right : right + 1]
    steps = []
    if first == "*":
        steps += [(left + 1, right)] + ([(left, right + 1)] if second else [])
    if second == "*":
        steps += [(left, right + 1)] + ([(left + 1, right)] if first else [])
    if first and first == second:
        steps.append((left + 1, right + 1))
    return steps
