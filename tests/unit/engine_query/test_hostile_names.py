"""Fields and indices may have any name that a mapping takes: what is kept under it is found by it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from anomalyops_engine.query import read_rows, search, select
from anomalyops_engine.store import InvalidIndexNameError, MappingError, Store, StoreError
from hostile import texts
from laws import law

_names = st.one_of(
    texts,
    st.sampled_from(["SELECT", "select", "_ID", "c0", "f0", "k0", "docs_1", "x" * 10_000, 'a"b', "a'b", "ä.ö", "?"]),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("names") / "data")
    with opened.write() as writer:
        writer.append("other", [{"secret": "theirs", "time": 0}])
    yield opened
    opened.close()


# Names that queries take for patterns, or for what every document has.
_fields = _names.filter(lambda name: "*" not in name and name[:1] != "_")


@law(examples=40)
@given(field=_fields, index=_names.map(str.lower))
@example("time\" LIMIT 0; COPY (SELECT 42 AS x) TO 'pwn.csv'; SELECT 1 AS \"b", "logs")
@example("Host", 'in"dex')
@example("x" * 10_000, "logs")
def test_any_name_finds_its_own(store, field, index):
    fields = {"properties": {field: {"type": "keyword"}, "time": {"type": "date"}}}
    try:
        with store.write() as writer:
            for known in writer.resolve("*,-other"):
                writer.delete_index(known.name)
            writer.create_index(index, mappings=fields)
            writer.append(
                index, [{field: "mine", "time": 1_704_067_200_000}, {"time": 1_704_067_200_001}], ids=["1", "2"]
            )
    except (InvalidIndexNameError, MappingError, StoreError):
        assume(False)
    with store.read() as reader:
        indices = [reader.index(index)]

        def ids(**body) -> list[str]:
            return [hit["_id"] for hit in search(reader, indices, body)["hits"]["hits"]]

        assert ids(query={"term": {field: "mine"}}) == ["1"]
        assert ids(query={"exists": {"field": field}}) == ["1"]
        assert ids(query={"bool": {"must_not": {"terms": {field: ["mine"]}}}}) == ["2"]
        assert ids(sort=[{field: {"order": "desc", "missing": "_first"}}]) == ["2", "1"]
        (hit,) = search(reader, indices, {"query": {"prefix": {field: "mi"}}, "fields": ["*"]})["hits"]["hits"]
        assert hit["fields"][field] == ["mine"]
        answer = search(reader, indices, {"size": 0, "aggs": {"a": {"terms": {"field": field}}}})
        assert [bucket["key"] for bucket in answer["aggregations"]["a"]["buckets"]] == ["mine"]
        stretch = {"time_field": "time", "start_ms": None, "end_ms": None}
        rows = read_rows(reader, select(indices, None, [field], **stretch), ordered_by="time")
        assert [row[field] for row in rows] == ["mine", None]
