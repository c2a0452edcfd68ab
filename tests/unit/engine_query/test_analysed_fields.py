"""Law: a query sees the words that the analyser of a field makes, of documents and of its own text."""

from __future__ import annotations

import re

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.query import UnsupportedQueryError, search
from anomalyops_engine.store import Store
from laws import law

_WORDS = {
    "whitespace": str.split,
    "simple": lambda text: re.findall("[a-z]+", text.lower()),
    "standard": lambda text: re.findall("[a-z0-9_]+", text.lower()),
}
_TEXTS = ["Disk full", "disk FULL again", "full-disk 42", "Error_7 disk", "again again", "", "42"]
_DOCUMENTS = [*_TEXTS, ["Disk", "full"], ["full disk", "x1y"]]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("analysed"))
    fields = {name: {"type": "text", "analyzer": name} for name in _WORDS}
    fields["mixed"] = {"type": "text", "analyzer": "whitespace", "search_analyzer": "simple"}
    fields["quoted"] = {"type": "text", "analyzer": "simple", "search_quote_analyzer": "whitespace"}
    with store.write() as writer:
        writer.create_index("texts", mappings={"properties": fields})
        writer.append(
            "texts", [dict.fromkeys(fields, text) for text in _DOCUMENTS], ids=[*map(str, range(len(_DOCUMENTS)))]
        )
    with store.read() as reader:
        index = reader.resolve("texts")

        def matching(query):
            return {int(hit["_id"]) for hit in search(reader, index, {"size": 50, "query": query})["hits"]["hits"]}

        yield matching
    store.close()


def _documents(field, matches):
    lists = [[text] if isinstance(text, str) else text for text in _DOCUMENTS]
    return {number for number, texts in enumerate(lists) if any(matches(_WORDS[field](text)) for text in texts)}


def _is_phrase(words, phrase):
    return bool(phrase) and any(words[at : at + len(phrase)] == phrase for at in range(len(words)))


@law(examples=40)
@given(
    st.sampled_from(sorted(_WORDS)),
    st.lists(st.sampled_from(["Disk", "disk", "FULL", "full", "42", "Error_7", "again", "x1y", "-"]), max_size=3),
)
def test_words_are_those_of_the_analyser(found, field, pieces):
    text = " ".join(pieces)
    wanted = _WORDS[field](text)
    event(f"{field}: {len(wanted)} words")
    assert found({"match": {field: text}}) == _documents(field, lambda words: set(words) & set(wanted))
    every = {"match": {field: {"query": text, "operator": "and"}}}
    assert found(every) == _documents(field, lambda words: wanted and set(words) >= set(wanted))
    assert found({"match_phrase": {field: text}}) == _documents(field, lambda words: _is_phrase(words, wanted))
    for piece in pieces:
        assert found({"term": {field: piece}}) == _documents(field, lambda words, piece=piece: piece in words)
        begins = _documents(field, lambda words, piece=piece: any(word.startswith(piece) for word in words))
        assert found({"prefix": {field: piece}}) == begins


def test_searches_may_have_analysers_of_their_own(found):
    assert found({"match": {"mixed": "DISK"}}) == {1, 3, 8}  # as "disk"; what is written otherwise stays so
    assert found({"match_phrase": {"quoted": "Disk full"}}) == set()
    assert found({"match_phrase": {"quoted": "disk full"}}) == {0, 1}
    assert found({"match": {"quoted": "Disk"}}) == {0, 1, 2, 3, 7, 8}


def test_intervals_know_the_standard_analyser_alone(found):
    with pytest.raises(UnsupportedQueryError, match="whitespace"):
        found({"intervals": {"whitespace": {"match": {"query": "disk"}}}})
