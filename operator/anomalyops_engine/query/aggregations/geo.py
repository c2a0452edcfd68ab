"""`geo_centroid`: the middle of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import Metric, MetricAggregation
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Aggregate, Binary, Cast, Column, Expr, Lambda, ListOf, call, lift, when
from anomalyops_engine.query.options import option, text


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoCentroid(MetricAggregation):
    """The mean latitude and the mean longitude of all points; a row of a datafeed has it as `lat,lon`."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "missing", "format", "value_type"})

    field: str = option(text)

    def compile(self, name: str, rows: Rows) -> Metric:
        """Return aggregates and rendering; see `MetricAggregation.compile`."""
        column = rows.column(self.field)
        for leaf in column.field.leaves:
            if leaf is not None and leaf.type != "geo_point":
                raise IllegalQueryError(
                    f"Field [{self.field}] of type [{leaf.type}] is not supported for aggregation [geo_centroid]"
                )
        values = column.values
        points = values.expression if values.multi else when(column.column.is_not_null(), ListOf((column.column,)))
        points = Cast(points, "VARCHAR[]")
        count = Aggregate("sum", (call("len", points),))
        latitude, longitude = (_mean(points, part, count) for part in (1, 2))
        place = Binary("||", Binary("||", Cast(latitude, "VARCHAR"), lift(",")), Cast(longitude, "VARCHAR"))

        def show(found: Sequence[Any]) -> dict[str, Any]:
            if not found[0]:
                return {"count": 0}
            lat, lon = map(float, found[0].split(","))
            return {"location": {"lat": lat, "lon": lon}, "count": int(found[1])}

        return Metric(
            source=self, name=name, typed_name="geo_centroid", expressions=(place, count), show=show, orders={}
        )


def _mean(points: Expr, part: int, count: Expr) -> Expr:
    number = Cast(call("list_extract", call("string_split", Column("point"), ","), part), "DOUBLE")
    whole = call("list_sum", call("list_transform", points, Lambda("point", number)))
    return Aggregate("sum", (whole,)) / count
