"""`composite` in searches: its pages put together are all combinations of keys, each counted once, in order."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from elasticsearch import ApiError
from elasticsearch.helpers import bulk
from hypothesis import given
from hypothesis import strategies as st

from laws import law

_DAY = 86_400_000
_DOCUMENTS = [
    {
        "time": n * _DAY // 3,
        "host": [f"h{n % 5}", f"h{n % 3}"] if n % 4 else f"h{n % 7}",
        "size": (n * 7) % 4,
        "ip": f"10.0.0.{n % 3}",
        "up": n % 2 == 0,
        **({} if n % 6 else {"rest": n}),
    }
    for n in range(60)
]


@pytest.fixture(scope="module")
def client(shared_engine):
    with shared_engine.client() as client:
        properties = {
            "time": {"type": "date"},
            "host": {"type": "keyword"},
            "size": {"type": "long"},
            "ip": {"type": "ip"},
            "up": {"type": "boolean"},
            "rest": {"type": "long"},
        }
        client.indices.create(index="pages-a", mappings={"properties": properties})
        bulk(client, ({"_index": "pages-a", **document} for document in _DOCUMENTS), refresh=True)
        yield client
        client.indices.delete(index="pages-a")


_DATES = {"date_histogram": {"field": "time", "fixed_interval": "1d"}}
_KEYS = {
    "day": lambda document: [document["time"] // _DAY * _DAY],
    "host": lambda document: sorted(
        set(document["host"] if isinstance(document["host"], list) else [document["host"]])
    ),
    "size": lambda document: [document["size"]],
    "ip": lambda document: [document["ip"]],
    "up": lambda document: [document["up"]],
    "rest": lambda document: [document["rest"]] if "rest" in document else [],
}


def _pages(client, sources, size, **inner):
    after, found = {}, []
    while True:
        composite = {"sources": sources, "size": size, **({"after": after} if after else {})}
        answer = client.search(index="pages-a", size=0, aggs={"c": {"composite": composite, **inner}})
        buckets = answer["aggregations"]["c"]["buckets"]
        found += buckets
        if not buckets:
            assert "after_key" not in answer["aggregations"]["c"]
            return found
        assert len(buckets) <= size
        after = answer["aggregations"]["c"]["after_key"]
        assert after == buckets[-1]["key"]


@law(examples=25)
@given(
    names=st.lists(st.sampled_from(sorted(_KEYS)), min_size=1, max_size=3, unique=True),
    orders=st.lists(st.sampled_from(("asc", "desc")), min_size=3, max_size=3),
    size=st.integers(1, 40),
    missing=st.booleans(),
)
def test_pages_are_all_combinations_in_order(client, names, orders, size, missing):
    sources = []
    for name, order in zip(names, orders, strict=False):
        kind, options = ("date_histogram", _DATES["date_histogram"]) if name == "day" else ("terms", {"field": name})
        sources.append({name: {kind: {**options, "order": order, "missing_bucket": missing}}})
    inner = {"aggs": {"sizes": {"terms": {"field": "size"}}, "most": {"max": {"field": "size"}}}}
    found = _pages(client, sources, size, **inner)
    expected = Counter()
    sizes = {}
    for document in _DOCUMENTS:
        for combination in product(*(_KEYS[name](document) or [None] * missing for name in names)):
            expected[combination] += 1
            sizes.setdefault(combination, Counter())[document["size"]] += 1
    ordered = list(expected)
    for place in reversed(range(len(names))):
        ordered.sort(key=lambda one: (one[place] is not None, one[place]), reverse=orders[place] == "desc")
    assert [tuple(one["key"][name] for name in names) for one in found] == ordered
    for one, combination in zip(found, ordered, strict=True):
        assert one["doc_count"] == expected[combination]
        assert {each["key"]: each["doc_count"] for each in one["sizes"]["buckets"]} == sizes[combination]
        assert one["most"]["value"] == max(sizes[combination])


def test_formatted_keys_come_back_as_they_were_shown(client):
    source = {"day": {"date_histogram": {"field": "time", "calendar_interval": "1d", "format": "yyyy-MM-dd"}}}
    found = _pages(client, [source], 4)
    assert [one["key"]["day"] for one in found][:2] == ["1970-01-01", "1970-01-02"]
    assert len(found) == 20


@pytest.mark.ours("it refuses by name what it lacks, and answers at once")
def test_what_makes_no_composite_is_refused(client):
    terms = {"a": {"terms": {"field": "host"}}}
    tiles = {"a": {"geotile_grid": {"field": "x"}}}
    for status, word, aggregation in (
        (400, "cannot be null or empty", {"composite": {"sources": []}}),
        (400, "found duplicates: [a]", {"composite": {"sources": [terms, terms]}}),
        (400, "too many buckets", {"composite": {"sources": [terms], "size": 100_000}}),
        (400, "[after] has 2 value(s)", {"composite": {"sources": [terms], "after": {"a": 1, "b": 2}}}),
        (400, "Missing value for [after.a]", {"composite": {"sources": [terms], "after": {"b": 2}}}),
        (400, "parent", {"terms": {"field": "host"}, "aggs": {"c": {"composite": {"sources": [terms]}}}}),
        (400, "Invalid geotile_grid hash", {"composite": {"sources": [tiles], "after": {"a": "1/2/3"}}}),
        (400, "zoom [3]", {"composite": {"sources": [tiles], "after": {"a": "3/2/3"}}}),
    ):
        with pytest.raises(ApiError) as caught:
            client.search(index="pages-a", aggs={"c": aggregation})
        assert caught.value.status_code == status
        assert word in str(caught.value.body)
