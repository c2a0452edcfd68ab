"""Jobs and datafeeds as tables, and the memory of the node, through the official client and over plain HTTP."""

import re
import uuid

import pytest
from elasticsearch import ApiError


@pytest.fixture(scope="module")
def jobs(shared_engine):
    """Two jobs, the second with a datafeed and open."""
    prefix = f"cat-{uuid.uuid4().hex[:8]}"
    with shared_engine.client() as client:
        for number in range(2):
            client.ml.put_job(
                job_id=f"{prefix}-{number}",
                analysis_config={"bucket_span": "1h", "detectors": [{"function": "count"}]},
                analysis_limits={"model_memory_limit": "11mb"},
                data_description={"time_field": "time"},
            )
        client.ml.put_datafeed(datafeed_id=f"{prefix}-1", job_id=f"{prefix}-1", indices=["nowhere"])
        client.ml.open_job(job_id=f"{prefix}-1")
        yield prefix
        for number in range(2):
            client.ml.delete_job(job_id=f"{prefix}-{number}", force=True)


def test_jobs_are_rows(client, jobs):
    text = client.cat.ml_jobs(job_id=f"{jobs}-*").body
    assert re.fullmatch(
        rf"{jobs}-0 closed 0 +0b +ok 0 0\n{jobs}-1 opened 0 +\d\S* +ok 0 0\n",
        re.sub(r" +", " ", text).replace(" 0b", " 0b"),
    ), text
    head, *rows = client.cat.ml_jobs(job_id=f"{jobs}-*", v=True).body.splitlines()
    assert head.split() == [
        *("id", "state", "data.processed_records", "model.bytes"),
        *("model.memory_status", "forecasts.total", "buckets.count"),
    ]
    assert len(rows) == 2
    assert all(row.index("ok") + 2 == head.index("forecasts") - 1 for row in rows)


def test_columns_are_chosen_by_name_alias_or_pattern_and_sorted(client, jobs):
    text = client.cat.ml_jobs(job_id=f"{jobs}-*", h="id,s,dpr", s="state:desc,id", v=True).body
    assert [line.split() for line in text.splitlines()] == [
        # By the names that they were asked for, as on a cluster.
        ["id", "s", "dpr"],
        [f"{jobs}-1", "opened", "0"],
        [f"{jobs}-0", "closed", "0"],
    ]
    shown = client.cat.ml_jobs(job_id=f"{jobs}-0", h="model.memory*,dataInputBytes", format="json", bytes="mb").body
    assert shown == [{"model.memory_status": "ok", "model.memory_limit": None, "dataInputBytes": "0"}]
    with pytest.raises(ApiError) as caught:
        client.cat.ml_jobs(s="nonsense")
    assert caught.value.status_code == 400


def test_datafeeds_are_rows(client, jobs):
    assert client.cat.ml_datafeeds(datafeed_id=f"{jobs}-1").body == f"{jobs}-1 stopped 0 0\n"
    shown = client.cat.ml_datafeeds(datafeed_id=f"{jobs}-1", h="id,search.time,search.bucket_avg", format="json").body
    assert shown == [{"id": f"{jobs}-1", "search.time": "0s", "search.bucket_avg": "0.0"}]


def test_what_is_not_there_is_404(client):
    for call in (client.cat.ml_jobs, client.cat.ml_datafeeds):
        kind = {"job_id": "nobody"} if call == client.cat.ml_jobs else {"datafeed_id": "nobody"}
        with pytest.raises(ApiError) as caught:
            call(**kind)
        assert caught.value.status_code == 404
    assert client.cat.ml_jobs(job_id="nobody-*").body == ""


def test_there_are_no_trained_models_and_no_analytics(client):
    assert client.cat.ml_trained_models(format="json").body == []
    assert client.cat.ml_data_frame_analytics(v=True).body.split() == ["id", "type", "create_time", "state"]
    with pytest.raises(ApiError) as caught:
        client.cat.ml_trained_models(model_id="mine")
    assert caught.value.status_code == 404


def test_help_says_what_columns_there_are(client):
    lines = client.cat.ml_jobs(help=True).body.splitlines()
    assert lines[0].split("|")[0].strip() == "id"
    assert lines[-1].split("|")[0].strip() == "buckets.time.exp_avg_hour"
    assert not any(len(line) != len(line.rstrip()) for line in lines)


def test_memory_of_the_node(client, jobs):
    found = client.ml.get_memory_stats()
    assert found["_nodes"] == {"total": 1, "successful": 1, "failed": 0}
    [(node_id, node)] = found["nodes"].items()
    ml = node["mem"]["ml"]
    assert 0 < ml["max_in_bytes"] < node["mem"]["total_in_bytes"] == node["mem"]["adjusted_total_in_bytes"]
    used = client.ml.get_job_stats(job_id="_all")["jobs"]
    assert ml["anomaly_detectors_in_bytes"] == sum(
        job["model_size_stats"]["model_bytes"] for job in used if job["state"] == "opened"
    )
    for named in (node_id, "ml:true", "_local", "_all", node["name"]):
        assert client.ml.get_memory_stats(node_id=named)["nodes"].keys() == {node_id}
    assert client.ml.get_memory_stats(node_id="elsewhere").body == {
        "_nodes": {"total": 0, "successful": 0, "failed": 0},
        "cluster_name": "anomalyops",
        "nodes": {},
    }


def test_what_runs_is_a_task(client, jobs):
    def ask(path, accept="application/json"):
        return client.perform_request("GET", path, headers={"accept": accept}).body

    text = ask("/_cat/tasks?h=action,description", "text/plain")
    assert f"xpack/ml/job[c] job-{jobs}-1" in re.sub(r" +", " ", text)
    assert f"{jobs}-0" not in text
    found = ask("/_tasks?actions=xpack/ml/job*,xpack/ml/datafeed*")["nodes"]
    [node] = found.values()
    mine = [task for task in node["tasks"].values() if task["description"] == f"job-{jobs}-1"]
    assert [task["action"] for task in mine] == ["xpack/ml/job[c]"]
    assert ask("/_tasks?actions=indices:*") == {"nodes": {}}
