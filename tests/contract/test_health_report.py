"""`GET /_health_report` through the official client: what is well, and what is not as soon as it is so."""

from __future__ import annotations

import time

import pytest
from elasticsearch import ApiError, NotFoundError
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.health_report import disk_finding
from waiting import PATIENCE_S


def wait_for(client, status, indicator="ml"):
    deadline = time.monotonic() + PATIENCE_S
    while (found := client.health_report()["indicators"][indicator])["status"] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_a_new_engine_is_well(engine):
    with engine.client() as client:
        client.indices.create(index="a")
        report = client.health_report()
        assert report["status"] == "green"
        assert report["cluster_name"] == client.info()["cluster_name"]
        found = report["indicators"]
        assert {"master_is_stable", "shards_availability", "disk", "ml", "store"} == set(found)
        for indicator in found.values():
            assert indicator["status"] == "green"
            assert indicator["symptom"]
            assert indicator["details"]
            assert not {"impacts", "diagnosis"} & set(indicator)
        assert found["shards_availability"]["details"]["started_primaries"] == len(
            client.cat.indices(format="json", expand_wildcards="all")
        )
        one = client.health_report(feature="disk", verbose=False)
        assert set(one) == {"cluster_name", "indicators"}
        assert set(one["indicators"]) == {"disk"}
        assert "details" not in one["indicators"]["disk"]


def test_what_is_not_there_is_said_by_name(engine):
    with engine.client() as client:
        with pytest.raises(NotFoundError, match="Did not find indicator luck"):
            client.health_report(feature="luck")
        with pytest.raises(ApiError, match=r"\[ilm\] is not supported by this engine; supported: \[disk, ") as error:
            client.health_report(feature="ilm")
        assert error.value.status_code == 501


def test_feeds_that_fail_and_stand_still_are_told_with_what_to_do(engine):
    with engine.client() as client:
        client.indices.create(index="logs", mappings={"properties": {"time": {"type": "date"}}})
        client.ml.put_job(
            job_id="j",
            analysis_config={"bucket_span": "1s", "detectors": [{"function": "count"}]},
            data_description={"time_field": "time"},
            datafeed_config={"datafeed_id": "feed", "indices": ["logs"], "frequency": "1s", "query_delay": "1s"},
        )
        client.ml.open_job(job_id="j")
        client.ml.start_datafeed(datafeed_id="feed")
        client.indices.close(index="logs")
        found = wait_for(client, "yellow")
        assert [one["id"].rpartition(":")[2] for one in found["impacts"]] == ["datafeeds_in_trouble"]
        assert found["diagnosis"][0]["affected_resources"] == {"datafeeds": ["feed"]}
        none = client.health_report(feature="ml", size=0)["indicators"]["ml"]
        assert none["diagnosis"][0]["affected_resources"] == {"datafeeds": []}
        assert client.health_report()["status"] == "yellow"
        client.indices.open(index="logs")
        wait_for(client, "green")
        client.ml.set_upgrade_mode(enabled=True)
        assert "paused" in wait_for(client, "yellow")["symptom"]
        client.ml.set_upgrade_mode(enabled=False)
        wait_for(client, "green")


@given(st.integers(1, 2**45), st.integers(0, 2**45), st.integers(0, 2**45))
def test_a_disk_with_more_room_is_never_worse(total, one, other):
    less, more = sorted((min(one, total), min(other, total)))
    order = ["green", "yellow", "red"]
    assert order.index(disk_finding(less, total).status) >= order.index(disk_finding(more, total).status)
    assert disk_finding(0, total).status == "red"
    assert disk_finding(total, total).status == "green"
