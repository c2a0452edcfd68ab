"""Commands of a statement, and the statement itself."""

from __future__ import annotations

from collections.abc import Callable

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.esql.errors import StatementError, not_served
from anomalyops_engine.query.esql.expressions import ExpressionParser
from anomalyops_engine.query.esql.lexer import Kind, Token, tokens_of
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.syntax import (
    Aggregated,
    Assigned,
    Command,
    Constant,
    Dissect,
    Drop,
    Eval,
    From,
    Grok,
    Keep,
    Limit,
    MvExpand,
    Name,
    NamePattern,
    Rename,
    Row,
    Sample,
    ShowInfo,
    Sort,
    Sorted,
    Statement,
    Stats,
    Where,
)
from anomalyops_engine.query.globs import Any as Wild
from anomalyops_engine.query.globs import Token as GlobToken

_LONGEST = 1_000_000
_MOST_COMMANDS = 500
_SOURCES = "{'explain', 'row', 'from', 'ts', 'set', 'show'}"
_PROCESSING = (
    "{'change_point', 'completion', 'dissect', 'drop', 'enrich', 'eval', 'fork', 'grok', 'inlinestats', 'join', "
    "'keep', 'limit', 'lookup', 'mv_expand', 'rename', 'rerank', 'sample', 'sort', 'stats', 'where'}"
)
_MISSING = {
    "change_point": "CHANGE_POINT",
    "completion": "COMPLETION",
    "dedup": "DEDUP",
    "enrich": "ENRICH",
    "explain": "EXPLAIN",
    "fork": "FORK",
    "full": "JOIN",
    "fuse": "FUSE",
    "insist": "INSIST",
    "join": "JOIN",
    "left": "JOIN",
    "lookup": "LOOKUP JOIN",
    "promql": "PROMQL",
    "rerank": "RERANK",
    "right": "JOIN",
    "set": "SET",
    "ts": "TS",
    "external": "EXTERNAL",
    "fillnull": "FILLNULL",
    "metrics_info": "METRICS_INFO",
    "mmr": "MMR",
    "registered_domain": "REGISTERED_DOMAIN",
    "ts_info": "TS_INFO",
    "uri_parts": "URI_PARTS",
    "user_agent": "USER_AGENT",
}


def read_statement(text: str, parameters: Parameters) -> Statement:
    """Read a statement.

    Raises:
        StatementError: it is malformed.
        UnsupportedQueryError: it uses something that this engine lacks.
        IllegalQueryError: it is too long.
    """
    if len(text) > _LONGEST:
        raise IllegalQueryError(f"ESQL statement is too large [{len(text)} characters > {_LONGEST}]")
    try:
        commands = CommandParser(tokens_of(text), parameters).statement()
    except RecursionError:
        raise too_deep(text) from None
    return Statement(commands, text)


def too_deep(text: str) -> StatementError:
    """Return the refusal of a statement that is nested too deep."""
    at = Place(text, 0, min(len(text), 200))
    return StatementError(
        at, f"ESQL statement is too large, causing stack overflow when generating the parsing tree: [{at.text}]"
    )


class CommandParser(ExpressionParser):
    """Reads commands."""

    def statement(self) -> tuple[Command, ...]:
        """Read all commands, up to the end."""
        commands = [self._command(_SOURCE_COMMANDS, _SOURCES)]
        while self.takes_sign("|"):
            commands.append(self._command(_PROCESSING_COMMANDS, _PROCESSING))
            if len(commands) > _MOST_COMMANDS:
                raise StatementError(commands[-1].at, f"more than [{_MOST_COMMANDS}] commands")
        if self.token.kind is not Kind.END:
            raise self.mismatch("{<EOF>, '|'}")
        return tuple(commands)

    def _command(self, readers: dict[str, Callable[[CommandParser, Token], Command]], expected: str) -> Command:
        token = self.token
        missing = _MISSING.get(token.word)
        if missing is not None:
            raise not_served(f"[{missing}]", token.at)
        reader = readers.get(token.word)
        if reader is None:
            raise self.mismatch(expected)
        return reader(self, self.take())

    # --- sources ---

    def read_from(self, start: Token) -> From:
        """Read the indices, and behind METADATA the fields about documents."""
        sources = self.several(self._source)
        metadata: tuple[tuple[str, Place], ...] = ()
        if self.token.kind is Kind.SOURCE and self.token.text.lower() == "metadata":
            self.take()
            metadata = self.several(self._metadata)
        return From(start.at.to(self.last), sources, metadata)

    def _source(self) -> tuple[str, Place]:
        token = self.token
        if token.is_sign("("):
            raise not_served("a subquery", token.at)
        if token.kind not in {Kind.SOURCE, Kind.STRING}:
            raise self.mismatch("{QUOTED_STRING, UNQUOTED_SOURCE}")
        self.take()
        if self.token.is_sign(":"):
            raise not_served("[FROM] a remote cluster", token.at)
        if self.token.is_sign("::"):
            raise not_served("a selector of an index", token.at)
        if token.kind is Kind.STRING and ":" in token.text:
            raise not_served("[FROM] a remote cluster", token.at)
        if not token.text.strip():
            raise StatementError(token.at, "index pattern is empty")
        return token.text, token.at

    def _metadata(self) -> tuple[str, Place]:
        token = self.token
        if token.kind not in {Kind.SOURCE, Kind.QUOTED}:
            raise self.mismatch("UNQUOTED_SOURCE")
        return self.take().text, token.at

    def read_row(self, start: Token) -> Row:
        """Read the values of the row."""
        fields = self.several(self._assigned)
        return Row(start.at.to(self.last), fields)

    def read_show(self, start: Token) -> ShowInfo:
        """Read what is shown: INFO."""
        if not self.takes_word("info"):
            raise self.mismatch("'info'")
        return ShowInfo(start.at.to(self.last))

    # --- processing ---

    def _assigned(self) -> Assigned:
        start = self.token.at
        name = self._assigned_name()
        expression = self.expression()
        return Assigned(start.to(self.last), name, expression)

    def _assigned_name(self) -> str | None:
        """Read `name =`, if it comes next."""
        before = self._position
        token = self.token
        if token.kind in {Kind.WORD, Kind.QUOTED, Kind.PARAMETER} and self._equals_follows():
            name = self.name().name
            self.sign("=")
            return name
        self._position = before
        return None

    def _equals_follows(self) -> bool:
        distance = 1
        while self.ahead(distance).is_sign("."):
            distance += 2
        return self.ahead(distance).is_sign("=")

    def read_where(self, start: Token) -> Where:
        """Read the condition."""
        condition = self.expression()
        return Where(start.at.to(self.last), condition)

    def read_eval(self, start: Token) -> Eval:
        """Read the new columns."""
        fields = self.several(self._assigned)
        return Eval(start.at.to(self.last), fields)

    def read_keep(self, start: Token) -> Keep:
        """Read the columns that stay."""
        patterns = self.several(self._pattern)
        return Keep(start.at.to(self.last), patterns)

    def read_drop(self, start: Token) -> Drop:
        """Read the columns that go."""
        patterns = self.several(self._pattern)
        for pattern in patterns:
            if pattern.text == "*":
                raise StatementError(pattern.at, "Removing all fields is not allowed [*]")
        return Drop(start.at.to(self.last), patterns)

    def read_rename(self, start: Token) -> Rename:
        """Read old names with new ones."""
        pairs = self.several(self._renamed)
        return Rename(start.at.to(self.last), pairs)

    def _renamed(self) -> tuple[NamePattern, NamePattern]:
        first = self._pattern()
        if self.takes_word("as"):
            pair = first, self._pattern()
        elif self.takes_sign("="):
            pair = self._pattern(), first
        else:
            raise self.mismatch("{'as', '='}")
        for pattern in pair:
            if pattern.tokens is not None:
                raise StatementError(
                    first.at.to(self.last),
                    f"Using wildcards [*] in RENAME is not allowed [{first.at.to(self.last).text}]",
                )
        return pair

    def _pattern(self) -> NamePattern:
        start = self.token.at
        texts: list[str] = []
        tokens: list[GlobToken] = []
        wild = False
        while True:
            token = self.token
            if token.kind is Kind.PARAMETER:
                self.take()
                parameter = self.parameter(token)
                if parameter.kind == "value" and not token.text.startswith("??"):
                    raise StatementError(
                        token.at,
                        f"Query parameter [{token.text}] with value [{parameter.value}] declared as a constant, cannot "
                        "be used as an identifier or pattern",
                    )
                text, open_text = str(parameter.value), parameter.kind == "pattern"
            elif token.kind in {Kind.WORD, Kind.PATTERN}:
                text, open_text = self.take().text, True
            elif token.kind is Kind.QUOTED:
                text, open_text = self.take().text, False
            else:
                raise self.mismatch("{'?', UNQUOTED_ID_PATTERN, QUOTED_IDENTIFIER}")
            wild = wild or (open_text and "*" in text)
            texts.append(text)
            tokens += [Wild.TEXT if open_text and character == "*" else character for character in text]
            if not self.takes_sign("."):
                break
            tokens.append(".")
        return NamePattern(start.to(self.last), ".".join(texts), tuple(tokens) if wild else None)

    def read_sort(self, start: Token) -> Sort:
        """Read the criteria."""
        criteria = self.several(self._criterion)
        return Sort(start.at.to(self.last), criteria)

    def _criterion(self) -> Sorted:
        expression = self.expression()
        descending = self.takes_word("desc")
        if not descending:
            self.takes_word("asc")
        nulls_first = descending
        if self.takes_word("nulls"):
            if self.token.word not in {"first", "last"}:
                raise self.mismatch("{'first', 'last'}")
            nulls_first = self.take().word == "first"
        return Sorted(expression, descending, nulls_first)

    def read_limit(self, start: Token) -> Limit:
        """Read how many rows."""
        at = self.token.at
        if self.token.is_sign("-") or self.token.kind not in {Kind.INTEGER, Kind.PARAMETER}:
            raise self.mismatch("{INTEGER_LITERAL, '?'}") if not self.token.is_sign("-") else self._bad_limit(at)
        found = self.constant()
        if found.type not in {"integer", "long"} or not isinstance(found.value, int) or found.value < 0:
            raise StatementError(
                start.at.to(self.last),
                f"value of [{start.at.to(self.last).text}] must be a non negative integer, found value "
                f"[{at.text}] type [{found.type}]",
            )
        if self.token.word == "by":
            raise not_served("[LIMIT] of each group", self.token.at)
        return Limit(start.at.to(self.last), min(found.value, 2**31 - 1))

    def _bad_limit(self, at: Place) -> StatementError:
        return StatementError(
            at, f"value of [limit -{self.ahead(1).text}] must be a non negative integer, found value "
            f"[-{self.ahead(1).text}] type [integer]"
        )  # fmt: skip

    def read_sample(self, start: Token) -> Sample:
        """Read how likely it is that a row stays."""
        found = self.constant()
        at = start.at.to(self.last)
        if not isinstance(found.value, float | int) or isinstance(found.value, bool) or not 0 < found.value < 1:
            raise StatementError(
                at,
                f"invalid value for SAMPLE probability [{found.text}], expecting a number between 0 and 1, exclusive",
            )
        return Sample(at, float(found.value))

    def read_stats(self, start: Token) -> Stats:
        """Read aggregates and groups."""
        return self._stats(start, inline=False)

    def read_inline(self, start: Token) -> Stats:
        """Read INLINE STATS."""
        if not self.takes_word("stats"):
            raise self.mismatch("'stats'")
        return self._stats(start, inline=True)

    def read_inlinestats(self, start: Token) -> Stats:
        """Read INLINESTATS."""
        return self._stats(start, inline=True)

    def _stats(self, start: Token, *, inline: bool) -> Stats:
        aggregates: tuple[Aggregated, ...] = ()
        groups: tuple[Assigned, ...] = ()
        if self.token.word != "by" and self.token.kind is not Kind.END and not self.token.is_sign("|"):
            aggregates = self.several(self._aggregated)
        if self.takes_word("by"):
            groups = self.several(self._assigned)
        at = start.at.to(self.last)
        if not aggregates and not groups:
            raise StatementError(at, f"At least one aggregation or grouping expression required in [{at.text}]")
        return Stats(at, aggregates, groups, inline)

    def _aggregated(self) -> Aggregated:
        start = self.token.at
        name = self._assigned_name()
        expression = self.expression()
        where = self.expression() if self.takes_word("where") else None
        whole = start.to(self.last)
        return Aggregated(whole, name, expression, where, whole.text)

    def read_mv_expand(self, start: Token) -> MvExpand:
        """Read the column."""
        column = self.name()
        return MvExpand(start.at.to(self.last), column)

    def read_dissect(self, start: Token) -> Dissect:
        """Read the text, its pattern, and options."""
        operand = self._product()
        at = self.token.at
        pattern = self.text()
        separator = ""
        if self.token.kind is Kind.WORD:
            options = self.several(self._option)
            for name, value in options:
                if name.name.lower() != "append_separator":
                    raise StatementError(name.at, f"Invalid option for dissect: [{name.name}]")
                if not isinstance(value.value, str):
                    raise StatementError(
                        value.at,
                        f"Invalid value for dissect append_separator: expected a string, but was [{value.text}]",
                    )
                separator = value.value
        return Dissect(start.at.to(self.last), operand, pattern, at, separator)

    def _option(self) -> tuple[Name, Constant]:
        name = self.name()
        self.sign("=")
        return name, self.constant()

    def read_grok(self, start: Token) -> Grok:
        """Read the text and its patterns."""
        operand = self._product()
        at = self.token.at
        patterns = self.several(self.text)
        return Grok(start.at.to(self.last), operand, patterns, at)


_SOURCE_COMMANDS: dict[str, Callable[[CommandParser, Token], Command]] = {
    "from": CommandParser.read_from,
    "row": CommandParser.read_row,
    "show": CommandParser.read_show,
}
_PROCESSING_COMMANDS: dict[str, Callable[[CommandParser, Token], Command]] = {
    "dissect": CommandParser.read_dissect,
    "drop": CommandParser.read_drop,
    "eval": CommandParser.read_eval,
    "grok": CommandParser.read_grok,
    "inline": CommandParser.read_inline,
    "inlinestats": CommandParser.read_inlinestats,
    "keep": CommandParser.read_keep,
    "limit": CommandParser.read_limit,
    "mv_expand": CommandParser.read_mv_expand,
    "rename": CommandParser.read_rename,
    "sample": CommandParser.read_sample,
    "sort": CommandParser.read_sort,
    "stats": CommandParser.read_stats,
    "where": CommandParser.read_where,
}
