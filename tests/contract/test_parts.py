"""Searches in parts, through the official client: search_after, points in time, scrolls."""

import contextlib
import time

import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError
from elasticsearch.helpers import scan
from hypothesis import given
from hypothesis import strategies as st

from laws import law
from waiting import PATIENCE_S, until

MAPPINGS = {
    "properties": {
        "n": {"type": "integer"},
        "x": {"type": "double"},
        "k": {"type": "keyword"},
        "ip": {"type": "ip"},
        "t": {"type": "date"},
        "b": {"type": "boolean"},
    }
}
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "n": st.integers(-3, 3),
            "x": st.sampled_from([-0.0, 0.0, 1.5, -1.5, 1e300, 2]),
            "k": st.sampled_from(["", "a", "b", "ä", "Z"]),
            "ip": st.sampled_from(["10.0.0.1", "10.0.0.200", "::1"]),
            "t": st.sampled_from([0, -1, 1_704_067_200_000, "2024-01-01T00:00:00.001Z"]),
            "b": st.booleans(),
        },
    ),
    min_size=1,
    max_size=12,
)
SORTS = st.lists(
    st.tuples(
        st.sampled_from(["n", "x", "k", "ip", "t", "b"]),
        st.sampled_from(["asc", "desc"]),
        st.sampled_from(["_last", "_first"]),
    ).map(lambda parts: {parts[0]: {"order": parts[1], "missing": parts[2]}}),
    max_size=3,
)


@pytest.fixture
def fill(client):
    made = []

    def fill(name, documents):
        client.options(ignore_status=404).indices.delete(index=name)
        client.indices.create(index=name, mappings=MAPPINGS)
        made.append(name)
        lines = [line for number, doc in enumerate(documents) for line in ({"index": {"_id": str(number)}}, doc)]
        if lines:
            client.bulk(index=name, operations=lines)

    yield fill
    for name in set(made):
        client.options(ignore_status=404).indices.delete(index=name)


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@law(examples=40)
@given(DOCUMENTS, SORTS, st.integers(1, 4))
def test_parts_put_together_are_the_whole_however_they_are_asked_for(client, fill, documents, sort, size):
    fill("parts", documents)
    ordered = [*sort, {"_shard_doc": "asc"}]
    whole = ids(client.search(index="parts", sort=ordered, size=100))

    after, pages = None, []
    while True:
        page = client.search(index="parts", sort=ordered, size=size, search_after=after)
        if not ids(page):
            break
        pages += ids(page)
        after = page["hits"]["hits"][-1]["sort"]
    assert pages == whole

    point, pages, after = client.open_point_in_time(index="parts", keep_alive="1m")["id"], [], None
    while True:
        page = client.search(pit={"id": point}, sort=sort or ["_doc"], size=size, search_after=after)
        assert page["pit_id"] == point
        if not ids(page):
            break
        pages += ids(page)
        after = page["hits"]["hits"][-1]["sort"]
    client.close_point_in_time(id=point)
    assert pages == whole

    page = client.search(index="parts", sort=sort or None, size=size, scroll="1m")
    scroll, pages = page["_scroll_id"], []
    while ids(page):
        assert all(len(hit.get("sort", [])) == len(sort) for hit in page["hits"]["hits"])
        assert page["hits"]["total"]["value"] == len(documents)
        pages += ids(page)
        page = client.scroll(scroll_id=scroll, scroll="1m")
    client.clear_scroll(scroll_id=scroll)
    assert pages == whole


def test_a_point_in_time_sees_what_was_there_whatever_happens(client, fill):
    fill("then", [{"n": 1}, {"n": 2}])
    point = client.open_point_in_time(index="then", keep_alive="1m")["id"]
    client.index(index="then", id="later", document={"n": 3})
    client.delete(index="then", id="0")
    client.indices.put_mapping(index="then", properties={"more": {"type": "keyword"}})
    assert ids(client.search(pit={"id": point}, sort=["n"])) == ["0", "1"]
    client.indices.delete(index="then")
    assert ids(client.search(pit={"id": point}, sort=["n"])) == ["0", "1"]
    assert client.close_point_in_time(id=point)["num_freed"] == 1
    with pytest.raises(NotFoundError) as caught:
        client.search(pit={"id": point})
    assert caught.value.body["error"]["root_cause"][0]["type"] == "search_context_missing_exception"


def test_a_point_that_nobody_uses_is_closed_after_its_time(client, fill):
    fill("short", [{"n": 1}])
    point = client.open_point_in_time(index="short", keep_alive="200ms")["id"]
    until(lambda: is_closed(client, point))
    end, extended = time.monotonic() + PATIENCE_S, False
    while not extended:  # it must be asked for before it ends, which no machine is sure to do in time
        assert time.monotonic() < end
        opened = time.monotonic()
        point = client.open_point_in_time(index="short", keep_alive="1s")["id"]
        with contextlib.suppress(NotFoundError):
            assert ids(client.search(pit={"id": point, "keep_alive": "1h"})) == ["0"]
            extended = True
        assert extended or time.monotonic() - opened > 1
    time.sleep(1.2)
    assert ids(client.search(pit={"id": point})) == ["0"]


def is_closed(client, point):
    try:
        client.search(pit={"id": point})
    except NotFoundError:
        return True
    return False


def test_the_clients_own_scan_reads_everything(client, fill):
    fill("many", [{"n": number % 7} for number in range(250)])
    found = list(scan(client, index="many", query={"query": {"range": {"n": {"gte": 2}}}}, size=40))
    assert sorted(int(hit["_id"]) for hit in found) == [number for number in range(250) if number % 7 >= 2]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"search_after": [1]}, "Sort must contain at least one field."),
        ({"search_after": [1], "sort": ["n", "k"]}, "search_after has 1 value(s) but sort has 2."),
        ({"search_after": [], "sort": ["n"]}, "Values must contains at least one value."),
        ({"search_after": ["x"], "sort": ["n"]}, "Failed to parse search_after value for field [n]."),
        ({"search_after": [1], "sort": ["n"], "from_": 2}, "[from] parameter must be set to 0"),
        ({"search_after": [1], "sort": ["n", "k"], "size": 0}, "search_after has 1 value(s) but sort has 2."),
        ({"scroll": "1m", "size": 0}, "[size] cannot be [0] in a scroll context"),
        ({"scroll": "1m", "from_": 3}, "using [from] is not allowed in a scroll context"),
        ({"scroll": "2d"}, "is too large"),
        (
            {"scroll": "1m", "size": 10_001},
            "Batch size is too large, size must be less than or equal to: [10000]",
        ),
        ({"scroll": "1m", "request_cache": True}, "[request_cache] cannot be used in a scroll context"),
        ({"slice": {"id": 0, "max": 2}}, "1: [slice] can only be used with [scroll] or [point-in-time] requests;"),
        ({"slice": {"id": 0, "max": 2, "field": "k"}, "scroll": "1m"}, "cannot load numeric doc values on k"),
        ({"slice": {"id": 2, "max": 2}, "scroll": "1m"}, "max must be greater than id"),
        ({"pit": {"id": "x"}}, "[indices] cannot be used with point in time"),
    ],
)
def test_what_does_not_go_together_is_refused(client, fill, arguments, text):
    fill("refusals", [{"n": 1, "k": "a"}])
    with pytest.raises(BadRequestError) as caught:
        client.search(index="refusals", **arguments)
    assert text in str(caught.value.body)


@pytest.mark.parametrize("field", [None, "n", "t"])
def test_slices_of_a_point_in_time_and_of_scrolls_are_the_whole(client, fill, field):
    fill("cut", [{"n": number % 11, "t": number} for number in range(100)] + [{"k": "no number"}])
    told_by = {"field": field} if field else {}

    point = client.open_point_in_time(index="cut", keep_alive="1m")["id"]
    client.delete(index="cut", id="3")
    found = []
    for number in range(3):
        after = None
        while True:
            cut = {"id": number, "max": 3, **told_by}
            page = client.search(pit={"id": point}, slice=cut, sort=["n"], size=13, search_after=after)
            if not ids(page):
                break
            found += ids(page)
            after = page["hits"]["hits"][-1]["sort"]
    client.close_point_in_time(id=point)
    assert sorted(found, key=int) == [str(number) for number in range(101)]

    found = []
    for number in range(2):
        cut = {"slice": {"id": number, "max": 2, **told_by}}
        part = [hit["_id"] for hit in scan(client, index="cut", query=cut, size=13)]
        assert part
        found += part
    assert sorted(found, key=int) == [str(number) for number in range(101) if number != 3]


def test_an_index_says_how_many_slices_there_are_at_most(client, fill):
    fill("slices", [{"n": 1}])
    many = {"id": 0, "max": 1025}
    with pytest.raises(BadRequestError) as caught:
        client.search(index="slices", scroll="1m", slice=many)
    text = "The number of slices [1025] is too large. It must be less than [1024]."
    assert text in caught.value.body["error"]["root_cause"][0]["reason"]
    client.indices.put_settings(index="slices", settings={"index.max_slices_per_scroll": 1025})
    client.clear_scroll(scroll_id=client.search(index="slices", scroll="1m", slice=many)["_scroll_id"])


def test_unknown_contexts_are_missing(client):
    for call in (
        lambda: client.scroll(scroll_id="nothing", scroll="1m"),
        lambda: client.clear_scroll(scroll_id="nothing"),
        lambda: client.close_point_in_time(id="nothing"),
        lambda: client.search(pit={"id": "nothing"}),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert caught.value.meta.status == 404


def test_there_are_not_too_many_at_once(engine):
    with engine.client() as client:
        client.indices.create(index="one")
        opened = [client.open_point_in_time(index="one", keep_alive="1m")["id"] for _ in range(500)]
        with pytest.raises(ApiError) as caught:
            client.open_point_in_time(index="one", keep_alive="1m")
        assert caught.value.meta.status == 429
        client.close_point_in_time(id=opened[0])
        client.open_point_in_time(index="one", keep_alive="1m")
        # The engine stops although they are open.
        engine.stop()
