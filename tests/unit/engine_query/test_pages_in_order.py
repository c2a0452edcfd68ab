"""Law: a page of a sorted search has what comes first by the sort and then by age, whatever is equal or missing."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.query import search
from anomalyops_engine.store import Store
from laws import law

_FURTHEST = {"long": (-(2**63), 2**63 - 1), "short": (-(2**31), 2**31 - 1), "date": (-(2**63), 2**63 - 1)}
_orders = st.sampled_from(["asc", "desc"])
_VALUES = {"long": [-(2**63), 2**63 - 1, *range(-3, 4)], "short": list(range(-3, 4)), "date": list(range(6))}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("pages"))
    yield store
    store.close()


@law(examples=150)
@given(st.data(), st.sampled_from(sorted(_VALUES)))
def test_a_page_is_what_comes_first(store, data, kind):
    few = data.draw(st.lists(st.sampled_from(_VALUES[kind]), min_size=1, max_size=4))
    values = data.draw(st.lists(st.none() | st.sampled_from(few), max_size=30))
    order, missing = data.draw(st.sampled_from(["asc", "desc"])), data.draw(st.sampled_from(["_last", "_first"]))
    start, size = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 8))
    wanted = data.draw(st.none() | st.sampled_from([0, 1]))
    with store.write() as writer:
        if [index.name for index in writer.resolve("pages*")]:
            writer.delete_index("pages")
        writer.create_index("pages", mappings={"properties": {"v": {"type": kind}, "odd": {"type": "long"}}})
        documents = [{"n": n, "odd": n % 2} | ({} if value is None else {"v": value}) for n, value in enumerate(values)]
        if documents:
            writer.append("pages", documents)
    furthest = _FURTHEST[kind][(order == "desc") == (missing == "_first")]
    numbers = [(furthest if value is None else value, n) for n, value in enumerate(values)]
    numbers = [(value, n) for value, n in numbers if wanted is None or n % 2 == wanted]
    numbers.sort(key=lambda one: (-one[0] if order == "desc" else one[0], one[1]))
    body = {"sort": [{"v": {"order": order, "missing": missing}}], "from": start, "size": size}
    if wanted is not None:
        body["query"] = {"term": {"odd": wanted}}
    with store.read() as reader:
        hits = search(reader, reader.resolve("pages"), body)["hits"]["hits"]
    event(f"{order}, missing {missing}, full page: {len(hits) == size}")
    assert [(hit["sort"][0], hit["_source"]["n"]) for hit in hits] == numbers[start : start + size]


_MIXED = {
    "long": st.sampled_from([-(2**63), 2**63 - 1, -1, 0, 1]),
    "double": st.sampled_from([-0.0, 0.0, 1.5, -1.5, 1e300]),
    "float": st.sampled_from([-0.0, 0.0, 0.1, -0.3]),
    "keyword": st.sampled_from(["a", "b", "", "ä"]),
    "boolean": st.booleans(),
    "ip": st.sampled_from(["::1", "10.0.0.2", "10.0.0.10"]),
}
_MIXED |= {f"{kind}s": st.lists(values, min_size=1, max_size=3) for kind, values in _MIXED.items()}


@law(examples=80)
@given(st.data())
def test_pages_one_behind_the_other_are_the_whole(store, data):
    fields = data.draw(st.lists(st.sampled_from(sorted(_MIXED)), min_size=1, max_size=3, unique=True))
    document = st.fixed_dictionaries({}, optional={name: _MIXED[name] for name in fields})
    sort = [
        {field: {"order": data.draw(_orders), "missing": data.draw(st.sampled_from(["_last", "_first"]))}}
        for field in fields
    ]
    for field, each in zip(fields, sort, strict=True):
        if field in {"longs", "doubles", "floats"}:
            each[field]["mode"] = data.draw(st.sampled_from(["min", "max", "sum", "avg", "median"]))
    sort.insert(data.draw(st.integers(0, len(sort))), data.draw(st.sampled_from([{"_score": "desc"}, {"n": "asc"}])))
    names = [f"part-{number}" for number in range(data.draw(st.integers(1, 2)))]
    mapped = {"properties": {name: {"type": name.removesuffix("s")} for name in fields}}
    with store.write() as writer:
        for index in writer.resolve("part-*"):
            writer.delete_index(index.name)
        for number, name in enumerate(names):
            writer.create_index(name, mappings=mapped)
            drawn = data.draw(st.lists(document, min_size=1, max_size=12))
            writer.append(name, [{**each, "n": 100 * number + place} for place, each in enumerate(drawn)])
    body = {"sort": [*sort, {"_shard_doc": "asc"}], "size": data.draw(st.integers(1, 5))}
    with store.read() as reader:
        indices = reader.resolve("part-*")
        found: list[int] = []
        while hits := search(reader, indices, body)["hits"]["hits"]:
            found += [hit["_source"]["n"] for hit in hits]
            assert len(found) <= 24, (found, body)
            body["search_after"] = hits[-1]["sort"]
        del body["search_after"]
        whole = search(reader, indices, {**body, "size": 1000})["hits"]["hits"]
    assert found == [hit["_source"]["n"] for hit in whole]
    event(f"{len(names)} indices, {len(fields)} fields, full: {len(found) >= 3 * body['size']}")
