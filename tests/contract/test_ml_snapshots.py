"""Model snapshots over REST, through the official client: listed, changed, reverted to, expired; statuses and texts."""

import re
import uuid

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError
from elasticsearch.helpers import bulk

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
BASE = "/_ml/anomaly_detectors"
CONFIG = {
    "analysis_config": {"bucket_span": "1h", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


@pytest.fixture(scope="module")
def index(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(index="snapshot-source", mappings={"properties": {"time": {"type": "date"}}})
        times = (START_MS + minute * 60_000 for minute in range(0, 40 * 60, 7))
        bulk(client, ({"_index": "snapshot-source", "time": time} for time in times), refresh=True)
    return "snapshot-source"


@pytest.fixture
def job_id(client, index):
    """A closed job with two snapshots, after 20 and after 40 buckets."""
    name = f"snap-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(job_id=name, **CONFIG, datafeed_config={"indices": [index]})
    for buckets in (20, 40):
        look_back(client, name, buckets)
    return name


def look_back(client, job_id, buckets):
    client.ml.open_job(job_id=job_id)
    client.ml.start_datafeed(datafeed_id=job_id, end=START_MS + buckets * HOUR_MS)
    while client.ml.get_job_stats(job_id=job_id)["jobs"][0]["state"] != "closed":
        pass


def ask(client, method, path, body=None):
    headers = {"accept": "application/json", "content-type": "application/json"}
    return client.perform_request(method, path, body=body, headers=headers)


def snapshots(client, job_id, **how):
    return client.ml.get_model_snapshots(job_id=job_id, **how)["model_snapshots"]


def test_snapshots_are_listed_newest_first(client, job_id):
    newer, older = snapshots(client, job_id)
    assert (newer["timestamp"], int(newer["snapshot_id"])) > (older["timestamp"], int(older["snapshot_id"]))
    assert older["latest_result_time_stamp"] == START_MS + 19 * HOUR_MS
    assert newer["model_size_stats"]["memory_status"] == "ok"
    assert [s["snapshot_id"] for s in snapshots(client, job_id, desc=False)] == [
        older["snapshot_id"],
        newer["snapshot_id"],
    ]
    assert snapshots(client, job_id, snapshot_id=older["snapshot_id"]) == [older]
    assert client.ml.get_model_snapshots(job_id=job_id, size=1)["count"] == 2
    job = client.ml.get_jobs(job_id=job_id)["jobs"][0]
    assert job["model_snapshot_id"] == newer["snapshot_id"]


def test_a_revert_undoes_results_and_the_gap_is_analysed_again(client, job_id):
    before = client.ml.get_buckets(job_id=job_id, size=100)["buckets"]
    older = snapshots(client, job_id)[1]
    answer = client.ml.revert_model_snapshot(
        job_id=job_id, snapshot_id=older["snapshot_id"], delete_intervening_results=True
    )
    assert answer["model"] == older
    assert client.ml.get_buckets(job_id=job_id)["count"] == 20
    counts = client.ml.get_job_stats(job_id=job_id)["jobs"][0]["data_counts"]
    assert counts["latest_record_timestamp"] == older["latest_record_time_stamp"]
    assert counts["bucket_count"] == 40
    look_back(client, job_id, 40)
    again = client.ml.get_buckets(job_id=job_id, size=100)["buckets"]
    clocked = "processing_time_ms"
    assert [{**b, clocked: 0} for b in again] == [{**b, clocked: 0} for b in before]


def test_a_revert_to_empty_forgets_everything(client, job_id):
    answer = ask(client, "POST", f"{BASE}/{job_id}/model_snapshots/empty/_revert", {"delete_intervening_results": True})
    assert answer["model"]["snapshot_id"] == "empty"
    assert "model_snapshot_id" not in client.ml.get_jobs(job_id=job_id)["jobs"][0]
    assert client.ml.get_buckets(job_id=job_id)["count"] == 0
    look_back(client, job_id, 40)
    assert client.ml.get_buckets(job_id=job_id)["count"] == 40


def test_a_snapshot_is_changed_and_deleted(client, job_id):
    newer, older = (snapshot["snapshot_id"] for snapshot in snapshots(client, job_id))
    answer = client.ml.update_model_snapshot(job_id=job_id, snapshot_id=older, description="before", retain=True)
    assert answer["acknowledged"] is True
    assert (answer["model"]["description"], answer["model"]["retain"]) == ("before", True)
    assert snapshots(client, job_id, snapshot_id=older) == [answer["model"]]
    with pytest.raises(BadRequestError) as caught:
        client.ml.delete_model_snapshot(job_id=job_id, snapshot_id=newer)
    assert caught.value.body["error"]["reason"] == (
        f"Model snapshot '{newer}' is the active snapshot for job '{job_id}', so cannot be deleted"
    )
    assert client.ml.delete_model_snapshot(job_id=job_id, snapshot_id=older).body == {"acknowledged": True}
    assert [snapshot["snapshot_id"] for snapshot in snapshots(client, job_id)] == [newer]


def test_what_is_missing_or_not_possible_is_said(client, job_id):
    newer, older = (snapshot["snapshot_id"] for snapshot in snapshots(client, job_id))
    missing = rf"No model snapshot with id \[9999\] exists for job \[{job_id}\]"
    for name, call in {
        "revert": lambda job, snapshot: client.ml.revert_model_snapshot(job_id=job, snapshot_id=snapshot),
        "update": lambda job, snapshot: client.ml.update_model_snapshot(
            job_id=job, snapshot_id=snapshot, description="x"
        ),
        "delete": lambda job, snapshot: client.ml.delete_model_snapshot(job_id=job, snapshot_id=snapshot),
        "upgrade": lambda job, snapshot: client.ml.upgrade_job_snapshot(job_id=job, snapshot_id=snapshot),
    }.items():
        with pytest.raises(NotFoundError) as caught:
            call(job_id, "9999")
        error = caught.value.body["error"]
        assert error["type"] == "resource_not_found_exception", name
        assert re.search(missing, error["reason"]), name
        with pytest.raises(NotFoundError, match="No known job with id 'nothing'"):
            call("nothing", newer)
    with pytest.raises(ConflictError, match="already compatible with current version"):
        client.ml.upgrade_job_snapshot(job_id=job_id, snapshot_id=older)
    stats = f"{BASE}/{job_id}/model_snapshots/%s/_upgrade/_stats"
    assert ask(client, "GET", stats % "_all").body == {"count": 0, "model_snapshot_upgrades": []}
    with pytest.raises(NotFoundError):
        ask(client, "GET", stats % newer)
    with pytest.raises(ApiError, match=r"unknown field \[colour\]"):
        ask(client, "POST", f"{BASE}/{job_id}/model_snapshots/{newer}/_update", {"colour": "red"})
    client.ml.open_job(job_id=job_id)
    with pytest.raises(ConflictError) as caught:
        client.ml.upgrade_job_snapshot(job_id=job_id, snapshot_id=newer)
    assert caught.value.body["error"]["reason"] == (
        f"Cannot upgrade snapshot [{newer}] for job [{job_id}] as it is the current primary job snapshot and the job's "
        "state is [opened]. Please close the job before upgrading the snapshot."
    )
    with pytest.raises(ConflictError, match="Can only revert to a model snapshot when the job is closed"):
        client.ml.revert_model_snapshot(job_id=job_id, snapshot_id=older)
    client.ml.close_job(job_id=job_id)


def test_expired_data_is_deleted(client, job_id):
    client.ml.update_job(job_id=job_id, results_retention_days=1)
    assert client.ml.delete_expired_data().body == {"deleted": True}
    buckets = client.ml.get_buckets(job_id=job_id, size=100)["buckets"]
    assert buckets[0]["timestamp"] == START_MS + 39 * HOUR_MS - 24 * HOUR_MS
    assert client.ml.delete_expired_data(job_id=job_id, timeout="10h", requests_per_second=100_000.0).body == {
        "deleted": True
    }
    ask(client, "DELETE", "/_ml/_delete_expired_data?timeout=10h&requests_per_second=100000.0")
    with pytest.raises(NotFoundError, match="No known job with id 'nothing'"):
        client.ml.delete_expired_data(job_id="nothing")
