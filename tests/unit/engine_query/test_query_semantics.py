"""Query DSL against a plain evaluator in Python, over random queries."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import (
    IllegalQueryError,
    QueryParsingError,
    UnsupportedQueryError,
    check_query,
    count,
    search,
)
from anomalyops_engine.query.errors import DateParseError, QueryShardError
from laws import law

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000

_strings = {
    "host": st.sampled_from(["web-1", "web-2", "db-1", "cache", "nope"]),
    "tags": st.sampled_from(["red", "green", "blue", "nope"]),
    "message.keyword": st.sampled_from(["Error", "disk full", "login"]),
}
_numbers = {
    "size": st.integers(-6, 16),
    "sizes": st.integers(-1, 13),
    "load": st.one_of(st.integers(-40, 60).map(lambda n: n / 8), st.sampled_from([-0.0, 0.0])),
    "time": st.integers(-1, 40).map(lambda n: START_MS + n * HOUR_MS),
}
_words = st.sampled_from(["error", "Error", "DISK", "full", "user", "login", "ok", "absent"])
_fields = st.sampled_from([*_strings, *_numbers, "ok", "message", "unmapped"])


def _leaf() -> st.SearchStrategy[dict[str, Any]]:
    values = {**_strings, **_numbers, "ok": st.booleans()}
    term = st.sampled_from(sorted(values)).flatmap(
        lambda f: values[f].map(lambda value: {"term": {f: {"value": value}}})
    )
    terms = st.sampled_from(sorted(values)).flatmap(
        lambda f: st.lists(values[f], max_size=3).map(lambda items: {"terms": {f: items}})
    )
    signs = st.lists(st.sampled_from(["gt", "gte", "lt", "lte"]), min_size=1, max_size=2, unique=True)
    ranges = st.tuples(st.sampled_from(sorted(_numbers)), signs).flatmap(
        lambda pair: st.tuples(*(_numbers[pair[0]] for _ in pair[1])).map(
            lambda bounds: {"range": {pair[0]: dict(zip(pair[1], bounds, strict=True))}}
        )
    )
    patterns = st.sampled_from(["web-*", "*1", "?b-1", "*", "c*e"])
    return st.one_of(
        term,
        terms,
        ranges,
        _fields.map(lambda f: {"exists": {"field": f}}),
        st.just({"match_all": {}}),
        st.just({"match_none": {}}),
        _words.map(lambda word: {"term": {"message": word}}),
        st.tuples(st.lists(_words, min_size=1, max_size=3), st.sampled_from(["or", "and"])).map(
            lambda pair: {"match": {"message": {"query": " ".join(pair[0]), "operator": pair[1]}}}
        ),
        st.lists(_words, min_size=1, max_size=2).map(lambda ws: {"match_phrase": {"message": " ".join(ws)}}),
        patterns.map(lambda pattern: {"wildcard": {"host": {"value": pattern}}}),
        st.sampled_from(["we", "db", "w", "zz"]).map(lambda text: {"prefix": {"host": text}}),
        st.sampled_from(["re", "b"]).map(lambda text: {"prefix": {"tags": text}}),
        st.lists(st.integers(0, 310).map(lambda n: f"d{n}"), max_size=4).map(lambda ids: {"ids": {"values": ids}}),
    )


def _bool(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    clauses = st.lists(inner, max_size=3)
    fixed = st.fixed_dictionaries({}, optional=dict.fromkeys(("must", "filter", "should", "must_not"), clauses))
    return st.tuples(fixed, st.none() | st.integers(-1, 3)).map(
        lambda pair: {"bool": pair[0] | ({"minimum_should_match": pair[1]} if pair[1] is not None else {})}
    )


_queries = st.recursive(_leaf(), _bool, max_leaves=8)


def matches(doc_id: str, document: dict[str, Any], query: dict[str, Any]) -> bool:
    """The reference: what Elasticsearch's documentation says, one document at a time."""
    ((kind, body),) = query.items()
    if kind == "bool":
        return _matches_bool(doc_id, document, body)
    if kind in {"match_all", "match_none"}:
        return kind == "match_all"
    if kind == "ids":
        return doc_id in body["values"]
    if kind == "exists":
        return bool(_values(document, body["field"]))
    ((name, option),) = body.items()
    values = _values(document, name)
    if kind == "term":
        wanted = option["value"] if isinstance(option, dict) else option
        return _has(document, name, [wanted])
    if kind == "terms":
        return _has(document, name, option)
    if kind == "range":
        tests = {"gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__"}
        last = {sign[0]: (sign, bound) for sign, bound in option.items()}.values()
        return any(all(getattr(_ordered(v), tests[sign])(_ordered(bound)) for sign, bound in last) for v in values)
    if kind == "match":
        words = [token for value in values for token in _tokens(value)]
        found = [word in words for word in _tokens(option["query"])]
        return all(found) if option["operator"] == "and" else any(found)
    if kind == "match_phrase":
        phrase = _tokens(option)
        return any(
            words[at : at + len(phrase)] == phrase for v in values for words in [_tokens(v)] for at in range(len(words))
        )
    if kind == "wildcard":
        pattern = re.escape(option["value"]).replace(r"\*", ".*").replace(r"\?", ".")
        return any(re.fullmatch(pattern, value) for value in values)
    assert kind == "prefix"
    return any(value.startswith(option) for value in values)


def _matches_bool(doc_id: str, document: dict[str, Any], body: dict[str, Any]) -> bool:
    def clause(key: str) -> list[bool]:
        return [matches(doc_id, document, query) for query in body.get(key, [])]

    if not all(clause("must")) or not all(clause("filter")) or any(clause("must_not")):
        return False
    should = clause("should")
    if not any(body.get(kind) for kind in ("must", "filter", "should", "must_not")):
        return True
    minimum = body.get("minimum_should_match")
    if minimum is None:
        return any(should) or not should or bool(body.get("must") or body.get("filter"))
    needed = max(0, minimum if minimum >= 0 else len(should) + minimum)
    if should and not body.get("must") and not body.get("filter"):
        needed = max(1, needed)
    return sum(should) >= needed


def _ordered(number: float) -> tuple[float, float]:
    """The order of floating point: -0.0 comes before 0.0."""
    return float(number), math.copysign(1, number) if number == 0 else 0


def _values(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name.removesuffix(".keyword"))
    return value if isinstance(value, list) else [] if value is None else [value]


def _has(document: dict[str, Any], name: str, wanted: list[Any]) -> bool:
    values = _values(document, name)
    if name == "message":  # a term is compared with the analysed words, as it is
        values = [token for value in values for token in _tokens(value)]
    if name == "load":
        return any(_ordered(value) == _ordered(other) for value in values for other in wanted)
    return any(value in wanted for value in values)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


@law(examples=80)
@given(query=_queries)
def test_a_query_finds_what_its_definition_says(corpus, query):
    expected = {doc_id for doc_id, document in corpus.documents.items() if matches(doc_id, document, query)}
    found = search(corpus.reader, corpus.indices, {"query": query, "size": 1000, "_source": False})
    assert found["hits"]["total"]["value"] == len(expected)
    assert {hit["_id"] for hit in found["hits"]["hits"]} == expected


def test_a_range_over_several_values_needs_one_value_inside(corpus):
    query = {"range": {"sizes": {"gt": 3, "lt": 5}}}
    expected = [d for d, doc in corpus.documents.items() if 4 in doc.get("sizes", [])]
    assert count(corpus.reader, corpus.indices, query) == len(expected) > 0


def test_a_fractional_bound_on_whole_numbers_is_not_rounded_away(corpus):
    at_least = count(corpus.reader, corpus.indices, {"range": {"size": {"gt": 3.5}}})
    assert at_least == sum(1 for doc in corpus.documents.values() if doc.get("size", -99) > 3.5)
    assert count(corpus.reader, corpus.indices, {"term": {"size": 3.5}}) == 0


@pytest.mark.parametrize(
    ("query", "error", "names"),
    [
        ({"fuzzy": {"host": "x"}}, UnsupportedQueryError, "fuzzy"),
        ({"nested": {"path": "a", "query": {"match_all": {}}}}, UnsupportedQueryError, "nested"),
        ({"invented": {}}, QueryParsingError, "invented"),
        ({"term": {"a": 1, "b": 2}}, QueryParsingError, "multiple fields"),
        ({"term": {"host": {"value": "x", "fuzziness": 1}}}, QueryParsingError, "fuzziness"),
        ({"range": {"size": {"above": 1}}}, QueryParsingError, "above"),
        ({"bool": {"musst": []}}, QueryParsingError, "musst"),
        ({"terms": {"host": "x"}}, QueryParsingError, "host"),
        ({"match_all": {}, "match_none": {}}, QueryParsingError, "expected [END_OBJECT] but found [FIELD_NAME]"),
        ({}, IllegalQueryError, "empty clause"),
        ([], QueryParsingError, "start_object"),
        ({"bool": {"must": 3}}, QueryParsingError, "must"),
        ({"match_phrase": {"message": {"query": "a b", "slop": 2}}}, UnsupportedQueryError, "slop"),
    ],
)
def test_what_is_wrong_or_missing_is_named(query, error, names):
    with pytest.raises(error, match=re.escape(names)):
        check_query(query)


def test_a_value_that_does_not_fit_its_field_is_refused(corpus, refused):
    for query in ({"term": {"size": "many"}}, {"range": {"load": {"gt": "x"}}}, {"term": {"ok": "yes"}}):
        with refused(QueryShardError, "failed to create query"):
            count(corpus.reader, corpus.indices, query)
    with refused(DateParseError, "failed to parse date"):
        count(corpus.reader, corpus.indices, {"range": {"time": {"gt": "yesterday"}}})


def test_sorting_puts_missing_values_last_and_picks_the_right_one_of_several(corpus, refused):
    for order, pick in (("asc", min), ("desc", max)):
        body = {"size": 1000, "sort": [{"sizes": order}, {"size": {"order": order, "missing": "_first"}}]}
        hits = search(corpus.reader, corpus.indices, body)["hits"]["hits"]
        firsts = [pick(hit["_source"]["sizes"]) for hit in hits if "sizes" in hit["_source"]]
        assert firsts == sorted(firsts, reverse=order == "desc")
        assert all("sizes" not in hit["_source"] for hit in hits[len(firsts) :])
        assert hits[0]["sort"][0] == firsts[0]
    with refused(IllegalQueryError, "Fielddata is disabled on"):
        search(corpus.reader, corpus.indices, {"sort": ["message"]})
    with refused(QueryShardError, "No mapping found for [nothing]"):
        search(corpus.reader, corpus.indices, {"sort": ["nothing"]})


def test_pages_cover_everything_once(corpus, refused):
    seen = []
    for start in range(0, 400, 70):
        body = {"from": start, "size": 70, "sort": ["host"], "_source": ["host"]}
        seen += [hit["_id"] for hit in search(corpus.reader, corpus.indices, body)["hits"]["hits"]]
    assert sorted(seen) == sorted(corpus.documents)
    with refused(IllegalQueryError, "Result window is too large"):
        search(corpus.reader, corpus.indices, {"from": 9_999, "size": 2})


def test_totals_are_exact_up_to_where_they_are_tracked(corpus):
    def total(tracked: Any) -> Any:
        return search(corpus.reader, corpus.indices, {"size": 0, "track_total_hits": tracked})["hits"].get("total")

    assert total(True) == {"value": 300, "relation": "eq"}
    assert total(100) == {"value": 100, "relation": "gte"}
    assert total(False) is None


def test_source_and_fields_show_only_what_was_asked_for(corpus):
    body = {"query": {"ids": {"values": ["d0", "d1", "d2"]}}, "_source": {"includes": ["s*"], "excludes": ["sizes"]}}
    for hit in search(corpus.reader, corpus.indices, body)["hits"]["hits"]:
        assert hit["_source"].keys() <= {"size"}
    body = {"size": 300, "_source": False, "fields": [{"field": "time", "format": "yyyy-MM-dd"}, "si*"]}
    for hit in search(corpus.reader, corpus.indices, body)["hits"]["hits"]:
        document = corpus.documents[hit["_id"]]
        assert "_source" not in hit
        fields = hit.get("fields", {})
        assert fields.get("sizes") == document.get("sizes")
        assert fields.get("size") == ([document["size"]] if "size" in document else None)
        assert fields.get("time", ["2024-01-0"])[0].startswith("2024-01-0")
