"""GROK: the parts of a text that fit patterns with names (`%{IP:client} took %{NUMBER:took:double}`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.errors import StatementError, not_served
from anomalyops_engine.query.esql.functions import FUNCTIONS
from anomalyops_engine.query.esql.grok_patterns import FAMILIES, PATTERNS
from anomalyops_engine.query.esql.operands import Fresh, Operand
from anomalyops_engine.query.esql.scope import Scope
from anomalyops_engine.query.esql.syntax import Call, Grok
from anomalyops_engine.query.expr import Case, Column, Expr, Lambda, ListOf, call, null
from anomalyops_engine.store import DatabaseError

_REFERENCE = re.compile(r"%\{(\w+)(?::([^:}]+))?(?::(\w+))?\}")
_GROUP = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\(\?<([A-Za-z_@][\w.@\[\]-]*)>|\((?!\?)", re.DOTALL)
_TYPES: dict[str, DataType] = {
    **dict.fromkeys(("int", "integer"), "integer"),
    "boolean": "boolean",
    "double": "double",
    "float": "double",
    "long": "long",
    "string": "keyword",
}
_CONVERTED = {"integer": "to_integer", "boolean": "to_boolean", "double": "to_double", "long": "to_long"}
_DEEPEST = 30
_LONGEST = 20_000


@dataclass(slots=True)
class _Capture:
    """A part that gets a name: in which groups of the expression it may be."""

    type: DataType
    groups: list[int] = field(default_factory=list)


def grokked(scope: Scope, command: Grok, text: Operand) -> list[tuple[str, Operand]]:
    """Return the columns that patterns make of a text; NULL where the text has nothing that fits.

    Of several patterns the first one counts that fits.

    Raises:
        StatementError: a pattern is none.
        UnsupportedQueryError: it names a pattern that this engine lacks.
    """
    readers = [_Reader(command, pattern) for pattern in command.patterns]
    for reader in readers:
        _check(scope, reader)
    types = {name: capture.type for reader in readers for name, capture in reader.captures.items()}
    found: list[tuple[str, Operand]] = []
    for name, kind in types.items():
        captured = [(reader, reader.captures.get(name)) for reader in readers]
        for reader, capture in captured:
            if capture is not None and capture.type != kind:
                raise reader.invalid(f"the column [{name}] has more than one type")
        operand = _column(scope.fresh, text, [(r.regex, () if c is None else tuple(c.groups)) for r, c in captured])
        convert = _CONVERTED.get(kind)
        if convert is not None:
            node = Call(command.pattern_at, convert, (command.operand,))
            operand = FUNCTIONS[convert].build(scope, node, [operand])
        found.append((name, operand))
    return found


def _column(fresh: Fresh, text: Operand, captured: Sequence[tuple[str, tuple[int, ...]]]) -> Operand:
    """Return what the groups of the first pattern that fits hold; a name of several groups has several values."""
    several = any(len(groups) > 1 for _, groups in captured)

    def cut(value: Expr) -> Expr:
        branches: list[tuple[Expr, Expr]] = []
        for regex, groups in captured:
            pieces = tuple(call("nullif", call("regexp_extract", value, regex, group), "") for group in groups)
            held: Expr = ListOf(pieces) if several else pieces[0] if pieces else null("VARCHAR")
            branches.append((call("regexp_matches", value, regex), held))
        # What does not fit holds nothing, so that of one pattern there is nothing to choose.
        return branches[0][1] if len(branches) == 1 else Case(tuple(branches))

    if not several:
        return fresh.each(text, cut, "keyword")
    lists = fresh.each(Operand(text.listed, "keyword", multi=True), cut, "keyword").expr
    name = fresh.name()
    kept = call("list_filter", call("flatten", lists), Lambda(name, Column(name).is_not_null()))
    return Operand(fresh.filled(kept), "keyword", multi=True)


def _check(scope: Scope, reader: _Reader) -> None:
    if not reader.captures:
        raise reader.invalid("it captures nothing")
    if scope.folded is not None:
        try:
            scope.folded(call("regexp_matches", "", reader.regex))
        except DatabaseError as error:
            raise reader.invalid(str(error).split("\n", maxsplit=1)[0]) from None


class _Reader:
    """Writes out the names in a pattern, and counts the groups of the expression that comes of it."""

    def __init__(self, command: Grok, pattern: str) -> None:
        self._command = command
        self._pattern = pattern
        self._groups = 0
        self.captures: dict[str, _Capture] = {}
        self.regex = self.expanded(pattern)

    def expanded(self, pattern: str, depth: int = 0) -> str:
        """Return a pattern as a regular expression of RE2."""
        if depth > _DEEPEST:
            raise self.invalid("circular reference in pattern")
        written: list[str] = []
        at = 0
        for reference in _REFERENCE.finditer(pattern):
            written += [self._counted(pattern[at : reference.start()]), self._reference(reference, depth)]
            at = reference.end()
        written.append(self._counted(pattern[at:]))
        made = "".join(written)
        if len(made) > _LONGEST:
            raise self.invalid("it is too long")
        return made

    def _reference(self, found: re.Match[str], depth: int) -> str:
        name, column, kind = found[1], found[2], found[3]
        pattern = PATTERNS.get(name)
        if pattern is None:
            if name.startswith(FAMILIES):
                raise not_served(f"the grok pattern [{name}]", self._command.pattern_at)
            raise self.invalid(f"Unable to find pattern [{name}] in Grok's pattern dictionary")
        if column is None:
            return f"(?:{self.expanded(pattern, depth + 1)})"
        if kind is not None and kind not in _TYPES:
            raise self.invalid(f"unknown type [{kind}]")
        self._capture(column, _TYPES.get(kind, "keyword") if kind else "keyword")
        return f"({self.expanded(pattern, depth + 1)})"

    def _capture(self, column: str, data_type: DataType) -> None:
        self._groups += 1
        known = self.captures.setdefault(column, _Capture(data_type))
        if known.type != data_type:
            raise self.invalid(f"the column [{column}] has more than one type")
        known.groups.append(self._groups)

    def _counted(self, text: str) -> str:
        """Return a part of a regular expression, its groups with names as groups without, all of them counted."""

        def one(found: re.Match[str]) -> str:
            if found[1] is not None:
                self._capture(found[1], "keyword")
                return "("
            if found[0] == "(":
                self._groups += 1
            return found[0]

        return _GROUP.sub(one, text)

    def invalid(self, why: str) -> StatementError:
        """Return the refusal of the pattern."""
        return StatementError(self._command.pattern_at, f"Invalid GROK pattern [{self._pattern}]: [{why}]")
