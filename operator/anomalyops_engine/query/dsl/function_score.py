"""`function_score`: the score of a query, changed by functions of the document."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from anomalyops_engine.config.units import duration_ms
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.dsl.clause import Clause, ClauseOptions, ClauseSubject, Scope, options_body
from anomalyops_engine.query.dsl.compound import MatchAll
from anomalyops_engine.query.dsl.scoring import Scoring, single
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import TRUE, Case, Cast, Column, Expr, Lambda, Literal, all_of, call, when
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    anything,
    number,
    option,
    read_options,
    scalar,
    shown,
    text,
    word,
)
from anomalyops_engine.query.values import epoch_numbers, given_number
from anomalyops_engine.refusals import MlError
from anomalyops_engine.store import Field
from anomalyops_engine.store.mapping import SQL_TYPES

_Parse = Callable[[object], Clause]
_ONE: Final = Literal(1.0, "DOUBLE")
_RANDOM_BITS: Final = 2**24
_NUMBERS: Final = frozenset({"BIGINT", "UBIGINT", "DOUBLE"})


class Function(ABC):
    """A number for each document."""

    __slots__ = ()

    @abstractmethod
    def value(self, scoring: Scoring, matching: Expr) -> Expr:
        """Return it.

        Args:
            scoring: whose documents.
            matching: the documents that the function may be asked for.

        Raises:
            QueryError: it has none for some document, or goes with none of the index's fields.
        """


@dataclass(frozen=True, slots=True)
class Weight(Function):
    """The same for all."""

    def value(self, scoring: Scoring, matching: Expr) -> Expr:
        """Return the number; see `Function.value`."""
        return _ONE


def _number_leaf(kind: str, name: str, scoring: Scoring) -> Field:
    leaf = scoring.scope.searched(name)
    if leaf is None:
        raise IllegalQueryError(f"[{kind}] no mapping found for field [{name}]")
    if SQL_TYPES[leaf.type] not in _NUMBERS or leaf.type == "date_nanos":
        raise UnsupportedQueryError(f"[{kind}] on [{leaf.type}] field [{name}] is not supported by this engine")
    return leaf


@dataclass(frozen=True, slots=True)
class _Modifier:
    """What is made of a number.

    Attributes:
        least: the least number that it makes a score of.
        of: makes it.
        open: of the least number itself it makes none.
    """

    least: float
    of: Callable[[Expr], Expr]
    open: bool = False


_MODIFIERS: Final[Mapping[str, _Modifier]] = {
    "none": _Modifier(0, lambda number: number),
    "log": _Modifier(1, lambda number: call("log10", number)),
    "log1p": _Modifier(0, lambda number: call("log10", number + 1)),
    "log2p": _Modifier(-1, lambda number: call("log10", number + 2)),
    "ln": _Modifier(1, lambda number: call("ln", number)),
    "ln1p": _Modifier(0, lambda number: call("ln", number + 1)),
    "ln2p": _Modifier(-1, lambda number: call("ln", number + 2)),
    "square": _Modifier(-math.inf, lambda number: number * number),
    "sqrt": _Modifier(0, lambda number: call("sqrt", number)),
    "reciprocal": _Modifier(0, lambda number: _ONE / number, open=True),
}


def _modifier(value: object) -> str:
    wanted = text(value).lower()
    if wanted not in _MODIFIERS:
        raise IllegalQueryError(f"no modifier [{shown(value)}] of [field_value_factor]; known: {sorted(_MODIFIERS)}")
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValueFactor(Function):
    """A number that the document has: of several, the smallest."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    field: str = option(text)
    factor: float = option(number(), 1.0)
    modifier: str = option(_modifier, "none")
    missing: float | None = option(number(), None)

    def value(self, scoring: Scoring, matching: Expr) -> Expr:
        """Return the number; see `Function.value`."""
        leaf = _number_leaf("field_value_factor", self.field, scoring)
        column: Expr = Column(leaf.column)
        picked: Expr = Cast(call("list_min", column) if leaf.multi else column, "DOUBLE")
        if self.missing is not None:
            picked = call("coalesce", picked, Literal(self.missing, "DOUBLE"))
        elif scoring.statistics.counts([all_of([matching, picked.is_null()])])[0]:
            raise IllegalQueryError(f"Missing value for field [{self.field}]")
        made = picked * Literal(single(self.factor), "DOUBLE")
        modifier = _MODIFIERS[self.modifier]
        least = Literal(float(modifier.least), "DOUBLE")
        wrong = made <= least if modifier.open else made < least
        if scoring.statistics.counts([all_of([matching, wrong])])[0]:
            raise IllegalQueryError(
                f"field value function must not produce negative scores or scores without end: [{self.modifier}] of "
                f"some value of [{self.field}]"
            )
        return when(wrong, _ONE, modifier.of(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomScore(Function):
    """A number from 0 to 1 by chance: with a seed the same for the same values of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    seed: Scalar | None = option(scalar, None, nullable=True)
    field: str | None = option(text, None, nullable=True)

    def value(self, scoring: Scoring, matching: Expr) -> Expr:
        """Return the number; see `Function.value`."""
        own = {None: "_seq_no", "_seq_no": "_seq_no", "_id": "_id"}
        if self.field in own:
            column = Column(own[self.field])
        else:
            leaf = scoring.scope.searched(str(self.field))
            if leaf is None:
                raise IllegalQueryError(
                    f"field [{self.field}] is not mapped and cannot be used as a source of random numbers."
                )
            column = Column(leaf.column)
        seed = random.getrandbits(62) if self.seed is None else str(self.seed)
        drawn = call("hash", column, seed) % _RANDOM_BITS
        return Cast(drawn, "DOUBLE") / Literal(float(_RANDOM_BITS), "DOUBLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class _DecayOptions:
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    origin: Scalar | None = option(scalar, None)
    scale: Scalar = option(scalar)
    offset: Scalar = option(scalar, 0)
    decay: float = option(number(), 0.5)


_NEAREST: Final = {"min": "list_min", "max": "list_max", "avg": "list_avg", "sum": "list_sum"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay(Function):
    """Less and less from 1 on, the further the document's number or time is from an origin.

    Attributes:
        kind: `gauss`, `exp` or `linear`.
        field: the field; documents without it have 1.
        options: origin, scale, offset, and what is left of 1 in the distance of the scale.
        mode: which of several distances counts.
    """

    kind: str
    field: str
    options: _DecayOptions
    mode: str = "min"

    def value(self, scoring: Scoring, matching: Expr) -> Expr:
        """Return the number; see `Function.value`."""
        leaf = _number_leaf(self.kind, self.field, scoring)
        if leaf.is_date:
            formats = epoch_numbers(leaf.formats, self.options.origin)
            start = "now" if self.options.origin is None else self.options.origin
            origin = float(resolve_date(start, formats, now_ms=scoring.scope.now_ms))
            scale, offset = (_milliseconds(value) for value in (self.options.scale, self.options.offset))
        else:
            if self.options.origin is None:
                raise IllegalQueryError(f"both [scale] and [origin] must be set for numeric fields, as [{self.field}]")
            origin, scale, offset = (
                float(given_number(value)) for value in (self.options.origin, self.options.scale, self.options.offset)
            )
        if scale <= 0 or offset < 0:
            raise IllegalQueryError(f"[{self.kind}] on [{self.field}]: [scale] must be > 0.0 and [offset] >= 0.0")

        def distance(value: Expr) -> Expr:
            away = call("abs", Cast(value, "DOUBLE") - Literal(origin, "DOUBLE")) - Literal(offset, "DOUBLE")
            return call("greatest", away, Literal(0.0, "DOUBLE"))

        column = Column(leaf.column)
        if leaf.multi:
            every = call("list_transform", column, Lambda("value", distance(Column("value"))))
            away: Expr = call(_NEAREST[self.mode], every)  # type: ignore[arg-type] # the table's functions are known
        else:
            away = distance(column)
        return call("coalesce", self._left(away, scale), _ONE)

    def _left(self, away: Expr, scale: float) -> Expr:
        decay = self.options.decay
        if self.kind == "linear":
            whole = Literal(scale / (1 - decay), "DOUBLE")
            return call("greatest", (whole - away) / whole, Literal(0.0, "DOUBLE"))
        if self.kind == "exp":
            return call("exp", away * Literal(math.log(decay) / scale, "DOUBLE"))
        spread = Literal(0.5 * scale**2 / math.log(decay), "DOUBLE")
        return call("exp", away * away * Literal(0.5, "DOUBLE") / spread)


def _milliseconds(value: Scalar) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(duration_ms(str(value)))
    except MlError as error:
        raise IllegalQueryError(error.reason) from None


def _read_decay(kind: str, body: object) -> Decay:
    if not isinstance(body, dict):
        raise MistypedError(body)
    mode = word(set(_NEAREST))(str(body.get("multi_value_mode", "min")).lower())
    fields = [name for name in body if name != "multi_value_mode"]
    if len(fields) != 1 or not isinstance(body[fields[0]], dict):
        raise QueryParsingError(f"[{kind}] wants one field with [origin], [scale], [offset] and [decay]")
    options = read_options(_DecayOptions, body[fields[0]], Subject(kind))
    if not 0 < options.decay < 1:
        raise IllegalQueryError(f"[{kind}] decay must be in the range (0..1), got [{options.decay}]")
    return Decay(kind=kind, field=fields[0], options=options, mode=mode)


_FUNCTIONS: Final[Mapping[str, Callable[[object], Function]]] = {
    "exp": lambda body: _read_decay("exp", body),
    "field_value_factor": lambda body: read_options(
        FieldValueFactor, options_body("field_value_factor", body), Subject("field_value_factor")
    ),
    "gauss": lambda body: _read_decay("gauss", body),
    "linear": lambda body: _read_decay("linear", body),
    "random_score": lambda body: read_options(RandomScore, options_body("random_score", body), Subject("random_score")),
}


@dataclass(frozen=True, slots=True)
class Weighted:
    """A function for some documents.

    Attributes:
        function: the function.
        filter: which documents; None for all.
        weight: what it is multiplied by; None for nothing.
    """

    function: Function
    filter: Clause | None
    weight: float | None


_SCORE_MODES: Final = frozenset({"multiply", "sum", "avg", "first", "max", "min"})
_BOOST_MODES: Final = frozenset({"multiply", "replace", "sum", "avg", "max", "min"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionScore(Clause):
    """What a query matches, scored by functions too.

    Attributes:
        query: the query.
        functions: the functions.
        score_mode: how the functions become one number.
        boost_mode: how that and the score of the query become one.
        max_boost: the most that the functions give.
    """

    query: Clause
    functions: tuple[Weighted, ...]
    score_mode: str
    boost_mode: str
    max_boost: float | None

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return self.query.lower(scope)

    def score(self, scoring: Scoring) -> Expr:
        """Return the score; see `Clause.score`."""
        found = Cast(self.query.score(scoring.times(self.boost)), "DOUBLE")
        factor = self._factor(scoring)
        if self.max_boost is not None:
            factor = call("least", factor, Literal(single(self.max_boost), "DOUBLE"))
        mixed: dict[str, Expr] = {
            "multiply": found * factor,
            "replace": factor,
            "sum": found + factor,
            "avg": (found + factor) / Literal(2.0, "DOUBLE"),
            "min": call("least", found, factor),
            "max": call("greatest", found, factor),
        }
        return Cast(mixed[self.boost_mode], "FLOAT")

    def _factor(self, scoring: Scoring) -> Expr:
        """Return what the functions give together; 1 where none is for a document."""
        if not self.functions:
            return _ONE
        within = self.query.lower(scoring.scope)
        fits = [TRUE if each.filter is None else each.filter.lower(scoring.scope) for each in self.functions]
        values = [
            each.function.value(scoring, all_of([within, fit]))
            * (_ONE if each.weight is None else Literal(single(each.weight), "DOUBLE"))
            for each, fit in zip(self.functions, fits, strict=True)
        ]
        pairs = list(zip(fits, values, strict=True))
        if self.score_mode == "first":
            return Case(tuple(pairs), _ONE)
        if self.score_mode in {"max", "min"}:
            picked = call("greatest" if self.score_mode == "max" else "least", *(when(*pair) for pair in pairs))
            return call("coalesce", picked, _ONE)
        if self.score_mode == "multiply":
            return _folded([when(fit, value, _ONE) for fit, value in pairs], lambda one, other: one * other)
        nothing = Literal(0.0, "DOUBLE")
        whole = _folded([when(fit, value, nothing) for fit, value in pairs], lambda one, other: one + other)
        weights = [Literal(1.0 if each.weight is None else single(each.weight), "DOUBLE") for each in self.functions]
        sums = [when(fit, weight, nothing) for fit, weight in zip(fits, weights, strict=True)]
        weight = _folded(sums, lambda one, other: one + other)
        mean = whole / weight if self.score_mode == "avg" else whole
        return when(weight.equals(nothing), _ONE, mean)


def _folded(values: Sequence[Expr], join: Callable[[Expr, Expr], Expr]) -> Expr:
    whole = values[0]
    for value in values[1:]:
        whole = join(whole, value)
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options(ClauseOptions):
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"min_score", "script_score"})

    query: Any = option(anything, None, nullable=True)
    functions: Any = option(anything, None)
    score_mode: str = option(word(_SCORE_MODES), "multiply")
    boost_mode: str = option(word(_BOOST_MODES), "multiply")
    max_boost: float | None = option(number(), None)


def read_function_score(body: object, parse: _Parse) -> Clause:
    """Read `function_score`.

    Raises:
        QueryError: malformed or not supported.
    """
    given = options_body("function_score", body)
    alone = {key: value for key, value in given.items() if key in {*_FUNCTIONS, "weight"}}
    options = read_options(
        _Options, {key: value for key, value in given.items() if key not in alone}, ClauseSubject("function_score")
    )
    if alone and options.functions is not None:
        raise QueryParsingError(
            "failed to parse [function_score] query. you can either define [functions] array or a single function, not "
            "both."
        )
    listed = options.functions if options.functions is not None else [alone] if alone else []
    if not isinstance(listed, list):
        raise QueryParsingError("failed to parse [function_score] query. [functions] must be an array of objects")
    return FunctionScore(
        query=MatchAll() if options.query is None else parse(options.query),
        functions=tuple(_weighted(each, parse) for each in listed),
        score_mode=options.score_mode,
        boost_mode=options.boost_mode,
        max_boost=options.max_boost,
        boost=options.boost,
        name=options.name,
    )


def _weighted(body: object, parse: _Parse) -> Weighted:
    given = options_body("function_score", body)
    names = [name for name in given if name not in {"filter", "weight"}]
    for name in names:
        if name == "script_score":
            raise UnsupportedQueryError("[script_score] of [function_score] is not supported by this engine")
        if name not in _FUNCTIONS:
            raise QueryParsingError(f"failed to parse [function_score] query. no function [{name}]")
    weight = None if "weight" not in given else number(at_least=0)(given["weight"])
    if len(names) > 1 or (not names and weight is None):
        raise QueryParsingError(
            "failed to parse [function_score] query. an entry in functions list is missing a function."
        )
    function = _FUNCTIONS[names[0]](given[names[0]]) if names else Weight()
    return Weighted(function, parse(given["filter"]) if "filter" in given else None, weight)
