"""`terms`: one bucket a value, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import (
    BucketAggregation,
    Bucketing,
    Found,
    Inner,
    Ranking,
    read_order,
)
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows, Values
from anomalyops_engine.query.date_options import date_format
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Column, Expr, Lambda, Not, all_of, any_of, call, one_of, when
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    boolean,
    integer,
    list_of,
    option,
    read_options,
    scalar,
    text,
    word,
)
from anomalyops_engine.query.regexes import full_match_pattern
from anomalyops_engine.query.values import as_text, filler, in_block, kept_address
from anomalyops_engine.store import ip
from anomalyops_engine.store.dates import format_millis

_MOST = 2**31 - 1
VALUE_TYPES = frozenset({"string", "byte", "short", "integer", "long", "float", "double", "numeric", "number"}) | {
    "date",
    "ip",
    "boolean",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One of several parts of all values; which value is in which says a hash of it."""

    number: int = option(integer(at_least=0), key="partition")
    count: int = option(integer(at_least=2), key="num_partitions")


def read_include(value: object) -> str | tuple[Scalar, ...] | Partition:
    """Read `include`: a regular expression, values, or a part of all values.

    Raises:
        QueryError: it is none of them.
    """
    if not isinstance(value, dict):
        return read_choice(value)
    found = read_options(Partition, value, Subject("include"))
    if found.number >= found.count:
        raise IllegalQueryError(f"[partition] must be less than [num_partitions] but was [{found.number}]")
    return found


def read_choice(value: object) -> str | tuple[Scalar, ...]:
    """Read `exclude`: a regular expression or values."""
    if isinstance(value, str):
        return full_match_pattern(value)
    if not isinstance(value, list):
        raise MistypedError(value)
    return list_of(scalar)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms(BucketAggregation):
    """The buckets of the values of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script"})

    field: str = option(text)
    size: int = option(integer(at_least=1), 10)
    order: tuple[tuple[str, bool], ...] = option(read_order, (("_count", True),))
    min_doc_count: int = option(integer(at_least=0), 1)
    missing: Scalar | None = option(scalar, None)
    include: str | tuple[Scalar, ...] | Partition | None = option(read_include, None)
    exclude: str | tuple[Scalar, ...] | None = option(read_choice, None)
    format: str | None = option(text, None)
    value_type: str | None = option(word(VALUE_TYPES), None)
    # All terms of all documents are counted, so what a shard would have left out does not matter.
    shard_size: int = option(integer(at_least=1), _MOST)
    shard_min_doc_count: int = option(integer(at_least=0), 0)
    show_term_doc_count_error: bool = option(boolean, default=False)
    execution_hint: str | None = option(text, None)
    collect_mode: str | None = option(word({"depth_first", "breadth_first"}), None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        if self.min_doc_count < 1:
            raise UnsupportedQueryError(
                f"[min_doc_count] of aggregation [{name}] must be at least 1 in this engine, got [{self.min_doc_count}]"
            )
        column = rows.column(self.field)
        order = self.order if self.order[-1][0] == "_key" else (*self.order, ("_key", False))
        for leaf in column.field.leaves:
            if leaf is not None and leaf.type == "geo_point":
                raise IllegalQueryError(
                    f"Field [{self.field}] of type [{leaf.type}] is not supported for aggregation [terms]"
                )
        values = column.filled(self.missing)
        as_ordinals = column.leaf is not None and column.field.type == "VARCHAR"
        if as_ordinals and self.execution_hint not in {None, "map", "global_ordinals"}:
            raise IllegalQueryError(
                f"Unknown `execution_hint`: [{self.execution_hint}], expected any of [map, global_ordinals]"
            )
        return Bucketing(
            name=name,
            typed_name={"VARCHAR": "sterms", "DOUBLE": "dterms"}.get(values.type, "lterms"),
            key=self._key(column, values),
            render=_renderer(self._show(column), with_errors=self.show_term_doc_count_error),
            is_list=values.multi,
            ranking=Ranking(order, self.size, max(self.min_doc_count, self.shard_min_doc_count)),
            is_ip=column.field.is_ip,
        )

    def _show(self, column: RowColumn) -> Callable[[Any], dict[str, Any]]:
        leaf = column.leaf
        if leaf is not None and leaf.is_date:
            formats = date_format(self.format) if self.format is not None else leaf.formats
            return lambda value: {"key": value, "key_as_string": format_millis(value, formats)}
        if self.format is not None and column.field.is_numeric and leaf is not None:
            raise UnsupportedQueryError("[format] of numbers in [terms] is not supported by this engine")
        if self.format is not None and leaf is not None:
            raise IllegalQueryError(f"Field [{self.field}] of type [{leaf.type}] doesn't support formats.")
        return _shown_address if column.field.is_ip else _shown

    def _key(self, column: RowColumn, values: Values) -> Expr:
        if not values.multi:
            condition = self._kept(column, values.expression)
            return values.expression if condition is None else when(condition, values.expression)
        kept = values.expression
        condition = self._kept(column, Column("item"))
        if condition is not None:
            kept = call("list_filter", kept, Lambda("item", condition))
        return call("list_distinct", kept)

    def _kept(self, column: RowColumn, value: Expr) -> Expr | None:
        """Return that a value is among the included and not among the excluded ones; None for any value."""
        conditions: list[Expr] = []
        if self.include is not None:
            conditions.append(_chosen(column, self.include, value))
        if self.exclude is not None:
            conditions.append(Not(_chosen(column, self.exclude, value)))
        return all_of(conditions) if conditions else None


def _chosen(column: RowColumn, wanted: str | tuple[Scalar, ...] | Partition, value: Expr) -> Expr:
    leaf = column.leaf
    if isinstance(wanted, Partition):
        return (call("hash", value) % wanted.count).equals(wanted.number)
    if isinstance(wanted, str):
        if leaf is not None and (not leaf.is_string or leaf.type == "ip"):
            raise IllegalQueryError(
                f"Aggregation on field [{column.name}] of type [{leaf.type}] cannot support regular expression style "
                "include/exclude settings as they can only be applied to string fields. Use an array of values for "
                "include/exclude clauses"
            )
        return call("regexp_full_match", Cast(value, "VARCHAR"), wanted, "s")
    if leaf is None:
        return one_of(Cast(value, "VARCHAR"), [str(item) for item in wanted])
    if column.field.is_ip:
        return any_of([_at_address(value, as_text(item)) for item in wanted])
    return one_of(value, [filler(column.field, item, leaf.formats, column.now_ms)[0] for item in wanted])


def _at_address(value: Expr, wanted: str) -> Expr:
    return in_block(value, wanted) if ip.is_block(wanted) else value.equals(kept_address(wanted))


def _shown_address(value: Any) -> dict[str, Any]:
    return {"key": ip.shown(value)}


def _shown(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": int(value), "key_as_string": "true" if value else "false"}
    return {"key": value}


def _renderer(show: Callable[[Any], dict[str, Any]], *, with_errors: bool) -> Callable[..., dict[str, Any]]:
    extra = {"doc_count_error_upper_bound": 0} if with_errors else {}

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        total = found[0].siblings if found else 0
        return {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": total - sum(bucket.count for bucket in found),
            "buckets": [
                {**show(bucket.key), "doc_count": bucket.count, **extra, **inner(bucket.key)} for bucket in found
            ],
        }

    return render
