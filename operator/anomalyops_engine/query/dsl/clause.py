"""What every clause of the Query DSL is: a record of its options that an index turns into a condition.

A condition is TRUE for a document that matches and FALSE or NULL for one that does not; only `must_not` turns that
round, with `IS NOT TRUE`. So range and term conditions stay in the plain form that the database can push into its
scan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from anomalyops_engine.query.errors import (
    ContentParseError,
    IllegalQueryError,
    QueryError,
    QueryParsingError,
    QueryShardError,
)
from anomalyops_engine.query.expr import Column, Expr, Lambda, Literal, call, when
from anomalyops_engine.query.options import MistypedError, Subject, any_number, option, read_options, text, token_of
from anomalyops_engine.store import Field, Index

if TYPE_CHECKING:
    from anomalyops_engine.query.dsl.scoring import Scoring

Made = TypeVar("Made", bound="Clause")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the clauses of one request are lowered for.

    Attributes:
        index: whose fields they name.
        now_ms: the present that `now` means, epoch milliseconds.
    """

    index: Index
    now_ms: int

    def searched(self, name: str) -> Field | None:
        """Return the field whose values a clause is about, None when it is not mapped.

        Raises:
            QueryShardError: its mapping says that it is not searched.
        """
        leaf = self.index.get(name)
        if leaf is not None and not leaf.searchable:
            why = "" if leaf.is_text else " nor has doc values"
            cause = IllegalQueryError(f"Cannot search on field [{name}] since it is not indexed{why}.")
            raise QueryShardError(f"failed to create query: {cause}", cause)
        return leaf


def _boost(value: object) -> float:
    factor = float(any_number(value))
    if factor < 0:
        raise IllegalQueryError(
            f"negative [boost] are not allowed in [{factor}], use a value between 0 and 1 to deboost"
        )
    return factor


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseOptions:
    """What every clause may say of itself.

    Attributes:
        boost: what its score is multiplied by.
        name: what hits call it in `matched_queries`, None for nothing.
    """

    boost: float = option(_boost, 1.0)
    name: str | None = option(text, None, key="_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause(ClauseOptions, ABC):
    """One clause of a query, well formed and independent of any index."""

    @abstractmethod
    def lower(self, scope: Scope) -> Expr:
        """Return the condition on the documents of an index.

        Raises:
            IllegalQueryError: a value does not fit its field.
            UnsupportedQueryError: the field's type does not go with this clause in this engine.
        """

    def share(self, scoring: Scoring) -> Expr:
        """Return the score where the clause matches, and 0 where it does not."""
        return when(self.lower(scoring.scope), self.score(scoring), Literal(0.0, "FLOAT"))

    def score(self, scoring: Scoring) -> Expr:
        """Return how well a document matches that does; of a clause with nothing to weigh, its boost.

        Raises:
            UnsupportedQueryError: this engine cannot tell.
        """
        return scoring.times(self.boost).constant


def some_value(leaf: Field, condition: Callable[[Expr], Expr]) -> Expr:
    """Return that some value of the field fulfils a condition, for single and list columns alike."""
    if not leaf.multi:
        return condition(Column(leaf.column))
    matching = call("list_filter", Column(leaf.column), Lambda("item", condition(Column("item"))))
    return call("len", matching) > 0


# --- reading ---


@dataclass(frozen=True, slots=True)
class ClauseSubject(Subject):
    """A clause whose parser Elasticsearch wrote by hand, token by token.

    Its own errors are `parsing_exception`; those of the values are told as they are.

    Attributes:
        required: makes the error when the one option is missing that must be there, None for a general one.
    """

    coerces: ClassVar[bool] = True

    required: Callable[[], QueryError] | None = None

    def unknown(self, key: str, value: object) -> QueryError:
        """Return the error of an option that nobody knows."""
        return QueryParsingError(f"[{self.kind}] query does not support [{key}]")

    def mistyped(self, key: str, error: MistypedError) -> QueryError:
        """Return the error of an option that is given another kind of JSON value than it takes."""
        general = QueryParsingError(f"[{self.kind}] query does not support [{key}] of type {token_of(error.value)}")
        return error.of_token() or general

    def failed(self, key: str, cause: QueryError) -> QueryError:
        """Return the error of an option whose value cannot be read."""
        return cause

    def missing(self, key: str) -> QueryError:
        """Return the error of an option that must be there."""
        if self.required is not None:
            return self.required()
        return QueryParsingError(f"[{self.kind}] must be provided with a [{key}]")


def options_body(kind: str, body: object) -> dict[str, Any]:
    """Return the options of a clause.

    Raises:
        QueryParsingError: they are no object.
    """
    if not isinstance(body, dict):
        raise QueryParsingError(f"[{kind}] query malformed, no start_object after query name")
    return body


def field_body(kind: str, body: object, *, short: str | None = None) -> tuple[str, Mapping[str, Any]]:
    """Return field name and options of `{"field": {...}}` or, with `short`, of `{"field": value}`.

    Raises:
        QueryParsingError: not of that form.
    """
    options = options_body(kind, body)
    if len(options) != 1:
        if not options:
            raise IllegalQueryError("field name is null or empty")
        first, second, *_ = options
        raise QueryParsingError(f"[{kind}] query doesn't support multiple fields, found [{first}] and [{second}]")
    ((name, inner),) = options.items()
    if isinstance(inner, dict):
        return name, inner
    if short is None:
        if inner is None:
            raise IllegalQueryError("field name is null or empty")
        raise QueryParsingError(f"[{kind}] query malformed, no start_object after field name [{name}]")
    return name, {short: inner}


def read_field_clause(
    table: type[Made],
    kind: str,
    body: object,
    *,
    short: str | None = None,
    required: Callable[[], QueryError] | None = None,
) -> Made:
    """Return the clause about one field that a body gives; the record has a `field`.

    Args:
        table: the clause's record.
        kind: its name in the DSL.
        body: what stands under the name.
        short: the option that stands for all in `{"field": value}`.
        required: makes the error when the option that must be there is missing, None for a general one.

    Raises:
        QueryError: malformed or not supported.
    """
    field, options = field_body(kind, body, short=short)
    return read_options(table, options, ClauseSubject(kind, required=required), field=field)


def read_strict_clause(table: type[Made], kind: str, body: object) -> Made:
    """Return a clause that Elasticsearch reads from a table of its own, and whose errors it tells as the query's.

    Raises:
        QueryError: malformed.
    """
    try:
        return read_options(table, options_body(kind, body), Subject(kind))
    except ContentParseError as error:
        raise QueryParsingError(error.reason, error) from None


def renamed(clause: Clause, options: Clause) -> Clause:
    """Return a clause with the boost and name that another record was given."""
    return replace(clause, boost=options.boost, name=options.name)
