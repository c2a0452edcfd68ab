"""Many clauses find what each of them finds; those about the words of one text make the words once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.query.dsl import compound, sharing
from anomalyops_engine.query.dsl.parsing import parse_query, where
from anomalyops_engine.query.expr import Junction
from anomalyops_engine.query.search import count
from anomalyops_engine.store import Store

_WORDS = ("disk", "Full", "retry", "host_1", "naïve", "1.5", "don't", "東京")
_TEXTS = st.lists(st.sampled_from(_WORDS), max_size=4).map(" ".join)
_LEAVES = st.one_of(
    st.builds(lambda text: {"match_phrase": {"text": text}}, _TEXTS),
    st.builds(
        lambda text, operator: {"match": {"text": {"query": text, "operator": operator}}},
        _TEXTS,
        st.sampled_from(["and", "or"]),
    ),
    st.builds(lambda text: {"match_phrase": {"texts": text}}, _TEXTS),
    st.builds(lambda text: {"match": {"plain": text}}, _TEXTS),
    st.builds(lambda number: {"range": {"n": {"gte": number}}}, st.integers(0, 9)),
    st.builds(lambda text: {"bool": {"must_not": {"match_phrase": {"text": text}}}}, _TEXTS),
)

_CLAUSES = st.one_of(_LEAVES, st.builds(lambda all_of: {"bool": {"filter": all_of}}, st.lists(_LEAVES, max_size=3)))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An index of texts: single ones, several in one document, and of another analyser."""
    store = Store.open(tmp_path_factory.mktemp("words"))
    fields = {"text": {"type": "text"}, "texts": {"type": "text"}, "plain": {"type": "text", "analyzer": "whitespace"}}
    with store.write() as writer:
        writer.create_index("logs", mappings={"properties": {**fields, "n": {"type": "long"}}})
        texts = [" ".join(_WORDS[(n * step) % len(_WORDS)] for step in range(n % 5)) for n in range(40)]
        documents = [
            {"text": text, "texts": [text, texts[-1 - n]], "plain": text, "n": n % 10} for n, text in enumerate(texts)
        ]
        writer.append("logs", [*documents, {"n": 3}, {"text": None}, {"text": ""}])
    yield store
    store.close()


def found(store, query):
    with store.read() as reader:
        return count(reader, [reader.index("logs")], query)


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["must", "should", "must_not", "filter"]), st.lists(_CLAUSES, max_size=6), min_size=1
    ),
    st.sampled_from([0, 1, 3]),
)
def test_what_is_found_does_not_depend_on_whether_words_are_shared(store, clauses, many):
    query = {"bool": clauses}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sharing, "_MANY", 10**9)
        wanted = found(store, query)
        patched.setattr(sharing, "_MANY", many)
        patched.setattr(compound, "_FILTERS", many)
        assert found(store, query) == wanted


@pytest.mark.parametrize(
    "clause",
    [
        lambda n: {"match_phrase": {"text": f"disk {n}"}},
        lambda n: {"match": {"text": {"query": f"disk {n}", "operator": "and"}}},
        lambda n: {"query_string": {"query": f"text:disk AND text:{n}"}},
    ],
)
@pytest.mark.parametrize("kind", ["should", "must", "must_not"])
def test_a_thousand_clauses_make_the_words_of_a_text_once(store, clause, kind):
    """Each more would have its regular expressions compiled."""
    query = {"bool": {kind: [clause(n) for n in range(1000)]}}
    assert parse_query(query)
    with store.read() as reader:
        condition = where(reader.index("logs"), query)
    made = sum(map(_takes_apart, sharing._parts(condition)))
    assert made <= 2 + sharing._MANY * 2


def _takes_apart(part):
    return getattr(part, "function", None) == "regexp_replace"


@pytest.mark.parametrize("kind", ["should", "must_not"])
def test_thousands_of_groups_are_no_alternatives_that_the_database_would_rewrite(store, kind):
    groups = [{"bool": {"filter": [{"term": {"n": n}}, {"range": {"n": {"gte": n}}}]}} for n in range(2500)]
    with store.read() as reader:
        condition = where(reader.index("logs"), {"bool": {kind: groups}})
    for part in sharing._parts(condition):
        if isinstance(part, Junction) and part.operator == "OR":
            assert sum(isinstance(term, Junction) for term in part.terms) <= compound._FILTERS
    assert found(store, {"bool": {kind: groups}}) == (41 if kind == "should" else 2)
