"""Law: the slices of a search are a partition of its hits, however many there are and whatever tells them apart."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, search
from anomalyops_engine.query.errors import InvalidRequestError
from anomalyops_engine.store import Store
from laws import law

_VALUES = {
    "long": st.sampled_from([-(2**63), 2**63 - 1, -1, 0, 1]),
    "double": st.sampled_from([-0.0, 0.0, 1.5, -1e300]),
    "unsigned_long": st.sampled_from([0, 1, 2**64 - 1]),
    "date": st.sampled_from([-1, 0, 1_704_067_200_000]),
    "boolean": st.booleans(),
}
_FIELDS = {**_VALUES, **{f"{kind}s": st.lists(values, min_size=1, max_size=3) for kind, values in _VALUES.items()}}
_PROPERTIES = {name: {"type": name.removesuffix("s")} for name in _FIELDS} | {
    "k": {"type": "keyword"},
    "hidden": {"type": "long", "doc_values": False},
}
_DOCUMENT = st.fixed_dictionaries({}, optional=_FIELDS)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("slices"))
    yield store
    store.close()


def fill(store, *folders):
    with store.write() as writer:
        for index in writer.resolve("part-*"):
            writer.delete_index(index.name)
        for number, documents in enumerate(folders):
            writer.create_index(f"part-{number}", mappings={"properties": _PROPERTIES})
            if documents:
                writer.append(f"part-{number}", documents)


def found(store, body, goes_on):
    with store.read() as reader:
        return search(reader, reader.resolve("part-*"), {"size": 1000, **body}, goes_on=goes_on)


@law(examples=40)
@given(st.data())
def test_slices_are_a_partition(store, data):
    folders = data.draw(st.lists(st.lists(_DOCUMENT, max_size=12), min_size=1, max_size=2))
    fill(store, *folders)
    goes_on = data.draw(st.sampled_from(["scroll", "pit"]))
    field = data.draw(st.sampled_from([None, *_FIELDS, "_seq_no", *(["_id"] if goes_on == "scroll" else [])]))
    count = data.draw(st.integers(2, 7))
    body = {"query": data.draw(st.sampled_from([{"match_all": {}}, {"exists": {"field": "longs"}}]))}
    whole = found(store, body, goes_on)
    parts = []
    for number in range(count):
        cut = {"id": number, "max": count} | ({} if field is None else {"field": field})
        part = found(store, {**body, "slice": cut, "aggs": {"n": {"value_count": {"field": "_index"}}}}, goes_on)
        assert part["hits"]["total"]["value"] == len(part["hits"]["hits"]) == part["aggregations"]["n"]["value"]
        parts.append([(hit["_index"], hit["_id"]) for hit in part["hits"]["hits"]])
    event(f"by {field}: parts with hits: {sum(map(bool, parts))}")
    together = [hit for part in parts for hit in part]
    assert len(together) == len(set(together))
    assert sorted(together) == sorted((hit["_index"], hit["_id"]) for hit in whole["hits"]["hits"])


def test_slices_share_the_work(store):
    fill(store, [{"long": number} for number in range(1000)])
    for field, goes_on in ((None, "pit"), (None, "scroll"), ("_id", "scroll"), ("long", "pit")):
        cut = {"id": 1, "max": 4} | ({"field": field} if field else {})
        assert 190 <= found(store, {"slice": cut}, goes_on)["hits"]["total"]["value"] <= 310


def test_a_document_that_changes_stays_in_its_slice_of_a_scroll(store):
    fill(store, [{"long": number} for number in range(40)])

    def slices():
        cuts = [{"slice": {"id": number, "max": 3}} for number in range(3)]
        return [{hit["_id"] for hit in found(store, cut, "scroll")["hits"]["hits"]} for cut in cuts]

    before = slices()
    with store.write() as writer:
        for name in sorted(before[0] | before[1])[::3]:
            writer.append("part-0", [{"long": 77}], ids=[name])
    assert slices() == before


@pytest.mark.parametrize(
    ("cut", "goes_on", "text"),
    [
        ({"id": 0, "max": 2, "field": "nothing"}, "pit", "field nothing not found"),
        ({"id": 0, "max": 2, "field": "k"}, "pit", "cannot load numeric doc values on k"),
        ({"id": 0, "max": 2, "field": "hidden"}, "pit", "cannot load numeric doc values on hidden"),
        ({"id": 0, "max": 2, "field": "_id"}, "pit", "cannot slice on [_id] when using [point-in-time]"),
        ({"id": 0, "max": 1025}, "scroll", "[1025] is too large. It must be less than [1024]. This limit can be set"),
        ({"id": 0, "max": 1025}, "pit", "changing the [index.max_slices_per_pit] index level setting."),
        ({"id": -1, "max": 2}, "pit", "id must be greater than or equal to 0"),
        ({"id": 0, "max": 1}, "pit", "max must be greater than 1"),
        ({"id": 2, "max": 2}, "pit", "[slice] failed to parse field [max]: max must be greater than id"),
        ({"max": 2, "id": 2}, "pit", "[slice] failed to parse field [id]: max must be greater than id"),
        ({"id": 0}, "pit", "Required [max] is missing in [slice]"),
        ({"id": 0, "max": 2, "of": 3}, "pit", "[slice] unknown field [of]"),
        ({"id": [0], "max": 2}, "pit", "[slice] id doesn't support values of type: START_ARRAY"),
        ([0, 2], "pit", "Unknown key for a START_ARRAY in [slice]."),
    ],
)
def test_what_is_no_slice_is_refused(store, cut, goes_on, text):
    fill(store, [{"long": 1}])
    with pytest.raises(QueryError) as caught:
        found(store, {"slice": cut}, goes_on)
    assert text in str(caught.value)


def test_a_search_by_itself_has_no_slices(store):
    fill(store, [])
    with pytest.raises(InvalidRequestError, match=r"1: \[slice\] can only be used with \[scroll\] or"):
        found(store, {"slice": {"id": 0, "max": 2}}, None)
