"""A search of the documents that were written first finds what the same search finds where there are no others."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import search
from laws import law

documents = st.lists(
    st.fixed_dictionaries({"n": st.integers(0, 9), "k": st.sampled_from(["a", "b", "c"])}), min_size=1, max_size=12
)
queries = st.sampled_from(
    [
        {"match_all": {}},
        {"range": {"n": {"gte": 4}}},
        {"bool": {"must_not": {"term": {"k": "a"}}}},
        {"bool": {"should": [{"term": {"k": "a"}}, {"term": {"n": 3}}]}},
    ]
)
parts = st.fixed_dictionaries(
    {},
    optional={
        "sort": st.sampled_from([["n", "_seq_no"], [{"n": "desc"}, "_seq_no"], [{"k": "desc"}, "n", "_seq_no"]]),
        "collapse": st.just({"field": "k", "inner_hits": {"name": "all", "size": 3, "sort": ["_seq_no"]}}),
        "from": st.integers(0, 2),
    },
)
AGGS = {
    "k": {"terms": {"field": "k"}, "aggs": {"s": {"sum": {"field": "n"}}, "t": {"top_hits": {"sort": ["_seq_no"]}}}},
    "none": {"filter": {"term": {"n": 3}}},
}


def make(store, name: str, listed: list[dict[str, Any]]) -> None:
    with store.write() as writer:
        if any(index.name == name for index in writer.indices()):
            writer.delete_index(name)
        properties = {"n": {"type": "long"}, "k": {"type": "keyword"}}
        writer.create_index(name, mappings={"properties": properties})
        writer.append(name, listed, ids=[f"{number:02}" for number in range(len(listed))])


def without_index(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_index(inner) for key, inner in value.items() if key != "_index"}
    return [without_index(inner) for inner in value] if isinstance(value, list) else value


@law(examples=40)
@given(listed=documents, query=queries, more=parts, first=st.integers(0, 14))
def test_the_first_documents_are_searched_as_if_there_were_no_others(store, listed, query, more, first):
    make(store, "all", listed)
    make(store, "few", listed[:first])
    body = {"query": query, "aggs": AGGS, "track_total_hits": True, "sort": ["_seq_no"], **more}
    with store.read() as reader:
        part = search(reader, reader.resolve("all"), body, first=first)
        alone = search(reader, reader.resolve("few"), body)
    assert without_index(part) == without_index(alone)
