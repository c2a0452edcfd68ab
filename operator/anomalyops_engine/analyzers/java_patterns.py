"""Regular expressions as Java writes them, for `pattern_replace` and `pattern`."""

from __future__ import annotations

import re
from typing import Final

_NAMED_GROUP: Final = re.compile(r"\(\?<([A-Za-z][A-Za-z0-9]*)>")
_NAMED_REFERENCE: Final = re.compile(r"\\k<([A-Za-z][A-Za-z0-9]*)>")
_CLASS: Final = re.compile(r"\\p\{(\w+)\}")
_CLASSES: Final = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "XDigit": "0-9a-fA-F",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r"\s",
    "Blank": r" \t",
}
_FLAGS: Final = {
    "CASE_INSENSITIVE": re.IGNORECASE,
    "MULTILINE": re.MULTILINE,
    "DOTALL": re.DOTALL,
    "COMMENTS": re.VERBOSE,
}
_UNICODE: Final = "UNICODE_CHARACTER_CLASS"
_DOLLAR: Final = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}|\$", re.DOTALL)


class PatternError(ValueError):
    """A regular expression is malformed, or of a kind that is not supported; the message says which."""


def java_pattern(pattern: str, flags: str = "") -> re.Pattern[str]:
    r"""Compile a pattern.

    Args:
        pattern: the expression; `\d`, `\w` and `\s` know ASCII alone, as in Java.
        flags: names of `java.util.regex.Pattern`, joined by `|`.

    Raises:
        PatternError: malformed, or with a class or flag that is not supported.
    """
    written = _NAMED_REFERENCE.sub(r"(?P=\1)", _NAMED_GROUP.sub(r"(?P<\1>", pattern))
    try:
        return re.compile(_CLASS.sub(_posix, written), _joined(flags))
    except re.error as error:
        raise PatternError(f"[{pattern}] is not a regular expression that this engine supports: {error}") from None


def java_replacement(replacement: str, pattern: re.Pattern[str]) -> str:
    """Return a replacement in the form that `re` takes; `$1` and `${name}` stand for groups.

    Raises:
        PatternError: it names a group that the pattern does not have.
    """

    def translated(match: re.Match[str]) -> str:
        escaped, number, name = match.groups()
        if number is not None and int(number) <= pattern.groups:
            return f"\\g<{number}>"
        if name is not None and name in pattern.groupindex:
            return f"\\g<{name}>"
        if number is None and name is None and escaped is not None:
            return "\\\\" if escaped == "\\" else escaped
        raise PatternError(f"replacement [{replacement}] names a group that [{pattern.pattern}] does not have")

    return _DOLLAR.sub(translated, replacement)


def _posix(match: re.Match[str]) -> str:
    members = _CLASSES.get(match[1])
    before = match.string[: match.start()]
    if members is None:
        raise PatternError(f"character class [{match[0]}] is not supported; supported: {', '.join(_CLASSES)}")
    inside = before.count("[") - before.count(r"\[") > before.count("]") - before.count(r"\]")
    return members if inside else f"[{members}]"


def _joined(names: str) -> re.RegexFlag:
    given = set(filter(None, names.split("|")))
    flags = re.NOFLAG if _UNICODE in given else re.ASCII
    for name in sorted(given - {_UNICODE}):
        if name not in _FLAGS:
            raise PatternError(f"flag [{name}] is not supported; supported: {', '.join([*_FLAGS, _UNICODE])}")
        flags |= _FLAGS[name]
    return flags


_SPECIAL: Final = re.compile(r"[.^$*+?()\[\]{}|\\/-]")


def escaped(word: str) -> str:
    """Return a word as a regular expression, for Java and for Python alike."""
    return _SPECIAL.sub(r"\\\g<0>", word)
