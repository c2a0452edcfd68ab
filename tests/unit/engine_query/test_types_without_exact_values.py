"""Points and binaries are not searched or grouped by value: that is said instead of finding nothing."""

from __future__ import annotations

import pytest

from anomalyops_engine.query import SearchPhaseError, search


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"query": {"term": {"point": "1,2"}}}, "do not support exact searching"),
        ({"query": {"terms": {"point": ["1,2"]}}}, "do not support exact searching"),
        ({"query": {"term": {"blob": "YQ=="}}}, "Binary fields do not support searching"),
        ({"aggs": {"t": {"terms": {"field": "point"}}}}, "is not supported for aggregation"),
    ],
)
def test_points_and_binaries_have_no_exact_values_to_search(store, body, said):
    with store.write() as writer:
        writer.create_index("p", mappings={"properties": {"point": {"type": "geo_point"}, "blob": {"type": "binary"}}})
    with store.read() as reader, pytest.raises(SearchPhaseError) as refused:
        search(reader, reader.resolve("p"), body)
    assert said in str(refused.value.failures[0].error)
