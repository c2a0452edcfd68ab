"""`intervals`: words of a text by where they stand to each other."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.clause import Clause, ClauseOptions, Scope, field_body
from anomalyops_engine.query.dsl.fuzziness import Fuzziness, is_close, read_fuzziness
from anomalyops_engine.query.dsl.patterns import pattern_regex
from anomalyops_engine.query.dsl.scoring import Scoring, unscored
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import FALSE, Cast, Column, Expr, Lambda, Literal, all_of, call, when
from anomalyops_engine.query.globs import wildcard_tokens
from anomalyops_engine.query.options import (
    Subject,
    boolean,
    integer,
    mapping,
    option,
    read_options,
    shown,
    text,
)
from anomalyops_engine.query.positions import RELATIONS, Part, Positions, width, words_of_values
from anomalyops_engine.store import Field

_ANY: Final = -1
_MOST_RULES: Final = 64
_MOST_ALTERNATIVES: Final = 64
# What Elasticsearch puts between the values of a field.
_BETWEEN_VALUES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ABC):
    """What intervals are wanted; well formed and independent of any index."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"analyzer", "use_field"})

    @property
    def extent(self) -> int:
        """How many positions an interval spans at least."""
        return 1

    @abstractmethod
    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals of a text by alternative, without what a filter says of them.

        What is combined of alternatives is combined of each of them (as Lucene pulls disjunctions up), so that a short
        one does not hide a long one.

        Raises:
            IllegalQueryError: there are too many.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """How intervals must stand to others, or must not."""

    relation: str
    negated: bool
    other: Rule


def _filter(value: object) -> Filter:
    body = mapping(value)
    if len(body) != 1:
        raise QueryParsingError(f"[filter] of intervals must name one relation, got [{shown(', '.join(body))}]")
    ((name, rule),) = body.items()
    negated = name.startswith("not_")
    relation = name.removeprefix("not_")
    if relation not in RELATIONS or (negated and relation in {"before", "after"}):
        raise QueryParsingError(f"[filter] of intervals is [script] or unknown: [{shown(name)}]; known: [{_KNOWN}]")
    return Filter(relation=relation, negated=negated, other=_rule(rule))


_KNOWN: Final = ", ".join([*RELATIONS, *(f"not_{name}" for name in RELATIONS if name not in {"before", "after"})])


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered(Rule):
    """A rule that may have a filter."""

    filter: Filter | None = option(_filter, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRule(Filtered):
    """The words of a text."""

    query: str = option(text)
    max_gaps: int = option(integer(at_least=_ANY), _ANY)
    ordered: bool = option(boolean, default=False)

    @property
    def extent(self) -> int:
        """How many positions an interval spans at least."""
        return _extent(analysis.split_words(self.query), ordered=self.ordered)

    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals; see `Rule.sources`."""
        words = analysis.split_words(self.query)
        if not words:
            return [text.of(lambda _: FALSE)]
        if self.ordered or len(words) == 1:
            found = text.in_order([_word(text, word) for word in words])
        else:
            parts = [
                Part(text.repeated(_word(text, word), times) if times > 1 else _word(text, word), times)
                for word, times in Counter(words).items()
            ]
            found = text.together(parts) if len(parts) > 1 else parts[0].intervals
        return [found if self.max_gaps == _ANY else text.within(found, self.max_gaps)]


def _word(text: Positions, word: str) -> Expr:
    return text.of(lambda found: found.equals(word))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixRule(Rule):
    """Words that begin with a text."""

    prefix: str = option(text)

    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals; see `Rule.sources`."""
        begun = self.prefix.lower()
        return [text.of(lambda word: all_of([call("starts_with", word, begun), call("length", word) > 0]))]


@dataclass(frozen=True, slots=True, kw_only=True)
class WildcardRule(Rule):
    """Words that fit a pattern of `*` and `?`."""

    pattern: str = option(text)

    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals; see `Rule.sources`."""
        regex = pattern_regex(list(wildcard_tokens(self.pattern.lower())))

        def fits(word: Expr) -> Expr:
            return all_of([call("regexp_full_match", word, regex, "s"), call("length", word) > 0])

        return [text.of(fits)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzyRule(Rule):
    """Words that differ little from one."""

    term: str = option(text)
    fuzziness: Fuzziness = option(read_fuzziness, Fuzziness())
    prefix_length: int = option(integer(at_least=0), 0)
    transpositions: bool = option(boolean, default=True)

    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals; see `Rule.sources`."""
        wanted, letters = self.term.lower(), self.prefix_length

        def close(word: Expr) -> Expr:
            return is_close(word, wanted, self.fuzziness, prefix=letters, transpositions=self.transpositions)

        return [text.of(close)]


def _rules(value: object) -> tuple[Rule, ...]:
    if not isinstance(value, list):
        raise IllegalQueryError(f"[intervals] must be a list of rules, got [{shown(value)}]")
    if not 1 <= len(value) <= _MOST_RULES:
        raise IllegalQueryError(f"[intervals] must have from 1 to {_MOST_RULES} rules, got [{len(value)}]")
    return tuple(_rule(item) for item in value)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(Filtered):
    """Intervals of several rules together."""

    intervals: tuple[Rule, ...] = option(_rules)
    max_gaps: int = option(integer(at_least=_ANY), _ANY)
    ordered: bool = option(boolean, default=False)

    @property
    def extent(self) -> int:
        """How many positions an interval spans at least."""
        parts = [part for rule in self.intervals for part in _flat(rule, ordered=self.ordered)]
        if not self.ordered and any(part in parts[:place] for place, part in enumerate(parts)):
            raise unscored("[intervals] with the same words in two of [all_of]")
        return _extent(parts, ordered=self.ordered)

    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals; see `Rule.sources`."""
        by_rule = [lowered(rule, text) for rule in self.intervals]
        if math.prod(map(len, by_rule)) > _MOST_ALTERNATIVES:
            raise IllegalQueryError(
                f"[all_of] has more than [{_MOST_ALTERNATIVES}] combinations of what is in [any_of]"
            )
        return [self._combined(parts, text) for parts in itertools.product(*by_rule)]

    def _combined(self, parts: Sequence[Expr], text: Positions) -> Expr:
        alone = self.ordered or len(parts) == 1
        found = text.in_order(parts) if alone else text.together([Part(one) for one in parts])
        return found if self.max_gaps == _ANY else text.within(found, self.max_gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Filtered):
    """Intervals of one of several rules."""

    intervals: tuple[Rule, ...] = option(_rules)

    def sources(self, text: Positions) -> list[Expr]:
        """Return the intervals; see `Rule.sources`."""
        return [source for rule in self.intervals for source in lowered(rule, text)]


def _flat(rule: Rule, *, ordered: bool) -> Sequence[str | Rule]:
    """Return the parts of a rule, where those of one in another count as parts of that, as Lucene has it."""
    if isinstance(rule, MatchRule | AllOf) and rule.filter is None and rule.max_gaps == _ANY:
        inner = analysis.split_words(rule.query) if isinstance(rule, MatchRule) else rule.intervals
        if len(inner) == 1 or rule.ordered == ordered:
            return [
                part for each in inner for part in ([each] if isinstance(each, str) else _flat(each, ordered=ordered))
            ]
    return [rule]


def _extent(parts: Sequence[str | Rule], *, ordered: bool) -> int:
    """Return how many positions parts take at least: one that is repeated takes, for Lucene, no more than one."""
    kept: list[str | Rule] = []
    for part in parts:
        if part not in (kept[-1:] if ordered else kept):
            kept.append(part)
    return sum(1 if isinstance(part, str) else part.extent for part in kept)


def lowered(rule: Rule, text: Positions) -> list[Expr]:
    """Return the intervals of a rule that stand as its filter wants them, by alternative.

    Raises:
        IllegalQueryError: there are too many alternatives.
    """
    found = rule.sources(text)
    if not isinstance(rule, Filtered) or rule.filter is None:
        return found
    wanted = rule.filter
    other, relation = text.one_of(lowered(wanted.other, text)), RELATIONS[wanted.relation]
    return [text.related(source, other, relation, negated=wanted.negated) for source in found]


_RULES: Final[Mapping[str, type[Rule]]] = {
    "all_of": AllOf,
    "any_of": AnyOf,
    "fuzzy": FuzzyRule,
    "match": MatchRule,
    "prefix": PrefixRule,
    "wildcard": WildcardRule,
}


def _rule(value: object) -> Rule:
    body = mapping(value)
    if len(body) != 1:
        raise QueryParsingError(f"a rule of intervals must have one type, got [{shown(', '.join(body))}]")
    ((name, options),) = body.items()
    table = _RULES.get(name)
    if table is None:
        raise QueryParsingError(f"Unknown interval type [{shown(name)}], expecting one of [{', '.join(_RULES)}]")
    return read_options(table, mapping(options), Subject(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals(Clause):
    """Documents with words that stand to each other as a rule wants it."""

    field: str
    rule: Rule

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.searched(self.field)
        if leaf is None:
            return FALSE
        if not leaf.is_text:
            raise IllegalQueryError(
                f"Can only use interval queries on text fields - not on [{self.field}] which is of type [{leaf.type}]"
            )
        if {leaf.analyzer, leaf.search_analyzer} != {analysis.STANDARD}:
            raise UnsupportedQueryError(
                f"[intervals] on [{self.field}] with analyzer [{leaf.analyzer}] is not supported by this engine"
            )
        found = Positions(self._words(leaf)).with_words(lambda text: text.one_of(lowered(self.rule, text)))
        return when(Column(leaf.column).is_not_null(), call("len", found) > 0)

    @staticmethod
    def _words(leaf: Field) -> Expr:
        column = Column(leaf.column)
        return words_of_values(column, analysis.words_of, _BETWEEN_VALUES) if leaf.multi else analysis.words_of(column)

    def score(self, scoring: Scoring) -> Expr:
        """Return how many intervals there are, the narrow ones for more, saturated; see `Clause.score`.

        As Lucene's `IntervalQuery` with its usual function: f / (f + 1), where f is the sum of 1 / (1 + the width of an
        interval beyond what it needs).
        """
        inner, leaf = scoring.times(self.boost), scoring.scope.index.get(self.field)
        if leaf is None or leaf.type == "match_only_text":
            return inner.constant

        def worth(text: Positions) -> Expr:
            alternatives = lowered(self.rule, text)
            if len(alternatives) > 1:
                raise unscored("[intervals] with [any_of]")
            spare = width(Column("one")) - self.rule.extent
            one = Lambda("one", Literal(1.0, "DOUBLE") / call("greatest", spare + 1, 1))
            return call("list_sum", call("list_transform", alternatives[0], one))

        found = Cast(Positions(self._words(leaf)).with_words(worth), "FLOAT")
        return inner.constant * (Literal(1.0, "FLOAT") - Literal(1.0, "FLOAT") / (Literal(1.0, "FLOAT") + found))


def read_intervals(body: object) -> Clause:
    """Read `intervals`.

    Raises:
        QueryError: malformed or not supported.
    """
    name, options = field_body("intervals", body)
    rules = {key: value for key, value in options.items() if key not in {"boost", "_name"}}
    given = read_options(
        ClauseOptions, {key: value for key, value in options.items() if key in {"boost", "_name"}}, Subject("intervals")
    )
    if not rules:
        raise QueryParsingError("Missing intervals from interval query definition")
    if len(rules) > 1:
        raise QueryParsingError(f"Only one interval rule can be specified, found [{shown(', '.join(rules))}]")
    return Intervals(field=name, rule=_rule(rules), boost=given.boost, name=given.name)
