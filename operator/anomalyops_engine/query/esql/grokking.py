"""GROK: the parts of a text that fit patterns with names (`%{IP:client} took %{NUMBER:took:double}`)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.errors import StatementError, not_served
from anomalyops_engine.query.esql.functions import FUNCTIONS
from anomalyops_engine.query.esql.grok_patterns import FAMILIES, PATTERNS
from anomalyops_engine.query.esql.operands import Operand
from anomalyops_engine.query.esql.scope import Scope
from anomalyops_engine.query.esql.syntax import Call, Grok
from anomalyops_engine.query.expr import Expr, call
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


def grokked(scope: Scope, command: Grok, text: Expr) -> list[tuple[str, Operand]]:
    """Return the columns that a pattern makes of a text; NULL where the text has nothing that fits.

    Raises:
        StatementError: the pattern is none.
        UnsupportedQueryError: it names a pattern that this engine lacks.
    """
    if len(command.patterns) > 1:
        raise not_served("[GROK] with several patterns", command.pattern_at)
    reader = _Reader(command)
    regex = reader.expanded(command.patterns[0])
    if not reader.captures:
        raise reader.invalid("it captures nothing")
    if scope.folded is not None:
        try:
            scope.folded(call("regexp_matches", "", regex))
        except DatabaseError as error:
            raise reader.invalid(str(error).split("\n", maxsplit=1)[0]) from None
    found: list[tuple[str, Operand]] = []
    for name, capture in reader.captures.items():

        def cut(value: Expr, groups: list[int] = capture.groups) -> Expr:
            pieces = [call("nullif", call("regexp_extract", value, regex, group), "") for group in groups]
            return pieces[0] if len(pieces) == 1 else call("coalesce", *pieces)

        operand = Operand(scope.fresh.let(text, cut), "keyword")
        convert = _CONVERTED.get(capture.type)
        if convert is not None:
            node = Call(command.pattern_at, convert, (command.operand,))
            operand = FUNCTIONS[convert].build(scope, node, [operand])
        found.append((name, operand))
    return found


class _Reader:
    """Writes out the names in a pattern, and counts the groups of the expression that comes of it."""

    def __init__(self, command: Grok) -> None:
        self._command = command
        self._groups = 0
        self._size = 0
        self.captures: dict[str, _Capture] = {}

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
        return StatementError(self._command.pattern_at, f"Invalid GROK pattern [{self._command.patterns[0]}]: [{why}]")
