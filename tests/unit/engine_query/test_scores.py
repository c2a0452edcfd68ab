"""Scores against BM25 worked out in Python, document by document, in single precision as Lucene does it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import UnsupportedQueryError, search
from anomalyops_engine.store import Reader, Store
from laws import law

_WORDS = ("disk", "full", "error", "node", "slow")
_K1 = np.float32(1.2)
_PROPERTIES = {
    "text": {"type": "text"},
    "other": {"type": "text"},
    "key": {"type": "keyword"},
    "size": {"type": "long"},
}


def _documents() -> list[dict[str, Any]]:
    """Return texts of 0 to 300 words, so that lengths beyond what is kept exactly are among them."""
    documents: list[dict[str, Any]] = []
    for number in range(40):
        length = (number * number * 7) % 301 if number % 3 else number % 9
        words = [_WORDS[(number + place * place) % (2 + number % 4)] for place in range(length)]
        document: dict[str, Any] = {"text": " ".join(words), "size": number}
        if number % 4:
            document["other"] = [" ".join(words[:3]), " ".join(words[4:9])]
        if number % 5:
            document["key"] = ["a", "b", "a"][: 1 + number % 3]
        documents.append(document)
    return documents


_DOCUMENTS = _documents()


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> Iterator[Any]:
    store = Store.open(Path(tmp_path_factory.mktemp("scores")))
    with store.write() as writer:
        writer.create_index("scored", mappings={"properties": _PROPERTIES})
        writer.append("scored", _DOCUMENTS, ids=[str(number) for number in range(len(_DOCUMENTS))])
    with store.read() as reader:

        def found(query: Any, **more: Any) -> dict[int, float]:
            return _found(reader, query, **more)

        yield found
    store.close()


def _found(reader: Reader, query: Any, **more: Any) -> dict[int, float]:
    body = {"query": query, "size": 100, "_source": False, **more}
    hits = search(reader, [reader.index("scored")], body)["hits"]["hits"]
    return {int(hit["_id"]): hit["_score"] for hit in hits}


# --- the same in Python ---


def _words(document: dict[str, Any], name: str) -> list[str]:
    values = document.get(name, [])
    return [word for value in ([values] if isinstance(values, str) else values) for word in value.split()]


def _kept(length: int) -> int:
    """Return a length with four significant bits beyond 40 (`SmallFloat.intToByte4` and back)."""
    over = length - 24
    if over < 16:
        return length
    shift = over.bit_length() - 4
    return 24 + ((over >> shift) << shift)


def _bm25(terms: list[list[str]], frequency: Any, having: list[int], norms: bool = True) -> dict[int, float]:
    filled = [words for words in terms if words]
    average = np.float32(sum(map(len, filled)) / len(filled))
    rarity = np.float32(sum(np.float32(math.log(1 + (len(filled) - count + 0.5) / (count + 0.5))) for count in having))
    weight = np.float32(1 + _K1) * rarity
    found = {}
    for number, words in enumerate(terms):
        times = frequency(words)
        if times:
            length = np.float32(_kept(len(words)) if norms else 1)
            norm = np.float32(1) / (_K1 * (np.float32(0.25) + np.float32(0.75) * length / average))
            found[number] = float(weight - weight / (np.float32(1) + np.float32(times) * norm))
    return found


def _of_word(name: str, word: str) -> dict[int, float]:
    terms = [_words(document, name) for document in _DOCUMENTS]
    count = sum(word in words for words in terms)
    return _bm25(terms, lambda words: words.count(word), [count]) if count else {}


def _of_key(value: str) -> dict[int, float]:
    terms = [sorted({*document.get("key", [])}) for document in _DOCUMENTS]
    return _bm25(terms, lambda words: words.count(value), [sum(value in words for words in terms)], norms=False)


def _summed(*parts: dict[int, float]) -> dict[int, float]:
    return {number: sum(part.get(number, 0.0) for part in parts) for number in set().union(*parts)}


def _same(found: dict[int, float], wanted: dict[int, float]) -> None:
    assert found.keys() == wanted.keys()
    for number, score in wanted.items():
        assert found[number] == pytest.approx(score, rel=2e-6), number


_some_words = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4)


@law(examples=40)
@given(words=_some_words, name=st.sampled_from(["text", "other"]), boost=st.sampled_from([1, 0.5, 3]))
def test_the_words_of_a_text_are_summed(scores, words, name, boost):
    wanted = _summed(*(_of_word(name, word) for word in words))
    found = scores({"match": {name: {"query": " ".join(words), "boost": boost}}})
    _same(found, {number: score * boost for number, score in wanted.items()})
    assert list(found.values()) == sorted(found.values(), reverse=True)


@law(examples=25)
@given(words=st.lists(st.sampled_from(_WORDS), min_size=2, max_size=3))
def test_a_phrase_is_as_rare_as_its_words_together(scores, words):
    terms = [_words(document, "text") for document in _DOCUMENTS]
    having = [sum(word in found for found in terms) for word in words]

    def frequency(found: list[str]) -> int:
        return sum(found[place : place + len(words)] == words for place in range(len(found)))

    _same(scores({"match_phrase": {"text": " ".join(words)}}), _bm25(terms, frequency, having))


@law(examples=25)
@given(words=_some_words, value=st.sampled_from(["a", "b"]), tie=st.sampled_from([0, 0.3, 1]), least=st.integers(0, 30))
def test_clauses_are_summed_or_the_best_counts(scores, words, value, tie, least):
    text, key = {"match": {"text": " ".join(words)}}, {"term": {"key": value}}
    of_text, of_key = _summed(*(_of_word("text", word) for word in words)), _of_key(value)
    _same(scores({"bool": {"should": [text, key]}}), _summed(of_text, of_key))
    beyond = {"range": {"size": {"gte": least}}}
    filtered = {number: score for number, score in of_text.items() if number >= least}
    _same(scores({"bool": {"must": [text], "filter": [beyond]}}), filtered)
    _same(scores({"bool": {"must": [text, beyond]}}), {number: score + 1 for number, score in filtered.items()})
    best = {
        number: max(parts) + tie * (sum(parts) - max(parts))
        for number in of_text | of_key
        if (parts := [of_text.get(number, 0.0), of_key.get(number, 0.0)])
    }
    _same(scores({"dis_max": {"queries": [text, key], "tie_breaker": tie}}), best)


def test_a_filter_alone_scores_nothing_and_a_constant_its_boost(scores):
    beyond = {"range": {"size": {"gte": 30}}}
    assert set(scores({"bool": {"filter": [beyond]}}).values()) == {0.0}
    assert set(scores({"constant_score": {"filter": {"match": {"text": "disk"}}, "boost": 2.5}}).values()) == {2.5}
    assert set(scores(beyond).values()) == {1.0}


@law(examples=25)
@given(word=st.sampled_from(_WORDS), least=st.floats(0.01, 2))
def test_a_least_score_leaves_out_what_is_below(scores, word, least):
    found = scores({"match": {"text": word}})
    kept = scores({"match": {"text": word}}, min_score=least)
    assert kept == {number: score for number, score in found.items() if np.float32(score) >= np.float32(least)}


@law(examples=25)
@given(
    word=st.sampled_from(_WORDS),
    factors=st.lists(st.sampled_from([0.5, 2, 3]), min_size=1, max_size=3),
    mode=st.sampled_from(["multiply", "sum", "avg", "max", "min", "first"]),
)
def test_functions_of_a_document_change_its_score(scores, word, factors, mode):
    functions = [{"weight": factor, "filter": {"range": {"size": {"gte": 10 * n}}}} for n, factor in enumerate(factors)]
    base = scores({"match": {"text": word}})
    wanted = {}
    for number, score in base.items():
        mine = [factor for n, factor in enumerate(factors) if number >= 10 * n]
        made = {
            "multiply": math.prod(mine),
            "sum": sum(mine),
            # The mean is weighted by the weights.
            "avg": sum(mine) / sum(mine),
            "max": max(mine),
            "min": min(mine),
            "first": mine[0],
        }
        wanted[number] = score * made[mode]
    body = {"query": {"match": {"text": word}}, "functions": functions, "score_mode": mode}
    _same(scores({"function_score": body}), wanted)


def test_chance_with_a_seed_is_the_same_again(scores):
    body = {"random_score": {"seed": 7, "field": "_seq_no"}}
    found = scores({"function_score": body})
    assert scores({"function_score": body}) == found
    assert scores({"function_score": {"random_score": {"seed": 8, "field": "_seq_no"}}}) != found
    assert all(0 <= score < 1 for score in found.values())
    assert len(set(found.values())) > 30


@law(examples=20)
@given(word=st.sampled_from(_WORDS), other=st.sampled_from(_WORDS), window=st.integers(1, 50))
def test_a_second_look_changes_the_best_alone(scores, word, other, window):
    first, second = scores({"match": {"text": word}}), scores({"match": {"text": other}})
    rescore = {"window_size": window, "query": {"rescore_query": {"match": {"text": other}}, "query_weight": 2}}
    chosen = sorted(first, key=lambda number: (-first[number], number))[:window]
    wanted = {
        number: 2 * score + (second.get(number, 0.0) if number in chosen else 0.0) for number, score in first.items()
    }
    _same(scores({"match": {"text": word}}, rescore=rescore), wanted)


def test_what_cannot_be_scored_is_refused_by_name_and_still_filters(scores):
    query = {"multi_match": {"query": "disk full", "fields": ["text", "other"], "type": "cross_fields"}}
    with pytest.raises(UnsupportedQueryError, match="cross_fields"):
        scores(query)
    assert scores(query, sort=["size"])
    assert scores({"bool": {"filter": [query]}})


@pytest.mark.parametrize(
    ("text", "ordered", "wanted"),
    [
        # As Elasticsearch 9.2 scores them: a word that is repeated is taken for no wider than one.
        ("disk full", True, 0.5),
        ("disk disk", False, 0.3333333),
        ("disk disk full", True, 0.3333333),
    ],
)
def test_intervals_are_worth_more_the_narrower_they_are(tmp_path, text, ordered, wanted):
    store = Store.open(tmp_path)
    with store.write() as writer:
        writer.create_index("scored", mappings={"properties": _PROPERTIES})
        writer.append("scored", [{"text": text}], ids=["0"])
    with store.read() as reader:
        rule = {"match": {"query": text, "ordered": ordered}}
        assert _found(reader, {"intervals": {"text": rule}}) == pytest.approx({0: wanted})
    store.close()


def test_intervals_of_the_same_words_twice_are_refused_a_score_by_name(scores):
    rule = {"all_of": {"intervals": [{"match": {"query": "disk"}}, {"match": {"query": "disk"}}]}}
    with pytest.raises(UnsupportedQueryError, match="two of"):
        scores({"intervals": {"text": rule}})
    assert scores({"intervals": {"text": rule}}, sort=["size"])


@pytest.mark.parametrize("kind", ["best_fields", "most_fields"])
def test_of_a_field_that_is_named_twice_the_last_boost_counts(scores, kind):
    query = {"query": "disk", "type": kind}
    twice = scores({"multi_match": query | {"fields": ["text^2", "text"]}})
    assert twice == scores({"match": {"text": "disk"}})
