"""One row a field type: what it is kept as, its parameters, and the reader of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.store.dates import DEFAULT_FORMAT
from anomalyops_engine.store.fieldtypes import parameters as known
from anomalyops_engine.store.fieldtypes.geo import Points
from anomalyops_engine.store.fieldtypes.moments import Dates
from anomalyops_engine.store.fieldtypes.numbers import INTEGER_LIMITS, Floats, Integers
from anomalyops_engine.store.fieldtypes.parameters import Parameter
from anomalyops_engine.store.fieldtypes.reader import Reader
from anomalyops_engine.store.fieldtypes.spans import RANGE_KINDS, Ranges
from anomalyops_engine.store.fieldtypes.texts import Addresses, Booleans, Constant, Strings

NANOS_FORMAT: Final = "strict_date_optional_time_nanos||epoch_millis"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a reader is made of.

    Attributes:
        kind: name of the type.
        given: the parameters of the field, without the defaults.
        defaults: `ignore_malformed` and `coerce` where the field does not say, from the settings of the index.
    """

    kind: str
    given: Mapping[str, Any]
    defaults: Mapping[str, bool]

    def flag(self, name: str) -> bool:
        """Return a parameter that the settings of the index have a default for."""
        return bool(self.given.get(name, self.defaults.get(name, name == "coerce")))

    def common(self) -> dict[str, Any]:
        """Return the options that most readers share."""
        return {"ignore_malformed": self.flag("ignore_malformed"), "null": self.given.get("null_value")}


@dataclass(frozen=True, slots=True)
class FieldType:
    """One type.

    Attributes:
        name: its name.
        sql_type: SQL type of one value.
        parameters: what a definition may say, by name.
        reader: makes the reader of a definition.
    """

    name: str
    sql_type: str
    parameters: Mapping[str, Parameter]
    reader: Callable[[Definition], Reader]


def _type(name: str, sql_type: str, reader: Callable[[Definition], Reader], *parameters: Parameter) -> FieldType:
    named = {parameter.name: parameter for parameter in (*parameters, *known.COMMON)}
    return FieldType(name, sql_type, named, reader)


def _strings(definition: Definition, *, term: bool) -> Reader:
    given = definition.given
    return Strings(
        term=term,
        normalise=str.lower if given.get("normalizer") == "lowercase" else None,
        limit=given.get("ignore_above"),
        null=given.get("null_value"),
    )


def _keyword(definition: Definition) -> Reader:
    return _strings(
        definition, term=bool(definition.given.get("index", True) or definition.given.get("doc_values", True))
    )


def _text(definition: Definition) -> Reader:
    return _strings(definition, term=False)


def _constant(definition: Definition) -> Reader:
    return Constant(definition.given.get("value"))


def _integers(definition: Definition) -> Reader:
    return Integers(definition.kind, coerce=definition.flag("coerce"), **definition.common())


def _floats(definition: Definition) -> Reader:
    factor = definition.given.get("scaling_factor", 1.0)
    return Floats(definition.kind, coerce=definition.flag("coerce"), factor=factor, **definition.common())


def _dates(definition: Definition) -> Reader:
    nanos = definition.kind == "date_nanos"
    formats = str(definition.given.get("format", NANOS_FORMAT if nanos else DEFAULT_FORMAT))
    return Dates(formats, nanos=nanos, **definition.common())


def _points(definition: Definition) -> Reader:
    return Points(ignore_z=definition.given.get("ignore_z_value", True), **definition.common())


def _ranges(definition: Definition) -> Reader:
    formats = str(definition.given.get("format", DEFAULT_FORMAT))
    return Ranges(definition.kind, coerce=definition.flag("coerce"), formats=formats)


_COERCE = Parameter("coerce", known.boolean, updatable=True)
# Names of months and days are English.
_LOCALE = Parameter("locale", known.optional_text, default="en", served=("", "en_US", "en-US"))
_NUMERIC = (
    *known.STORED,
    known.IGNORE_MALFORMED,
    _COERCE,
    known.NULL_VALUE,
    *known.SCRIPT,
    known.DIMENSION,
    Parameter("time_series_metric", known.one_of("time_series_metric", "gauge", "counter")),
)
_DATE = (
    *known.STORED,
    known.IGNORE_MALFORMED,
    known.NULL_VALUE,
    *known.SCRIPT,
    _LOCALE,
)
_FORMAT = Parameter("format", known.date_formats, default=DEFAULT_FORMAT)
_TEXT = (*known.ANALYZERS, *known.TEXT_LAYOUT, Parameter("index", known.boolean, default=True), known.STORED[0])

FIELD_TYPES: Final[dict[str, FieldType]] = {
    row.name: row
    for row in (
        _type(
            "keyword",
            "VARCHAR",
            _keyword,
            *known.STORED,
            known.IGNORE_ABOVE,
            Parameter("null_value", known.optional_text),
            Parameter("normalizer", known.normalizer, default="default"),
            *known.KEYWORD_LAYOUT,
            *known.SCRIPT,
            known.DIMENSION,
        ),
        _type("text", "VARCHAR", _text, *_TEXT),
        _type("match_only_text", "VARCHAR", _text, *known.ANALYZERS),
        _type("wildcard", "VARCHAR", _text, known.IGNORE_ABOVE, Parameter("null_value", known.optional_text)),
        _type("constant_keyword", "VARCHAR", _constant, Parameter("value", known.optional_text)),
        _type("version", "VARCHAR", _text),
        _type(
            "binary",
            "VARCHAR",
            _text,
            Parameter("store", known.boolean, default=False),
            Parameter("doc_values", known.boolean, default=False),
        ),
        _type("boolean", "BOOLEAN", lambda d: Booleans(**d.common()), *known.STORED, known.IGNORE_MALFORMED,
              Parameter("null_value", known.boolean), *known.SCRIPT, known.DIMENSION),
        _type("ip", "VARCHAR", lambda d: Addresses(**d.common()), *known.STORED, known.IGNORE_MALFORMED,
              known.NULL_VALUE, *known.SCRIPT, known.DIMENSION),
        _type("date", "BIGINT", _dates, *_DATE, _FORMAT),
        _type("date_nanos", "BIGINT", _dates, *_DATE, Parameter("format", known.date_formats, default=NANOS_FORMAT)),
        _type(
            "geo_point",
            "VARCHAR",
            _points,
            *known.STORED,
            known.IGNORE_MALFORMED,
            Parameter("ignore_z_value", known.boolean, default=True, updatable=True),
            known.NULL_VALUE,
            *known.SCRIPT,
        ),
        *(_type(kind, "BIGINT", _integers, *_NUMERIC) for kind in INTEGER_LIMITS if kind != "unsigned_long"),
        *(_type(kind, "VARCHAR", _ranges, *known.STORED, _COERCE) for kind in RANGE_KINDS if kind != "date_range"),
        _type("date_range", "VARCHAR", _ranges, *known.STORED, _COERCE, _FORMAT, _LOCALE),
        _type("unsigned_long", "UBIGINT", _integers, *_NUMERIC),
        *(_type(kind, "DOUBLE", _floats, *_NUMERIC) for kind in ("double", "float", "half_float")),
        _type("scaled_float", "DOUBLE", _floats, *_NUMERIC, Parameter("scaling_factor", known.scaling_factor)),
    )
}  # fmt: skip
SQL_TYPES: Final = {name: row.sql_type for name, row in FIELD_TYPES.items()}
FLOATS: Final = frozenset({"double", "float", "half_float", "scaled_float"})
DATES: Final = frozenset({"date", "date_nanos"})
TEXTS: Final = frozenset({"text", "match_only_text"})
RANGES: Final = frozenset(RANGE_KINDS)
# Types that Elasticsearch has and this engine has not.
UNSUPPORTED_TYPES: Final = frozenset(
    [
        "aggregate_metric_double",
        "annotated_text",
        "completion",
        "counted_keyword",
        "dense_vector",
        "exponential_histogram",
        "flattened",
        "geo_shape",
        "histogram",
        "icu_collation_keyword",
        "join",
        "murmur3",
        "passthrough",
        "pattern_text",
        "patterned_text",
        "percolator",
        "point",
        "rank_feature",
        "rank_features",
        "rank_vectors",
        "search_as_you_type",
        "semantic_text",
        "shape",
        "sparse_vector",
        "token_count",
    ]
)
