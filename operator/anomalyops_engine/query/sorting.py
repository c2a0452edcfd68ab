"""`sort`: criteria, their order, and their values as hits show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from anomalyops_engine.query.date_options import date_format
from anomalyops_engine.query.errors import IllegalQueryError, QueryShardError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Column, Expr, Literal, Order, ScalarFunction, all_of, call, when
from anomalyops_engine.query.fields import check_doc_values, id_field_error
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    option,
    read_options,
    scalar,
    shown,
    text,
    word,
)
from anomalyops_engine.query.values import as_number, as_text, column_value, kept_address
from anomalyops_engine.store import Field, Index, ip
from anomalyops_engine.store.dates import format_millis, format_nanos
from anomalyops_engine.store.fieldtypes.numbers import SINGLES, single_digits
from anomalyops_engine.store.mapping import FLOATS, SQL_TYPES

# What stands for no value of a kind of numbers: the smallest, and the largest.
_LIMITS: Mapping[str, tuple[Any, Any]] = {
    "long": (-(2**63), 2**63 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "unsigned_long": (0, 2**64 - 1),
    "date_nanos": (0, 2**63 - 1),
    "double": ("-Infinity", "Infinity"),
}
_NANOS_PER_MS = 1_000_000
_LAST_NANOS_MS = (2**63 - 1) // _NANOS_PER_MS
_INTEGERS = frozenset({"integer", "short", "byte"})
_MODES: Mapping[str, ScalarFunction] = {
    "min": "list_min",
    "max": "list_max",
    "sum": "list_sum",
    "median": "list_median",
}
_KEYS_OF_THE_ENGINE = frozenset({"_doc", "_score", "_seq_no", "_version", "_index", "_shard_doc"})


def _order(value: object) -> bool:
    return word({"asc", "desc"})(value) == "desc"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """One sort criterion.

    Attributes:
        field: field name, or one of the engine's own keys (`_doc`, `_score`, ...).
        descending: largest first.
        missing: `_last`, `_first`, or the value of documents without one.
        mode: which of several values counts; None for the one that comes first.
        unmapped_type: type of the field where an index does not map it, None when that is an error.
        format: date format of the sort value in the answer, None for a number.
        numeric_type: type that numbers are sorted as, None for their own.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"nested", "nested_path", "nested_filter"})

    field: str
    descending: bool = option(_order, default=False, key="order")
    missing: Scalar = option(scalar, "_last")
    mode: str | None = option(word({"min", "max", "sum", "avg", "median"}), None)
    unmapped_type: str | None = option(text, None)
    format: str | None = option(text, None)
    numeric_type: str | None = option(word({"long", "double", "date", "date_nanos"}), None)

    @property
    def nulls_first(self) -> bool:
        """Documents without a value come first."""
        return self.missing == "_first"


# --- reading ---


def read_sort(value: object) -> tuple[SortKey, ...]:
    """Read `sort`.

    Raises:
        QueryError: malformed, or a kind of sort that this engine lacks.
    """
    if value is None:
        raise MistypedError(value)
    items = value if isinstance(value, list) else [value]
    return tuple(key for item in items for key in _read_item(item))


def _read_item(item: object) -> list[SortKey]:
    if isinstance(item, str):
        return [SortKey(field=item, descending=item == "_score")]
    if isinstance(item, dict):
        return [_read_key(name, options) for name, options in item.items()]
    raise IllegalQueryError("malformed sort format, either start with array, object, or an actual string")


def _read_key(name: str, options: object) -> SortKey:
    if name in {"_script", "_geo_distance", "_geoDistance"}:
        raise UnsupportedQueryError(f"[sort] by [{name}] is not supported by this engine")
    body = options if isinstance(options, dict) else {"order": options}
    if name == "_score" and body.keys() - {"order"}:
        raise Subject("_score").unknown(next(iter(body.keys() - {"order"})), None)
    key = read_options(SortKey, body, Subject("field_sort", f" of sort on [{name}]"), field=name)
    return replace(key, descending=True) if name == "_score" and "order" not in body else key


# --- values ---


@dataclass(frozen=True, slots=True)
class SortColumn:
    """A criterion in one index.

    Attributes:
        value: what documents are sorted by.
        kind: what hits show for no value: a key of `_LIMITS`, or empty for null.
        formats: date formats of the value in hits, None for none.
        is_nanos: numbers are nanoseconds since the epoch.
        is_text: texts are sorted, not numbers.
        is_double: -0.0 comes before 0.0.
        is_ip: texts are addresses in the form that sorts.
        is_single: numbers are of single precision, and shown so.
        leaf: the field, where numbers are sorted that may be given in other forms; None for none.
        plain: the column itself, where documents without a value come last and numbers are sorted as they are kept;
            None for anything else.
    """

    value: Expr
    kind: str = ""
    formats: str | None = None
    is_nanos: bool = False
    is_text: bool = False
    is_double: bool = False
    is_ip: bool = False
    is_single: bool = False
    leaf: Field | None = None
    plain: Column | None = None


def sort_column(key: SortKey, index: Index, *, number: int, score: Expr | None = None) -> SortColumn:
    """Return what a criterion is in an index.

    Args:
        key: the criterion.
        index: the index.
        number: its place among those of the search.
        score: of its documents, where it is wanted.

    Raises:
        QueryError: the field is not mapped or cannot be sorted by, or an option does not go with it.
    """
    if key.field in _KEYS_OF_THE_ENGINE:
        return _engine_column(key.field, index, number, score)
    if key.field == "_id":
        raise id_field_error()
    leaf = index.get(key.field)
    if leaf is None:
        # The values of a nested object are none of the document's.
        inside = index.mapping.leaf(key.field)
        if inside is None:
            return _unmapped_column(key)
        check_doc_values(inside, key.field, index.name)
        return _unmapped_column(replace(key, unmapped_type=inside.type))
    check_doc_values(leaf, key.field, index.name)
    if leaf.is_range:
        raise IllegalQueryError("can't sort on binary field")
    if leaf.type == "geo_point":
        raise IllegalQueryError(
            "can't sort on geo_point field without using specific sorting feature, like geo_distance"
        )
    return _text_column(key, leaf) if leaf.is_string else _number_column(key, leaf)


def _engine_column(name: str, index: Index, number: int, score: Expr | None) -> SortColumn:
    order = Column("_seq_no")
    values: dict[str, SortColumn] = {
        "_doc": SortColumn(order, "long"),
        "_seq_no": SortColumn(order, "long"),
        "_version": SortColumn(Column("_version"), "long"),
        "_score": SortColumn(Literal(1.0, "FLOAT") if score is None else score, "double", is_single=True),
        "_shard_doc": SortColumn(order + (number << 32), "long"),
        "_index": SortColumn(Literal(index.name), is_text=True),
    }
    return values[name]


def _unmapped_column(key: SortKey) -> SortColumn:
    if key.unmapped_type is None:
        raise QueryShardError(f"No mapping found for [{key.field}] in order to sort on")
    if key.unmapped_type not in SQL_TYPES:
        raise IllegalQueryError(f"No mapper found for type [{shown(key.unmapped_type)}]")
    unmapped = Field(key.field, key.unmapped_type, "", multi=False)
    if SQL_TYPES[unmapped.type] == "VARCHAR":
        return SortColumn(Literal(None, "VARCHAR"), is_text=True)
    return SortColumn(Literal(None, "DOUBLE" if unmapped.type in FLOATS else "BIGINT"), _kind_of(unmapped))


def _text_column(key: SortKey, leaf: Field) -> SortColumn:
    if key.numeric_type is not None:
        raise IllegalQueryError(f"[numeric_type] option cannot be set on a non-numeric field, got {leaf.type}")
    if key.format is not None:
        raise IllegalQueryError(f"Field [{key.field}] of type [{leaf.type}] doesn't support formats.")
    if key.mode in {"sum", "avg", "median"}:
        raise IllegalQueryError("we only support AVG, MEDIAN and SUM on number based fields")
    value, is_ip = _picked(key, leaf), leaf.type == "ip"
    if key.missing not in {"_last", "_first"}:
        value = call("coalesce", value, kept_address(key.missing) if is_ip else as_text(key.missing))
    return SortColumn(value, is_text=True, is_ip=is_ip)


def _number_column(key: SortKey, leaf: Field) -> SortColumn:
    value, kind = _picked(key, leaf), _kind_of(leaf)
    if leaf.type == "boolean":
        value = Cast(value, "BIGINT")
    if key.numeric_type is not None:
        value, kind = _as_numeric_type(key.numeric_type, leaf, value, kind)
    is_nanos = leaf.type == "date_nanos" and key.numeric_type != "date"
    if is_nanos:  # kept as milliseconds
        value = when(all_of([value >= -_LAST_NANOS_MS, value <= _LAST_NANOS_MS]), value * _NANOS_PER_MS)
    # No value counts as the number that is the furthest at that end, and is as good as it.
    wanted = key.missing in {"_last", "_first"}
    value = call("coalesce", value, _furthest(furthest(kind, key)) if wanted else _missing_number(key, leaf, kind))
    formats = None
    if key.format is not None:
        if not leaf.is_date:
            raise UnsupportedQueryError(f"[format] of a sort on [{leaf.type}] field [{key.field}] is not supported")
        formats = date_format(key.format)
    single = leaf.type in SINGLES and key.numeric_type is None
    double = kind == "double"
    plain = Column(leaf.column) if _is_plain(key, leaf, kind) else None
    return SortColumn(
        value, kind, formats, is_nanos=is_nanos, is_double=double, is_single=single, leaf=leaf, plain=plain
    )


def _is_plain(key: SortKey, leaf: Field, kind: str) -> bool:
    """Return whether a number is sorted as its column has it, with no value behind all others."""
    kept = kind in {"long", "integer", "double"} and leaf.type != "boolean" and not leaf.multi
    return kept and key.numeric_type is None and key.missing == "_last"


def furthest(kind: str, key: SortKey) -> Any:
    """Return what stands for no value of a kind of numbers, under a criterion."""
    return _LIMITS[kind][key.descending == key.nulls_first]


def _furthest(number: Any) -> Expr:
    return Literal(float(number)) if isinstance(number, str) else Literal(number)


def _kind_of(leaf: Field) -> str:
    if leaf.type in FLOATS:
        return "double"
    if leaf.type in _INTEGERS:
        return "integer"
    return leaf.type if leaf.type in {"unsigned_long", "date_nanos"} else "long"


def _picked(key: SortKey, leaf: Field) -> Expr:
    """Return the one of a document's values that it is sorted by."""
    column = Column(leaf.column)
    if not leaf.multi:
        return column
    mode = key.mode or ("max" if key.descending else "min")
    if leaf.type == "boolean":
        column_of_numbers: Expr = Cast(column, "BIGINT[]")
    else:
        column_of_numbers = column
    if mode == "avg":
        return _whole(leaf, call("list_avg", column_of_numbers))
    if mode == "median":
        return _whole(leaf, call("list_median", column_of_numbers))
    picked: Expr = call(_MODES[mode], column if mode in {"min", "max"} else column_of_numbers)
    if mode == "sum" and leaf.type in SINGLES:
        return Cast(picked, "FLOAT", lenient=True)
    return Cast(picked, "BIGINT", lenient=True) if mode == "sum" and leaf.type not in FLOATS else picked


def _whole(leaf: Field, value: Expr) -> Expr:
    """Return a mean of values as the type of the field has it."""
    if leaf.type in SINGLES:
        return Cast(value, "FLOAT", lenient=True)
    return value if leaf.type in FLOATS else Cast(call("floor", value + 0.5), "BIGINT", lenient=True)


def _as_numeric_type(wanted: str, leaf: Field, value: Expr, kind: str) -> tuple[Expr, str]:
    if wanted == "double" and not leaf.is_date:
        return Cast(value, "DOUBLE"), "double"
    if wanted == "long" and leaf.type in FLOATS:
        return Cast(call("trunc", value), "BIGINT", lenient=True), "long"
    if wanted == "long" or (wanted == "date" and leaf.is_date):
        return value, "long"
    if wanted == leaf.type:
        return value, kind
    raise UnsupportedQueryError(
        f"[numeric_type] [{wanted}] of a sort on [{leaf.type}] field [{leaf.path}] is not supported by this engine"
    )


def _missing_number(key: SortKey, leaf: Field, kind: str) -> Expr:
    number = int(bool(column_value(leaf, key.missing))) if leaf.type == "boolean" else as_number(key.missing)
    if kind == "double":
        return Literal(float(number))
    low, high = _LIMITS[kind]
    return Literal(min(max(int(number), low), high))


# --- over all indices ---


@dataclass(frozen=True, slots=True)
class Criterion:
    """A sort criterion over all indices of a search.

    Attributes:
        key: what was asked for.
        columns: what it is in each index.
        name: of the column with the values.
    """

    key: SortKey
    columns: tuple[SortColumn, ...]
    name: str

    def orders(self) -> list[Order]:
        """Return the order of the rows."""
        column = Column(self.name)
        orders = [Order(column, self.key.descending, self.key.nulls_first)]
        if any(each.is_double for each in self.columns):
            signed = call("signbit", Cast(column, "DOUBLE"))
            orders.append(Order(signed, not self.key.descending, self.key.nulls_first))
        return orders

    def shown(self, value: Any, place: int) -> Any:
        """Return a sort value as a hit of the index at a place shows it."""
        column = self.columns[place]
        if value is None:
            if not column.kind:
                return None
            value = furthest(column.kind, self.key)
        elif column.kind == "double":
            value = _shown_number(value, single=column.is_single)
        elif column.kind:
            value = int(value)
        elif column.is_ip:
            value = ip.shown(value)
        if column.formats is None:
            return value
        return format_nanos(value, column.formats) if column.is_nanos else format_millis(value, column.formats)


def _shown_number(value: float, *, single: bool) -> float | str:
    if not math.isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"
    return single_digits(value) if single else float(value)


def criterion(key: SortKey, columns: Sequence[SortColumn], name: str) -> Criterion:
    """Return a criterion over all indices of a search.

    Raises:
        IllegalQueryError: one index sorts the field by texts, another one by numbers.
    """
    if len({(column.is_text, column.is_ip) for column in columns}) > 1:
        raise IllegalQueryError(
            f"Can't sort on field [{key.field}]; the field has incompatible sort types: [LONG] and [STRING] across "
            "shards!"
        )
    return Criterion(key, tuple(columns), name)
