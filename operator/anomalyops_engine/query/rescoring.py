"""`rescore`: the best hits of a search, scored by a second query too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from anomalyops_engine.query.dsl import Clause, parse_query
from anomalyops_engine.query.dsl.scoring import single
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Expr, Literal, all_of, call, when
from anomalyops_engine.query.options import MistypedError, Subject, integer, number, option, read_options, text

_MODES: Final = frozenset({"avg", "max", "min", "multiply", "total"})
_WINDOW: Final = 10


def _mode(value: object) -> str:
    wanted = text(value).lower()
    if wanted not in _MODES:
        raise IllegalQueryError(f"illegal score_mode [{wanted}]")
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescore:
    """A second look at the best hits.

    Attributes:
        query: the second query.
        weight: what the first score is multiplied by.
        rescore_weight: what the second one is multiplied by.
        mode: how both become one.
        window: how many hits of each index are looked at.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    query: Clause = option(parse_query, key="rescore_query")
    weight: float = option(number(), 1.0, key="query_weight")
    rescore_weight: float = option(number(), 1.0, key="rescore_query_weight")
    mode: str = option(_mode, "total", key="score_mode")
    window: int = field(default=_WINDOW)

    def mixed(self, score: Expr, second: Expr, chosen: Expr, matches: Expr) -> Expr:
        """Return the score of a document after the second look.

        Args:
            score: before it.
            second: the score of the second query.
            chosen: whether the document is among those that are looked at.
            matches: whether the second query matches it.
        """
        first = score * Literal(single(self.weight), "FLOAT")
        other = second * Literal(single(self.rescore_weight), "FLOAT")
        modes: Mapping[str, Expr] = {
            "avg": (first + other) / Literal(2.0, "FLOAT"),
            "max": call("greatest", first, other),
            "min": call("least", first, other),
            "multiply": first * other,
            "total": first + other,
        }
        return Cast(when(all_of([chosen, matches]), modes[self.mode], first), "FLOAT")


def read_rescore(value: object) -> tuple[Rescore, ...]:
    """Read `rescore`: one, or several after each other.

    Raises:
        QueryError: malformed, or something this engine lacks.
    """
    return tuple(_read(item) for item in (value if isinstance(value, list) else [value]))


def _read(value: object) -> Rescore:
    if not isinstance(value, dict):
        raise MistypedError(value)
    rest: dict[str, Any] = {key: inner for key, inner in value.items() if key != "window_size"}
    window = integer(at_least=0)(value["window_size"]) if "window_size" in value else _WINDOW
    if len(rest) != 1:
        raise QueryParsingError("missing rescore type" if not rest else "rescore wants one type")
    ((kind, body),) = rest.items()
    if kind in {"learning_to_rank", "script"}:
        raise UnsupportedQueryError(f"[rescore] of type [{kind}] is not supported by this engine")
    if kind != "query":
        raise QueryParsingError(f"rescore doesn't support rescorer with name [{kind}]")
    if not isinstance(body, dict):
        raise MistypedError(body)
    return read_options(Rescore, body, Subject("query"), window=window)
