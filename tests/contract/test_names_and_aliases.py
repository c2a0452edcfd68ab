"""Names, patterns, exclusions and aliases, as Elasticsearch reads them."""

from __future__ import annotations

import pytest
from elasticsearch import BadRequestError, NotFoundError
from raw_http import RawConnection


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        names = ["names-a", "names-b", "names-c", ".names-hidden"]
        for name in names:
            client.indices.create(index=name, settings={"hidden": name == ".names-hidden"})
        client.indices.put_alias(index="names-a,names-b", name="al-ab")
        client.indices.put_alias(index="names-a", name="al-a")
        hidden = {"index": "names-c", "alias": "al-hidden", "is_hidden": True}
        client.indices.update_aliases(actions=[{"add": hidden}])
        yield client
        client.indices.delete(index=",".join(names), ignore_unavailable=True)


def _mapped(client, index, **options):
    return sorted(name for name in client.indices.get_mapping(index=index, **options) if "names-" in name)


def test_patterns_reach_what_expand_wildcards_says(client):
    assert _mapped(client, "*") == ["names-a", "names-b", "names-c"]
    assert _mapped(client, "*", expand_wildcards="all") == [".names-hidden", "names-a", "names-b", "names-c"]
    assert _mapped(client, "*", expand_wildcards="open,hidden") == [".names-hidden", "names-a", "names-b", "names-c"]
    assert _mapped(client, "*", expand_wildcards="closed") == []
    assert _mapped(client, ".names-*") == [".names-hidden"]
    assert _mapped(client, "al-h*") == []
    assert _mapped(client, "al-h*", expand_wildcards="all") == ["names-c"]
    with pytest.raises(NotFoundError):
        client.indices.get_mapping(index="names-*", expand_wildcards="none")
    with pytest.raises(NotFoundError):
        client.indices.get_mapping(index="names-x*", allow_no_indices=False)


def test_a_dot_alone_hides_nothing(client):
    client.indices.create(index=".names-seen")
    assert ".names-seen" in _mapped(client, "*")
    assert _mapped(client, ".names-*") == [".names-hidden", ".names-seen"]
    client.indices.delete(index=".names-seen")


def test_exclusions_stand_behind_a_pattern(client):
    assert _mapped(client, "names-*,-names-b") == ["names-a", "names-c"]
    assert _mapped(client, "names-*,-*-a,-*-b") == ["names-c"]
    with pytest.raises(NotFoundError):
        client.indices.get_mapping(index="names-a,-names-b")


def test_only_a_star_is_special_in_a_pattern(client):
    for pattern in ("names-[ab]*", "names-??*", "names-[!c]*"):
        with pytest.raises((NotFoundError, BadRequestError)):
            client.indices.get_mapping(index=pattern, allow_no_indices=False)
    assert client.indices.get_alias(name="al-[ab]*").body == {}
    assert client.indices.exists_alias(name="al-[ab]*")  # the status of a look, to which a pattern may match nothing


def _aliases(engine, path):
    with RawConnection(engine.url) as connection:
        answer = connection.request("GET", path)
    return answer.status, answer.body


def test_get_alias_says_what_is_missing_beside_what_is_there(shared_engine, client):
    a, b = {"al-a": {}}, {"al-ab": {}}
    assert _aliases(shared_engine, "/_alias/al-a*,-al-a") == (
        200,
        {"names-a": {"aliases": b}, "names-b": {"aliases": b}},
    )
    status, found = _aliases(shared_engine, "/_alias/_all")
    assert status == 200
    assert found["names-a"] == {"aliases": {**a, **b}}
    assert found["names-c"] == {"aliases": {"al-hidden": {"is_hidden": True}}}
    status, found = _aliases(shared_engine, "/names-a/_alias/al-a,missing")
    assert (status, found) == (404, {"error": "alias [missing] missing", "status": 404, "names-a": {"aliases": a}})
    status, found = _aliases(shared_engine, "/names-a/_alias/no,neither")
    assert (status, found) == (404, {"error": "aliases [neither,no] missing", "status": 404})
    assert _aliases(shared_engine, "/names-a/_alias/no*") == (200, {})
    assert _aliases(shared_engine, "/names-b,names-c/_alias")[1].keys() == {"names-b", "names-c"}


def test_several_alias_changes_are_all_done_or_none(client):
    done = client.indices.update_aliases(
        actions=[
            {"remove": {"index": "names-a", "alias": "al-a"}},
            {"add": {"indices": ["names-b", "names-c"], "aliases": ["new-1", "new-2"], "filter": {"term": {"x": 1}}}},
            {"add": {"index": "names-b", "alias": "new-1", "is_write_index": True}},
        ]
    )
    assert done.body == {"acknowledged": True, "errors": False}
    assert not client.indices.exists_alias(name="al-a")
    found = client.indices.get_alias(name="new-*").body
    assert found["names-c"]["aliases"]["new-2"] == {"filter": {"term": {"x": 1}}}
    assert found["names-b"]["aliases"]["new-1"] == {"is_write_index": True}
    for wrong, error in (
        ({"remove": {"index": "names-b", "alias": "not-there", "must_exist": True}}, NotFoundError),
        ({"add": {"index": "names-c", "alias": "new-1", "is_write_index": True}}, BadRequestError),
        ({"add": {"index": "names-c", "alias": "names-a"}}, BadRequestError),
        ({"add": {"index": "names-c", "alias": "q", "filter": {"no_such_query": {}}}}, BadRequestError),
        ({"add": {"index": "names-c", "alias": "q", "colour": "red"}}, BadRequestError),
        ({"paint": {"index": "names-c", "alias": "q"}}, BadRequestError),
        ({"add": {"alias": "q"}}, BadRequestError),
    ):
        with pytest.raises(error):
            client.indices.update_aliases(actions=[{"add": {"index": "names-c", "alias": "half"}}, wrong])
        assert not client.indices.exists_alias(name="half")
    client.indices.update_aliases(actions=[{"remove_index": {"index": "names-c"}}])
    assert not client.indices.exists(index="names-c")


def test_an_alias_is_removed_from_one_index(client):
    client.indices.delete_alias(index="names-a", name="al-ab")
    assert client.indices.get_alias(name="al-ab").body == {"names-b": {"aliases": {"al-ab": {}}}}
    with pytest.raises(NotFoundError) as missing:
        client.indices.delete_alias(index="names-a", name="al-ab")
    assert missing.value.body["error"]["type"] == "aliases_not_found_exception"


def test_settings_flat_and_with_texts(client):
    flat = client.indices.get_settings(index="names-a", flat_settings=True)["names-a"]["settings"]
    assert flat["index.number_of_shards"] == "1"
    shown = client.indices.get_settings(index="names-a", human=True)["names-a"]["settings"]["index"]
    assert shown["creation_date_string"].endswith("Z")


def test_a_change_that_had_nothing_to_do_is_told_beside_those_that_were_made(client):
    nothing, something = {"index": "names-b", "alias": "not-there"}, {"index": "names-c", "alias": "half"}
    for lenient in ({}, {"must_exist": False}):
        done = client.indices.update_aliases(actions=[{"add": something}, {"remove": nothing | lenient}])
        added, removed = done["action_results"]
        assert (done["acknowledged"], done["errors"]) == (True, True)
        assert added == {"action": {"type": "add", "indices": ["names-c"], "aliases": ["half"]}, "status": 200}
        assert removed["action"] == {"type": "remove", "indices": ["names-b"], "aliases": ["not-there"]}
        assert (removed["status"], removed["error"]["type"]) == (404, "aliases_not_found_exception")
        with pytest.raises(NotFoundError) as alone:
            client.indices.update_aliases(actions=[{"remove": nothing | lenient}])
        assert alone.value.body["error"]["resource.id"] == "not-there"
    assert client.indices.delete_alias(index="names-b,names-c", name="half,not-there").body["acknowledged"] is True
    with pytest.raises(NotFoundError):
        client.indices.delete_alias(index="names-b,names-c", name="half,not-there")


def test_aliases_are_shown_by_name_in_whatever_order_they_came_and_went(client):
    for name in ("al-z", "al-m", "al-b", "al-y"):
        client.indices.put_alias(index="names-a", name=name)
    client.indices.delete_alias(index="names-a", name="al-y")
    client.indices.put_alias(index="names-a", name="al-m", filter={"term": {"host": "web"}})  # as it is changed
    expected = ["al-a", "al-ab", "al-b", "al-m", "al-z"]
    assert list(client.indices.get_alias(index="names-a")["names-a"]["aliases"]) == expected
    assert list(client.indices.get_alias(name="al-*", index="names-a")["names-a"]["aliases"]) == expected
    shown = client.indices.get(index="names-a")["names-a"]["aliases"]
    assert list(shown) == expected
    assert shown["al-m"] == {"filter": {"term": {"host": "web"}}}


def test_an_alias_takes_the_name_of_an_index_that_goes_in_the_same_request(client):
    try:
        client.indices.create(index="names-old")
        client.index(index="names-new", id="1", document={"a": 1})
        added = {"add": {"index": "names-new", "aliases": ["names-old", "names-write"]}}
        client.indices.update_aliases(actions=[added, {"remove_index": {"index": "names-old"}}])
        assert list(client.indices.get(index="names-old")) == ["names-new"]
        assert client.count(index="names-write")["count"] == 1
        # None of it is done when a part of it cannot be.
        alias = {"add": {"index": "names-new", "alias": "names-other"}}
        with pytest.raises(NotFoundError, match="names-new"):
            client.indices.update_aliases(actions=[alias, {"remove_index": {"index": "names-new"}}])
        assert client.count(index="names-write")["count"] == 1
    finally:
        client.indices.delete(index="names-old,names-new", ignore_unavailable=True)


def test_aliases_are_excluded_behind_a_name_too(client):
    for name in ("al-a", "al-ab"):
        client.indices.put_alias(index="names-a", name=name)
    assert list(client.indices.get_alias(name="al-a,al-ab,-al-ab*")["names-a"]["aliases"]) == ["al-a"]
    assert client.indices.get_alias(name="al-a,al-ab,-al-a*").body == {}
