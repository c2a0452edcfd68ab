"""Running a statement: its columns, and its rows as they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from anomalyops_engine.query import sql
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.esql.commands import read_statement, too_deep
from anomalyops_engine.query.esql.datatypes import DataType
from anomalyops_engine.query.esql.parameters import Parameters
from anomalyops_engine.query.esql.planning import Plan, Surroundings, plan
from anomalyops_engine.query.expr import Column, Expr, Literal, Relation, Select
from anomalyops_engine.query.pruning import pruned
from anomalyops_engine.store import Connection, DatabaseError, ip
from anomalyops_engine.store.dates import format_millis, format_nanos

_ISO = "strict_date_optional_time"
_NANOS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave.

    Attributes:
        columns: name and type of each column.
        rows: the values of each row as JSON shows them.
        warnings: what the client is told beside.
    """

    columns: tuple[tuple[str, DataType], ...]
    rows: list[list[Any]]
    warnings: tuple[str, ...]


def answer(connection: Connection, text: str, parameters: Parameters, around: Surroundings) -> Answer:
    """Return what a statement gives.

    Raises:
        QueryError: it is malformed, names what is not there, or uses something that this engine lacks.
    """

    def folded(expr: Expr) -> Any:
        ((value,),) = sql.fetch(connection, Select((expr.named("value"),)))
        return value

    def fetched(relation: Relation) -> list[tuple[Any, ...]]:
        return sql.fetch(connection, pruned(relation))

    try:
        planned = plan(read_statement(text, parameters), replace(around, folded=folded, fetched=fetched))
        attributes = planned.frame.attributes
        rows = sql.fetch(connection, pruned(_final(planned)))
        warnings = (*_failures(planned, fetched), *planned.warnings)
    except RecursionError:
        raise too_deep(text) from None
    except DatabaseError as error:
        raise _refusal(error, text) from None
    shows = [_shows(attribute.type, multi=attribute.multi) for attribute in attributes]
    shown = [[None if v is None else show(v) for show, v in zip(shows, row, strict=False)] for row in rows]
    return Answer(tuple((a.name, a.type) for a in attributes), shown, warnings)


def _failures(planned: Plan, fetched: Callable[[Relation], list[tuple[Any, ...]]]) -> list[str]:
    """Return what is told of failures of single rows; nothing where the question is nested deeper than can be."""
    try:
        return planned.hazards.warnings(fetched)
    except RecursionError:
        return []
    except DatabaseError as error:
        if not _is_too_deep(error):
            raise
        return []


def _is_too_deep(error: DatabaseError) -> bool:
    return "xpression depth" in str(error) or "Max expression" in str(error)


def _final(planned: Plan) -> Relation:
    frame = planned.frame
    named = [Column(a.column).named(f"r{number}") for number, a in enumerate(frame.attributes)]
    # The order is that of the rows inside, told again so that it holds outside of their limit.
    return Select(tuple(named) or (Literal(1).named("r0"),), frame.relation, order=frame.order)


def _refusal(error: DatabaseError, text: str) -> Exception:
    """Return the refusal of what the database cannot compute; other failures stay what they are."""
    kind = type(error).__name__
    if _is_too_deep(error):
        return too_deep(text)
    if kind in {"OutOfRangeException", "ConversionException", "InvalidInputException"}:
        return IllegalQueryError(str(error).split("\n", maxsplit=1)[0])
    return error


def _shows(data_type: DataType, *, multi: bool) -> Callable[[Any], Any]:
    one = _SHOWN.get(data_type)
    if not multi:
        return one or _same
    show = one or _same

    def several(values: list[Any]) -> Any:
        found = [show(value) for value in values if value is not None]
        return None if not found else found[0] if len(found) == 1 else found

    return several


def _same(value: Any) -> Any:
    return value


def _moment(value: int) -> Any:
    try:
        return format_millis(value, _ISO)
    except (OverflowError, ValueError):
        return None


def _nanos(value: int) -> str:
    return format_nanos(value * _NANOS_PER_MS, "strict_date_optional_time_nanos")


def _point(value: str) -> str:
    latitude, longitude = value.split(",")
    return f"POINT ({longitude} {latitude})"


_SHOWN: dict[DataType, Callable[[Any], Any]] = {
    "_source": orjson.Fragment,
    "date": _moment,
    "date_nanos": _nanos,
    "geo_point": _point,
    "ip": ip.shown,
}
