"""How each feature is computed of a bucket's documents, and what it would be without some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.features import counterfactuals
from anomalyops_engine.features.counterfactuals import Without
from anomalyops_engine.functions import Feature, catalogue
from anomalyops_engine.query.expr import (
    Aggregate,
    AggregateFunction,
    Case,
    Cast,
    Expr,
    Literal,
    all_of,
    call,
    null,
    when,
)

_APART_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an aggregate reads of each document.

    Attributes:
        value: the field as a DOUBLE, null when it is missing.
        weight: events that the document stands for; None for one each.
        key: the field as text.
        whole: the field as a BIGINT, when it is of whole numbers in all documents.
        time_ms: the time, epoch milliseconds.
    """

    value: Expr
    weight: Expr | None
    key: Expr
    whole: Expr | None = None
    time_ms: Expr = field(default_factory=lambda: null("BIGINT"))

    @property
    def events(self) -> Expr:
        """Events that the document stands for."""
        return Literal(1) if self.weight is None else self.weight


@dataclass(frozen=True, slots=True)
class Measure:
    """A feature in the database.

    Attributes:
        columns: The aggregate of each of the feature's columns.
        digits: The first column as a whole number, where it is one exactly; for fields of whole numbers.
        statistics: What is read of the documents of each influencer value, for `without`.
        without: The feature without each of them.
        by_item: Whether the statistics are counts of the field's values that only one influencer value has.
        apart: What is kept apart beside the splits, so that a bucket has several rows.
        finish: From what the database gives for the first column to its values, where it cannot compute them.
    """

    columns: Mapping[str, Callable[[Inputs], Expr]]
    statistics: Callable[[Inputs], list[Expr]]
    without: Without
    by_item: bool = False
    digits: Callable[[Expr], Expr] | None = None
    apart: Callable[[Inputs], list[Expr]] = lambda _: []
    finish: Callable[[list[Any]], list[float]] | None = None


def _events(inputs: Inputs) -> Expr:
    return Aggregate("sum", (inputs.events,))


def _total(inputs: Inputs) -> Expr:
    return call("coalesce", _total_if_any(inputs), 0)


def _total_if_any(inputs: Inputs) -> Expr:
    """Whole numbers add up exactly; others with compensation, so that the order matters as little as can be."""
    if inputs.whole is not None:
        return Cast(Aggregate("sum", (inputs.whole,)), "DOUBLE")
    return Aggregate("fsum", (inputs.value,))


def _of_values(function: AggregateFunction) -> Callable[[Inputs], Expr]:
    return lambda inputs: Aggregate(function, (inputs.value,))


def _mean(inputs: Inputs) -> Expr:
    if inputs.weight is None:
        return _total_if_any(inputs) / call("nullif", Aggregate("count", (inputs.value,)), 0)
    weight = Aggregate("sum", (inputs.weight,), where=inputs.value.is_not_null())
    return Aggregate("fsum", (inputs.value * inputs.weight,)) / call("nullif", weight, 0)


def _whole_total(whole: Expr) -> Expr:
    return Aggregate("sum", (whole,))


def _whole_mean(whole: Expr) -> Expr:
    total, number = Aggregate("sum", (whole,)), Aggregate("count", (whole,))
    return when((total % number).equals(0), total // number)


def _weighted_parts(inputs: Inputs) -> list[Expr]:
    weights = Case(((inputs.value.is_null(), Literal(0)),), inputs.events)
    total = call("coalesce", Aggregate("fsum", (inputs.value * inputs.events,)), 0)
    return [total, Aggregate("sum", (weights,))]


def _moments(inputs: Inputs) -> list[Expr]:
    value = inputs.value
    return [
        Aggregate("count", (value,)),
        call("coalesce", Aggregate("avg", (value,)), 0),
        call("coalesce", Aggregate("var_pop", (value,)), 0),
    ]


def _every_value(inputs: Inputs) -> list[Expr]:
    return [Aggregate("list", (inputs.value,), where=inputs.value.is_not_null())]


def _times_apart(inputs: Inputs) -> list[Expr]:
    """Events of one bucket lie up to five minutes apart before they are told apart."""
    return [inputs.time_ms // _APART_MS]


def _time_s(inputs: Inputs) -> Expr:
    return Aggregate("avg", (inputs.time_ms,)) / 1000.0


def _latitude(inputs: Inputs) -> Expr:
    return _coordinates(inputs)[0]


def _longitude(inputs: Inputs) -> Expr:
    return _coordinates(inputs)[1]


def _coordinates(inputs: Inputs) -> tuple[Expr, Expr]:
    """Latitude and longitude of a text with two numbers in their ranges; both null where it is anything else."""
    parts = [call("regexp_replace", inputs.key, pattern, "") for pattern in (",[^,]*$", "^[^,]*,")]
    two = call("regexp_matches", inputs.key, "^[^,]*,[^,]*$")
    latitude, longitude = (Cast(when(two, part), "DOUBLE", lenient=True) for part in parts)
    ranges = [latitude >= -90.0, latitude <= 90.0, longitude >= -180.0, longitude <= 180.0]
    return when(all_of(ranges), latitude), when(all_of(ranges), longitude)


def _places_apart(inputs: Inputs) -> list[Expr]:
    """Places are told apart by tenths of a degree; those without a place are one of their own, without a value."""
    return [call("floor", _latitude(inputs) * 10.0), call("floor", _longitude(inputs) * 10.0)]


def _texts(inputs: Inputs) -> Expr:
    return Aggregate("list", (inputs.key,), distinct=True)


def _information(texts: list[Any]) -> list[float]:
    return [counterfactuals.information(found) for found in texts]


def _value(aggregate: Callable[[Inputs], Expr]) -> dict[str, Callable[[Inputs], Expr]]:
    return {"value": aggregate}


def _extreme(function: AggregateFunction, without: Without) -> Measure:
    return Measure(
        _value(_of_values(function)),
        lambda inputs: [Aggregate(function, (inputs.value,))],
        without,
        digits=lambda whole: Aggregate(function, (whole,)),
    )


def _adding_up(
    aggregate: Callable[[Inputs], Expr],
    part: Callable[[Inputs], Expr],
    digits: Callable[[Expr], Expr] | None = None,
) -> Measure:
    return Measure(_value(aggregate), lambda inputs: [part(inputs)], counterfactuals.totals, digits=digits)


MEASURES: Final[Mapping[Feature, Measure]] = {
    catalogue.EVENTS: _adding_up(_events, _events),
    catalogue.EVENTS_IF_ANY: _adding_up(lambda inputs: call("nullif", _events(inputs), 0), _events),
    catalogue.DISTINCT: Measure(
        _value(lambda inputs: Aggregate("count", (inputs.key,), distinct=True)),
        lambda _: [Aggregate("count")],
        counterfactuals.totals,
        by_item=True,
    ),
    catalogue.MEAN: Measure(_value(_mean), _weighted_parts, counterfactuals.means, digits=_whole_mean),
    catalogue.MEDIAN: Measure(_value(_of_values("median")), _every_value, counterfactuals.medians),
    catalogue.SMALLEST: _extreme("min", counterfactuals.smallest),
    catalogue.LARGEST: _extreme("max", counterfactuals.largest),
    catalogue.VARIANCE: Measure(_value(_of_values("var_pop")), _moments, counterfactuals.variances),
    catalogue.INFORMATION: Measure(
        _value(_texts), lambda inputs: [_texts(inputs)], counterfactuals.informations, finish=_information
    ),
    catalogue.TIMES: Measure(
        {"value": _time_s, "events": _events},
        lambda inputs: [_events(inputs)],
        counterfactuals.totals,
        apart=_times_apart,
    ),
    catalogue.PLACES: Measure(
        {
            "value": lambda inputs: Aggregate("avg", (_latitude(inputs),)),
            "longitude": lambda inputs: Aggregate("avg", (_longitude(inputs),)),
            "events": _events,
        },
        lambda inputs: [_events(inputs)],
        counterfactuals.totals,
        apart=_places_apart,
    ),
    catalogue.TOTAL: _adding_up(_total, _total, _whole_total),
    catalogue.MEAN_AND_EXTREMES: Measure(
        {"mean": _mean, "min": _of_values("min"), "max": _of_values("max")}, _weighted_parts, counterfactuals.means
    ),
    catalogue.TOTAL_IF_ANY: _adding_up(_total_if_any, _total, _whole_total),
}
