"""The parameters of mapping definitions: how each is read, and what this engine does about it.

Nothing is accepted and ignored: a parameter is honoured, or has no effect that could be seen here (how something is
laid out on disk, what costs time), or is refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.store.dates import UnknownDateFormatError, UnsupportedDateFormatError, check_formats
from anomalyops_engine.store.errors import MappingError, UnsupportedMappingError

Read = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a field type.

    Attributes:
        name: its name.
        read: returns the value as mappings show it, of a field's path and the given value; raises `MappingError`.
        default: the value that is not shown.
        updatable: a mapping update may change it.
        served: which values this engine honours; None for all.
    """

    name: str
    read: Read
    default: Any = None
    updatable: bool = False
    served: Collection[Any] | None = None

    def value(self, path: str, given: Any) -> Any:
        """Return the value of a parameter.

        Raises:
            MappingError: it is malformed.
            UnsupportedMappingError: this engine does not honour it.
        """
        value = self.read(path, given)
        if self.served is not None and value != self.default and value not in self.served:
            raise UnsupportedMappingError(
                f"parameter [{self.name}] of [{value}] on field [{path}] is not supported by this engine"
            )
        return value


def boolean(path: str, given: Any) -> bool:
    """Return true or false; the words are taken too."""
    if given in ("true", "false") or isinstance(given, bool):
        return given in ("true", True)
    raise MappingError(f"Failed to parse value [{given}] as only [true] or [false] are allowed.")


def optional_text(path: str, given: Any) -> str | None:
    """Return a text; numbers and booleans are written as JSON writes them."""
    if given is None or isinstance(given, str):
        return given
    return ("true" if given else "false") if isinstance(given, bool) else str(given)


def whole_number(at_least: int) -> Read:
    """Return a reader of whole numbers that are not below a limit."""

    def read(path: str, given: Any) -> int:
        try:
            number = int(given) if not isinstance(given, bool) else int("")
        except (TypeError, ValueError):
            raise MappingError(f'For input string: "{given}"') from None
        if number < at_least:
            raise MappingError(f"must be positive, got [{number}]" if at_least == 0 else f"must be >= {at_least}")
        return number

    return read


def ignore_above(path: str, given: Any) -> int:
    """Return the length above which strings are left out."""
    try:
        return int(whole_number(0)(path, given))
    except MappingError as error:
        raise MappingError(str(error).replace("must be", "[ignore_above] must be")) from None


def scaling_factor(path: str, given: Any) -> float:
    """Return the factor of a `scaled_float`."""
    try:
        number = float(given) if not isinstance(given, bool) else float("")
    except (TypeError, ValueError):
        raise MappingError(f'For input string: "{given}"') from None
    if not 0 < number < float("inf"):
        raise MappingError(f"[scaling_factor] must be a positive number, got [{given}] for field [{path}]")
    return number


def one_of(name: str, *values: str) -> Read:
    """Return a reader of one of some words."""

    def read(path: str, given: Any) -> str:
        if given not in values:
            listed = ", ".join(values)
            raise MappingError(f"Unknown value [{given}] for field [{name}] - accepted values are [{listed}]")
        return str(given)

    return read


def metadata(path: str, given: Any) -> dict[str, str]:
    """Return a field's own metadata: short texts by short names."""
    if not isinstance(given, dict):
        raise MappingError(f"[meta] must be an object, got {_java_type(given)}[{given}] for field [{path}]")
    if len(given) > 5:
        raise MappingError(f"[meta] can't have more than 5 entries, but got {len(given)} on field [{path}]")
    for key, value in given.items():
        if len(key) > 20:
            raise MappingError(f"[meta] keys can't be longer than 20 chars, but got [{key}] for field [{path}]")
        if not isinstance(value, str):
            raise MappingError(
                f"[meta] values can only be strings, but got {_java_type(value)}[{value}] for field [{path}]"
            )
        if len(value) > 50:
            raise MappingError(f"[meta] values can't be longer than 50 chars, but got [{value}] for field [{path}]")
    return dict(sorted(given.items()))


def targets(path: str, given: Any) -> list[str]:
    """Return the fields that values are copied to."""
    listed = given if isinstance(given, list) else [given]
    return [str(item) for item in listed]


def date_formats(path: str, given: Any) -> str:
    """Return date formats joined by `||`."""
    formats = str(given)
    try:
        check_formats(formats)
    except UnsupportedDateFormatError as error:
        raise UnsupportedMappingError(f"[format] on field [{path}]: {error}") from None
    except UnknownDateFormatError as error:
        raise MappingError(f"Error parsing [format] on field [{path}]: {error}") from None
    return formats


def analyzer(path: str, given: Any) -> str:
    """Return the name of an analyzer; those that are not built in do not exist, as nothing defines any."""
    if not isinstance(given, str) or given not in _BUILT_IN_ANALYZERS:
        raise MappingError(f"analyzer [{given}] has not been configured in mappings")
    return given


def normalizer(path: str, given: Any) -> str:
    """Return the name of a normalizer."""
    if given not in ("default", "lowercase"):
        raise MappingError(f"normalizer [{given}] not found for field [{path}]")
    return str(given)


def similarity(path: str, given: Any) -> str:
    """Return how relevance is computed."""
    if given not in ("BM25", "boolean"):
        raise MappingError(f"Unknown Similarity type [{given}] for field [{path}]")
    return str(given)


def anything(path: str, given: Any) -> Any:
    """Return the value as it is."""
    return given


def _java_type(value: Any) -> str:
    names = {bool: "Boolean", int: "Integer", float: "Double", str: "String", list: "ArrayList", dict: "LinkedHashMap"}
    return names.get(type(value), "null")


_BUILT_IN_ANALYZERS: Final = frozenset({"default", "standard", "simple", "whitespace", "stop", "keyword"})

# What costs time or space elsewhere and nothing here.
_LAYOUT = (Parameter("store", boolean, default=False),)
META = Parameter("meta", metadata, default={}, updatable=True)
COPY_TO = Parameter("copy_to", targets, default=[], updatable=True)
SYNTHETIC = Parameter("synthetic_source_keep", one_of("synthetic_source_keep", "none", "arrays", "all"))
INDEX = Parameter("index", boolean, default=True)
DOC_VALUES = Parameter("doc_values", boolean, default=True)
IGNORE_MALFORMED = Parameter("ignore_malformed", boolean, updatable=True)
IGNORE_ABOVE = Parameter("ignore_above", ignore_above, updatable=True)
NULL_VALUE = Parameter("null_value", anything)
# Scripts that make values have no place here.
SCRIPT = (
    Parameter("script", anything, served=()),
    Parameter("on_script_error", one_of("on_script_error", "fail", "continue"), default="fail"),
)
DIMENSION = Parameter("time_series_dimension", boolean, default=False, served=())
COMMON = (META, COPY_TO, SYNTHETIC)
STORED = (*_LAYOUT, INDEX, DOC_VALUES)
KEYWORD_LAYOUT = (
    Parameter("eager_global_ordinals", boolean, default=False, updatable=True),
    Parameter("norms", boolean, default=False, updatable=True),
    Parameter("split_queries_on_whitespace", boolean, default=False, updatable=True, served=()),
    Parameter("similarity", similarity, served=("BM25",)),
    Parameter("index_options", one_of("index_options", "docs", "freqs"), default="docs"),
)
TEXT_LAYOUT = (
    Parameter("norms", boolean, default=True, updatable=True),
    Parameter("similarity", similarity, served=("BM25",)),
    Parameter("eager_global_ordinals", boolean, default=False, updatable=True),
    Parameter("index_phrases", boolean, default=False),
    Parameter("index_prefixes", anything),
    Parameter("position_increment_gap", whole_number(0), default=100, served=()),
    Parameter(
        "term_vector",
        one_of(
            "term_vector",
            "no",
            "yes",
            "with_positions",
            "with_offsets",
            "with_positions_offsets",
            "with_positions_payloads",
            "with_positions_offsets_payloads",
        ),
        default="no",
    ),
    Parameter(
        "index_options",
        one_of("index_options", "positions", "docs", "freqs", "offsets"),
        default="positions",
        served=("offsets",),
    ),
    Parameter("fielddata", boolean, default=False, updatable=True, served=()),
    Parameter("fielddata_frequency_filter", anything, updatable=True, served=()),
)
ANALYZERS = tuple(
    Parameter(name, analyzer, updatable=name != "analyzer", served=("default", "standard", "simple", "whitespace"))
    for name in ("analyzer", "search_analyzer", "search_quote_analyzer")
)
