"""Texts whose last word is a beginning, and texts that are looked for in several fields."""

from __future__ import annotations

import pytest
from elasticsearch.helpers import bulk
from hypothesis import given
from hypothesis import strategies as st
from refused import refusal

from laws import law

_WORDS = ("red", "reddish", "fox", "foxes", "jump", "jumps", "a", "lazy")
_TEXTS = [" ".join(_WORDS[(n * k) % len(_WORDS)] for k in range(1, 2 + n % 5)) for n in range(24)]


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        properties = {"one": {"type": "text"}, "other": {"type": "text"}, "key": {"type": "keyword"}}
        client.indices.create(index="words-a", mappings={"properties": {**properties, "size": {"type": "long"}}})
        documents = [{"one": text, "other": _TEXTS[-1 - n], "key": text, "size": n} for n, text in enumerate(_TEXTS)]
        bulk(client, ({"_index": "words-a", "_id": str(n), **one} for n, one in enumerate(documents)), refresh=True)
        yield client
        client.indices.delete(index="words-a")


def _ids(client, query):
    hits = client.search(index="words-a", query=query, size=100)["hits"]["hits"]
    return {int(hit["_id"]) for hit in hits}


_QUERIES = st.lists(st.sampled_from((*_WORDS, "re", "f", "ju")), min_size=1, max_size=4)


@law(examples=40)
@given(words=_QUERIES, operator=st.sampled_from(("or", "and")), least=st.integers(1, 4))
def test_the_last_word_need_only_begin(client, words, operator, least):
    *whole, last = words
    query = " ".join(words)

    def common(text):
        there = text.split()
        return sum(one in there for one in set(whole)) + any(one.startswith(last) for one in there)

    def has_all(text):
        return common(text) == len(set(whole)) + 1

    found = _ids(client, {"match_bool_prefix": {"one": {"query": query, "operator": operator}}})
    assert found == {n for n, text in enumerate(_TEXTS) if (has_all(text) if operator == "and" else common(text))}
    found = _ids(client, {"match_phrase_prefix": {"one": query}})
    assert found == {n for n, text in enumerate(_TEXTS) if f" {query}" in f" {text}"}
    if len(set(whole)) == len(whole) and least <= len(words):
        found = _ids(client, {"match_bool_prefix": {"one": {"query": query, "minimum_should_match": least}}})
        assert found == {n for n, text in enumerate(_TEXTS) if common(text) >= least}


@law(examples=40)
@given(
    words=_QUERIES,
    kind=st.sampled_from(("best_fields", "most_fields", "cross_fields", "phrase", "phrase_prefix", "bool_prefix")),
    operator=st.sampled_from(("or", "and")),
    fields=st.lists(st.sampled_from(("one", "other", "key", "absent")), min_size=1, max_size=3, unique=True),
)
def test_several_fields_find_what_one_of_them_finds(client, words, kind, operator, fields):
    if kind == "cross_fields":
        operator = "or"
    if kind == "phrase_prefix":
        fields = [name for name in fields if name != "key"] or ["one"]
    query = " ".join(words)
    single = {"phrase": "match_phrase", "phrase_prefix": "match_phrase_prefix", "bool_prefix": "match_bool_prefix"}
    options = {} if kind.startswith("phrase") else {"operator": operator}
    asked = {"query": query, "type": kind, "fields": [f"{name}^2" for name in fields], **options}
    each = [_ids(client, {single.get(kind, "match"): {name: {"query": query, **options}}}) for name in fields]
    assert _ids(client, {"bool": {"filter": {"multi_match": asked}}}) == set().union(*each)


def test_patterns_and_no_fields_mean_all_that_go_with_a_text(client):
    assert _ids(client, {"multi_match": {"query": "lazy", "fields": ["o*"]}}) == _ids(
        client, {"multi_match": {"query": "lazy", "fields": ["one", "other"]}}
    )
    assert 7 in _ids(client, {"multi_match": {"query": "7"}})
    assert refusal(client.search, index="words-a", query={"multi_match": {"query": "x", "fields": ["size"]}})[0] == 400
    lenient = {"multi_match": {"query": "x", "fields": ["size"], "lenient": True}}
    assert _ids(client, lenient) == set()


@pytest.mark.ours("it refuses by name what it lacks, and answers at once")
def test_what_is_not_served_is_refused_by_name(client):
    for status, query in (
        (501, {"multi_match": {"query": "x", "fields": ["one"], "fuzziness": "AUTO"}}),
        (501, {"multi_match": {"query": "x", "type": "cross_fields", "operator": "and"}}),
        (501, {"multi_match": {"query": "x", "type": "cross_fields", "fields": ["one", "other"]}}),
        (501, {"match_phrase_prefix": {"one": {"query": "x", "slop": 2}}}),
        (501, {"match_bool_prefix": {"one": {"query": "x", "analyzer": "whitespace"}}}),
        (400, {"multi_match": {"query": "x", "type": "worst_fields"}}),
        (400, {"multi_match": {"query": "x", "type": "bool_prefix", "slop": 1}}),
        (400, {"multi_match": {"fields": ["one"]}}),
        (400, {"match_bool_prefix": {"one": {"operator": "and"}}}),
        (400, {"match_phrase_prefix": {"key": "red"}}),
        (400, {"multi_match": {"query": "red", "type": "phrase_prefix", "fields": ["one", "key"]}}),
    ):
        assert refusal(client.search, index="words-a", query=query)[0] == status, query
