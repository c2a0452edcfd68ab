"""Queries written as text mean what the clauses that they stand for mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, UnsupportedQueryError, count
from anomalyops_engine.query.dsl import check_query
from laws import law

HOST, SIZE, OK = {"term": {"host": "web-1"}}, {"range": {"size": {"gte": 3}}}, {"term": {"ok": True}}
ERROR = {"match": {"message": "error"}}


def _both(*clauses):
    return {"bool": {"must": list(clauses)}}


def _either(*clauses):
    return {"bool": {"should": list(clauses)}}


def _not(clause):
    return {"bool": {"must_not": [clause]}}


def _matching(corpus, query):
    return count(corpus.reader, corpus.indices, query)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("host:web-1", HOST),
        ('host:"web-1"', HOST),
        ("host:web\\-1", HOST),
        ("host:web-1 AND size:>=3", _both(HOST, SIZE)),
        ("host:web-1 && size:[3 TO *]", _both(HOST, SIZE)),
        ("host:web-1 OR size:{2 TO *}", _either(HOST, SIZE)),
        ("host:web-1 size:[3 TO 14]", _either(HOST, SIZE)),
        ("+host:web-1 -size:[3 TO *]", _both(HOST, _not(SIZE))),
        ("host:web-1 AND NOT size:>2", _both(HOST, _not(SIZE))),
        ("NOT host:web-1", _not(HOST)),
        ("!host:web-1", _not(HOST)),
        ("(host:web-1 OR size:>=3) AND ok:true", _both(_either(HOST, SIZE), OK)),
        ("host:(web-1 OR db-1)", {"terms": {"host": ["web-1", "db-1"]}}),
        ("host:web*", {"prefix": {"host": "web"}}),
        ("host:w?b-*", {"wildcard": {"host": "w?b-*"}}),
        ("host:/(web|db)-1/", {"terms": {"host": ["web-1", "db-1"]}}),
        ("host:*", {"exists": {"field": "host"}}),
        ("_exists_:size", {"exists": {"field": "size"}}),
        ("message:error", ERROR),
        ("message:ERR*", {"prefix": {"message": "err"}}),
        ('message:"disk full"', {"match_phrase": {"message": "disk full"}}),
        ("message:(disk full)", {"match": {"message": "disk full"}}),
        ("time:[2024-01-01 TO 2024-01-02}", {"range": {"time": {"gte": "2024-01-01", "lt": "2024-01-02"}}}),
        ("web-1", HOST),
        ("*", {"match_all": {}}),
        ("*:*", {"match_all": {}}),
        ("  ", {"match_none": {}}),
        ("host:web-1^2 AND ok:true", _both(HOST, OK)),
        ("host:nothing", {"match_none": {}}),
    ],
)  # fmt: skip
def test_lucene_syntax(corpus, text, clause):
    assert _matching(corpus, {"query_string": {"query": text}}) == _matching(corpus, clause)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("web-1", HOST),
        ("error + login", _both(ERROR, {"match": {"message": "login"}})),
        ("error | login", {"match": {"message": "error login"}}),
        ("error login", {"match": {"message": "error login"}}),
        ("error -login", _either(ERROR, _not({"match": {"message": "login"}}))),
        ("error + -login", _both(ERROR, _not({"match": {"message": "login"}}))),
        ('"disk full"', {"match_phrase": {"message": "disk full"}}),
        ("err*", {"prefix": {"message": "err"}}),
        ("(error | login) + disk", _both({"match": {"message": "error login"}}, {"match": {"message": "disk"}})),
        ('((("error', ERROR),
        ("", {"match_none": {}}),
    ],
)
def test_simple_syntax(corpus, text, clause):
    fields = ["host"] if text == "web-1" else ["message"]
    asked = {"simple_query_string": {"query": text, "fields": fields}}
    assert _matching(corpus, asked) == _matching(corpus, clause)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("host: web-1", HOST),
        ('host: "web-1"', HOST),
        ("host:web-1 and size >= 3", _both(HOST, SIZE)),
        ("host:web-1 or size > 2", _either(HOST, SIZE)),
        ("not host:web-1", _not(HOST)),
        ("host:web-1 AND NOT size >= 3", _both(HOST, _not(SIZE))),
        ("host:(web-1 or db-1) and ok:true", _both({"terms": {"host": ["web-1", "db-1"]}}, OK)),
        ("(host:web-1 or size >= 3) and ok:true", _both(_either(HOST, SIZE), OK)),
        ("host:web-1 or size >= 3 and ok:true", _either(HOST, _both(SIZE, OK))),
        ("host: web*", {"prefix": {"host": "web"}}),
        ("host: *", {"exists": {"field": "host"}}),
        ("message: disk full", {"match": {"message": "disk full"}}),
        ('message: "disk full"', {"match_phrase": {"message": "disk full"}}),
        ("message: (disk and full)", _both({"match": {"message": "disk"}}, {"match": {"message": "full"}})),
        ("ho*: web-1", HOST),
        ("web-1", HOST),
        ("", {"match_all": {}}),
        ('time >= "2024-01-02"', {"range": {"time": {"gte": "2024-01-02"}}}),
    ],
)
def test_kibanas_language(corpus, text, clause):
    assert _matching(corpus, {"kql": {"query": text}}) == _matching(corpus, clause)


def test_the_operator_between_words_can_be_told(corpus):
    asked = {"query_string": {"query": "error login", "fields": ["message"], "default_operator": "AND"}}
    assert _matching(corpus, asked) == _matching(
        corpus, {"match": {"message": {"query": "error login", "operator": "and"}}}
    )
    asked = {"query_string": {"query": "host:web-1 ok:true", "default_operator": "and"}}
    assert _matching(corpus, asked) == _matching(corpus, _both(HOST, OK))


def test_so_many_of_the_clauses_must_match(corpus):
    asked = {"query_string": {"query": "host:web-1 size:>=3 ok:true", "minimum_should_match": 2}}
    clause = {"bool": {"should": [HOST, SIZE, OK], "minimum_should_match": 2}}
    assert _matching(corpus, asked) == _matching(corpus, clause)


@pytest.mark.parametrize(
    "text", ["a AND", "AND a", "(a", "a)", "host:", '"a', "[1 TO", "a OR OR b", "host:[1 TO 2", "+", "a ]"]
)
def test_what_is_no_query_is_refused(text):
    with pytest.raises(QueryError, match="Failed to parse query"):
        check_query({"query_string": {"query": text}})


@pytest.mark.parametrize("text", ["a and", "(a", "host:", '"a', "a or or b", "size >", "host:(a", "a)"])
def test_what_is_no_kql_is_refused(text):
    with pytest.raises(QueryError, match="Failed to parse query"):
        check_query({"kql": {"query": text}})


@pytest.mark.parametrize(
    "query",
    [
        {"query_string": {"query": "eror~"}},
        {"query_string": {"query": "a", "analyzer": "english"}},
        {"query_string": {"query": "a", "type": "cross_fields"}},
        {"simple_query_string": {"query": "eror~1"}},
        {"kql": {"query": "user: { name: a }"}},
    ],
)
def test_what_is_not_served_is_refused_by_name(query):
    with pytest.raises(UnsupportedQueryError):
        check_query(query)


_WORDS = """host: size: message: nothing: web-1 a 1 * b* ?x AND or NOT not ( ) " >=3 < /a.*/ /(/ \\ + - ! | || && ~ ^2 {
    } _exists_: 2024-01-01 "a:b" [1TO2] >"""
_PIECES = st.sampled_from([*_WORDS.split(), '"a b"', "[1 TO 2]", "{a TO *}"])


@given(
    text=st.lists(_PIECES | st.text(max_size=3), max_size=8).map(" ".join) | st.lists(_PIECES, max_size=8).map("".join),
    kind=st.sampled_from(("query_string", "simple_query_string", "kql")),
)
@law(examples=150)
def test_every_text_finds_something_or_is_refused(corpus, text, kind):
    try:
        found = _matching(corpus, {kind: {"query": text}})
    except QueryError:
        return
    assert 0 <= found <= 300


@given(word=st.text(min_size=1, max_size=8))
@law(examples=60)
def test_an_escaped_word_is_itself(corpus, word):
    asked = {"query_string": {"query": word, "default_field": "note", "escape": True}}
    if word.strip() in {"", "AND", "OR", "NOT"}:
        return
    assert _matching(corpus, asked) == _matching(corpus, {"term": {"note": " ".join(word.split())}})
