"""What a query selects, in one canonical form.

A datafeed's query selects documents and nothing else: scores, and with them the difference between `must` and
`filter`, the order of clauses and a boost of 1, say nothing. A clause that is not known here means what its text says.

Source: Query DSL reference (short forms, defaults of the parameters).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_Query = Mapping[str, Any]
_MATCH_ALL: Final[dict[str, Any]] = {"match_all": {}}
_OCCURRENCES: Final = ("must", "filter", "should", "must_not")

# Parameters of a clause with their defaults: one that is written out says nothing.
_EVERYWHERE: Final[dict[str, Any]] = {"boost": 1}
_TERM: Final[dict[str, Any]] = {"case_insensitive": False}
_MATCH: Final[dict[str, Any]] = {
    "operator": "or",
    "prefix_length": 0,
    "max_expansions": 50,
    "fuzzy_transpositions": True,
    "lenient": False,
    "zero_terms_query": "none",
    "auto_generate_synonyms_phrase_query": True,
}
_PHRASE: Final[dict[str, Any]] = {"slop": 0, "zero_terms_query": "none"}
_QUERY_STRING: Final[dict[str, Any]] = {
    "default_operator": "or",
    "allow_leading_wildcard": True,
    "analyze_wildcard": False,
    "auto_generate_synonyms_phrase_query": True,
    "enable_position_increments": True,
    "escape": False,
    "fuzziness": "auto",
    "fuzzy_max_expansions": 50,
    "fuzzy_prefix_length": 0,
    "fuzzy_transpositions": True,
    "lenient": False,
    "max_determinized_states": 10_000,
    "phrase_slop": 0,
    "type": "best_fields",
}
_RANGE: Final[dict[str, Any]] = {"relation": "intersects"}
_NESTED: Final[dict[str, Any]] = {"score_mode": "avg", "ignore_unmapped": False}
_SPOKEN: Final = frozenset({"operator", "default_operator", "zero_terms_query", "relation", "fuzziness", "score_mode"})


def selected(query: Any) -> Any:
    """The canonical form of a query; None selects everything, as `match_all` does."""
    if query is None:
        return _MATCH_ALL
    if not isinstance(query, Mapping) or len(query) != 1:
        return query or _MATCH_ALL
    ((name, body),) = query.items()
    if not isinstance(body, Mapping):
        return query
    reader = _CLAUSES.get(name)
    return query if reader is None else reader(name, body)


def sorted_values(values: Sequence[Any]) -> list[Any]:
    """Values whose order and repetitions say nothing."""
    texts = {_text(value): value for value in values}
    return [texts[text] for text in sorted(texts)]


def without_defaults(body: _Query, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that say something: neither null nor their default."""
    known = {**_EVERYWHERE, **defaults}
    said = {key: _spoken(key, value) for key, value in body.items() if value is not None}
    return {key: value for key, value in said.items() if key not in known or not same_value(value, known[key])}


def same_value(one: Any, other: Any) -> bool:
    """Equality that tells true from 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _spoken(key: str, value: Any) -> Any:
    return value.lower() if key in _SPOKEN and isinstance(value, str) else value


def _text(value: Any) -> str:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    return json.dumps(whole, sort_keys=True, default=str)


# -- clauses -------------------------------------------------------------------------------------------------------


def _match_all(name: str, body: _Query) -> _Query:
    return {name: without_defaults(body, {})}


def _bool(name: str, body: _Query) -> _Query:
    occurrences = {key: _clauses(body.get(key)) for key in _OCCURRENCES}
    must = sorted_values(occurrences.pop("must") + occurrences.pop("filter"))
    had_must = bool(body.get("must") or body.get("filter"))
    parameters = {key: value for key, value in body.items() if key not in _OCCURRENCES}
    rest = without_defaults(parameters, {"adjust_pure_negative": True})
    if str(rest.get("minimum_should_match", "")) == _least(had_must=had_must, should=bool(occurrences["should"])):
        del rest["minimum_should_match"]
    if had_must and occurrences["should"] and "minimum_should_match" not in rest:
        occurrences["should"] = []  # only scores depend on it
    if "minimum_should_match" not in rest:  # else a clause that is there twice counts twice
        occurrences["should"] = sorted_values(occurrences["should"])
        if not had_must and len(occurrences["should"]) == 1:
            must, occurrences["should"] = occurrences["should"], []
    must = [clause for clause in must if clause != _MATCH_ALL]
    occurrences["must_not"] = sorted_values(occurrences["must_not"])
    occurrences["should"].sort(key=_text)
    said = {key: clauses for key, clauses in {"must": must, **occurrences}.items() if clauses}
    if not said and not rest:
        return _MATCH_ALL
    if list(said) == ["must"] and len(must) == 1 and not rest:
        only: _Query = must[0]
        return only
    return {name: {**said, **rest}}


def _least(*, had_must: bool, should: bool) -> str:
    """How many clauses of `should` have to match when nothing says so."""
    return "1" if should and not had_must else "0"


def _clauses(value: Any) -> list[Any]:
    if not value:
        return []
    return [selected(clause) for clause in (value if isinstance(value, list) else [value])]


def _field_clause(shorthand: str, defaults: Mapping[str, Any], *aliases: str) -> Callable[[str, _Query], _Query]:
    """A clause about one field, whose value may stand in place of the object that holds it."""

    def read(name: str, body: _Query) -> _Query:
        fields = {key: value for key, value in body.items() if key not in ("boost", "_name")}
        if len(fields) != 1:
            return {name: body}
        ((field, value),) = fields.items()
        outside = {key: body[key] for key in ("boost", "_name") if key in body}
        inside = dict(value) if isinstance(value, Mapping) else {shorthand: value}
        for alias in aliases:
            if alias in inside:
                inside[shorthand] = inside.pop(alias)
        return {name: {field: without_defaults({**outside, **inside}, defaults)}}

    return read


def _terms(name: str, body: _Query) -> _Query:
    said = without_defaults(body, {})
    return {name: {key: sorted_values(value) if isinstance(value, list) else value for key, value in said.items()}}


def _range(name: str, body: _Query) -> _Query:
    fields = [key for key in body if key not in ("boost", "_name")]
    if len(fields) != 1 or not isinstance(body[fields[0]], Mapping):
        return {name: body}
    bounds = dict(body[fields[0]])
    for old, inclusive, closed, open_ in (
        ("from", "include_lower", "gte", "gt"),
        ("to", "include_upper", "lte", "lt"),
    ):
        bound, holds = bounds.pop(old, None), bounds.pop(inclusive, True)
        if bound is not None:
            bounds[closed if holds else open_] = bound
        elif holds is False and closed in bounds:
            bounds[open_] = bounds.pop(closed)
    outside = {key: body[key] for key in ("boost", "_name") if key in body}
    return {name: {fields[0]: without_defaults({**outside, **bounds}, _RANGE)}}


def _ids(name: str, body: _Query) -> _Query:
    values = body.get("values")
    listed = values if isinstance(values, list) else [values]
    return {name: {**without_defaults(body, {}), "values": sorted_values(listed)}}


def _nested(name: str, body: _Query) -> _Query:
    return {name: {**without_defaults(body, _NESTED), "query": selected(body.get("query"))}}


def _constant_score(name: str, body: _Query) -> _Query:
    inner = body.get("filter")
    if not isinstance(inner, Mapping) or set(body) - {"filter", "boost"}:
        return {name: body}
    found: _Query = selected(inner)
    return found


def _with_defaults(defaults: Mapping[str, Any]) -> Callable[[str, _Query], _Query]:
    def read(name: str, body: _Query) -> _Query:
        return {name: without_defaults(body, defaults)}

    return read


_CLAUSES: Final[dict[str, Callable[[str, _Query], _Query]]] = {
    "match_all": _match_all,
    "bool": _bool,
    "term": _field_clause("value", _TERM),
    "terms": _terms,
    "match": _field_clause("query", _MATCH),
    "match_phrase": _field_clause("query", _PHRASE),
    "match_phrase_prefix": _field_clause("query", {**_PHRASE, "max_expansions": 50}),
    "prefix": _field_clause("value", _TERM),
    "wildcard": _field_clause("value", _TERM, "wildcard"),
    "regexp": _field_clause("value", {**_TERM, "flags": "ALL", "max_determinized_states": 10_000}),
    "fuzzy": _field_clause("value", {"fuzziness": "auto", "prefix_length": 0, "max_expansions": 50}),
    "range": _range,
    "exists": _with_defaults({}),
    "ids": _ids,
    "nested": _nested,
    "constant_score": _constant_score,
    "query_string": _with_defaults(_QUERY_STRING),
    "simple_query_string": _with_defaults(
        {"default_operator": "or", "analyze_wildcard": False, "lenient": False, "flags": "ALL"}
    ),
}
