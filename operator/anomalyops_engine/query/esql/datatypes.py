"""The types of ES|QL, what they are kept as, and which go together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, cast

from anomalyops_engine.query.expr import SqlType

DataType: TypeAlias = Literal[
    "boolean",
    "date",
    "date_nanos",
    "date_period",
    "double",
    "geo_point",
    "integer",
    "ip",
    "keyword",
    "long",
    "null",
    "_source",
    "text",
    "time_duration",
    "unsigned_long",
    "unsupported",
    "version",
]

SQL: Final[dict[DataType, SqlType]] = {
    "boolean": "BOOLEAN",
    "date": "BIGINT",  # epoch milliseconds
    "date_nanos": "BIGINT",  # epoch milliseconds too, as columns keep them
    "double": "DOUBLE",
    "geo_point": "VARCHAR",
    "integer": "BIGINT",
    "ip": "VARCHAR",  # in the form that sorts (`store.ip`)
    "keyword": "VARCHAR",
    "long": "BIGINT",
    "null": "VARCHAR",
    "_source": "VARCHAR",
    "text": "VARCHAR",
    "unsigned_long": "UBIGINT",
    "unsupported": "VARCHAR",
    "version": "VARCHAR",  # in a form that sorts (`esql.versions`)
}
# The types of the fields of mappings.
OF_FIELDS: Final[dict[str, DataType]] = {
    "binary": "unsupported",
    "boolean": "boolean",
    "byte": "integer",
    "constant_keyword": "keyword",
    "date": "date",
    "date_nanos": "date_nanos",
    "date_range": "unsupported",
    "double": "double",
    "double_range": "unsupported",
    "float": "double",
    "float_range": "unsupported",
    "geo_point": "geo_point",
    "half_float": "double",
    "integer": "integer",
    "integer_range": "unsupported",
    "ip": "ip",
    "ip_range": "unsupported",
    "keyword": "keyword",
    "long": "long",
    "long_range": "unsupported",
    "match_only_text": "text",
    "scaled_float": "double",
    "short": "integer",
    "text": "text",
    "unsigned_long": "unsigned_long",
    "version": "version",
    "wildcard": "keyword",
}
INTEGERS: Final[frozenset[DataType]] = frozenset({"integer", "long"})
WHOLE: Final[frozenset[DataType]] = INTEGERS | {"unsigned_long"}
NUMERIC: Final[frozenset[DataType]] = WHOLE | {"double"}
STRINGS: Final[frozenset[DataType]] = frozenset({"keyword", "text"})
MOMENTS: Final[frozenset[DataType]] = frozenset({"date", "date_nanos"})
SPANS: Final[frozenset[DataType]] = frozenset({"date_period", "time_duration"})
# What a text that is written in a statement may stand for.
FROM_TEXT: Final[frozenset[DataType]] = MOMENTS | {"ip", "version", "boolean"}

_WIDTH: Final[dict[DataType, int]] = {"integer": 0, "long": 1, "unsigned_long": 2, "double": 3}
_SHOWN: Final[dict[DataType, str]] = {"date": "datetime"}


def shown(data_type: DataType) -> str:
    """Return a type as messages call it."""
    return _SHOWN.get(data_type, data_type)


def list_of(data_type: DataType) -> SqlType:
    """Return the SQL type of lists of a type."""
    return cast("SqlType", f"{SQL[data_type]}[]")


def wider(left: DataType, right: DataType) -> DataType:
    """Return the numeric type that holds values of both."""
    return left if _WIDTH[left] >= _WIDTH[right] else right


def unified(types: Iterable[DataType]) -> DataType | None:
    """Return the one type that all of some are, texts being keywords and null anything; None where they differ."""
    found = {"keyword" if each == "text" else each for each in types} - {"null"}
    if not found:
        return "null"
    return cast("DataType", found.pop()) if len(found) == 1 else None
