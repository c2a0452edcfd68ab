"""Character filters: what changes a text before it is cut into tokens."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.analyzers.parts import Part
from anomalyops_engine.analyzers.replacing import replacing


@dataclass(frozen=True, slots=True)
class Filtered:
    """A text after a character filter.

    Attributes:
        text: what is left.
        starts: places in `text`, ascending, from which on an offset is shifted.
        shifts: by how much, to be a place in the text before the filter.
    """

    text: str
    starts: Sequence[int] = (0,)
    shifts: Sequence[int] = (0,)

    def before(self, offset: int) -> int:
        """Return the place in the text before the filter."""
        return offset + self.shifts[bisect_right(self.starts, offset) - 1]


CharFilter = Callable[[str], Filtered]

_HAS_LETTER: Final = re.compile(r"[^\W\d_]")
_NOT_BLANK: Final = re.compile(r"\S")
LINES: Final = {"first_line_with_letters": _HAS_LETTER, "first_non_blank_line": _NOT_BLANK}


def _line(name: str) -> CharFilter:
    wanted = LINES[name]

    def pick(text: str) -> Filtered:
        found = wanted.search(text)
        if found is None:
            return Filtered("")
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.start())
        return Filtered(text[start : end if end >= 0 else len(text)].removesuffix("\r"), (0,), (start,))

    return pick


def _pattern_replace(part: Part) -> CharFilter:
    pattern, replacement = replacing(part)
    return lambda text: _substituted(text, pattern, lambda match: match.expand(replacement))


def _substituted(text: str, pattern: re.Pattern[str], written: Callable[[re.Match[str]], str]) -> Filtered:
    pieces: list[str] = []
    starts, shifts, begin, length, shift = [0], [0], 0, 0, 0
    for match in pattern.finditer(text):
        piece = written(match)
        pieces += [text[begin : match.start()], piece]
        length += match.start() - begin + len(piece)
        begin = match.end()
        if len(piece) != match.end() - match.start():
            shift += match.end() - match.start() - len(piece)
            starts.append(length)
            shifts.append(shift)
    pieces.append(text[begin:])
    return Filtered("".join(pieces), starts, shifts)


def _mapping(part: Part) -> CharFilter:
    rules: dict[str, str] = {}
    for rule in part.texts("mappings"):
        source, arrow, target = rule.partition("=>")
        if not arrow or not source.strip():
            part.refuse(f"Invalid Mapping Rule : [{rule}]")
        rules[source.strip()] = target.strip()
    if not rules:
        part.refuse("[mappings] must be given")
    pattern = re.compile("|".join(re.escape(source) for source in sorted(rules, key=len, reverse=True)))
    return lambda text: _substituted(text, pattern, lambda match: rules[match[0]])


_INLINE: Final = frozenset(
    re.findall(
        r"\w+",
        "a abbr acronym b basefont bdo big cite code dfn em font i img input kbd label q s samp select small span "
        "strike strong sub sup textarea tt u var",
    )
)
_MARKUP: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style)\b.*?(?:</(?P=raw)\s*>|\Z)|<[!?][^<>]*>"
    r"|</?(?P<tag>[A-Za-z][\w:-]*)(?:\s(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)?/?>|&(?:#[0-9]+|#[xX][0-9A-Fa-f]+|\w+);",
    re.DOTALL | re.IGNORECASE,
)


def _html_strip(part: Part) -> CharFilter:
    kept = {name.lower() for name in part.texts("escaped_tags")}

    def written(match: re.Match[str]) -> str:
        if match[0].startswith("&"):
            return " " if match[0] == "&nbsp;" else html.unescape(match[0])
        tag = match["tag"]
        if tag is None:
            return "\n" if match["raw"] else ""
        if tag.lower() in kept:
            return match[0]
        return "" if tag.lower() in _INLINE else "\n"

    return lambda text: _substituted(text, _MARKUP, written)


CHAR_FILTERS: Final[Mapping[str, Callable[[Part], CharFilter]]] = {
    **{name: lambda part: _line(part.kind) for name in LINES},
    "pattern_replace": _pattern_replace,
    "mapping": _mapping,
    "html_strip": _html_strip,
}
