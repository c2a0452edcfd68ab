"""From JSON documents to typed columns, a whole batch at a time.

Values are looked at column by column: the set of Python types of a column decides in one step whether it can be handed
to Arrow as it is, and only columns with something unusual in them are converted value by value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.store import ip
from anomalyops_engine.store.dates import DEFAULT_FORMAT, detect_format, parse_date
from anomalyops_engine.store.errors import DocumentParsingError, MappingError
from anomalyops_engine.store.mapping import DATES, FLOATS, INTEGER_LIMITS, SQL_TYPES, Field, IndexMapping

_ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}
_STRING_DEFAULT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
_NOTHING: dict[str, Any] = {}
_CATCH = (ValueError, TypeError, OverflowError)

_FULL_TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"

Values = list[Any]


class Batch:
    """Columns of a batch of documents, and the mapping that they need.

    Attributes:
        mapping: the given mapping, with the fields that the documents brought.
        arrays: Arrow arrays by column name; a column that no document fills is absent.
        errors: what was wrong, by position of the document. With errors, `arrays` must not be used.
    """

    def __init__(self, mapping: IndexMapping, documents: Sequence[dict[str, Any]]) -> None:
        self.mapping = mapping
        self.arrays: dict[str, pa.Array] = {}
        self.errors: dict[int, DocumentParsingError] = {}
        self._leaves: dict[str, Values] = {}
        self._gather("", documents)
        for path, values in self._leaves.items():
            self._build(path, values)

    def _gather(self, prefix: str, documents: Sequence[dict[str, Any]]) -> None:
        """Collect the values of every leaf path below the prefix, one per document."""
        for key in dict.fromkeys(chain.from_iterable(documents)):
            path = f"{prefix}{key}"
            values = [document.get(key) for document in documents]
            kinds = set(map(type, values))
            kinds.discard(type(None))
            if not kinds or path in self.mapping.disabled:
                continue
            if not key or key.startswith(".") or key.endswith("."):
                self._fail_all(
                    values, f"field name cannot be an empty string or contain only whitespace: [{path}]", path
                )
            elif dict in kinds or (list in kinds and (_holds_objects(values) or self.mapping.has_object(path))):
                self._gather_objects(path, values, kinds)
            else:
                self._add_leaf(path, values)

    def _gather_objects(self, path: str, values: Values, kinds: set[type]) -> None:
        leaf = self.mapping.fields.get(path)
        if leaf is not None and leaf.type == "geo_point":
            self._add_leaf(path, values)
            return
        if leaf is not None:
            for position, value in enumerate(values):
                if isinstance(value, dict | list):
                    message = f"failed to parse field [{path}] of type [{leaf.type}]"
                    cause = "Can't get text on a START_OBJECT"
                    self.errors[position] = DocumentParsingError(message, field=path, cause=cause)
            return
        template = self.mapping.template_for(path, "object")
        if template is not None and template.get("enabled") is False:
            return
        objects = []
        for position, value in enumerate(values):
            if isinstance(value, dict):
                objects.append(value)
            elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
                objects.append(_zip_objects(value))
            else:
                objects.append(_NOTHING)
                if value is not None:
                    self.errors[position] = DocumentParsingError(_no_object(path), field=path)
        self._gather(f"{path}.", objects)

    def _add_leaf(self, path: str, values: Values) -> None:
        known = self._leaves.get(path)
        if known is None:
            self._leaves[path] = values
        else:  # `{"a.b": 1}` and `{"a": {"b": 1}}` are the same field
            self._leaves[path] = [_join(first, second) for first, second in zip(known, values, strict=True)]

    def _build(self, path: str, values: Values) -> None:
        kinds = set(map(type, values))
        kinds.discard(type(None))
        leaf = self._field(path, values, kinds)
        if leaf is None:
            return
        geo = leaf.type == "geo_point"
        if geo:
            values = [_geo(value) for value in values]
            kinds = {str}
        if list in kinds and not leaf.multi:
            self.mapping = self.mapping.with_multi(path)
            leaf = self.mapping.fields[path]
        convert = _converter(leaf)
        if leaf.multi:
            values = self._convert(leaf, values, lambda value: _convert_list(value, convert))
            self.arrays[leaf.column] = pa.array(values, pa.list_(_ARROW[SQL_TYPES[leaf.type]]))
            return
        if leaf.type in DATES and kinds <= {str} and "strict_date_optional_time" in leaf.formats.split("||")[0]:
            moments = _iso_dates(values)
            if moments is not None:
                self.arrays[leaf.column] = moments
                return
        if not _fits(leaf, kinds):
            values = self._convert(leaf, values, convert)
        try:
            self.arrays[leaf.column] = pa.array(values, _ARROW[SQL_TYPES[leaf.type]])
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            values = self._convert(leaf, values, convert)
            self.arrays[leaf.column] = pa.array(values, _ARROW[SQL_TYPES[leaf.type]])

    def _convert(self, leaf: Field, values: Values, convert: Callable[[Any], Any]) -> Values:
        out: Values = []
        for position, value in enumerate(values):
            if value is None:
                out.append(None)
                continue
            try:
                out.append(convert(value))
            except _CATCH as error:
                out.append(None)
                message = f"failed to parse field [{leaf.path}] of type [{leaf.type}]: value [{_shown(value)}]"
                self.errors[position] = DocumentParsingError(message, field=leaf.path, cause=str(error))
        return out

    def _field(self, path: str, values: Values, kinds: set[type]) -> Field | None:
        """Return the leaf field of a path, mapped dynamically when it is new; None when it is not to be indexed."""
        leaf = self.mapping.fields.get(path)
        if leaf is not None:
            return leaf
        if path in self.mapping.aliases:
            self._fail_all(values, f"Cannot write to a field alias [{path}].", path)
            return None
        if self.mapping.dynamic == "false":
            return None
        if self.mapping.dynamic == "strict":
            message = f"mapping set to strict, dynamic introduction of [{path}] within [_doc] is not allowed"
            self._fail_all(values, message, path)
            return None
        if self.mapping.has_object(path):
            self._fail_all(values, _no_object(path), path)
            return None
        if list in kinds:
            scalars = [item for value in values for item in (_flat(value) if isinstance(value, list) else (value,))]
            kinds = set(map(type, scalars)) - {type(None)}
            values = scalars
        if not kinds:
            return None
        return self._map_dynamically(path, values, kinds, is_list=False)

    def _map_dynamically(self, path: str, values: Values, kinds: set[type], *, is_list: bool) -> Field:
        kind, definition = _detect(values, kinds, dates=self.mapping.root.get("date_detection", True) is not False)
        template = self.mapping.template_for(path, kind)
        if template is not None:
            definition = template
        self.mapping = self.mapping.with_field(path, definition, multi=is_list)
        return self.mapping.fields[path]

    def _fail_all(self, values: Values, message: str, path: str) -> None:
        for position, value in enumerate(values):
            if value is not None:
                self.errors[position] = DocumentParsingError(message, field=path)


def _detect(values: Values, kinds: set[type], *, dates: bool) -> tuple[str, dict[str, Any]]:
    """Return what JSON showed and the definition dynamic mapping gives it (Elasticsearch's dynamic field mapping)."""
    if kinds <= {int, float}:
        return ("double", {"type": "float"}) if float in kinds else ("long", {"type": "long"})
    if kinds == {bool}:
        return "boolean", {"type": "boolean"}
    first = next((value for value in values if value is not None), None)
    if isinstance(first, bool):
        return "boolean", {"type": "boolean"}
    if isinstance(first, int | float):
        return ("double", {"type": "float"}) if isinstance(first, float) else ("long", {"type": "long"})
    formats = detect_format(first) if dates and isinstance(first, str) else None
    if formats == DEFAULT_FORMAT:
        return "date", {"type": "date"}
    if formats is not None:
        return "date", {"type": "date", "format": formats}
    return "string", _STRING_DEFAULT


def _iso_dates(values: Values) -> pa.Array | None:
    """Return epoch milliseconds of full UTC timestamps, all at once; None when some value is written otherwise."""
    try:
        texts = pa.array(values, pa.string())
        if pc.all(pc.match_substring_regex(texts, _FULL_TIMESTAMP)).as_py() is not True:
            return None
        moments = texts.cast(pa.timestamp("us", "UTC"))
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    return pc.floor_temporal(moments, unit="millisecond").cast(pa.timestamp("ms", "UTC")).cast(pa.int64())


def _fits(leaf: Field, kinds: set[type]) -> bool:
    """Return whether Arrow can take values of these Python types for the field as they are."""
    sql = SQL_TYPES[leaf.type]
    if leaf.type in DATES or leaf.type == "ip":
        return False
    if sql == "VARCHAR":
        return kinds <= {str}
    if leaf.type == "long":
        return kinds <= {int}
    if sql == "DOUBLE":
        return kinds <= {int, float}
    return sql == "BOOLEAN" and kinds <= {bool}


def _converter(leaf: Field) -> Callable[[Any], Any]:
    if leaf.type in DATES:
        return _date_converter(leaf.formats)
    if leaf.type == "ip":
        return _Cached(_ip)
    if leaf.type == "boolean":
        return _boolean
    if leaf.type in FLOATS:
        return _double
    if leaf.type in INTEGER_LIMITS:
        return _integer_converter(*INTEGER_LIMITS[leaf.type], kind=leaf.type)
    return _text


class _Cached(dict[Any, Any]):
    """A function's results by argument, for columns with few distinct values."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: Any) -> Any:
        value = self[key] = self._function(key)
        return value

    def __call__(self, value: Any) -> Any:
        return self[value]


def _date_converter(formats: str) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool | float) and not (isinstance(value, float) and value.is_integer()):
            raise ValueError(f"failed to parse date field [{value}] with format [{formats}]")
        return parse_date(int(value) if isinstance(value, float) else value, formats)

    return _Cached(convert)


def _integer_converter(low: int, high: int, *, kind: str) -> Callable[[Any], int | None]:
    def convert(value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"[{_shown(value)}] is not a number")
        if isinstance(value, str):
            if not value:
                return None  # coerced to nothing, as Elasticsearch does
            try:
                value = int(value)
            except ValueError:
                try:
                    value = float(value)
                except ValueError:
                    raise ValueError(f'For input string: "{value}"') from None
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError(f"Value [{value}] is out of range for {kind}")
            value = int(value)
        if not low <= value <= high:
            raise ValueError(f"Value [{value}] is out of range for {kind}")
        return int(value)

    return convert


def _double(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"[{_shown(value)}] is not a number")
    if value == "":
        return None
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f'For input string: "{value}"') from None
    if not math.isfinite(number):
        raise ValueError(f"number must be finite, got [{value}]")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false", ""}:
        return value == "true"
    raise ValueError(f"Failed to parse value [{_shown(value)}] as only [true] or [false] are allowed.")


def _ip(value: Any) -> str:
    return ip.stored(str(value))


def _text(value: Any) -> str:
    if isinstance(value, str):
        value.encode()  # a lone surrogate cannot be stored
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise ValueError(f"Can't get text on a value of type [{type(value).__name__}]")


def _geo(value: Any) -> Any:
    """Return a geo point as `lat,lon` text; what is no point is returned as it is, and refused later."""
    if isinstance(value, dict) and {"lat", "lon"} <= value.keys():
        return f"{value['lat']},{value['lon']}"
    if isinstance(value, list) and len(value) == 2 and all(isinstance(item, int | float) for item in value):
        return f"{value[1]},{value[0]}"
    return value


def _flat(value: list[Any]) -> Values:
    out: Values = []
    for item in value:
        out.extend(_flat(item) if isinstance(item, list) else (item,))
    return out


def _convert_list(value: Any, convert: Callable[[Any], Any]) -> Values | None:
    items = _flat(value) if isinstance(value, list) else [value]
    converted = [item for item in (convert(item) for item in items if item is not None) if item is not None]
    return converted or None


def _holds_objects(values: Values) -> bool:
    return any(isinstance(item, dict) for value in values if isinstance(value, list) for item in value)


def _zip_objects(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an array of objects as one object of arrays: inner objects are not kept apart, as in Elasticsearch."""
    merged: dict[str, Any] = {}
    for item in items:
        for key, value in item.items():
            extra = value if isinstance(value, list) else [value]
            merged[key] = [*merged.get(key, []), *extra]
    return merged


def _join(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    return [
        *(first if isinstance(first, list) else [first]),
        *(second if isinstance(second, list) else [second]),
    ]


def _no_object(path: str) -> str:
    return f"object mapping for [{path}] tried to parse field [{path}] as object, but found a concrete value"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


__all__ = ["Batch", "MappingError"]
