"""Clauses about exact values: `term`, `terms`, `ids`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from anomalyops_engine.query import analysis
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.dsl.clause import (
    Clause,
    ClauseOptions,
    ClauseSubject,
    Scope,
    options_body,
    read_field_clause,
    read_strict_clause,
    some_value,
)
from anomalyops_engine.query.dsl.identity import ID_FIELD, IGNORED_FIELD, INDEX_FIELD, index_is_one_of
from anomalyops_engine.query.dsl.patterns import NO_VALUE, some_fits
from anomalyops_engine.query.dsl.scoring import Scoring, term_score, unscored, word_scores
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    QueryParsingError,
    QueryShardError,
)
from anomalyops_engine.query.expr import FALSE, Column, Expr, Literal, all_of, any_of, call, one_of
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.query.lookups import Lookup, looked_up
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    boolean,
    list_of,
    option,
    read_options,
    scalar,
)
from anomalyops_engine.query.regexes import literal_pattern
from anomalyops_engine.query.spans import Wanted, end_of, lies
from anomalyops_engine.query.values import (
    as_text,
    column_value,
    epoch_numbers,
    in_block,
    not_created,
    same_number,
)
from anomalyops_engine.store import Field, ip
from anomalyops_engine.store.dates import format_millis

# What is not searched by value, and why.
_NOT_EXACT = {
    "binary": "Binary fields do not support searching",
    "geo_point": "Geometry fields do not support exact searching, use dedicated geometry queries instead: [{}]",
}


def has_one_of(name: str, values: tuple[Scalar, ...], scope: Scope) -> Expr:
    """Return that a field has one of some values, exactly; that analysed text has one of them as a word."""
    if name == ID_FIELD:
        return one_of(Column(ID_FIELD), [as_text(value) for value in values])
    if name == INDEX_FIELD:
        return index_is_one_of(scope.index, [as_text(value) for value in values])
    if name == IGNORED_FIELD:
        return call("list_has_any", Column(name), Literal(tuple(map(as_text, values)), "VARCHAR[]"))
    leaf = scope.searched(name)
    if leaf is None or not values:
        return FALSE
    if leaf.type in _NOT_EXACT:
        raise QueryShardError(_NOT_EXACT[leaf.type].format(name))
    if leaf.is_text:
        words = [as_text(value) for value in values]
        return some_value(leaf, lambda value: analysis.has_a_word(value, words, leaf.analyzer))
    if leaf.type == "ip":
        blocks = [text for text in map(as_text, values) if ip.is_block(text)]
        single = tuple(value for value in values if not ip.is_block(as_text(value)))
        inside = some_value(leaf, lambda address: any_of([in_block(address, block) for block in blocks]))
        return any_of([*([_has_value(leaf, single)] if single else []), *([inside] if blocks else [])])
    if leaf.is_range:
        return any_of([_around(leaf, value, scope) for value in values])
    if leaf.is_date:
        return any_of([_at_moment(leaf, value, scope) for value in values])
    return _has_value(leaf, values)


# Kept as terms, which are the rarer the more they are worth.
_TERMS = frozenset({"boolean", "keyword", "version"})


def exact_score(name: str, value: Scalar, scoring: Scoring) -> Expr:
    """Return the score of a document that has a value in a field, exactly; of a word in analysed text.

    Raises:
        UnsupportedQueryError: this engine cannot tell.
    """
    if name == IGNORED_FIELD:
        raise unscored(f"a term of [{name}]")
    leaf = scoring.scope.searched(name)
    if leaf is not None and leaf.is_text:
        return word_scores(leaf, (as_text(value),), scoring)
    if leaf is None or leaf.type not in _TERMS or not leaf.definition.get("index", True):
        return scoring.constant
    return term_score(leaf, has_one_of(name, (value,), scoring.scope), scoring)


def _has_value(leaf: Field, values: tuple[Scalar, ...]) -> Expr:
    wanted = [found for value in values if (found := column_value(leaf, value)) is not None]
    if any(found == 0 and isinstance(found, float) for found in wanted):
        # The two zeros are different values.
        return some_value(leaf, lambda value: any_of([same_number(value, number) for number in wanted]))
    if leaf.multi:
        return call("list_has_any", Column(leaf.column), Literal(tuple(wanted))) if wanted else FALSE
    return one_of(Column(leaf.column), wanted)


def _around(leaf: Field, value: Scalar, scope: Scope) -> Expr:
    """Return that a field has a range in which a value lies."""
    if leaf.type == "date_range":
        formats = epoch_numbers(leaf.formats, value)
        low, high = (resolve_date(value, formats, now_ms=scope.now_ms, round_up=up) for up in (False, True))
        wanted = Wanted(low, high)
    else:
        end = end_of(leaf, value)
        wanted = Wanted(end, end)
    return some_value(leaf, lambda span: lies(leaf, span, wanted, "intersects"))


def _at_moment(leaf: Field, value: Scalar, scope: Scope) -> Expr:
    formats = epoch_numbers(leaf.formats, value)
    low = resolve_date(value, formats, now_ms=scope.now_ms)
    high = resolve_date(value, formats, now_ms=scope.now_ms, round_up=True)
    if leaf.type == "date_nanos" and low < 0:
        reason = f"date[{format_millis(low)}] is before the epoch in 1970 and cannot be stored in nanosecond resolution"
        raise not_created(IllegalQueryError(reason))
    return some_value(leaf, lambda moment: all_of([moment >= low, moment <= high]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Clause):
    """Documents that have a value in a field, exactly."""

    field: str
    value: Scalar = option(scalar, nullable=True)
    case_insensitive: bool = option(boolean, default=False)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        if not self.case_insensitive:
            return has_one_of(self.field, (self.value,), scope)
        text = as_text(self.value)
        if self.field == ID_FIELD:
            raise IllegalQueryError("[_id] does not support case insensitive term queries")
        if self.field == INDEX_FIELD:
            return index_is_one_of(scope.index, [text.lower()])
        leaf = scope.searched(self.field)
        if leaf is None:
            return FALSE
        if not leaf.is_string or leaf.is_range or leaf.type in {"ip", "geo_point", "binary"}:
            raise QueryShardError(
                f"[{self.field}] field which is of type [{leaf.type}], does not support case insensitive term queries"
            )
        return some_fits(leaf, literal_pattern(text), insensitive=True)

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of the value; see `Clause.score`."""
        inner = scoring.times(self.boost)
        return inner.constant if self.case_insensitive else exact_score(self.field, self.value, inner)


def read_term(body: object) -> Clause:
    """Read `term`.

    Raises:
        QueryError: malformed.
    """
    return read_field_clause(Term, "term", body, short="value", required=NO_VALUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms(Clause):
    """Documents that have one of some values in a field, exactly; the values may stand in a document."""

    field: str
    values: tuple[Scalar, ...] = ()
    lookup: Lookup | None = None

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        values = self.values if self.lookup is None else looked_up(self.lookup)
        limit = limit_of(scope.index, "max_terms_count")
        if len(values) > limit:
            raise not_created(
                IllegalQueryError(
                    f"The number of terms [{len(values)}] used in the Terms Query request has exceeded the "
                    f"allowed maximum of [{limit}]. This maximum can be set by changing the [index.max_terms_count] "
                    "index level setting."
                )
            )
        return has_one_of(self.field, values, scope)


def _term(value: object) -> Scalar:
    if value is None:
        raise QueryParsingError("No value specified for terms query")
    return scalar(value)


def read_terms(body: object) -> Clause:
    """Read `terms`.

    Raises:
        QueryError: malformed.
    """
    options = options_body("terms", body)
    fields = {key: value for key, value in options.items() if key not in {"boost", "_name"}}
    if len(fields) != 1:
        raise QueryParsingError(
            "[terms] query does not support multiple fields"
            if fields
            else "[terms] query requires a field name, followed by array of terms or a document lookup specification"
        )
    ((name, values),) = fields.items()
    if not isinstance(values, list | dict):
        raise QueryParsingError(f"[terms] query does not support [{name}]")
    subject = ClauseSubject("terms")
    known = read_options(ClauseOptions, {key: options[key] for key in options.keys() - fields.keys()}, subject)
    if isinstance(values, dict):
        lookup = read_options(Lookup, values, Subject("terms_lookup"))
        return Terms(field=name, lookup=lookup, boost=known.boost, name=known.name)
    try:
        terms = tuple(map(_term, values))
    except MistypedError as error:
        raise subject.mistyped(name, error) from None
    return Terms(field=name, values=terms, boost=known.boost, name=known.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids(Clause):
    """Documents by id."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    values: tuple[Scalar, ...] = option(list_of(scalar), ())

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return one_of(Column(ID_FIELD), [as_text(value) for value in self.values])


def read_ids(body: object) -> Clause:
    """Read `ids`.

    Raises:
        QueryError: malformed.
    """
    return read_strict_clause(Ids, "ids", body)
