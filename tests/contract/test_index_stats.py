"""`_stats`: what was asked of indices since the server began; through the official client."""

from collections import Counter

import pytest
from elasticsearch import BadRequestError
from hypothesis import given
from hypothesis import strategies as st

from laws import law

_NAMES = ("counted-a", "counted-b")
_SEARCHED = st.sampled_from([*_NAMES, "counted-*"])
_GROUP = st.sampled_from(["", "g", "h"])
_STEP = st.one_of(
    st.tuples(st.sampled_from(["index", "delete", "get"]), st.sampled_from(_NAMES), st.sampled_from("xy")),
    st.tuples(st.sampled_from(["mget", "bulk"]), st.sampled_from(_NAMES), st.just("xyx")),
    st.tuples(st.sampled_from(["search", "msearch"]), _SEARCHED, _GROUP),
)


def _renew(client):
    client.options(ignore_status=404).indices.delete(index=list(_NAMES))
    for name in _NAMES:
        client.indices.create(index=name)


def _do(client, kind, where, what):
    """Do one thing of each kind."""
    lenient = client.options(ignore_status=404)
    body = {"query": {"match_all": {}}, **({"stats": [what]} if what else {})}
    actions = [part for one in what for part in ({"index": {"_id": one}}, {})]
    {
        "index": lambda: client.index(index=where, id=what, document={"n": 1}),
        "bulk": lambda: client.bulk(index=where, operations=actions),
        "delete": lambda: lenient.delete(index=where, id=what),
        "get": lambda: lenient.get(index=where, id=what),
        "mget": lambda: client.mget(index=where, ids=list(what)),
        "search": lambda: client.search(index=where, body=body),
        "msearch": lambda: client.msearch(searches=[{"index": where}, body]),
    }[kind]()


def _expected(steps):
    counts = {name: Counter() for name in _NAMES}
    there = {name: set() for name in _NAMES}
    for kind, where, what in steps:
        for name in _NAMES if where == "counted-*" else (where,):
            count = counts[name]
            if kind in {"index", "bulk"}:
                count.update(index_total=len(what), total_operations=kind == "bulk")
                there[name] |= set(what)
            elif kind == "delete":
                count["delete_total"] += 1
                there[name].discard(what)
            elif kind in {"get", "mget"}:
                count.update("exists_total" if one in there[name] else "missing_total" for one in what)
            else:
                count.update(query_total=1, fetch_total=bool(there[name]), **({what: 1} if what else {}))
    return counts


@law(examples=30)
@given(st.lists(_STEP, max_size=12))
def test_every_request_is_counted_once_for_each_index(client, steps):
    _renew(client)
    for step in steps:
        _do(client, *step)
    stats = client.indices.stats(index=list(_NAMES), groups="*")
    expected = _expected(steps)
    for name in _NAMES:
        parts = stats["indices"][name]["primaries"]
        found = Counter(
            {
                **{key: parts["indexing"][key] for key in ("index_total", "delete_total")},
                **{key: parts["get"][key] for key in ("exists_total", "missing_total")},
                **{key: parts["search"][key] for key in ("query_total", "fetch_total")},
                "total_operations": parts["bulk"]["total_operations"],
                **{group: one["query_total"] for group, one in parts["search"].get("groups", {}).items()},
            }
        )
        assert +found == +expected[name]
    whole = stats["_all"]["total"]["search"]["query_total"]
    assert whole == sum(count["query_total"] for count in expected.values())


def test_an_index_of_the_same_name_begins_anew(client):
    _renew(client)
    client.index(index="counted-a", id="x", document={})
    _renew(client)
    assert client.indices.stats(index="counted-a")["_all"]["total"]["indexing"]["index_total"] == 0


def test_documents_without_ids_are_counted_however_many(client):
    _renew(client)
    for number in (1, 500, 500):
        client.bulk(index="counted-a", operations=[part for n in range(number) for part in ({"index": {}}, {"n": n})])
    total = client.indices.stats(index="counted-a")["_all"]["total"]
    assert (total["indexing"]["index_total"], total["bulk"]["total_operations"]) == (1001, 3)


def test_what_changes_nothing_and_what_is_refused_is_counted_so(client):
    _renew(client)
    client.index(index="counted-a", id="x", document={"n": 1})
    client.update(index="counted-a", id="x", doc={"n": 1})
    client.bulk(index="counted-a", operations=[{"create": {"_id": "x"}}, {}])
    indexing = client.indices.stats(index="counted-a", metric="indexing")["_all"]["total"]["indexing"]
    assert (indexing["index_total"], indexing["noop_update_total"], indexing["index_failed"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [("foo", {"foo"}), ("*r", {"bar"}), ("foo,bar", {"foo", "bar"}), ("_all", {"foo", "bar"}), ("no", set())],
)
def test_groups_are_shown_by_pattern(client, pattern, shown):
    _renew(client)
    client.search(index="counted-a", body={"stats": ["foo", "bar"]})
    search = client.indices.stats(index="counted-a", groups=pattern)["_all"]["total"]["search"]
    assert set(search.get("groups", {})) == shown
    assert "groups" not in client.indices.stats(index="counted-a")["_all"]["total"]["search"]


def test_searches_that_go_on_are_open_contexts(client):
    _renew(client)
    client.index(index="counted-a", id="x", document={})
    scroll = client.search(index="counted-a", scroll="1m")["_scroll_id"]
    client.scroll(scroll_id=scroll)
    search = client.indices.stats(index="counted-a")["_all"]["total"]["search"]
    assert (search["open_contexts"], search["scroll_total"], search["query_total"]) == (1, 2, 2)
    client.clear_scroll(scroll_id=scroll)
    assert client.indices.stats(index="counted-a")["_all"]["total"]["search"]["open_contexts"] == 0


def test_metrics_and_levels(client):
    _renew(client)
    whole = client.indices.stats(index="counted-a")["_all"]["total"]
    assert {"docs", "store", "indexing", "get", "search", "merges", "segments", "translog"} <= set(whole)
    some = client.indices.stats(index="counted-a", metric="merge,get", level="cluster")
    assert set(some["_all"]["total"]) == {"merges", "get"}
    assert "indices" not in some
    ((copy,),) = client.indices.stats(index="counted-a", level="shards")["indices"]["counted-a"]["shards"].values()
    assert copy["routing"]["state"] == "STARTED"
    assert client.indices.stats(index="counted-nothing*")["_all"]["total"].keys() == whole.keys()
    with pytest.raises(BadRequestError) as caught:
        client.indices.stats(metric="fieldata")
    expected = "request [/_stats/fieldata] contains unrecognized metric: [fieldata] -> did you mean [fielddata]?"
    assert expected in str(caught.value.body)
    with pytest.raises(BadRequestError, match="illegal_argument_exception"):
        client.indices.stats(metric="_all,docs")
