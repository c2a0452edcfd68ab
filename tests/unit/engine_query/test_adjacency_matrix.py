"""`adjacency_matrix`: how many documents match each of several queries, and each two of them."""

from __future__ import annotations

from itertools import combinations_with_replacement

from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import search
from laws import law

names = st.sampled_from(["a", "b", "B", "aa", "x y", "é"])
filters = st.dictionaries(names, st.sets(st.integers(0, 5), min_size=1, max_size=3), min_size=1, max_size=4)
documents = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=10)


@law(examples=40)
@given(wanted=filters, values=documents, separator=st.sampled_from(["&", " and "]))
def test_a_matrix_counts_the_documents_of_each_query_and_of_each_pair(store, wanted, values, separator):
    with store.write() as writer:
        if any(index.name == "m" for index in writer.indices()):
            writer.delete_index("m")
        writer.create_index("m", mappings={"properties": {"n": {"type": "long"}}})
        writer.append("m", [{"n": listed} for listed in values])
    queries = {name: {"terms": {"n": sorted(numbers)}} for name, numbers in wanted.items()}
    matrix = {"adjacency_matrix": {"filters": queries, "separator": separator}, "aggs": {"s": {"sum": {"field": "n"}}}}
    with store.read() as reader:
        answer = search(reader, reader.resolve("m"), {"size": 0, "aggs": {"m": matrix}})
    expected = []
    for first, second in combinations_with_replacement(sorted(wanted), 2):
        both = [listed for listed in values if set(listed) & wanted[first] and set(listed) & wanted[second]]
        key = first if first == second else f"{first}{separator}{second}"
        expected += [(key, len(both), sum(map(sum, both)))] if both else []
    found = [(one["key"], one["doc_count"], one["s"]["value"]) for one in answer["aggregations"]["m"]["buckets"]]
    assert found == sorted(expected)
