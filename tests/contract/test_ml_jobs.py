# ruff: noqa: E501 - error texts are compared whole
"""Jobs over REST, through the official client: shapes, states, statuses and texts."""

import uuid

import pytest
from elasticsearch import ApiError
from refused import refusal

COUNT_JOB = {
    "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "time"},
}


@pytest.fixture
def job_id(client):
    """A job of one count detector, closed."""
    name = f"job-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(job_id=name, **COUNT_JOB)
    return name


def do(client, method, path, body=None):
    return client.perform_request(
        method, path, body=body, headers={"accept": "application/json", "content-type": "application/json"}
    )


def notifications(client, job_id):
    client.indices.refresh(index=".ml-notifications-*")
    hits = client.search(
        index=".ml-notifications-*", query={"term": {"job_id": job_id}}, sort=[{"timestamp": "asc"}], size=1000
    )["hits"]["hits"]
    return [(hit["_source"]["level"], hit["_source"]["message"]) for hit in hits]


def test_put_and_get_return_the_same_job(client):
    name = f"job-{uuid.uuid4().hex[:12]}"
    made = client.ml.put_job(
        job_id=name, **COUNT_JOB, datafeed_config={"indices": "logs-x", "datafeed_id": f"df-{name}"}
    )
    assert made["datafeed_config"]["indices"] == ["logs-x"]
    assert 60_000 <= int(made["datafeed_config"]["query_delay"].removesuffix("ms")) < 120_000
    listed = client.ml.get_jobs(job_id=name)
    assert listed["count"] == 1
    assert listed["jobs"][0] == made.body
    assert client.ml.get_datafeeds(datafeed_id=f"df-{name}")["datafeeds"][0] == made["datafeed_config"]
    assert notifications(client, name) == [("info", "Job created")]


def test_lists_wildcards_and_groups(client):
    mark = uuid.uuid4().hex[:8]
    for number in range(3):
        client.ml.put_job(job_id=f"{mark}-{number}", **COUNT_JOB, groups=[f"g{mark}"] if number else None)

    def ids(expression, **options):
        return [job["job_id"] for job in client.ml.get_jobs(job_id=expression, **options)["jobs"]]

    assert ids(f"{mark}-*") == [f"{mark}-0", f"{mark}-1", f"{mark}-2"]
    assert ids(f"g{mark}") == [f"{mark}-1", f"{mark}-2"]
    assert ids(f"{mark}-0,g{mark}") == [f"{mark}-0", f"{mark}-1", f"{mark}-2"]
    assert {f"{mark}-0", f"{mark}-1"} <= set(ids("_all"))
    assert client.ml.get_jobs(job_id="no-such-*")["count"] == 0
    assert refusal(client.ml.get_jobs, job_id="no-such-*", allow_no_match=False)[0] == 404
    assert refusal(client.ml.get_jobs, job_id=f"{mark}-0,absent") == (
        404,
        "resource_not_found_exception",
        "No known job with id 'absent'",
    )
    assert [s["job_id"] for s in client.ml.get_job_stats(job_id=f"g{mark}")["jobs"]] == [f"{mark}-1", f"{mark}-2"]


def test_export_leaves_out_what_the_server_made(client):
    name = f"job-{uuid.uuid4().hex[:12]}"
    client.ml.put_job(job_id=name, **COUNT_JOB, results_index_name="mine", datafeed_config={"indices": ["i"]})
    job = client.ml.get_jobs(job_id=name, exclude_generated=True)["jobs"][0]
    assert not {"job_id", "create_time", "job_version", "job_type"} & set(job)
    assert job["results_index_name"] == "mine"
    assert not {"datafeed_id", "job_id", "query_delay", "indices_options"} & set(job["datafeed_config"])
    again = client.ml.put_job(job_id=f"{name}-copy", body=job)
    assert again["results_index_name"] == "custom-mine"


def test_refusals_at_creation(client, job_id):
    taken = refusal(client.ml.put_job, job_id=job_id, **COUNT_JOB)
    assert taken == (
        400,
        "resource_already_exists_exception",
        f"The job cannot be created with the Id '{job_id}'. The Id is already used.",
    )
    bad = refusal(client.ml.put_job, job_id="Bad Id", **COUNT_JOB)
    assert bad[0:2] == (400, "illegal_argument_exception")
    assert bad[2].startswith("Invalid job_id; 'Bad Id' can contain lowercase alphanumeric")
    assert refusal(do, client, "PUT", "/_ml/anomaly_detectors/x1", {**COUNT_JOB, "nope": 1}) == (
        400,
        "x_content_parse_exception",
        "[job_details] unknown field [nope]",
    )
    assert refusal(do, client, "PUT", "/_ml/anomaly_detectors/x1?nope=1", COUNT_JOB)[0:2] == (
        400,
        "illegal_argument_exception",
    )
    clash = refusal(client.ml.put_job, job_id=f"{job_id}-2", **COUNT_JOB, groups=[job_id])
    assert clash[1:] == (
        "resource_already_exists_exception",
        f"job and group names must be unique but job [{job_id}] and group [{job_id}] have the same name",
    )
    with pytest.raises(ApiError) as caught:
        client.ml.put_job(
            job_id="x1", analysis_config={"detectors": [{"function": "mean"}]}, data_description={"time_field": "t"}
        )
    error = caught.value.body["error"]
    assert error["type"] == "x_content_parse_exception"
    innermost = error["caused_by"]["caused_by"]
    assert innermost == {
        "type": "status_exception",
        "reason": "Unless a count or temporal function is used one of field_name, by_field_name or over_field_name must be set",
    }


def test_what_cannot_be_analysed_is_refused_by_name(client):
    analysis = {"detectors": [{"function": "count", "by_field_name": "a"}], "multivariate_by_fields": True}
    config = {"analysis_config": analysis, "data_description": {"time_field": "t"}}
    for call in (
        lambda: client.ml.put_job(job_id="unsupported", **config),
        lambda: do(client, "POST", "/_ml/anomaly_detectors/_validate", config),
    ):
        status, _, reason = refusal(call)
        assert status == 501
        assert "multivariate_by_fields" in reason


def test_endpoints_that_are_missing_say_so(client):
    for method, path in (
        ("PUT", "/_ml/trained_models/m"),
        ("PUT", "/_ml/data_frame/analytics/a"),
        ("POST", "/_ml/data_frame/_evaluate"),
    ):
        status, _, reason = refusal(do, client, method, path)
        assert (status, path in reason) == (501, True)


def test_validate(client):
    assert do(client, "POST", "/_ml/anomaly_detectors/_validate", COUNT_JOB).body == {"acknowledged": True}
    detector = "/_ml/anomaly_detectors/_validate/detector"
    assert do(client, "POST", detector, {"function": "count"}).body == {"acknowledged": True}
    assert refusal(do, client, "POST", detector, {"function": "count", "field_name": "a"}) == (
        400,
        "status_exception",
        "field_name cannot be used with function 'count'",
    )


def test_states_of_a_job(client, job_id):
    def state():
        return client.ml.get_job_stats(job_id=job_id)["jobs"][0]["state"]

    assert state() == "closed"
    assert client.ml.close_job(job_id=job_id)["closed"] is True
    opened = client.ml.open_job(job_id=job_id)
    assert opened["opened"] is True
    stats = client.ml.get_job_stats(job_id=job_id)["jobs"][0]
    assert stats["state"] == "opened"
    assert stats["node"]["id"] == opened["node"]
    assert stats["assignment_explanation"] == ""
    assert stats["open_time"].endswith("s")
    assert refusal(client.ml.open_job, job_id=job_id) == (
        409,
        "status_exception",
        f"Cannot open job [{job_id}] because it has already been opened",
    )
    assert refusal(client.ml.reset_job, job_id=job_id)[2] == "Can only reset a job when it is closed."
    assert refusal(client.ml.delete_job, job_id=job_id) == (
        409,
        "status_exception",
        f"Cannot delete job [{job_id}] because the job is opened",
    )
    assert refusal(client.ml.update_job, job_id=job_id, analysis_limits={"model_memory_limit": "2gb"}) == (
        400,
        "status_exception",
        "Cannot update analysis_limits while the job is open",
    )
    client.ml.close_job(job_id=job_id)
    assert "finished_time" in client.ml.get_jobs(job_id=job_id)["jobs"][0]
    client.ml.open_job(job_id=job_id)
    assert "finished_time" not in client.ml.get_jobs(job_id=job_id)["jobs"][0]
    client.ml.close_job(job_id=job_id, force=True)
    assert ("info", "Job is closing (forced)") in notifications(client, job_id)
    assert client.ml.reset_job(job_id=job_id)["acknowledged"] is True
    assert client.ml.delete_job(job_id=job_id)["acknowledged"] is True
    assert refusal(client.ml.get_jobs, job_id=job_id)[0] == 404
    assert [message for _, message in notifications(client, job_id)][-1] == "Job deleted"


def test_a_job_whose_limit_the_machine_can_never_hold_is_not_opened_or_waits(client, job_id):
    name, lazy = f"{job_id}-large", f"{job_id}-lazy"
    limits = {"model_memory_limit": "900tb"}
    client.ml.put_job(job_id=name, analysis_limits=limits, **COUNT_JOB)
    status, kind, reason = refusal(client.ml.open_job, job_id=name)
    assert (status, kind) == (429, "status_exception")
    assert "no ML nodes with sufficient capacity" in reason
    assert client.ml.get_job_stats(job_id=name)["jobs"][0]["state"] == "closed"
    client.ml.put_job(job_id=lazy, analysis_limits=limits, allow_lazy_open=True, **COUNT_JOB)
    assert client.ml.open_job(job_id=lazy)["node"] == ""
    stats = client.ml.get_job_stats(job_id=lazy)["jobs"][0]
    assert (stats["state"], "921600gb" in stats["assignment_explanation"]) == ("opening", True)
    client.ml.close_job(job_id=lazy)
    assert client.ml.get_job_stats(job_id=lazy)["jobs"][0]["state"] == "closed"


def test_a_missing_job_is_404_everywhere(client):
    for call in (
        client.ml.get_jobs,
        client.ml.get_job_stats,
        client.ml.open_job,
        client.ml.close_job,
        client.ml.delete_job,
        client.ml.reset_job,
        client.ml.get_records,
        client.ml.get_buckets,
        client.ml.get_influencers,
    ):
        assert refusal(call, job_id="absent") == (404, "resource_not_found_exception", "No known job with id 'absent'")


def test_update(client, job_id):
    changed = client.ml.update_job(
        job_id=job_id,
        description="new",
        groups=["g-update"],
        custom_settings={"owner": "me"},
        detectors=[{"detector_index": 0, "description": "events"}],
    )
    assert changed["description"] == "new"
    assert changed["analysis_config"]["detectors"][0]["detector_description"] == "events"
    assert client.ml.get_jobs(job_id=job_id)["jobs"][0] == changed.body
    assert notifications(client, job_id)[-1] == (
        "info",
        "Job updated: [custom_settings, description, detectors, groups]",
    )
    assert refusal(client.ml.update_job, job_id="_all", description="x")[0] == 400
    assert refusal(do, client, "POST", f"/_ml/anomaly_detectors/{job_id}/_update", {"bucket_span": "1h"})[2] == (
        "[job_update] unknown field [bucket_span]"
    )


def test_deletion_as_a_task(client, job_id):
    task = client.ml.delete_job(job_id=job_id, wait_for_completion=False)["task"]
    answer = do(client, "GET", f"/_tasks/{task}").body
    assert answer["completed"] is True
    assert answer["response"] == {"acknowledged": True}
    assert refusal(client.ml.get_jobs, job_id=job_id)[0] == 404


def test_stats_of_a_job_that_never_ran(client, job_id):
    stats = client.ml.get_job_stats(job_id=job_id)["jobs"][0]
    assert stats["state"] == "closed"
    assert "node" not in stats
    assert stats["data_counts"]["processed_record_count"] == 0
    assert "latest_record_timestamp" not in stats["data_counts"]
    assert stats["model_size_stats"]["model_bytes"] == 0
    assert stats["model_size_stats"]["memory_status"] == "ok"
    assert "average_bucket_processing_time_ms" not in stats["timing_stats"]


def test_what_a_client_asks_about_the_server(client):
    info = client.ml.info()
    assert info["defaults"]["anomaly_detectors"]["model_memory_limit"] == "1gb"
    assert info["limits"]["effective_max_model_memory_limit"].endswith("mb")
    assert info["upgrade_mode"] is False
    assert client.xpack.info()["features"]["ml"]["available"] is True
    assert client.license.get()["license"]["status"] == "active"
    assert client.cluster.health()["status"] == "green"


def test_upgrade_mode_keeps_states_and_refuses_opens(engine):
    with engine.client() as client:
        client.ml.put_job(job_id="j", **COUNT_JOB)
        client.ml.open_job(job_id="j")
        client.ml.set_upgrade_mode(enabled=True)
        assert client.ml.info()["upgrade_mode"] is True
        stats = client.ml.get_job_stats(job_id="j")["jobs"][0]
        assert stats["state"] == "opened"
        assert stats["assignment_explanation"] == "persistent task cannot be assigned while upgrade mode is enabled."
        client.ml.put_job(job_id="k", **COUNT_JOB)
        assert refusal(client.ml.open_job, job_id="k")[0] == 429
        client.ml.set_upgrade_mode(enabled=False)
        client.ml.open_job(job_id="k")


@pytest.mark.parametrize(("span", "named"), [("17m", "divisor"), ("36h", "multiple"), ("15m", None), ("2d", None)])
@pytest.mark.filterwarnings("ignore::elasticsearch.ElasticsearchWarning")
def test_a_span_that_days_are_not_made_of_is_warned_of(client, span, named):
    body = {**COUNT_JOB, "analysis_config": {**COUNT_JOB["analysis_config"], "bucket_span": span}}
    made = do(client, "PUT", f"/_ml/anomaly_detectors/job-{uuid.uuid4().hex[:12]}", body)
    warned = made.meta.headers.get("warning", "")
    assert (f"is not an integral {named} of the number of seconds in 1d [86400s]" in warned) == (named is not None)


def test_state_documents_that_somebody_brought_go_with_their_job(client, job_id):
    kinds = ("quantiles", "model_state_7#1", "categorizer_state#1")
    for owner in (job_id, f"{job_id}_2", "someone"):
        for kind in kinds:
            client.index(index=".ml-state-write", id=f"{owner}_{kind}", document={"state": "s"}, refresh=True)

    def owners():
        hits = client.search(index=".ml-state-000001", size=100)["hits"]["hits"]
        return {hit["_id"] for hit in hits if hit["_id"].startswith((job_id, "someone"))}

    client.ml.reset_job(job_id=job_id)
    assert owners() == {f"{owner}_{kind}" for owner in (f"{job_id}_2", "someone") for kind in kinds}
    client.delete_by_query(index=".ml-state-000001", query={"match_all": {}}, refresh=True)


def test_the_mapping_of_results_says_whose_it_is(client, job_id):
    (mapping,) = client.indices.get_mapping(index=f".ml-anomalies-{job_id}").values()
    assert mapping["mappings"]["_meta"]["version"] == client.ml.get_jobs(job_id=job_id)["jobs"][0]["job_version"]
