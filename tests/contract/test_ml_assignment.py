"""`cluster.persistent_tasks.allocation.enable`: whether jobs are opened and datafeeds started at all."""

import uuid

import pytest
from refused import refusal

SETTING = "cluster.persistent_tasks.allocation.enable"
COUNT_JOB = {
    "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


@pytest.fixture(params=["transient", "persistent"])
def assign(client, request):
    """Return how to set the setting; it is taken back afterwards."""

    def change(value):
        return client.cluster.put_settings(**{request.param: {SETTING: value}})[request.param]

    yield change
    change(None)


def test_nothing_is_opened_or_started_while_nothing_is_assigned(client, assign):
    name = f"job-{uuid.uuid4().hex[:12]}"
    client.indices.create(index=name, mappings={"properties": {"time": {"type": "date"}}})
    client.ml.put_job(job_id=name, **COUNT_JOB, datafeed_config={"indices": name})
    assert assign("none") == {"cluster": {"persistent_tasks": {"allocation": {"enable": "none"}}}}
    assert refusal(client.ml.open_job, job_id=name) == (
        429,
        "status_exception",
        f"Cannot open jobs because persistent task assignment is disabled by the [{SETTING}] setting",
    )
    assign("all")
    client.ml.open_job(job_id=name)
    assign("none")
    status, _, reason = refusal(client.ml.start_datafeed, datafeed_id=name, start=0)
    assert status == 429
    assert "no persistent task assignments are allowed due to cluster settings" in reason
    assert client.ml.get_datafeed_stats(datafeed_id=name)["datafeeds"][0]["state"] == "stopped"
    assign(None)
    client.ml.start_datafeed(datafeed_id=name, start=0)
    assign("none")  # what runs goes on
    assert client.ml.get_datafeed_stats(datafeed_id=name)["datafeeds"][0]["state"] == "started"


def test_a_value_that_there_is_not_is_refused(assign):
    assert refusal(assign, "some")[:2] == (400, "illegal_argument_exception")
