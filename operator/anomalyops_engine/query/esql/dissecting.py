"""DISSECT: the parts of a text between separators (`%{client} [%{@timestamp}] %{+name} %{?skipped}`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anomalyops_engine.query.esql.errors import StatementError
from anomalyops_engine.query.esql.operands import Fresh, Operand
from anomalyops_engine.query.esql.syntax import Dissect
from anomalyops_engine.query.expr import Binary, Expr, call, lift, when
from anomalyops_engine.query.regexes import literal_pattern

_KEY = re.compile(r"%\{([^}]*)\}")
_PARTS = re.compile(r"([+?*&]?)([^/]*?)(?:/(\d{1,9}))?(->)?")


@dataclass(frozen=True, slots=True)
class _Part:
    """A key of a pattern: its name, which group it is, whether it is joined to others and in which place."""

    name: str
    group: int
    joined: bool
    place: int


def dissected(fresh: Fresh, command: Dissect, text: Operand) -> list[tuple[str, Operand]]:
    """Return the columns that a pattern makes of a text; NULL where the text does not fit it.

    Raises:
        StatementError: the pattern is none.
    """
    regex, parts = _read(command)
    by_name: dict[str, list[_Part]] = {}
    for part in parts:
        if part.name:
            by_name.setdefault(part.name, []).append(part)
    if not by_name:
        raise _invalid(command)
    found: list[tuple[str, Operand]] = []
    for name, mine in by_name.items():
        if len(mine) > 1 and not all(part.joined for part in mine[1:]):
            raise _invalid(command)
        groups = [part.group for part in sorted(mine, key=lambda part: part.place)]

        def cut(value: Expr, groups: list[int] = groups) -> Expr:
            pieces = [call("regexp_extract", value, regex, group, "s") for group in groups]
            whole: Expr = pieces[0]
            for piece in pieces[1:]:
                whole = Binary("||", Binary("||", whole, lift(command.separator)), piece)
            return when(call("regexp_matches", value, regex, "s"), whole)

        found.append((name, fresh.each(text, cut, "keyword")))
    return found


def _read(command: Dissect) -> tuple[str, list[_Part]]:
    pattern = command.pattern
    keys = list(_KEY.finditer(pattern))
    if not keys:
        raise _invalid(command)
    regex = [r"\A", literal_pattern(pattern[: keys[0].start()])]
    parts = []
    for number, key in enumerate(keys):
        end = keys[number + 1].start() if number + 1 < len(keys) else len(pattern)
        separator = literal_pattern(pattern[key.end() : end])
        said = _PARTS.fullmatch(key[1])
        if said is None or said[1] in {"*", "&"} or (not separator and number + 1 < len(keys)):
            raise _invalid(command)
        # The last part goes on to the end, others to the separator that comes next; `->` skips repeated ones.
        regex.append("(.*?)" if separator else "(.*)")
        regex.append(f"(?:{separator})+" if said[4] and separator else separator)
        name = "" if said[1] == "?" else said[2]
        parts.append(_Part(name, number + 1, said[1] == "+", int(said[3] or number)))
    return "".join(regex), parts


def _invalid(command: Dissect) -> StatementError:
    return StatementError(command.pattern_at, f"Invalid pattern for dissect: [{command.pattern}]")
