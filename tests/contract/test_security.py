"""Who may come in, and what they may do there, through the official client against an engine with a password."""

from __future__ import annotations

import base64
import re
import subprocess

import pytest
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import bulk
from raw_http import RawConnection
from refused import refusal

from engine_process import EngineProcess

_PASSWORD = "a long way"


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("secured"), f"password={_PASSWORD!r}")
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def elastic(secured):
    with Elasticsearch(secured.url, basic_auth=("elastic", _PASSWORD), request_timeout=60) as client:
        yield client


def _as(secured, username, password="secret-1"):
    return Elasticsearch(secured.url, basic_auth=(username, password), request_timeout=60)


def _user(elastic, secured, name, **role):
    elastic.security.put_role(name=f"{name}-role", **role)
    elastic.security.put_user(username=name, password="secret-1", roles=[f"{name}-role"])
    return _as(secured, name)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing authentication credentials for REST request [/]"),
        ("Bearer abc", "missing authentication credentials for REST request [/]"),
        ("Basic %%%", "invalid basic authentication header value"),
        ("Basic " + base64.b64encode(b"elastic:wrong").decode(), "unable to authenticate user [elastic] for REST"),
        ("Basic " + base64.b64encode(b"nobody:a long way").decode(), "unable to authenticate user [nobody] for REST"),
        ("ApiKey abc", "invalid ApiKey value"),
        ("ApiKey " + base64.b64encode(b"foo:bar").decode(), "unable to authenticate with provided credentials and"),
    ],
)
def test_strangers_are_told_what_they_lack(secured, header, reason):
    with RawConnection(secured.url) as raw:
        answer = raw.request("GET", "/", {"Authorization": header} if header else {})
    assert answer.status == 401
    assert answer.body["error"]["type"] == "security_exception"
    assert answer.reason.startswith(reason)
    assert "ApiKey" in answer.body["error"]["header"]["WWW-Authenticate"]
    assert "www-authenticate" in answer.headers
    assert answer.headers["x-elastic-product"] == "Elasticsearch"


def test_a_probe_needs_no_credentials_and_learns_nothing(secured):
    with RawConnection(secured.url) as connection:
        answer = connection.request("GET", "/_health")
        assert (answer.status, answer.body) == (200, {"status": "green"})
        assert connection.request("POST", "/_health").status == 401


def test_nothing_is_done_for_strangers(secured):
    with RawConnection(secured.url) as raw:
        assert raw.request("PUT", "/strangers-made-this").status == 401
    with _as(secured, "elastic", _PASSWORD) as elastic:
        assert not elastic.indices.exists(index="strangers-made-this")


def test_the_one_who_starts_it_may_everything(elastic):
    who = elastic.security.authenticate()
    assert (who["username"], who["roles"], who["authentication_type"]) == ("elastic", ["superuser"], "realm")
    assert who["authentication_realm"] == {"name": "reserved", "type": "reserved"}
    assert elastic.security.has_privileges(cluster=["all"], index=[{"names": ["*"], "privileges": ["all"]}])[
        "has_all_requested"
    ]
    assert elastic.xpack.info()["features"]["security"]["enabled"] is True


def test_the_password_is_nowhere(secured, elastic):
    elastic.security.put_user(username="hidden", password="never-seen-7", roles=["viewer"])
    key = elastic.security.create_api_key(name="hidden")
    secured.kill()
    secured.start()
    found = b"".join(path.read_bytes() for path in secured.data.iterdir() if path.is_file())
    for secret in (_PASSWORD, "never-seen-7", key["api_key"], key["encoded"]):
        assert secret.encode() not in found


def test_users_come_and_go(secured):
    with _as(secured, "elastic", _PASSWORD) as elastic:
        assert elastic.security.put_user(username="jo", password="secret-1", roles=["viewer"], full_name="Jo")[
            "created"
        ]
        assert not elastic.security.put_user(username="jo", roles=["viewer", "gone"])["created"]
        shown = elastic.security.get_user(username="jo")["jo"]
        assert shown == {
            "username": "jo",
            "roles": ["viewer", "gone"],
            "full_name": None,
            "email": None,
            "metadata": {},
            "enabled": True,
        }
        with _as(secured, "jo") as jo:
            assert jo.security.authenticate()["username"] == "jo"
            status, kind, reason = refusal(jo.indices.create, index="jo-1")
            assert (status, kind) == (403, "security_exception")
            assert reason == (
                "action [indices:admin/create] is unauthorized for user [jo] with effective roles [viewer] (assigned "
                "roles [gone] were not found) on indices [jo-1], this action is granted by the index privileges "
                "[create_index,manage,all]"
            )
            jo.security.change_password(password="secret-2")
            assert refusal(jo.info)[0] == 401
        with _as(secured, "jo", "secret-2") as jo:
            assert jo.security.authenticate()["enabled"]
            elastic.security.disable_user(username="jo")
            assert refusal(jo.info)[0] == 401
            elastic.security.enable_user(username="jo")
            elastic.security.delete_user(username="jo")
            assert refusal(jo.info)[0] == 401
        assert refusal_free(elastic.security.delete_user, username="jo") == 404
        for call, arguments, says in (
            (elastic.security.put_user, {"username": "new", "roles": []}, "password must be specified"),
            (elastic.security.put_user, {"username": "new", "roles": [], "password": "short"}, "at least [6]"),
            (elastic.security.put_user, {"username": "elastic", "roles": []}, "[elastic] is reserved"),
            (elastic.security.put_role, {"name": "superuser"}, "[superuser] is reserved"),
            (elastic.security.put_role, {"name": "r", "cluster": ["fly"]}, "unknown cluster privilege [fly]"),
        ):
            status, _, reason = refusal(call, **arguments)
            assert status == 400
            assert says in reason


def refusal_free(call, **arguments):
    """Return the status of an answer that is an error without the body of one."""
    with pytest.raises(ApiError) as caught:
        call(**arguments)
    return caught.value.status_code


def test_a_role_reaches_its_indices_and_no_others(secured):
    with _as(secured, "elastic", _PASSWORD) as elastic:
        bulk(elastic, [{"_index": name, "_id": "1", "n": 1} for name in ("web-1", "web-2", "pay-1")])
        elastic.indices.put_alias(index="pay-1", name="web-secret")
        elastic.indices.put_alias(index="web-1", name="pay-web")
        reader = _user(
            elastic, secured, "reader", indices=[{"names": ["web-1", "web-2", "web-new*"], "privileges": ["read"]}]
        )
        with reader:
            assert reader.count(index="*")["count"] == 2
            assert reader.count()["count"] == 2
            assert reader.count(index="web-*,pay-*")["count"] == 2
            assert reader.search(index="pay-1,web-1", ignore_unavailable=True)["hits"]["total"]["value"] == 1
            for index in ("pay-1", "web-secret", "pay-web", "web-1,pay-1", "not-there"):
                status, _, reason = refusal(reader.search, index=index)
                assert status == 403
                assert "this action is granted by the index privileges [read,all]" in reason
            assert refusal(reader.get, index="pay-1", id="1")[0] == 403
            found = reader.mget(docs=[{"_index": "web-1", "_id": "1"}, {"_index": "pay-1", "_id": "1"}])["docs"]
            assert found[0]["found"]
            assert found[1]["error"]["type"] == "security_exception"
            found = reader.msearch(searches=[{"index": "web-1"}, {}, {"index": "pay-1"}, {}])["responses"]
            assert [one.get("status") for one in found] == [200, 403]
            lookups = [{"terms": {"n": {"index": name, "id": "1", "path": "n"}}} for name in ("web-2", "pay-1")]
            assert reader.count(index="web-1", query=lookups[0])["count"] == 1
            assert refusal(reader.search, index="web-1", query=lookups[1])[0] == 403
            assert refusal(reader.explain, index="web-1", id="1", query=lookups[1])[0] == 403
            assert refusal(reader.explain, index="pay-1", id="1", query={"match_all": {}})[0] == 403
            assert refusal(reader.index, index="web-1", document={})[0] == 403
            assert refusal(reader.indices.delete, index="web-1")[0] == 403
            assert refusal(reader.ml.get_jobs)[0] == 403
            assert refusal(reader.cluster.health)[2].endswith("by the cluster privileges [monitor,manage,all]")
            assert refusal(reader.security.get_user)[0] == 403


def test_each_operation_of_a_bulk_request_is_judged_by_itself(secured):
    with _as(secured, "elastic", _PASSWORD) as elastic:
        elastic.indices.create(index="in-1")
        elastic.index(index="in-1", id="old", document={})
        writer = _user(elastic, secured, "writer", indices=[{"names": ["in-*"], "privileges": ["create_doc"]}])
        with writer:
            items = writer.bulk(
                operations=[
                    {"create": {"_index": "in-1", "_id": "1"}},
                    {"a": 1},
                    {"delete": {"_index": "in-1", "_id": "old"}},
                    {"create": {"_index": "out-1", "_id": "1"}},
                    {"a": 1},
                    {"create": {"_index": "in-2", "_id": "1"}},
                    {"a": 1},
                ]
            )["items"]
            assert [next(iter(item.values()))["status"] for item in items] == [201, 403, 403, 403]
        assert elastic.exists(index="in-1", id="old")
        assert not elastic.indices.exists(index="out-1")


def test_a_key_may_what_its_maker_and_its_own_roles_may(secured):
    with _as(secured, "elastic", _PASSWORD) as elastic:
        bulk(elastic, [{"_index": name, "n": 1} for name in ("key-1", "key-2")])
        made = elastic.security.create_api_key(
            name="one",
            expiration="1h",
            role_descriptors={"r": {"indices": [{"names": ["key-1"], "privileges": ["read"]}]}},
            metadata={"for": "tests"},
        )
        assert base64.b64decode(made["encoded"]).decode() == f"{made['id']}:{made['api_key']}"
        with Elasticsearch(secured.url, api_key=made["encoded"], request_timeout=60) as holder:
            who = holder.security.authenticate()
            assert (who["authentication_type"], who["api_key"]) == ("api_key", {"id": made["id"], "name": "one"})
            assert holder.count(index="*")["count"] == 1
            _, _, reason = refusal(holder.count, index="key-2")
            assert f"is unauthorized for API key id [{made['id']}] of user [elastic] on indices [key-2]" in reason
            assert [key["id"] for key in holder.security.get_api_key(owner=True)["api_keys"]] == [made["id"]]
        secured.kill()
        secured.start()
        with (
            Elasticsearch(secured.url, api_key=made["encoded"], request_timeout=60) as holder,
            _as(secured, "elastic", _PASSWORD) as again,
        ):
            assert holder.count(index="key-1")["count"] == 1
            (shown,) = again.security.get_api_key(id=made["id"])["api_keys"]
            assert (shown["name"], shown["invalidated"], shown["metadata"]) == ("one", False, {"for": "tests"})
            assert again.security.invalidate_api_key(ids=[made["id"]])["invalidated_api_keys"] == [made["id"]]
            assert again.security.invalidate_api_key(ids=[made["id"]])["previously_invalidated_api_keys"] == [
                made["id"]
            ]
            assert refusal(holder.info)[0] == 401


def test_users_manage_their_own_keys_and_no_others(secured):
    with _as(secured, "elastic", _PASSWORD) as elastic:
        others = elastic.security.create_api_key(name="others")["id"]
        with _user(elastic, secured, "own", cluster=["manage_own_api_key"]) as own:
            mine = own.security.create_api_key(name="mine")["id"]
            assert [key["id"] for key in own.security.get_api_key(owner=True)["api_keys"]] == [mine]
            assert refusal(own.security.get_api_key)[0] == 403
            assert refusal(own.security.invalidate_api_key, ids=[others])[0] == 403
            assert own.security.invalidate_api_key(ids=[others], owner=True)["invalidated_api_keys"] == []
            assert own.security.invalidate_api_key(owner=True)["invalidated_api_keys"] == [mine]


def test_machine_learning_by_role(secured):
    with _as(secured, "elastic", _PASSWORD) as elastic:
        elastic.security.put_user(username="ml-a", password="secret-1", roles=["machine_learning_admin"])
        elastic.security.put_user(username="ml-u", password="secret-1", roles=["machine_learning_user"])
        job = {"analysis_config": {"detectors": [{"function": "count"}]}, "data_description": {}}
        with _as(secured, "ml-a") as admin, _as(secured, "ml-u") as user:
            admin.ml.put_job(job_id="by-role", **job)
            admin.ml.open_job(job_id="by-role")
            assert user.ml.get_jobs()["count"] == 1
            assert user.ml.get_job_stats()["count"] == 1
            assert user.search(index=".ml-anomalies-*")["hits"]["total"]["value"] == 0
            _, _, reason = refusal(user.ml.put_job, job_id="by-user", **job)
            assert reason == (
                "action [cluster:admin/xpack/ml/job/put] is unauthorized for user [ml-u] with effective roles "
                "[machine_learning_user], this action is granted by the cluster privileges [manage_ml,manage,all]"
            )
            assert refusal(user.ml.close_job, job_id="by-role")[0] == 403
            asked = user.security.has_privileges(
                cluster=["monitor_ml", "manage_ml"],
                index=[{"names": [".ml-anomalies-*", "web"], "privileges": ["read", "write"]}],
            )
            assert asked["cluster"] == {"monitor_ml": True, "manage_ml": False}
            assert asked["index"][".ml-anomalies-*"] == {"read": True, "write": False}
            assert asked["index"]["web"] == {"read": False, "write": False}
            assert asked["has_all_requested"] is False


def test_without_authentication_everybody_is_told_so(client):
    assert client.security.authenticate()["username"] == "_anonymous"
    assert client.security.has_privileges(cluster=["all"])["has_all_requested"]
    assert client.xpack.info()["features"]["security"]["enabled"] is False
    status, kind, reason = refusal(client.security.put_user, username="x", password="secret-1", roles=[])
    assert (status, kind) == (400, "feature_not_enabled_exception")
    assert "ELASTIC_PASSWORD" in reason


@pytest.mark.parametrize(
    ("protection", "says"),
    [
        ("", "without authentication (set the environment variable ELASTIC_PASSWORD, or give --password-file) and"),
        (f"password={_PASSWORD!r}", "without TLS (give --tls-cert and --tls-key). Listen on 127.0.0.1 instead"),
    ],
)
def test_beyond_loopback_it_does_not_start_unprotected(tmp_path, protection, says):
    process = EngineProcess(tmp_path, protection, host="0.0.0.0")
    with pytest.raises(RuntimeError, match=re.escape(says)):
        process.start()


def test_tls_is_spoken_beyond_loopback(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    data = tmp_path / "data"
    data.mkdir()
    protection = f"password={_PASSWORD!r}, certificate=Path({str(certificate)!r}), key=Path({str(key)!r})"
    process = EngineProcess(data, protection, host="0.0.0.0")
    process.start()
    try:
        port = process.url.rpartition(":")[2]
        assert process.url.startswith("https://")
        url = f"https://localhost:{port}"
        with Elasticsearch(
            url, ca_certs=str(certificate), basic_auth=("elastic", _PASSWORD), request_timeout=60
        ) as client:
            assert client.security.authenticate()["username"] == "elastic"
        with Elasticsearch(url, ca_certs=str(certificate), request_timeout=60) as client:
            assert refusal(client.info)[0] == 401
    finally:
        process.kill()
