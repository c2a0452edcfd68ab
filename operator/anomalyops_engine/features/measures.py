"""How each feature is computed of a bucket's documents, and what it would be without some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.features import counterfactuals
from anomalyops_engine.features.counterfactuals import Without
from anomalyops_engine.functions import Feature, catalogue
from anomalyops_engine.query.expr import Aggregate, AggregateFunction, Case, Expr, Literal, call


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an aggregate reads of each document.

    Attributes:
        value: the field as a DOUBLE, null when it is missing.
        weight: events that the document stands for.
        key: the field as text.
    """

    value: Expr
    weight: Expr
    key: Expr


@dataclass(frozen=True, slots=True)
class Measure:
    """A feature in the database.

    Attributes:
        columns: The aggregate of each of the feature's columns.
        statistics: What is read of the documents of each influencer value, for `without`.
        without: The feature without each of them.
        by_item: Whether the statistics are counts of the field's values that only one influencer value has.
    """

    columns: Mapping[str, Callable[[Inputs], Expr]]
    statistics: Callable[[Inputs], list[Expr]]
    without: Without
    by_item: bool = False


def _sum(value: Expr, where: Expr | None = None) -> Expr:
    return Aggregate("sum", (value,), where=where)


def _events(inputs: Inputs) -> Expr:
    return _sum(inputs.weight)


def _total(inputs: Inputs) -> Expr:
    return call("coalesce", _sum(inputs.value), 0)


def _of_values(function: AggregateFunction) -> Callable[[Inputs], Expr]:
    return lambda inputs: Aggregate(function, (inputs.value,))


def _weighted_mean(inputs: Inputs) -> Expr:
    weight = _sum(inputs.weight, where=inputs.value.is_not_null())
    return _sum(inputs.value * inputs.weight) / call("nullif", weight, 0)


def _weighted_parts(inputs: Inputs) -> list[Expr]:
    weights = Case(((inputs.value.is_null(), Literal(0)),), inputs.weight)
    return [call("coalesce", _sum(inputs.value * inputs.weight), 0), _sum(weights)]


def _moments(inputs: Inputs) -> list[Expr]:
    value = inputs.value
    return [
        Aggregate("count", (value,)),
        call("coalesce", Aggregate("avg", (value,)), 0),
        call("coalesce", Aggregate("var_pop", (value,)), 0),
    ]


def _every_value(inputs: Inputs) -> list[Expr]:
    return [Aggregate("list", (inputs.value,), where=inputs.value.is_not_null())]


def _value(aggregate: Callable[[Inputs], Expr]) -> dict[str, Callable[[Inputs], Expr]]:
    return {"value": aggregate}


def _extreme(function: AggregateFunction, without: Without) -> Measure:
    return Measure(_value(_of_values(function)), lambda inputs: [Aggregate(function, (inputs.value,))], without)


def _adding_up(aggregate: Callable[[Inputs], Expr], part: Callable[[Inputs], Expr]) -> Measure:
    return Measure(_value(aggregate), lambda inputs: [part(inputs)], counterfactuals.totals)


MEASURES: Final[Mapping[Feature, Measure]] = {
    catalogue.EVENTS: _adding_up(_events, _events),
    catalogue.EVENTS_IF_ANY: _adding_up(lambda inputs: call("nullif", _events(inputs), 0), _events),
    catalogue.DISTINCT: Measure(
        _value(lambda inputs: Aggregate("count", (inputs.key,), distinct=True)),
        lambda _: [Aggregate("count")],
        counterfactuals.totals,
        by_item=True,
    ),
    catalogue.MEAN: Measure(_value(_weighted_mean), _weighted_parts, counterfactuals.means),
    catalogue.MEDIAN: Measure(_value(_of_values("median")), _every_value, counterfactuals.medians),
    catalogue.SMALLEST: _extreme("min", counterfactuals.smallest),
    catalogue.LARGEST: _extreme("max", counterfactuals.largest),
    catalogue.VARIANCE: Measure(_value(_of_values("var_pop")), _moments, counterfactuals.variances),
    catalogue.TOTAL: _adding_up(_total, _total),
    catalogue.TOTAL_IF_ANY: _adding_up(_of_values("sum"), _total),
}
