"""`fields` and `docvalue_fields`: values of fields beside the source of a hit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias, cast

from anomalyops_engine.query.date_options import date_format
from anomalyops_engine.query.errors import ContentParseError, IllegalQueryError, QueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Column, Expr, ListOf, Literal, call
from anomalyops_engine.query.fields import check_doc_values, id_field_error, listed
from anomalyops_engine.query.options import (
    MistypedError,
    Subject,
    boolean,
    option,
    read_options,
    text,
    token_of,
    token_text,
)
from anomalyops_engine.store import Field, Index, ip
from anomalyops_engine.store.dates import format_millis, format_nanos, parse_nanos
from anomalyops_engine.store.fieldtypes.numbers import SINGLES, single_digits
from anomalyops_engine.store.fieldtypes.spans import Ranges, shown_block
from anomalyops_engine.store.mapping import SQL_TYPES
from anomalyops_engine.store.patterns import matches
from anomalyops_engine.store.source_values import field_values, left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedField:
    """A field or pattern of fields that hits show.

    Attributes:
        field: name or pattern.
        format: date format, None for the field's own.
        sorted: values come in order, and texts once each, as doc values have them.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"include_unmapped"})

    field: str = option(text)
    format: str | None = option(text, None, nullable=True)
    sorted: bool = False


def read_fields(value: object) -> tuple[WantedField, ...]:
    """Read `fields`.

    Raises:
        QueryError: malformed.
    """
    return _read(value, Subject("fields"), in_order=False)


def read_docvalue_fields(value: object) -> tuple[WantedField, ...]:
    """Read `docvalue_fields`.

    Raises:
        QueryError: malformed.
    """
    return _read(value, Subject("docvalue_fields"), in_order=True)


def _read(value: object, subject: Subject, *, in_order: bool) -> tuple[WantedField, ...]:
    if not isinstance(value, list):
        raise MistypedError(value)
    return tuple(_read_item(item, subject, in_order=in_order) for item in value)


_ITEM = "[fetch_field_and_format]"


def _read_item(item: object, subject: Subject, *, in_order: bool) -> WantedField:
    if isinstance(item, str | int | float):
        return WantedField(field=token_text(item), sorted=in_order)
    if not isinstance(item, dict):
        raise ContentParseError(f"{_ITEM} Expected START_OBJECT but was: {token_of(item)}")
    if item.get("include_unmapped") is not None and not in_order:
        # What the mapping does not know is not among the columns.
        wanted = boolean(item["include_unmapped"])
        if wanted:
            raise UnsupportedQueryError("[include_unmapped] in [fields] is not supported by this engine")
        item = {key: part for key, part in item.items() if key != "include_unmapped"}
    return read_options(WantedField, item, subject, sorted=in_order)


Slot: TypeAlias = tuple[str, str]
FromDocument: TypeAlias = Callable[[dict[str, Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class HitField:
    """One field that hits show, in one index.

    Attributes:
        name: as hits call it.
        type: SQL type of one value.
        values: the list of its values.
        show: makes the JSON of one value.
        path: its path in the mapping; empty for a field that every document has.
        derived: the JSON of its values from the document, where the column has less than that; None otherwise.
        ignored: the values of a document that the column does not have; None where they are not shown.
    """

    name: str
    type: str
    values: Expr
    show: Callable[[Any], Any]
    path: str = ""
    derived: FromDocument | None = None
    ignored: FromDocument | None = None

    @property
    def slot(self) -> Slot:
        """What tells its column from others: indices may have the same name with another type."""
        return self.name, self.type

    def shown(self, values: Sequence[Any], document: Callable[[], dict[str, Any]]) -> list[Any]:
        """Return its values in one hit."""
        return [self.show(value) for value in values] if self.derived is None else self.derived(document())


def hit_fields(index: Index, wanted: Sequence[WantedField]) -> dict[str, HitField]:
    """Return the wanted fields of an index by name; of several entries for a field the last counts.

    Raises:
        QueryError: a format does not go with the field, or analysed text has no doc values.
    """
    found: dict[str, HitField] = {}
    for entry in wanted:
        if entry.field in METADATA:
            own = _metadata(entry, index)
            found |= {} if own is None else {own.name: own}
            continue
        for name, leaf in _leaves(index, entry.field, texts=not entry.sorted):
            found[name] = HitField(
                name,
                SQL_TYPES[leaf.type],
                _values(leaf, entry, index),
                _show(leaf, entry),
                leaf.path,
                _derived(leaf, entry, index),
                None if entry.sorted else partial(left_out, index.mapping, leaf),
            )
    return found


# Fields that every document has beside its own, with the types of their columns.
METADATA: Mapping[str, str | None] = {
    "_id": "VARCHAR",
    "_index": "VARCHAR",
    "_version": "BIGINT",
    "_seq_no": "BIGINT",
    "_ignored": "VARCHAR",
    **dict.fromkeys(("_source", "_doc_count", "_routing", "_field_names", "_nested_path")),
}
_INTERNAL = frozenset({"_source", "_seq_no", "_field_names", "_nested_path"})


def _metadata(entry: WantedField, index: Index) -> HitField | None:
    """Return what a hit shows of a field that is not its own, None for nothing.

    Raises:
        IllegalQueryError: it is not to be read so.
    """
    name = entry.field
    kind = METADATA[name]
    if entry.sorted:
        if name == "_id":
            raise id_field_error()
        if kind is None:
            raise IllegalQueryError(f"Fielddata is not supported on field [{name}] of type [{name}]")
    elif name in _INTERNAL:
        cause = IllegalQueryError(f"Cannot fetch values for internal field [{name}].")
        raise IllegalQueryError(f"error fetching [{name}]: {cause.reason}", cause)
    if kind is None:
        return None
    value = Literal(index.name) if name == "_index" else Column(name)
    return HitField(name, kind, value if name == "_ignored" else ListOf((value,)), _as_it_is)


def _derived(leaf: Field, entry: WantedField, index: Index) -> FromDocument | None:
    """Return what shows values of the document, where the column has less than they say."""
    if leaf.is_range:
        return _spans(leaf, entry, index)
    return _nanos(leaf, entry, index) if leaf.type == "date_nanos" else None


def _spans(leaf: Field, entry: WantedField, index: Index) -> FromDocument:
    """Return what shows ranges with the ends that they name.

    Raises:
        UnsupportedQueryError: as doc values.
    """
    if entry.sorted:
        raise UnsupportedQueryError(
            f"[docvalue_fields] of [{leaf.type}] field [{leaf.path}] are not supported by this engine"
        )
    formats = leaf.formats if entry.format is None else date_format(entry.format)
    reader = cast("Ranges", leaf.reader)

    def end(value: Any) -> Any:
        read = reader.end(value)
        if leaf.type == "ip_range":
            return ip.shown(ip.stored(str(value)))
        return format_millis(int(read), formats) if leaf.type == "date_range" else read

    def derived(document: dict[str, Any]) -> list[Any]:
        return [
            {key: end(part) for key, part in value.items() if part is not None}
            if isinstance(value, dict)
            else shown_block(value)
            for value in field_values(index.mapping, leaf, document)
        ]

    return derived


def _nanos(leaf: Field, entry: WantedField, index: Index) -> FromDocument:
    """Return what shows moments to the nanosecond, of which the column has the milliseconds."""
    formats = leaf.formats if entry.format is None else date_format(entry.format)
    null = leaf.definition.get("null_value")

    def derived(document: dict[str, Any]) -> list[Any]:
        left = left_out(index.mapping, leaf, document)
        taken = [value for value in field_values(index.mapping, leaf, document) if value not in left]
        moments = [parse_nanos(value, leaf.formats) for value in (taken or ([] if null is None else [null]))]
        return [format_nanos(moment, formats) for moment in (sorted(moments) if entry.sorted else moments)]

    return derived


def _leaves(index: Index, pattern: str, *, texts: bool) -> list[tuple[str, Field]]:
    """Return the fields of a name or pattern, with the names that they were asked for by."""
    exact = index.get(pattern)
    if exact is not None:
        return [(pattern, exact)]
    mapping = index.mapping
    names = [*mapping.fields, *mapping.multi_fields, *mapping.aliases]
    if texts and any(matches(pattern, name) and mapping.is_nested(name) for name in names):
        raise UnsupportedQueryError(f"[fields] of nested objects, by [{pattern}], are not supported by this engine")
    found = ((name, index.get(name)) for name in names if matches(pattern, name))
    return [(name, leaf) for name, leaf in found if leaf is not None and (texts or leaf.aggregatable)]


def _values(leaf: Field, entry: WantedField, index: Index) -> Expr:
    values = listed(leaf)
    if not entry.sorted:
        return values
    check_doc_values(leaf, entry.field, index.name)
    ordered = call("list_distinct", values) if SQL_TYPES[leaf.type] == "VARCHAR" else values
    return call("list_sort", ordered)


def _show(leaf: Field, entry: WantedField) -> Callable[[Any], Any]:
    if leaf.is_range and (entry.format is None or leaf.type == "date_range"):
        return _as_it_is
    if leaf.is_date:
        formats = leaf.formats if entry.format is None else date_format(entry.format)
        return lambda value: format_millis(value, formats)
    if leaf.type == "geo_point":
        return _shown_point(leaf, entry)
    if entry.format is not None:
        raise _no_format(leaf, entry)
    if leaf.type == "ip":
        return ip.shown
    if entry.sorted:
        return _as_it_is
    return single_digits if leaf.type in SINGLES else _as_it_is


def _shown_point(leaf: Field, entry: WantedField) -> Callable[[str], Any]:
    if entry.sorted:
        if entry.format is not None:
            raise _no_format(leaf, entry)
        return _kept_point
    shapes: Mapping[str | None, Callable[[str], Any]] = {None: _geojson, "geojson": _geojson, "wkt": _wkt}
    if entry.format not in shapes:
        raise IllegalQueryError(f"Unrecognized geometry format [{entry.format}].")
    return shapes[entry.format]


def _geojson(value: str) -> dict[str, Any]:
    lat, lon = value.split(",")
    return {"coordinates": [float(lon), float(lat)], "type": "Point"}


def _wkt(value: str) -> str:
    lat, lon = value.split(",")
    return f"POINT ({float(lon)} {float(lat)})"


def _kept_point(value: str) -> str:
    """Return a point in the precision of doc values, two numbers of 32 bits (Lucene's `GeoEncodingUtils`)."""
    lat, lon = (float(part) for part in value.split(","))
    return f"{_kept_degrees(lat, 180.0)}, {_kept_degrees(lon, 360.0)}"


def _kept_degrees(degrees: float, span: float) -> float:
    step = span / 2**32
    return min(math.floor(degrees / step), 2**31 - 1) * step


def _as_it_is(value: Any) -> Any:
    return value


def _no_format(leaf: Field, entry: WantedField) -> QueryError:
    if SQL_TYPES[leaf.type] in {"BIGINT", "UBIGINT", "DOUBLE"} and entry.sorted:
        return UnsupportedQueryError(
            f"[format] of [{leaf.type}] field [{leaf.path}] in [docvalue_fields] is not supported by this engine"
        )
    return IllegalQueryError(f"Field [{leaf.path}] of type [{leaf.type}] doesn't support formats.")
