"""A datafeed reads what whoever made or last changed it may read, whoever starts it; through the official client."""

from __future__ import annotations

import time

import pytest
from elasticsearch import AuthorizationException, Elasticsearch
from elasticsearch.helpers import bulk

from engine_process import EngineProcess
from waiting import PATIENCE_S

_PASSWORD = "a long way"
_HOUR = 3_600_000
_JOB = {
    "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("rights"), f"password={_PASSWORD!r}")
    process.start()
    with as_elastic(process) as elastic:
        for index, each in (("logs-a", 3), ("logs-b", 5)):
            elastic.indices.create(index=index, mappings={"properties": {"time": {"type": "date"}}})
            events = [{"_index": index, "time": hour * _HOUR + n} for hour in range(10) for n in range(each)]
            bulk(elastic, events, refresh=True)
    yield process
    process.kill()


def as_elastic(secured):
    return Elasticsearch(secured.url, basic_auth=("elastic", _PASSWORD), request_timeout=60)


@pytest.fixture
def elastic(secured):
    with as_elastic(secured) as client:
        yield client


def may_read(elastic, role, *names):
    elastic.security.put_role(
        name=role,
        cluster=["manage_ml", "manage_own_api_key"],
        indices=[{"names": list(names), "privileges": ["read"]}],
    )


@pytest.fixture
def author(elastic, secured, request):
    """A user who may read all logs, as long as nobody changes the role."""
    name = f"author-{request.node.name.partition('[')[0][-20:]}".replace("_", "-")
    may_read(elastic, name, "logs-*")
    elastic.security.put_user(username=name, password="secret-1", roles=[name])
    with Elasticsearch(secured.url, basic_auth=(name, "secret-1"), request_timeout=60) as client:
        yield client


def made(client, name, indices=("logs-*",)):
    client.ml.put_job(job_id=name, **_JOB)
    return client.ml.put_datafeed(datafeed_id=name, job_id=name, indices=list(indices))


def run(client, name):
    """Let a datafeed read everything; return how many documents its job then had."""
    client.ml.open_job(job_id=name)
    client.ml.start_datafeed(datafeed_id=name, start=0, end=10 * _HOUR)
    deadline = time.monotonic() + PATIENCE_S
    while client.ml.get_datafeed_stats(datafeed_id=name)["datafeeds"][0]["state"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return client.ml.get_job_stats(job_id=name)["jobs"][0]["data_counts"]["processed_record_count"]


def role_of(client):
    return client.security.authenticate()["roles"][0]


def test_nobody_makes_a_datafeed_of_what_he_may_not_read(author, elastic):
    author.ml.put_job(job_id="curious", **_JOB)
    for attempt in (
        lambda: author.ml.put_datafeed(datafeed_id="curious", job_id="curious", indices=["logs-a", "secrets"]),
        lambda: author.ml.put_job(
            job_id="curious-2", **_JOB, datafeed_config={"datafeed_id": "curious", "indices": ["secrets", "logs-a"]}
        ),
    ):
        with pytest.raises(AuthorizationException) as refused:
            attempt()
        error = refused.value.body["error"]
        assert error["type"] == "security_exception"
        user = author.security.authenticate()["username"]
        assert error["reason"].startswith(
            f"Cannot create datafeed [curious] because user {user} lacks permissions on the indices: {{"
        )
        assert '"secrets":{"indices:data/read/search":false}' in error["reason"]
        assert '"logs-a":{"indices:data/read/search":true}' in error["reason"]
    assert elastic.ml.get_datafeeds()["count"] == 0
    assert [job["job_id"] for job in elastic.ml.get_jobs()["jobs"]] == ["curious"]


def test_a_datafeed_has_the_rights_of_its_maker_and_not_of_who_starts_it(author, elastic):
    role = role_of(author)
    assert made(author, "made")["authorization"] == {"roles": [role]}
    shown = elastic.ml.get_datafeeds(datafeed_id="made")["datafeeds"][0]
    assert shown["authorization"] == {"roles": [role]}
    assert elastic.ml.get_jobs(job_id="made")["jobs"][0]["datafeed_config"]["authorization"] == {"roles": [role]}
    assert "authorization" not in elastic.ml.get_datafeeds(datafeed_id="made", exclude_generated=True)["datafeeds"][0]
    may_read(elastic, role, "logs-a")  # from now on
    assert run(elastic, "made") == 10 * 3
    assert elastic.ml.update_datafeed(datafeed_id="made", scroll_size=500)["authorization"] == {"roles": ["superuser"]}
    elastic.ml.reset_job(job_id="made")
    assert run(elastic, "made") == 10 * 8


def test_a_datafeed_whose_maker_may_read_nothing_any_more_does_not_start(author, elastic):
    made(author, "fallen", ["logs-a"])
    may_read(elastic, role_of(author), "other")
    elastic.ml.open_job(job_id="fallen")
    with pytest.raises(
        AuthorizationException, match=r"\[indices:data/read/search\] is unauthorized for user \[author-"
    ):
        elastic.ml.start_datafeed(datafeed_id="fallen")
    elastic.security.delete_role(name=role_of(author))
    with pytest.raises(AuthorizationException, match="were not found"):
        elastic.ml.start_datafeed(datafeed_id="fallen")


def test_a_running_datafeed_feels_that_a_right_is_taken_and_given_back(author, elastic):
    role = role_of(author)
    author.ml.put_job(job_id="live", **{**_JOB, "analysis_config": {**_JOB["analysis_config"], "bucket_span": "1s"}})
    author.ml.put_datafeed(datafeed_id="live", job_id="live", indices=["logs-a"], frequency="1s", query_delay="1s")
    author.ml.open_job(job_id="live")
    author.ml.start_datafeed(datafeed_id="live", start=10 * _HOUR)

    def health(wanted):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = elastic.ml.get_datafeed_stats(datafeed_id="live")["datafeeds"][0]
            if found["health"]["status"] == wanted:
                return str(found)
            assert time.monotonic() < deadline, found
            time.sleep(0.2)

    deadline = time.monotonic() + PATIENCE_S
    while "search_interval" not in elastic.ml.get_datafeed_stats(datafeed_id="live")["datafeeds"][0]["running_state"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    may_read(elastic, role, "other")
    assert "is unauthorized for user" in health("yellow")
    may_read(elastic, role, "logs-a")
    health("green")
    elastic.ml.stop_datafeed(datafeed_id="live")
    elastic.ml.close_job(job_id="live")


def test_a_datafeed_made_with_a_key_has_what_the_key_granted(author, elastic, secured):
    limits = {"some": {"cluster": ["manage_ml"], "indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}
    key = author.security.create_api_key(name="feeds", role_descriptors=limits)
    with Elasticsearch(secured.url, api_key=key["encoded"], request_timeout=60) as client:
        shown = made(client, "keyed")["authorization"]
        with pytest.raises(AuthorizationException, match="lacks permissions on the indices"):
            client.ml.put_datafeed(datafeed_id="more", job_id="keyed", indices=["*"])
    assert shown == {"api_key": {"id": key["id"], "name": "feeds"}}
    elastic.security.invalidate_api_key(ids=[key["id"]])
    secured.restart()
    with as_elastic(secured) as again:
        assert again.ml.get_datafeeds(datafeed_id="keyed")["datafeeds"][0]["authorization"] == shown
        assert key["api_key"] not in str(again.ml.get_datafeeds())
        assert run(again, "keyed") == 10 * 8


def test_where_nobody_is_known_nothing_is_shown(client):
    client.indices.create(index="unsecured", mappings={"properties": {"time": {"type": "date"}}})
    assert "authorization" not in made(client, "unsecured", ["unsecured"])
