"""API keys that are changed: what they may do, alone and several at once, through the official client."""

from __future__ import annotations

import re

import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from engine_process import EngineProcess

_PASSWORD = "a long way"
_READER = {"r": {"cluster": ["monitor_ml"], "indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("keys"), f"password={_PASSWORD!r}")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def elastic(secured):
    with Elasticsearch(secured.url, basic_auth=("elastic", _PASSWORD), request_timeout=60) as client:
        yield client


def may(secured, key, privilege="monitor_ml"):
    with Elasticsearch(secured.url, api_key=key["encoded"], request_timeout=60) as client:
        return client.security.has_privileges(cluster=[privilege])["has_all_requested"]


def test_a_key_may_do_what_it_was_changed_to_and_keeps_the_rest_over_a_restart(secured, elastic):
    key = elastic.security.create_api_key(name="k", role_descriptors=_READER, metadata={"team": "a"})
    assert not may(secured, key, "manage_ml")
    more = {"m": {"cluster": ["manage_ml"]}}
    assert elastic.security.update_api_key(id=key["id"], role_descriptors=more)["updated"] is True
    assert elastic.security.update_api_key(id=key["id"], role_descriptors=more)["updated"] is False
    assert may(secured, key, "manage_ml")
    secured.restart()
    assert may(secured, key, "manage_ml")
    with Elasticsearch(secured.url, basic_auth=("elastic", _PASSWORD), request_timeout=60) as again:
        (shown,) = again.security.get_api_key(id=key["id"])["api_keys"]
        assert shown["metadata"] == {"team": "a"}
        assert list(shown["role_descriptors"]) == ["m"]
        assert again.security.update_api_key(id=key["id"], metadata={"team": "b"}, expiration="1d")["updated"]
        (shown,) = again.security.get_api_key(id=key["id"])["api_keys"]
        assert (shown["metadata"], list(shown["role_descriptors"])) == ({"team": "b"}, ["m"])
        assert shown["expiration"] > shown["creation"]


def test_several_are_changed_each_for_itself(elastic):
    one, two = (elastic.security.create_api_key(name=name)["id"] for name in ("one", "two"))
    gone = elastic.security.create_api_key(name="gone")["id"]
    elastic.security.invalidate_api_key(ids=[gone])
    elastic.security.update_api_key(id=two, role_descriptors=_READER)
    body = {"ids": [one, two, gone, "nobody"], "role_descriptors": _READER}
    answer = elastic.perform_request(
        "POST", "/_security/api_key/_bulk_update", headers={"content-type": "application/json"}, body=body
    ).body
    assert (answer["updated"], answer["noops"], answer["errors"]["count"]) == ([one], [two], 2)
    assert answer["errors"]["details"][gone] == {
        "type": "illegal_argument_exception",
        "reason": f"cannot update invalidated API key [{gone}]",
    }
    assert answer["errors"]["details"]["nobody"]["type"] == "resource_not_found_exception"


def test_only_owners_change_keys_and_with_more_rights_of_theirs_the_key_has_no_fewer(secured, elastic):
    key = elastic.security.create_api_key(name="elastics")
    elastic.security.put_role(name="small", cluster=["manage_own_api_key"])
    elastic.security.put_user(username="small", password="secret-1", roles=["small"])
    with Elasticsearch(secured.url, basic_auth=("small", "secret-1"), request_timeout=60) as small:
        with pytest.raises(NotFoundError, match="no API key owned by requesting user found for ID"):
            small.security.update_api_key(id=key["id"], metadata={"mine": True})
        own = small.security.create_api_key(name="own")
        assert not may(secured, own)
        elastic.security.put_role(name="small", cluster=["manage_own_api_key", "monitor_ml"])
        assert not may(secured, own)  # it has what its owner had
        assert small.security.update_api_key(id=own["id"])["updated"]
        assert may(secured, own)
    with (
        Elasticsearch(secured.url, api_key=key["encoded"], request_timeout=60) as client,
        pytest.raises(BadRequestError, match="authentication via API key not supported"),
    ):
        client.security.update_api_key(id=key["id"], metadata={})


def test_what_cannot_be_read_or_is_not_served_is_refused_by_name(elastic):
    key = elastic.security.create_api_key(name="strict")["id"]
    json = {"content-type": "application/json"}
    for method, path, body, status, words in (
        ("PUT", f"/_security/api_key/{key}", {"name": "other"}, 400, r"unknown field \[name\]; accepted are \[exp"),
        ("PUT", f"/_security/api_key/{key}", {"metadata": {"_x": 1}}, 400, r"may not start with \[_\]"),
        ("POST", "/_security/api_key/_bulk_update", {"ids": []}, 400, r"\[ids\] cannot be empty"),
        ("POST", "/_security/api_key/_bulk_update", {"metadata": {}}, 400, r"\[ids\] is required"),
        ("POST", "/_security/_query/api_key", {}, 501, r"lists keys by id, name"),
    ):
        with pytest.raises(ApiError) as refused:
            elastic.perform_request(method, path, headers={**json, "accept": "application/json"}, body=body)
        assert refused.value.status_code == status
        assert re.search(words, str(refused.value.body["error"]["reason"]))
    with pytest.raises(ApiError, match="runas"):
        elastic.options(headers={"es-security-runas-user": "x"}).info()
