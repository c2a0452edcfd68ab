"""Query DSL to SQL conditions.

A condition is TRUE for a document that matches and FALSE or NULL for one that does not; only `must_not` turns that
round, with `IS NOT TRUE`. So range and term conditions stay in the plain form that the database can push into its
scan.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from anomalyops_engine.query import analysis
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.store import Field, Index, IndexMapping
from anomalyops_engine.store.dates import UnknownDateFormatError, zone
from anomalyops_engine.store.mapping import DATES, FLOATS, INTEGER_LIMITS

_MAX_DEPTH = 30
_BOOL_LISTS = {"must", "filter", "should", "must_not"}


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL boolean expression with its parameters, in the order of their `?`."""

    sql: str
    parameters: tuple[Any, ...] = ()


ALL = Condition("TRUE")
NONE = Condition("FALSE")


def both(first: Condition, second: Condition) -> Condition:
    """Return the condition that both hold."""
    if first == ALL:
        return second
    if second == ALL:
        return first
    return Condition(f"({first.sql} AND {second.sql})", first.parameters + second.parameters)


def where(index: Index, query: dict[str, Any] | None, *, now_ms: int | None = None) -> Condition:
    """Return the condition of a query on an index, including the filters of the alias it was named by.

    Raises:
        QueryParsingError: the query is malformed.
        UnsupportedQueryError: it uses something this engine lacks.
        IllegalQueryError: a value does not fit its field.
    """
    translator = Translator(index, int(time.time() * 1000) if now_ms is None else now_ms)
    condition = ALL if query is None else translator.query(query)
    for extra in index.filters:
        condition = both(translator.query(extra), condition)
    return condition


def check_query(query: object) -> None:
    """Check that a query is well formed and supported, without an index to look at.

    Raises:
        QueryError: it is not.
    """
    Translator(Index("", "", IndexMapping()), 0).query(query)


class Translator:
    """Translates the queries of one request on one index.

    Args:
        index: whose fields the query names.
        now_ms: the present that `now` means, epoch milliseconds.
    """

    def __init__(self, index: Index, now_ms: int) -> None:
        self._index = index
        self._now_ms = now_ms
        self._depth = 0

    def query(self, query: object) -> Condition:
        """Return the condition of one query clause (`{"term": {...}}`)."""
        if not isinstance(query, dict):
            raise QueryParsingError(f"[_na] query malformed, must start with start_object, got [{query}]")
        if len(query) != 1:
            if not query:
                raise QueryParsingError("query malformed, empty clause found")
            names = ", ".join(query)
            raise QueryParsingError(f"[{next(iter(query))}] malformed query, expected one clause but found [{names}]")
        ((name, body),) = query.items()
        handler = _HANDLERS.get(name)
        if handler is None:
            if name in _KNOWN_ELSEWHERE:
                raise UnsupportedQueryError(
                    f"query [{name}] is not supported by this engine; supported: [{_SUPPORTED}]"
                )
            raise QueryParsingError(f"unknown query [{name}]")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise IllegalQueryError(f"The nested depth of the query exceeds the maximum nested depth of [{_MAX_DEPTH}]")
        try:
            return handler(self, body)
        finally:
            self._depth -= 1

    def _bool(self, body: object) -> Condition:
        options = _object("bool", body)
        _only("bool", options, _BOOL_LISTS | {"minimum_should_match", "boost", "_name", "adjust_pure_negative"})
        clauses = {key: self._clauses(key, options.get(key)) for key in _BOOL_LISTS}
        parts = [*clauses["must"], *clauses["filter"]]
        should = clauses["should"]
        minimum = options.get("minimum_should_match")
        needed = _minimum(minimum, len(should)) if minimum is not None else int(bool(should) and not parts)
        if needed > len(should):
            return NONE
        if needed == 1:
            parts.append(_any(should))
        elif needed > 1:
            terms = " + ".join(f"CASE WHEN {clause.sql} THEN 1 ELSE 0 END" for clause in should)
            parts.append(Condition(f"({terms} >= {needed})", _parameters(should)))
        parts += [Condition(f"({clause.sql}) IS NOT TRUE", clause.parameters) for clause in clauses["must_not"]]
        return _all(parts)

    def _clauses(self, key: str, value: object) -> list[Condition]:
        if value is None:
            return []
        if not isinstance(value, dict | list):
            raise QueryParsingError(f"[bool] query: [{key}] must be an object or an array of objects, got [{value}]")
        return [self.query(item) for item in (value if isinstance(value, list) else [value])]

    def _match_all(self, body: object) -> Condition:
        _only("match_all", _object("match_all", body), {"boost", "_name"})
        return ALL

    def _match_none(self, body: object) -> Condition:
        _only("match_none", _object("match_none", body), {"boost", "_name"})
        return NONE

    def _constant_score(self, body: object) -> Condition:
        options = _object("constant_score", body)
        _only("constant_score", options, {"filter", "boost", "_name"})
        if "filter" not in options:
            raise QueryParsingError("[constant_score] requires a 'filter' element")
        return self.query(options["filter"])

    def _exists(self, body: object) -> Condition:
        options = _object("exists", body)
        _only("exists", options, {"field", "boost", "_name"})
        name = options.get("field")
        if not isinstance(name, str):
            raise QueryParsingError("[exists] must be provided with a [field]")
        if name in {"_id", "_index", "_source"}:
            return ALL
        leaf = self._index.get(name)
        leaves = [leaf] if leaf is not None else list(self._index.mapping.matching(name))
        return _any([Condition(f"{leaf.column} IS NOT NULL") for leaf in leaves])

    def _ids(self, body: object) -> Condition:
        options = _object("ids", body)
        _only("ids", options, {"values", "boost", "_name"})
        values = options.get("values")
        if not isinstance(values, list | str):
            raise QueryParsingError("[ids] requires providing a values element")
        ids = [str(value) for value in (values if isinstance(values, list) else [values])]
        return _in("_id", ids)

    def _term(self, body: object) -> Condition:
        name, options = _field_body("term", body, short="value")
        _only("term", options, {"value", "case_insensitive", "boost", "_name"})
        if options.get("value") is None:
            raise IllegalQueryError("value cannot be null")
        value = options["value"]
        if isinstance(value, list | dict):
            raise QueryParsingError(f"[term] query does not support an array or object of values for field [{name}]")
        if options.get("case_insensitive") is True:
            return self._pattern(name, "^" + re.escape(str(value)) + "$", insensitive=True)
        return self._equals(name, [value])

    def _terms(self, body: object) -> Condition:
        options = {key: value for key, value in _object("terms", body).items() if key not in {"boost", "_name"}}
        if len(options) != 1:
            raise QueryParsingError("[terms] query requires exactly one field name")
        ((name, values),) = options.items()
        if isinstance(values, dict):
            raise UnsupportedQueryError("[terms] lookup is not supported by this engine")
        if not isinstance(values, list):
            raise QueryParsingError(f"[terms] query does not support [{name}] with a value that is not an array")
        if any(value is None for value in values):
            raise IllegalQueryError("No value specified for terms query")
        return self._equals(name, values) if values else NONE

    def _equals(self, name: str, values: Sequence[Any]) -> Condition:
        if name == "_id":
            return _in("_id", [str(value) for value in values])
        if name == "_index":
            return ALL if any(_wildcard_match(str(v), self._index.name) for v in values) else NONE
        leaf = self._index.get(name)
        if leaf is None:
            return NONE
        if leaf.is_text:
            wanted = [str(value) for value in values]
            return self._value(leaf, lambda e: Condition(f"list_has_any({analysis.tokens_sql(e)}, ?)", (wanted,)))
        if leaf.type == "ip" and any("/" in str(value) for value in values):
            raise UnsupportedQueryError(f"CIDR terms on [ip] field [{name}] are not supported by this engine")
        if leaf.type in DATES:
            return _any([self._date_point(leaf, value) for value in values])
        wanted = [v for v in (_coerce(leaf, value) for value in values) if v is not None]
        if leaf.multi:
            return Condition(f"list_has_any({leaf.column}, ?)", (wanted,)) if wanted else NONE
        return _in(leaf.column, wanted)

    def _date_point(self, leaf: Field, value: object) -> Condition:
        low = resolve_date(value, leaf.formats, now_ms=self._now_ms)
        high = resolve_date(value, leaf.formats, now_ms=self._now_ms, round_up=True)
        return self._value(leaf, lambda e: Condition(f"{e} BETWEEN ? AND ?", (low, high)))

    def _range(self, body: object) -> Condition:
        name, options = _field_body("range", body)
        _only(
            "range",
            options,
            {"gt", "gte", "lt", "lte", "from", "to", "include_lower", "include_upper"}
            | {"format", "time_zone", "boost", "relation", "_name"},
        )
        bounds = _bounds(options)
        if name == "_id":
            raise UnsupportedQueryError("[range] on [_id] is not supported by this engine")
        leaf = self._index.get(name)
        if leaf is None:
            return NONE
        if leaf.is_text:
            raise UnsupportedQueryError(f"[range] on [text] field [{name}] is not supported; use [{name}.keyword]")
        values = [(sign, self._bound(leaf, sign, value, options)) for sign, value in bounds]
        if not values:
            return Condition(f"{leaf.column} IS NOT NULL")
        parameters = tuple(value for _, value in values)
        return self._value(
            leaf,
            lambda e: Condition("(" + " AND ".join(f"{e} {sign} ?" for sign, _ in values) + ")", parameters),
        )

    def _bound(self, leaf: Field, sign: str, value: object, options: dict[str, Any]) -> Any:
        if leaf.type not in DATES:
            return _numeric_bound(leaf, value)
        try:
            tz = zone(options["time_zone"]) if options.get("time_zone") else UTC
            return resolve_date(
                value,
                str(options.get("format", leaf.formats)),
                round_up=sign in {">", "<="},
                tz=tz,
                now_ms=self._now_ms,
            )
        except UnknownDateFormatError as error:
            raise IllegalQueryError(str(error)) from None
        except ValueError as error:
            raise QueryParsingError(f"[range] on [{leaf.path}]: {error}") from None

    def _match(self, body: object) -> Condition:
        name, options = _field_body("match", body, short="query")
        _only(
            "match",
            options,
            {"query", "operator", "minimum_should_match", "boost", "_name", "lenient", "zero_terms_query"}
            | {"auto_generate_synonyms_phrase_query"},
        )
        value = options.get("query")
        if value is None:
            raise QueryParsingError(f"No text specified for text query on field [{name}]")
        leaf = self._index.get(name)
        if leaf is None or not leaf.is_text:
            return self._equals(name, [value])
        words = list(dict.fromkeys(analysis.tokens(str(value))))
        if not words:
            return ALL if options.get("zero_terms_query") == "all" else NONE
        operator = str(options.get("operator", "or")).lower()
        if operator not in {"or", "and"}:
            raise QueryParsingError(f"[match] operator must be [or] or [and], got [{options['operator']}]")
        if "minimum_should_match" in options and operator == "or":
            needed = _minimum(options["minimum_should_match"], len(words))
            return self._value(
                leaf,
                lambda e: Condition(f"len(list_intersect({analysis.tokens_sql(e)}, ?)) >= {needed}", (words,)),
            )
        function = "list_has_all" if operator == "and" else "list_has_any"
        return self._value(leaf, lambda e: Condition(f"{function}({analysis.tokens_sql(e)}, ?)", (words,)))

    def _match_phrase(self, body: object) -> Condition:
        name, options = _field_body("match_phrase", body, short="query")
        _only("match_phrase", options, {"query", "boost", "_name", "slop"})
        if options.get("slop", 0) != 0:
            raise UnsupportedQueryError("[match_phrase] with [slop] is not supported by this engine")
        leaf = self._index.get(name)
        if leaf is None or not leaf.is_text:
            return self._equals(name, [options.get("query")])
        words = analysis.tokens(str(options.get("query", "")))
        if not words:
            return NONE
        phrase = f" {' '.join(words)} "
        return self._value(
            leaf,
            lambda e: Condition(
                f"contains(' ' || array_to_string({analysis.tokens_sql(e)}, ' ') || ' ', ?)", (phrase,)
            ),
        )

    def _wildcard(self, body: object) -> Condition:
        name, options = _field_body("wildcard", body, short="value")
        _only("wildcard", options, {"value", "wildcard", "case_insensitive", "boost", "rewrite", "_name"})
        value = options.get("value", options.get("wildcard"))
        if value is None:
            raise IllegalQueryError("value cannot be null")
        return self._pattern(name, _wildcard_regex(str(value)), insensitive=options.get("case_insensitive") is True)

    def _prefix(self, body: object) -> Condition:
        name, options = _field_body("prefix", body, short="value")
        _only("prefix", options, {"value", "case_insensitive", "boost", "rewrite", "_name"})
        if options.get("value") is None:
            raise IllegalQueryError("value cannot be null")
        text = str(options["value"])
        leaf = self._index.get(name)
        if options.get("case_insensitive") is True or (leaf is not None and leaf.is_text):
            pattern = "^" + re.escape(text)
            return self._pattern(name, pattern, insensitive=options.get("case_insensitive") is True)
        self._must_be_string("prefix", name, leaf)
        if leaf is None:
            return NONE
        return self._value(leaf, lambda e: Condition(f"starts_with({e}, ?)", (text,)))

    def _pattern(self, name: str, regex: str, *, insensitive: bool) -> Condition:
        leaf = self._index.get(name)
        self._must_be_string("wildcard", name, leaf)
        if leaf is None:
            return NONE
        flags = "'si'" if insensitive else "'s'"
        if leaf.is_text:
            return self._value(
                leaf,
                lambda e: Condition(
                    f"list_bool_or(list_transform({analysis.tokens_sql(e)}, "
                    f"lambda token: regexp_matches(token, ?, {flags})))",
                    (regex,),
                ),
            )
        return self._value(leaf, lambda e: Condition(f"regexp_matches({e}, ?, {flags})", (regex,)))

    def _must_be_string(self, kind: str, name: str, leaf: Field | None) -> None:
        if leaf is not None and not leaf.is_string:
            raise IllegalQueryError(
                f"Can only use {kind} queries on keyword, text and wildcard fields - not on [{name}] which is of type "
                f"[{leaf.type}]"
            )

    def _value(self, leaf: Field, condition: Callable[[str], Condition]) -> Condition:
        """Return that some value of the field fulfils a condition, for single and list columns alike."""
        if not leaf.multi:
            return condition(leaf.column)
        inner = condition("item")
        return Condition(
            f"len(list_filter({leaf.column}, lambda item: {inner.sql})) > 0",
            inner.parameters,
        )


_HANDLERS: dict[str, Callable[[Translator, object], Condition]] = {
    "bool": Translator._bool,
    "constant_score": Translator._constant_score,
    "exists": Translator._exists,
    "ids": Translator._ids,
    "match": Translator._match,
    "match_all": Translator._match_all,
    "match_none": Translator._match_none,
    "match_phrase": Translator._match_phrase,
    "prefix": Translator._prefix,
    "range": Translator._range,
    "term": Translator._term,
    "terms": Translator._terms,
    "wildcard": Translator._wildcard,
}
_SUPPORTED = ", ".join(sorted(_HANDLERS))
_KNOWN_ELSEWHERE = frozenset(
    {
        "boosting",
        "combined_fields",
        "dis_max",
        "distance_feature",
        "function_score",
        "fuzzy",
        "geo_bounding_box",
    }
    | {
        "geo_distance",
        "geo_shape",
        "geo_polygon",
        "has_child",
        "has_parent",
        "intervals",
        "knn",
        "match_bool_prefix",
    }
    | {"match_phrase_prefix", "more_like_this", "multi_match", "nested", "parent_id", "percolate", "pinned"}
    | {"query_string", "rank_feature", "regexp", "rule", "script", "script_score", "semantic", "shape"}
    | {
        "simple_query_string",
        "span_term",
        "span_near",
        "sparse_vector",
        "terms_set",
        "text_expansion",
        "wrapper",
    }
)


def _object(kind: str, body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise QueryParsingError(f"[{kind}] query malformed, no start_object after query name")
    return body


def _only(kind: str, options: dict[str, Any], allowed: set[str]) -> None:
    for key in options:
        if key not in allowed:
            raise QueryParsingError(f"[{kind}] query does not support [{key}]")


def _field_body(kind: str, body: object, *, short: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return field name and options of `{"field": {...}}` or, with `short`, of `{"field": value}`."""
    options = _object(kind, body)
    named = {key: value for key, value in options.items() if key not in {"boost", "_name"}}
    if len(named) != 1:
        shown = ", ".join(f"[{key}]" for key in named)
        raise QueryParsingError(f"[{kind}] query doesn't support multiple fields, found {shown or 'none'}")
    ((name, inner),) = named.items()
    if isinstance(inner, dict):
        return name, inner
    if short is None:
        raise QueryParsingError(f"[{kind}] query malformed, no start_object after field name [{name}]")
    return name, {short: inner}


def _bounds(options: dict[str, Any]) -> list[tuple[str, Any]]:
    out = [
        (sign, options[key])
        for key, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<="))
        if options.get(key) is not None
    ]
    if options.get("from") is not None:
        out.append((">=" if options.get("include_lower", True) else ">", options["from"]))
    if options.get("to") is not None:
        out.append(("<=" if options.get("include_upper", True) else "<", options["to"]))
    return out


def _numeric_bound(leaf: Field, value: object) -> Any:
    """Return a range bound; integers compare with fractional bounds as numbers, so nothing is rounded away."""
    if leaf.type in INTEGER_LIMITS or leaf.type in FLOATS:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        try:
            return float(value) if isinstance(value, str) else _refuse(leaf, value)
        except ValueError:
            return _refuse(leaf, value)
    if leaf.type == "boolean":
        return _coerce(leaf, value)
    if leaf.type == "ip":
        raise UnsupportedQueryError(f"[range] on [ip] field [{leaf.path}] is not supported by this engine")
    return str(value)


def _coerce(leaf: Field, value: object) -> Any:
    """Return a value in the type of the field's column; None when no document can have it (1.5 in a long)."""
    if leaf.is_string:
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    if leaf.type == "boolean":
        if isinstance(value, bool):
            return value
        if value in {"true", "false", ""}:
            return value == "true"
        raise IllegalQueryError(f"Can't parse boolean value [{value}], expected [true] or [false]")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _refuse(leaf, value)
    try:
        number = float(value) if not isinstance(value, int) else value
        if isinstance(value, str) and value.lstrip("-").isdigit():
            number = int(value)
    except ValueError:
        return _refuse(leaf, value)
    if leaf.type in INTEGER_LIMITS:
        low, high = INTEGER_LIMITS[leaf.type]
        return int(number) if number == int(number) and low <= number <= high else None
    return float(number)


def _refuse(leaf: Field, value: object) -> Any:
    raise IllegalQueryError(
        f'failed to create query: For input string: "{value}" on field [{leaf.path}] of type [{leaf.type}]'
    )


def _in(column: str, values: Sequence[Any]) -> Condition:
    if not values:
        return NONE
    if len(values) == 1:
        return Condition(f"{column} = ?", (values[0],))
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def _minimum(value: object, count: int) -> int:
    """Return how many of `count` optional clauses must match (`2`, `-1`, `75%`, `-25%`)."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        match = re.fullmatch(r"(-?\d+)(%?)", str(value).strip())
        if match is None:
            raise UnsupportedQueryError(f"[minimum_should_match] of [{value}] is not supported by this engine")
        number = int(match[1])
        if match[2]:
            share = abs(number) * count // 100
            number = share if number >= 0 else count - share
            return max(0, number)
    return max(0, number if number >= 0 else count + number)


def _wildcard_regex(pattern: str) -> str:
    out, escaped = [], False
    for character in pattern:
        if escaped:
            out.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            out.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
    return f"^{''.join(out)}$"


def _wildcard_match(pattern: str, name: str) -> bool:
    return re.match(_wildcard_regex(pattern), name, re.DOTALL) is not None


def _parameters(conditions: Sequence[Condition]) -> tuple[Any, ...]:
    return tuple(value for condition in conditions for value in condition.parameters)


def _all(conditions: Sequence[Condition]) -> Condition:
    kept = [condition for condition in conditions if condition != ALL]
    if not kept:
        return ALL
    if len(kept) == 1:
        return kept[0]
    return Condition("(" + " AND ".join(condition.sql for condition in kept) + ")", _parameters(kept))


def _any(conditions: Sequence[Condition]) -> Condition:
    if not conditions:
        return NONE
    if len(conditions) == 1:
        return conditions[0]
    return Condition("(" + " OR ".join(condition.sql for condition in conditions) + ")", _parameters(conditions))
